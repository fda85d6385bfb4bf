"""The oracle finds what is planted, follows its plan, and looks at closed bars alone."""

import numpy as np
import pytest

from benbot.agents.evaluation import evaluate
from benbot.agents.oracle import MOVES, Oracle, School, mean_growth, neighbours, search_plan
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import Breakers, DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings

N_BARS, PERIOD, FIRST = 400, 40, 30
LONG, SHORT = 0, 1  # the strategies: one is always long, the other always short
UP, DOWN = 0, 1  # the hidden regimes, which take turns


@pytest.fixture(scope="module")
def school() -> School:
    """Prices rise for two months and fall for two, and everybody can see which it is."""
    regime = (np.arange(N_BARS) // PERIOD) % 2
    steps = np.where(regime == UP, 0.004, -0.004)[:, None] + 1e-4 * np.array([1.0, -1.0, 0.5])
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    days = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(N_BARS)
    market = market_from_prices(days, ("A", "B", "C"), {"close": close})
    direction = np.ones((N_BARS, 2, 3), np.int8)
    direction[:, SHORT] = -1
    signals = Signals(
        ("long", "short"),
        (0, 0),
        direction,
        np.full(direction.shape, 0.5, np.float32),
        np.full(direction.shape, 0.2, np.float32),
    )
    quick = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=10)
    rules = DeskRules(breakers=Breakers(drawdown=1.0, daily_loss=1.0, recovered=0.5))
    return School(prepare(market, signals, rules, quick), np.eye(2)[regime], FIRST, ruin=0.5)


def growth_of(school: School, *plans: list[list[float]]) -> FloatArray:
    return mean_growth([school], np.array(plans))


def test_it_finds_who_earns_in_which_regime(school: School) -> None:
    heard: list[tuple[int, float]] = []
    plan = search_plan([school], 40, lambda done, best: heard.append((done, best)))
    assert plan.weights[UP].argmax() == LONG
    assert plan.weights[DOWN].argmax() == SHORT
    assert plan.weights[UP, LONG] > 0.9
    assert plan.weights[DOWN, SHORT] > 0.9
    bests = [best for _, best in heard]
    assert bests == sorted(bests)
    assert [done for done, _ in heard] == list(range(1, len(heard) + 1))
    assert plan.growth == bests[-1]


def test_it_is_better_than_equal_weight_and_than_every_fixed_choice(school: School) -> None:
    plan = search_plan([school], 40, lambda done, best: None)
    fixed = [[row, row] for row in ([0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])]
    assert plan.growth > growth_of(school, *fixed, [[0.0, 0.0, 1.0]] * 2).max() + 0.02


def test_without_a_round_it_is_equal_weight(school: School) -> None:
    plan = search_plan([school], 0, lambda done, best: None)
    assert plan.weights.tolist() == [[0.5, 0.5, 0.0]] * 2
    assert plan.growth == growth_of(school, plan.weights.tolist())[0]


def test_moves_go_straight_to_each_strategy_and_to_cash() -> None:
    plan = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    plans = neighbours(plan)
    assert plans.shape == (2 * 3 * len(MOVES), 2, 3)
    assert plans.sum(axis=2) == pytest.approx(1.0)
    assert (plans >= 0.0).all()
    changed = (plans != plan).any(axis=2).sum(axis=1)
    assert changed.tolist() == [1] * len(plans)
    alone = plans[:: len(MOVES)].reshape(2, 3, 2, 3)
    for r in range(2):
        assert alone[r, :, r].tolist() == np.eye(3).tolist()


def test_a_plan_is_worth_the_same_as_the_policy_that_follows_it(school: School) -> None:
    plan = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
    history: History = school.history
    policy = Oracle(plan.astype(np.float32).astype(np.float64), school.probability, FIRST)
    followed = evaluate(policy, history, Span(FIRST, N_BARS - 1), EnvironmentSettings())
    assert followed.annual_growth == pytest.approx(growth_of(school, plan.tolist())[0], rel=1e-5)


def test_it_holds_the_plan_of_each_regime_by_its_probability() -> None:
    plan = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    probability = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])
    policy = Oracle(plan, probability, 1)
    unseen = np.zeros(0, np.float32)
    for _ in range(2):
        policy.reset()
        assert policy.weights(unseen).tolist() == pytest.approx([0.5, 0.25, 0.25])
        assert policy.weights(unseen).tolist() == pytest.approx([0.2, 0.4, 0.4])
