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

from sqlalchemy import URL, Connection

from benbot.envs.errors import RecordsHeld
from benbot.paper.tables import LEASES
from benbot.strategies.records.database import PRIVATE_FOLDER, SQLITE, shown
from benbot.strategies.records.lease import FREE, LASTS, Applicant, Right, Words
from benbot.strategies.records.lease import Lease as AnyLease

__all__ = ["FREE", "LASTS", "AccountLock", "Lease", "release", "renew", "take"]

OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Lease(AnyLease):
    """The right to trade an account, as it was when it was taken."""

    account: str


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
    # What this very process held it may have again: it lost the store in between.
    applicant = Applicant(owner, LASTS, is_sure, again=True)
    taken = _right(account).take(connection, url, applicant, now)
    return Lease(taken.owner, taken.token, taken.lasts, account)


def renew(connection: Connection, url: URL, lease: Lease, now: int) -> None:
    """Let the lease run on from now; refuse a holder from whom it was taken."""
    _right(lease.account).renew(connection, url, lease, now)


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease back, unless it is another's by now."""
    _right(lease.account).release(connection, lease)


def _right(account: str) -> Right:
    words = Words(
        right=f"trade the account {account} of {{store}}",
        wait="Stop it, or wait for that",
        lost="no longer is: another process took over. Nothing was written",
    )
    return Right(LEASES, account, words)
