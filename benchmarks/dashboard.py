"""How long the dashboard takes to show an account that has run for years.

    .venv/bin/python -m benchmarks.dashboard --events 100000 --bars 20000

The account is a small one that was traded for some bars; marks, decisions, orders, fills, round
trips and events are written behind it, as its own loop would, until it has so many. A page is
asked for as a browser does, in this process: by a dashboard that remembers nothing, again with
nothing new, and again after a bar and ten events more. The page renews itself whenever something
changes, so that is its price. Processor time, the median of five.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import Connection, create_engine, select

from benbot.envs.history import Span
from benbot.experiments.dashboard.app import Times, dashboard
from benbot.experiments.dashboard.door import door
from benbot.paper.chain import append
from benbot.paper.overview.rows import Row
from benbot.paper.replayed import replay
from benbot.paper.tables import BOOKINGS, DECISIONS, EQUITY, FILLS, INTENTS, METADATA, TRADES
from benbot.strategies.records.database import address_of
from benbot.strategies.records.moments import SECOND
from tests.experiments.dashboard.browser import Browser
from tests.paper.replays import heard_stretch

ACCOUNT, HOME = "replay", "/account/replay"
HALF_HOUR = 1800 * SECOND
SWING = 0.002  # of equity, from mark to mark
N_TRADED, N_MORE = 12, 10  # bars traded, events added between two pages
KINDS = ("external", "adopted", "refused", "dropped", "flow")
N_TIMES = 5


def main() -> None:
    """Make the account and print how long its pages take."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--bars", type=int, default=20_000)
    asked = parser.parse_args()
    with TemporaryDirectory() as name:
        url = traded(Path(name))
        engine = create_engine(address_of(url))
        with engine.begin() as connection:
            lengthen(connection, asked.bars)
            happen(connection, asked.events)
        show(url, lambda: grow(engine.begin))
        engine.dispose()


def traded(folder: Path) -> str:
    """Trade a small account, and return where it is kept."""
    stretch, _ = heard_stretch()
    first = stretch.span.first
    replay(replace(stretch, span=Span(first, first + N_TRADED)), folder)
    return stretch.url(folder)


def lengthen(connection: Connection, n_bars: int) -> None:
    """Write bars behind the last: a mark, a decision, an order that filled; half a round trip."""
    rng = np.random.default_rng(1)
    last = {table: _last(connection, table) for table in (EQUITY, DECISIONS, INTENTS, FILLS)}
    last |= {table: _last(connection, table) for table in (BOOKINGS, TRADES)}
    first = max(row.get("bar", row.get("closed", 0)) for row in last.values()) + 1
    for table, row in last.items():
        step = 2 if table is TRADES else 1
        rows = [_later(row, table, k, first, rng) for k in range(0, n_bars, step)]
        connection.execute(METADATA.tables[table.name].insert(), rows)


def _later(row: Row, table: object, k: int, first: int, rng: np.random.Generator) -> Row:
    bar = first + k
    moment = row.get("moment", row.get("updated", 0)) + (k + 1) * HALF_HOUR
    changed: Row = {"bar": bar, "moment": moment, "closed": bar, "opened": bar - 1}
    changed |= {"client_order_id": f"bb-x-{bar}-0-0-E-S0", "execution_id": f"x-{bar}"}
    changed |= {"planned": moment, "updated": moment, "number": 0, "stage": 0, "sequence": 0}
    if table is EQUITY:
        changed["equity"] = row["equity"] * (1.0 + SWING * rng.standard_normal())
    return {name: changed.get(name, value) for name, value in row.items()}


def happen(connection: Connection, n_events: int) -> None:
    """Let events happen, one in a hundred a flow of money."""
    moment = _last(connection, DECISIONS)["moment"]
    for k in range(n_events):
        kind = KINDS[-1] if k % 100 == 0 else KINDS[k % (len(KINDS) - 1)]
        reasons = {"money": 0.01} if kind == KINDS[-1] else {"why": "no money", "units": 3.0}
        append(connection, ACCOUNT, moment - (n_events - k) * SECOND, (kind, f"one {k}", reasons))


def grow(begin: Callable[[], object]) -> None:
    """Let a bar pass and some events happen."""
    with begin() as connection:  # type: ignore[attr-defined]
        lengthen(connection, 1)
        happen(connection, N_MORE)


def show(url: str, grown: Callable[[], None]) -> None:
    """Print how long each page takes."""
    browser = _browser(url)
    browser.get(HOME)
    for name, path, before in (
        ("remembering nothing", HOME, lambda: setattr(browser, "app", _browser(url).app)),
        ("nothing new", HOME, _nothing),
        ("a bar and ten events more", HOME, grown),
        ("pulse", f"{HOME}/pulse", _nothing),
        ("list of events", f"{HOME}/list/events", _nothing),
        ("list of accounts", "/", _nothing),
    ):
        times = list(_times(browser, path, before))
        sys.stdout.write(f"{name:28} {np.median(times) * 1e3:8,.1f} ms\n")


def _browser(url: str) -> Browser:
    opened = door("127.0.0.1", 8765, [], {})
    times = Times(lambda: datetime.now(UTC), time.monotonic)
    return Browser(dashboard(url, None, opened, times))


def _nothing() -> None:
    """Let nothing happen."""


def _times(browser: Browser, path: str, before: Callable[[], None]) -> Iterator[float]:
    for _ in range(N_TIMES):
        before()
        began = time.process_time()
        answer = browser.get(path)
        yield time.process_time() - began
        if answer.status not in (200, 303):
            raise SystemExit(f"{path} answered {answer.status}: {answer.text[:400]}")


def _last(connection: Connection, table: object) -> Row:
    """Return the newest row of a table, by its key."""
    what = METADATA.tables[table.name]  # type: ignore[attr-defined]
    by = [column.desc() for column in what.primary_key.columns]
    if what.name == "intents":
        by = [what.c.bar.desc()]
    if what.name == "fills":
        by = [what.c.moment.desc()]
    row = connection.execute(select(what).order_by(*by).limit(1)).mappings().one()
    return dict(row)


if __name__ == "__main__":
    main()
