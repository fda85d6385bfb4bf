"""The embedded broker: no keys, no network, and the fills and costs of the environment.

It trades in a market that is played (`paper.replay`) with the desk's own functions, so a policy
meets the same prices, room and costs here as in training. Its account is its own, on disk, and
outlives crashes; whoever trades with it can forget everything and ask.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import Field

from benbot.envs.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.envs.settings import Settings
from benbot.paper.account_file import AccountFile
from benbot.paper.boundary import time_of
from benbot.paper.exchange import Exchange
from benbot.paper.margin import buying_power, check_order
from benbot.paper.replay import Playback
from benbot.paper.resting import Resting, State
from benbot.paper.turn import Turn
from benbot.paper.venue import (
    AccountFacts,
    OrderIntent,
    OrderStatus,
    Refusal,
    VenueClock,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from benbot.strategies.records.moments import EPOCH


class SimulatedAccount(Settings):
    """What an account of the embedded broker is like."""

    capital: float = Field(100_000.0, gt=0, description="what it starts with")
    multiplier: float = Field(
        2.0, ge=1, le=4, description="times its equity that it may hold; 1: nothing on credit"
    )
    partials: float = Field(
        0.0, ge=0, le=1, description="probability that a bar fills only a part of an order"
    )
    seed: int = Field(0, ge=0, description="of the parts")


class SimulatedVenue:
    """A venue (`paper.venue.Venue`) in this process; one process at a time may have its account."""

    name = "simulated"

    def __init__(
        self, playback: Playback, account: SimulatedAccount, path: Path | None = None
    ) -> None:
        """Open the account at `path`, or begin it; without a path it ends with this object."""
        self.playback, self._account = playback, account
        self._exchange = Exchange(playback, account.partials, account.seed)
        # An account begins now: of what happened in its market before, it knows nothing.
        begun = playback.hours.n_moments(playback.now())
        fresh = State(account.capital, begun, {}, {})
        identity = f"{playback.identity}, seed {account.seed}"
        self._file = AccountFile(path, identity, fresh)
        try:
            self._state = self._file.load()
        except BaseException:
            self._file.close()  # or nobody else could open it
            raise

    def clock(self) -> VenueClock:
        """Return the market's time and session."""
        return self.playback.clock()

    def account(self) -> AccountFacts:
        """Return what the account is worth; one that is worth nothing may not trade."""
        with self._reading():
            state = self._state
        solvent = state.equity > 0.0
        return AccountFacts(
            account_id="simulated",
            equity=state.equity,
            cash=state.cash,
            buying_power=buying_power(state, self.playback, self._account.multiplier),
            may_trade=solvent,
            may_short=self._account.multiplier > 1.0,
            note="" if solvent else "nothing is left",
        )

    def positions(self) -> Sequence[VenuePosition]:
        """Return what is held."""
        with self._reading():
            held = sorted(self._state.holdings.items())
        return [
            VenuePosition(symbol, one.units, one.entry_price, one.last_price)
            for symbol, one in held
        ]

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the orders that may fill still."""
        with self._reading():
            return [order.to_order() for order in self._state.orders.values()]

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return an order by its identifier."""
        with self._reading():
            found = self._find(client_order_id)
        return None if found is None else found.to_order()

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Take an order, or find the one that is there."""
        with self._changing() as (turn, now):
            found = self._find(intent.client_order_id)
            if found is not None:
                if not found.to_order().is_of(intent):
                    raise OrderRefused(
                        f"client_order_id must be unique, {intent.client_order_id} was given to "
                        "another order",
                        Refusal.DUPLICATE,
                    )
                return found.to_order()
            if not turn.state().equity > 0.0:
                raise OrderRefused("nothing is left of the account", Refusal.RESTRICTED)
            check_order(intent, turn.state(), self.playback, self._account.multiplier)
            order = self._exchange.accept(turn, intent, now)
        return order.to_order()

    def cancel(self, client_order_id: str) -> VenueOrder | None:
        """Cancel an order unless it is over, and return how it ended."""
        with self._changing() as (turn, now):
            found = self._find(client_order_id)
            if found is None:
                return None
            order = turn.end(found, OrderStatus.CANCELLED, now)
        return order.to_order()

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        """Return the fills since a time."""
        since = time_of(since, "since")
        with self._reading():
            return self._file.fills(since)

    def lived_until(self) -> datetime:
        """Return when the last opening or close was that the account has lived through."""
        n_moments = self._state.moment
        return self.playback.time_of(n_moments - 1) if n_moments else EPOCH

    def close(self) -> None:
        """Close the account's file."""
        self._file.close()

    def _find(self, client_order_id: str) -> Resting | None:
        resting = self._state.orders.get(client_order_id)
        return self._file.order(client_order_id) if resting is None else resting

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Bring the account up to now, and let whoever asks look at it."""
        try:
            self._catch_up()
            yield
        except sqlite3.Error as error:
            self._forget()
            raise VenueUnavailable(f"the account cannot be read: {error}") from error

    @contextmanager
    def _changing(self) -> Iterator[tuple[Turn, datetime]]:
        """Bring the account up to now, and keep what is done to it, or none of that."""
        try:
            now = self._catch_up()
            turn = Turn(self._state)
            yield turn, now
            self._keep(turn)
        except sqlite3.Error as error:
            self._forget()
            raise OutcomeUnknown(f"the account cannot be written: {error}") from error

    def _catch_up(self) -> datetime:
        now = self.playback.now()
        turn = Turn(self._state)
        self._exchange.live_until(turn, self.playback.hours.n_moments(now))
        self._keep(turn)
        return now

    def _keep(self, turn: Turn) -> None:
        state = turn.state()
        if turn.must_be_written:
            self._file.commit(state, turn.changed.values(), turn.fills)
        self._state = state

    def _forget(self) -> None:
        """Believe nothing but the file, where it can be read."""
        try:
            self._state = self._file.load()
        except sqlite3.Error:
            return  # nor can it the next time, unless it was mended
