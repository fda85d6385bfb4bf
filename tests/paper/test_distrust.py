"""A policy that chooses nonsense, none at all, and strategies that fail: exits go on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch
from benbot.envs.market.market import Market
from benbot.paper.autoloop import Status
from benbot.paper.growing import Growing
from benbot.paper.holding import Holding
from benbot.paper.isolation import HUNG, Isolated
from benbot.paper.replayed import Stretch
from benbot.paper.setting import require_same
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.store import set_switch
from benbot.paper.trust import NEEDED
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.hearing import collect
from tests.paper.replays import Scripted, heard_stretch
from tests.paper.walks import N_BARS, Walk, is_exit, walking


@dataclass(frozen=True, eq=False)
class Odd(Scripted):
    """A scripted policy that raises, or says something that is no weight, for some decisions."""

    odd: tuple[int, ...] = ()
    says: float | None = np.nan

    def weights(self, observation: Float32Array) -> Float32Array:
        n = len(self.seen)
        weights = super().weights(observation)
        if n not in self.odd:
            return weights
        if self.says is None:
            raise FloatingPointError("underflow")
        return np.full_like(weights, self.says)


def odd_stretch(says: float | None, *odd: int) -> Stretch:
    stretch, _ = heard_stretch()
    script = stretch.policy.script  # type: ignore[attr-defined]
    return replace(stretch, policy=Odd(script, odd=odd, says=says))


@pytest.mark.parametrize("says", [np.nan, pytest.param(None, marks=pytest.mark.nightly)])
def test_nonsense_three_times_in_a_row_stops_entries_until_it_is_sense_again(
    says: float | None, folder: Path
) -> None:
    odd = tuple(range(N_BARS + 1, N_BARS + NEEDED + 3))
    with walking(folder, odd_stretch(says, *odd)) as walk:
        walk.bars(N_BARS + NEEDED - 1)
        assert walk.alarms() == []
        walk.bars(1)
        assert walk.alarms() == ["policy"]
        walk.venue.sent.clear()
        cycle = walk.cycle()
        assert cycle.statuses[0] is Status.CIRCUIT_BREAKER
        assert "nonsense 3 times in a row" in cycle.why
        assert all(is_exit(one) for one in walk.venue.sent)
    with walking(folder, odd_stretch(says, *odd)) as walk:  # and a restart forgets nothing of it
        assert "nonsense" in walk.on.loop.trader.trust.why_not
        walk.cycle()
        walk.cycle()
        walk.bars(8)
        assert [one for one in walk.venue.sent if not is_exit(one)]
        assert walk.alarms() == ["policy"]
        assert "recovered" in set(walk.table("events")["kind"])


@pytest.mark.nightly
def test_nonsense_that_is_not_in_a_row_stops_nothing(folder: Path) -> None:
    with walking(folder, odd_stretch(np.nan, 2, 3, 5, 6)) as walk:
        walk.bars(N_BARS)
        assert walk.alarms() == []
        assert walk.table("events")["kind"].tolist().count("nonsense") == 4


# Exits only.


def test_without_its_policy_an_account_leaves_and_enters_nothing(folder: Path) -> None:
    stretch, _ = heard_stretch()
    with walking(folder, stretch) as walk:
        walk.bars(N_BARS)
        weights = walk.table("decisions")["weights"].iloc[-1]
    with walking(folder, replace(stretch, policy=Holding())) as walk:
        cycles = walk.bars(12)
        assert "exits only" in cycles[0].why
        assert walk.venue.sent
        assert all(is_exit(one) for one in walk.venue.sent)
        assert walk.alarms() == ["policy"]
        decisions = walk.table("decisions")
        assert set(decisions["weights"].iloc[N_BARS:]) == {weights}
        assert walk.table("events")["kind"].tolist().count("held") == 12
    with walking(folder, stretch) as walk:  # the policy is back, and is shown what it missed
        walk.bars(5)
        assert [one for one in walk.venue.sent if not is_exit(one)]
        assert len(stretch.policy.seen) == len(decisions) + 5  # type: ignore[attr-defined]


def test_an_account_does_not_begin_without_a_policy(folder: Path) -> None:
    stretch = replace(heard_stretch()[0], policy=Holding())
    with pytest.raises(RunMismatch, match="exits only is for an account"), walking(folder, stretch):
        pass
    require_same('{"policy": "a", "rules": 1}', {"policy": "b", "rules": 1}, Holding())
    with pytest.raises(RunMismatch, match="must go on with the rules"):
        require_same('{"policy": "a", "rules": 1}', {"policy": "b", "rules": 2}, Holding())
    with pytest.raises(RunMismatch, match="--exits-only manages what is held"):
        require_same('{"policy": "a"}', {"policy": "b"})


# Strategies.


class Failing:
    """A strategy of the catalogue that fails from some bar to another, in some way."""

    def __init__(self, strategy: Strategy, how: str, bars: range) -> None:
        self._strategy, self.how, self._bars = strategy, how, bars
        self.n_asked = 0
        self.release = Event()

    def opinion(self, market: Market) -> Opinion:
        said = self._strategy.opinion(market)
        if market.n_bars - 1 not in self._bars:
            return said
        self.n_asked += 1
        if self.how == "raises":
            raise ZeroDivisionError("by zero")
        if self.how == "hangs":
            self.release.wait(20.0)
        if self.how == "nonsense":
            return Opinion(said.direction, np.full_like(said.confidence, 7.0), said.stop_distance)
        if self.how == "shape":
            return Opinion(
                *(each[1:] for each in (said.direction, said.confidence, said.stop_distance))
            )
        return said

    def __getattr__(self, name: str) -> object:
        return getattr(self._strategy, name)


def failing_stretch(how: str, bars: range, which: int = 1) -> tuple[Stretch, Failing]:
    stretch, strategies = heard_stretch()
    failing = Failing(strategies[which], how, bars)
    heard: Sequence[object] = [*strategies[:which], failing, *strategies[which + 1 :]]
    isolated = Isolated(heard, patience=0.05)  # type: ignore[arg-type]
    history = stretch.history
    sleeves = ShadowSleeves(history.rules, len(strategies), history.market.n_symbols)
    chronicle = Growing(history.market.until, isolated, history.rules, history.regime, sleeves)
    return replace(stretch, chronicle=chronicle, isolated=isolated), failing


FIRST = 34  # bar at whose close the stretch begins


@pytest.mark.parametrize("how", ["raises", "hangs", "nonsense", "shape"])
def test_a_strategy_that_fails_is_not_heard_and_silences_nobody(how: str) -> None:
    stretch, failing = failing_stretch(how, range(0, 99))
    _, strategies = heard_stretch()
    market = stretch.history.market.until(50)
    assert stretch.isolated is not None
    signals = stretch.isolated(market)
    others = collect((strategies[0], strategies[2]), market)
    np.testing.assert_array_equal(signals.direction[:, [0, 2]], others.direction)
    assert not signals.direction[:, 1].any()
    assert list(stretch.isolated.failed) == [failing.name]
    if how == "hangs":
        assert stretch.isolated.failed[str(failing.name)] == HUNG
        stretch.isolated(market)
        assert failing.n_asked == 1  # its thread is still there
        failing.release.set()


def test_strategies_that_take_too_long_together_leave_the_rest_unheard() -> None:
    _, strategies = heard_stretch()
    now = iter([0.0, 1.0, 1.5, 25.0])
    isolated = Isolated(strategies, elapsed=lambda: next(now))
    isolated(heard_stretch()[0].history.market.until(50))
    assert (isolated.late, isolated.failed) == ({strategies[2].name}, {})


@pytest.mark.nightly
def test_a_strategy_that_fails_three_times_is_disabled_until_somebody_resumes(folder: Path) -> None:
    bars = range(FIRST + N_BARS, FIRST + N_BARS + 9)
    stretch, failing = failing_stretch("raises", bars)
    with walking(folder, stretch) as walk:
        walk.bars(N_BARS + NEEDED + 2)
        assert failing.n_asked == NEEDED
        assert walk.alarms() == [f"strategy {failing.name}"]
        assert _exits_go_on(walk)
    stretch, failing = failing_stretch("raises", bars)
    with walking(folder, stretch) as walk:  # a restart is no pardon
        walk.bars(1)
        assert failing.n_asked == 0
        set_switch(walk.url, "replay", walk.on.clock(), "test", is_halted=False, must_stop=False)
        walk.bars(1)
        assert failing.n_asked == 1
        walk.bars(4)
        unheard = walk.table("events").query("kind == 'unheard'")
        assert len(unheard) >= NEEDED + 2
        assert "ZeroDivisionError: by zero" in unheard["reasons"].iloc[0]


@pytest.mark.nightly
@pytest.mark.parametrize("halted", [False, True])
def test_a_strategy_stays_disabled_over_restarts_and_halts_and_pardoned_over_others(
    halted: bool, folder: Path
) -> None:
    bars = range(FIRST + N_BARS, FIRST + N_BARS + NEEDED)
    asked = []
    for n_bars, switches in (
        (N_BARS + NEEDED + 1, [{"is_halted": True}] if halted else []),
        (2, [{"is_halted": False, "must_stop": False}]),
        (2, [{"is_halted": True}]),  # another halt, long after the pardon
        (2, []),
    ):
        stretch, failing = failing_stretch("raises", bars)
        with walking(folder, stretch) as walk:
            muted = set(stretch.isolated.muted)  # type: ignore[union-attr]
            walk.bars(n_bars)
            asked.append((muted, set(stretch.isolated.muted)))  # type: ignore[union-attr]
            for switch in switches:
                set_switch(walk.url, "replay", walk.on.clock(), "test", **switch)
    name = str(failing.name)
    assert asked == [(set(), {name}), ({name}, {name}), ({name}, set()), (set(), set())]


def _exits_go_on(walk: Walk) -> bool:
    intents = walk.table("intents")
    exits = intents[intents["reason"] != "NONE"]
    return len(exits) > 0 and set(exits["status"]) == {"done"}


@pytest.mark.nightly
def test_who_was_not_heard_is_not_heard_again_at_the_same_close(folder: Path) -> None:
    """Or a restart within an opening would want other orders than those that were sent."""
    close = FIRST + N_BARS
    stretch, _ = failing_stretch("raises", range(close, close + 1))
    with walking(folder, stretch) as walk:
        walk.bars(N_BARS)
        before = walk.on.loop.trader._tape.value[close].copy()
    stretch, _ = failing_stretch("raises", range(0))
    with walking(folder, stretch) as walk:
        np.testing.assert_array_equal(walk.on.loop.trader._tape.value[close], before)
        walk.bars(1)
        assert walk.on.loop.trader._tape.value[close + 1].any()
