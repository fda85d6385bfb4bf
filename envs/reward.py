"""What a bar is worth to the learner, by name.

growth   log growth of equity over the bar, after costs
"""

from enum import IntEnum
from typing import Literal

from pydantic import Field

from benbot.envs.arrays import Record
from benbot.envs.desk.breakers import drawdown
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.cycle import RUIN_GROWTH
from benbot.envs.settings import Settings


class RewardKind(IntEnum):
    LOG_GROWTH = 0
    DIFFERENTIAL_SHARPE = 1
    DRAWDOWN_PENALISED = 2


USUAL_GROWTH = 0.005  # a bar; what the differential Sharpe ratio starts with instead of a variance


class RewardSettings(Settings):
    """Which reward, and its parameters."""

    name: Literal["log_growth", "differential_sharpe", "drawdown_penalised"] = "log_growth"
    sharpe_rate: float = Field(
        0.01, gt=0, lt=1, description="adaption rate of the differential Sharpe ratio"
    )
    drawdown_penalty: float = Field(
        0.1, ge=0, description="log growth that a further drawdown of one costs, beyond itself"
    )

    @property
    def kind(self) -> RewardKind:
        return RewardKind[self.name.upper()]


@compiled
def reward_of(kind: int, episode: Record, account: Record, growth: float, rates: Record) -> float:
    """Return the reward of the bar that ended with this growth, and update what it remembers."""
    if not growth > RUIN_GROWTH:  # or not a number
        return RUIN_GROWTH
    if kind == RewardKind.DIFFERENTIAL_SHARPE:
        return differential_sharpe(episode, growth, rates.sharpe_rate)
    if kind == RewardKind.DRAWDOWN_PENALISED:
        before = drawdown(account.previous_equity, max(account.peak, account.previous_equity))
        deeper = max(0.0, drawdown(account.equity, account.peak) - before)
        return growth - rates.drawdown_penalty * deeper
    return growth


@compiled
def differential_sharpe(episode: Record, growth: float, rate: float) -> float:
    """Return how much this bar raises the moving Sharpe ratio.

    D = (B dA - A dB / 2) / (B - A^2)^1.5 with A, B the moving first and second moments before the
    bar, dA = R - A and dB = R^2 - B (Moody and Saffell 1998). Begun with B = 0 it would explode
    after a quiet bar, so B begins at the square of the usual growth. 0 without a variance.
    """
    mean, square = episode.mean_growth, episode.mean_square
    step, step_square = growth - mean, growth * growth - square
    episode.mean_growth = mean + rate * step
    episode.mean_square = square + rate * step_square
    variance = square - mean * mean
    if not variance > 1e-12:
        return 0.0
    return (square * step - 0.5 * mean * step_square) / variance**1.5
