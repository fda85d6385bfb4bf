"""What all figures share: colours, a time axis, regime bands and labels beside the lines.

Figures are made without pyplot, so there is no state between them and no window to open.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import BoolArray, FloatArray, Int8Array, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.regime import TRENDS, UNKNOWN, VOLATILITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Seeds = Mapping[int, Evaluation]  # of one policy

DPI = 160
WIDTH = 8.0  # inches
INK = "#222222"
FAINT = "#8a8a8a"
AGENT = "#0072b2"
# Okabe and Ito's set, which the common kinds of colour blindness can tell apart; without its
# yellow, which white paper swallows, and its blue, which is the agent's.
COLOURS = ("#e69f00", "#009e73", "#d55e00", "#cc79a7", "#7f5f3f", "#444444", "#56b4e9")
DASHES = ("-", "--", ":")
BEAR, BULL, STORMY = "#fbe6d4", "#dfeefa", "#9a9a9a"
REGIME_NOTE = "background: blue bull, orange bear, white neutral; grey foot: high volatility"


def new_figure(height: float, ratios: Sequence[float] = (1.0,)) -> "tuple[Figure, list[Axes]]":
    """Return a figure with one row of axes per ratio, all as wide as a page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained", facecolor="white")
    grid = figure.subplots(len(ratios), 1, squeeze=False, height_ratios=list(ratios))
    axes: list[Axes] = list(grid[:, 0])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(FAINT)
        ax.tick_params(colors=INK, labelsize=8, length=3)
        ax.set_axisbelow(True)
    return figure, axes


def title(ax: "Axes", text: str, note: str = "") -> None:
    """Say what the axes show, and in small letters how to read them."""
    ax.set_title(text, loc="left", fontsize=10, fontweight="bold", color=INK, pad=18 if note else 6)
    if note:
        write(ax, note, (0.0, 1.0), (0, 6), FAINT)


def write(
    ax: "Axes", text: str, place: tuple[float, float], nudge: tuple[float, float], colour: str
) -> None:
    """Write small text at a fraction of the axes, nudged by points."""
    ax.annotate(
        text,
        place,
        nudge,
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=8,
        color=colour,
    )


def need_marks(agents: Seeds) -> None:
    """Refuse to draw nothing."""
    if not agents or next(iter(agents.values())).equity.size < 2:
        was = "no evaluation" if not agents else "an evaluation without decisions"
        raise InvalidParameter(f"a figure needs at least one evaluation of two marks, was {was}")


def percent(axis: "Axis", decimals: int | None = 0) -> None:
    """Write the numbers of an axis as per cent; without a number of decimals, as many as needed."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))


def time_axis(ax: "Axes", timestamps: TimeArray) -> None:
    """Write dates below the axes, no denser than they can be read."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(formatter)
    ax.xaxis.get_offset_text().set_fontsize(8)
    if timestamps.size > 1:
        ax.set_xlim(timestamps[0], timestamps[-1])


def styles() -> Iterator[tuple[str, str]]:
    """Yield colours and dashes of lines that differ: first by colour, then by dashes; endless."""
    while True:
        for dash in DASHES:
            for colour in COLOURS:
                yield colour, dash


def shade_regimes(ax: "Axes", timestamps: TimeArray, regime: Int8Array) -> None:
    """Tint the bars of bull and bear behind the lines; grey along the bottom is high volatility."""
    n_levels = len(VOLATILITIES)
    whole, foot = ax.get_xaxis_transform(), (0.0, 0.025)
    for trend, colour in (("bear", BEAR), ("bull", BULL)):
        own = regime // n_levels == TRENDS.index(trend)
        boxes(ax, timestamps, own, (0.0, 1.0), colour, transform=whole, zorder=0)
    stormy = (regime != UNKNOWN) & (regime % n_levels == VOLATILITIES.index("high"))
    boxes(ax, timestamps, stormy, foot, STORMY, transform=whole, zorder=0)


def boxes(
    ax: "Axes",
    timestamps: TimeArray,
    where: BoolArray,
    span: tuple[float, float],
    colour: str,
    **look: Any,  # noqa: ANN401
) -> None:
    """Fill the unbroken runs of True; `span` is where the boxes begin and how high they are."""
    from matplotlib.dates import date2num

    times: FloatArray = date2num(timestamps)  # type: ignore[no-untyped-call]
    last = times.size - 1
    sides = [(times[a], times[min(b, last)] - times[a]) for a, b in stretches(where)]
    ax.broken_barh(sides, span, facecolor=colour, **look)


def stretches(where: BoolArray) -> list[tuple[int, int]]:
    """Return (first, one past the last) of every unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def label_right(
    ax: "Axes", heights: Sequence[float], names: Sequence[str], colours: Sequence[str]
) -> None:
    """Write each name to the right of the axes at its height, pushed apart where they would touch.

    Call it when the limits and the scale of the axes are final.
    """
    wanted = np.array([_fraction(ax, height) for height in heights])
    line = 10.0 * DPI / 72.0 / ax.bbox.height  # ten points, as a fraction of the axes
    for place, name, colour in zip(spaced(wanted, line), names, colours, strict=True):
        write(ax, name, (1.0, float(place)), (5, -3), colour)


def _fraction(ax: "Axes", height: float) -> float:
    """Return where a value of the y axis lies between its bottom, 0, and its top, 1."""
    point = ax.transAxes.inverted().transform(ax.transData.transform((0.0, height)))
    return float(np.clip(np.nan_to_num(point[1]), 0.0, 1.0))


def spaced(wanted: FloatArray, gap: float) -> FloatArray:
    """Return places in the order of `wanted`, at least `gap` apart, moved as little as need be.

    The nearest such places are an isotonic regression: neighbours that collide share the mean of
    what they wanted and spread out around it.
    """
    order = np.argsort(wanted, kind="stable")
    groups: list[list[float]] = []  # each: sum of wanted minus its offset, number of members
    for rank, place in enumerate(wanted[order]):
        groups.append([float(place) - rank * gap, 1.0])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    base = [total / count for total, count in groups for _ in range(int(count))]
    places = np.empty(wanted.size)
    places[order] = np.array(base) + gap * np.arange(wanted.size)
    return places
