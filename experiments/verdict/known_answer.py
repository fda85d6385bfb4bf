"""How much of what a synthetic market has to give an agent has found.

Only there can the best allocation be searched for by whoever knows the parameters. The unit is
growth over equal weight: equal weight finds none of it, the oracle all of it. The oracle is the
best that a search has found, so on one stretch of history an agent may well find more.
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
from benbot.experiments.training.preparation import Prepared, hear

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
        config = prepared.config
        signals = hear(config, prepared.strategies, made.market)
        history = prepare(made.market, signals, config.desk, config.regime)
        schools.append(School(history, made.filtered, first, config.environment.ruin))
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
    regimes, entries = _names(prepared)
    shares = {
        regime: dict(zip(entries, row, strict=True))
        for regime, row in zip(regimes, plan.weights.tolist(), strict=True)
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(
        json.dumps({"growth": plan.growth, "plan": shares}, indent=1), encoding="utf-8"
    )
    fresh.replace(path)


def read_plan(path: Path, prepared: Prepared) -> Plan:
    """Return the plan of a file, its shares found by the names of regimes and strategies."""
    regimes, entries = _names(prepared)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        shares = [[kept["plan"][regime][entry] for entry in entries] for regime in regimes]
        return Plan(np.array(shares, np.float64), float(kept["growth"]))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RunMismatch(
            f"the oracle's plan must have a share for each regime and strategy, {path} has not "
            f"({error!r}). Delete it to search again"
        ) from error


def _names(prepared: Prepared) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the rows and the columns of a plan are called."""
    regimes = tuple(regime.name for regime in _source(prepared).regimes)
    return regimes, (*prepared.history.signals.strategies, "cash")


def _source(prepared: Prepared) -> SyntheticSource:
    source = prepared.config.market
    if not isinstance(source, SyntheticSource):
        raise BadConfig(f"an oracle needs a synthetic market, was {source.source}")
    return source
