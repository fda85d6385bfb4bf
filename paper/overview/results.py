"""What an account has earned: equity at every mark, profit and drawdown, without others' money.

equity, capital, flows, profit   account currency
drawdown                         fraction of the highest mark so far, 0 at the top

    profit = equity - capital - flows

A flow is money that came or went otherwise than by trading. It belongs to the first mark that was
made after it. Shares (drawdown, return) are of an index that a flow does not move:

    index[t] = index[t - 1] x equity[t] / (equity[t - 1] + flow[t])
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select

from benbot.envs.arrays import FloatArray, IntArray
from benbot.paper.overview.rows import Row, begun, parsed
from benbot.paper.tables import DECISIONS, EQUITY, EVENTS
from benbot.strategies.records.moments import SECOND
from benbot.strategies.records.rows import columns_of

DAY = 86_400 * SECOND
NUMBERS = ("equity", "cash", "gross", "net")


@dataclass(frozen=True, eq=False)
class Results:
    """An account at its marks, oldest first, and what came of it.

    bars, moments   (M,) of the closes; moments in microseconds since 1970
    equity          (M,)
    flow            (M,) since the mark before
    last            the newest mark as it was written: cash, gross, net, breaker and more
    """

    capital: float
    bars: IntArray
    moments: IntArray
    equity: FloatArray
    flow: FloatArray
    last: Row

    @property
    def flows(self) -> float:
        """Money that came, less what went."""
        return float(self.flow.sum())

    @property
    def profit(self) -> float:
        """What trading has earned since the account began."""
        return float(self.equity[-1]) - self.capital - self.flows

    @property
    def profit_share(self) -> float:
        """The same as a share of what was put in; NaN where that is nothing."""
        return _share(self.profit, self.capital + self.flows)

    @property
    def day_base(self) -> int:
        """Number of the mark from which today's profit counts.

        That is the last one before the session of the newest mark, as the breaker of a day's loss
        has it, and the very first where there is none. A session is a day in UTC.
        """
        first = int(np.searchsorted(self.moments // DAY, self.moments[-1] // DAY))
        return max(first - 1, 0)

    @property
    def today(self) -> float:
        """What trading has earned in the session of the newest mark."""
        base = self.day_base
        return float(self.equity[-1] - self.equity[base] - self.flow[base + 1 :].sum())

    @property
    def today_share(self) -> float:
        """The same as a share of the equity with which the session began."""
        return _share(self.today, float(self.equity[self.day_base]))

    @property
    def index(self) -> FloatArray:
        """What one unit became that stayed from the first mark on, (M,)."""
        before = self.equity[:-1] + self.flow[1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(before > 0.0, self.equity[1:] / before, np.nan)
        path: FloatArray = np.concatenate([[1.0], np.cumprod(steps)])
        return path

    @property
    def drawdown(self) -> FloatArray:
        """How far each mark is below the highest so far, (M,); NaN after a ruin."""
        index = self.index
        fall: FloatArray = 1.0 - index / np.maximum.accumulate(index)
        return fall


@dataclass(frozen=True, eq=False)
class Marks:
    """Marks of an account as they were written, oldest first, (M,) each.

    flows      (moment, money) of each
    n_events   how many events were looked at for them
    """

    bars: IntArray
    moments: IntArray
    equity: FloatArray
    decided: IntArray
    flows: tuple[tuple[int, float], ...] = ()
    n_events: int = 0

    @property
    def last(self) -> int:
        """Bar of the newest mark; -1 where there is none."""
        return int(self.bars[-1]) if self.bars.size else -1


NO_MARKS = Marks(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64))


def marks(connection: Connection, account: str, known: Marks = NO_MARKS) -> Marks:
    """Return the marks of an account; those that are known are not read again."""
    own = (EQUITY.c.account == account, DECISIONS.c.account == account)
    columns = (EQUITY.c.bar, EQUITY.c.moment, EQUITY.c.equity, DECISIONS.c.moment.label("decided"))
    query = select(*columns).where(*own, EQUITY.c.bar == DECISIONS.c.bar)
    rows = columns_of(connection, query.where(EQUITY.c.bar > known.last).order_by(EQUITY.c.bar))
    of = (EVENTS.c.account == account, EVENTS.c.number > known.n_events)
    newest = select(func.max(EVENTS.c.number)).where(EVENTS.c.account == account)
    return Marks(
        np.append(known.bars, np.array(rows["bar"], np.int64)),
        np.append(known.moments, np.array(rows["moment"], np.int64)),
        np.append(known.equity, np.array(rows["equity"], np.float64)),
        np.append(known.decided, np.array(rows["decided"], np.int64)),
        (*known.flows, *_flows_of(connection, of)),
        int(connection.execute(newest).scalar() or 0),
    )


def are_kept(connection: Connection, account: str, known: Marks) -> bool:
    """Return whether the newest mark that is known is in the store as it was."""
    own = (EQUITY.c.account == account, EQUITY.c.bar == known.last)
    row = connection.execute(select(EQUITY.c.moment, EQUITY.c.equity).where(*own)).first()
    if row is None or not known.bars.size:
        return row is None and not known.bars.size
    return bool(row.moment == known.moments[-1] and row.equity == known.equity[-1])


def results(connection: Connection, account: str, known: Marks | None = None) -> Results:
    """Return what an account has earned; refuse one that has not begun."""
    begin = begun(connection, account)
    all_of_them = marks(connection, account) if known is None else known
    last = select(EQUITY).where(EQUITY.c.account == account).order_by(EQUITY.c.bar.desc()).limit(1)
    return Results(
        float(begin["capital"]),
        all_of_them.bars,
        all_of_them.moments,
        all_of_them.equity,
        _flow(all_of_them.flows, all_of_them.decided),
        dict(connection.execute(last).mappings().one()),
    )


def flows_of(connection: Connection, account: str) -> list[tuple[int, float]]:
    """Return when money came or went otherwise than by trading, and how much."""
    return _flows_of(connection, (EVENTS.c.account == account,))


def _flows_of(
    connection: Connection, own: tuple[ColumnElement[bool], ...]
) -> list[tuple[int, float]]:
    query = select(EVENTS.c.moment, EVENTS.c.reasons).where(*own, EVENTS.c.kind == "flow")
    return [
        (row.moment, float(parsed(row.reasons, "the reasons of an event")["money"]))
        for row in connection.execute(query)
    ]


def _flow(flows: Sequence[tuple[int, float]], decided: IntArray) -> FloatArray:
    """Return the money that came before each mark and after the one before; later money waits."""
    flow = np.zeros(decided.size)
    for moment, money in flows:
        mark = int(np.searchsorted(decided, moment))
        if mark < decided.size:
            flow[mark] += money
    return flow


def _share(money: float, of: float) -> float:
    return money / of if of > 0.0 else float("nan")
