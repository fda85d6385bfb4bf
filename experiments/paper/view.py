"""What a paper account is doing, for people: where it stands, what it holds, what it did."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.envs.errors import UnknownName
from benbot.paper.overview.account import Overview, overview
from benbot.paper.overview.activity import closes, trades
from benbot.paper.overview.health import Health, Life, Switch, health, why_unhealthy
from benbot.paper.overview.holdings import holdings
from benbot.paper.overview.rows import begun, names_of
from benbot.paper.overview.stages import in_words
from benbot.paper.presence import user
from benbot.paper.store import reading, set_switch
from benbot.strategies.records.database import SQLITE, address_of, shown
from benbot.strategies.records.moments import microseconds, written

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20  # rows
NEWEST = 8  # events, with which status ends
BY_HAND = "by hand"
BEGIN = "Begin one: benbot paper --policy …; or say where it is kept with --store"
TRADED = "The loop ends after its cycle"
ENDS = {
    Life.ALIVE: TRADED,
    Life.STARTING: TRADED,
    Life.STOPPED: "Nobody trades it now",
    Life.SILENT: "Whoever traded it is silent, and ends after its cycle if it still lives",
}
STAYS = "It trades no more until benbot paper resume."


def account_of(url: str, name: str | None) -> str:
    """Return the account that is named, or the only one of the store where none is."""
    _require_store(url)
    if name is not None:
        return name
    with reading(url) as connection:
        known = names_of(connection)
    if not known:
        raise UnknownName(f"{_none_in(url)}. {BEGIN}")
    if len(known) != 1:
        raise UnknownName(f"--account must say which, the store has {', '.join(known)}")
    return known[0]


def show_status(url: str, account: str, now: datetime, console: "Console") -> None:
    """Print where an account stands, whether somebody trades it, and what happened last."""
    with reading(url) as connection:
        told = overview(connection, account, now)
    for name, value in _status(told):
        console.print(f"{name:12} {value}", highlight=False, markup=False)
    for text in told.untold:
        console.print(f"{'':12} for the next loop to note: {text}", markup=False)
    for event in told.events[:NEWEST]:
        said = event["said"] or f"{event['kind']} {event['subject']}"
        line = f"{written(event['moment'])} {said}"
        console.print(f"{'':12} {line}", markup=False)


def show_health(url: str, account: str, now: datetime, console: "Console") -> bool:
    """Print whether an account is traded now, and return it."""
    with reading(url) as connection:
        why = why_unhealthy(connection, account, now)
    console.print(f"not healthy: {why}" if why else "healthy", highlight=False, markup=False)
    return not why


def _status(told: Overview) -> list[tuple[str, str]]:
    earned, how, did = told.results, told.health, told.activity
    last, standing = earned.last, how.standing
    at_close = f"{earned.profit:+,.2f} ({earned.profit_share:+.2%}){_flows(earned.flows)}"
    return [
        ("account", f"{told.account}, began {written(told.began)} with {earned.capital:,.2f}"),
        ("policy", _policy(told)),
        ("traded by", _trader(how)),
        ("last cycle", _cycle(how)),
        ("stands", f"{standing['phase']} after bar {standing['bar']}" if standing else "nowhere"),
        *_now(told),
        ("at the close", f"equity {last['equity']:,.2f} at {written(last['moment'])}"),
        ("", f"profit {at_close}"),
        ("", f"cash {last['cash']:,.2f}, gross {last['gross']:,.2f}, net {last['net']:,.2f}"),
        ("today", f"{earned.today:+z,.2f} ({earned.today_share:+z.2%})"),
        ("drawdown", f"{earned.drawdown[-1]:.2%}"),
        ("regime", told.weights.regime or "unknown"),
        ("stages", in_words(told.weights.stages[-1:].ravel(), is_bound=told.is_bound)),
        ("breaker", str(last["breaker"])),
        ("kill switch", _switch(how.switch)),
        ("orders", f"{did.n_orders} meant, {did.under_way} of them under way"),
        ("events", f"{told.chain.n_events}, {told.chain.broken or 'the chain is whole'}"),
    ]


def _policy(told: Overview) -> str:
    """Return the version of the registry, and the digest, of an account's policy."""
    name, version = told.policy
    digest = str(told.identity.get("policy", "unknown"))
    if not version:
        return digest if name in ("", digest) else f"{digest}, of {name}, in no registry"
    called = "" if name == version else f", asked for as {name}"
    return f"{version}{called}, digest {digest}"


