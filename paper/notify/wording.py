"""What happened to an account, in words: rows of its store as news.

Names and reasons stand in them as they came; `plain` is for whoever sends them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from benbot.paper.notify.news import Kind, News
from benbot.paper.plain_words import ENDED, LIMITS, RECONCILING, STARTED, in_words
from benbot.paper.throws import HALTED, RESUMED, STOPPING, told_of
from benbot.strategies.records.moments import moment_of

Row = RowMapping | Mapping[str, Any]
Reasons = Mapping[str, Any]


def news_of_event(row: Row) -> News:
    """Return an event as news; of a kind that nobody named here, all that it says."""
    kind, word = KINDS.get(row["kind"], (Kind.OTHER, _as_it_is))
    try:
        reasons = json.loads(row["reasons"])
        text = word(row, reasons if isinstance(reasons, dict) else {"why": reasons})
    except (ValueError, KeyError, TypeError):
        text = f"{row['kind']} {row['subject']}"
    return News(kind, moment_of(row["moment"]), text)


def news_of_fill(row: Row) -> News:
    """Return an order that filled as news."""
    verb = "bought" if row["filled"] > 0.0 else "sold"
    why = "" if row["reason"] == "NONE" else f", {row['reason']}"
    text = (
        f"{verb} {abs(row['filled']):g} {row['symbol']} at {row['fill_price']:,.4f} for "
        f"{row['strategy']}{why} ({row['client_order_id']})"
    )
    return News(Kind.FILL, moment_of(row["updated"]), text)


def news_of_breaker(name: str, moment: datetime) -> News:
    """Return a breaker as news."""
    means = {"NORMAL": "entries are made again"}.get(name, "entries are limited or stopped")
    return News(Kind.BREAKER, moment, f"the breaker is {name}: {means}", ages=False)


def news_of_switch(before: tuple[bool, bool], row: Row) -> list[News]:
    """Return what changed of (is_halted, must_stop) as news."""
    moment, reason = moment_of(row["moment"]), row["reason"]
    words = {
        (0, True): f"the kill switch is ON, no order is sent ({reason})",
        (0, False): f"the kill switch is off, orders are sent again ({reason})",
        (1, True): f"asked to stop after this cycle ({reason})",
        (1, False): f"not asked to stop any more ({reason})",
    }
    now = (bool(row["is_halted"]), bool(row["must_stop"]))
    return [
        News(Kind.HALT, moment, words[i, now[i]], ages=False, is_ours=True)
        for i in range(len(now))
        if now[i] != before[i]
    ]


def news_of_day(day: str, rows: Sequence[Row], before: float, done: tuple[int, float]) -> News:
    """Return a day as news, from its marks, the equity before it and (round trips, profit)."""
    last = rows[-1]
    change = last["equity"] / before - 1.0 if before > 0.0 else float("nan")
    text = (
        f"{day}: equity {last['equity']:,.2f} ({change:+z.2%}), cash {last['cash']:,.2f}, "
        f"{last['n_positions']} positions, gross {last['gross']:,.2f}, breaker {last['breaker']}, "
        f"{done[0]} round trips {done[1]:+z,.2f}"
    )
    return News(Kind.DAY, moment_of(last["moment"]), text)


def news_of_throw(row: Row) -> News:
    """Return a switch that somebody threw as news."""
    reasons = {name: said for name, said in told_of(row).reasons.items() if name != "thrown"}
    text = in_words(row["kind"], reasons)
    return News(Kind.HALT, moment_of(row["moment"]), text, ages=False, is_ours=True)


def _as_it_is(row: Row, reasons: Reasons) -> str:
    return f"{row['kind']} {_alarm(row, reasons)}"


def _alarm(row: Row, reasons: Reasons) -> str:
    said = ", ".join(f"{name} {_short(value)}" for name, value in sorted(reasons.items()))
    return f"{row['subject']}{': ' if said else ''}{said}"


def _plainly(row: Row, reasons: Reasons) -> str:
    return in_words(row["kind"], reasons) or _as_it_is(row, reasons)


def _started(row: Row, reasons: Reasons) -> str:
    return f"a loop begins; {reasons['before']}"


def _began(row: Row, reasons: Reasons) -> str:
    return f"the account began after {row['subject']} with {reasons['capital']:,.2f}"


def _refused(row: Row, reasons: Reasons) -> str:
    order = f"{reasons['units']:+g} {reasons['symbol']}"
    return f"order {row['kind']}: {order}: {reasons['why']} ({row['subject']})"


def _adopted(row: Row, reasons: Reasons) -> str:
    return (
        f"others traded {row['subject']}: the account holds {reasons['units']:g}, of which "
        f"{reasons['foreign']:g} are not the desk's"
    )


def _flow(_: Row, reasons: Reasons) -> str:
    return f"money came or went: {reasons['money']:+,.2f}"


def _external(row: Row, reasons: Reasons) -> str:
    return f"somebody else's order in {reasons['symbol']} ({row['subject']})"


def _settled(row: Row, reasons: Reasons) -> str:
    late = f", {reasons['late']:+g} of it since it was left" if reasons["late"] else ""
    return (
        f"an order in {reasons['symbol']} that was left ended {reasons['status']} with "
        f"{reasons['filled']:g} filled{late} ({row['subject']})"
    )


def _stage(row: Row, reasons: Reasons) -> str:
    aside = "" if reasons["binds"] else "; it does not bind this account"
    note = f" ({reasons['note']})" if reasons["note"] else ""
    return (
        f"{row['subject']} {reasons['source']} → {reasons['target']}: {reasons['why']}{note}{aside}"
    )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


KINDS: dict[str, tuple[Kind, Callable[[Row, Reasons], str]]] = {
    "alarm": (Kind.ALARM, _alarm),
    "nonsense": (Kind.ALARM, _as_it_is),
    "began": (Kind.RUN, _began),
    "refused": (Kind.ORDER, _refused),
    "dropped": (Kind.ORDER, _refused),
    "settled": (Kind.ORDER, _settled),
    "adopted": (Kind.EXTERNAL, _adopted),
    "flow": (Kind.EXTERNAL, _flow),
    "external": (Kind.EXTERNAL, _external),
    STARTED: (Kind.RUN, _started),
    LIMITS: (Kind.RUN, _plainly),
    RECONCILING: (Kind.EXTERNAL, _plainly),
    "stage": (Kind.STAGE, _stage),
}
SAID_BEFORE = (HALTED, RESUMED, STOPPING)  # as throws, which wait for no chain


def is_told(row: Row) -> bool:
    """Return whether an event is news: a loop says itself that it begins and that it ends.

    Not so one that was killed: the next one's start tells of it.
    """
    if row["kind"] == STARTED:
        return '"before":""' not in row["reasons"]  # as the chain writes it
    return row["kind"] not in (*SAID_BEFORE, ENDED)
