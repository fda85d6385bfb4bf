"""The best constant weights of a stretch, found with hindsight: a bound and no rival.

Nobody could have traded them, so they stand beside the baselines and are no part of a verdict.
"""

import numpy as np

from benbot.agents.baselines import Fixed
from benbot.agents.online.wealth import best_rebalanced
from benbot.agents.oracle import School, mean_growth, search_plan
from benbot.envs.arrays import FloatArray
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

NAME = "best_fixed_weights"
ROUNDS = 20  # moves at the most, from the best start


def best_fixed_weights(history: History, span: Span, settings: EnvironmentSettings) -> Fixed:
    """Return the constant weights, cash among them, that grew most of all that were tried.

    The search begins at the best of: each strategy alone, cash, equal weight, and the best
    constantly rebalanced portfolio of the sleeves' returns and cash (Cover 1991, Mathematical
    Finance 1; a convex problem, solved). From there it goes the way of the oracle, from one
    neighbour to the next, each of them traded through the desk at all costs. Growth through the
    desk is not concave in the weights, since gates, stops and breakers are not, so it is the best
    that was found.
    """
    everywhen = np.ones((history.n_bars, 1))  # one regime, which is always there
    school = School(history, everywhen, span.first, settings.ruin, span.last)
    starts = _starts(history, span)[:, None]
    start = starts[mean_growth([school], starts).argmax()]
    found = search_plan([school], ROUNDS, lambda done, best: None, start)
    return Fixed(NAME, found.weights[0].astype(np.float32))


def _starts(history: History, span: Span) -> FloatArray:
    """Return where the search may begin, (N, K + 1)."""
    n_strategies = history.signals.n_strategies
    relatives = np.exp(history.tape.sleeve_return[span.first + 1 : span.last + 1])
    with_cash = np.column_stack([relatives, np.ones(len(relatives))])
    equal = np.append(np.full(n_strategies, 1.0 / n_strategies), 0.0)
    return np.vstack([best_rebalanced(with_cash), equal, np.eye(n_strategies + 1)])
