"""The picture of how much chance in training decided: every seed, and their middle."""

from typing import TYPE_CHECKING

import numpy as np

from benbot.experiments.report.drawing import (
    AGENT,
    FAINT,
    INK,
    Seeds,
    label_right,
    need_marks,
    new_figure,
    percent,
    styles,
    time_axis,
    title,
    write,
)
from benbot.experiments.verdict.interquartile import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_NAMED = 12  # seeds; more of them are drawn without names


def seeds_figure(agents: Seeds, growth: Interval) -> "Figure":
    """Draw the account of every seed, and where their growth lies about its interquartile mean.

    `growth` is that of the verdict, log growth a year.
    """
    need_marks(agents)
    figure, (lines, strip) = new_figure(4.6, (3.2, 0.8))
    first = next(iter(agents.values()))
    looks = [look for look, _ in zip(styles(), agents, strict=False)]
    lines.grid(axis="y", color="#00000014", linewidth=0.6)
    lines.axhline(1.0, color=FAINT, linewidth=0.8)
    for one, (colour, dash) in zip(agents.values(), looks, strict=True):
        worth = one.equity / one.equity[0]
        lines.plot(one.timestamps, worth, color=colour, linestyle=dash, linewidth=1.2)
    lines.margins(y=0.08)
    time_axis(lines, first.timestamps)
    title(lines, "Every seed", "value of one unit invested, after costs; the same bars for all")
    if len(agents) <= MOST_NAMED:
        ends = [float(one.equity[-1] / one.equity[0]) for one in agents.values()]
        names = [f"seed {seed}" for seed in agents]
        label_right(lines, ends, names, [colour for colour, _ in looks])
    _strip(strip, agents, growth, [colour for colour, _ in looks])
    return figure


def _strip(ax: "Axes", agents: Seeds, growth: Interval, colours: list[str]) -> None:
    own = [one.annual_growth for one in agents.values()]
    if np.isfinite([growth.low, growth.high]).all():
        ax.axvspan(growth.low, growth.high, color=AGENT, alpha=0.15, linewidth=0)
    if np.isfinite(growth.value):
        ax.axvline(growth.value, color=AGENT, linewidth=2.0)
    ax.axvline(0.0, color=FAINT, linewidth=0.8)
    for value, colour in zip(own, colours, strict=True):
        if np.isfinite(value):
            ax.plot([value], [0.0], "o", color=colour, markersize=6.0, zorder=3)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.08)
    percent(ax.xaxis, None)
    title(ax, "Log growth a year", "dots: seeds; line: interquartile mean; band: its 95 % interval")
    if not np.isfinite(own).all():
        write(ax, "a ruined seed is not drawn", (1.0, 0.5), (-130, 12), INK)
