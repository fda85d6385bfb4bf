"""What a paper account is doing, for people: where it stands, what it holds, what it did."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, select

from benbot.envs.errors import UnknownName
from benbot.paper.chain import verify
from benbot.paper.store import reading, set_switch
from benbot.paper.tables import (
    ACCOUNTS,
    EQUITY,
    EVENTS,
    INTENTS,
    LEASES,
    POSITIONS,
    STANDINGS,
    SWITCHES,
    TRADES,
)
from benbot.strategies.records.moments import microseconds, written

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20  # rows


def account_of(url: str, name: str | None) -> str:
    """Return the account that is named, or the only one of the store where none is."""
    if name is not None:
        return name
    with reading(url) as connection:
        known = list(connection.execute(select(ACCOUNTS.c.account).order_by("account")).scalars())
    if len(known) != 1:
        raise UnknownName(f"--account must say which, the store has {', '.join(known) or 'none'}")
    return str(known[0])


def show_status(url: str, account: str, now: datetime, console: "Console") -> None:
    """Print where an account stands, whether somebody trades it, and what happened last."""
    with reading(url) as connection:
        begun = _only(connection, ACCOUNTS, account)
        standing, lease = (_last(connection, one, account) for one in (STANDINGS, LEASES))
        equity = _rows(connection, EQUITY, account, EQUITY.c.bar)
        switch = _last(connection, SWITCHES, account)
        events = _rows(connection, EVENTS, account, EVENTS.c.number)
        n_events = verify(connection, account)
        intents = _rows(connection, INTENTS, account, INTENTS.c.planned)
    is_traded = lease is not None and lease["owner"] and lease["expires"] > microseconds(now)
    last = equity[0]
    change = last["equity"] / begun["capital"] - 1.0
    lines = [
        ("account", f"{account}, began {written(begun['began'])} with {begun['capital']:,.2f}"),
        ("traded by", str(lease["owner"]) if lease and is_traded else "nobody now"),
        ("stands", f"{standing['phase']} after bar {standing['bar']}" if standing else "nowhere"),
        ("equity", f"{last['equity']:,.2f} ({change:+.2%}) at {written(last['moment'])}"),
        ("cash", f"{last['cash']:,.2f}, gross {last['gross']:,.2f}, net {last['net']:,.2f}"),
        ("breaker", str(last["breaker"])),
        ("kill switch", _switch(switch)),
        ("orders", f"{len(intents)} meant, {_open(intents)} of them under way"),
        ("events", f"{n_events}, the chain is whole"),
    ]
    for name, value in lines:
        console.print(f"{name:12} {value}", highlight=False)
    for event in events[:5]:
        console.print(f"{'':12} {written(event['moment'])} {event['kind']} {event['subject']}")


def show_positions(url: str, account: str, console: "Console") -> None:
    """Print what is held, with its profit at the last mark."""
    from rich.table import Table as View

    with reading(url) as connection:
        _only(connection, ACCOUNTS, account)
        rows = _rows(connection, POSITIONS, account, POSITIONS.c.symbol)
    view = View("symbol", "strategy", "units", "entry", "last", "stop", "profit")
    for row in reversed(rows):
        profit = None
        if row["last_price"] is not None:
            profit = row["units"] * (row["last_price"] - row["entry_price"])
        numbers = (row["units"], row["entry_price"], row["last_price"], row["stop"], profit)
        shown = ("" if one is None else f"{one:,.2f}" for one in numbers)
        view.add_row(row["symbol"], row["strategy"], *shown)
    console.print(view)


def show_trades(url: str, account: str, console: "Console") -> None:
    """Print the last round trips, the newest first."""
    from rich.table import Table as View

    with reading(url) as connection:
        _only(connection, ACCOUNTS, account)
        rows = _rows(connection, TRADES, account, TRADES.c.closed)[:SHOWN]
    view = View("closed", "symbol", "strategy", "side", "entry", "exit", "profit", "reason")
    for row in rows:
        prices = (f"{row[name]:,.2f}" for name in ("entry_price", "exit_price", "profit"))
        side = "long" if row["side"] > 0 else "short"
        view.add_row(
            f"bar {row['closed']}", row["symbol"], row["strategy"], side, *prices, row["reason"]
        )
    console.print(view)


def switch(url: str, account: str, now: datetime, console: "Console", **changed: bool) -> None:
    """Set the switches of an account, and say what they mean."""
    with reading(url) as connection:
        _only(connection, ACCOUNTS, account)
    set_switch(url, account, now, "by hand", **changed)
    words = {
        ("is_halted", True): "Halted: no order is sent until benbot paper resume.",
        ("is_halted", False): "Resumed: orders are sent again.",
        ("must_stop", True): "The loop ends after its cycle; what is held stays held.",
        ("must_stop", False): "The loop may run.",
    }
    for name, value in changed.items():
        console.print(words[name, value])


def _switch(row: dict[str, Any] | None) -> str:
    if row is None or not row["is_halted"]:
        return "off"
    return f"ON since {written(row['moment'])}: no order is sent"


def _open(intents: list[dict[str, Any]]) -> int:
    return sum(row["status"] in ("sent", "working") for row in intents)


def _only(connection: Connection, table: Table, account: str) -> dict[str, Any]:
    row = _last(connection, table, account)
    if row is None:
        known = ", ".join(connection.execute(select(ACCOUNTS.c.account)).scalars()) or "none"
        raise UnknownName(f"the account must be one of the store, {known}, was {account!r}")
    return row


def _last(connection: Connection, table: Table, account: str) -> dict[str, Any] | None:
    row = connection.execute(select(table).where(table.c.account == account)).mappings().first()
    return None if row is None else dict(row)


def _rows(connection: Connection, table: Table, account: str, by: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    query = select(table).where(table.c.account == account).order_by(by.desc())
    return [dict(row) for row in connection.execute(query).mappings()]
