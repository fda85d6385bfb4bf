"""The picture of what each group of features is worth."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benbot.experiments.report.drawing import AGENT, FAINT, INK, new_figure, percent, title
from benbot.experiments.report.importance import CHANCE, Importance

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def importance_figure(rows: Sequence[Importance]) -> "Figure":
    """Draw the growth lost without each group: a bar for the mean, a dot for each draw."""
    figure, (ax,) = new_figure(0.3 * len(rows) + 1.2)
    places = np.arange(len(rows))[::-1]
    ax.grid(axis="x", color="#00000014", linewidth=0.6)
    for place, row in zip(places, rows, strict=True):
        drops = [drop for drop in row.drops if np.isfinite(drop)]
        if np.isfinite(row.drop):
            colour = FAINT if row.group == CHANCE else AGENT
            ax.barh(place, row.drop, height=0.62, color=colour, alpha=0.35)
        ax.plot(drops, [place] * len(drops), "o", color=INK, markersize=2.5, alpha=0.6)
    ax.axvline(0.0, color=FAINT, linewidth=0.8)
    ax.set_yticks(places, [_name(row) for row in rows])
    percent(ax.xaxis, None)
    note = "log growth a year; bar: mean, dots: draws and seeds; in brackets: entries"
    title(ax, "Growth lost when a group is shuffled in time", note)
    return figure


def _name(row: Importance) -> str:
    return row.group if row.group == CHANCE else f"{row.group} ({row.n_entries})"
