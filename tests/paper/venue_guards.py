"""The guards of `guards.py` that stand in venues, their quotes and their bars."""

from tests.paper.guard import Guard

BARS, WIRE, VENUE = "paper/alpaca/bars.py", "paper/alpaca/wire.py", "paper/alpaca/venue.py"
BOARD, MARGIN, READING = "paper/quote_board.py", "paper/margin.py", "paper/alpaca/reading.py"
HEARD, ORDERS = "test_alpaca_bars.py", "test_alpaca_orders.py"

VENUE_GUARDS = {
    "7": Guard(BOARD, "if quote.time > claim.time:", "if True:", "test_quotes.py -k confirms"),
    "8": Guard(
        BARS,
        "return not is_missing.any() or now >= bar.ends + patience",
        "return True",
        f"{HEARD} -k waited_for",
    ),
    "9": Guard(
        BARS,
        "bar.ends + self._belief.grace <= now",
        "bar.begins <= now",
        f"{HEARD} -k that_forms",
    ),
    "11": Guard(
        "paper/market_clock.py",
        "self._now = max(self._now, self._market_time())",
        "self._now = self._market_time()",
        "test_live_loop.py -k goes_back",
    ),
    "12": Guard(
        "paper/alpaca/timeframe.py",
        'ZoneInfo("America/New_York")',
        'ZoneInfo("EST")',
        f"{HEARD} -k midnight",
    ),
    "14": Guard(
        BARS,
        "if told != session and (said.is_open or was_doubtful):",
        "if told != session:",
        f"{HEARD} -k one_word",
    ),
    "15": Guard(
        "paper/live_feed.py",
        "return np.where(is_gone, np.nan, self._prices)",
        "return self._prices",
        "test_live_feed.py",
    ),
    "16": Guard(
        "paper/resting.py",
        "status=OrderStatus.FILLED if is_all else OrderStatus.PARTIALLY_FILLED",
        "status=OrderStatus.FILLED",
        "test_contract_orders.py test_simulated.py",
    ),
    "17": Guard(
        "paper/resting.py",
        "return replace(self, status=status, updated_at=now, note=note)",
        "return replace(self, status=status, updated_at=now, note=note, filled_units=0.0)",
        "test_contract_orders.py test_simulated.py",
    ),
    "21a": Guard(
        VENUE,
        "if not order.is_of(intent):",
        "if False:",
        "test_contract_orders.py -k identifier",
    ),
    "21b": Guard(
        "paper/outbox.py",
        "if (order.symbol, order.side) != (meant.symbol, meant.side):",
        "if False:",
        "test_loop_faults.py -k of_another_order",
    ),
    "23": Guard(
        "paper/filled.py",
        "return order.status.is_terminal and is_whole",
        "return order.status.is_terminal",
        "test_orders_of_events.py -k any_order",
    ),
    "25": Guard(
        "paper/filled.py",
        "identifiers = {intent.client_order_id, order.venue_order_id}",
        "identifiers = {intent.client_order_id}",
        "test_kills_alpaca.py -k something_to_lose",
    ),
    "27": Guard(
        "paper/turn.py",
        "if order.status.is_terminal:\n            return order",
        "if False:\n            return order",
        "test_contract_orders.py test_simulated.py",
    ),
    "28": Guard(
        VENUE,
        "return replace(order, status=OrderStatus.CANCELLING)",
        "return order",
        f"{ORDERS} -k not_shown_is_under_way",
    ),
    "30": Guard(WIRE, "if wait > 0.0:", "if False:", f"{ORDERS} -k limit_is_reached"),
    "32": Guard(
        "paper/network.py",
        "response = within(self._deadline, answer)",
        "response = answer()",
        "test_alpaca_reading.py -k takes_too_long",
    ),
    "33": Guard(
        BOARD,
        "min(FIRST_REST * 2.0 ** (self.failures[source.name] - 1), LONGEST_REST)",
        "0.0",
        "test_quotes.py -k left_alone",
    ),
    "56a": Guard(
        BARS,
        'actions["split"] = self._told.splits(bar.day)',
        "pass",
        f"{HEARD} -k a_split_is_told",
    ),
    "56b": Guard(
        "paper/custody.py", "units = held.units * split", "units = held.units", "test_simulated.py"
    ),
    "57": Guard(
        "paper/custody.py", "turn.cash += units * dividend", "pass", "test_simulated.py -k dividend"
    ),
    "58": Guard(
        "paper/alpaca/living.py",
        "        require_tradable(assets)\n",
        "",
        "test_alpaca_account.py -k nobody_can_trade",
    ),
    "59a": Guard(
        MARGIN,
        "multiplier > 1.0 and _can_borrow(intent, state, playback)",
        "multiplier > 1.0",
        "test_contract_orders.py test_contract_facts.py test_simulated.py",
    ),
    "59b": Guard(
        "paper/alpaca/assets.py",
        "np.where([asset.is_lent for asset in assets], 0.0, np.inf)",
        "np.zeros(len(assets))",
        "test_alpaca_account.py -k never_sold_short",
    ),
    "60": Guard(MARGIN, "if not cost <= power:", "if False:", "test_contract_orders.py"),
    "61": Guard(
        READING,
        '_number(row, "buying_power") if _is_said(row, "buying_power") else 0.0',
        '_number(row, "daytrading_buying_power")',
        "test_alpaca_reading.py",
    ),
    "64": Guard(
        "paper/alpaca/whole_units.py",
        "if abs(intent.units - whole) <= SMALLEST_UNITS:",
        "if True:",
        "test_alpaca_account.py -k whole",
    ),
}
