"""One change of the records: everything in it is written, or nothing."""

import pandas as pd
from sqlalchemy import Connection, insert, select, update

from benbot.envs.errors import BadRecord
from benbot.strategies.records import cells, days, trades
from benbot.strategies.records.chain import Head
from benbot.strategies.records.columns import Given
from benbot.strategies.records.events import Json, Reasons, append
from benbot.strategies.records.ladder import move
from benbot.strategies.records.lease import Lease
from benbot.strategies.records.moments import written
from benbot.strategies.records.registration import Registered, ids_of, register
from benbot.strategies.records.states import write_state
from benbot.strategies.records.tables import CHANGES

REGISTERED, MOVED = "registered", "stage"  # kinds of events that a change writes by itself


class Change:
    """What `Records.change` gives to write with; it is over at the end of that block."""

    def __init__(self, connection: Connection, moment: int, lease: Lease) -> None:
        """Begin the change; refuse a moment before that of the last one."""
        last = connection.execute(select(CHANGES).order_by(CHANGES.c.id.desc()).limit(1)).first()
        if last is not None and moment < last.moment:
            raise BadRecord(
                f"the moment of a change must not be before that of the last, "
                f"{written(last.moment)}, was {written(moment)}. A clock was set back, or this is "
                "the store of another season"
            )
        self._connection, self._moment = connection, moment
        self._head = Head() if last is None else Head(last.n_events, last.head)
        self._id = 1 if last is None else int(last.id) + 1
        row = {"id": self._id, "moment": moment, "token": lease.token, "owner": lease.owner}
        connection.execute(
            insert(CHANGES).values(**row, n_events=self._head.n_events, head=self._head.hash)
        )

    def register(self, strategy: Registered) -> bool:
        """Register a strategy and return whether it is new; refuse it if it was another before."""
        new = register(self._connection, strategy, self._id)
        if new:
            facts = {"family": strategy.family, "origin": strategy.origin}
            facts |= {"digest": strategy.digest}
            self.event(REGISTERED, strategy.name, {**facts, "parents": list(strategy.parents)})
        return new

    def trades(self, given: Given) -> int:
        """Record trades, described in `trades`, and return how many are new."""
        checked = self._numbered(trades.read_given(given, self._moment))
        new = trades.without_known(self._connection, checked)
        if len(new):
            trades.write_trades(self._connection, new, self._id)
            cells.count_trades(self._connection, new)
        return len(new)

    def days(self, given: Given) -> int:
        """Record days of strategies, described in `days`, and return how many are new."""
        checked = self._numbered(days.read_given(given, self._moment))
        new = days.without_known(self._connection, checked)
        if len(new):
            days.write_days(self._connection, new, self._id)
            days.count_days(self._connection, new)
        return len(new)

    def stage(self, strategy: str, source: str | None, target: str, reasons: Reasons) -> None:
        """Move a strategy from one stage to another; from None where it stands at none yet."""
        move(self._connection, strategy, (source, target), self._moment)
        step = {"from": None if source is None else str(source), "to": str(target)}
        self.event(MOVED, strategy, {**step, "reasons": reasons})

    def event(self, kind: str, subject: str, reasons: Reasons) -> None:
        """Append an event to the chain."""
        self._head = append(
            self._connection, self._head, (self._id, self._moment), (kind, subject, reasons)
        )

    def state(self, name: str, document: Json) -> None:
        """Write the state of what is running, as JSON, in place of the last of this name."""
        write_state(self._connection, name, document, self._id)

    def finish(self) -> None:
        """Note the end of the chain of events."""
        connection, head = self._connection, self._head
        connection.execute(
            update(CHANGES)
            .where(CHANGES.c.id == self._id)
            .values(n_events=head.n_events, head=head.hash)
        )

    def _numbered(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with the numbers of their strategies."""
        ids = ids_of(self._connection, frame["strategy"])
        return frame.assign(strategy_id=[ids[name] for name in frame["strategy"]])
