"""What a cycle of paper trading costs, and a start: the network left out, the disk not.

    .venv/bin/python -m benchmarks.paper_loop --symbols 50 --bars 40

Daily bars under the six rules of the catalogue, each at two settings, computed anew from the bars
that are closed, as live trading does; a recurrent policy; the embedded broker and an SQLite store
on the disk. The worst cycle is the one in which a bar closes. A start is from nothing but the
store, with some hundred positions, foreign orders at the venue and the decisions of years, which
the policy lives through again.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import insert, select

from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.agents.policy import Layer
from benbot.agents.recurrent_policy import Memory, RecurrentAllocator
from benbot.envs.arrays import TimeArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.observation import Features
from benbot.paper.bar_replay import ticks
from benbot.paper.growing import Growing
from benbot.paper.ladder import KeptLadder, LiveLadder
from benbot.paper.replayed import Opened, Stretch, opened
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.tables import DECISIONS
from benbot.paper.venue import OrderIntent, OrderKind, Side, TimeInForce, Venue
from benbot.strategies.hearing import collect
from benbot.strategies.records.database import PATIENCE, address_of, open_writer
from benbot.strategies.tournament.settings import TournamentSettings
from benchmarks.scenarios import SIX_RULES_TWICE

HISTORY = 1_260  # bars that are known before the account begins
WIDTH = 128  # of the policy's memory
MOMENTS = ("opening", "ending", "close")  # of a bar, in which something is to be done
QUANTILES = (50, 99)
RULES = DeskRules.model_validate(
    {
        "limits": {"max_positions": 250, "gross": 2.0, "beta": 100.0, "daily_trades": 1_000},
        "sizing": {"position_cap": 0.01, "smallest_order": 0.0},
        "gates": {"var": 1.0},
        "breakers": {"drawdown": 0.9, "daily_loss": 0.9},
        "costs": {"half_spread": 0.0001, "impact": 0.0},
    }
)


@dataclass(frozen=True, eq=False)
class Subject:
    """A market, what is known of it, and who trades in it."""

    stretch: Stretch
    n_symbols: int

    def fresh(self) -> Stretch:
        """Return the stretch with a policy, a chronicle and a ladder that know nothing yet."""
        history = self.stretch.history
        ladder = TimedLadder(history.rules, history.signals.strategies, TournamentSettings())
        return replace(
            self.stretch,
            policy=policy_of(history),
            chronicle=growing(history, ladder),
            ladder=ladder,
        )


class TimedLadder(LiveLadder):
    """A ladder that notes the seconds of each close, and what there is to keep of it, bytes."""

    def __init__(
        self, rules: DeskRules, names: tuple[str, ...], settings: TournamentSettings
    ) -> None:
        super().__init__(rules, names, settings)
        self.seconds: list[float] = []
        self.kept_bytes = 0

    def follow(self, tape: Tape, features: Features, days: TimeArray) -> None:
        begun = time.perf_counter()
        super().follow(tape, features, days)
        self.seconds.append(time.perf_counter() - begun)

    def kept(self) -> KeptLadder | None:
        begun, kept = time.perf_counter(), super().kept()
        if kept is not None:
            self.kept_bytes = len(json.dumps(kept.state)) + len(kept.accounts)
        self.seconds[-1] += time.perf_counter() - begun
        return kept


def subject_of(n_symbols: int, n_bars: int) -> Subject:
    """Return the subject of so many symbols and bars to trade."""
    market = load_synthetic(SyntheticSource(n_bars=HISTORY + n_bars + 1, n_symbols=n_symbols))
    history = prepare(market, collect(SIX_RULES_TWICE, market), RULES)
    span = Span(HISTORY, HISTORY + n_bars)
    return Subject(Stretch(history, span, policy_of(history), 0.05), n_symbols)


def growing(history: History, ladder: LiveLadder | None = None) -> Growing:
    """Return a chronicle that computes everything anew at each close."""

    def heard(market: Market):  # noqa: ANN202
        return collect(SIX_RULES_TWICE, market)

    shape = history.signals.n_strategies, history.market.n_symbols
    sleeves = ShadowSleeves(history.rules, *shape)
    return Growing(history.market.until, heard, history.rules, history.regime, sleeves, ladder)


def policy_of(history: History) -> RecurrentAllocator:
    """Return a recurrent policy of numbers that were drawn."""
    rng = np.random.default_rng(0)
    size, n_weights = history.layout.size, history.signals.n_strategies + 1

    def drawn(*shape: int) -> np.ndarray:
        return (0.1 * rng.standard_normal(shape)).astype(np.float32)

    four = 4 * WIDTH
    memory = Memory(drawn(four, size), drawn(four, WIDTH), drawn(four), drawn(four))
    layers = (Layer(drawn(n_weights, WIDTH), drawn(n_weights)),)
    scaling = ObservationNormaliser(Moments.of(size), learning=False)
    return RecurrentAllocator(memory, layers, scaling, 3.0)


def times_of(subject: Subject, folder: Path) -> dict[str, list[float]]:
    """Trade the stretch and return the seconds of its cycles, by what was to be done."""
    seconds: dict[str, list[float]] = {name: [] for name in (*MOMENTS, "nothing")}
    stretch = subject.fresh()
    with opened(stretch, folder) as on:
        for i, tick in enumerate(ticks(on.playback.hours, subject.stretch.span)):
            on.clock.move(tick)
            seconds[MOMENTS[i % len(MOMENTS)]].append(timed(on))
            seconds["nothing"].append(timed(on))
    show_ladder(subject.n_symbols, stretch.ladder)
    return seconds


def show_ladder(n_symbols: int, ladder: TimedLadder) -> None:
    """Print what the ladder takes of a close, and of the first one, with all of the history."""
    first, *others = ladder.seconds
    median, late = np.percentile(others, QUANTILES)
    say(
        f"{n_symbols:4} symbols  ladder   p50 {1e3 * median:8.1f} ms  p99 {1e3 * late:8.1f} ms  "
        f"of a close; {first:.2f} s over the history; {ladder.kept_bytes / 1e3:,.0f} kB kept"
    )


def timed(on: Opened) -> float:
    """Return the seconds of a cycle."""
    begun = time.perf_counter()
    on.loop.cycle()
    return time.perf_counter() - begun


def start_of(subject: Subject, folder: Path, n_orders: int, n_decisions: int) -> dict[str, float]:
    """Return the seconds from nothing to ready and of the first cycle, and what there was."""
    with opened(subject.fresh(), folder) as on:
        crowd(on.loop._venue, n_orders)
        found: dict[str, float] = {
            "positions": len(on.loop.trader.desk.positions),
            "orders": len(on.loop._venue.open_orders()),
        }
    add_decisions(subject, subject.stretch.url(folder), n_decisions)
    stretch = subject.fresh()
    gc.collect()
    begun = time.perf_counter()
    with opened(stretch, folder) as on:
        found["ready"] = time.perf_counter() - begun
        found["first"] = timed(on)
    return found


def crowd(venue: Venue, n_orders: int) -> None:
    """Let so many orders rest at a venue that nobody here has sent."""
    held = venue.positions()
    for i in range(n_orders):
        one = held[i % len(held)]
        units = 1.0 if one.units > 0.0 else 1e-3 * abs(one.units)
        placed = (OrderKind.LIMIT, 0.01, TimeInForce.GTC)
        venue.submit(OrderIntent(f"foreign-{i}", one.symbol, Side.BUY, units, *placed))


def add_decisions(subject: Subject, url: str, n_decisions: int) -> None:
    """Let the account have made so many decisions; those that follow are made up."""
    policy = policy_of(subject.stretch.history)
    rng = np.random.default_rng(1)
    engine = open_writer(address_of(url), PATIENCE)
    with engine.begin() as connection:
        rows = list(connection.execute(select(DECISIONS).order_by(DECISIONS.c.bar)))
        for row in rows:
            policy.weights(np.frombuffer(row.observation, np.float32))
        made = [dict(rows[-1]._mapping) for _ in range(n_decisions - len(rows))]
        for i, row in enumerate(made):
            seen = rng.standard_normal(subject.stretch.history.layout.size).astype(np.float32)
            row |= {"bar": rows[-1].bar + 1 + i, "observation": seen.tobytes(), "growth": b""}
            row["weights"] = policy.weights(seen).tobytes()
        connection.execute(insert(DECISIONS), made)
    engine.dispose()


@contextmanager
def somewhere(folder: str | None) -> Iterator[Path]:
    """Yield a new folder, on the disk unless told otherwise."""
    with TemporaryDirectory(dir=folder) as name:
        yield Path(name)


def main() -> None:
    """Measure, and print what is in docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper_loop", description=__doc__)
    parser.add_argument("--symbols", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--bars", type=int, default=40, help="that are traded")
    parser.add_argument("--orders", type=int, default=500, help="that rest at the venue at a start")
    parser.add_argument("--decisions", type=int, default=2_500, help="that a start goes through")
    parser.add_argument("--folder", default=None, help="in which the store is made; default: /tmp")
    asked = parser.parse_args()
    for n_symbols in asked.symbols:
        subject = subject_of(n_symbols, asked.bars)
        with somewhere(asked.folder) as folder:
            show_times(n_symbols, times_of(subject, folder))
            start = start_of(subject, folder, asked.orders, asked.decisions)
        say(
            f"{n_symbols:4} symbols  start  {start['ready']:6.2f} s to ready, "
            f"{start['first']:5.2f} s first cycle  ({start['positions']:.0f} positions, "
            f"{start['orders']:.0f} orders at rest, {asked.decisions} decisions)"
        )


def show_times(n_symbols: int, seconds: dict[str, list[float]]) -> None:
    """Print quantiles of the cycles, all together and by what was to be done."""
    everything = [one for kind in seconds.values() for one in kind]
    for name, kind in {**seconds, "all": everything}.items():
        median, late = np.percentile(kind, QUANTILES)
        say(
            f"{n_symbols:4} symbols  {name:8} p50 {1e3 * median:8.1f} ms  p99 {1e3 * late:8.1f} ms"
            f"  worst {1e3 * max(kind):8.1f} ms  ({len(kind)} cycles)"
        )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
