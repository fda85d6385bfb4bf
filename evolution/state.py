"""Where a search stands after a generation, as JSON, so that it can go on after an interruption.

Only genomes are kept: what they did is computed again, to the same last digit, because it depends
on nothing but the genome and the ground.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benbot.envs.errors import RunMismatch
from benbot.evolution.candidate import Candidate
from benbot.evolution.genomes import G
from benbot.evolution.search import Generation, Search
from benbot.evolution.workers import Workers

FORMAT = 2


def save(search: Search[G], path: Path) -> None:
    """Write where a search stands; the file is replaced at once, so that it is always whole."""
    write = search.fitness.species.write
    state = {
        "format": FORMAT,
        "generation": search.number,
        "ledger_bytes": search.ledger.n_bytes,
        "generators": [island.generator.bit_generator.state for island in search.islands],
        "islands": [
            [_plain(each, write(each.genome)) for each in island.people]
            for island in search.islands
        ],
        "pool": [
            _plain(member.candidate, write(member.candidate.genome))
            for member in search.pool.members
        ],
        "looked": search.pool.looked,
        "history": [asdict(generation) for generation in search.history],
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state), encoding="utf-8")
    fresh.replace(path)


def restore(search: Search[G], path: Path, workers: Workers) -> None:
    """Bring a new search to where another one was when it saved its state."""
    state = _read(path)
    search.ledger.cut(state["ledger_bytes"])
    for entry in search.ledger.entries():
        search.seen.add(entry.digest)
        search.behaviours.add(entry.behaviour)
        search.n_tried += 1
    for island, people, generator in zip(
        search.islands, state["islands"], state["generators"], strict=True
    ):
        island.generator.bit_generator.state = generator
        island.people = _tried(search, people, workers)
    search.pool.restore(_tried(search, state["pool"], workers), state["looked"], workers)
    search.number = int(state["generation"])
    search.history = [Generation(**each) for each in state["history"]]


def _tried(search: Search[G], plain: Sequence[Any], workers: Workers) -> list[Candidate[G]]:
    genomes = [search.fitness.species.read(each["genome"]) for each in plain]
    trials = search.fitness.measure(genomes, workers)
    return [
        Candidate(genome, trial, tuple(each["parents"]), each["born"])
        for genome, trial, each in zip(genomes, trials, plain, strict=True)
    ]


def _plain(candidate: Candidate[Any], genome: object) -> dict[str, Any]:
    return {"genome": genome, "parents": candidate.parents, "born": candidate.born}


def _read(path: Path) -> Any:  # noqa: ANN401
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunMismatch(
            f"{path} must be the state of a search, was none: {error}. Start a new search"
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise RunMismatch(
            f"{path} must be the state of a search in format {FORMAT}, was another. Start a new "
            "search, or go on with the version that wrote it"
        )
    return state
