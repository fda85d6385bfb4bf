"""One transaction of a paper account: what is written together is kept together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, delete, insert, update

from benbot.envs.arrays import Float32Array, FloatArray, Int8Array, RecordArray
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.market.regime import UNKNOWN
from benbot.paper import chain, throws
from benbot.paper.heartbeat import Heartbeat
from benbot.paper.intents import Intent
from benbot.paper.lease import Lease
from benbot.paper.press.tables import NEWS, NEWS_FEEDS
from benbot.paper.standing import Standing
from benbot.paper.store_rows import intent_row, standing_row
from benbot.paper.tables import (
    ACCOUNTS,
    BOOKINGS,
    DECISIONS,
    EQUITY,
    FILLS,
    HEARTBEATS,
    INTENTS,
    LADDERS,
    ORDERS,
    POSITIONS,
    STANDINGS,
    TRADES,
    VERDICTS,
)
from benbot.paper.throws import Thrown
from benbot.paper.venue import VenueFill, VenueOrder
from benbot.strategies.records.moments import microseconds
from benbot.strategies.records.rows import put, slices

EXTERNAL = "EXTERNAL"  # owner of what the desk did not buy
ALARM = "alarm"  # kind of the events that somebody has to look at


@dataclass(frozen=True)
class Names:
    """The symbols and strategies of an account by number."""

    symbols: tuple[str, ...]
    strategies: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Decision:
    """What a policy saw and chose at the close of a bar, and what the sleeves returned over it.

    regime   code of `market.regime`, -1 unknown
    stages   (K,) `Stage` of each strategy; None where nobody knows them
    """

    bar: int
    observation: Float32Array
    weights: Float32Array
    growth: FloatArray
    regime: int = UNKNOWN
    stages: Int8Array | None = None


class Change:
    """Writes within one transaction."""

    def __init__(self, connection: Connection, lease: Lease, now: int) -> None:
        self._connection, self._lease, self._now = connection, lease, now
        self._own = {"account": lease.account}

    def begin(
        self, identity: str, first_bar: int, capital: float, growth: FloatArray, began: int
    ) -> None:
        """Note what the account is, once; `growth` (first_bar + 1, K) is that of the sleeves."""
        values = {"identity": identity, "began": began, "first_bar": first_bar}
        values |= {"capital": capital, "growth": growth.tobytes()}
        self._connection.execute(insert(ACCOUNTS).values(**self._own, **values))

    def stand(self, standing: Standing) -> None:
        """Note where the account stands from now on."""
        row = self._own | standing_row(standing)
        put(
            self._connection,
            STANDINGS,
            [row | {"moment": self._now, "token": self._lease.token}],
        )

    def decide(self, decision: Decision) -> None:
        """Note a decision."""
        row = {
            "bar": decision.bar,
            "moment": self._now,
            "observation": np.ascontiguousarray(decision.observation, np.float32).tobytes(),
            "weights": np.ascontiguousarray(decision.weights, np.float32).tobytes(),
            "growth": np.ascontiguousarray(decision.growth, np.float64).tobytes(),
            "regime": decision.regime,
            "stages": None if decision.stages is None else decision.stages.tobytes(),
        }
        self._insert(DECISIONS, [row])

    def ladder(self, bar: int, state: Mapping[str, Any], accounts: bytes) -> None:
        """Note how the ladder stands at the close of a bar, in place of the one before."""
        row = {"bar": bar, "state": json.dumps(state), "accounts": accounts}
        put(self._connection, LADDERS, [self._own | row])

    def equity(self, bar: int, moment: int, facts: Mapping[str, Any]) -> None:
        """Note what the account is worth at the close of a bar."""
        self._insert(EQUITY, [{"bar": bar, "moment": moment, **facts}])

    def plan(self, intent: Intent, names: Names) -> None:
        """Note an order before it is sent."""
        row = intent_row(intent, names.strategies[intent.strategy], self._now)
        self._insert(INTENTS, [row])

    def note(self, intent: Intent, names: Names) -> None:
        """Note what became of an order."""
        row = intent_row(intent, names.strategies[intent.strategy], self._now)
        own = INTENTS.c.client_order_id == intent.client_order_id
        self._connection.execute(update(INTENTS).where(own).values(**row))

    def order(self, order: VenueOrder, *, is_external: bool) -> None:
        """Note what the venue says of an order."""
        row = {
            "venue_order_id": order.venue_order_id,
            "client_order_id": order.client_order_id,
            "symbol": order.symbol,
            "side": order.side.value,
            "units": order.units,
            "status": order.status.value,
            "filled": order.filled_units,
            "fill_price": order.filled_price,
            "is_external": is_external,
            "updated": self._now,
        }
        put(self._connection, ORDERS, [self._own | row])

    def fill(self, fill: VenueFill, *, is_external: bool) -> None:
        """Book a fill, which must not be booked yet."""
        row = {
            "execution_id": fill.execution_id,
            "client_order_id": fill.client_order_id,
            "venue_order_id": fill.venue_order_id,
            "symbol": fill.symbol,
            "units": fill.signed_units,
            "price": fill.price,
            "cost": fill.cost,
            "is_external": is_external,
            "moment": microseconds(fill.time),
        }
        self._insert(FILLS, [row])

    def bookings(self, fills: RecordArray, first: int, names: Names) -> None:
        """Note fills as the desk books them, records of FILL; `first` numbers the first."""
        self._insert(
            BOOKINGS,
            [
                {
                    "bar": int(fill["bar"]),
                    "number": first + i,
                    "symbol": names.symbols[fill["symbol"]],
                    "strategy": names.strategies[fill["strategy"]],
                    **{name: float(fill[name]) for name in ("units", "price", "cost")},
                    "reason": Exit(fill["reason"]).name,
                }
                for i, fill in enumerate(fills)
            ],
        )

    def trades(self, trades: RecordArray, first: int, names: Names) -> None:
        """Note round trips, records of TRADE, likewise."""
        numbers = ("entry_price", "exit_price", "notional", "income", "costs", "profit")
        self._insert(
            TRADES,
            [
                {
                    "closed": int(trade["closed"]),
                    "number": first + i,
                    "symbol": names.symbols[trade["symbol"]],
                    "strategy": names.strategies[trade["strategy"]],
                    **{name: int(trade[name]) for name in ("opened", "side", "regime")},
                    **{name: float(trade[name]) for name in numbers},
                    "reason": Exit(trade["reason"]).name,
                    "diamond": bool(trade["diamond"]),
                }
                for i, trade in enumerate(trades)
            ],
        )

    def verdicts(self, decisions: RecordArray, first: int, names: Names) -> None:
        """Note what the gates said of a bar's candidates, records of DECISION, likewise."""
        self._insert(
            VERDICTS,
            [
                {
                    "bar": int(row["bar"]),
                    "number": first + i,
                    "symbol": names.symbols[row["symbol"]],
                    "strategy": names.strategies[row["strategy"]],
                    "wanted": _known(row["wanted"]),
                    "allowed": _known(row["allowed"]),
                    "verdict": Verdict(row["verdict"]).name,
                    "limit": Verdict(row["limit"]).name,
                    "enlarges": bool(row["enlarges"]),
                }
                for i, row in enumerate(decisions)
            ],
        )

    def positions(self, positions: RecordArray, foreign: Mapping[str, float], names: Names) -> None:
        """Note what is held, records of POSITION, and units that the desk did not buy."""
        own = POSITIONS.c.account == self._lease.account
        self._connection.execute(delete(POSITIONS).where(own))
        numbers = ("units", "entry_price", "last_price", "stop", "target")
        rows = [
            {
                "symbol": names.symbols[row["symbol"]],
                "strategy": names.strategies[row["strategy"]],
                **{name: float(row[name]) for name in numbers},
                "opened": int(row["opened"]),
            }
            for row in positions
        ]
        nothing = dict.fromkeys(numbers[1:])
        rows += [
            {"symbol": symbol, "strategy": EXTERNAL, "units": units, **nothing, "opened": -1}
            for symbol, units in foreign.items()
        ]
        self._insert(POSITIONS, rows)

    def beat(self, heartbeat: Heartbeat, started: int, now: int) -> None:
        """Note what a cycle did, in place of the one before; times of the machine's clock."""
        times = {"moment": self._now, "started": started, "beat": now}
        put(self._connection, HEARTBEATS, [self._own | heartbeat.row() | times])

    def hear(self, items: Sequence[Mapping[str, Any]], feed: Mapping[str, Any]) -> None:
        """Note items of news, which must not be known yet, and what was heard of their feed."""
        self._insert(NEWS, items)
        put(self._connection, NEWS_FEEDS, [{**self._own, **feed}])

    def forget_news(self, identities: Sequence[str]) -> None:
        """Forget items of news."""
        own = NEWS.c.account == self._lease.account
        for some in slices(identities):
            self._connection.execute(delete(NEWS).where(own, NEWS.c.item.in_(some)))

    def event(self, kind: str, subject: str, **reasons: Any) -> None:  # noqa: ANN401
        """Add to the chain what happened."""
        chain.append(self._connection, self._lease.account, self._now, (kind, subject, reasons))

    def throws(self) -> list[Thrown]:
        """Add to the chain whatever was switched and is not in it yet, each once; return it."""
        return throws.tell(self._connection, self._lease.account, self._now)

    def alarm(self, subject: str, **reasons: Any) -> None:  # noqa: ANN401
        """Add to the chain what a person has to look at."""
        self.event(ALARM, subject, **reasons)

    def _insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), [{**self._own, **row} for row in rows])


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
