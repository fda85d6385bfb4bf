"""The pictures of what an agent chose: weights over time, and by regime."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.experiments.report.breakdown import readable, weights_by_regime
from benbot.experiments.report.drawing import (
    COLOURS,
    FAINT,
    INK,
    Seeds,
    label_right,
    need_marks,
    new_figure,
    percent,
    time_axis,
    title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 260  # of a stack
CASH = "#dcdcdc"
PALE = 0.1  # difference to the usual weight that has the darkest colour, if none is larger
DARK = 0.7  # of the darkest, from which on white letters are read more easily than black ones
HALF_A_PER_CENT = 0.005


def median_seed(agents: Seeds) -> int:
    """Return the seed whose account ended in the middle, the lower one of two."""
    ended = sorted((float(one.equity[-1]), seed) for seed, one in agents.items())
    return ended[(len(ended) - 1) // 2][1]


def weights_figure(agents: Seeds) -> "Figure":
    """Draw how the median seed shared its risk budget over time, and what each seed did on average.

    Averages of seeds that disagree look like one that is undecided, so it is one of them.
    """
    need_marks(agents)
    middle = median_seed(agents)
    one = agents[middle]
    names, members = _largest(one.strategies, one.weights)
    colours = [CASH, *COLOURS, FAINT][: len(names)]
    several = len(agents) > 1
    heights = (3.0, 0.22 * len(names) + 0.2) if several else (3.0,)
    figure, axes = new_figure(sum(heights) + (1.2 if several else 0.6), heights)
    starts, shares, length = _thinned(_shares(one.weights, members))
    stack = axes[0]
    stack.stackplot(one.timestamps[starts], shares.T, colors=colours, linewidth=0, step="post")
    stack.set_ylim(0.0, 1.0)
    time_axis(stack, one.timestamps[starts])
    percent(stack.yaxis)
    who = f"seed {middle}, the median of {len(agents)}" if several else "one seed"
    averaged = f", averaged over {length} bars" if length > 1 else ""
    title(stack, "Weights", f"{who}{averaged}; cash, at the bottom, is real cash")
    middles = np.cumsum(shares[-1]) - shares[-1] / 2.0
    label_right(stack, list(middles), names, [INK, *colours[1:]])
    if several:
        means = {seed: _shares(own.weights, members).mean(axis=0) for seed, own in agents.items()}
        _dots(axes[1], names, means, middle, [FAINT, *colours[1:]])
    return figure


def regime_weights_figure(agents: Seeds) -> "Figure":
    """Draw the mean weights of all seeds at the closes of each regime, against their usual ones."""
    need_marks(agents)
    rows = weights_by_regime(list(agents.values()))
    first = next(iter(agents.values()))
    names = [*(readable(name) for name in first.strategies), "cash"]
    values = np.array([row.weights for row in rows])
    apart = values - np.array([row.share for row in rows]) @ values
    figure, (ax,) = new_figure(0.3 * len(rows) + 1.9)
    most = max(float(np.abs(apart).max()), PALE)
    ax.imshow(apart, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
    for (i, k), value in np.ndenumerate(values):
        colour = "white" if abs(apart[i, k]) > DARK * most else INK
        ax.text(k, i, f"{value:.0%}", ha="center", va="center", fontsize=7.5, color=colour)
    ax.set_yticks(range(len(rows)), [f"{row.name}, {_share(row.share)} of bars" for row in rows])
    ax.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    who = "one seed" if len(agents) == 1 else f"mean of {len(agents)} seeds"
    note = f"{who}; purple: more than on all bars together, orange: less"
    title(ax, "Weights by regime, % of the risk budget", note)
    return figure


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= HALF_A_PER_CENT else "<1%"


def _dots(
    ax: "Axes",
    names: Sequence[str],
    means: dict[int, FloatArray],
    middle: int,
    colours: Sequence[str],
) -> None:
    """Draw a dot for the mean weight of each seed, and a ring about the seed of the stack."""
    ax.grid(axis="x", color="#00000014", linewidth=0.6)
    for k, colour in enumerate(colours):
        shares = [own[k] for own in means.values()]
        ax.plot([min(shares), max(shares)], [k, k], color=colour, alpha=0.4, linewidth=4.0)
        ax.plot(shares, [k] * len(shares), "o", color=colour, markersize=4.0)
        ax.plot([means[middle][k]], [k], "o", color=INK, markersize=7.5, fillstyle="none")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlim(0.0, 1.08 * max(float(own.max()) for own in means.values()))
    percent(ax.xaxis, None)
    title(ax, "Mean weight of each seed", f"ring: seed {middle}, whose weights are drawn above")


def _largest(strategies: Sequence[str], weights: FloatArray) -> tuple[list[str], list[IntArray]]:
    """Return names and columns of cash, the strategies with the largest weights, and the rest."""
    own = weights[:, :-1].mean(axis=0)
    order = np.argsort(-own, kind="stable")
    named, rest = order[: len(COLOURS)], order[len(COLOURS) :]
    names = ["cash", *(readable(strategies[k]) for k in named)]
    members = [np.array([own.size]), *(np.array([k]) for k in named)]
    if rest.size:
        names.append(f"{rest.size} others")
        members.append(rest)
    return names, members


def _shares(weights: FloatArray, members: Sequence[IntArray]) -> FloatArray:
    """Return the weights (N, M) of groups of columns."""
    return np.stack([weights[:, columns].sum(axis=1) for columns in members], axis=1)


def _thinned(shares: FloatArray) -> tuple[IntArray, FloatArray, int]:
    """Return where blocks of bars begin, their mean shares, and how many bars one holds.

    A bar narrower than a pixel is not drawn truthfully, and a wall of spikes cannot be read.
    """
    length = -(-len(shares) // MOST_COLUMNS)
    starts = np.arange(0, len(shares), length)
    sums = np.add.reduceat(shares, starts, axis=0)
    sizes = np.diff(np.append(starts, len(shares)))
    return starts, sums / sizes[:, None], length
