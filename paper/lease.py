"""Who may trade an account: one process at a time, by a lock, a lease and a token that only grows.

The lock is the operating system's, on a file beside the database: it is let go of at the very
moment at which its process ends, however it ends, so that a crash keeps nobody waiting. The lease
says the same across machines, and runs out. Every change is written under a token; whoever was
taken over finds another one in the store and writes nothing more (Kleppmann 2016, a fencing token).
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, insert, select, update

from benbot.envs.errors import RecordsHeld
from benbot.paper.tables import LEASES
from benbot.strategies.records.database import PRIVATE_FOLDER, SQLITE, shown
from benbot.strategies.records.moments import SECOND, written

LASTS = 60.0  # seconds after its last renewal
FREE = ""  # the owner of a lease that nobody holds
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Lease:
    """The right to trade an account, as it was when it was taken."""

    account: str
    owner: str
    token: int


class AccountLock:
    """The operating system's lock of an account in an SQLite file; a server has none."""

    def __init__(self, url: URL, account: str) -> None:
        self._handle: int | None = None
        if url.get_backend_name() == SQLITE:
            self._path = Path(f"{url.database}.{account}.lock")
            self._take(url, account)

    @property
    def is_held(self) -> bool:
        """Whether no other process of this machine can trade the account."""
        return self._handle is not None

    def _take(self, url: URL, account: str) -> None:
        self._path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise RecordsHeld(
                f"one process at a time may trade the account {account} of {shown(url)}, another "
                "one does. Stop it: benbot paper stop"
            ) from None
        self._handle = handle

    def close(self) -> None:
        """Let go of it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def take(connection: Connection, url: URL, account: str, who: tuple[str, bool], now: int) -> Lease:
    """Take the lease of an account for (owner, whether it is sure that no other lives)."""
    owner, is_sure = who
    held = connection.execute(select(LEASES).where(LEASES.c.account == account)).first()
    if held is None:
        lease = Lease(account, owner, 1)
        connection.execute(insert(LEASES).values(account=account, **_values(lease, now)))
        return lease
    # What this very process held it may have again: it lost the store in between.
    if held.owner not in (FREE, owner) and now < held.expires and not is_sure:
        raise RecordsHeld(
            f"one process at a time may trade the account {account} of {shown(url)}, "
            f"{held.owner!r} does: its lease runs until {written(held.expires)}. Stop it, or wait "
            "for that"
        )
    lease = Lease(account, owner, held.token + 1)
    connection.execute(
        update(LEASES).where(LEASES.c.account == account).values(**_values(lease, now))
    )
    return lease


def renew(connection: Connection, url: URL, lease: Lease, now: int) -> None:
    """Let the lease run on from now; refuse a holder from whom it was taken."""
    ours = (LEASES.c.account == lease.account, LEASES.c.token == lease.token)
    renewed = connection.execute(
        update(LEASES).where(*ours).values(expires=now + round(LASTS * SECOND))
    )
    if renewed.rowcount != 1:
        raise RecordsHeld(
            f"only the holder of the lease may trade the account {lease.account} of {shown(url)}, "
            f"{lease.owner!r} no longer is: another process took over. Nothing was written"
        )


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease back, unless it is another's by now."""
    ours = (LEASES.c.account == lease.account, LEASES.c.token == lease.token)
    connection.execute(update(LEASES).where(*ours).values(owner=FREE))


def _values(lease: Lease, now: int) -> dict[str, object]:
    expires = now + round(LASTS * SECOND)
    return {"token": lease.token, "owner": lease.owner, "acquired": now, "expires": expires}
