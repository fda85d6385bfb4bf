"""Whether somebody trades an account, how its last cycle went, and what holds it back.

Ages are by the machine's clock, as leases are; a replayed account lives in another time.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from benbot.paper.lease import FREE
from benbot.paper.overview.results import Results
from benbot.paper.overview.rows import Row, only, parsed
from benbot.paper.tables import HEARTBEATS, LEASES, STANDINGS, SWITCHES
from benbot.strategies.records.moments import SECOND, microseconds, written


class Life(StrEnum):
    """What is known of the loop of an account."""

    ALIVE = "alive"  # it holds the lease, and its heart beat within the lease
    STARTING = "starting"  # it holds the lease, and no cycle of it is over
    SILENT = "silent"  # its lease ran out and was not given back: it hangs, waits or was killed
    STOPPED = "stopped"  # nobody trades it


@dataclass(frozen=True)
class Beat:
    """The last cycle that is over: `Heartbeat` as it was kept; age and uptime in seconds."""

    cycle: int
    moment: int
    age: float
    uptime: float
    statuses: tuple[str, ...]
    why: str
    progress: str
    failures: int
    stale_quotes: int
    skew: float | None
    duration: float


@dataclass(frozen=True)
class Switch:
    """What people asked of the loop, and when, microseconds since 1970."""

    is_halted: bool = False
    must_stop: bool = False
    reason: str = ""
    moment: int = 0


@dataclass(frozen=True)
class Guard:
    """A breaker: what it watches, how near it is, and at how much it trips.

    is_share   whether they are fractions, or counts
    """

    name: str
    now: float
    limit: float
    is_share: bool

    @property
    def is_tripped(self) -> bool:
        """Whether it is at its limit now; NaN is."""
        return not self.now < self.limit


@dataclass(frozen=True)
class Health:
    """How the loop is."""

    life: Life
    owner: str
    beat: Beat | None
    switch: Switch
    standing: Row | None


def health(connection: Connection, account: str, now: int) -> Health:
    """Return how the loop of an account is at a moment of this machine."""
    lease = only(connection, LEASES, account)
    row = only(connection, HEARTBEATS, account)
    beat = None if row is None else _beat(row, now)
    owner = str(lease["owner"]) if lease else FREE
    return Health(
        _life(lease, row, now),
        owner,
        beat,
        switch(connection, account),
        _standing(connection, account),
    )


def switch(connection: Connection, account: str) -> Switch:
    """Return what people asked of the loop."""
    row = only(connection, SWITCHES, account)
    if row is None:
        return Switch()
    asked = (bool(row["is_halted"]), bool(row["must_stop"]))
    return Switch(*asked, str(row["reason"]), int(row["moment"]))


def why_unhealthy(connection: Connection, account: str, now: datetime) -> str:
    """Return why nobody trades an account now, nothing where somebody does.

    It is for whoever restarts what is not traded: a process that has not ended a cycle yet is well.
    """
    lease = only(connection, LEASES, account)
    if lease is None:
        return f"nobody has ever traded the account {account}"
    life = _life(lease, None, microseconds(now))
    if life is Life.STOPPED:
        return f"nobody trades the account {account}: whoever did has ended"
    if life is Life.SILENT:
        ran_out = written(lease["expires"])
        return f"nobody trades the account {account}: its lease ran out at {ran_out}"
    return ""


def guards(rules: Row, results: Results, beat: Beat | None) -> list[Guard]:
    """Return the breakers of an account's rules, as near to their limits as is known."""
    limits = rules.get("breakers", {})
    poor = rules.get("poor", {})
    is_poor = float(results.equity[-1]) < float(poor.get("below", 0.0))
    daily = float((poor if is_poor else limits).get("daily_loss", float("nan")))
    failures, stale = (beat.failures, beat.stale_quotes) if beat else (0, 0)
    nothing = float("nan")
    return [
        Guard(
            "drawdown", float(results.drawdown[-1]), float(limits.get("drawdown", nothing)), True
        ),
        Guard("daily loss", max(-results.today_share, 0.0), daily, True),
        Guard("failed calls", failures, float(limits.get("api_failures", nothing)), False),
        Guard("stale quotes", stale, float(limits.get("stale_quotes", nothing)), False),
    ]


def _life(lease: Row | None, beat: Row | None, now: int) -> Life:
    if lease is None or lease["owner"] == FREE:
        return Life.STOPPED
    if not now < lease["expires"]:
        return Life.SILENT
    if beat is None or beat["beat"] < lease["acquired"]:
        return Life.STARTING
    return Life.ALIVE


def _beat(row: Row, now: int) -> Beat:
    return Beat(
        cycle=row["cycle"],
        moment=row["moment"],
        age=max(now - row["beat"], 0) / SECOND,
        uptime=max(row["beat"] - row["started"], 0) / SECOND,
        statuses=tuple(map(str, parsed(row["statuses"], "the statuses of a cycle"))),
        why=row["why"],
        progress=row["progress"],
        failures=row["failures"],
        stale_quotes=row["stale_quotes"],
        skew=row["skew"],
        duration=row["duration"],
    )


def _standing(connection: Connection, account: str) -> Row | None:
    row = only(connection, STANDINGS, account)
    return (
        None if row is None else {name: row[name] for name in ("bar", "phase", "stage", "moment")}
    )
