"""What happens to what is held, whether anybody orders or not: docs/desk.md, sections 10 to 12.

Splits and dividends before a bar opens; prices, delistings and the fee for borrowing at its close.
"""

from dataclasses import replace
from datetime import datetime

from benbot.envs.desk.fills import AT_ONCE
from benbot.paper.matching import Match, units_and_cost
from benbot.paper.replay import Playback
from benbot.paper.resting import Holding
from benbot.paper.turn import Done, Turn
from benbot.paper.venue import OrderIntent, OrderStatus, Side


def settle_actions(turn: Turn, playback: Playback, t: int, now: datetime) -> None:
    """Split what is held, pay its dividend, and cancel what waits for a price of before."""
    for s, split, dividend in playback.actions(t):
        symbol = playback.market.symbols[s]
        held = turn.holdings.get(symbol)
        if held is not None:
            units = held.units * split
            turn.cash += units * dividend
            turn.holdings[symbol] = replace(
                held,
                units=units,
                entry_price=held.entry_price / split,
                last_price=held.last_price / split - dividend,
            )
        for order in turn.waiting():
            if split != 1.0 and order.symbol == symbol and order.intent.limit is not None:
                turn.end(order, OrderStatus.CANCELLED, now, f"split of {split:g}")


def mark(turn: Turn, playback: Playback, t: int, name: str) -> None:
    """Value what is held at a price of bar `t`, its open or its close."""
    for symbol, held in turn.holdings.items():
        s = playback.columns[symbol]
        if playback.market.tradable[t, s]:
            price = float(playback.bars[t, s][name])
            turn.holdings[symbol] = replace(held, last_price=price, missing=0)


def settle_delisted(turn: Turn, playback: Playback, t: int, now: datetime) -> None:
    """Pay out, at its last price, what has had no price for too long."""
    for symbol, held in list(turn.holdings.items()):
        if playback.market.tradable[t, playback.columns[symbol]]:
            continue
        held = replace(held, missing=held.missing + 1)
        turn.holdings[symbol] = held
        if held.missing > playback.rules["exits_delisted_after"]:
            for order in turn.waiting():
                if order.symbol == symbol:
                    turn.end(order, OrderStatus.CANCELLED, now, "delisted")
            _pay_out(turn, playback, held, (t, playback.columns[symbol]), now)


def pay_to_borrow(turn: Turn, playback: Playback, t: int) -> None:
    """Pay the fees of what was sold short for bar `t`."""
    for symbol, held in turn.holdings.items():
        if held.units < 0.0:
            fee = playback.borrow_fee(t, playback.columns[symbol])
            turn.cash += fee * held.units * held.last_price


def _pay_out(
    turn: Turn, playback: Playback, held: Holding, place: tuple[int, int], now: datetime
) -> None:
    t, s = place
    side = Side.SELL if held.units > 0.0 else Side.BUY
    symbol, units = playback.market.symbols[s], abs(held.units)
    order = turn.take(OrderIntent(f"delisted-{s}-{t}", symbol, side, units), now)
    match = Match(held.last_price, AT_ONCE)
    # A bar without a price has room for everything.
    _, cost = units_and_cost(side.sign * units, match, playback.bars[t, s], playback.rules)
    turn.book(order, Done(units, held.last_price, cost, t), now)
