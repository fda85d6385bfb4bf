"""A closer look at a segment: what gates refused, what costs decide, what was held."""

from collections.abc import Sequence
from dataclasses import dataclass

from benbot.agents.evaluation import Evaluation
from benbot.experiments.cost_sensitivity import CostCurve, cost_curve
from benbot.experiments.exposures import Exposures, exposures
from benbot.experiments.holdings import Extent, SectorHolding, extents, sector_holdings
from benbot.experiments.preparation import Prepared
from benbot.experiments.refusals import GateEffect, all_refusals, gate_effects
from benbot.experiments.statistics import pooled

COMPARED = "equal_weight"  # the baseline whose costs are examined beside the agent's


@dataclass(frozen=True)
class Examination:
    """What can only be told with the market, the rules and the tape at hand.

    gates      one row per gate, then all together; none where nothing was refused
    costs      of the agent, then of equal weight if it is among the baselines
    factors    regressions of the seeds as one account, in which each has an equal part
    extents, sectors   what all seeds held
    """

    gates: tuple[GateEffect, ...]
    costs: tuple[CostCurve, ...]
    factors: Exposures
    extents: tuple[Extent, ...]
    sectors: tuple[SectorHolding, ...]


def examine(
    prepared: Prepared, agents: Sequence[Evaluation], baselines: Sequence[Evaluation]
) -> Examination:
    """Examine what all seeds of the agent did on one segment."""
    history, settings = prepared.history, prepared.config.environment
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
    )
