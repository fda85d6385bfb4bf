"""How long the records take to answer and to write, on SQLite and on PostgreSQL.

    python -m benchmarks.records --trades 1000000

Every market day of ten years, trades of 50 strategies on 30 symbols in nine regimes, nine out of
ten simulated, the others of paper; a day of each strategy for each session. A dashboard asks these
questions again and again, and a season asks them between two sessions, so each must be answered in
a blink. Files are in a temporary folder; PostgreSQL is a cluster of its own, where it is installed.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from sqlalchemy import text

from benbot.envs.market.regime import REGIMES
from benbot.strategies.records import Reader, Records, Registered, Source, Stage, open_records
from tests import postgres

N_STRATEGIES, N_SYMBOLS = 50, 30
FIRST, END = datetime(2010, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
NOW = END + timedelta(days=1)
CHANGE = 100_000  # trades of one change while the store is filled
GOAL = 200.0  # milliseconds
SMALL = (1, 20, 200)  # trades of a change that is timed
STRATEGIES = np.array([f"strategy_{k}" for k in range(N_STRATEGIES)], object)


def trades(rng: np.random.Generator, n: int, begin: datetime, end: datetime) -> pd.DataFrame:
    """Return n trades that closed between two moments, by closing time."""
    minutes = np.sort(rng.integers(0, int((end - begin).total_seconds() // 60), n))
    closed = np.datetime64(begin.replace(tzinfo=None), "m") + minutes
    stages = np.array([Stage.R1, Stage.R2, Stage.R3], object)
    years = (closed - np.datetime64(FIRST.replace(tzinfo=None), "m")).astype(int) // (
        60 * 24 * 1300
    )
    facts = {
        "strategy": rng.choice(STRATEGIES, n),
        "symbol": rng.choice(np.array([f"S{k}" for k in range(N_SYMBOLS)], object), n),
        "regime": rng.choice(np.array(REGIMES, object), n),
        "stage": stages[np.minimum(years, 2)],
        "source": np.where(rng.random(n) < 0.9, Source.SIMULATION, Source.PAPER),
        "profit": rng.normal(1.0, 50.0, n),
        "return": rng.normal(0.0005, 0.02, n),
        "costs": rng.uniform(0.0, 2.0, n),
        "slippage": rng.standard_t(4, n) * 3.0,
    }
    frame = pd.DataFrame(facts).assign(opened=closed - np.timedelta64(300, "m"), closed=closed)
    return frame.assign(
        side=1, entry_price=100.0, exit_price=101.0, units=10.0, reason="STOP", news=np.nan,
        spread=2.0, confidence=0.6, expected_value=0.001, weight=0.1,
        key=[f"{rng.integers(2**62):x}-{k}" for k in range(n)],
    )  # fmt: skip


def days(rng: np.random.Generator) -> pd.DataFrame:
    """Return a day of each strategy for each weekday of the ten years."""
    sessions = pd.bdate_range(FIRST.date(), END.date(), inclusive="left")
    frame = pd.MultiIndex.from_product([sessions, STRATEGIES], names=["session", "strategy"])
    gains = rng.normal(0.0002, 0.01, len(frame))
    return frame.to_frame(index=False).assign(
        source=Source.SIMULATION, stage=Stage.R1, equity=1e5 * (1.0 + gains), n_trades=3,
        breaches=0, **{"return": gains},
    )  # fmt: skip


def fill(records: Records, n_trades: int) -> float:
    """Write the strategies, so many trades and the days, and return the seconds it took."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    with records.change(FIRST) as change:
        for name in STRATEGIES:
            change.register(Registered(str(name), "rule", "catalogue", {"n": 14}, "digest"))
            change.stage(str(name), None, Stage.R1, "for the benchmark")
    n_changes = max(1, n_trades // CHANGE)
    step = (END - FIRST) / n_changes
    for k in range(n_changes):
        with records.change(FIRST + (k + 1) * step) as change:
            change.trades(
                trades(rng, n_trades // n_changes, FIRST + k * step, FIRST + (k + 1) * step)
            )
    with records.change(END) as change:
        change.days(days(rng))
        change.state("season", {"bars": list(range(1000))})
    return time.perf_counter() - start


def questions(records: Reader) -> dict[str, Callable[[], object]]:
    """Return what is asked again and again, by name."""
    one, month = str(STRATEGIES[3]), END - timedelta(days=30)
    cube = ("strategy", "regime", "symbol")
    return {
        "by strategy": lambda: records.summary(("strategy",)),
        "by strategy and regime": lambda: records.summary(("strategy", "regime")),
        "by strategy, regime and symbol": lambda: records.summary(cube),
        "the same of paper": lambda: records.summary(cube, source="paper"),
        "the same of one strategy": lambda: records.summary(cube, strategy=one),
        "by regime, of stage R2": lambda: records.summary(("regime",), stage="R2"),
        "all in one": lambda: records.summary(()),
        "by strategy and regime, a month": lambda: records.summary(
            ("strategy", "regime"), since=month
        ),
        "one strategy, five years": lambda: records.summary(
            ("strategy",), strategy=one, since=datetime(2015, 1, 1, tzinfo=UTC)
        ),
        "ladder": records.ladder,
        "1,000 events": records.events,
        "1,000 trades of one strategy": lambda: records.trades(strategy=one),
        "1,000 trades of a month": lambda: records.trades(since=month),
        "state": lambda: records.state("season"),
        # not a standard question: what a stretch with many trades costs
        "(by strategy, a year)": lambda: records.summary(
            ("strategy",), since=datetime(2019, 1, 1, tzinfo=UTC)
        ),
    }


def timed(
    run: Callable[[], object], rounds: int, spent: Callable[[], float]
) -> tuple[float, float]:
    """Return the median of the milliseconds on the wall, and the mean of those of processors."""
    run()
    walls, begun = [], spent()
    for _ in range(rounds):
        wall = time.perf_counter()
        run()
        walls.append(time.perf_counter() - wall)
    return median(walls) * 1e3, (spent() - begun) / rounds * 1e3


def processor_of(records: Records) -> Callable[[], float]:
    """Return what says the processor time of this process and of the server's that work for it."""
    servers = []
    for engine in (records._reading, records._writing):
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
                servers.append(Path(f"/proc/{pid}/stat"))

    def spent() -> float:
        ticks = 0
        for path in servers:
            # After the name of the program in parentheses: user and system time are 11 and 12.
            ticks += sum(map(int, path.read_text().rpartition(")")[2].split()[11:13]))
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")

    return spent


def change_of(records: Records, n: int, seed: int) -> Callable[[], None]:
    """Return what writes a change of n new trades and a state."""
    rng = np.random.default_rng(seed)

    def write() -> None:
        frame = trades(rng, n, END, END + timedelta(hours=1))
        with records.change(NOW) as change:
            change.trades(frame)
            change.state("season", {"bars": list(range(1000))})

    return write


def report(name: str, url: str, n_trades: int, rounds: int) -> bool:
    """Print the times on one database; return whether every standard question met the goal."""
    with open_records(url, owner="benchmark", clock=lambda: NOW) as records:
        seconds = fill(records, n_trades)
        say(f"\n{name}: {n_trades:,} trades and {records.summary(())['days'].item():,} days")
        say(f"written in {seconds:,.0f} s\n{'':36}wall ms  processor ms")
        met, spent = True, processor_of(records)
        for question, ask in questions(records).items():
            wall, processor = timed(ask, rounds, spent)
            met &= wall <= GOAL or question.startswith("(")
            say(f"{question:34}{wall:9.1f}{processor:14.1f}")
        for n in SMALL:
            wall, processor = timed(change_of(records, n, n), rounds, spent)
            say(f"{f'a change of {n} trades':34}{wall:9.1f}{processor:14.1f}")
    start = time.perf_counter()
    open_records(url, owner="benchmark", clock=lambda: NOW).close()
    say(f"{'opened, with its check':34}{(time.perf_counter() - start) * 1e3:9.1f}")
    return met


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Yield the URLs of new databases by name."""
    with tempfile.TemporaryDirectory() as folder:
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'records.db'}"}
        why = postgres.reason_for_none()
        if why is not None:
            say(f"PostgreSQL is left out: {why}")
            yield urls
            return
        with postgres.cluster() as server:
            yield {**urls, "PostgreSQL": server}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="sqlite or postgresql; both if left out")
    chosen = parser.parse_args()
    with databases() as urls:
        wanted = {name: url for name, url in urls.items() if chosen.only in name.lower()}
        met = [report(name, url, chosen.trades, chosen.rounds) for name, url in wanted.items()]
    say(f"\nevery standard question within {GOAL:.0f} ms: {'yes' if all(met) else 'no'}")


if __name__ == "__main__":
    main()
