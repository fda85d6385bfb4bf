"""How much of what a synthetic market has to give an agent has found.

Only there is the best allocation known. The unit is growth over equal weight: equal weight finds
none of it, the oracle all that the closes allow.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.agents.oracle import NAME, Oracle, OracleSettings, Plan, School, search_plan
from benbot.envs.errors import BadConfig, RunMismatch
from benbot.envs.history import Span, prepare
from benbot.envs.market.regime_filter import filter_regimes
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.preparation import Prepared
from benbot.strategies.base import collect

LEAST_DECISIONS = 252  # bars of a school after its warm-up
PLAN_FILE = "oracle.json"


def find_plan(
    prepared: Prepared, settings: OracleSettings, listener: Callable[[int, float], None]
) -> Plan:
    """Search for the best plan on markets of the same parameters, none of them the run's own."""
    source = _source(prepared)
    first = max(prepared.config.regime.warmup, *(each.warmup for each in prepared.strategies))
    if settings.n_bars < first + LEAST_DECISIONS:
        raise BadConfig(
            f"oracle.n_bars must be at least {first + LEAST_DECISIONS}, the longest warm-up and "
            f"a year, was {settings.n_bars}"
        )
    seeds = np.random.SeedSequence(source.seed).generate_state(settings.markets, np.uint32)
    schools = []
    for seed in seeds.tolist():
        made = generate(source.model_copy(update={"seed": seed, "n_bars": settings.n_bars}))
        signals = collect(prepared.strategies, made.market)
        config = prepared.config
        history = prepare(made.market, signals, config.desk, config.regime)
        schools.append(School(history, made.filtered, first))
    return search_plan(schools, settings.rounds, listener)


def oracle_of(prepared: Prepared, plan: Plan, span: Span) -> Oracle:
    """Return the policy that follows a plan through a span of the run's own market."""
    probability = filter_regimes(_source(prepared), prepared.market.close)
    return Oracle(plan.weights, probability, span.first)


def share_found(agent: Evaluation, baselines: Sequence[Evaluation]) -> float:
    """Return the agent's growth over equal weight as a share of the oracle's.

    NaN where there is no oracle, or where it grew no faster than equal weight.
    """
    growth = {one.name: one.annual_growth for one in baselines}
    if NAME not in growth:
        return float("nan")
    possible = growth[NAME] - growth["equal_weight"]
    found = agent.annual_growth - growth["equal_weight"]
    return found / possible if possible > 0.0 else float("nan")


def found_sentence(agents: Sequence[Evaluation], baselines: Sequence[Evaluation]) -> str:
    """Say what share the agent has found, mean and each seed; nothing where there is none."""
    shares = [share_found(agent, baselines) for agent in agents]
    if not np.isfinite(shares).all():
        return ""
    each = f" (by seed: {', '.join(f'{share:.0%}' for share in shares)})" if shares[1:] else ""
    return f"{np.mean(shares):.0%} of what the oracle grows over equal weight{each}"


def write_plan(path: Path, plan: Plan, prepared: Prepared) -> None:
    """Write a plan so that a person can read it, too: shares by regime and strategy."""
    names = (*prepared.history.signals.strategies, "cash")
    shares = {
        regime.name: dict(zip(names, row, strict=True))
        for regime, row in zip(_source(prepared).regimes, plan.weights.tolist(), strict=True)
    }
    path.write_text(json.dumps({"growth": plan.growth, "plan": shares}, indent=1), encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Return the plan of a file."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        weights = np.array([list(row.values()) for row in kept["plan"].values()], np.float64)
        return Plan(weights, float(kept["growth"]))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RunMismatch(
            f"the oracle's plan must be whole, {path} was not ({error}). Delete it to search again"
        ) from error


def _source(prepared: Prepared) -> SyntheticSource:
    source = prepared.config.market
    if not isinstance(source, SyntheticSource):
        raise BadConfig(f"an oracle needs a synthetic market, was {source.source}")
    return source
