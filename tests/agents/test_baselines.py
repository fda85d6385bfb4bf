"""The rules to beat, on observations made by hand."""

import numpy as np
import pytest

from benbot.agents.baselines import (
    InverseVolatility,
    Random,
    best_single,
    cash,
    equal_weight,
    follow_forecast,
    regime_record,
)
from benbot.agents.evaluation import evaluate
from benbot.agents.policy import Policy
from benbot.envs.arrays import Float32Array
from benbot.envs.history import History, Span
from benbot.envs.observation import Layout
from benbot.envs.vector import EnvironmentSettings

LAYOUT = Layout(("a", "b", "c"))


def observation(**features: list[float]) -> Float32Array:
    """Return an observation that is zero but for some features of the strategies."""
    seen = np.zeros(LAYOUT.size, np.float32)
    for name, values in features.items():
        LAYOUT.by_strategy(seen, name)[:] = values
    return seen


def test_cash_holds_nothing_else() -> None:
    assert cash(LAYOUT).weights(observation()).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_equal_weight_trusts_all_alike_and_holds_no_cash() -> None:
    weights = equal_weight(LAYOUT).weights(observation())
    np.testing.assert_allclose(weights, [1 / 3, 1 / 3, 1 / 3, 0.0], rtol=1e-6)


def test_inverse_volatility_gives_twice_as_much_to_what_moves_half_as_much() -> None:
    seen = observation(volatility_63=[0.0, float(np.log(2.0)), float(np.log(4.0))])
    weights = InverseVolatility(LAYOUT).weights(seen)
    np.testing.assert_allclose(weights, [4 / 7, 2 / 7, 1 / 7, 0.0], rtol=1e-6)


def test_a_sleeve_that_never_traded_does_not_get_everything() -> None:
    seen = observation(volatility_63=[-5.0, 0.0, 0.0])
    weights = InverseVolatility(LAYOUT).weights(seen)
    np.testing.assert_allclose(weights, [5 / 7, 1 / 7, 1 / 7, 0.0], rtol=1e-6)


def test_the_regime_record_is_a_softmax_in_which_cash_scores_nothing() -> None:
    weights = regime_record(LAYOUT).weights(observation(record_mean=[1.0, 0.0, -2.0]))
    scores = np.exp([1.0, 0.0, -2.0, 0.0])
    np.testing.assert_allclose(weights, scores / scores.sum(), rtol=1e-6)


def test_who_follows_forecasts_does_so_as_sharply_as_an_untrained_agent() -> None:
    weights = follow_forecast(LAYOUT).weights(observation(forecast=[0.1, 0.0, -0.2]))
    scores = np.exp(3.0 * 2.7 * np.array([0.1, 0.0, -0.2, 0.0]))
    np.testing.assert_allclose(weights, scores / scores.sum(), rtol=1e-6)


def test_a_lower_temperature_is_bolder() -> None:
    seen = observation(record_mean=[1.0, 0.0, -2.0])
    bold, usual = regime_record(LAYOUT, 0.1).weights(seen), regime_record(LAYOUT).weights(seen)
    assert bold[0] > 0.99 > usual[0]


def test_random_weights_are_one_sequence_a_seed() -> None:
    def drawn(policy: Random) -> list[list[float]]:
        policy.reset()
        return [policy.weights(observation()).tolist() for _ in range(5)]

    policy = Random(LAYOUT, 3)
    first = drawn(policy)
    assert first == drawn(policy) == drawn(Random(LAYOUT, 3))
    assert first != drawn(Random(LAYOUT, 4))
    assert len({tuple(weights) for weights in first}) == 5


@pytest.mark.parametrize(
    "policy",
    [
        cash(LAYOUT),
        equal_weight(LAYOUT),
        InverseVolatility(LAYOUT),
        regime_record(LAYOUT),
        follow_forecast(LAYOUT),
        Random(LAYOUT, 0),
    ],
    ids=lambda policy: policy.name,
)
def test_weights_are_a_point_of_the_simplex_whatever_is_seen(policy: Policy) -> None:
    rng = np.random.default_rng(0)
    policy.reset()
    for _ in range(50):
        weights = policy.weights(rng.uniform(-5.0, 5.0, LAYOUT.size).astype(np.float32))
        assert (weights.shape, weights.dtype) == ((4,), np.float32)
        assert (weights >= 0.0).all()
        assert weights.sum() == pytest.approx(1.0, abs=1e-6)


def test_best_single_picks_the_sleeve_that_grew_most_in_its_own_span(history: History) -> None:
    """The growth of the bar in which the first decision was made is not its doing."""
    span, elsewhere = Span(100, 130), slice(131, 230)
    returns = np.zeros_like(history.tape.sleeve_return)
    returns[101:131] = [0.001, 0.002, -0.001]
    returns[100, 0] = returns[elsewhere, 2] = 9.0
    shaped = History(
        history.market,
        history.signals,
        history.rules,
        history.regime,
        history.tape._replace(sleeve_return=returns),
        history.features,
    )
    assert best_single(shaped, span).weights(observation()).tolist() == [0.0, 1.0, 0.0, 0.0]
    returns[130, 0] = 1.0
    assert best_single(shaped, span).weights(observation()).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_cash_never_trades(history: History, environment: EnvironmentSettings) -> None:
    result = evaluate(cash(history.layout), history, Span(30, 220), environment)
    assert (result.equity == history.rules.capital).all()
    assert not result.turnover.any()
    assert len(result.fills) == len(result.trades) == 0
