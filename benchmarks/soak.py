"""Days of paper trading at the emulated Alpaca, with faults, and whether anything wears out.

    .venv/bin/python -m benchmarks.soak --days 30

Each virtual day has a cycle every 30 seconds of its session, 781 of them, in half-hour bars that
are computed anew as they close. One request in a hundred is not answered as it should be, orders
fill in parts, and every night all books are compared with the broker's own ledger. Memory,
descriptors, threads and the time of a cycle must be on the last day what they were on the third.
"""

import argparse
import gc
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benbot.envs.history import History
from benbot.paper.autoloop import Cycle, Status
from benbot.paper.growing import Growing
from benbot.paper.hours import hours_of
from benbot.paper.replayed import Stretch
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.standing import Phase
from benbot.strategies.hearing import collect
from tests.paper.at_alpaca import (
    BARS_A_DAY,
    STRATEGIES,
    Desk,
    assert_books_agree,
    half_hour_stretch,
    open_desk,
    over_network,
)
from tests.paper.emulator.chance import Chance
from tests.paper.emulator.exchange import Exchange, exchange
from tests.paper.replays import kept_at

PERIOD = timedelta(seconds=30)
ACTIONS = ("drop_before", "accept_then_drop", "accept_then_504", "truncate", "status")
SHARE, PARTIALS = 0.01, 0.1  # of the requests that fail, of the fills that are not whole
EXTRA = 20  # cycles after a session, at most, until nothing is under way
SETTLED = 3  # days after which nothing may grow any more
PAGE = os.sysconf("SC_PAGE_SIZE")
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Day:
    """What a day left behind.

    seconds   of each cycle, of processor time, the broker's included
    memory    resident, bytes
    """

    number: int
    seconds: list[float]
    memory: int
    descriptors: int
    threads: int
    statuses: Counter[str]
    n_orders: int


@dataclass(frozen=True, eq=False)
class Soak:
    """An account that is traded for days.

    period    from one cycle to the next
    """

    stretch: Stretch
    desk: Desk
    one: Exchange
    url: str
    period: timedelta

    def days(self) -> Iterator[Day]:
        """Trade day after day and compare all books in the night."""
        hours = hours_of(self.stretch.history.market)
        first = self.stretch.span.first + 1
        for number, t in enumerate(range(first, self.stretch.span.last, BARS_A_DAY), start=1):
            begin, end = hours.time_of(2 * t), hours.time_of(2 * (t + BARS_A_DAY) - 1)
            yield self._day(number, begin, end)

    def _day(self, number: int, begin: datetime, end: datetime) -> Day:
        seconds: list[float] = []
        statuses: Counter[str] = Counter()
        now = begin
        while now <= end:
            self.desk.move(now)
            began = time.process_time()
            cycle = self._cycle()
            seconds.append(time.process_time() - began)
            statuses.update(str(each) for each in cycle.statuses[-1:])
            now += self.period
        self._settle(now)
        orders = self.one.broker.orders
        self.one.requests.clear()
        tables = kept_at(self.stretch, self.url)
        assert_books_agree(tables, self.one.broker, self.url)
        del tables
        gc.collect()
        return Day(number, seconds, *_held(), statuses, len(orders))

    def _cycle(self) -> Cycle:
        cycle = self.desk.loop.cycle()
        self.desk.trader.keep()
        return cycle

    def _settle(self, now: datetime) -> None:
        """Cycle on after the session until the last bar is marked."""
        for i in range(EXTRA):
            if self.desk.trader.standing.phase is Phase.DECIDED:
                return
            self.desk.move(now + i * self.period)
            self._cycle()
        raise RuntimeError(f"a bar must be over {EXTRA} cycles after its end, was not")


def soak(days: int, period: timedelta, folder: Path, report: Callable[[Day], None]) -> list[Day]:
    """Trade so many days with faults; raise where a book does not agree with the ledger."""
    stretch = half_hour_stretch(days * BARS_A_DAY, seed=11)
    stretch = replace(stretch, chronicle=growing(stretch.history))
    url, capital = f"sqlite:///{folder / 'paper.db'}", stretch.history.rules.capital
    passed: list[Day] = []
    with exchange(stretch.history.market, capital, PARTIALS) as one:
        one.faults.append(Chance(SHARE, 0, ACTIONS, path="/v2/.*"))
        with open_desk(stretch, over_network(one, url)) as desk:
            for day in Soak(stretch, desk, one, url, period).days():
                report(day)
                passed.append(day)
    return passed


def growing(history: History) -> Growing:
    """Return a chronicle that computes everything anew at each close."""
    shape = history.signals.n_strategies, history.market.n_symbols
    return Growing(
        history.market.until,
        lambda market: collect(STRATEGIES, market),
        history.rules,
        history.regime,
        ShadowSleeves(history.rules, *shape),
    )


def _held() -> tuple[int, int, int]:
    """Return resident bytes, descriptors and threads of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return pages * PAGE, descriptors, threading.active_count()


def main() -> None:
    """Soak, and print a line for each day and what grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", default=None, help="in which the store is made; default: /tmp")
    asked = parser.parse_args()
    with TemporaryDirectory(dir=asked.folder) as name:
        passed = soak(asked.days, PERIOD, Path(name), show)
    grown = [day for day in passed if day.number >= SETTLED]
    first, last = grown[0], grown[-1]
    n_cycles = sum(len(day.seconds) for day in passed)
    say(
        f"{n_cycles:,} cycles, {last.n_orders:,} orders, all books agree after each day; from day "
        f"{first.number} to {last.number} memory {last.memory / first.memory - 1.0:+.1%}, "
        f"descriptors {last.descriptors - first.descriptors:+}, threads "
        f"{last.threads - first.threads:+}, median cycle "
        f"{np.median(last.seconds) / np.median(first.seconds) - 1.0:+.0%}"
    )


def show(day: Day) -> None:
    """Print what a day left."""
    median, late = np.percentile(day.seconds, (50, 99))
    unhealthy = day.statuses[Status.HEALTH.value]
    say(
        f"day {day.number:2}  {len(day.seconds)} cycles, {unhealthy:3} without an answer  "
        f"{day.n_orders:5,} orders so far  p50 {1e3 * median:5.1f} ms  p99 {1e3 * late:6.1f} ms  "
        f"memory {day.memory / MEBIBYTE:6.1f} MiB  {day.descriptors} descriptors  "
        f"{day.threads} threads"
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
