"""Who may write: one process at a time, by a lease that runs out and a token that only grows.

Whoever opens a store to write takes the lease and a new token, and every change renews it. A holder
whose lease ran out may go on as long as nobody has taken it; once somebody has, the token in the
store is another and nothing more is written with the old one, however late it comes (Kleppmann,
2016, "How to do distributed locking": a fencing token).

The clock of the lease is that of the machine, also where a season plays in simulated time: a
simulated clock stands still between two starts, and a lease would never run out by it.
"""

from dataclasses import dataclass

from sqlalchemy import URL, ColumnElement, Connection, Table, case, insert, select, update

from benbot.envs.errors import RecordsHeld
from benbot.strategies.records.database import shown
from benbot.strategies.records.moments import SECOND, written
from benbot.strategies.records.rows import Row
from benbot.strategies.records.tables import LEASE

LASTS = 60.0  # seconds after its last renewal
FREE = ""  # the owner of a lease that nobody holds


@dataclass(frozen=True)
class Lease:
    """The right to write, as it was when it was taken."""

    owner: str
    token: int
    lasts: float  # seconds


@dataclass(frozen=True)
class Applicant:
    """Who asks for the lease, for how many seconds, and whether it is taken from another.

    again  whether an owner of the same name is the applicant itself, who may have it again
    """

    owner: str
    lasts: float
    takes_over: bool
    again: bool = False


@dataclass(frozen=True)
class Words:
    """How a right is spoken of when it is refused.

    right  such as "write {store}"
    wait   what to do while another holds it
    lost   how it was lost, to {owner} at {moment}
    """

    right: str
    wait: str
    lost: str


@dataclass(frozen=True, eq=False)
class Right:
    """What one process at a time may do, by the row of a table of leases.

    table  with the columns token, owner, acquired and expires beside its primary key
    key    of the row; it is made when the right is taken first
    """

    table: Table
    key: int | str
    words: Words

    def take(self, connection: Connection, url: URL, who: Applicant, now: int) -> Lease:
        """Take the lease, or say who holds it and until when."""
        held = self._read(connection)
        if held is None:
            lease = Lease(who.owner, 1, who.lasts)
            own = {column.name: self.key for column in self.table.primary_key}
            connection.execute(insert(self.table).values(**own, **_taken(lease, now)))
            return lease
        is_free = held.owner == FREE or (who.again and held.owner == who.owner)
        if not is_free and now < held.expires and not who.takes_over:
            raise RecordsHeld(
                f"one process at a time may {self._right(url)}, {held.owner!r} does: its lease "
                f"runs until {written(held.expires)}. {self.words.wait}"
            )
        lease = Lease(who.owner, held.token + 1, who.lasts)
        connection.execute(update(self.table).where(self._own).values(**_taken(lease, now)))
        return lease

    def renew(self, connection: Connection, url: URL, lease: Lease, now: int) -> None:
        """Let the lease run on from now; refuse a holder from whom it was taken.

        Whoever renews waits here for whoever is writing.
        """
        expires, ends = self.table.c.expires, _end(lease, now)
        # A clock that was set back must not shorten what others were told.
        later = case((expires > ends, expires), else_=ends)
        ours = (self._own, self.table.c.token == lease.token)
        renewal = update(self.table).where(*ours).values(expires=later, owner=lease.owner)
        if connection.execute(renewal).rowcount != 1:
            raise RecordsHeld(
                f"only the holder of the lease may {self._right(url)}, {lease.owner!r} "
                f"{self._loss(connection)}"
            )

    def release(self, connection: Connection, lease: Lease) -> None:
        """Give the lease back, unless it is another's by now."""
        ours = (self._own, self.table.c.token == lease.token)
        connection.execute(update(self.table).where(*ours).values(owner=FREE))

    def _read(self, connection: Connection) -> Row | None:
        """Return the lease; whoever takes it waits here for whoever is writing."""
        query = select(*(self.table.c[n] for n in ("token", "owner", "acquired", "expires")))
        return connection.execute(query.where(self._own).with_for_update()).first()

    def _right(self, url: URL) -> str:
        return self.words.right.format(store=shown(url))

    def _loss(self, connection: Connection) -> str:
        held = self._read(connection)
        owner, moment = ("", 0) if held is None else (held.owner, held.acquired)
        return self.words.lost.format(owner=repr(owner or "another"), moment=written(moment))

    @property
    def _own(self) -> ColumnElement[bool]:
        (column,) = self.table.primary_key
        return column == self.key


WRITE = Right(
    LEASE,
    1,
    Words(
        right="write {store}",
        wait="Stop it, or wait for that; if it was killed, say --take-over",
        lost="was until {owner} took it over at {moment}. Nothing was written; open the records "
        "again",
    ),
)


def _taken(lease: Lease, now: int) -> dict[str, int | str]:
    ends = _end(lease, now)
    return {"token": lease.token, "owner": lease.owner, "acquired": now, "expires": ends}


def _end(lease: Lease, now: int) -> int:
    return now + round(lease.lasts * SECOND)
