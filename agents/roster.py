"""All baselines by name, each ready to trade a span.

What is chosen with hindsight stands beside them as a bound. The placebo is trained like an agent,
so it comes only when it is asked for.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from benbot.agents import (
    advised,
    buy_and_hold,
    hierarchical,
    hindsight,
    linear_contextual,
    oracle,
    placebo,
)
from benbot.agents.baselines import (
    InverseVolatility,
    Random,
    best_single,
    cash,
    equal_weight,
    follow_forecast,
    regime_record,
)
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import Policy
from benbot.agents.sleeve_learners import SLEEVE_LEARNERS, OverSleeves
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

RANDOM_SEED = 0
# From a history, the span to be traded, and the one before it on which a choice may be made.
Maker = Callable[[History, Span, Span], Policy]


def _learner(name: str) -> Maker:
    return lambda history, span, before: OverSleeves(name, SLEEVE_LEARNERS[name])


def _advised(name: str) -> Maker:
    return lambda history, span, before: advised.advised_baseline(name, history.layout)


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "cash": lambda history, span, before: cash(history.layout),
        "equal_weight": lambda history, span, before: equal_weight(history.layout),
        "inverse_volatility": lambda history, span, before: InverseVolatility(history.layout),
        hierarchical.NAME: lambda history, span, before: hierarchical.HierarchicalParity(),
        "best_single": lambda history, span, before: best_single(history, before),
        "regime_record": lambda history, span, before: regime_record(history.layout),
        "follow_forecast": lambda history, span, before: follow_forecast(history.layout),
        **{name: _learner(name) for name in SLEEVE_LEARNERS},
        linear_contextual.NAME: lambda history, span, before: linear_contextual.OverContexts(
            history.layout, history.market.bars_per_year
        ),
        "random": lambda history, span, before: Random(history.layout, RANDOM_SEED),
    }
)
HINDSIGHT = (hindsight.NAME, oracle.NAME)  # whoever knows what came; no part of a verdict
BASELINES = (*MAKERS, buy_and_hold.NAME, hindsight.NAME)
# The placebo costs as much as the agent; the others say what advice does to a simple rule.
ON_REQUEST = (placebo.NAME, *advised.ADVISED_BASELINES)
# Whoever decides from what is known at a close, and so in a market of which there is no end.
GO_ON: Mapping[str, Maker] = MappingProxyType(
    {**MAKERS, **{name: _advised(name) for name in advised.ADVISED_BASELINES}}
)
# Whoever does not, and why.
GO_NOWHERE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(HINDSIGHT, "is chosen with hindsight, from bars that are still to come"),
        buy_and_hold.NAME: "buys the universe under rules of its own and hears no strategy",
        placebo.NAME: "is trained with an agent, on features of other bars than it trades in",
    }
)


def evaluate_baseline(
    name: str, history: History, span: Span, before: Span, settings: EnvironmentSettings
) -> Evaluation:
    """Trade one account through a span by the baseline of that name, one that is not trained."""
    if name == buy_and_hold.NAME:
        return buy_and_hold.buy_and_hold(history, span, settings)
    if name == hindsight.NAME:
        best = hindsight.best_fixed_weights(history, span, settings)
        return evaluate(best, history, span, settings)
    return evaluate(GO_ON[name](history, span, before), history, span, settings)
