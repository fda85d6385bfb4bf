"""A tournament that is played from close to close is the one that is played over a history."""

import json
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from benbot.envs.arrays import IntArray
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.errors import InvalidParameter, RunMismatch
from benbot.envs.features import static_features
from benbot.envs.history import History, Span
from benbot.envs.market.regime import DEFAULT
from benbot.strategies.tournament import climb, sleeves
from benbot.strategies.tournament.alone import Alone
from benbot.strategies.tournament.binding import bound, entered, moves_of, stages_of
from benbot.strategies.tournament.climb import Climb
from benbot.strategies.tournament.sessions import is_daily, known_ends
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import sleeve_sessions
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Tournament
from tests.envs.desk.worlds import World, random_world

N_NIGHTLY, N_WATCHED = 100, 22
EASY = {"days": 2, "trades": 0, "sharpe": -9.0, "profit_factor": 0.0}
EAGER = TournamentSettings.model_validate(
    {
        "r1": {**EASY, "drawdown": 0.9, "breaches": 9, "level": 1.0},
        "r2": {**EASY, "drawdown": 0.05, "breaches": 2, "level": 1.0, "slots": 3},
        "r3": {**EASY, "drawdown": 0.04, "breaches": 0, "level": 1.0, "slots": 2},
        "live": {"window": 3, "broken": 1, "slots": 1},
        "gate": {"enabled": False},
        "retirement": {"sessions": 30, "demotions": 2},
        "binding": True,
    }
)


def with_days(world: World) -> World:
    """Return the world with each session on a day of its own."""
    market = world.market
    minutes = market.session * 1440 + np.arange(market.n_bars)
    stamps = np.datetime64("2020-01-01T01", "ns") + minutes * np.timedelta64(60, "s")
    return replace(world, market=replace(market, timestamps=stamps.astype("datetime64[ns]")))


@cache
def history_of(seed: int) -> History:
    """Return a random world as a history; its sessions have one bar, or several."""
    world = with_days(random_world(seed))
    tape = record_tape(world.market, world.signals, world.regime, world.rules)
    features = static_features(world.market, world.signals, tape)
    return History(world.market, world.signals, world.rules, DEFAULT, tape, features)


def prefix_of(history: History, n_bars: int) -> History:
    """Return the first bars of a history, computed from nothing later."""
    market, signals = history.market.until(n_bars), history.signals
    shorter = replace(
        signals,
        direction=signals.direction[:n_bars],
        confidence=signals.confidence[:n_bars],
        stop_distance=signals.stop_distance[:n_bars],
        partner=signals.partner[:n_bars],
        share=signals.share[:n_bars],
        diamond=signals.diamond[:n_bars],
    )
    tape = record_tape(market, shorter, history.tape.regime[:n_bars], history.rules)
    rows = history.features.rows[:n_bars]
    features = history.features._replace(rows=rows)
    return replace(history, market=market, signals=shorter, tape=tape, features=features)


@dataclass
class Walker:
    """Whoever follows a history bar by bar, and is put away and brought back now and then."""

    history: History
    climb: Climb

    @classmethod
    def beside(cls, history: History, settings: TournamentSettings = EAGER) -> "Walker":
        return cls(history, Climb(history.rules, history.signals.strategies, settings))

    def go_to(self, n_bars: int) -> None:
        part = prefix_of(self.history, n_bars)
        self.climb.follow(part.tape, part.features, part.market.days)

    def restart(self) -> None:
        """Go on as somebody else does, from what JSON and bytes keep."""
        state = json.loads(json.dumps(self.climb.state()))
        arrays = [array.tobytes() for array in self.climb.arrays]
        other = Walker.beside(self.history).climb
        assert other.fits(state, self.climb.bar)
        other.restore(state)
        for own, kept in zip(other.arrays, arrays, strict=True):
            own[...] = np.frombuffer(kept, own.dtype).reshape(own.shape)
        self.climb = other


def expected_of(history: History) -> IntArray:
    return stages_of(history, sleeve_sessions(history, Span(0, history.n_bars - 1)), EAGER)


