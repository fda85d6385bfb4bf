"""What an orchestrated run would have earned: those on LIVE, and what they are held against.

All are accounts of the same desk over the same bars, after all gates and costs. The decisions of an
orchestrator do not depend on what the account does with them, so the account is traded afterwards,
with the weights that were known at each close.
"""

from dataclasses import dataclass

import numpy as np

from benbot.agents.baselines import equal_weight
from benbot.agents.buy_and_hold import buy_and_hold
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.arrays import Float32Array, FloatArray, IntArray
from benbot.envs.history import Span, prepare
from benbot.evolution.orchestration.orchestrator import Orchestrator
from benbot.experiments.audit.orders import Script
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.orchestration.chronicle import Chronicle
from benbot.experiments.orchestration.following import filled_up
from benbot.strategies.hearing import collect
from benbot.strategies.tournament.capital import capital
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

LIVE, LIBRARY, HELD = "strategies on LIVE", "library in equal parts", "buy and hold"


@dataclass(frozen=True)
class Account:
    """One account by its name; `what` says how it was traded."""

    name: str
    what: str
    evaluation: Evaluation | None


def accounts_of(
    config: ExperimentConfig, orchestrator: Orchestrator, chronicle: Chronicle
) -> list[Account]:
    """Return the three accounts; that of LIVE has no evaluation if nobody ever stood there."""
    market, span = orchestrator.order.land.market, orchestrator.order.span
    library = collect([member.strategy for member in orchestrator.catalogue], market)
    history = prepare(market, library, config.desk, config.regime)
    settings = config.environment
    alike = evaluate(equal_weight(history.layout), history, span, settings)
    held = buy_and_hold(history, span, settings)
    return [
        _live(config, orchestrator, chronicle),
        Account(LIBRARY, "the strategies of the configuration, whatever their stage", alike),
        Account(HELD, "every symbol in equal parts", held),
    ]


def _live(config: ExperimentConfig, orchestrator: Orchestrator, chronicle: Chronicle) -> Account:
    what = "each with the capital that its stage gives, as a share of all live capital"
    ever = np.flatnonzero((chronicle.stages == Stage.LIVE).any(axis=0))
    if not ever.size:
        return Account(LIVE, what, None)
    market, span = orchestrator.order.land.market, orchestrator.order.span
    strategies = [orchestrator.population.members[n].strategy for n in ever]
    slots = orchestrator.order.tournament.live.slots
    signals = filled_up(collect(strategies, market), slots)
    history = prepare(market, signals, config.desk, config.regime)
    weights = live_weights(orchestrator, chronicle.stages[:, ever], signals.n_strategies)
    traded = evaluate(Script(weights), history, span, config.environment)
    return Account(LIVE, what, traded)


def live_weights(orchestrator: Orchestrator, stages: IntArray, n: int) -> Float32Array:
    """Return the weights of each decision of the span for `n` strategies, (bars, n + 1).

    `stages` (D, K) are those of the first K. Who stands on LIVE gets the least capital of the
    stage, as a share of what all together may have; the rest is cash, and high volatility takes a
    share away. It changes when it is known that a session is over. Risk is weight times n, so the
    weights are made for as many strategies as LIVE has places: how many will ever stand there is
    not known.
    """
    settings, known = orchestrator.order.tournament, orchestrator.watch.known
    span: Span = orchestrator.order.span
    weights = np.zeros((span.n_decisions, n + 1), np.float32)
    session = np.searchsorted(known, np.arange(span.first, span.last), side="right") - 1
    for i in range(span.n_decisions):
        if session[i] >= 0:
            regime = int(orchestrator.regime[span.first + i])
            shares = _shares(stages[session[i]], regime, settings)
            weights[i, : shares.size] = shares * settings.live.slots / n
    weights[:, -1] = 1.0 - weights[:, :-1].sum(axis=1)
    return weights


def _shares(stage: IntArray, regime: int, settings: TournamentSettings) -> FloatArray:
    given = capital(stage, np.zeros(stage.size), regime, settings)
    share: FloatArray = given.live / settings.live.cap
    return share
