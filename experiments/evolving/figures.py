"""The figures of a search: how it went, what trades off in the end, what the pool earned."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benbot.experiments.evolving.record import SearchRecord, Stretch
from benbot.experiments.report.drawing import (
    AGENT,
    COLOURS,
    FAINT,
    label_right,
    new_figure,
    time_axis,
    title,
)
from benbot.experiments.report.figures import to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LESS = ("drawdown", "turnover", "size", "correlation")  # objectives of which less is better
CAPTIONS: Mapping[str, str] = {
    "generations": "Generations: Sharpe ratio on fit of who trades enough and what luck alone "
    "reaches, size, and the share of children that wanted something new",
    "front": "The first Pareto front at the end; blue: members of the pool",
    "valid": "Growth on valid, on which the pool was chosen",
    "test": "Growth on test, opened",
}


def search_figures(record: SearchRecord) -> dict[str, bytes]:
    """Return the figures of a search as PNG, by name."""
    drawn = {"generations": generations_figure(record), "front": front_figure(record)}
    drawn |= {name: stretch_figure(each, name) for name, each in record.stretches.items()}
    return {name: to_png(figure) for name, figure in drawn.items()}


def generations_figure(record: SearchRecord) -> "Figure":
    """Draw the best and the median ratio, size, and how much of what was tried was new."""
    figure, (above, middle, below) = new_figure(6.4, (2.0, 1.0, 1.0))
    number = [each.number for each in record.history]
    best, median = ([getattr(each, name) for each in record.history] for name in ("best", "median"))
    above.plot(number, best, color=AGENT)
    above.plot(number, median, color=FAINT)
    above.axhline(record.luck, color=COLOURS[2], linestyle=":", linewidth=1.0)
    title(above, "Sharpe ratio a year, on fit", "dotted: the best of so many trials by luck")
    above.set_ylim(above.get_ylim())  # now, or the labels would stand where they do not belong
    label_right(
        above,
        [best[-1], median[-1], record.luck],
        ["best", "median", "luck"],
        [AGENT, FAINT, COLOURS[2]],
    )
    middle.plot(number, [each.size for each in record.history], color=AGENT)
    title(middle, "Size, mean of who lives")
    below.plot(number, [100.0 * each.fresh for each in record.history], color=AGENT)
    below.set_ylim(0.0, 100.0)
    title(below, "Diversity, % of children that want what nobody wanted before")
    below.set_xlabel("generation", fontsize=8)
    for ax in (above, middle, below):
        _whole_numbers(ax)
    return figure


def front_figure(record: SearchRecord) -> "Figure":
    """Draw how size and certainty trade off among those who lived at the end."""
    names = record.objectives
    figure, (ax,) = new_figure(4.0)
    other = min(names.index("size") if "size" in names else 1, len(names) - 1)
    if record.front:
        objectives, chosen = np.array(record.front), np.array(record.in_pool)
        across = -objectives[:, other] if names[other] in LESS else objectives[:, other]
        ax.scatter(across, objectives[:, 0], s=14, color=FAINT)
        ax.scatter(across[chosen], objectives[chosen, 0], s=30, color=AGENT)
    ax.set_xlabel(names[other].replace("_", " "), fontsize=8)
    ax.set_ylabel(names[0].replace("_", " "), fontsize=8)
    title(ax, "The first Pareto front at the end", "blue: members of the pool")
    return figure


def stretch_figure(stretch: Stretch, name: str) -> "Figure":
    """Draw what one unit of money became in each group."""
    figure, (ax,) = new_figure(4.0)
    times = np.array(stretch.times, "datetime64[m]")
    ends, names, colours = [], [], []
    for (group, curve), colour in zip(
        stretch.curves.items(), _colours("pool" in stretch.curves), strict=False
    ):
        wealth = np.exp(curve)
        ax.plot(times, wealth, color=colour, linewidth=1.6 if group == "pool" else 1.0)
        ends.append(float(wealth[-1]))
        names.append(group)
        colours.append(colour)
    time_axis(ax, times)
    title(ax, f"What one became on {name}", "after costs; random: the middle one of 20 pools")
    ax.set_ylim(ax.get_ylim())
    label_right(ax, ends, names, colours)
    return figure


def _colours(has_pool: bool) -> list[str]:
    return [AGENT, *COLOURS] if has_pool else list(COLOURS)


def _whole_numbers(ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
