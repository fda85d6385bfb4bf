"""The pictures of an orchestrated run: who there was, what it earned, and in which regimes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.arrays import Int8Array
from benbot.evolution.orchestration.members import Origin
from benbot.experiments.orchestration.accounts import Account
from benbot.experiments.orchestration.chronicle import Chronicle
from benbot.experiments.report.drawing import (
    AGENT,
    COLOURS,
    REGIME_NOTE,
    label_right,
    new_figure,
    shade_regimes,
    title,
)
from benbot.strategies.tournament.stages import Stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STAGES = (Stage.LIVE, Stage.R3, Stage.R2, Stage.R1)
SHADES = ("#004c6d", "#2f7fa3", "#8fbcd1", "#d4e3ea")  # the darker the higher


def population_figure(chronicle: Chronicle) -> "Figure":
    """Draw how many stood on each stage, and how many of them nobody wrote."""
    figure, (above, below) = new_figure(5.0, (2.0, 1.0))
    counts = [chronicle.count(stage) for stage in STAGES]
    above.stackplot(chronicle.moments, counts, colors=SHADES, labels=[s.name for s in STAGES])
    above.legend(loc="upper left", ncols=len(STAGES), fontsize=8, frameon=False)
    title(above, "Population", "strategies that take part, by stage")
    origin = np.array(chronicle.origins)
    part = chronicle.stages >= Stage.R1
    for kind, colour in zip(Origin, (COLOURS[5], COLOURS[1], COLOURS[0]), strict=True):
        below.plot(chronicle.moments, part[:, origin == kind].sum(axis=1), color=colour, label=kind)
    below.legend(loc="upper left", ncols=len(Origin), fontsize=8, frameon=False)
    title(below, "Where they come from")
    for ax in (above, below):
        ax.set_ylim(bottom=0)
        ax.margins(x=0)
    return figure


def account_figure(accounts: Sequence[Account], regime: Int8Array) -> "Figure":
    """Draw what one unit became in each account; `regime` is that of each mark."""
    figure, (ax,) = new_figure(3.6)
    shown = {one.name: one.evaluation for one in accounts if one.evaluation is not None}
    ends = []
    colours = [AGENT, *COLOURS][: len(shown)]
    for account, colour in zip(shown.values(), colours, strict=True):
        growth = account.equity / account.equity[0]
        ax.plot(account.timestamps, growth, color=colour, linewidth=1.4)
        ends.append(float(growth[-1]))
    shade_regimes(ax, next(iter(shown.values())).timestamps, regime)
    ax.margins(x=0)
    title(ax, "Value of one unit", REGIME_NOTE)
    label_right(ax, ends, list(shown), colours)
    return figure
