"""Nor does a kill change anything in other worlds, or while something else is done."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from tests.paper.conftest import ALPACA, in_memory
from tests.paper.kills import N_NIGHTLY, Line, drawn, finished, killed, trail_of

pytest.importorskip("alpaca", reason=ALPACA)

from tests.paper.ordeals import ORDEALS, Left, Ordeal, of_world

BY_DAY = ("limits given midway", "two accounts", "reports")
N_OF_EACH, N_WORLDS = N_NIGHTLY // 25, N_NIGHTLY // 16
EARLY_LINES = 400
LATE = 7  # a seed in which a kill comes when something is kept already


@dataclass(frozen=True, eq=False)
class Quiet:
    """An ordeal that nobody was killed in: its lines, and all that is left of it."""

    ordeal: Ordeal
    trail: list[Line]
    left: Left


def quiet(ordeal: Ordeal) -> Quiet:
    with in_memory() as folder:
        return Quiet(ordeal, trail_of(lambda: ordeal.work(folder)), ordeal.left(folder))


@cache
def quiet_of(kind: str) -> Quiet:
    return quiet(ORDEALS[kind]())


def kill_and_compare(one: Quiet, folder: Path, rng: np.random.Generator, n_kills: int) -> None:
    """Kill an ordeal so many times, let it end, and compare all that is left of it."""
    folder.mkdir(parents=True, exist_ok=True)

    def work() -> None:
        one.ordeal.work(folder)

    assert killed(work, drawn(one.trail, rng, one.ordeal.parts))
    for _ in range(n_kills - 1):
        killed(work, int(rng.integers(1, rng.choice([EARLY_LINES, len(one.trail)]))))
    finished(work)
    left = one.ordeal.left(folder)
    assert left.keys() == one.left.keys()
    for name, table in one.left.items():
        assert_frame_equal(left[name], table, obj=name)


@pytest.mark.parametrize("kind", BY_DAY)
def test_a_kill_changes_nothing_whatever_is_done(kind: str, folder: Path) -> None:
    kill_and_compare(quiet_of(kind), folder, np.random.default_rng([8, LATE]), 1)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ORDEALS)
def test_many_kills_change_nothing_whatever_is_done(kind: str, folder: Path) -> None:
    for i in range(N_OF_EACH):
        rng = np.random.default_rng([9, i])
        kill_and_compare(quiet_of(kind), folder / str(i), rng, 1 + i % 2)


@pytest.mark.nightly
def test_nor_in_worlds_of_all_kinds(folder: Path) -> None:
    for seed in range(N_WORLDS):
        one, rng = quiet(of_world(seed)), np.random.default_rng([10, seed])
        for i in range(2):
            kill_and_compare(one, folder / f"{seed}-{i}", rng, 1 + i)
