"""What others do at the venue is adopted, and costs the desk neither its peak nor its nerve."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benbot.envs.desk.book import open_account, open_book
from benbot.envs.errors import VenueUnavailable
from benbot.paper.adoption import close_units, flow
from benbot.paper.replayed import replay
from benbot.paper.venue import AccountFacts, OrderIntent, Side, TimeInForce, Venue
from tests.paper.faults import Meddling
from tests.paper.replays import everything, heard_stretch, venue_of

FROM = 40  # looks at the venue, after which the meddler acts as soon as it can


def after(meddle: Callable[[Venue], bool], folder: Path) -> dict[str, pd.DataFrame]:
    """Return what is kept of an account at whose venue somebody else acted."""
    stretch, _ = heard_stretch()
    replay(replace(stretch, wrapped=lambda venue: Meddling(venue, FROM, meddle)), folder)
    return everything(stretch, folder)


def market(symbol: str, side: Side, units: float) -> OrderIntent:
    return OrderIntent("by-hand", symbol, side, units, time_in_force=TimeInForce.IOC)


def sell_some(venue: Venue) -> bool:
    """Sell half of something that is held, if anything is; say whether that was done."""
    held = next((one for one in venue.positions() if one.units > 0.0), None)
    if held is None or not venue.clock().is_open:
        return False
    order = venue.submit(market(held.symbol, Side.SELL, held.units / 2.0))
    return order.filled_units > 0.0


def assert_agreed(tables: dict[str, pd.DataFrame], folder: Path) -> None:
    """The book and the venue say the same in the end."""
    venue = venue_of(folder)
    held = tables["positions"].groupby("symbol")["units"].sum()
    assert held.to_dict() == pytest.approx({row[0]: row[1] for row in venue["holdings"]})
    assert tables["equity"]["cash"].iloc[-1] == pytest.approx(venue["account"][0][2], abs=0.01)


def test_a_position_that_somebody_sold_is_smaller(folder: Path) -> None:
    tables = after(sell_some, folder)
    assert_agreed(tables, folder)
    adopted = tables["events"].query("kind == 'adopted'")
    assert len(adopted) == 1
    assert '"foreign":0.0' in adopted["reasons"].iloc[0]
    assert tables["fills"]["is_external"].sum() == 1


class Silent(Meddling):
    """After somebody acted, does not say once what the account is worth."""

    def __init__(self, venue: Venue, nth: int) -> None:
        super().__init__(venue, FROM, sell_some)
        self._left = nth

    def account(self) -> AccountFacts:
        self._left -= self._is_done
        if self._is_done and self._left == 0:
            raise VenueUnavailable("not now")
        return self._venue.account()


@pytest.mark.parametrize("nth", range(3, 7))
def test_what_somebody_sold_is_told_whichever_question_is_not_answered(
    nth: int, folder: Path
) -> None:
    stretch, _ = heard_stretch()
    short = replace(stretch, span=replace(stretch.span, last=stretch.span.first + 24))
    replay(replace(short, wrapped=lambda venue: Silent(venue, nth)), folder)
    tables = everything(short, folder)
    assert tables["fills"]["is_external"].sum() == 1
    assert tables["events"]["kind"].tolist().count("adopted") == 1


def test_what_somebody_bought_is_theirs_and_nobody_opens_it(folder: Path) -> None:
    def buy(venue: Venue) -> bool:
        held = {one.symbol for one in venue.positions()}
        free = sorted({f"S{s}" for s in range(6)} - held)
        if not free or not venue.clock().is_open:
            return False
        return venue.submit(market(free[0], Side.BUY, 10.0)).filled_units > 0.0

    tables = after(buy, folder)
    assert_agreed(tables, folder)
    foreign = tables["positions"].query("strategy == 'EXTERNAL'")
    assert foreign["units"].tolist() == [10.0]
    since = tables["events"].query("kind == 'adopted'")["moment"].iloc[0]
    later = tables["intents"][tables["intents"]["planned"] > since]
    assert "NONE" in set(later["reason"])
    assert foreign["symbol"].iloc[0] not in set(later["symbol"])


def test_money_that_comes_or_goes_moves_no_breaker() -> None:
    book = open_book(1, 2, 3)
    open_account(book, 0, 100.0, 0)
    account = book.accounts[0]
    account["equity"], account["cash"] = 96.0, 96.0
    flow(account, -48.0)
    assert (account["cash"], account["equity"]) == (48.0, 48.0)
    assert 1.0 - account["equity"] / account["peak"] == pytest.approx(0.04)
    assert 1.0 - account["equity"] / account["day_equity"] == pytest.approx(0.04)


def test_units_that_somebody_closed_are_paid_for_and_the_last_frees_its_slot() -> None:
    book = open_book(1, 2, 3)
    open_account(book, 0, 1_000.0, 0)
    for i, (symbol, units) in enumerate([(0, 10.0), (1, -4.0)]):
        row = book.positions[0, i]
        row["symbol"], row["units"], row["last_price"], row["entry_price"] = symbol, units, 5.0, 4.0
        row["base_units"] = abs(units)
    book.accounts["n_positions"], book.accounts["gross"], book.accounts["net"] = 2, 70.0, 30.0
    close_units(book, 0, 4.0, 6.0)
    first, account = book.positions[0, 0], book.accounts[0]
    assert (first["units"], first["base_units"], first["realised"]) == (6.0, 6.0, 8.0)
    assert (account["cash"], account["gross"], account["net"]) == (1_024.0, 50.0, 10.0)
    close_units(book, 0, 6.0, 5.0)
    assert account["n_positions"] == 1
    assert book.positions["symbol"][0].tolist()[:2] == [1, -1]
    assert (account["gross"], account["net"]) == (20.0, -20.0)
    assert np.isclose(account["cash"], 1_054.0)
