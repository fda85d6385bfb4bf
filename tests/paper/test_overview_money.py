"""What an account has within a bar is told, and its profit adds up, borrowing and all."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sqlalchemy import create_engine, text

from benbot.envs.desk.book import open_book
from benbot.envs.desk.ledger import FILL, TRADE
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import Span
from benbot.experiments.paper.view import show_status
from benbot.paper.change import Change, Names
from benbot.paper.images import image_of
from benbot.paper.intents import intent_of
from benbot.paper.overview.account import overview
from benbot.paper.overview.money import money
from benbot.paper.replayed import replay
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import open_store, reading
from tests.paper.replays import heard_stretch
from tests.paper.walks import N_BARS, walking

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
NAMES = Names(("A", "B"), ("rule",))
LONG, SHORT = 0, 1  # symbols


def fill(bar: int, symbol: int, units: float, price: float, reason: Exit = Exit.NONE) -> np.ndarray:
    """A fill that cost 5."""
    return np.array([(bar, symbol, 0, units, price, 5.0, reason)], FILL)


def trade(change: Change) -> None:
    """Buy 10 at 20, be paid a dividend of 4, sell at 25; sell 100 short at 50, take 40 back at 45.

    Before that the symbol was held short by a round trip that was closed in the same bar. The fee
    of the borrowed is 3, and the last price that was seen 48. Somebody added 1,000.
    """
    change.begin("{}", 0, 100_000.0, np.zeros((1, 1)), 0)
    change.event("flow", "cash", money=1000.0)
    fills = [
        fill(1, LONG, 10.0, 20.0),
        fill(1, SHORT, -2.0, 60.0),
        fill(3, LONG, -10.0, 25.0, Exit.TARGET),
        fill(3, SHORT, 2.0, 50.0, Exit.STOP),
        fill(3, SHORT, -100.0, 50.0),
        fill(4, SHORT, 40.0, 45.0, Exit.PARTIAL),
    ]
    for i, one in enumerate(fills):
        change.bookings(one, i, NAMES)
    trips = np.zeros(2, TRADE)
    trips["symbol"], trips["opened"], trips["closed"] = (LONG, SHORT), 1, 3
    trips["income"], trips["costs"] = (4.0, 0.0), (10.0, 10.0 + 1.0)  # 1: borrowed
    trips["profit"] = 50.0 + 4.0 - 10.0, 20.0 - 11.0
    change.trades(trips, 0, NAMES)
    book = open_book(1, 1, 3)
    account, held = book.accounts[0], book.positions[0, 0]
    account["n_positions"], account["equity"] = 1, 100_000.0  # as of the close before
    account["cash"] = 101_000.0 + 50.0 + 4.0 + 20.0 - 1.0 + 5000.0 - 1800.0 - 6 * 5.0 - 3.0
    held["symbol"], held["units"], held["opened"] = SHORT, -60.0, 3
    held["entry_price"], held["last_price"] = 50.0, 48.0
    held["realised"], held["costs"] = 40 * (50.0 - 45.0), 2 * 5.0 + 3.0
    order = {"symbol": SHORT, "strategy": 0, "reason": 0, "units": -100.0, "price": 50.0}
    kinds = [(name, np.float64 if name in ("units", "price") else np.int32) for name in order]
    record = np.array([tuple(order.values())], kinds)[0]
    change.plan(intent_of(record, (3, 0, 0), "B", ("key", NOW)), NAMES)
    change.stand(Standing(4, Phase.INSIDE, 1, image_of(book)))


@pytest.fixture
def url(folder: Path) -> str:
    address = f"sqlite:///{folder / 'paper.db'}"
    with open_store(address, "main", lambda: NOW) as store, store.change() as change:
        trade(change)
    return address


def test_the_profit_of_a_short_that_pays_to_borrow_adds_up_by_hand(url: str) -> None:
    with reading(url) as connection:
        told = money(connection, "main")
    assert told is not None
    assert told.cash == 104_240.0
    assert (told.gross, told.net, told.n_positions) == (2880.0, -2880.0, 1)
    assert told.equity == 104_240.0 - 60 * 48.0
    assert told.profit == told.equity - 101_000.0 == 360.0
    assert told.sources.lines == [
        ("realised in round trips", 44.0 + 9.0),
        ("parts of open positions", 200.0),
        ("not realised", 120.0),
        ("entry costs of what is open", -10.0),
        ("dividends and borrowing of what is open", -3.0),
    ]
    assert told.sources.total == 360.0
    assert told.sources.carried_in_all == 4.0 - 1.0 - 3.0


def test_what_somebody_else_closed_is_told_apart(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM trades WHERE symbol = 'A'"))
    engine.dispose()
    with reading(url) as connection:
        told = money(connection, "main")
    assert told is not None
    assert told.sources.lines[-1] == ("otherwise", 44.0)
    assert told.sources.total == told.profit == 360.0


@pytest.mark.parametrize("book", [b"", b"[]\n", b'[["x", [1]]]\n', b"{}", b"\xff", b"1\n"])
def test_a_book_that_cannot_be_read_is_not_guessed(book: bytes, url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE standings SET book = :book"), {"book": book})
    engine.dispose()
    with reading(url) as connection:
        assert money(connection, "main") is None


def test_a_book_of_absurd_size_is_not_made(url: str) -> None:
    head = b'[["x",[1]],["x",[1,1000000000000]],["x",[1,1]],["x",[1,1]]]\n'
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE standings SET book = :book"), {"book": head})
    engine.dispose()
    with reading(url) as connection:
        assert money(connection, "main") is None


def test_cash_leaves_dividends_and_borrowing_over_in_a_replay(folder: Path) -> None:
    stretch, _ = heard_stretch()
    first = stretch.span.first
    stretch = replace(stretch, span=Span(first, first + 12))
    replay(stretch, folder)
    with reading(stretch.url(folder)) as connection:
        told, account = money(connection, "replay"), overview(connection, "replay", NOW)
        spent = text("SELECT sum(units * price + cost) FROM bookings")
        carried = (
            account.money.cash - account.results.capital + connection.execute(spent).scalar_one()
        )
    assert told is not None
    assert carried < 0.0
    assert told.sources.carried_in_all == pytest.approx(carried, abs=1e-6)
    assert told.sources.otherwise == pytest.approx(0.0, abs=1e-6)
    assert told.sources.open_profit == pytest.approx(account.open_profit)


def test_within_a_bar_the_book_of_its_opening_is_told(folder: Path) -> None:
    with walking(folder) as walk:
        trader = walk.on.loop.trader
        for _ in range(3 * N_BARS):
            walk.cycle()
            trader.keep()
            bar, is_inside = trader.standing.bar, trader.standing.phase is Phase.INSIDE
            if is_inside and (trader.desk.positions["opened"] == bar + 1).any():
                break
        with reading(walk.url) as connection:
            told = overview(connection, "replay", NOW)
        now, last = told.money, told.results.last
        assert now is not None
        assert last["bar"] == bar
        assert told.moved
        assert now.cash == trader.desk.account["cash"] == pytest.approx(walk.venue.account().cash)
        assert now.cash != last["cash"]
        names = trader.symbols
        held = {names[row["symbol"]]: float(row["units"]) for row in trader.desk.positions}
        assert {one.symbol: one.units for one in told.holdings} == held
        assert any(one.opened == bar + 1 for one in told.holdings)
        said = Console(file=StringIO(), width=300)
        show_status(walk.url, "replay", NOW, said)
    lines = said.file.getvalue()  # type: ignore[attr-defined]
    assert f"now          equity {now.equity:,.2f}" in lines
    assert f"at the close equity {last['equity']:,.2f}" in lines
