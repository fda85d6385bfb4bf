"""Which orders the simulated venue takes: as brokers do, and for the reasons that they give.

An order that closes what is held may always come; one that opens or enlarges needs buying power. No
order turns a long position into a short one, and orders that could fill against each other never
wait together.
"""

from benbot.envs.errors import OrderRefused
from benbot.paper.boundary import ROUNDING
from benbot.paper.replay import Playback
from benbot.paper.resting import State
from benbot.paper.venue import OrderIntent, OrderKind, Refusal, Side


def buying_power(state: State, playback: Playback, multiplier: float) -> float:
    """Return what orders that open or enlarge may still cost: at least 0, account currency.

    `multiplier` is how many times its equity an account may hold.
    """
    promised = sum(
        order.left * reference
        for order in state.orders.values()
        if (reference := _reference(order.intent, state, playback))
        and _enlarges(order.intent, state)
    )
    return max(0.0, multiplier * state.equity - state.gross - promised)


def check_order(intent: OrderIntent, state: State, playback: Playback, multiplier: float) -> None:
    """Refuse an order that the venue does not take."""
    if intent.symbol not in playback.columns:
        raise OrderRefused(f"no symbol {intent.symbol} here", Refusal.NOT_TRADABLE)
    _refuse_wash_trade(intent, state)
    if _enlarges(intent, state):
        _check_opening(intent, state, playback, multiplier)
    else:
        _check_closing(intent, state)


def _check_opening(
    intent: OrderIntent, state: State, playback: Playback, multiplier: float
) -> None:
    reference = _reference(intent, state, playback)
    if reference is None:
        raise OrderRefused(f"{intent.symbol} has had no price yet", Refusal.NOT_TRADABLE)
    if intent.side is Side.SELL and not (multiplier > 1.0 and _can_borrow(intent, state, playback)):
        raise OrderRefused(f"{intent.symbol} cannot be sold short", Refusal.NOT_SHORTABLE)
    cost, power = intent.units * reference, buying_power(state, playback, multiplier)
    if not cost <= power:
        raise OrderRefused(
            f"insufficient buying power: {intent.symbol} costs {cost:.2f}, there is {power:.2f}",
            Refusal.BUYING_POWER,
        )


def _check_closing(intent: OrderIntent, state: State) -> None:
    held = abs(state.holdings[intent.symbol].units)
    promised = sum(
        order.left
        for order in state.orders.values()
        if order.symbol == intent.symbol and order.intent.side is intent.side
    )
    if intent.units > (held - promised) * (1.0 + ROUNDING):
        raise OrderRefused(
            f"insufficient units of {intent.symbol}: {intent.units:g} asked for, "
            f"{max(0.0, held - promised):g} of {held:g} not promised to other orders. Close what "
            "is held first, then open the other side",
            Refusal.NOT_HELD,
        )


def _refuse_wash_trade(intent: OrderIntent, state: State) -> None:
    for order in state.orders.values():
        if order.symbol == intent.symbol and order.intent.side is not intent.side:
            buy, sell = (
                (intent, order.intent) if intent.side is Side.BUY else (order.intent, intent)
            )
            if _could_meet(buy, sell):
                raise OrderRefused(
                    f"could fill against {order.intent.client_order_id}, which waits. Cancel that",
                    Refusal.WASH_TRADE,
                )


def _could_meet(buy: OrderIntent, sell: OrderIntent) -> bool:
    if OrderKind.LIMIT is buy.kind is sell.kind and buy.limit and sell.limit:
        return buy.limit >= sell.limit
    return True


def _enlarges(intent: OrderIntent, state: State) -> bool:
    held = state.holdings.get(intent.symbol)
    return held is None or held.units * intent.side.sign > 0.0


def _can_borrow(intent: OrderIntent, state: State, playback: Playback) -> bool:
    column = playback.columns[intent.symbol]
    closed = state.moment // 2 - 1  # the last bar that has: the rate of one is known at its close
    t = closed if closed >= 0 else playback.shown_bar(column, state.moment)  # or all that there is
    return t is not None and bool(playback.bars[t, column]["borrow_rate"] < float("inf"))


def _reference(intent: OrderIntent, state: State, playback: Playback) -> float | None:
    """Return the price at which an order is counted: its limit, or the last one shown."""
    if intent.limit is not None:
        return intent.limit
    return playback.price(playback.columns[intent.symbol], state.moment)
