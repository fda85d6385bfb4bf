"""Who wins a symbol when several strategies want it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]


def test_the_highest_weight_times_value_wins_the_symbol(trial: Trial) -> None:
    account = trial(3, n_strategies=3)
    account.want(0, 0.010, k=0)
    account.want(0, 0.030, k=1)
    account.want(0, 0.020, k=2)
    account.weigh(0.5, 0.1, 0.4)  # scores 0.005, 0.003, 0.008
    account.run()
    assert account.positions["strategy"].tolist() == [2]
    assert len(account.decisions) == 1


def test_of_equal_scores_the_first_strategy_wins(trial: Trial) -> None:
    account = trial(3, n_strategies=3)
    for k in range(3):
        account.want(0, 0.01, k=k)
    account.run()
    assert account.positions["strategy"].tolist() == [0]


@pytest.mark.parametrize("closes", [False, True])
def test_of_equal_scores_the_first_strategy_wins_though_the_second_holds_the_symbol(
    trial: Trial, rules: Rules, closes: bool
) -> None:
    """It is a duplicate, or opens a position where the second's has just been closed by time."""
    account = trial(4, n_strategies=2, rules=rules(exits={"time_stop": 1 if closes else 9}))
    account.want(0, k=1)
    account.want(1, k=0)
    account.want(1, k=1)
    account.run(2)
    assert account.decisions["strategy"].tolist() == [1, 0]
    second = Verdict.PASSED if closes else Verdict.DUPLICATE
    assert account.decisions["verdict"].tolist() == [Verdict.PASSED, second]
    assert account.positions["strategy"].tolist() == [0 if closes else 1]


def test_the_stronger_of_two_sides_wins(trial: Trial) -> None:
    account = trial(3, n_strategies=2)
    account.want(0, 0.007, k=0)
    account.want(0, -0.01, k=1)
    account.run()
    assert account.positions["units"].tolist() == [-80.0]
    assert account.positions["strategy"].tolist() == [1]


@pytest.mark.parametrize("may_short", [True, False])
def test_a_value_that_is_not_a_number_never_wins_and_stops_nobody(
    trial: Trial, rules: Rules, may_short: bool
) -> None:
    account = trial(3, n_strategies=6, rules=rules(limits={"allow_short": may_short}))
    for k in (0, 2, 5):
        account.want(0, float("nan"), k=k)
    account.want(0, 0.01, k=3)
    account.run()
    assert account.positions["strategy"].tolist() == [3]
    assert account.decisions["verdict"].tolist() == [Verdict.PASSED]


@pytest.mark.parametrize("n_strategies", [1, 2, 3, 4, 5, 7, 8, 9])
@pytest.mark.parametrize("n_symbols", [1, 7, 8, 9])
def test_every_strategy_is_heard_on_every_symbol(
    trial: Trial, n_strategies: int, n_symbols: int
) -> None:
    for k in range(n_strategies):
        account = trial(3, n_symbols=n_symbols, n_strategies=n_strategies)
        account.want(0, -0.01, k=k, s=n_symbols - 1)
        account.run()
        assert account.positions[["symbol", "strategy"]].tolist() == [(n_symbols - 1, k)]


def test_a_close_call_cancels_both_sides(trial: Trial) -> None:
    account = trial(3, n_strategies=2)
    account.want(0, 0.0085, k=0)
    account.want(0, -0.01, k=1)
    account.run()
    assert not account.positions.size
    assert account.decisions["verdict"].tolist() == [Verdict.CLOSE_CALL]
    assert account.account["n_refused"] == 1


def test_sides_of_the_same_strength_cancel_each_other(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_strategies=2, rules=rules(limits={"close_call": 1.0}))
    account.want(0, 0.01, k=0)
    account.want(0, -0.01, k=1)
    account.run()
    assert account.decisions["verdict"].tolist() == [Verdict.CLOSE_CALL]


def test_weights_decide_between_two_sides(trial: Trial) -> None:
    account = trial(3, n_strategies=2)
    account.want(0, 0.01, k=0)
    account.want(0, -0.01, k=1)
    account.weigh(0.75, 0.25)
    account.run()
    assert (account.positions["units"] > 0.0).tolist() == [True]


def test_without_short_selling_nobody_sells_short(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(limits={"allow_short": False}))
    account.want(0, -0.01)
    account.run()
    assert not account.positions.size
    assert account.account["n_winners"] == 0


def test_without_short_selling_the_short_side_does_not_compete(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=2, n_strategies=2, rules=rules(limits={"allow_short": False}))
    account.want(0, 0.01, k=0, s=0)
    account.want(0, -0.0101, k=1, s=0)  # would be a close call
    account.want(0, 0.01, k=0, s=1)
    account.want(0, -0.05, k=1, s=1)  # would win
    account.run()
    assert account.positions["units"].tolist() == [80.0, 80.0]


def test_a_strategy_that_holds_what_it_asks_for_makes_no_decision(trial: Trial) -> None:
    account = trial(4)
    account.want(0)
    account.want(1)
    account.want(2)
    account.run(3)
    assert len(account.decisions) == 1
    assert account.account["n_winners"] == 0
    assert account.account["n_refused"] == 0


def test_a_strategy_that_changes_its_mind_holds_the_other_side_after_one_open(
    trial: Trial,
) -> None:
    account = trial(4)
    account.want(0)
    account.want(1, -0.01)
    account.shape(2, open=104.0, high=104.0)
    account.run(2)
    assert account.trades["reason"].tolist() == [Exit.REVERSAL]
    assert account.positions["units"].tolist() == [-80.0]
    assert account.positions["opened"].tolist() == [2]


