"""The picture of what costs decide."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benbot.experiments.report.breakdown import readable
from benbot.experiments.report.cost_sensitivity import CostCurve
from benbot.experiments.report.drawing import AGENT, COLOURS, FAINT, label_right, new_figure, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cost_figure(curves: Sequence[CostCurve]) -> "Figure":
    """Draw growth a year against the multiple of the costs, with a ring where it breaks even.

    Every doubling of the costs is as wide as any other; nothing costs anything at the left edge.
    """
    from matplotlib.ticker import PercentFormatter

    figure, (ax,) = new_figure(3.4)
    multiples = [point.multiple for point in curves[0].points]
    ax.axhline(0.0, color=FAINT, linewidth=0.8)
    ax.axvline(1.0, color=FAINT, linewidth=0.8, linestyle=":")
    ax.grid(axis="y", color="#00000014", linewidth=0.6)
    colours = [AGENT, *COLOURS][: len(curves)]
    for curve, colour in zip(curves, colours, strict=True):
        path = sorted((point.multiple, point.growth) for point in curve.replayed)
        ax.plot(*zip(*path, strict=True), color=colour, linewidth=1.8, clip_on=False, zorder=3)
        ax.plot(*zip(*path, strict=True), "o", color=colour, markersize=3.5, clip_on=False)
        if curve.break_even:
            ax.plot(
                [curve.break_even.multiple],
                [0.0],
                "o",
                color=colour,
                ms=9,
                fillstyle="none",
                clip_on=False,
            )
    # Linear up to the first multiple above zero, then as much room for every doubling.
    ax.set_xscale("symlog", base=2, linthresh=multiples[1], linscale=1.0)
    ax.set_xticks(multiples, [f"× {multiple:g}" for multiple in multiples])
    ax.set_xlim(multiples[0], multiples[-1])
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    title(ax, "Growth a year", "against costs, as multiples of the configured; ring: break-even")
    ends = [curve.points[-1].growth for curve in curves]
    label_right(ax, ends, [readable(curve.name) for curve in curves], colours)
    return figure
