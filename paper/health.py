"""Whether an account is traded now: for whoever restarts what is not."""

from datetime import datetime

from sqlalchemy import Connection, select

from benbot.paper.lease import FREE
from benbot.paper.tables import LEASES
from benbot.strategies.records.moments import microseconds, written


def why_unhealthy(connection: Connection, account: str, now: datetime) -> str:
    """Return why an account is not healthy, nothing where it is.

    It is where a process holds its lease, which every change of the account renews.
    """
    lease = connection.execute(select(LEASES).where(LEASES.c.account == account)).first()
    if lease is None:
        return f"nobody has ever traded the account {account}"
    if lease.owner == FREE:
        return f"nobody trades the account {account}: whoever did has ended"
    if not microseconds(now) < lease.expires:
        return f"nobody trades the account {account}: its lease ran out at {written(lease.expires)}"
    return ""
