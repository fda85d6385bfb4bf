"""The pictures of a segment: equity, drawdown, weights, gates and breakers.

`agents` maps each seed of one policy to its evaluation; `baselines` cover the same bars.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.reasons import Breaker
from benbot.experiments.report.breakdown import decisions_by_verdict, readable, titled
from benbot.experiments.report.drawing import (
    AGENT,
    FAINT,
    INK,
    REGIME_NOTE,
    Seeds,
    boxes,
    label_right,
    need_marks,
    new_figure,
    percent,
    shade_regimes,
    styles,
    time_axis,
    title,
    write,
)
from benbot.experiments.report.weight_figures import weights_figure
from benbot.experiments.verdict.statistics import drawdown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST_FOR_A_BAND = 5  # seeds; with fewer, quartiles would only hide the lines
TRADED, REFUSED = AGENT, "#e8a36b"
BREAKERS = {
    Breaker.DAILY_LOSS: "#e69f00",
    Breaker.DRAWDOWN: "#d55e00",
    Breaker.RECOVERING: "#56b4e9",
}


def draw(agents: Seeds, baselines: Sequence[Evaluation]) -> dict[str, bytes]:
    """Return every figure of a segment as PNG by its name."""
    figures = {
        "equity": equity_figure(agents, baselines),
        "drawdown": drawdown_figure(agents, baselines),
        "weights": weights_figure(agents),
        "gates": gates_figure(agents),
    }
    return {name: to_png(figure) for name, figure in figures.items()}


def to_png(figure: "Figure") -> bytes:
    """Return a figure as PNG, the same bytes for the same figure."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def equity_figure(
    agents: Seeds, baselines: Sequence[Evaluation], *, log_scale: bool = True
) -> "Figure":
    """Draw what one unit of money became: the agent's median seed against every baseline."""
    own = _paths(agents, lambda one: one.equity / one.equity[0])
    figure, (ax,) = new_figure(4.2)
    if log_scale:
        ax.set_yscale("log")
    others = [(one.name, one.equity / one.equity[0]) for one in baselines]
    _lines(ax, agents, own, others)
    if log_scale:
        _plain_log_ticks(ax)
    title(ax, "Value of one unit invested", f"{_lines_note(agents)}; {REGIME_NOTE}")
    return figure


def drawdown_figure(agents: Seeds, baselines: Sequence[Evaluation]) -> "Figure":
    """Draw the fall below the highest mark so far, which is zero at the top."""
    own = _paths(agents, lambda one: -drawdown(one.equity))
    figure, (ax,) = new_figure(3.2)
    _lines(ax, agents, own, [(one.name, -drawdown(one.equity)) for one in baselines])
    percent(ax.yaxis)
    title(ax, "Drawdown", f"{_lines_note(agents)}; {REGIME_NOTE}")
    return figure


def gates_figure(agents: Seeds) -> "Figure":
    """Draw how often each verdict was given, and when breakers held each seed back."""
    need_marks(agents)
    rows = decisions_by_verdict(list(agents.values()))[::-1]
    heights = (max(len(rows), 1) * 0.2 + 0.2, len(agents) * 0.2 + 0.2)
    figure, (bars, strips) = new_figure(sum(heights) + 1.3, heights)
    colours = [TRADED if row.allowed > 0.0 else REFUSED for row in rows]
    drawn = bars.barh([row.name for row in rows], [row.count for row in rows], color=colours)
    shares = [f"{row.count:,}  ({row.share:.1%})" for row in rows]
    bars.bar_label(drawn, shares, padding=4, fontsize=8, color=INK)
    bars.margins(x=0.16)
    bars.set_xticks([])
    if not rows:
        bars.set_yticks([])
        write(bars, "no decisions", (0.0, 0.5), (6, -3), FAINT)
    title(bars, "Verdicts of the gates", "all seeds; blue: traded, orange: refused")
    _breaker_strips(strips, agents)
    return figure


def _breaker_strips(ax: "Axes", agents: Seeds) -> None:
    for row, one in enumerate(agents.values()):
        for kind, colour in BREAKERS.items():
            where, span = one.breaker == kind, (row - 0.35, 0.7)
            boxes(ax, one.timestamps, where, span, colour, edgecolor=colour, linewidth=0.4)
        held = float((one.breaker != Breaker.NORMAL).mean())
        write(ax, f"{held:.1%} of bars", (1.0, 1.0 - (row + 0.5) / len(agents)), (5, -3), INK)
    ax.set_yticks(range(len(agents)), [f"seed {seed}" for seed in agents])
    ax.set_ylim(len(agents) - 0.5, -0.5)
    time_axis(ax, next(iter(agents.values())).timestamps)
    title(ax, "Breakers")
    for place, (kind, colour) in enumerate(BREAKERS.items()):
        write(ax, readable(kind.name), (0.13 + 0.1 * place, 1.0), (0, 7), colour)


def _paths(agents: Seeds, path: Callable[[Evaluation], FloatArray]) -> FloatArray:
    """Return the same path of every seed, seeds first."""
    need_marks(agents)
    return np.array([path(one) for one in agents.values()])


def _lines(
    ax: "Axes", agents: Seeds, own: FloatArray, others: Sequence[tuple[str, FloatArray]]
) -> None:
    """Draw baselines below, seeds or their quartiles above, and the median seed on top."""
    first = next(iter(agents.values()))
    shade_regimes(ax, first.timestamps, first.regime)
    ax.grid(axis="y", color="#00000014", linewidth=0.6)
    looks = list(islice(styles(), len(others)))
    for (_, path), (colour, dash) in zip(others, looks, strict=True):
        ax.plot(first.timestamps, path, color=colour, linestyle=dash, linewidth=1.0, zorder=3)
    if len(own) >= FEWEST_FOR_A_BAND:
        low, high = np.quantile(own, [0.25, 0.75], axis=0)
        ax.fill_between(first.timestamps, low, high, color=AGENT, alpha=0.25, linewidth=0)
    else:
        ax.plot(first.timestamps, own.T, color=AGENT, alpha=0.45, linewidth=0.7, zorder=4)
    middle = np.median(own, axis=0)
    ax.plot(first.timestamps, middle, color=AGENT, linewidth=2.0, zorder=5)
    ax.margins(y=0.08)
    time_axis(ax, first.timestamps)
    names = [titled(name) for name in (first.name, *(name for name, _ in others))]
    heights = [float(path[-1]) for path in (middle, *(path for _, path in others))]
    label_right(ax, heights, names, [AGENT, *(colour for colour, _ in looks)])


def _lines_note(agents: Seeds) -> str:
    if len(agents) == 1:
        return "thick: the agent"
    thin = "band: quartiles" if len(agents) >= FEWEST_FOR_A_BAND else "thin: each"
    return f"thick: median of {len(agents)} seeds, {thin}"


def _plain_log_ticks(ax: "Axes") -> None:
    """Write plain numbers at round places; powers of ten alone would leave most charts bare."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

    low, high = ax.get_ylim()
    narrow = high / low < 5.0
    round_places = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0]
    ax.yaxis.set_major_locator(
        MaxNLocator(7, steps=[1, 2, 5, 10]) if narrow else LogLocator(subs=round_places)
    )
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
