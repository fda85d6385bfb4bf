"""What is kept of a search, so that its report can be written without searching or trading again.

Ratios are a year. A curve is the log growth since the beginning, at so many marks at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import RunMismatch
from benbot.envs.market.summary import iso_minute
from benbot.evolution.candidate import Candidate
from benbot.evolution.deflation import Trials
from benbot.evolution.search import Generation
from benbot.experiments.evolving.result import SeedPool, genealogy
from benbot.experiments.verdict.out_of_sample import Judge, Row
from benbot.strategies.sharpe import probabilistic_2012, track_of

RECORD_FILE = "record.json"
MARKS = 400  # of a curve
CURVES = ("pool", "random candidates", "all rules", "buy and hold")
NUMBERS = ConfigDict(ser_json_inf_nan="strings")


@dataclass(frozen=True)
class Group:
    """What one group earned; see `out_of_sample.Row`."""

    __pydantic_config__ = NUMBERS
    name: str
    members: int
    growth: float
    volatility: float
    sharpe_ratio: float
    probability: float
    max_drawdown: float
    peers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Stretch:
    """What all groups earned on one segment.

    times    of the marks of the curves, UTC
    curves   by the name of the group
    """

    __pydantic_config__ = NUMBERS
    caption: str
    groups: tuple[Group, ...]
    times: tuple[str, ...]
    curves: Mapping[str, tuple[float, ...]]

    def group(self, name: str) -> Group | None:
        return next((each for each in self.groups if each.name == name), None)


@dataclass(frozen=True)
class Winner:
    """A member of the pool.

    genome      plain JSON, as its species wrote it
    probable    probability that its true ratio on fit is above 0
    deflated    the same above the best of all trials by luck
    ancestors   itself first; each has digest, generation, island, parents, genome and formula
    """

    __pydantic_config__ = NUMBERS
    name: str
    formula: str
    genome: Any
    size: int
    born: int
    n_trades: int
    turnover: float
    sharpe_fit: float
    probable: float
    deflated: float
    sharpe_valid: float
    ancestors: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class SearchRecord:
    """One search from one seed.

    trials      of all seeds of the run together
    luck        ratio of the best of so many without skill
    front       objectives (N, M) of the first front at the end, in the order of `objectives`
    in_pool     of each on the front
    looks       at valid
    stretches   by segment: valid, and test if it was opened
    market      facts for people
    """

    __pydantic_config__ = NUMBERS
    seed: int
    species: str
    trials: Trials
    effective: float
    luck: float
    found: int
    confidence: float
    looks: int
    history: tuple[Generation, ...]
    objectives: tuple[str, ...]
    front: tuple[tuple[float, ...], ...]
    in_pool: tuple[bool, ...]
    winners: tuple[Winner, ...]
    market: Mapping[str, str]
    notes: tuple[str, ...] = ()
    stretches: Mapping[str, Stretch] = field(default_factory=dict)


def record_of(result: SeedPool, judge: Judge, judged: Sequence[Row]) -> SearchRecord:
    """Return what is kept of a search that is over and was judged on valid."""
    search = result.search
    people, objectives = search.front()
    own = {each.digest for each in result.winners}
    market = search.fitness.ground.market
    per_year = float(np.sqrt(market.bars_per_year))
    return SearchRecord(
        seed=search.seed,
        species=search.fitness.species.name,
        trials=result.trials,
        effective=result.trials.effective,
        luck=result.trials.luck * per_year,
        found=result.n_found,
        confidence=result.confidence,
        looks=len(search.pool.looked),
        history=tuple(search.history),
        objectives=search.settings.objectives,
        front=tuple(tuple(row) for row in objectives.tolist()),
        in_pool=tuple(each.digest in own for each in people),
        winners=tuple(_winners(result)),
        market=_facts(judge),
        notes=tuple(market.origin.notes),
        stretches={"valid": stretch_of_groups(judge, judged)},
    )


def stretch_of_groups(judge: Judge, judged: Sequence[Row]) -> Stretch:
    """Return the results of one segment."""
    times = judge.times
    marks = np.unique(np.linspace(0, times.size - 1, min(MARKS, times.size)).astype(np.int64))
    return Stretch(
        judge.caption,
        tuple(_group(row) for row in judged),
        tuple(iso_minute(time) for time in times[marks]),
        {row.name: _curve(row.path, marks) for row in judged if row.name in CURVES},
    )


def write_record(record: SearchRecord, folder: Path) -> None:
    text = TypeAdapter(SearchRecord).dump_json(record, indent=1)
    (folder / RECORD_FILE).write_bytes(text)


def read_record(folder: Path) -> SearchRecord:
    """Return the record in the folder of a seed; one that is none is refused."""
    path = folder / RECORD_FILE
    try:
        return TypeAdapter(SearchRecord).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunMismatch(
            f"a report of a search needs {path}, was none that can be read: "
            f"{str(error).partition(chr(10))[0]}. A search that has ended writes one"
        ) from error


def _winners(result: SeedPool) -> list[Winner]:
    search = result.search
    species, entries = search.fitness.species, search.ledger.by_digest()

    def named(digest: str) -> tuple[Mapping[str, Any], ...]:
        found = genealogy(digest, entries)
        return tuple(each | {"formula": species.read(each["genome"]).formula} for each in found)

    return [
        Winner(
            name=member.name,
            formula=member.candidate.genome.formula,
            genome=species.write(member.candidate.genome),
            size=member.candidate.genome.size,
            born=member.candidate.born,
            n_trades=member.candidate.trial.outcome.n_trades,
            turnover=member.candidate.trial.outcome.turnover,
            sharpe_fit=result.yearly(member.candidate.growth),
            probable=_probable(member.candidate),
            deflated=deflated,
            sharpe_valid=result.yearly(member.valid),
            ancestors=named(member.candidate.digest),
        )
        for member, deflated in zip(search.pool.members, result.deflated, strict=True)
    ]


def _probable(candidate: Candidate[Any]) -> float:
    track = track_of(candidate.growth)
    return probabilistic_2012(track) if np.isfinite(track.ratio) else float("nan")


def _group(row: Row) -> Group:
    return Group(
        row.name,
        row.members,
        row.growth,
        row.volatility,
        row.sharpe_ratio,
        row.probability,
        row.max_drawdown,
        row.peers,
    )


def _curve(path: FloatArray, marks: IntArray) -> tuple[float, ...]:
    grown = np.concatenate([[0.0], np.cumsum(path)])
    return tuple(np.round(grown[marks], 6).tolist())


def _facts(judge: Judge) -> dict[str, str]:
    market = judge.whole
    first, last = iso_minute(market.timestamps[0]), iso_minute(market.timestamps[-1])
    return {
        "source": market.origin.source,
        "adjusted for": market.origin.adjustment,
        "bars": f"{market.n_bars:,}, {first} to {last} UTC",
        "symbols": ", ".join(market.symbols),
        "digest": market.digest,
    }
