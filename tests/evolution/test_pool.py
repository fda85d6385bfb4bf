"""Who is admitted to the pool: who differs, and makes it better on bars that nobody bred on."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.evolution.fitness import Trial
from benbot.evolution.ground import Outcome
from benbot.evolution.parameters import RuleGenome
from benbot.evolution.pool import Pool
from benbot.evolution.settings import PoolSettings
from benbot.evolution.workers import Workers, alone
from tests.evolution.conftest import candidate_of

NOISE = np.random.default_rng(0).standard_normal((6, 400))


class Told:
    """Says what each candidate earns on valid, by the name of its rule; remembers who asked."""

    ground = SimpleNamespace(market=SimpleNamespace(bars_per_year=252.0))

    def __init__(self, valid: dict[str, FloatArray]) -> None:
        self.valid, self.asked = valid, []

    def measure(self, genomes: Sequence[RuleGenome], workers: Workers) -> list[Trial]:
        self.asked += [genome.rule for genome in genomes]
        outcomes = [
            Outcome(self.valid[genome.rule], np.zeros((1, 1, 9)), 0.1, 9) for genome in genomes
        ]
        return [Trial(outcome, "x") for outcome in outcomes]


def pool_of(valid: dict[str, FloatArray], **changed: Any) -> Pool[Any]:  # noqa: ANN401
    return Pool(PoolSettings(**changed), Told(valid))  # type: ignore[arg-type]


GOOD = {"a": NOISE[0] + 0.1, "b": NOISE[1] + 0.1, "c": NOISE[2] - 0.2}


def test_who_helps_is_admitted_and_who_harms_is_not() -> None:
    pool = pool_of(GOOD)
    people = [candidate_of(NOISE[i + 3], name) for i, name in enumerate("abc")]
    admitted = pool.offer(people, alone)
    assert [member.candidate.genome.rule for member in admitted] == ["a", "b"]
    together = (NOISE[0] + NOISE[1]) / 2 + 0.1
    expected = together.mean() / together.std(ddof=1) * np.sqrt(252)
    assert pool.ratio == pytest.approx(expected)


def test_who_moves_like_a_member_is_not_even_looked_at() -> None:
    pool = pool_of(GOOD)
    pool.offer([candidate_of(NOISE[3], "a")], alone)
    twins = [candidate_of(side * NOISE[3] + 0.5 * NOISE[4], "b") for side in (1.0, -1.0)]
    assert pool.offer(twins, alone) == []
    assert pool.fitness.asked == ["a"]  # type: ignore[attr-defined]


def test_two_that_move_alike_are_not_both_admitted_at_once() -> None:
    pool = pool_of(GOOD)
    twins = [candidate_of(NOISE[3], "a"), candidate_of(NOISE[3], "b")]
    assert len(pool.offer(twins, alone)) == 1


def test_valid_is_asked_once_for_each_and_every_look_counts() -> None:
    pool = pool_of(GOOD)
    people = [candidate_of(NOISE[i + 3], name) for i, name in enumerate("abc")]
    pool.offer(people, alone)
    pool.offer(people, alone)
    assert pool.fitness.asked == ["a", "b", "c"]  # type: ignore[attr-defined]
    assert len(pool.looked) == 3


def test_a_pool_has_room_for_so_many() -> None:
    pool = pool_of(GOOD, limit=1)
    people = [candidate_of(NOISE[i + 3], name) for i, name in enumerate("ab")]
    assert len(pool.offer(people, alone)) == 1
    assert pool.offer([candidate_of(NOISE[5], "c")], alone) == []


def test_a_first_member_must_earn_something() -> None:
    assert pool_of(GOOD).offer([candidate_of(NOISE[3], "c")], alone) == []
