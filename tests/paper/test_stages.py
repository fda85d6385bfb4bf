"""Stages of an account: those of training at every close, whoever is killed, wherever it trades."""

import json
import sqlite3
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import make_url

from benbot.envs.arrays import IntArray
from benbot.envs.history import History, Span, prepare
from benbot.paper.growing import Growing
from benbot.paper.ladder import ForeseenLadder, LiveLadder
from benbot.paper.live import Undertaking
from benbot.paper.replayed import STORE, Stretch, replay
from benbot.paper.sleeves import ShadowSleeves
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.tournament.binding import bound, stages_of
from benbot.strategies.tournament.settings import RetirementSettings, TournamentSettings
from benbot.strategies.tournament.sleeves import sleeve_sessions
from benbot.strategies.tournament.stages import Stage
from tests import postgres
from tests.paper.kills import finished, killed
from tests.paper.live_accounts import Hands, account_in, opened_live, run_cycles, tables_of
from tests.paper.replays import assert_parity, everything, heard_stretch
from tests.strategies.tournament.test_climb import EAGER

ASIDE = EAGER.model_copy(update={"binding": False})
PATIENT = RetirementSettings(sessions=1000, demotions=100)
LASTING = EAGER.model_copy(update={"retirement": PATIENT})  # nobody is given up
N_BARS, N_KILLS, N_NIGHTLY = 11, 1, 60
N_LINES = 50_000  # of the paper loop, that a run takes at least


@dataclass(frozen=True, eq=False)
class Bound:
    """A stretch whose tournament binds it, its history without that, and its strategies."""

    stretch: Stretch
    free: History
    strategies: tuple[Strategy, ...]

    def grown(self) -> Stretch:
        """Return the stretch as it is traded where nobody knows what comes."""
        history = self.stretch.history
        ladder = LiveLadder(history.rules, history.signals.strategies, EAGER)
        chronicle = Growing(
            history.market.until,
            lambda market: collect(self.strategies, market),
            history.rules,
            history.regime,
            ShadowSleeves(history.rules, len(self.strategies), history.market.n_symbols),
            ladder,
        )
        return replace(self.stretch, chronicle=chronicle, ladder=ladder)


@cache
def bound_stretch() -> Bound:
    stretch, strategies = heard_stretch()
    free, first = stretch.history, stretch.span.first
    span = Span(first, first + N_BARS)
    return Bound(replace(stretch, history=bound(free, EAGER), span=span), free, strategies)


def expected_of(history: History, settings: TournamentSettings = EAGER) -> IntArray:
    whole = Span(0, history.n_bars - 1)
    return stages_of(history, sleeve_sessions(history, whole), settings)


def stages_in(tables: dict[str, pd.DataFrame]) -> IntArray:
    """Return the stages that were kept with each decision, (N, K)."""
    return np.array([np.frombuffer(row, np.int8) for row in tables["decisions"]["stages"]])


def moves_in(tables: dict[str, pd.DataFrame]) -> list[tuple[str, str, str]]:
    events = tables["events"].query("kind == 'stage'")
    reasons = [json.loads(row) for row in events["reasons"]]
    assert all(one["why"] for one in reasons)
    return [
        (name, one["source"], one["target"])
        for name, one in zip(events["subject"], reasons, strict=True)
    ]


def changes_of(stages: IntArray, names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Return who stands elsewhere than at the close before; those of one close in any order."""
    return [
        (names[k], Stage(int(was[k])).name, Stage(int(now[k])).name)
        for was, now in pairwise(stages)
        for k in np.flatnonzero(was != now)
    ]


def test_an_account_that_a_tournament_binds_trades_as_in_training(folder: Path) -> None:
    """What is seen, who is given money, what is traded: the history grows bar by bar."""
    one = bound_stretch()
    tables = assert_parity(one.grown(), folder)
    history, span = one.stretch.history, one.stretch.span
    expected = expected_of(one.free)[span.first : span.last + 1]
    np.testing.assert_array_equal(stages_in(tables), expected)
    names = history.signals.strategies
    assert sorted(moves_in(tables)) == sorted(changes_of(expected, names))
    assert [target for _, _, target in moves_in(tables)] == ["R2", "R3", "LIVE", "RETIRED"]
    shown = np.array([np.frombuffer(row, np.float32) for row in tables["decisions"]["observation"]])
    np.testing.assert_array_equal(
        history.layout.by_strategy(shown, "stage"), (expected / 4.0).astype(np.float32)
    )
    weights = np.array([np.frombuffer(row, np.float32) for row in tables["decisions"]["weights"]])
    assert (weights[:, :-1] > 0.0).all()  # the policy's own; the desk gives it to LIVE alone
    owners = set(tables["bookings"].query("reason == 'NONE'")["strategy"])
    assert owners == {names[k] for k in np.flatnonzero((expected == Stage.LIVE).any(axis=0))}


def assert_killed_goes_on(seed: int, folder: Path, quiet: dict[str, pd.DataFrame]) -> None:
    one, rng = bound_stretch(), np.random.default_rng(seed)

    def work() -> None:
        replay(one.grown(), folder)

    assert killed(work, int(rng.integers(1, N_LINES)))
    killed(work, int(rng.integers(1, N_LINES // 2)))
    finished(work)
    own = everything(one.stretch, folder)
    for name, table in quiet.items():
        pd.testing.assert_frame_equal(own[name], table, obj=name)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The account that nobody killed."""
    folder = tmp_path_factory.mktemp("quiet")
    replay(bound_stretch().grown(), folder)
    return everything(bound_stretch().stretch, folder)


@pytest.mark.parametrize("seed", range(N_KILLS))
def test_whoever_is_killed_stands_where_it_stood(
    seed: int, folder: Path, quiet: dict[str, pd.DataFrame]
) -> None:
    assert_killed_goes_on(seed, folder, quiet)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(N_KILLS, N_NIGHTLY))
