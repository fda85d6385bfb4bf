"""Sections 3, 6, 7, 11 and 12: one account from the close of bar t to the close of bar t + 1."""

import math

from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.signals import Overlay
from tests.reference.book import Bar, Position
from tests.reference.breakers import act_on_breakers, act_on_corporate_actions
from tests.reference.gates import (
    ACCOUNT_GATES,
    ROUNDING,
    Answer,
    Wish,
    ask,
    price_of,
    score,
    write_down,
)
from tests.reference.numbers import divide, positive
from tests.reference.options import in_whole_contracts, mark_options, overlay_of
from tests.reference.orders import (
    Terms,
    add_units,
    close_units,
    position_cap,
    set_exits,
    size_scale,
    standard_size,
    terms_at_the_close,
    to_tick,
    wanted_notional,
    whole_lots,
)
from tests.reference.overlays import (
    buy_calls_back,
    buy_puts_back,
    end_options,
    open_put,
    reason_to_buy_back,
    write_calls,
)
from tests.reference.pairs import (
    ask_pair,
    cut_to_room,
    other_leg,
    partner_of,
    sizes_of_leg,
    waits_for_its_partner,
    wish_of_leg,
)

LEAST_SCORE = 1e-20
CALLS_ONLY = (Exit.OPTION_PROFIT, Exit.OPTION_TIME)


def trade_bar(bar: Bar) -> float:
    """Section 3: the order of one bar. Return the log growth of the account."""
    act_on_breakers(bar)
    bar.scale = size_scale(bar)
    end_options(bar)
    act_on_corporate_actions(bar)
    winners = candidates(bar)
    exit_at_the_close(bar)
    enter(bar, winners)
    write_calls(bar)
    watch_the_bar(bar)
    return mark(bar)


# Section 6: candidates.


def candidates(bar: Bar) -> list[tuple[int, int]]:
    """Return the winners, (strategy, symbol), in the order in which they are heard."""
    best: dict[int, tuple[tuple[float, bool], int]] = {}
    for k, row in enumerate(bar.values):
        if not bar.weights[k] > 0.0:
            continue
        for s, value in enumerate(row):
            strength = abs(score(bar, k, s)) if value else 0.0
            claim = (strength, value > 0.0)  # the long one of equals
            if strength > LEAST_SCORE and claim > best.get(s, ((0.0, False), 0))[0]:
                best[s] = (claim, k)
    winners = [(claim[0], s, k) for s, (claim, k) in best.items() if not asks_nothing(bar, k, s)]
    return [(k, s) for _, s, k in sorted(winners, key=lambda winner: (-winner[0], winner[1]))]


def asks_nothing(bar: Bar, k: int, s: int) -> bool:
    """Return whether the strategy holds the symbol on that side already."""
    held = bar.account.holding(s)
    return held is not None and held.strategy == k and held.side * bar.values[k][s] > 0.0


# Section 7: exits decided at the close.


def exit_at_the_close(bar: Bar) -> None:
    tied = bar.tied
    excess = tied - bar.account.equity * (1.0 - bar.reserve)
    kept = 1.0 - excess / tied if excess > 0.0 else 1.0
    for position in reversed(list(bar.account.positions)):
        if not positive(bar.facts.open[bar.t + 1][position.symbol]):
            continue
        reason = reason_to_leave(bar, position)
        if waits_for_its_partner(bar, position):
            continue
        if reason in CALLS_ONLY and not position.is_put:
            buy_calls_back(bar, position, reason)
            reason = Exit.NONE
        if reason == Exit.NONE:
            follow_its_weight(bar, position, kept)
        else:
            leave_at_the_close(bar, position, position.units, reason)


def reason_to_leave(bar: Bar, position: Position) -> Exit:
    reason = own_reason_to_leave(bar, position)
    if reason != Exit.NONE or position.partner < 0:
        return reason
    other = other_leg(bar, position)
    gone = other is None or own_reason_to_leave(bar, other) != Exit.NONE
    return Exit.PARTNER if gone else Exit.NONE


def own_reason_to_leave(bar: Bar, position: Position) -> Exit:
    held_for = bar.t + 1 - position.opened
    value = bar.values[position.strategy][position.symbol]
    exits = bar.rules.exits
    reasons = (
        (Exit.BREAKER, bar.account.daily_loss),
        (Exit.REVERSAL, value * position.side < 0.0),
        (Exit.DIAMOND, position.diamond and held_for >= exits.diamond_time_stop),
        (Exit.TIME, held_for >= exits.time_stop),
        (Exit.WEIGHT, not bar.weights[position.strategy] > 0.0),
    )
    reason = next((reason for reason, holds in reasons if holds), Exit.NONE)
    return reason or reason_to_buy_back(bar, position)


