"""What an account did: orders, fills, round trips and what the gates said of its candidates."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from benbot.envs.desk.reasons import Verdict
from benbot.paper.intents import IntentStatus
from benbot.paper.overview.rows import Row, count, newest
from benbot.paper.tables import EQUITY, FILLS, INTENTS, TRADES, VERDICTS

COUNTED = 60  # bars of which refusals are counted
TRADED = (Verdict.PASSED.name, Verdict.CLIPPED.name)
UNDER_WAY = tuple(
    status.value for status in IntentStatus if status is IntentStatus.LEFT or not status.is_settled
)


@dataclass(frozen=True)
class Candidate:
    """What the gates said of a candidate, or of a position that would grow.

    wanted, allowed   signed fractions of equity; None: not a number
    limit             which gate ran short, where it was clipped
    """

    bar: int
    symbol: str
    strategy: str
    wanted: float | None
    allowed: float | None
    verdict: str
    limit: str
    enlarges: bool

    @property
    def is_traded(self) -> bool:
        """Whether any of it was allowed."""
        return self.verdict in TRADED


@dataclass(frozen=True)
class Activity:
    """The newest rows of each kind, newest first, and how many there are in all.

    under_way   orders of which the end is not known
    refusals    how often each verdict was given in the last bars, the most frequent first
    """

    orders: list[Row]
    fills: list[Row]
    trades: list[Row]
    candidates: list[Candidate]
    refusals: list[tuple[str, int]]
    n_orders: int
    n_fills: int
    n_trades: int
    under_way: int


def activity(connection: Connection, account: str, n: int) -> Activity:
    """Return what an account did last, `n` rows of each kind."""
    own = INTENTS.c.account == account
    return Activity(
        orders=orders(connection, account, n),
        fills=fills(connection, account, n),
        trades=trades(connection, account, n),
        candidates=candidates(connection, account),
        refusals=refusals(connection, account),
        n_orders=count(connection, INTENTS, own),
        n_fills=count(connection, FILLS, FILLS.c.account == account),
        n_trades=count(connection, TRADES, TRADES.c.account == account),
        under_way=count(connection, INTENTS, own, INTENTS.c.status.in_(UNDER_WAY)),
    )


def orders(connection: Connection, account: str, n: int) -> list[Row]:
    """Return the last orders that were meant; `purpose` is enter or leave."""
    by = (INTENTS.c.bar, INTENTS.c.stage, INTENTS.c.sequence)
    rows = newest(connection, INTENTS, account, by, n)
    return [row | {"purpose": "enter" if row["reason"] == "NONE" else "leave"} for row in rows]


def fills(connection: Connection, account: str, n: int) -> list[Row]:
    """Return the last fills; those of one moment by their identifiers."""
    return newest(connection, FILLS, account, (FILLS.c.moment, FILLS.c.execution_id), n)


def trades(connection: Connection, account: str, n: int) -> list[Row]:
    """Return the last round trips."""
    rows = newest(connection, TRADES, account, (TRADES.c.closed, TRADES.c.number), n)
    return [row | {"held": "long" if row["side"] > 0 else "short"} for row in rows]


def candidates(connection: Connection, account: str) -> list[Candidate]:
    """Return what the gates said at the last opening at which there were candidates."""
    last = _last_judged(connection, account)
    query = select(VERDICTS).where(VERDICTS.c.account == account, VERDICTS.c.bar == last)
    rows = connection.execute(query.order_by(VERDICTS.c.number)).mappings()
    return [_candidate(dict(row)) for row in rows]


def judged(connection: Connection, account: str, n: int) -> list[Candidate]:
    """Return the last candidates of any bar, the newest first."""
    rows = newest(connection, VERDICTS, account, (VERDICTS.c.bar, VERDICTS.c.number), n)
    return [_candidate(row) for row in rows]


def refusals(connection: Connection, account: str) -> list[tuple[str, int]]:
    """Return how often each verdict was given in the last bars, the most frequent first."""
    last = _last_judged(connection, account)
    n = func.count().label("n")
    query = select(VERDICTS.c.verdict, n).where(
        VERDICTS.c.account == account, VERDICTS.c.bar > last - COUNTED
    )
    query = query.group_by(VERDICTS.c.verdict).order_by(n.desc(), VERDICTS.c.verdict)
    return [(row.verdict, row.n) for row in connection.execute(query)]


def closes(connection: Connection, account: str, bars: Iterable[int]) -> dict[int, int]:
    """Return when these bars closed, as far as they were marked, microseconds since 1970."""
    query = select(EQUITY.c.bar, EQUITY.c.moment).where(
        EQUITY.c.account == account, EQUITY.c.bar.in_(sorted(set(bars)))
    )
    return {row.bar: row.moment for row in connection.execute(query)}


def _candidate(row: Row) -> Candidate:
    return Candidate(**{name: row[name] for name in Candidate.__dataclass_fields__})


def _last_judged(connection: Connection, account: str) -> int:
    query = select(func.max(VERDICTS.c.bar)).where(VERDICTS.c.account == account)
    last = connection.execute(query).scalar()
    return -1 if last is None else int(last)
