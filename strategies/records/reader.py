"""What can be asked of the records, without the right to write."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any, Self, Unpack

import pandas as pd
from sqlalchemy import URL, Connection, Select, func, select

from benbot.strategies.records import days, events, trades
from benbot.strategies.records.chain import Head
from benbot.strategies.records.database import (
    PATIENCE,
    address_of,
    answering,
    open_reader,
)
from benbot.strategies.records.events import Json
from benbot.strategies.records.ladder import read_ladder
from benbot.strategies.records.moments import moment_of
from benbot.strategies.records.schema import check_current
from benbot.strategies.records.selection import Period, Selection, Where
from benbot.strategies.records.states import read_state
from benbot.strategies.records.summaries import summary
from benbot.strategies.records.tables import CHANGES, DAYS, EVENTS, STRATEGIES, TRADES

PAGE = 1000  # rows


class Reader:
    """A store that is open for reading; several may read while one writes."""

    def __init__(self, url: URL, patience: float = PATIENCE) -> None:
        """Open the store, which must exist and be of this version."""
        self._url = url
        with answering(url), ExitStack() as undone:
            self._reading = open_reader(url, patience)
            undone.callback(self._reading.dispose)
            with self._reading.connect() as connection:
                check_current(connection, url)
            undone.pop_all()

    def __enter__(self) -> Self:
        """Return itself; the store is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._reading.dispose()

    def summary(self, by: Sequence[str] = ("strategy",), **where: Unpack[Where]) -> pd.DataFrame:
        """Return one row for each group of trades, told apart by any of five names.

        `by` and the filters: strategy, source, stage, regime, symbol; `since` and `until` are those
        of the closing time, the second not included. Over all of the time the answer comes from
        cells, over a stretch from its trades, at some four microseconds each.

        trades, win_rate, profit_factor (∞ without a loss), profit, costs, mean and deviation of the
        returns, sharpe with sharpe_error (of one trade), drawdown (of the sum of profits, account
        currency), slippage_mean and slippage_p95 (basis points, off by 2 % of itself at most),
        first and last closing time. By strategy, source and stage also days, breaches, daily_mean,
        daily_deviation, daily_sharpe with its error (of one day) and equity_drawdown (fraction).

        Strategies trade for themselves, so a drawdown is that of one strategy from one source; a
        group of several has that of the worst. What is not defined is NaN.
        """
        chosen = Selection(**where)
        with self._asking() as connection:
            return summary(connection, by, chosen)

    def trades(self, *, after: int = 0, limit: int = PAGE, **where: Unpack[Where]) -> pd.DataFrame:
        """Return trades in the order in which they were recorded, a page at a time.

        The next page is the one `after` the last `id` of this one.
        """
        columns = [c for c in TRADES.c if c.name not in {"strategy_id", "change_id"}]
        query: Select[Any] = select(*columns, STRATEGIES.c.name.label("strategy"))
        query = query.select_from(TRADES.join(STRATEGIES)).where(TRADES.c.id > after)
        query = Selection(**where).applied(query, TRADES, "closed")
        with self._asking() as connection:
            return trades.read_trades(connection, query.order_by(TRADES.c.id).limit(limit))

    def days(self, *, after: int = 0, limit: int = PAGE, **where: Unpack[Where]) -> pd.DataFrame:
        """Return days of strategies in the order in which they were recorded, a page at a time.

        `since` and `until` choose sessions by their day; regime and symbol tell no days apart.
        """
        columns = [c for c in DAYS.c if c.name not in {"strategy_id", "change_id"}]
        query: Select[Any] = select(*columns, STRATEGIES.c.name.label("strategy"))
        query = query.select_from(DAYS.join(STRATEGIES)).where(DAYS.c.id > after)
        query = Selection(**where).applied_to_days(query)
        with self._asking() as connection:
            return days.read_days(connection, query.order_by(DAYS.c.id).limit(limit))

    def ladder(self) -> pd.DataFrame:
        """Return every strategy with its stage and since when, the highest stage first."""
        with self._asking() as connection:
            return read_ladder(connection)

    def events(
        self,
        kind: str | None = None,
        subject: str | None = None,
        *,
        after: int = 0,
        limit: int = PAGE,
        **period: Unpack[Period],
    ) -> pd.DataFrame:
        """Return events in their order, a page at a time; the next is `after` the last `id`."""
        query = select(EVENTS).where(EVENTS.c.id > after)
        for column, wanted in ((EVENTS.c.kind, kind), (EVENTS.c.subject, subject)):
            if wanted is not None:
                query = query.where(column == wanted)
        query = Selection(**period).applied(query, EVENTS, "moment")
        with self._asking() as connection:
            return events.read_events(connection, query, limit)

    def state(self, name: str) -> Json:
        """Return the last state of this name, None where none was written."""
        with self._asking() as connection:
            return read_state(connection, name)

    def moment(self) -> datetime | None:
        """Return the moment of the last change, None before the first; the next is no earlier."""
        with self._asking() as connection:
            last = connection.execute(select(func.max(CHANGES.c.moment))).scalar()
        return None if last is None else moment_of(int(last))

    def verify(self) -> Head:
        """Walk the chain of events and return its end; refuse a chain that was tampered with."""
        with self._asking() as connection:
            return events.verify(connection)

    @contextmanager
    def _asking(self) -> Iterator[Connection]:
        with answering(self._url), self._reading.connect() as connection:
            yield connection


def read_records(url: str, *, patience: float = PATIENCE) -> Reader:
    """Open a store for reading; nobody is kept from writing. `patience` is in seconds."""
    return Reader(address_of(url), patience)