def assert_climbs(seed: int, stride: int = 3) -> int:
    """Follow a world in strides, with restarts; return how often somebody's stage changed."""
    history, rng = history_of(seed), np.random.default_rng(seed)
    expected, walker, n_bars = expected_of(history), Walker.beside(history), begun_of(history)
    while n_bars < history.n_bars:
        n_bars = min(n_bars + int(rng.integers(1, stride + 1)), history.n_bars)
        walker.go_to(n_bars)
        np.testing.assert_array_equal(walker.climb.path(), expected[:n_bars])
        if rng.random() < 0.3:
            walker.restart()
    assert walker.climb.state()["tournament"] == played(history).state()
    return int(np.count_nonzero(np.diff(expected, axis=0)))


def begun_of(history: History) -> int:
    """Return after how many bars it is known whether a session has one; an account begins later."""
    session = history.tape.session
    if is_daily(session):
        return 0
    return int(np.flatnonzero(np.diff(session) == 0)[0]) + 1


def played(history: History) -> Tournament:
    """Return the tournament over a history, of all sessions that are known to be over."""
    sessions = sleeve_sessions(history, Span(0, history.n_bars - 1))
    known = known_ends(sessions.last_bars, history.market.session) < history.n_bars
    tournament = entered(history.signals.strategies, EAGER)
    told = replace(sessions, last_bars=sessions.last_bars[known])
    assert all(bar < history.n_bars for bar, _ in moves_of(history, told, tournament))
    return tournament


@pytest.mark.parametrize("seed", [2, 4])  # sessions of several bars, and of one
def test_from_close_to_close_it_is_the_tournament_over_the_history(seed: int) -> None:
    assert is_daily(history_of(seed).tape.session) == (seed == 4)
    assert assert_climbs(seed) > 4


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(0, N_NIGHTLY, 50))
def test_in_many_worlds_it_is(first: int) -> None:
    assert sum(assert_climbs(seed, 1) for seed in range(first, first + 50)) > 200


def test_whoever_has_no_capital_left_is_buried_as_over_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (climb, sleeves):
        monkeypatch.setattr(module, "LEAST_CAPITAL", 0.9995)
    history = history_of(4)
    sessions = sleeve_sessions(history, Span(0, history.n_bars - 1))
    gone = np.isnan(sessions.returns)
    first = sessions.last_bars[gone.argmax(axis=0)]
    stages = expected_of(history)[first, np.arange(first.size)]
    assert gone.any()
    assert (stages[gone.any(axis=0)] == Stage.RETIRED).all()
    assert_climbs(4)


def test_the_moves_of_a_close_are_those_of_that_bar_alone() -> None:
    history, found = history_of(4), {}
    expected, walker = expected_of(history), Walker.beside(history)
    for n_bars in range(1, N_WATCHED):
        walker.go_to(n_bars)
        found[n_bars - 1] = {move.strategy: move.target for move in walker.climb.moves}
        walker.go_to(n_bars)  # nothing has come since
        assert found[n_bars - 1] == {m.strategy: m.target for m in walker.climb.moves}
    moved = np.diff(expected, axis=0, prepend=expected[:1]) != 0
    for t, moves in found.items():
        assert set(np.flatnonzero(moved[t])) <= set(moves)
        assert all(expected[t, k] == target for k, target in moves.items())


def test_a_state_of_other_thresholds_names_or_another_close_does_not_fit() -> None:
    history = history_of(4)
    walker = Walker.beside(history)
    walker.go_to(12)
    state = walker.climb.state()
    free = EAGER.model_copy(update={"binding": False})
    assert Walker.beside(history, free).climb.fits(state, 11)  # that decides who is given money
    assert not Walker.beside(history, TournamentSettings()).climb.fits(state, 11)
    assert not walker.climb.fits(state, 10)
    assert not Climb(history.rules, ("a", "b"), EAGER).fits(state, 11)
    assert not walker.climb.fits(state | {"tournament": {"version": 0}}, 11)


def test_no_ladder_binds_who_trades_alone() -> None:
    history, whole = history_of(4), Span(0, history_of(4).n_bars - 1)
    free, held = (sleeve_sessions(one, whole) for one in (history, bound(history, EAGER)))
    np.testing.assert_array_equal(free.returns, held.returns)
    assert free.n_trades.sum() > 20


def test_accounts_trade_on_what_they_are_shown_and_no_further() -> None:
    history = history_of(4)
    alone = Alone(history.rules, history.signals.n_strategies)
    with pytest.raises(RunMismatch, match="must be shown a history"):
        alone.trade()
    with pytest.raises(InvalidParameter, match="up to the last bar of the history, 35, stood at"):
        sleeve_sessions(history, Span(30, history.n_bars))
