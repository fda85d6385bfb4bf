"""What could be earned on a synthetic market by whoever knows how it was made.

The oracle knows the planted parameters and, at each close, the probability of every hidden regime
given the closes so far; it does not know the regime. It holds

    weights_t = Σ_r probability_t(r) × plan(r)

where plan(r) is what it would hold if it were sure of regime r. The plan is searched for through
the desk, with its gates and costs, on markets of the same parameters drawn from seeds of their own:
round by round it moves some way towards holding one strategy alone in one regime, always by the
move that earns most, until none earns more. Nothing of the market that the oracle is then tried on
goes into it but its closes up to the decision.

R regimes, K strategies; a plan is [R, K + 1], each row a point of the simplex, cash last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.history import History
from benbot.envs.settings import Settings

NAME = "oracle"
MOVES = (1.0, 0.5, 0.25, 0.125)  # shares of the way to one strategy alone


class OracleSettings(Settings):
    """How hard the best allocation of a synthetic market is searched for."""

    markets: int = Field(6, ge=1, le=100, description="drawn with the same parameters")
    n_bars: int = Field(5_040, ge=1_000, le=50_000, description="of each of these markets")
    rounds: int = Field(40, ge=0, le=1_000, description="moves at the most; 0 is equal weight")


@dataclass(frozen=True, eq=False)
class School:
    """A market on which plans are tried; `probability` is [T, R], of each regime at each close."""

    history: History
    probability: FloatArray
    first: int  # bar of the first decision
    ruin: float  # share of the capital at which an account stops
    last: int | None = None  # bar of the last mark; the last there is if None

    @property
    def decisions(self) -> range:
        """The bars at whose close the weights are chosen."""
        return range(self.first, self.history.n_bars - 1 if self.last is None else self.last)


@dataclass(frozen=True, eq=False)
class Plan:
    """The best allocation found; `growth` is what it came to on the schools, log growth a year."""

    weights: FloatArray
    growth: float


class Oracle:
    """A policy that follows a plan through one stretch of bars, from its first decision on."""

    name = NAME

    def __init__(self, plan: FloatArray, probability: FloatArray, first: int) -> None:
        self._weights: Float32Array = (probability[first:] @ plan).astype(np.float32)
        self.reset()

    def reset(self) -> None:
        """Stand at the first bar again."""
        self._next = 0

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the weights of the next close; the observation says nothing that it needs."""
        self._next += 1
        chosen: Float32Array = self._weights[self._next - 1]
        return chosen


def search_plan(
    schools: Sequence[School],
    rounds: int,
    listener: Callable[[int, float], None],
    start: FloatArray | None = None,
) -> Plan:
    """Return the best plan found, starting from equal weight whatever the regime, or at `start`.

    The listener hears how many rounds are over and the growth of the best plan so far.
    """
    weights = _equal_plan(schools[0]) if start is None else start
    best = Plan(weights, float(mean_growth(schools, weights[None])[0]))
    for done in range(rounds):
        plans = neighbours(best.weights)
        growth = mean_growth(schools, plans)
        listener(done + 1, max(best.growth, float(growth.max())))
        if not growth.max() > best.growth:
            break
        best = Plan(plans[growth.argmax()], float(growth.max()))
    return best


def _equal_plan(school: School) -> FloatArray:
    n_regimes, n_strategies = school.probability.shape[1], school.history.signals.n_strategies
    weights = np.full((n_regimes, n_strategies + 1), 1.0 / n_strategies)
    weights[:, -1] = 0.0
    return weights


def neighbours(plan: FloatArray) -> FloatArray:
    """Return all plans that are one move away, [R × (K + 1) × moves, R, K + 1]."""
    n_regimes, n_entries = plan.shape
    moved = np.tile(plan, (n_regimes, n_entries, len(MOVES), 1, 1))
    for r in range(n_regimes):
        for k in range(n_entries):
            for i, share in enumerate(MOVES):
                moved[r, k, i, r] *= 1.0 - share
                moved[r, k, i, r, k] += share
    return moved.reshape(-1, n_regimes, n_entries)


def mean_growth(schools: Sequence[School], plans: FloatArray) -> FloatArray:
    """Return the log growth a year of plans [N, R, K + 1], (N,), the mean over the schools."""
    mean: FloatArray = np.mean([try_plans(school, plans) for school in schools], axis=0)
    return mean


def try_plans(school: School, plans: FloatArray) -> FloatArray:
    """Return the log growth a year of plans [N, R, K + 1] on a school, (N,); -inf for a ruin."""
    history, n_plans = school.history, len(plans)
    book = open_book(n_plans, history.signals.n_strategies, history.rules.limits.max_positions)
    desk = Desk(book, history.tape, history.rules.record(), open_ledger(n_plans))
    floor, growth = lend(desk), np.zeros(n_plans)
    for i in range(n_plans):
        open_account(book, i, history.rules.capital, history.tape.session[school.first])
    by_regime = np.moveaxis(plans, 1, 0)
    bar = np.full(n_plans, school.first)
    equity = np.full(n_plans, history.rules.capital)
    for t in school.decisions:
        weights = np.tensordot(school.probability[t], by_regime, axes=1)
        book.sleeves["weight"] = weights[:, :-1]
        book.accounts["cash_weight"] = weights[:, -1]
        trade_bars(floor, bar, growth)
        bar += 1
        lives = equity > school.ruin * history.rules.capital
        equity[lives] = book.accounts["equity"][lives]
    multiple = np.maximum(equity / history.rules.capital, 0.0)
    with np.errstate(divide="ignore"):
        total: FloatArray = np.log(multiple) * history.market.bars_per_year / len(school.decisions)
    return total
