"""A clock that starts anew is not set before what the venue has paid already.

The venue keeps what a bar pays when it has lived through it, the account what it decided of it a
little later. Whoever is killed in between must not see the same hours twice, or what was paid
would look like money that a stranger took.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span, prepare
from benbot.paper.replayed import STORE, Stretch, replay
from benbot.paper.venue import AccountFacts, Venue
from benbot.strategies.hearing import collect
from benbot.strategies.records.moments import moment_at
from tests.paper.kills import Killed
from tests.paper.live_accounts import BAR, Hands, account_in, run_cycles, tables_of
from tests.paper.replays import everything, heard_stretch, venue_of

N_BARS = 4


@cache
def paying_stretch() -> Stretch:
    """Return bars of a day and a night, each of which begins when the one before it ends.

    Shorts pay to borrow, in the second bar all pay a dividend, and in the third one in two splits.
    """
    was, strategies = heard_stretch()
    first, market = was.span.first, was.history.market
    split, unadjusted = np.ones(market.close.shape), np.ones(market.close.shape)
    split[first + 3, ::2], unadjusted[: first + 3, ::2] = 2.0, 2.0
    dividend = np.zeros(market.close.shape)
    dividend[first + 2] = 0.5
    market = replace(market, split=split, unadjusted=unadjusted, dividend=dividend)
    costs = was.history.rules.costs.model_copy(update={"borrow_rate": 0.2})
    rules = was.history.rules.model_copy(update={"costs": costs})
    history = prepare(market, collect(strategies, market), rules, was.history.regime)
    return replace(was, history=history, span=Span(first, first + N_BARS))


@dataclass(frozen=True, eq=False)
class Doomed:
    """A venue that pays what is due at a time, keeps it, and says so to nobody who lives."""

    inner: Venue
    until: datetime

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def account(self) -> AccountFacts:
        facts = self.inner.account()
        if self.inner.clock().now >= self.until:
            raise Killed
        return facts


def test_whoever_is_killed_when_the_venue_has_paid_pays_once(folder: Path) -> None:
    stretch, quiet = paying_stretch(), folder / "quiet"
    replay(stretch, quiet)
    expected, paid = everything(stretch, quiet), venue_of(quiet)
    assert set(expected["events"]["kind"]) == {"began"}
    for bar in range(stretch.span.first + 1, stretch.span.last + 1):
        home, close = folder / str(bar), moment_at(stretch.history.market.timestamps[bar])
        doomed = partial(Doomed, until=close)
        with pytest.raises(Killed):
            replay(replace(stretch, wrapped=doomed), home)
        assert venue_of(home) != paid
        replay(stretch, home)
        own = everything(stretch, home)
        for name, table in expected.items():
            assert_frame_equal(own[name], table, obj=f"{name} after a kill at bar {bar}")
        assert venue_of(home) == paid


def test_a_broker_that_is_ahead_of_an_account_that_begins_is_refused(folder: Path) -> None:
    stretch = paying_stretch()
    replay(stretch, folder)
    (folder / STORE).unlink()
    with pytest.raises(RunMismatch, match="a broker's account of its own, was one that has come"):
        replay(stretch, folder)


def test_a_market_goes_on_though_the_clock_of_the_machine_was_set_back(folder: Path) -> None:
    one, hands = account_in(folder), Hands()
    close = datetime(2021, 3, 13, 21, tzinfo=UTC)
    doomed = replace(one, wrapped=partial(Doomed, until=close))
    with pytest.raises(Killed):  # when the broker has lived through that close, and nobody else
        run_cycles(doomed, hands, 20)
    hands.now -= timedelta(seconds=3 * BAR)
    run_cycles(one, hands, 20)
    tables = tables_of(one, folder)
    assert set(tables["events"]["kind"]) == {"began"}
    assert np.diff(tables["equity"]["bar"]).tolist() == [1] * (len(tables["equity"]) - 1)
