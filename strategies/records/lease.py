"""Who may write: one process at a time, by a lease that runs out and a token that only grows.

Whoever opens a store to write takes the lease and a new token, and every change renews it. A holder
whose lease ran out may go on as long as nobody has taken it; once somebody has, the token in the
store is another and nothing more is written with the old one, however late it comes (Kleppmann,
2016, "How to do distributed locking": a fencing token).

The clock of the lease is that of the machine, also where a season plays in simulated time: a
simulated clock stands still between two starts, and a lease would never run out by it.
"""

from dataclasses import dataclass

from sqlalchemy import URL, Connection, select, update

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
    """Who asks for the lease, for how many seconds, and whether it is taken from another."""

    owner: str
    lasts: float
    takes_over: bool


def take(connection: Connection, url: URL, who: Applicant, now: int) -> Lease:
    """Take the lease, or say who holds it and until when."""
    held = _read(connection)
    if held.owner != FREE and now < held.expires and not who.takes_over:
        raise RecordsHeld(
            f"one process at a time may write {shown(url)}, {held.owner!r} does: its lease runs "
            f"until {written(held.expires)}. Stop it, or wait for that; if it was killed, say "
            "--take-over"
        )
    lease = Lease(who.owner, held.token + 1, who.lasts)
    connection.execute(
        update(LEASE).values(
            token=lease.token, owner=lease.owner, acquired=now, expires=_end(lease, now)
        )
    )
    return lease


def renew(connection: Connection, url: URL, lease: Lease, now: int) -> None:
    """Let the lease run on from now; refuse a holder from whom it was taken."""
    held = _read(connection)
    if held.token != lease.token:
        raise RecordsHeld(
            f"only the holder of the lease may write {shown(url)}, {lease.owner!r} was until "
            f"{held.owner or 'another'!r} took it over at {written(held.acquired)}. Nothing was "
            "written; open the records again"
        )
    # A clock that was set back must not shorten what others were told.
    ends = max(held.expires, _end(lease, now))
    connection.execute(update(LEASE).values(expires=ends, owner=lease.owner))


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease back, unless it is another's by now."""
    connection.execute(update(LEASE).where(LEASE.c.token == lease.token).values(owner=FREE))


def _read(connection: Connection) -> Row:
    """Return the lease; whoever writes waits here for whoever is writing."""
    columns = select(LEASE.c.token, LEASE.c.owner, LEASE.c.acquired, LEASE.c.expires)
    return connection.execute(columns.with_for_update()).one()


def _end(lease: Lease, now: int) -> int:
    return now + round(lease.lasts * SECOND)
