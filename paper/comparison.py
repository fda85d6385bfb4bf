"""The venue's word beside the book: what agrees, what differs, and what would be done about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from benbot.paper.adoption import is_same_money, is_same_units
from benbot.paper.believed import Believed
from benbot.paper.outbox import DELISTED
from benbot.paper.venue import AccountFacts, VenueFill, VenueOrder, VenuePosition


class Truth(Protocol):
    """What of a venue is asked; every `Venue` is one."""

    def account(self) -> AccountFacts:
        """Return what the account is worth and may do."""

    def positions(self) -> Sequence[VenuePosition]:
        """Return what is held."""

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return all orders that may fill still."""

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        """Return the fills since a time."""


@dataclass(frozen=True)
class Compared:
    """One thing that both were asked for.

    remedy   what the loop, or --apply, does about it; empty where both agree
    """

    what: str
    book: str
    venue: str
    remedy: str = ""

    @property
    def agrees(self) -> bool:
        return not self.remedy


def compare(
    believed: Believed, truth: Truth, since: datetime, ours: Sequence[str]
) -> list[Compared]:
    """Return everything that both know, cash and positions first; `ours` are our identifiers."""
    account = truth.account()
    money = account.cash - believed.cash
    found = [
        Compared(
            "cash",
            f"{believed.cash:,.2f}",
            f"{account.cash:,.2f}",
            "" if is_same_money(account.cash, believed.cash) else f"take {money:+,.2f} as a flow",
        )
    ]
    if not account.may_trade:
        found.append(Compared("may trade", "yes", "no", account.note or "nothing is sent"))
    found += _positions(believed, truth.positions())
    found += _orders(believed, truth.open_orders(), set(ours))
    found += _fills(believed, truth.fills(since), set(ours))
    return found


def _positions(believed: Believed, positions: Sequence[VenuePosition]) -> Iterator[Compared]:
    held = {one.symbol: one.units for one in positions}
    for symbol in sorted(held.keys() | believed.units.keys()):
        there, here = held.get(symbol, 0.0), believed.units.get(symbol, 0.0)
        remedy = "" if is_same_units(there, here) else _adoption(believed, symbol, there)
        yield Compared(f"units of {symbol}", f"{here:,.6g}", f"{there:,.6g}", remedy)


def _adoption(believed: Believed, symbol: str, there: float) -> str:
    """Say what is done with units of a symbol that the book does not have so."""
    own = believed.units.get(symbol, 0.0) - believed.foreign.get(symbol, 0.0)
    kept = min(max(there / own, 0.0), 1.0) * own if own else 0.0
    parts = []
    if not is_same_units(kept, own):
        parts.append(f"close {own - kept:,.6g} of ours in the book")
    if not is_same_units(there, kept):
        parts.append(f"note {there - kept:,.6g} as somebody else's")
    return " and ".join(parts) or "forget what somebody else had"


def _orders(believed: Believed, orders: Sequence[VenueOrder], ours: set[str]) -> Iterator[Compared]:
    waiting = {row["client_order_id"]: row for row in believed.waiting}
    for order in orders:
        known = order.client_order_id
        told = f"{order.side} {order.units or 0:,.6g} {order.symbol}, {order.status}"
        if known in waiting:
            yield Compared(f"order {known}", str(waiting[known]["status"]), told)
        elif known in ours:
            yield Compared(f"order {known}", "over", told, "look at it: it may fill still")
        else:
            yield Compared(f"order {known}", "unknown", told, "note it as somebody else's")
    there = {order.client_order_id for order in orders}
    for known, row in waiting.items():
        if known not in there:
            yield Compared(
                f"order {known}", str(row["status"]), "not open", "ask for it, in the next cycle"
            )


def _fills(believed: Believed, fills: Sequence[VenueFill], ours: set[str]) -> Iterator[Compared]:
    missing = [fill for fill in fills if fill.execution_id not in believed.booked]
    agreed = len(fills) - len(missing)
    if agreed:
        yield Compared("fills", f"{agreed} booked", f"{agreed} of {len(fills)}")
    for fill in missing:
        own = fill.client_order_id
        told = f"{fill.signed_units:+,.6g} {fill.symbol} at {fill.price:,.4f}"
        if (own or "").startswith(DELISTED):
            continue  # the desk books what is delisted at its own price
        remedy = "book it with its order" if own in ours else "book it as somebody else's"
        yield Compared(f"fill {fill.execution_id}", "not booked", told, remedy)
