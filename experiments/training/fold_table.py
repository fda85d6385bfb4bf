"""What each fold came to, beside the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.agents.succession import joined
from benbot.envs.arrays import IntArray
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.experiments.training.folds import SEGMENTS, Fold
from benbot.experiments.verdict.statistics import NAN, Spread


@dataclass(frozen=True, eq=False)
class FoldResult:
    """A fold with what every seed and every baseline did on its `test`."""

    fold: Fold
    agents: Mapping[int, Evaluation]
    baselines: Sequence[Evaluation]


@dataclass(frozen=True)
class FoldRow:
    """Log growth a year on `test` of one fold; `days` are the first and last of each segment."""

    number: int
    days: Mapping[str, str]
    agent: Spread
    baselines: Mapping[str, float]


def fold_rows(results: Sequence[FoldResult], market: Market) -> list[FoldRow]:
    """Return a row for each fold; none for a configuration without folds."""
    return [_row(result, market) for result in results if result.fold.number]


def all_folds(
    results: Sequence[FoldResult],
) -> tuple[dict[int, Evaluation], list[Evaluation], IntArray]:
    """Return seeds and baselines as accounts through all folds, and the fold of each mark."""
    first = results[0]
    agents = {seed: joined([one.agents[seed] for one in results]) for seed in first.agents}
    baselines = [joined([one.baselines[i] for one in results]) for i in range(len(first.baselines))]
    lengths = [one.fold.spans["test"].n_decisions for one in results]
    numbers = np.repeat([one.fold.number for one in results], lengths)
    return agents, baselines, np.append(numbers[:1], numbers)


def _row(result: FoldResult, market: Market) -> FoldRow:
    own = np.array([one.annual_growth for one in result.agents.values()])
    with np.errstate(invalid="ignore"):
        deviation = float(own.std(ddof=1)) if own.size > 1 else NAN
    return FoldRow(
        number=result.fold.number,
        days={name: _days(result.fold.spans[name], market) for name in SEGMENTS},
        agent=Spread(float(own.mean()), deviation),
        baselines={one.name: one.annual_growth for one in result.baselines},
    )


def _days(span: Span, market: Market) -> str:
    first, last = market.days[[span.first, span.last]]
    return f"{first} to {last}"
