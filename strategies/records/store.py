"""The store of strategies and of how they do: opened to write by one process at a time.

    with open_records("sqlite:///records.db", owner="season", clock=now) as records:
        with records.change(moment) as change:
            change.register(Registered("rsi", "rsi_reversion", "catalogue", {}, "4f1c…"))
            change.stage("rsi", None, Stage.R1, "registered")
            change.trades(frame)
            change.state("season", {"bar": 17})
        records.summary(by=("strategy", "regime"))

A change is one transaction: after a crash all of it is there, or nothing. Whoever goes on after one
reads the state that the last whole change left behind.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from sqlalchemy import URL, Connection, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

from benbot.envs.errors import InvalidParameter, RecordsUnavailable
from benbot.strategies.records.change import Change
from benbot.strategies.records.database import (
    PATIENCE,
    address_of,
    answering,
    check_intact,
    open_writer,
    reason_of,
    shown,
)
from benbot.strategies.records.lease import LASTS, WRITE, Applicant
from benbot.strategies.records.moments import Clock, microseconds
from benbot.strategies.records.reader import Reader
from benbot.strategies.records.schema import migrate


class Records(Reader):
    """A store that is open to write, held by a lease; see `open_records`."""

    def __init__(self, url: URL, who: Applicant, clock: Clock, patience: float) -> None:
        """Open or make the store, bring it forward, and take the lease."""
        self._clock = clock
        with answering(url), ExitStack() as undone:
            self._writing = open_writer(url, patience)
            undone.callback(self._writing.dispose)
            with self._writing.begin() as connection:
                check_intact(connection, url)
                migrate(connection, url)
                self._lease = WRITE.take(connection, url, who, microseconds(clock()))
            super().__init__(url, patience)
            undone.pop_all()

    @contextmanager
    def change(self, moment: datetime) -> Iterator[Change]:
        """Begin a change; it is committed at the end of the block, and undone by any error in it.

        `moment` is that of what is recorded, and may be simulated: it must not be before that of
        the change before. Refused when another process has taken over the lease.
        """
        kept = microseconds(moment)
        with self._transaction() as connection:
            change = Change(connection, kept, self._lease)
            yield change
            change.finish()

    def renew(self) -> None:
        """Let the lease run on. A change does that as well; this is for who waits for long."""
        with self._transaction():
            pass

    def close(self) -> None:
        """Give the lease back and let go of the database."""
        with answering(self._url), self._writing.begin() as connection:
            WRITE.release(connection, self._lease)
        # The last to leave an SQLite file tidies its log up, which a reader may not.
        super().close()
        self._writing.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Begin a transaction of the holder of the lease."""
        with (
            answering(self._url),
            self._writing.connect() as connection,
            connection.begin() as transaction,
        ):
            WRITE.renew(connection, self._url, self._lease, microseconds(self._clock()))
            yield connection
            # What is written may have taken longer than a lease lasts, to search for newcomers.
            WRITE.renew(connection, self._url, self._lease, microseconds(self._clock()))
            self._commit(transaction)

    def _commit(self, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except SQLAlchemyError as error:
            raise RecordsUnavailable(
                f"{shown(self._url)} must say whether a change was written, was: "
                f"{reason_of(self._url, error)}. Open the records again and read the state, "
                "which tells"
            ) from None


def open_records(
    url: str,
    *,
    owner: str,
    clock: Clock,
    lasts: float = LASTS,
    patience: float = PATIENCE,
    takes_over: bool = False,
) -> Records:
    """Open a store to write, make it where there is none, and bring an older one forward.

    `owner` is said to whoever else wants to write; `clock` is that of the machine, in UTC. The
    lease lasts so many seconds after the last change, and the database may keep us waiting for
    `patience` seconds. `takes_over` takes the lease from whoever holds it, who then writes no more.
    """
    if not owner or not lasts > 0.0 or not patience > 0.0:
        raise InvalidParameter(
            "records need the name of an owner, and a lease and a patience above 0 seconds, were "
            f"{owner!r}, {lasts} and {patience}"
        )
    return Records(address_of(url), Applicant(owner, lasts, takes_over), clock, patience)
