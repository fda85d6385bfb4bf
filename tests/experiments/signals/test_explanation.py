"""What is told of a close is what the desk wrote down of it, for every strategy and symbol."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.baselines import equal_weight, single
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.arrays import Float32Array
from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.history import Span
from benbot.experiments.config import load_config
from benbot.experiments.signals.explanation import Explanation, explain, strongest
from benbot.experiments.training.preparation import Prepared, prepare_experiment

Account = tuple[Prepared, Evaluation]


def traded(workshop: Any, *overrides: str) -> Account:  # noqa: ANN401
    prepared = prepare_experiment(load_config(str(workshop.config), overrides))
    policy = equal_weight(prepared.history.layout)
    settings = prepared.config.environment
    return prepared, evaluate(policy, prepared.history, prepared.span("fit"), settings)


@pytest.fixture(scope="module")
def account(workshop: Any) -> Account:  # noqa: ANN401
    return traded(workshop)


class Shrinking:
    """Trusts all strategies alike, and all of them less and less, in leaps."""

    name = "shrinking"

    def __init__(self, n_decisions: int) -> None:
        self.n_decisions = n_decisions
        self.reset()

    def reset(self) -> None:
        self.asked = 0

    def weights(self, observation: Float32Array) -> Float32Array:
        self.asked += 1
        share = 1.0 if self.asked % 40 < 20 else 0.4
        return np.array([share / 3.0] * 3 + [1.0 - share], np.float32)


def outcome(told: Explanation, k: int) -> tuple[str, str]:
    return told.wishes[k].outcome


def first(records: np.ndarray, where: np.ndarray) -> tuple[int, int, int]:
    """Return bar, symbol and strategy of the first record for which it is so."""
    one = records[where][0]
    return int(one["bar"]), int(one["symbol"]), int(one["strategy"])


def test_the_verdict_on_every_winner_is_the_one_that_was_written_down(account: Account) -> None:
    prepared, evaluation = account
    decisions = evaluation.decisions[evaluation.decisions["enlarges"] == 0]
    seen: Counter[str] = Counter()
    for decision in decisions[::23]:
        t, s, k = int(decision["bar"]), int(decision["symbol"]), int(decision["strategy"])
        told = explain(prepared, evaluation, t, s)
        short, sentence = outcome(told, k)
        verdict = Verdict(int(decision["verdict"]))
        expected = {Verdict.PASSED: "traded", Verdict.CLIPPED: "clipped: "}.get(
            verdict, f"refused: {verdict.name.replace('_', ' ').lower()}"
        )
        assert short.startswith(expected)
        assert f"wanted {abs(decision['wanted']):.2%} of equity" in sentence
        seen[verdict.name] += 1
        for other, wish in enumerate(told.wishes):
            if wish.outcome.short == f"lost to {k + 1}":
                assert other != k
                assert abs(wish.score) <= abs(told.wishes[k].score)
    assert len(seen) >= 4, seen


def test_no_candidate_is_left_without_a_reason(account: Account) -> None:
    """The last resort, that the account was ruined, is not needed while it is not."""
    prepared, evaluation = account
    span, rng = prepared.span("fit"), np.random.default_rng(0)
    shorts: Counter[str] = Counter()
    for t in rng.integers(span.first, span.last, 60).tolist():
        told = explain(prepared, evaluation, t, int(rng.integers(prepared.market.n_symbols)))
        for wish in told.wishes:
            shorts[wish.outcome.short.split(":")[0].rstrip("123456 ")] += 1
            assert (wish.outcome.short == "no opinion") <= (wish.direction == 0)
    assert "not heard" not in shorts
    assert {"no opinion", "lost to", "holds it", "refused"} <= set(shorts)


def test_who_holds_a_symbol_is_what_the_marks_say(account: Account) -> None:
    prepared, evaluation = account
    t, s, k = first(evaluation.holdings, evaluation.holdings["bar"] < prepared.span("fit").last)
    told = explain(prepared, evaluation, t, s)
    side = "long" if evaluation.holdings[0]["worth"] > 0.0 else "short"
    assert told.holder == f"{prepared.strategies[k].name}, {side}"
    assert told.n_positions == (evaluation.holdings["bar"] == t).sum()
    assert told.equity == evaluation.equity[t - evaluation.bars[0]]


def test_a_holder_that_leaves_is_told_with_the_reason_of_its_exit(account: Account) -> None:
    prepared, evaluation = account
    for reason in (Exit.REVERSAL, Exit.TIME):
        trades = evaluation.trades
        closed = (trades["reason"] == reason) & (trades["closed"] < evaluation.bars[-1])
        one = trades[closed][0]
        told = explain(prepared, evaluation, int(one["closed"]) - 1, int(one["symbol"]))
        short, sentence = outcome(told, int(one["strategy"]))
        assert reason.name.lower() in short + sentence


def test_a_position_that_is_trimmed_is_not_said_to_be_left(account: Account) -> None:
    """Where the policy moves its weight away in part, what is held shrinks; else it is gone."""
    prepared, _ = account
    span = prepared.span("fit")
    shrinking = Shrinking(span.n_decisions)
    evaluation = evaluate(shrinking, prepared.history, span, prepared.config.environment)
    fills = evaluation.fills[evaluation.fills["reason"] == Exit.WEIGHT]
    seen: set[str] = set()
    for fill in fills[:20]:
        t, s, k = int(fill["bar"]) - 1, int(fill["symbol"]), int(fill["strategy"])
        after = evaluation.holdings[evaluation.holdings["bar"] == t + 1]
        stays = ((after["symbol"] == s) & (after["strategy"] == k)).any()
        short, _ = outcome(explain(prepared, evaluation, t, s), k)
        assert short == ("trims: weight" if stays else "leaves: weight")
        seen.add(short)
    assert "trims: weight" in seen


def test_numbers_are_those_of_the_signals_and_the_tape(account: Account) -> None:
    prepared, evaluation = account
    signals, tape = prepared.history.signals, prepared.history.tape
    t = int(evaluation.decisions["bar"][40])
    s = int(evaluation.decisions["symbol"][40])
    told = explain(prepared, evaluation, t, s)
    close = float(prepared.market.close[t, s])
    for k, wish in enumerate(told.wishes):
        assert wish.direction == signals.direction[t, k, s]
        assert wish.confidence == signals.confidence[t, k, s]
        if wish.confidence > 0.0:
            assert wish.direction * wish.confidence * wish.expected == pytest.approx(
                float(tape.value[t, k, s])
            )
            assert wish.stop_price == pytest.approx(
                close * (1.0 - wish.direction * signals.stop_distance[t, k, s])
            )
        else:
            assert np.isnan(wish.expected)
            assert wish.score == 0.0
    assert list(told.wishes[0].seen) == ["RSI"]


def test_what_was_seen_needs_no_later_bar(account: Account) -> None:
    prepared, evaluation = account
    t = prepared.span("fit").first + 100
    whole = explain(prepared, evaluation, t, 2)
    short = replace(
        prepared, history=replace(prepared.history, market=prepared.market.until(t + 1))
    )
    again = explain(short, evaluation, t, 2)
    assert [wish.seen for wish in again.wishes] == [wish.seen for wish in whole.wishes]


def test_an_account_that_stops_after_the_bar_tells_the_same(account: Account) -> None:
    prepared, evaluation = account
    t, s, k = first(evaluation.decisions, evaluation.decisions["verdict"] == Verdict.PASSED)
    span = Span(prepared.span("fit").first, t + 1)
    policy = equal_weight(prepared.history.layout)
    short = evaluate(policy, prepared.history, span, prepared.config.environment)
    assert outcome(explain(prepared, short, t, s), k) == outcome(
        explain(prepared, evaluation, t, s), k
    )


def test_without_shorts_a_short_wish_is_told_so(workshop: Any) -> None:  # noqa: ANN401
    prepared, evaluation = traded(workshop, "desk.limits.allow_short=false")
    signals, span = prepared.history.signals, prepared.span("fit")
    inside = np.arange(prepared.market.n_bars) < span.last
    inside[: span.first] = False
    asks = (signals.direction == -1) & (signals.confidence > 0.0) & inside[:, None, None]
    t, k, s = (int(i) for i in np.argwhere(asks)[5])
    assert outcome(explain(prepared, evaluation, t, s), k)[0] in ("no shorts", "lost to 1")


def test_a_policy_that_trusts_another_strategy_gave_this_one_no_weight(account: Account) -> None:
    prepared, _ = account
    policy = single(prepared.history.layout, 2, "bollinger_reversion")
    settings = prepared.config.environment
    alone = evaluate(policy, prepared.history, prepared.span("fit"), settings)
    signals, span = prepared.history.signals, prepared.span("fit")
    wants = signals.confidence[span.first : span.last, 1] > 0.0
    quiet = signals.direction[span.first : span.last, 2] == 0
    bars, symbols = np.nonzero(wants & quiet)
    told = [
        explain(prepared, alone, span.first + int(t), int(s))
        for t, s in zip(bars[:12], symbols[:12], strict=True)
    ]
    assert "no weight" in {outcome(one, 1)[0] for one in told}


def test_the_breaker_told_is_the_one_that_judged_the_orders_of_the_close(
    account: Account,
) -> None:
    prepared, evaluation = account
    halted = evaluation.decisions[evaluation.decisions["verdict"] == Verdict.HALTED]
    t, s = int(halted["bar"][0]), int(halted["symbol"][0])
    told = explain(prepared, evaluation, t, s)
    assert told.breaker in (Breaker.DRAWDOWN, Breaker.DAILY_LOSS)
    (short,) = {w.outcome.short for w in told.wishes if w.outcome.short.startswith("refused")}
    assert short == "refused: halted"


def test_the_strongest_candidate_is_that_of_the_highest_value(account: Account) -> None:
    prepared, _ = account
    t = prepared.span("fit").first + 50
    value = np.abs(prepared.history.tape.value[t, :, : prepared.market.n_symbols])
    assert value[:, strongest(prepared, t)].max() == value.max()


def test_a_young_symbol_is_said_to_warm_up(workshop: Any) -> None:  # noqa: ANN401
    segments = "segments.fit.start=2000-01-03"
    prepared, evaluation = traded(workshop, segments)
    told = explain(prepared, evaluation, prepared.span("fit").first + 5, 0)
    short, sentence = outcome(told, 0)
    assert short == "warming up"
    assert sentence == "it needs 112 bars before its first opinion, had 5"