def leave_at_the_close(bar: Bar, position: Position, units: float, reason: Exit) -> None:
    if position.is_put:
        buy_puts_back(bar, position, units, reason)
        return
    ordered = units if units == position.units else whole_lots(bar.rules, units)
    terms = terms_at_the_close(bar, position.symbol, ordered)
    close_units(bar, position, units, terms, reason)


def follow_its_weight(bar: Bar, position: Position, kept: float) -> None:
    sizing = bar.rules.sizing
    held = abs(position.worth)
    wanted = abs(position.base_units) * position.last_price * bar.multiple(position.strategy)
    wanted = min(wanted, position_cap(bar) * bar.account.equity)
    if kept < 1.0:
        wanted = min(wanted, held * kept)
    change = wanted - held
    dust = ROUNDING * bar.account.equity
    if not abs(change) > max(sizing.no_trade_band * held, sizing.smallest_order, dust):
        return
    if change > 0.0:
        if position.partner < 0 and position.overlay == Overlay.NONE:
            enlarge(bar, position, change)
    elif held + change >= sizing.smallest_order:
        units = in_whole_contracts(position, position.units * (-change / held))
        leave_at_the_close(bar, position, units, Exit.WEIGHT)
    else:
        leave_at_the_close(bar, position, position.units, Exit.WEIGHT)


def enlarge(bar: Bar, position: Position, change: float) -> None:
    wish = Wish(position.strategy, position.symbol, position.side, change, position)
    answer = ask(bar, wish)
    if answer.units and not add_units(bar, position, answer.units):
        answer = Answer(Verdict.NOT_TRADABLE, 0.0, answer.limit)
    write_down(bar, wish, answer)


# Sections 8 to 10: entries.


def enter(bar: Bar, winners: list[tuple[int, int]]) -> None:
    heard: set[int] = set()
    for k, s in winners:
        if s in heard:
            continue
        if bar.desk.opinions.row[k] >= 0:
            heard |= enter_pair(bar, winners, k, s)
            continue
        side = 1 if bar.values[k][s] > 0.0 else -1
        standard = standard_size(bar, k, s)
        wish = Wish(k, s, side, wanted_notional(bar, k, standard))
        answer = ask(bar, wish)
        if answer.units and not open_position(bar, wish, answer.units, standard):
            answer = Answer(Verdict.NOT_TRADABLE, 0.0, answer.limit)
        write_down(bar, wish, answer)


def enter_pair(bar: Bar, winners: list[tuple[int, int]], k: int, s: int) -> set[int]:
    """Hear the winner of symbol s, a leg of a pair; return the symbols that were heard."""
    first, partner = wish_of_leg(bar, k, s), partner_of(bar, k, s)
    if account_refuses(bar, first) or (k, partner) not in winners:
        write_down(bar, first, Answer(account_refuses(bar, first) or Verdict.PARTNER))
        return {s}
    wishes = first, wish_of_leg(bar, k, partner)
    answers = list(ask_pair(bar, *wishes))
    if answers[0].units:
        orders = cut_to_room(bar, wishes, (answers[0], answers[1]))
        both = all(orders)
        for i, (wish, units) in enumerate(zip(wishes, orders, strict=True)):
            standard = sizes_of_leg(bar, k, wish.symbol)[0]
            both = both and open_position(bar, wish, units, standard)
            if both:
                bar.account.positions[-1].partner = wishes[1 - i].symbol
            else:
                answers[i] = Answer(Verdict.NOT_TRADABLE, 0.0, answers[i].limit)
    for wish, answer in zip(wishes, answers, strict=True):
        write_down(bar, wish, answer)
    return {s, partner}


def account_refuses(bar: Bar, wish: Wish) -> Verdict:
    """Return the first gate of the account that refuses, PASSED where none does."""
    refusals = (verdict for verdict, refuses in ACCOUNT_GATES if refuses(bar, wish))
    return next(refusals, Verdict.PASSED)


def open_position(bar: Bar, wish: Wish, units: float, standard: float) -> bool:
    """Open a position; return whether any of it was done."""
    close = price_of(bar, wish)
    position = Position(
        strategy=wish.strategy,
        symbol=wish.symbol,
        diamond=bar.desk.opinions.diamond[bar.t][wish.symbol],
        opened=bar.t + 1,
        base_units=wish.side * standard * bar.account.equity / close,
        last_price=close,
    )
    position.overlay = overlay_of(bar, wish.strategy, wish.side)
    done = open_put if position.is_put else add_units
    if not done(bar, position, units):
        return False
    set_exits(bar.rules, position, bar.desk.opinions.stop[bar.t][wish.strategy][wish.symbol])
    bar.account.positions.append(position)
    return True


# Section 11: inside the bar. A long is hurt by the low and helped by the high, a short by the
# high and helped by the low; prices times the side make one of both.