def test_often(seed: int, folder: Path, quiet: dict[str, pd.DataFrame]) -> None:
    assert_killed_goes_on(seed, folder, quiet)


@pytest.mark.nightly
def test_a_server_keeps_the_same(folder: Path, quiet: dict[str, pd.DataFrame]) -> None:
    why = postgres.reason_for_none()
    if why is not None:
        pytest.skip(why)
    with postgres.cluster() as url:
        address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        for last in (4, N_BARS):  # it goes on with what the server kept
            stretch = replace(bound_stretch().grown(), store=address)
            span = Span(stretch.span.first, stretch.span.first + last)
            replay(replace(stretch, span=span), folder)
        own = everything(stretch, folder)
    for name, table in quiet.items():
        pd.testing.assert_frame_equal(own[name], table, obj=name)


def test_a_replay_keeps_the_stages_that_bind_nobody(folder: Path) -> None:
    plain, _ = heard_stretch()
    span = Span(plain.span.first, plain.span.first + 8)
    stretch = replace(plain, span=span, ladder=ForeseenLadder(plain.history, ASIDE))
    replay(stretch, folder)
    tables = everything(stretch, folder)
    expected = expected_of(plain.history)[span.first : span.last + 1]
    np.testing.assert_array_equal(stages_in(tables), expected)
    assert sorted(moves_in(tables)) == sorted(changes_of(expected, stretch.ladder.names))
    reasons = tables["events"].query("kind == 'stage'")["reasons"]
    assert not any(json.loads(row)["binds"] for row in reasons)
    assert tables["ladders"].empty


def live_in(folder: Path) -> Undertaking:
    history = bound_stretch().stretch.history
    return replace(account_in(folder), layout=history.layout, tournament=LASTING)


def forget_ladder(folder: Path) -> None:
    """Make of an account one that began before stages were kept."""
    with sqlite3.connect(folder / STORE) as connection:
        connection.execute("DELETE FROM ladders")
        connection.execute("UPDATE decisions SET stages = NULL")


def test_in_a_market_that_goes_on_it_is_the_tournament_over_what_came(folder: Path) -> None:
    one, hands = live_in(folder), Hands()
    run_cycles(one, hands, 9)
    run_cycles(one, hands, 11)
    forget_ladder(folder)  # it is played anew, and comes to the same
    run_cycles(one, hands, 10)
    tables = tables_of(one, folder)
    with opened_live(one, hands) as on:
        market = on.bars.until(on.loop.trader.standing.bar + 1)
    history = prepare(market, one.hear(market), one.rules, one.regime)
    bars = tables["decisions"]["bar"].to_numpy()
    kept = tables["decisions"]["stages"]
    known = kept.notna().to_numpy()
    assert 2 < known.sum() < known.size
    was = np.array([np.frombuffer(row, np.int8) for row in kept[known]])
    np.testing.assert_array_equal(was, expected_of(history, LASTING)[bars[known]])
    assert len(set(was.ravel())) > 1
    shown = np.array([np.frombuffer(row, np.float32) for row in tables["decisions"]["observation"]])
    whole = bound(history, LASTING)
    np.testing.assert_array_equal(
        whole.layout.by_strategy(shown, "stage"),
        whole.layout.by_strategy(whole.features.rows[bars], "stage"),
    )


def test_other_thresholds_are_played_anew_where_they_bind_nobody(folder: Path) -> None:
    one, hands = replace(account_in(folder), tournament=ASIDE), Hands()
    run_cycles(one, hands, 5)
    run_cycles(replace(one, tournament=TournamentSettings()), hands, 5)
    tables = tables_of(one, folder)
    assert (stages_in(tables)[-1] == Stage.R1).all()  # nobody rises in a month
    state = json.loads(tables["ladders"]["state"].iloc[0])
    assert state["settings"]["r1"]["days"] == TournamentSettings().r1.days
