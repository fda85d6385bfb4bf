"""The same fills in any order, told twice or late, make the same books; so does the same seed."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benbot.envs.history import Span
from benbot.paper.bar_replay import ticks
from benbot.paper.replayed import Stretch, opened, replay
from benbot.paper.trader import Progress
from benbot.paper.venue import Venue, VenueFill
from tests.paper.replays import everything, random_stretch, venue_of
from tests.paper.test_kills import short_stretch

N_BARS, N_SEQUENCES, N_NIGHTLY = 2, 4, 2_000
N_SEEDS = 100
LISTINGS = (0, 0, 0, 1, 2)  # in which a part is missing before it is shown
MOST_PARTS, MOST_CYCLES = 3, 60


class Shuffled:
    """Passes everything on, and lists each fill in parts, in any order, some twice, some late."""

    def __init__(self, venue: Venue, rng: np.random.Generator | None) -> None:
        """Without a generator the parts come in their order, once and at once."""
        self._venue, self._rng, self._missing = venue, rng, dict[str, int]()
        self.name = venue.name

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        parts = [part for fill in self._venue.fills(since) for part in parts_of(fill)]
        rng = self._rng
        if rng is None:
            return parts
        shown = []
        for part in parts:
            left = self._missing.setdefault(part.execution_id, int(rng.choice(LISTINGS)))
            self._missing[part.execution_id] = left - 1
            if left <= 0:
                shown += [part] * int(rng.integers(1, 3))
        rng.shuffle(shown)  # type: ignore[arg-type]
        return shown

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


def parts_of(fill: VenueFill) -> list[VenueFill]:
    """Return a fill in one to three parts that are always the same, at prices of their own."""
    n = 1 + zlib.crc32(fill.execution_id.encode()) % MOST_PARTS
    shares = np.arange(1.0, n + 1.0) / (n * (n + 1.0) / 2.0)
    shift = 1e-3 * (np.arange(n) - (shares * np.arange(n)).sum())
    return [
        replace(
            fill,
            execution_id=f"{fill.execution_id}-{i}",
            units=fill.units * shares[i],
            price=fill.price * (1.0 + shift[i]),
            cost=fill.cost * shares[i],
        )
        for i in range(n)
    ]


def traded(stretch: Stretch, folder: Path, seed: int | None) -> dict[str, pd.DataFrame]:
    """Trade a stretch whose fills are shuffled, each bar until nothing is under way."""
    rng = None if seed is None else np.random.default_rng(seed)
    shaken = replace(stretch, wrapped=lambda venue: Shuffled(venue, rng))
    with opened(shaken, folder) as on:
        for tick in ticks(on.playback.hours, stretch.span):
            on.clock.move(tick)
            for _ in range(MOST_CYCLES):
                if on.loop.cycle().progress is not Progress.WORKING:
                    break
    return everything(stretch, folder)


def assert_same(own: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name, table in other.items():
        assert_frame_equal(own[name], table, obj=name)


def shuffle_and_compare(first: int, n: int, n_bars: int, folder: Path) -> None:
    stretch = short_stretch()
    stretch = replace(stretch, span=Span(stretch.span.first, stretch.span.first + n_bars))
    quiet = traded(stretch, folder / "quiet", None)
    assert len(quiet["fills"]) > len(quiet["orders"]) > n_bars
    for seed in range(first, first + n):
        assert_same(traded(stretch, folder / str(seed), seed), quiet)


def test_fills_in_any_order_make_the_same_books(folder: Path) -> None:
    shuffle_and_compare(0, N_SEQUENCES, N_BARS, folder)


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(10))
def test_two_thousand_orders_of_fills_do(block: int, folder: Path) -> None:
    shuffle_and_compare(1_000 * block, N_NIGHTLY // 10, 8, folder)


@pytest.mark.parametrize("seed", range(1))
def test_the_same_seed_makes_the_same_rows(seed: int, folder: Path) -> None:
    replay_twice(seed, 6, folder)


@pytest.mark.nightly
def test_a_hundred_seeds_make_the_same_rows_twice(folder: Path) -> None:
    for seed in range(N_SEEDS):
        replay_twice(seed, 60, folder / str(seed))


def replay_twice(seed: int, n_bars: int, folder: Path) -> None:
    stretch = random_stretch(seed)
    first, last = stretch.span.first, stretch.span.last
    stretch = replace(stretch, span=Span(first, min(first + n_bars, last)))
    for name in ("once", "again"):
        replay(stretch, folder / name)
    assert_same(everything(stretch, folder / "once"), everything(stretch, folder / "again"))
    assert venue_of(folder / "once") == venue_of(folder / "again")
