"""The venue's word beside the book: what differs is told, and taken in only when asked."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from benbot.envs.errors import RecordsHeld, RunMismatch, UnknownName, VenueUnavailable
from benbot.paper.account_reading import AccountReading
from benbot.paper.account_rows import AccountRows, rows_of
from benbot.paper.believed import believed_of
from benbot.paper.comparison import Compared, compare
from benbot.paper.replayed import VENUE, opened
from benbot.paper.sitting import adopt
from benbot.paper.standing import Phase
from benbot.paper.store import open_store, reading
from benbot.paper.venue import (
    AccountFacts,
    OrderStatus,
    Side,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

NOW = datetime(2026, 1, 5, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Said:
    """A venue that says what it is told to."""

    def __init__(self, rows: AccountRows) -> None:
        believed = believed_of(rows)
        self.cash, self.units = believed.cash, dict(believed.units)
        self.orders: list[VenueOrder] = []
        self.filled: list[VenueFill] = []

    def account(self) -> AccountFacts:
        return AccountFacts("said", 1.0, self.cash, 0.0)

    def positions(self) -> list[VenuePosition]:
        return [VenuePosition(symbol, units, 50.0) for symbol, units in self.units.items()]

    def open_orders(self) -> list[VenueOrder]:
        return self.orders

    def fills(self, since: datetime) -> list[VenueFill]:
        return self.filled


def differing(rows: AccountRows, said: Said) -> dict[str, Compared]:
    ours = [row["client_order_id"] for row in rows.intents]
    found = compare(believed_of(rows), said, LONG_AGO, ours)
    return {one.what: one for one in found if not one.agrees}


def test_the_book_of_a_replay_is_what_its_venue_says(traded: Any) -> None:  # noqa: ANN401
    rows = traded.rows
    with_truth = AccountReading(traded.folder / VENUE)
    ours = [row["client_order_id"] for row in rows.intents]
    found = compare(believed_of(rows), with_truth, LONG_AGO, ours)
    with_truth.close()
    assert all(one.agrees for one in found)
    whats = [one.what for one in found]
    assert whats[0] == "cash"
    assert "fills" in whats
    assert len([what for what in whats if what.startswith("units of")]) > 0


def test_the_file_of_the_venue_is_read_without_a_trace(traded: Any) -> None:  # noqa: ANN401
    path = traded.folder / VENUE
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    reading_ = AccountReading(path)
    assert reading_.account().equity > 0.0
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading_._connection.execute("UPDATE account SET cash = 0")
    reading_.close()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_every_kind_of_difference_has_its_remedy(traded: Any) -> None:  # noqa: ANN401
    rows, said = traded.rows, Said(traded.rows)
    symbol, units = next((s, u) for s, u in said.units.items() if u > 0.0)
    said.cash -= 50.5
    said.units[symbol] = units / 2.0
    said.units["ZZZ"] = 10.0
    intent = rows.intents[0]["client_order_id"]
    said.orders = [
        VenueOrder("by-hand", "1", "ZZZ", Side.BUY, 5.0, OrderStatus.WORKING),
        VenueOrder(intent, "2", symbol, Side.BUY, 5.0, OrderStatus.WORKING),
    ]
    said.filled = [
        VenueFill("f1", "1", "by-hand", "ZZZ", Side.BUY, 10.0, 5.0, NOW),
        VenueFill("f2", "2", intent, symbol, Side.BUY, 1.0, 5.0, NOW),
    ]
    found = differing(rows, said)
    assert found["cash"].remedy == "take -50.50 as a flow"
    assert found[f"units of {symbol}"].remedy == f"close {units / 2.0:,.6g} of ours in the book"
    assert found["units of ZZZ"].remedy == "note 10 as somebody else's"
    assert found["order by-hand"].remedy == "note it as somebody else's"
    assert found[f"order {intent}"].remedy == "look at it: it may fill still"
    assert found["fill f1"].remedy == "book it as somebody else's"
    assert found["fill f2"].remedy == "book it with its order"


def test_in_a_stage_what_has_filled_since_counts(traded: Any, folder: Path) -> None:  # noqa: ANN401
    rows = traded.rows
    first = next(row for row in rows.intents if row["fill_price"] is not None)
    standing = {**rows.standing, "phase": Phase.OPENING, "stage": 0, "bar": first["bar"] - 1}
    believed, before = believed_of(replace(rows, standing=standing)), believed_of(rows)
    own = [row for row in rows.intents if (row["bar"], row["stage"]) == (first["bar"], 0)]
    paid = sum(row["filled"] * (row["fill_price"] or row["price"]) + row["cost"] for row in own)
    assert believed.cash == pytest.approx(before.cash - paid)
    moved = believed.units.get(first["symbol"], 0.0) - before.units.get(first["symbol"], 0.0)
    assert moved == pytest.approx(sum(r["filled"] for r in own if r["symbol"] == first["symbol"]))


@pytest.fixture
def meddled(traded: Any, folder: Path) -> Path:  # noqa: ANN401
    """A copy of an account at whose venue somebody sold the half of a position, and took money."""
    home = folder / "copy"
    copytree(traded.folder, home)
    with sqlite3.connect(home / VENUE) as connection:
        symbol = connection.execute("SELECT min(symbol) FROM holdings").fetchone()[0]
        connection.execute("UPDATE holdings SET units = units / 2 WHERE symbol = ?", (symbol,))
        connection.execute("UPDATE account SET cash = cash - 50.5")
    return home


def test_what_the_venue_says_is_adopted_once(traded: Any, meddled: Path) -> None:  # noqa: ANN401
    url, account = traded.stretch.url(meddled), traded.stretch.account
    truth = AccountReading(meddled / VENUE)
    for _ in range(2):
        with open_store(url, account, lambda: NOW) as store:
            adopt(truth, store, lambda seconds: None)  # type: ignore[arg-type]
    with reading(url) as connection:
        rows = rows_of(connection, account)
    assert not differing(rows, Said(rows))
    found = compare(believed_of(rows), truth, LONG_AGO, [])
    truth.close()
    assert all(one.agrees for one in found)
    kinds = [row["kind"] for row in rows.events]
    assert kinds == ["began", "adopted", "flow"]
    # And the loop goes on from there.
    with opened(traded.stretch, meddled) as on:
        assert on.loop.trader.standing.phase is Phase.DECIDED


def test_nothing_is_adopted_while_somebody_trades(traded: Any, meddled: Path) -> None:  # noqa: ANN401
    url, account = traded.stretch.url(meddled), traded.stretch.account
    with (
        open_store(url, account, lambda: NOW),
        pytest.raises(RecordsHeld, match="one process at a time may trade the account"),
    ):
        open_store(url, account, lambda: NOW)


def test_nothing_is_adopted_in_the_middle_of_a_stage(traded: Any, meddled: Path) -> None:  # noqa: ANN401
    with sqlite3.connect(meddled / "paper.db") as connection:
        connection.execute("UPDATE standings SET phase = 'opening'")
    truth = AccountReading(meddled / VENUE)
    url = traded.stretch.url(meddled)
    with (
        open_store(url, traded.stretch.account, lambda: NOW) as store,
        pytest.raises(RunMismatch, match="between two stages, the account was opening"),
    ):
        adopt(truth, store, lambda seconds: None)  # type: ignore[arg-type]
    truth.close()


def test_a_file_that_is_not_there_or_held_is_refused(
    meddled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownName, match=r"which is not there\. Say --folder"):
        AccountReading(meddled / "nothing.db")
    assert not (meddled / "nothing.db").exists()
    monkeypatch.setattr("benbot.paper.account_reading.WAIT", 0.0)
    holder = sqlite3.connect(meddled / VENUE, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(VenueUnavailable, match="benbot paper stop, then ask again"):
        AccountReading(meddled / VENUE)
    holder.close()
    with sqlite3.connect(meddled / VENUE) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RunMismatch, match="must have version 1, was 99"):
        AccountReading(meddled / VENUE)
