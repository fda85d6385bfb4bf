"""A life of an account at the emulated Alpaca, in which anything happens at any time.

What may happen is a rule, what must always hold an invariant, and Hypothesis looks for an order of
the rules in which it does not. The broker's own ledger, which nobody kills, is the judge.

I1  an order that reached the broker had been meant: its intent is in the store, as it was sent
I2  an identifier is one order, and no more of it filled than was ordered
I3  what is booked was filled, once, at its price
I4  what an order that is over has filled is the sum of its fills, here and at the broker
I5  what is over stays as it is
I6  while the kill switch is on nothing reaches the broker
I7  nothing is opened beyond the limits, and nothing that is blocked
I8  the chain of events is whole, and no bar is left out
I9  in two cycles without trouble the book holds and owns what the broker says
I10 the broker's money is its capital less what its fills cost
I11 what was closed by limits is not opened after the opening that was under way
"""

import sqlite3
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event
from sqlalchemy.pool import Pool

from benbot.envs.errors import RunMismatch
from benbot.paper.chain import verify
from benbot.paper.limits import AccountLimits
from benbot.paper.reel import Opening
from benbot.paper.replay import Playback
from benbot.paper.standing import Phase
from benbot.paper.store import reading, set_switch
from tests.paper.at_alpaca import (
    CYCLE,
    EARLY,
    RULES,
    Desk,
    EarlyFeed,
    half_hour_stretch,
    inside,
    open_desk,
)
from tests.paper.conftest import in_memory
from tests.paper.emulator.broker import Order, Refused
from tests.paper.emulator.chance import Chance
from tests.paper.emulator.exchange import Exchange
from tests.paper.emulator.faults import LOSSES, TOO_MANY, Fault
from tests.paper.kills import interrupted

N_BARS = 26  # of half an hour; a split is in the twelfth
SYMBOLS = tuple(f"S{s}" for s in range(5))
OURS = "bb-"  # how our identifiers begin
SHARE = 0.3  # of the requests that fail while the network is bad
CAP_SLACK = 1.1  # equity moves between the close that limits were taken of and the opening
MOST_LINES = 3_000  # of a cycle, in which it may be killed
LIMITS = (
    AccountLimits(),
    AccountLimits(closed=("S1",), gross=0.8),
    AccountLimits(closed=("S0", "S1"), gross=0.5, max_positions=2),
)
symbols, sides = st.sampled_from(SYMBOLS), st.sampled_from(("buy", "sell"))


class Freezing(EarlyFeed):
    """A feed that may say nothing new while everything else goes on."""

    is_frozen = False

    def opening(self, t: int) -> Opening | None:
        return None if Freezing.is_frozen else super().opening(t)

    def ending(self, t: int) -> Opening | None:
        return None if Freezing.is_frozen else super().ending(t)

    def closed_at(self, t: int) -> int | None:
        return None if Freezing.is_frozen else super().closed_at(t)


