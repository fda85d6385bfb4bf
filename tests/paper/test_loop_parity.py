"""A market through the paper loop ends as in the environment: trade by trade, to the last digit."""

from dataclasses import replace
from pathlib import Path

import pytest

from benbot.envs.history import Span
from benbot.paper.growing import Growing
from benbot.paper.outbox import DELISTED
from benbot.paper.replayed import Stretch, replay
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.venue import Venue
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from tests.paper.faults import Faulty
from tests.paper.replays import (
    assert_parity,
    everything,
    heard_stretch,
    random_stretch,
    venue_of,
)

N_NIGHTLY = 400


@pytest.mark.parametrize("seed", [2, 7])
def test_random_worlds_end_as_in_the_environment(seed: int, folder: Path) -> None:
    assert_parity(random_stretch(seed), folder)


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(0, N_NIGHTLY, 40))
def test_many_random_worlds_do(first: int, folder: Path) -> None:
    for seed in range(first, first + 40):
        assert_parity(random_stretch(seed), folder / str(seed))


def test_a_stop_set_within_a_bar_fills_at_its_price_though_the_bar_opened_beyond_it(
    folder: Path,
) -> None:
    tables = assert_parity(random_stretch(272), folder)
    assert "BREAK_EVEN" in set(tables["bookings"]["reason"])


def test_lost_answers_and_fills_that_are_told_twice_change_nothing(folder: Path) -> None:
    venues: list[Faulty] = []

    def shaken(venue: Venue) -> Venue:
        venues.append(Faulty(venue, 0, lost=0.4))
        return venues[-1]

    assert_parity(replace(random_stretch(2), wrapped=shaken), folder)
    assert venues[0].n_faults > 30


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.nightly)])
def test_whatever_is_lost_nothing_is_sent_twice_or_booked_twice(seed: int, folder: Path) -> None:
    def shaken(venue: Venue) -> Venue:
        return Faulty(venue, seed, lost=0.2, dropped=0.1, silent=0.1)

    stretch = replace(random_stretch(2), wrapped=shaken)
    replay(stretch, folder)
    tables, venue = everything(stretch, folder), venue_of(folder)
    meant = set(tables["intents"]["client_order_id"])
    sent = [str(row[0]) for row in venue["orders"] if not str(row[0]).startswith(DELISTED)]
    filled = [row[0] for row in venue["fills"] if not str(row[2]).startswith(DELISTED)]
    assert len(sent) == len(set(sent))
    assert set(sent) <= meant
    assert sorted(tables["fills"]["execution_id"]) == sorted(filled)
    held = {row["symbol"]: row["units"] for _, row in tables["positions"].iterrows()}
    assert held == pytest.approx({row[0]: row[1] for row in venue["holdings"]})
    assert tables["equity"]["cash"].iloc[-1] == pytest.approx(venue["account"][0][2], abs=1e-6)
    assert set(tables["events"]["kind"]) <= {"began", "dropped"}


def test_a_history_that_grows_bar_by_bar_is_the_one_that_was_prepared(folder: Path) -> None:
    """Signals, regime, risk, sleeves and features are computed from closed bars alone."""
    stretch, strategies = heard_stretch()
    tables = assert_parity(replace(stretch, chronicle=growing(stretch, strategies)), folder)
    assert len(tables["bookings"]) > 20


def test_sleeves_that_were_put_away_go_on(folder: Path) -> None:
    stretch, strategies = heard_stretch()
    first = Span(stretch.span.first, stretch.span.first + 15)
    replay(replace(stretch, span=first, chronicle=growing(stretch, strategies)), folder)
    assert_parity(replace(stretch, chronicle=growing(stretch, strategies)), folder)


def growing(stretch: Stretch, strategies: tuple[Strategy, ...]) -> Growing:
    """Return a chronicle that computes everything anew from the bars that are closed."""
    history = stretch.history
    shape = history.signals.n_strategies, history.market.n_symbols
    return Growing(
        history.market.until,
        lambda market: collect(strategies, market),
        history.rules,
        history.regime,
        ShadowSleeves(history.rules, *shape),
    )
