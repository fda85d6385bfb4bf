"""What a bar is worth to the learner, in numbers that can be checked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benbot.envs.arrays import Record
from benbot.envs.desk.book import open_book
from benbot.envs.desk.cycle import RUIN_GROWTH
from benbot.envs.reward import (
    USUAL_GROWTH,
    RewardKind,
    RewardSettings,
    differential_sharpe,
    reward_of,
)
from benbot.envs.stepping import EPISODE, TERMS


def episode_of(mean: float, square: float) -> Record:
    episode = np.zeros(1, EPISODE)[0]
    episode["mean_growth"], episode["mean_square"] = mean, square
    return episode


def rates_of(sharpe_rate: float = 0.01, drawdown_penalty: float = 0.1) -> Record:
    terms = np.zeros(1, TERMS)[0]
    terms["sharpe_rate"], terms["drawdown_penalty"] = sharpe_rate, drawdown_penalty
    return terms


def account_of(before: float, after: float, peak: float) -> Record:
    account = open_book(1, 1, 1).accounts[0]
    account["previous_equity"], account["equity"], account["peak"] = before, after, peak
    return account


def test_the_differential_sharpe_ratio_of_a_worked_example() -> None:
    episode = episode_of(0.0005, 0.0002)
    assert differential_sharpe(episode, 0.01, 0.05) == pytest.approx(0.68186838, abs=1e-8)
    assert episode["mean_growth"] == pytest.approx(0.0005 + 0.05 * 0.0095)
    assert episode["mean_square"] == pytest.approx(0.0002 - 0.05 * 0.0001)


@given(
    mean=st.floats(-0.01, 0.01),
    deviation=st.floats(0.002, 0.05),
    growth=st.floats(-0.1, 0.1),
)
def test_the_differential_sharpe_ratio_is_the_slope_of_the_moving_sharpe_ratio(
    mean: float, deviation: float, growth: float
) -> None:
    square = deviation**2 + mean**2

    def sharpe(rate: float) -> float:
        first = mean + rate * (growth - mean)
        second = square + rate * (growth**2 - square)
        return float(first / np.sqrt(second - first**2))

    slope = (sharpe(1e-6) - sharpe(-1e-6)) / 2e-6
    reward = differential_sharpe(episode_of(mean, square), growth, 0.01)
    assert reward == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_without_a_variance_the_differential_sharpe_ratio_is_zero() -> None:
    assert differential_sharpe(episode_of(0.01, 0.0001), 0.02, 0.01) == 0.0


def test_a_quiet_first_bar_does_not_make_the_second_explode() -> None:
    episode = episode_of(0.0, USUAL_GROWTH**2)
    differential_sharpe(episode, -2e-5, 0.01)
    reward = differential_sharpe(episode, 0.001, 0.01)
    assert reward == pytest.approx(0.001 / USUAL_GROWTH, rel=0.05)


def test_log_growth_is_its_own_reward() -> None:
    account = account_of(100.0, 110.0, 110.0)
    assert reward_of(RewardKind.LOG_GROWTH, episode_of(0, 0), account, 0.0953, rates_of()) == 0.0953


@pytest.mark.parametrize(
    ("before", "after", "peak", "penalty"),
    [
        (100.0, 95.0, 100.0, 0.05),  # from the peak, 5 % of it
        (95.0, 90.0, 100.0, 0.05),  # deeper by another 5 % of the peak
        (90.0, 95.0, 100.0, 0.0),  # less deep
        (95.0, 104.0, 104.0, 0.0),  # a new peak
    ],
)
def test_a_deeper_drawdown_costs_growth(
    before: float, after: float, peak: float, penalty: float
) -> None:
    growth = float(np.log(after / before))
    reward = reward_of(
        RewardKind.DRAWDOWN_PENALISED,
        episode_of(0, 0),
        account_of(before, after, peak),
        growth,
        rates_of(drawdown_penalty=0.4),
    )
    assert reward == pytest.approx(growth - 0.4 * penalty)


@pytest.mark.parametrize("kind", list(RewardKind))
@pytest.mark.parametrize("growth", [-np.inf, np.nan, -7.0])
def test_ruin_has_a_reward_that_a_learner_can_use(kind: RewardKind, growth: float) -> None:
    account = account_of(100.0, -5.0, 100.0)
    assert reward_of(kind, episode_of(0.0, 1e-4), account, growth, rates_of()) == RUIN_GROWTH


def test_a_reward_is_chosen_by_its_name() -> None:
    names = {kind.name.lower(): kind for kind in RewardKind}
    for name, kind in names.items():
        assert RewardSettings.model_validate({"name": name}).kind is kind
    with pytest.raises(ValidationError, match="log_growth"):
        RewardSettings.model_validate({"name": "log_grwth"})