class Life(RuleBasedStateMachine):
    """What happens to an account, its process, its broker and its network."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.ahead = timedelta()
        self.over: dict[str, tuple[Any, ...]] = {}
        self.is_halted, self.n_sent_at_halt = False, 0
        self.n_tightened, self.closed = 0, dict[str, int]()
        Freezing.is_frozen = False
        self.connected: list[sqlite3.Connection] = []
        event.listen(Pool, "connect", self._note)
        self.stack.callback(event.remove, Pool, "connect", self._note)

    @initialize(
        seed=st.integers(0, 7),
        partials=st.sampled_from((0.0, 0.5)),
        n_symbols=st.sampled_from((5, 3, 5, 40)),
    )
    def begin(self, seed: int, partials: float, n_symbols: int) -> None:
        home = self.stack.enter_context(in_memory())
        self.url = f"sqlite:///{home}/paper.db"
        stretch = half_hour_stretch(N_BARS, seed, n_symbols, splits=True)
        self.stretch = replace(stretch, feed=Freezing)
        market = self.stretch.history.market
        self.exchange = Exchange(market, RULES.capital, partials, seed)
        self.broker = self.exchange.broker
        self.hours = Playback(market, RULES, lambda: self.exchange.clock.now).hours
        self.desk = self._opened()
        self.reader = sqlite3.connect(f"file:{home}/paper.db?mode=ro", uri=True)
        self.stack.callback(self.reader.close)
        self.events = self.stack.enter_context(reading(self.url))
        self.connected.pop()  # of the one who watches

    # What time does.

    @rule(n=st.integers(1, 3))
    def cycle(self, n: int) -> None:
        for _ in range(n):
            self._to(self.desk.clock() + CYCLE)
            self.desk.loop.cycle()

    @rule(n_bars=st.sampled_from((0, 0, 0, 0, 1, 3)))
    def go_to_the_next_opening(self, n_bars: int) -> None:
        self._to(self.hours.time_of(2 * min(self.bar + 1 + n_bars, self.last)))
        self.desk.loop.cycle()

    @rule()
    def go_to_the_end_of_the_bar(self) -> None:
        end = self.hours.time_of(2 * min(self.bar, self.last) + 1)
        if self.desk.clock() < end - EARLY:
            self._to(end - EARLY)
        self.desk.loop.cycle()

    @rule(minutes=st.sampled_from((-10, 0, 0, 10)))
    def set_our_clock_wrong(self, minutes: int) -> None:
        self.ahead = timedelta(minutes=minutes)

    # What happens to the process.

    @rule()
    def start_again(self) -> None:
        self.closing.close()
        self.desk = self._opened()

    @rule()
    def start_again_with_tighter_limits(self) -> None:
        self.n_tightened = min(self.n_tightened + 1, len(LIMITS) - 1)
        limits = LIMITS[self.n_tightened]
        self.stretch = replace(self.stretch, limits=limits)
        for symbol in limits.closed:
            self.closed.setdefault(symbol, self.desk.trader.standing.bar + 1)
        self.start_again()

    @precondition(lambda self: self.n_tightened)
    @rule()
    def start_with_looser_limits_in_vain(self) -> None:
        self.closing.close()
        named, self.stretch = self.stretch, replace(self.stretch, limits=LIMITS[0])
        with pytest.raises(RunMismatch):
            self._opened()
        self.stretch = named
        self.desk = self._opened()

    @rule(at=st.integers(1, MOST_LINES))
    def kill_in_a_cycle(self, at: int) -> None:
        self._to(self.desk.clock() + CYCLE)
        interrupted(self.desk.loop.cycle, at)
        self._bury()
        self.desk = self._opened()

    @rule(at=st.integers(1, MOST_LINES))
    def kill_at_an_opening_and_while_it_recovers(self, at: int) -> None:
        self._to(self.hours.time_of(2 * min(self.bar + 1, self.last)))
        interrupted(self.desk.loop.cycle, at)
        self._bury()
        self.desk = self._opened()
        interrupted(self.desk.loop.cycle, at // 2)
        self._bury()
        self.desk = self._opened()

    # What happens to the network, the feed and the venue.

    @rule(action=st.sampled_from((*LOSSES, "truncate")), nth=st.integers(1, 3))
    def lose_the_answer_to_an_order(self, action: str, nth: int) -> None:
        self.exchange.faults.append(Fault(action, "POST", "/v2/orders", nth=nth, status=504))

    @rule(is_bad=st.booleans(), seed=st.integers(0, 99))
    def change_the_network(self, is_bad: bool, seed: int) -> None:
        self.exchange.faults[:] = (
            [Chance(SHARE, seed, (*LOSSES, "truncate", "status"))] if is_bad else []
        )

    @rule(seed=st.integers(0, 99))
    def have_too_many_calls(self, seed: int) -> None:
        fault = Chance(SHARE, seed, ("status",))
        fault.status, fault.body = TOO_MANY, '{"message": "too many requests."}'
        self.exchange.faults[:] = [fault]

    @rule(is_frozen=st.booleans())
    def freeze_the_feed(self, is_frozen: bool) -> None:
        Freezing.is_frozen = is_frozen

    @rule(is_blocked=st.booleans())
    def block_the_account(self, is_blocked: bool) -> None:
        self.broker.flags["trading_blocked"] = is_blocked

    @rule(symbol=symbols, is_stopped=st.booleans())
    def stop_a_symbol(self, symbol: str, is_stopped: bool) -> None:
        stopped = self.exchange.stopped
        (stopped.add if is_stopped else stopped.discard)(symbol)
        self.exchange.halt()

    # What others do.

    @rule(symbol=symbols, side=sides, units=st.integers(1, 20))
    def trade_by_hand(self, symbol: str, side: str, units: int) -> None:
        fields = {"symbol": symbol, "side": side, "qty": str(units)}
        try:
            self.broker.submit(fields | {"type": "market", "time_in_force": "ioc"})
        except Refused:
            return
        self.broker.look()

    @rule(side=sides)
    def close_by_hand(self, side: str) -> None:
        for symbol, held in list(self.broker.positions.items()):
            if held.qty % 1 == 0 and (held.qty < 0) == (side == "buy"):
                self.trade_by_hand(symbol, side, max(1, int(abs(held.qty)) // 2))
                return

    @rule()
    def cancel_by_hand(self) -> None:
        for order in self.sent:
            if order.is_open:
                self.broker.cancel(order.id)
                return

    @rule()
    def throw_the_kill_switch(self) -> None:
        set_switch(self.url, "alpaca", self.desk.clock(), "test", is_halted=True)
        if not self.is_halted:
            self.is_halted, self.n_sent_at_halt = True, len(self.sent)

    @precondition(lambda self: self.is_halted)
    @rule()
    def take_it_back(self) -> None:
        set_switch(self.url, "alpaca", self.desk.clock(), "test", is_halted=False)
        self.is_halted = False

    @rule()
    def have_no_trouble_for_a_while(self) -> None:
        """I9, I10: after two quiet cycles inside a bar, book and broker agree."""
        self.exchange.faults.clear()
        self.broker.flags.clear()
        self.exchange.stopped.clear()
        self.exchange.halt()
        Freezing.is_frozen, self.ahead = False, timedelta()
        if self.bar >= self.last - 1:
            return
        self._to(self.hours.time_of(2 * (self.bar + 1)))
        for _ in range(40):
            self.desk.loop.cycle()
            if self.desk.trader.standing.phase is Phase.INSIDE:
                break
            self._to(self.desk.clock() + CYCLE)
        assert self.desk.trader.standing.phase is Phase.INSIDE
        for _ in range(3):
            self._to(self.desk.clock() + CYCLE)
            self.desk.loop.cycle()
        self._assert_agreed()

    # What must always hold.

    @invariant()
    def what_was_sent_was_meant(self) -> None:
        """I1, I2."""
        columns = "client_order_id, symbol, units, status"
        meant = {row[0]: row[1:] for row in self._rows(f"SELECT {columns} FROM intents")}  # noqa: S608
        assert set(Counter(order.client_order_id for order in self.sent).values()) <= {1}
        for order in self.sent:
            symbol, units, status = meant[order.client_order_id]
            assert (symbol, units) == (order.symbol, order.sign * float(order.qty))
            assert status not in ("dropped", "refused")
            assert order.filled <= order.qty

    @invariant()
    def what_is_booked_was_filled(self) -> None:
        """I3."""
        booked = {
            row[0]: row[1:] for row in self._rows("SELECT execution_id, units, price FROM fills")
        }
        filled = {
            fill.id: (float(fill.order.sign * fill.qty), float(fill.price))
            for fill in self.broker.fills
        }
        assert booked.items() <= filled.items()

    @invariant()
    def what_is_over_is_the_sum_of_its_fills_and_stays(self) -> None:
        """I4, I5."""
        orders = {order.client_order_id: order for order in self.sent}
        sums: Counter[str] = Counter()
        for identifier, units in self._rows("SELECT client_order_id, units FROM fills"):
            sums[identifier] += units
        query = "SELECT client_order_id, status, filled, fill_price, note FROM intents"
        for row in self._rows(query):
            if row[1] in ("sent", "working"):
                continue
            assert self.over.setdefault(row[0], row) == row
            if row[1] == "done":
                order = orders[row[0]]
                assert not order.is_open
                assert row[2] == order.sign * float(order.filled) == sums[row[0]]

    @invariant()
    def nothing_is_sent_while_the_switch_is_on(self) -> None:
        """I6."""
        if self.is_halted:
            assert len(self.sent) == self.n_sent_at_halt

    @invariant()
    def nothing_is_opened_beyond_the_limits(self) -> None:
        """I7."""
        assert len(self.desk.trader.desk.positions) <= RULES.limits.max_positions
        (least,) = self._rows("SELECT max(equity) FROM equity")
        most = RULES.sizing.position_cap * least[0] * CAP_SLACK
        query = "SELECT units * price FROM intents WHERE reason = 'NONE'"
        assert all(abs(worth) <= most for (worth,) in self._rows(query))

    @invariant()
    def what_is_closed_is_not_opened(self) -> None:
        """I11."""
        for symbol, bar in self.closed.items():
            query = "SELECT count(*) FROM intents WHERE reason = 'NONE'"
            query += f" AND symbol = '{symbol}' AND bar > {bar}"
            assert self._rows(query) == [(0,)]

    @invariant()
    def what_is_kept_is_whole(self) -> None:
        """I8."""
        bars = [bar for (bar,) in self._rows("SELECT bar FROM equity ORDER BY bar")]
        assert bars == list(range(bars[0], bars[0] + len(bars)))
        verify(self.events, "alpaca")
        self.events.rollback()  # and see next time what was written since

    def teardown(self) -> None:
        if hasattr(self, "reader"):
            self.have_no_trouble_for_a_while()
            self.closing.close()
        self.stack.close()

    # How it is done.

    @property
    def last(self) -> int:
        return self.stretch.span.last

    @property
    def bar(self) -> int:
        """Return the bar that it is at the exchange."""
        return min((self.hours.n_moments(self.exchange.clock.now) - 1) // 2, self.last)

    @property
    def sent(self) -> list[Order]:
        return [one for one in self.broker.orders if one.client_order_id.startswith(OURS)]

    def _opened(self) -> Desk:
        place = replace(inside(self.exchange, self.url), ahead=lambda: self.ahead)
        self.closing = ExitStack()
        faults = self.exchange.faults[:]
        self.exchange.faults.clear()  # a start that is not answered ends, and is tried again
        desk = self.closing.enter_context(open_desk(self.stretch, place))
        self.exchange.faults[:] = faults
        return desk

    def _to(self, now: Any) -> None:  # noqa: ANN401
        self.desk.move(min(now, self.hours.time_of(2 * self.last + 1)))

    def _bury(self) -> None:
        """Let go of what the operating system takes from a process that was killed."""
        store = self.desk.store
        while self.connected:  # whoever was killed within a transaction holds one still
            self.connected.pop().close()
        store._writing.dispose()
        store._lock.close()
        self.closing.pop_all()

    def _note(self, connection: sqlite3.Connection, _: object) -> None:
        self.connected.append(connection)

    def _rows(self, query: str) -> list[Any]:
        return self.reader.execute(query).fetchall()

    def _assert_agreed(self) -> None:
        trader, broker = self.desk.trader, self.broker
        names = trader.setting.names.symbols
        held: Counter[str] = Counter(trader.standing.foreign)
        for row in trader.desk.positions:
            held[names[row["symbol"]]] += float(row["units"])
        theirs = {symbol: float(one.qty) for symbol, one in broker.positions.items()}
        assert {symbol: units for symbol, units in held.items() if units} == theirs
        assert abs(float(trader.desk.account["cash"]) - float(broker.cash)) < 0.02
        paid = sum(fill.order.sign * fill.qty * fill.price for fill in broker.fills)
        assert abs(float(broker.cash + paid) - RULES.capital) < 1e-6
