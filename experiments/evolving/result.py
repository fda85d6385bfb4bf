"""What a search leaves behind: the pool, its ancestors, and a configuration."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadConfig
from benbot.evolution.candidate import Candidate
from benbot.evolution.deflation import Trials
from benbot.evolution.ledger import Entry
from benbot.evolution.objectives import ratios
from benbot.evolution.search import Search
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.tracking.tracker import NOTE, Run
from benbot.experiments.verdict.out_of_sample import Row
from benbot.strategies.base import Strategy

MOST_ANCESTORS = 200  # of one winner


@dataclass(frozen=True, eq=False)
class SeedPool:
    """A search that is over, and what its ledger says of luck."""

    search: Search[Any]
    trials: Trials
    confidence: float

    @property
    def winners(self) -> list[Candidate[Any]]:
        return [member.candidate for member in self.search.pool.members]

    @cached_property
    def deflated(self) -> list[float]:
        """Deflated Sharpe ratio of each winner on fit."""
        return [self.trials.deflated(each.growth) for each in self.winners]

    @property
    def n_found(self) -> int:
        """Winners that are more than luck, by the confidence of the settings."""
        return sum(value >= self.confidence for value in self.deflated)

    @cached_property
    def strategies(self) -> list[Strategy]:
        """The winners as strategies, which a configuration can name."""
        species = self.search.fitness.species
        return [
            species.strategy(member.candidate.genome, member.name)
            for member in self.search.pool.members
        ]

    def yearly(self, growth: FloatArray) -> float:
        """Return the Sharpe ratio a year of returns (T,)."""
        per_year = self.search.fitness.ground.market.bars_per_year
        return float(ratios(growth[None])[0] * np.sqrt(per_year))


def pool_file(result: SeedPool) -> dict[str, Any]:
    """Return the winners as plain JSON: genome, formula, results and ancestors."""
    entries = result.search.ledger.by_digest()
    write = result.search.fitness.species.write
    return {
        "species": result.search.fitness.species.name,
        "trials": asdict(result.trials) | {"effective": result.trials.effective},
        "looks_at_valid": len(result.search.pool.looked),
        "members": [
            {
                "name": member.name,
                "formula": member.candidate.genome.formula,
                "genome": write(member.candidate.genome),
                "born": member.candidate.born,
                "sharpe_fit": result.yearly(member.candidate.growth),
                "deflated_sharpe_fit": deflated,
                "sharpe_valid": result.yearly(member.valid),
                "ancestors": genealogy(member.candidate.digest, entries),
            }
            for member, deflated in zip(result.search.pool.members, result.deflated, strict=True)
        ],
    }


def with_pool(config: ExperimentConfig, result: SeedPool) -> ExperimentConfig:
    """Return the configuration with the winners among its strategies, and no search of its own."""
    species = result.search.fitness.species
    bred = tuple(
        species.choice(member.candidate.genome, member.name)
        for member in result.search.pool.members
    )
    changed = {"strategies": (*config.strategies, *bred), "evolution": None}
    return config.model_copy(update=changed | {"bred_until": seen_until(config)})


def seen_until(config: ExperimentConfig) -> date:
    """Return the last day that anybody looked at to choose the strategies of a configuration."""
    if config.segments is None:
        raise BadConfig(
            f"strategies must come with the segments on which they were chosen, {config.name} has "
            f"folds. Say folds: null and give fit, valid and test"
        )
    chosen = config.segments.valid.end
    return chosen if config.bred_until is None else max(chosen, config.bred_until)


def genealogy(digest: str, entries: dict[str, Entry]) -> list[dict[str, Any]]:
    """Return a winner and its ancestors, the youngest first, each once."""
    waiting, known = [digest], {digest}
    found: list[dict[str, Any]] = []
    while waiting and len(found) < MOST_ANCESTORS:
        entry = entries[waiting.pop(0)]
        found.append(
            {
                "digest": entry.digest,
                "generation": entry.generation,
                "island": entry.island,
                "parents": list(entry.parents),
                "genome": entry.genome,
            }
        )
        new = [parent for parent in entry.parents if parent not in known and parent in entries]
        known.update(new)
        waiting += new
    return found


def record_search(run: Run, result: SeedPool, judged: Sequence[Row]) -> None:
    """Record the winners and what they earned on valid."""
    trials = result.trials
    run.log_metrics(
        {
            "evolution/trials": trials.n,
            "evolution/effective_trials": trials.effective,
            "evolution/trials_by_correlation": trials.by_correlation,
            "evolution/trials_by_clusters": trials.by_clusters,
            "evolution/found": result.n_found,
            **{
                f"valid/{row.name.replace(' ', '_')}/{name}": getattr(row, name)
                for row in judged
                for name in ("growth", "volatility", "sharpe_ratio", "max_drawdown")
            },
        }
    )
    lines = [f"- `{each.genome.formula}`" for each in result.winners]
    run.set_tags({NOTE: "\n".join(["**Pool**", *lines]) if lines else "The pool is empty."})
    run.log_file("formulas.txt", "\n".join(each.genome.formula for each in result.winners) + "\n")
    ancestors = pool_file(result)["members"]
    run.log_file("genealogy.json", json.dumps(ancestors, indent=2, ensure_ascii=False))