def watch_the_bar(bar: Bar) -> None:
    for position in reversed(list(bar.account.positions)):
        close = bar.facts.close[bar.t + 1][position.symbol]
        if math.isnan(close):
            wait_for_a_price(bar, position)
        else:
            position.missing = 0
            if position.is_put:
                position.symbol_price = close
                continue
            if position.complete:
                watch(bar, position)
            position.complete = True
            position.last_price = close


def wait_for_a_price(bar: Bar, position: Position) -> None:
    position.missing += 1
    if position.missing > bar.rules.exits.delisted_after and position.is_put:
        buy_puts_back(bar, position, position.units, Exit.DELISTED)
    elif position.missing > bar.rules.exits.delisted_after:
        close_units(bar, position, position.units, Terms(position.last_price), Exit.DELISTED)


def watch(bar: Bar, position: Position) -> None:
    """Take the steps of section 11 until one of them closes the position or falls short."""
    stopped = hit_the_stop(bar, position) or take_a_part(bar, position)
    if not stopped and not hit_the_target(bar, position):
        trail(bar, position)


def worst(bar: Bar, position: Position) -> float:
    prices = bar.facts.low if position.side > 0 else bar.facts.high
    return prices[bar.t + 1][position.symbol]


def best(bar: Bar, position: Position) -> float:
    prices = bar.facts.high if position.side > 0 else bar.facts.low
    return prices[bar.t + 1][position.symbol]


def worse_of(side: int, a: float, b: float) -> float:
    return min(a, b) if side > 0 else max(a, b)


def better_of(side: int, a: float, b: float) -> float:
    return max(a, b) if side > 0 else min(a, b)


def stop_is_reached(bar: Bar, position: Position) -> bool:
    return position.side * worst(bar, position) <= position.side * position.stop


def price_is_reached(bar: Bar, position: Position, price: float) -> bool:
    return price > 0.0 and position.side * best(bar, position) >= position.side * price


def reason_of_stop(position: Position) -> Exit:
    if position.stop == position.initial_stop:
        return Exit.STOP
    at_entry = position.partial_taken and position.stop == position.entry_price
    return Exit.BREAK_EVEN if at_entry else Exit.TRAILING_STOP


def hit_the_stop(bar: Bar, position: Position) -> bool:
    """Step 1. Return whether nothing more happens to the position in this bar."""
    if not stop_is_reached(bar, position):
        return False
    start = bar.facts.open[bar.t + 1][position.symbol]
    price = worse_of(position.side, position.stop, start)
    close_units(bar, position, position.units, Terms(price), reason_of_stop(position))
    return True


def take_a_part(bar: Bar, position: Position) -> bool:
    """Step 2. Return whether nothing more happens to the position in this bar."""
    if position.partial_taken or not price_is_reached(bar, position, position.partial):
        return False
    side = position.side
    price = better_of(side, position.partial, bar.facts.open[bar.t + 1][position.symbol])
    share = bar.rules.exits.partial_share
    if not close_units(bar, position, position.units * share, Terms(price), Exit.PARTIAL):
        return False
    position.partial_taken = True
    position.stop = better_of(side, position.stop, position.entry_price)
    if not stop_is_reached(bar, position):
        return False
    close_units(bar, position, position.units, Terms(position.stop), reason_of_stop(position))
    return True


def hit_the_target(bar: Bar, position: Position) -> bool:
    """Step 3. Return whether nothing more happens to the position in this bar."""
    if not price_is_reached(bar, position, position.target):
        return False
    start = bar.facts.open[bar.t + 1][position.symbol]
    price = better_of(position.side, position.target, start)
    close_units(bar, position, position.units, Terms(price), Exit.TARGET)
    return True


def trail(bar: Bar, position: Position) -> None:
    """Step 4."""
    side = position.side
    position.best = better_of(side, position.best, best(bar, position))
    stop = position.best - side * bar.rules.exits.trailing_multiple * position.distance
    stop = to_tick(stop, side < 0, bar.rules.execution.tick)
    position.stop = better_of(side, position.stop, stop)


# Section 12: mark.


def mark(bar: Bar) -> float:
    """Charge the loans of shorts and return the log growth of the account."""
    account, u = bar.account, bar.t + 1
    for position in account.positions:
        if position.side < 0:
            rate = bar.facts.borrow_rate[u][position.symbol]
            rate = bar.rules.gates.borrow_rate if math.isinf(rate) else rate
            fee = rate * abs(position.worth) * bar.facts.years[u]
            account.cash -= fee
            position.costs += fee
    mark_options(bar)
    account.previous_equity = account.equity
    account.equity = account.cash + account.long - account.short - account.owed
    account.peak = max(account.peak, account.equity)
    growth = divide(account.equity, account.previous_equity)
    return math.log(growth) if account.equity > 0.0 and growth > 0.0 else -math.inf
