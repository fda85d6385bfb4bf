"""At which price an order fills in a bar, if it does: the desk's rules (docs/desk.md, 10 and 11).

At its opening a bar fills market orders, and what its opening price reaches. At its close, what
waited since before its opening may have met any price of its range; what came later knows only the
close. Of stops and limits in one range, stops come first: nobody knows in which order the prices of
a bar came, so the bad one is assumed. `Playback` says how a market without ranges moves.
"""

from typing import NamedTuple

from benbot.envs.arrays import Record
from benbot.envs.desk.dealing import cost_of
from benbot.envs.desk.fills import AT_ONCE, fillable, terms_in
from benbot.paper.resting import Resting
from benbot.paper.venue import OrderKind


class Match(NamedTuple):
    """A price at which an order fills, and how much of its impact it pays."""

    price: float
    impact: float
    is_sliced: bool = False  # over the bar, so that it is done when the bar is


def match_open(order: Resting, bar: Record, adv: float, rules: Record) -> Match | None:
    """Return the match of an order at the opening price, None where it has none."""
    intent = order.intent
    if intent.kind is OrderKind.MARKET:
        return match_market(order, bar, adv, rules)
    return Match(float(bar["open"]), AT_ONCE) if reaches(order, float(bar["open"])) else None


def match_market(order: Resting, bar: Record, adv: float, rules: Record) -> Match:
    """Return the match of a market order in a bar: at its open, or over it if it is large."""
    terms = terms_in(bar, adv, order.signed_left, rules)
    return Match(float(terms.price), float(terms.impact), bool(terms.is_sliced))


def match_range(order: Resting, bar: Record) -> Match | None:
    """Return the match of a stop or a limit that waited through the whole bar."""
    limit = order.intent.limit
    if limit is None:
        return None
    is_stop = order.intent.kind is OrderKind.STOP
    towards = order.intent.side.sign if is_stop else -order.intent.side.sign
    extreme = float(bar["high"] if towards > 0.0 else bar["low"])
    if not towards * (extreme - limit) >= 0.0:
        return None
    opened = float(bar["open"])
    return Match(max(limit, opened) if towards > 0.0 else min(limit, opened), AT_ONCE)


def match_within(order: Resting, bar: Record) -> Match | None:
    """Return the match of a stop or a limit at its own price, wherever the bar had opened.

    Whoever asks for it when the bar is over has taken the opening into the price, or set it later.
    """
    limit, match = order.intent.limit, match_range(order, bar)
    return None if limit is None or match is None else Match(limit, AT_ONCE)


def match_close(order: Resting, bar: Record) -> Match | None:
    """Return the match of an order that arrived within the bar: only its close came later."""
    limit, close = order.intent.limit, float(bar["close"])
    if limit is None or not reaches(order, close):
        return None
    return Match(limit if order.intent.kind is OrderKind.LIMIT else close, AT_ONCE)


def reaches(order: Resting, price: float) -> bool:
    """Return whether an order may fill at a price: a stop beyond its limit, a limit up to it."""
    limit = order.intent.limit
    if limit is None:
        return price > 0.0
    better = order.intent.side.sign * (limit - price)
    return better <= 0.0 if order.intent.kind is OrderKind.STOP else better >= 0.0


def units_and_cost(wanted: float, match: Match, bar: Record, rules: Record) -> tuple[float, float]:
    """Return how much of what is wanted, signed, a bar has room for, positive, and its cost."""
    units = float(fillable(wanted, match.price, bar, rules))
    cost = cost_of(units, match.price, match.impact, bar, rules) if units else 0.0
    return abs(units), float(cost)