def test_a_reversal_makes_room_for_another_strategy_too(trial: Trial) -> None:
    account = trial(4, n_strategies=2)
    account.want(0, 0.01, k=0)
    account.want(1, -0.001, k=0)
    account.want(1, -0.01, k=1)
    account.run(2)
    assert account.positions["strategy"].tolist() == [1]


def test_accounts_side_by_side_choose_by_their_own_weights(trial: Trial) -> None:
    first, second = (trial(3, n_strategies=2) for _ in range(2))
    for account, weights in ((first, (0.9, 0.1)), (second, (0.1, 0.9))):
        account.want(0, 0.01, k=0)
        account.want(0, 0.01, k=1)
        account.weigh(*weights)
        account.run()
    assert first.positions["strategy"].tolist() == [0]
    assert second.positions["strategy"].tolist() == [1]


# What is left out of the hearing without a ledger, because it stands no chance, changes nothing.


def busy_account(trial: Trial, rules: Rules, seed: int, room: int) -> Any:  # noqa: ANN401
    """Return an account with many candidates, few slots, and symbols that move together."""
    rng = np.random.default_rng(seed)
    limits = {"max_positions": 3, "close_call": 0.8}
    gates = {"correlation": 0.5, "stress": True}
    account = trial(13, 6, 5, rules(limits=limits, gates=gates, exits={"time_stop": 3}), room)
    factors = rng.normal(size=(6, 2))
    factors /= np.linalg.norm(factors, axis=1, keepdims=True)
    account.relate(factors @ factors.T)
    asked = rng.choice([0.0, 0.01, 0.02, 0.03, -0.01, -0.02], account.value.shape)
    account.value[:] = asked * (rng.random(asked.shape) < 0.4)
    account.regime[::4] = 2  # of stress
    return account


@pytest.mark.parametrize("seed", range(8))
def test_without_a_ledger_the_same_is_traded(trial: Trial, rules: Rules, seed: int) -> None:
    silent, told = (busy_account(trial, rules, seed, room) for room in (0, 500))
    for _ in range(12):
        silent.run()
        told.run()
        assert silent.desk.book.positions.tobytes() == told.desk.book.positions.tobytes()
        assert silent.account == told.account
    assert len(told.fills) > 4
    assert {Verdict.CORRELATION, Verdict.DUPLICATE, Verdict.CLOSE_CALL} & set(
        told.decisions["verdict"].tolist()
    )


@pytest.mark.parametrize("room", [0, 500])
def test_the_highest_scores_are_heard_first_and_of_equals_the_first_symbol(
    trial: Trial, rules: Rules, room: int
) -> None:
    account = trial(3, 7, rules=rules(limits={"max_positions": 4}), room=room)
    for s, value in enumerate([0.01, 0.02, -0.03, 0.02, 0.04, -0.02, 0.015]):
        account.want(0, value, s=s)
    account.run()
    assert account.positions["symbol"].tolist() == [4, 2, 1, 3]
    if room:
        assert account.decisions["symbol"].tolist() == [4, 2, 1, 3, 5, 6, 0]


def test_winners_of_an_earlier_close_have_no_place_among_those_of_a_later_one(
    trial: Trial, rules: Rules
) -> None:
    account = trial(4, 3, rules=rules(exits={"time_stop": 1}))
    for s in range(3):
        account.want(0, 0.03, s=s)
    account.want(1, 0.001, s=1)
    account.want(2, 0.001, s=2)
    account.run(3)
    assert account.decisions["symbol"].tolist() == [0, 1, 2, 2]  # 1 is held from the bar before
    assert account.positions["symbol"].tolist() == [2]


def test_the_order_of_a_hundred_symbols_is_that_of_their_scores(trial: Trial, rules: Rules) -> None:
    account = trial(3, 100, rules=rules(limits={"max_positions": 100}))
    values = np.random.default_rng(3).permutation(np.repeat(np.arange(1, 51), 2)) / 1000.0
    for s, value in enumerate(values):
        account.want(0, value if s % 3 else -value, s=s)
    account.run()
    asked = account.decisions["symbol"][account.decisions["verdict"] == Verdict.PASSED]
    first = np.argsort(-values.astype(np.float32), kind="stable")[: len(asked)]
    assert len(asked) > 5
    assert asked.tolist() == first.tolist()


@pytest.mark.parametrize(("value", "wanted"), [(0.02, 0.04), (-0.02, -0.04)])
def test_who_is_refused_before_its_rooms_says_how_much_it_wanted(
    trial: Trial, rules: Rules, value: float, wanted: float
) -> None:
    """A hundredth of equity at a stop of an eighth is 0.08, and half of it at half the weight."""
    account = trial(4, 2, 2, rules=rules(limits={"max_positions": 1}))
    account.want(0, k=0)
    account.run()
    account.move(2, 125.0)  # equity is another than the capital
    account.run()
    account.weigh(0.75, 0.25)
    account.want(2, value, k=1, s=1)
    account.run()
    refused = account.decisions[-1]
    assert Verdict(refused["verdict"]) == Verdict.CAPACITY
    assert refused["wanted"] == pytest.approx(wanted)
    assert (refused["allowed"], refused["limit"]) == (0.0, Verdict.PASSED)
