"""A closer look at a segment: what gates refused, what costs decide, what was held and risked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benbot.agents.evaluation import Evaluation
from benbot.agents.policy import Policy
from benbot.experiments.report.cost_sensitivity import CostCurve, cost_curve
from benbot.experiments.report.exposures import Exposures, exposures
from benbot.experiments.report.holdings import Extent, SectorHolding, extents, sector_holdings
from benbot.experiments.report.importance import Importance, importances
from benbot.experiments.report.refusals import GateEffect, all_refusals, gate_effects
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.verdict.statistics import pooled
from benbot.experiments.verdict.value_at_risk import BackTest, back_tests

COMPARED = "equal_weight"  # the baseline whose costs are examined beside the agent's


@dataclass(frozen=True)
class Examination:
    """What can only be told with the market, the rules and the tape at hand.

    gates      one row per gate, then all together; none where nothing was refused
    costs      of the agent, then of equal weight if it is among the baselines
    factors    regressions of the seeds as one account, in which each has an equal part
    extents, sectors   what all seeds held
    back_tests         of the value at risk, for every seed
    importances        of groups of features, on `test` of the newest fold
    """

    gates: tuple[GateEffect, ...]
    costs: tuple[CostCurve, ...]
    factors: Exposures
    extents: tuple[Extent, ...]
    sectors: tuple[SectorHolding, ...]
    back_tests: tuple[BackTest, ...] = ()
    importances: tuple[Importance, ...] = ()


def examine(
    prepared: Prepared,
    by_seed: Mapping[int, Evaluation],
    baselines: Sequence[Evaluation],
    policies: Sequence[Policy] = (),
) -> Examination:
    """Examine what all seeds of the agent did on `test`; `policies` are those of the newest fold.

    Without policies nothing is said of what they look at.
    """
    history, settings = prepared.history, prepared.config.environment
    agents, newest = list(by_seed.values()), prepared.spans["test"]
    compared = [[one] for one in baselines if one.name == COMPARED]
    gates = gate_effects(agents, history)
    return Examination(
        gates=(*gates, all_refusals(agents, history)) if gates else (),
        costs=tuple(cost_curve(seeds, history, settings) for seeds in (agents, *compared)),
        factors=exposures(
            agents[0].timestamps, pooled([one.equity for one in agents]), prepared.market
        ),
        extents=tuple(extents(agents, history)),
        sectors=tuple(sector_holdings(agents, history)),
        back_tests=tuple(back_tests(by_seed, history)),
        importances=tuple(importances(policies, history, newest, settings) if policies else ()),
    )
