"""Section 15: two legs that are one trade."""

import math
from dataclasses import replace

from benbot.envs.desk.reasons import Verdict
from tests.reference.book import Bar, Position
from tests.reference.gates import (
    CANDIDATE_GATES,
    Answer,
    Wish,
    ask_for_room,
    price_of,
)
from tests.reference.numbers import divide, least, positive
from tests.reference.orders import (
    Terms,
    position_cap,
    standard_size,
    terms_at_the_close,
    whole_lots,
)

BEFORE_ROOMS = 5  # gates of the candidate that do not depend on the next bar
ANSWERS = tuple[Answer, Answer]


def partner_of(bar: Bar, k: int, s: int) -> int:
    """Return the symbol of the other leg, below 0 where there is none."""
    return bar.desk.opinions.partner[bar.t][bar.desk.opinions.row[k]][s]


def share_of(bar: Bar, k: int, s: int) -> float:
    return bar.desk.opinions.share[bar.t][bar.desk.opinions.row[k]][s]


# Size.


def pair_size(bar: Bar, k: int, s: int) -> float:
    """Return the standard fraction of equity of the whole pair."""
    legs = (s, partner_of(bar, k, s))
    return least(*(divide(standard_size(bar, k, leg), share_of(bar, k, leg)) for leg in legs))


def sizes_of_leg(bar: Bar, k: int, s: int) -> tuple[float, float]:
    """Return the standard fraction of a leg, and its wanted notional."""
    if partner_of(bar, k, s) < 0:
        return math.nan, math.nan
    whole, share = pair_size(bar, k, s), share_of(bar, k, s)
    wanted = least(whole * bar.multiple(k), position_cap(bar)) * bar.account.equity
    return whole * share, wanted * share


def wish_of_leg(bar: Bar, k: int, s: int) -> Wish:
    side = 1 if bar.values[k][s] > 0.0 else -1
    return Wish(k, s, side, sizes_of_leg(bar, k, s)[1])


# Gates and rooms.


def ask_pair(bar: Bar, first: Wish, second: Wish) -> ANSWERS:
    """Return what both legs may have."""
    before = ask_gates(bar, first, second)
    if before is not None:
        return before
    answers = ask_rooms(bar, first, second)
    share = min(left_to(bar, first, answers[0]), left_to(bar, second, answers[1]))
    if not answers[0].units or not share < 1.0:
        return answers
    again = ask_rooms(bar, *(part_of(wish, share) for wish in (first, second)))
    if any(answer.verdict != Verdict.PASSED for answer in again):
        return refused(*map(shortage, again))
    limits = (answer.limit or Verdict.PARTNER for answer in answers)
    one, two = (
        Answer(Verdict.CLIPPED, answer.units, limit)
        for answer, limit in zip(again, limits, strict=True)
    )
    return one, two


def ask_gates(bar: Bar, first: Wish, second: Wish) -> ANSWERS | None:
    """Return the refusal of the first gate that refuses one of the legs, if any does."""
    for place, wish in enumerate((first, second)):
        for verdict, refuses in CANDIDATE_GATES[:BEFORE_ROOMS]:
            if refuses(bar, wish):
                own = [Verdict.PASSED, Verdict.PASSED]
                own[place] = verdict
                return refused(*own)
    limits = bar.rules.limits
    if bar.account.trades_today + 2 > limits.daily_trades:
        return refused(Verdict.DAILY_TRADES, Verdict.DAILY_TRADES)
    if len(bar.account.positions) + 2 > limits.max_positions:
        return refused(Verdict.CAPACITY, Verdict.CAPACITY)
    return None


def refused(first: Verdict, second: Verdict) -> ANSWERS:
    """Return both refusals; the leg that nothing speaks against is refused for its partner."""
    return Answer(first or Verdict.PARTNER), Answer(second or Verdict.PARTNER)


def ask_rooms(bar: Bar, first: Wish, second: Wish) -> ANSWERS:
    one = ask_for_units(bar, first)
    if not one.units:
        return one, Answer(Verdict.PARTNER)
    other = part_of(second, left_to(bar, first, one))
    bar.account.positions.append(as_if_held(bar, first, one.units))
    two = ask_for_units(bar, other)
    bar.account.positions.pop()
    return (one, two) if two.units else (Answer(Verdict.PARTNER), two)


def ask_for_units(bar: Bar, wish: Wish) -> Answer:
    """Ask the gates that look at the next bar, then the rooms."""
    for verdict, refuses in CANDIDATE_GATES[BEFORE_ROOMS:]:
        if refuses(bar, wish):
            return Answer(verdict)
    return ask_for_room(bar, wish)


def shortage(answer: Answer) -> Verdict:
    """Return the room that clipped a leg, or the gate that refused it."""
    return answer.limit if answer.verdict == Verdict.CLIPPED else answer.verdict


def part_of(wish: Wish, share: float) -> Wish:
    return replace(wish, notional=wish.notional * share)


def left_to(bar: Bar, wish: Wish, answer: Answer) -> float:
    """Return the share of its wish that the rooms left a leg."""
    if answer.verdict != Verdict.CLIPPED:
        return 1.0
    return abs(answer.units) * price_of(bar, wish) / wish.notional


def as_if_held(bar: Bar, wish: Wish, units: float) -> Position:
    close = price_of(bar, wish)
    stop = bar.desk.opinions.stop[bar.t][wish.strategy][wish.symbol]
    return Position(
        strategy=wish.strategy,
        symbol=wish.symbol,
        diamond=False,
        opened=bar.t + 1,
        base_units=units,
        last_price=close,
        units=units,
        stop=close - wish.side * (close * stop),
    )


# Fill.


def cut_to_room(bar: Bar, wishes: tuple[Wish, Wish], answers: ANSWERS) -> tuple[float, float]:
    """Return the units of both orders, cut by the same share to what bar t + 1 has room for."""
    units = answers[0].units, answers[1].units
    share = min(room_share(bar, wish.symbol, n) for wish, n in zip(wishes, units, strict=True))
    if not share < 1.0:
        return units
    return whole_lots(bar.rules, units[0] * share), whole_lots(bar.rules, units[1] * share)


def room_share(bar: Bar, s: int, units: float) -> float:
    terms: Terms = terms_at_the_close(bar, s, units)
    notional, room = abs(units) * terms.price, bar.facts.room[bar.t + 1][s]
    return 1.0 if notional <= room else divide(room, notional)


# Exits.


def other_leg(bar: Bar, position: Position) -> Position | None:
    return next(
        (
            other
            for other in bar.account.positions
            if other.symbol == position.partner and other.partner == position.symbol
        ),
        None,
    )


def waits_for_its_partner(bar: Bar, position: Position) -> bool:
    """Return whether a leg stays because the other one cannot be traded in the next bar."""
    if bar.account.daily_loss:
        return False
    other = other_leg(bar, position)
    return other is not None and not positive(bar.facts.open[bar.t + 1][other.symbol])
