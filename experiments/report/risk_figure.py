"""The picture of a value at risk and of what was lost."""

from typing import TYPE_CHECKING

import numpy as np

from benbot.experiments.report.drawing import (
    AGENT,
    COLOURS,
    FAINT,
    label_right,
    new_figure,
    percent,
    time_axis,
    title,
)
from benbot.experiments.verdict.value_at_risk import LEVEL, Forecasts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXCEEDED = COLOURS[2]


def risk_figure(found: Forecasts, seed: int) -> "Figure":
    """Draw the loss of what was held in each session, below the value at risk or beyond it."""
    figure, (ax,) = new_figure(3.2)
    loss, known = found.losses["held"], np.isfinite(found.at_risk)
    beyond = known & (loss > found.at_risk)
    ax.grid(axis="y", color="#00000014", linewidth=0.6)
    ax.axhline(0.0, color=FAINT, linewidth=0.8)
    ax.vlines(found.made, 0.0, loss, color="#b5b5b5", linewidth=0.6)
    ax.plot(found.made, _broken(found), color=AGENT, linewidth=1.2)
    ax.plot(found.made[beyond], loss[beyond], "o", color=EXCEEDED, markersize=3.0)
    if found.made.size:
        time_axis(ax, found.made)
        last = found.at_risk[known][-1:] if known.any() else np.zeros(1)
        label_right(ax, [float(last[0])], ["value at risk"], [AGENT])
    percent(ax.yaxis, None)
    note = f"seed {seed}; grey: what was held lost (up) or gained (down); dots: lost more than that"
    title(ax, f"Value at risk of a session, {LEVEL:.0%}", note)
    return figure


def _broken(found: Forecasts) -> np.ndarray:
    """Return the forecasts with a gap wherever nothing was held in between."""
    follows = np.diff(found.number, prepend=found.number[:1]) <= 1
    return np.where(follows, found.at_risk, np.nan)
