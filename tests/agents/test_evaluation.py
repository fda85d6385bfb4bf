"""An evaluation keeps everything, and what it keeps explains every cent."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import Fixed, Random, equal_weight
from benbot.agents.evaluation import Evaluation, drain, evaluate
from benbot.agents.policy import Allocator
from benbot.envs.allocation import AllocationEnv
from benbot.envs.arrays import Float32Array, FloatArray, RecordArray
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.errors import InvalidWeights
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

SPAN = Span(30, 220)


@pytest.fixture(scope="module")
def restless(history: History, environment: EnvironmentSettings) -> Evaluation:
    """What a policy did that changes all its weights at every close."""
    return evaluate(Random(history.layout, 5), history, SPAN, environment)


def last_prices(history: History, bar: int) -> FloatArray:
    """Return the last close of every symbol at or before a bar."""
    tradable = history.market.tradable[: bar + 1]
    last = np.where(tradable, np.arange(bar + 1)[:, None], 0).max(axis=0)
    prices: FloatArray = history.market.close[last, np.arange(history.market.n_symbols)]
    return prices


def test_there_is_a_mark_before_the_first_decision_and_after_every_one(
    restless: Evaluation, history: History
) -> None:
    n = SPAN.n_decisions
    for name in ("timestamps", "bars", "equity", "exposure", "regime", "breaker"):
        assert len(getattr(restless, name)) == n + 1, name
    assert restless.weights.shape == (n, 4)
    assert restless.turnover.shape == (n,)
    assert (restless.bars[0], restless.bars[-1]) == (SPAN.first, SPAN.last)
    np.testing.assert_array_equal(restless.timestamps, history.market.timestamps[restless.bars])
    np.testing.assert_array_equal(restless.regime, history.tape.regime[restless.bars])
    assert restless.equity[0] == history.rules.capital


def test_weights_are_those_that_the_policy_chose(restless: Evaluation, history: History) -> None:
    policy = Random(history.layout, 5)
    nothing = np.zeros(history.layout.size, np.float32)
    chosen = [policy.weights(nothing) for _ in range(SPAN.n_decisions)]
    np.testing.assert_allclose(restless.weights, chosen, atol=1e-6)


def test_fills_explain_the_equity_at_every_mark(restless: Evaluation, history: History) -> None:
    for mark, bar in enumerate(restless.bars):
        fills = restless.fills[restless.fills["bar"] <= bar]
        units = np.bincount(fills["symbol"], fills["units"], minlength=5)
        prices = last_prices(history, bar)
        spent = (fills["units"] * fills["price"] + fills["cost"]).sum()
        held = units * np.where(np.isnan(prices), 0.0, prices)
        equity = history.rules.capital - spent + held.sum()
        assert restless.equity[mark] == pytest.approx(equity, rel=1e-10)
        assert restless.exposure[mark] == pytest.approx(np.abs(held).sum() / equity, abs=1e-9)


def test_turnover_is_the_notional_of_the_fills_over_the_equity_before(
    restless: Evaluation,
) -> None:
    notional = np.abs(restless.fills["units"]) * restless.fills["price"]
    by_bar = np.bincount(restless.fills["bar"], notional, minlength=SPAN.last + 1)
    expected = by_bar[SPAN.first + 1 :] / restless.equity[:-1]
    np.testing.assert_allclose(restless.turnover, expected, rtol=1e-9)
    assert restless.turnover.sum() > 1.0


def test_profit_of_trades_and_of_what_is_open_is_that_of_the_account(
    restless: Evaluation, history: History
) -> None:
    fills, trades = restless.fills, restless.trades
    open_profit = open_costs = 0.0
    prices = last_prices(history, SPAN.last)
    for s in np.unique(fills["symbol"]):
        # A position that is closed nets to zero, so what is left belongs to the one that is open.
        own = fills[fills["symbol"] == s]
        net = np.round(np.cumsum(own["units"]), 9)
        flat = np.flatnonzero(net == 0.0)
        left = own[flat[-1] + 1 :] if flat.size else own
        money = -(left["units"] * left["price"]).sum()
        open_profit += money - left["cost"].sum() + left["units"].sum() * prices[s]
        open_costs += left["cost"].sum()
    gained = restless.equity[-1] - restless.equity[0]
    assert len(trades) > 20
    assert trades["profit"].sum() + open_profit == pytest.approx(gained, rel=1e-9)
    assert trades["costs"].sum() + open_costs == pytest.approx(fills["cost"].sum(), rel=1e-9)


def test_every_trade_has_its_fills_and_every_entry_its_decision(restless: Evaluation) -> None:
    fills, trades, decisions = restless.fills, restless.trades, restless.decisions
    closings = {(f["bar"], f["symbol"], f["reason"]) for f in fills if f["reason"]}
    assert {(t["closed"], t["symbol"], t["reason"]) for t in trades} <= closings
    allowed = {(d["bar"] + 1, d["symbol"]) for d in decisions if d["allowed"] != 0.0}
    filled = {(f["bar"], f["symbol"]) for f in fills if not f["reason"]}
    assert {(t["opened"], t["symbol"]) for t in trades} <= allowed <= filled


def test_it_is_the_environment_that_everyone_else_steps(
    policy: Allocator, history: History, environment: EnvironmentSettings
) -> None:
    whole = environment.model_copy(update={"episode_bars": SPAN.n_decisions})
    env = AllocationEnv(history, SPAN, whole)
    observation, info = env.reset(seed=0)  # only one start is possible
    equity, done = [info["equity"]], False
    while not done:
        observation, _, terminated, truncated, info = env.step(policy.weights(observation))
        equity.append(info["equity"])
        done = terminated or truncated
    np.testing.assert_array_equal(
        evaluate(policy, history, SPAN, environment).equity, np.array(equity)
    )


def test_the_same_policy_does_the_same_again(
    restless: Evaluation, history: History, environment: EnvironmentSettings
) -> None:
    again = evaluate(Random(history.layout, 5), history, SPAN, environment)
    for name in ("equity", "weights", "exposure", "turnover", "fills", "trades", "decisions"):
        np.testing.assert_array_equal(getattr(again, name), getattr(restless, name))
    other = evaluate(Random(history.layout, 6), history, SPAN, environment)
    assert (other.equity != restless.equity).any()


def test_a_policy_begins_each_account_afresh(
    history: History, environment: EnvironmentSettings
) -> None:
    policy = Random(history.layout, 5)
    first, second = (evaluate(policy, history, SPAN, environment) for _ in range(2))
    np.testing.assert_array_equal(first.weights, second.weights)


@pytest.mark.parametrize("weights", [[np.nan] * 4, [0.0] * 4, [0.5, 0.5]])
def test_a_policy_that_says_nothing_is_not_judged(
    history: History, environment: EnvironmentSettings, weights: list[float]
) -> None:
    silent = Fixed("silent", np.array(weights, np.float32))
    with pytest.raises(InvalidWeights, match="weights of silent must"):
        evaluate(silent, history, SPAN, environment)


def test_a_ruined_account_stands_still(history: History) -> None:
    fragile = EnvironmentSettings(episode_bars=20, ruin=0.997)
    result = evaluate(equal_weight(history.layout), history, SPAN, fragile)
    ruined = int(np.flatnonzero(result.equity <= 0.997 * history.rules.capital)[0])
    assert 1 < ruined < SPAN.n_decisions - 10
    assert (result.equity[ruined:] == result.equity[ruined]).all()
    assert not result.exposure[ruined + 1 :].any()
    assert not result.turnover[ruined:].any()
    assert (result.weights[ruined:, :-1] == 0.0).all()
    assert (result.weights[ruined:, -1] == 1.0).all()
    assert result.fills["bar"].max() <= result.bars[ruined]


def test_growth_is_annual_and_that_of_nothing_is_the_least(restless: Evaluation) -> None:
    doubled = replace(restless, equity=np.array([1.0, 5.0, 2.0]), bars_per_year=252.0)
    assert doubled.annual_growth == pytest.approx(np.log(2.0) * 126.0)
    for last in (0.0, -1.0):
        assert replace(restless, equity=np.array([1.0, last])).annual_growth == -np.inf


def test_records_that_found_no_room_are_no_small_matter() -> None:
    ledger = open_ledger(1, fills=2)
    kept: list[RecordArray] = []
    ledger.n_fills[0] = 3
    with pytest.raises(AssertionError, match="not have more than 2 fills, was 3"):
        drain(ledger, "fills", kept)


def test_records_are_moved_once() -> None:
    ledger = open_ledger(1, fills=4)
    kept: list[RecordArray] = []
    ledger.fills["bar"][0, :2] = 7, 8
    ledger.n_fills[0] = 2
    drain(ledger, "fills", kept)
    drain(ledger, "fills", kept)
    assert [part["bar"].tolist() for part in kept] == [[7, 8]]


def test_an_observation_reaches_the_policy_as_the_layout_names_it(
    history: History, environment: EnvironmentSettings
) -> None:
    class Watcher:
        name = "watcher"

        def reset(self) -> None:
            self.cash: list[float] = []

        def weights(self, observation: Float32Array) -> Float32Array:
            self.cash.append(float(history.layout.context(observation, "cash")))
            return np.array([0.5, 0.5, 0.0, 0.0], np.float32)

    watcher = Watcher()
    result = evaluate(watcher, history, SPAN, environment)
    assert watcher.cash[0] == 1.0
    assert len(watcher.cash) == SPAN.n_decisions
    assert len(set(watcher.cash)) > 20
    assert result.strategies == ("k0", "k1", "k2")
