"""Where all that was tried stands: better than the best baseline or not, and who may be the best.

T bars, N agents. Both tests compare log growth a bar, and resample time alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ConfigDict

from benbot.envs.arrays import FloatArray
from benbot.experiments.report.curves import Curves
from benbot.experiments.verdict.statistics import log_returns
from benbot.experiments.verdict.superiority import confidence_set, superior_ability

REPETITIONS = 500
SIZE = 0.05  # of error of the set
AGENT = "agent"  # all seeds as one account


@dataclass(frozen=True)
class Standing:
    """What is left of an agent when it is known how much was tried, and beside whom it stands.

    best_baseline   the one that grew most; empty where none is known
    superiority     p-value that none of all agents of the family is better than it (Hansen 2005)
    remaining       who cannot be told from the best: the agent's account, each seed an equal part,
                    and baselines (Hansen, Lunde and Nason 2011), with an error of 0.05
    """

    __pydantic_config__ = ConfigDict(ser_json_inf_nan="strings")
    best_baseline: str = ""
    superiority: float = float("nan")
    remaining: tuple[str, ...] = ()


def standing(
    curves: Curves, names: Sequence[str], tried: FloatArray, *, block: float, seed: int
) -> Standing:
    """Return the standing of the returns (T, N) of all agents that were tried among baselines.

    An account that lost everything is left out, for it is not the best. `block` is the mean length
    of resampled blocks in bars; without it nothing is known.
    """
    rules = {name: log_returns(curves.baselines[name]) for name in names}
    rules = {name: growth for name, growth in rules.items() if np.isfinite(growth).all()}
    if not rules or not np.isfinite(block):
        return Standing()
    best = max(rules, key=lambda name: float(rules[name].mean()))
    policies = {AGENT: np.log1p(curves.pooled_returns()), **rules}
    policies = {name: growth for name, growth in policies.items() if np.isfinite(growth).all()}
    growth = np.stack(list(policies.values()), axis=1)
    included = confidence_set(
        growth, block=int(block), seed=seed, repetitions=REPETITIONS, size=SIZE
    )
    return Standing(
        best_baseline=best,
        superiority=_superiority(rules[best], tried, int(block), seed),
        remaining=tuple(list(policies)[i] for i in included),
    )


def _superiority(benchmark: FloatArray, tried: FloatArray, block: int, seed: int) -> float:
    """Return the p-value of Hansen's test; 1 where every account lost everything."""
    whole = tried[:, (np.isfinite(tried) & (tried > -1.0)).all(axis=0)]
    if not whole.shape[1]:
        return 1.0
    growth = np.log1p(whole)
    found = superior_ability(benchmark, growth, block=block, seed=seed, repetitions=REPETITIONS)
    return found.consistent
