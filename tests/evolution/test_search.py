"""The search as a whole: the same from a seed, whatever the number of workers or interruptions."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.envs.errors import DiedOut, RunMismatch
from benbot.evolution.fitness import Fitness
from benbot.evolution.ground import Ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.parameters import Rules
from benbot.evolution.pool import Pool
from benbot.evolution.programs import Programs
from benbot.evolution.search import Search
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.state import restore, save
from benbot.evolution.workers import Workers, alone, hire
from tests.evolution.conftest import Opener, fame


def run(search: Search[Any], workers: Workers = alone) -> Search[Any]:
    while not search.is_over:
        search.advance(workers)
    return search


@pytest.mark.parametrize("selection", ["nsga2", "lexicase"])
def test_a_seed_decides_everything_whatever_the_number_of_workers(
    open_search: Opener, own: EvolutionSettings, selection: str
) -> None:
    own = own.model_copy(update={"selection": selection})
    random.seed(1)
    before = random.getstate()
    first = run(open_search(own, "one"))
    assert random.getstate() == before
    random.seed(2)
    with hire(3) as workers:
        second = run(open_search(own, "three"), workers)
    assert fame(first) == fame(second)
    assert first.ledger.path.read_bytes() == second.ledger.path.read_bytes()
    assert fame(run(open_search(own, "other", seed=6))) != fame(first)


def test_parameters_are_bred_by_the_same_search(
    open_search: Opener, own: EvolutionSettings, rules: Rules
) -> None:
    search = run(open_search(own, species=rules))
    assert search.n_tried == 48
    assert {each.genome.rule for each in search.people} <= set(rules.rules)


def test_an_interrupted_search_ends_as_if_nothing_had_happened(
    open_search: Opener, own: EvolutionSettings, tmp_path: Path
) -> None:
    whole = run(open_search(own, "whole"))
    begun = open_search(own, "begun")
    begun.advance(alone)
    begun.advance(alone)
    state = tmp_path / "state.json"
    save(begun, state)
    begun.advance(alone)  # which the interruption undoes
    with begun.ledger.path.open("a") as file:
        file.write('{"half')
    again = open_search(own, "begun")
    restore(again, state, alone)
    assert again.number == 2
    assert again.n_tried == 24
    assert fame(run(again)) == fame(whole)
    assert again.history == whole.history
    assert [each.number for each in whole.history] == [1, 2, 3, 4]
    assert again.ledger.path.read_bytes() == whole.ledger.path.read_bytes()


def test_a_state_that_is_none_is_refused(
    open_search: Opener, own: EvolutionSettings, tmp_path: Path
) -> None:
    for text in ("nothing", '{"format": 9}'):
        (tmp_path / "state.json").write_text(text)
        with pytest.raises(RunMismatch, match="must be the state of a search"):
            restore(open_search(own, "x"), tmp_path / "state.json", alone)


def test_everybody_who_was_tried_is_in_the_ledger(
    open_search: Opener, own: EvolutionSettings
) -> None:
    search = run(open_search(own))
    entries = list(search.ledger.entries())
    assert len(entries) == 48
    digests = {entry.digest for entry in entries}
    assert {each.digest for each in search.people} <= digests
    assert all(parent in digests for entry in entries for parent in entry.parents)
    assert {entry.generation for entry in entries} == {0, 1, 2, 3}


def test_nobody_lives_twice_on_an_island(open_search: Opener, own: EvolutionSettings) -> None:
    search = run(open_search(own))
    for island in search.islands:
        behaviours = [each.trial.behaviour for each in island.people]
        assert len(set(behaviours)) == len(behaviours)


def test_the_best_never_gets_worse_alone_on_an_island(
    open_search: Opener, own: EvolutionSettings
) -> None:
    names = ("probabilistic_sharpe", "size")
    own = own.model_copy(update={"objectives": names, "generations": 6})
    search = open_search(own)
    best = [search.advance(alone).best for _ in range(6)]
    assert np.all(np.diff(best) >= -0.35)  # the surest is kept, which is not quite the highest


def test_a_population_that_dies_out_says_so(open_search: Opener, own: EvolutionSettings) -> None:
    idle = own.model_copy(update={"least_trades": 10_000})
    with pytest.raises(
        DiedOut, match=r"make 10000 round trips on fit, was 0 of 12 in generation 0"
    ):
        open_search(idle).advance(alone)


def test_the_ledger_of_another_market_is_refused(
    own: EvolutionSettings, programs: Programs, fit: Ground, valid: Ground, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    other = TrialLedger(path, Identity("another", "config", 0))
    Search(own, Fitness(programs, fit), Pool(own.pool, Fitness(programs, valid)), other, 0)
    with pytest.raises(RunMismatch, match=r"was that of market another"):
        TrialLedger(path, Identity(fit.market.digest, "config", 0))