def _now(told: Overview) -> list[tuple[str, str]]:
    """Return what the account has by its book, which within a bar is not that of the close."""
    now = told.money
    if now is None:
        return [("now", "not known: the book cannot be read by this version")]
    sources = ", ".join(f"{name} {money:+,.2f}" for name, money in now.sources.lines)
    since = "" if told.moved else ", as at the last close"
    return [
        ("now", f"equity {now.equity:,.2f} at {written(now.moment)}{since}"),
        ("", f"profit {now.profit:+,.2f} ({now.profit_share:+.2%})"),
        ("", f"cash {now.cash:,.2f}, gross {now.gross:,.2f}, net {now.net:,.2f}"),
        ("positions", f"{now.n_positions} held by the desk"),
        ("profit from", sources),
        ("", f"dividends and borrowing since it began {now.sources.carried_in_all:+,.2f}"),
    ]


def show_positions(url: str, account: str, console: "Console") -> None:
    """Print what is held, with its profit at the last price that the account saw."""
    from rich.table import Table as View

    with reading(url) as connection:
        begun(connection, account)
        held = holdings(connection, account)
    view = View("symbol", "strategy", "units", "entry", "last", "stop", "profit")
    for one in held:
        numbers = (one.units, one.entry, one.mark, one.stop, one.profit)
        shown = ("" if number is None else f"{number:z,.2f}" for number in numbers)
        view.add_row(one.symbol, one.strategy, *shown)
    console.print(view)


def show_trades(url: str, account: str, console: "Console") -> None:
    """Print the last round trips, the newest first."""
    from rich.table import Table as View

    with reading(url) as connection:
        begun(connection, account)
        rows = trades(connection, account, SHOWN)
        ends = closes(connection, account, [row["closed"] for row in rows])
    view = View("closed (UTC)", "symbol", "strategy", "side", "entry", "exit", "profit", "reason")
    for column in view.columns:  # half a number is none
        column.no_wrap = column.header not in ("strategy", "reason")
    for row in rows:
        prices = (f"{row[name]:z,.2f}" for name in ("entry_price", "exit_price", "profit"))
        names = (row["symbol"], row["strategy"], row["held"])
        view.add_row(_closed(row["closed"], ends), *names, *prices, row["reason"])
    console.print(view)


def _closed(bar: int, ends: dict[int, int]) -> str:
    """Return when a bar closed, to the minute; its number where nobody marked it."""
    return written(ends[bar])[:16].replace("T", " ") if bar in ends else f"bar {bar}"


def switch(
    url: str, account: str, now: datetime, console: "Console", reason: str, **changed: bool
) -> None:
    """Set the switches of an account, and say what they mean."""
    with reading(url) as connection:
        begun(connection, account)
        life = health(connection, account, microseconds(now)).life
    set_switch(url, account, now, reason or BY_HAND, user(), **changed)
    words = {
        ("is_halted", True): "Halted: no order is sent until benbot paper resume.",
        ("is_halted", False): "Resumed: orders are sent again.",
        ("must_stop", True): f"{ENDS[life]}; what is held stays held. {STAYS}",
        ("must_stop", False): "The loop may run.",
    }
    for name, value in changed.items():
        console.print(words[name, value], highlight=False, soft_wrap=True)


def _require_store(url: str) -> None:
    """Refuse a file that is not there: nobody has begun an account in it yet."""
    address = address_of(url)
    if address.get_backend_name() == SQLITE and not Path(str(address.database)).is_file():
        raise UnknownName(f"{_none_in(url)}. {BEGIN}")


def _none_in(url: str) -> str:
    return f"an account must have begun, there is none yet in {shown(address_of(url))}"


def _trader(how: Health) -> str:
    if how.life is Life.STOPPED:
        return "nobody now"
    if how.life is Life.SILENT:
        return f"{how.owner}, which has been silent for longer than its lease"
    return how.owner


def _cycle(how: Health) -> str:
    if how.beat is None:
        return "none is known"
    path, why = " → ".join(how.beat.statuses), f" ({how.beat.why})" if how.beat.why else ""
    return f"{how.beat.cycle}, {how.beat.age:,.0f} s ago: {path}{why}"


def _flows(flows: float) -> str:
    return f", of which {flows:+,.2f} came or went is no part" if flows else ""


def _switch(switch: Switch) -> str:
    if not switch.is_halted:
        return "off"
    return f"ON since {written(switch.moment)}: no order is sent"
