"""Lines and areas as paths of a drawing 1000 wide and 300 high, which the page stretches.

The words beside them are not in the drawing, so they stay readable on a telephone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.experiments.report.drawing import AGENT, COLOURS, styles
from benbot.paper.overview.results import Results
from benbot.paper.overview.strategies import Weights
from benbot.strategies.records.moments import written

WIDTH, HEIGHT = 1000.0, 300.0
MOST = 1000  # points of a line
CASH_COLOUR = "#b8c0c7"
N_DATES = 5
N_TICKS = 5


@dataclass(frozen=True)
class Shape:
    """A path with its colour; `is_faint` where it repeats a colour that was used before."""

    path: str
    colour: str
    name: str = ""
    is_faint: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing: shapes, and evenly spaced words beside it.

    kind    line, fall or area
    ticks   from the top to the bottom
    dates   from left to right
    level   height of a line to compare with; None: none
    """

    kind: str
    text: str
    shapes: tuple[Shape, ...]
    ticks: tuple[float, ...]
    dates: tuple[str, ...]
    level: float | None = None

    @property
    def rules(self) -> tuple[float, ...]:
        """Return the heights of the ticks in the drawing."""
        return tuple(np.linspace(0.0, HEIGHT, len(self.ticks)).tolist())


def equity_figure(results: Results) -> Figure | None:
    """Draw equity at every mark, and the money put in; None of fewer than two marks."""
    shown = thinned(results.equity)
    if shown.size < 2:
        return None
    paid = results.capital + results.flows
    values = results.equity[shown]
    ticks = _ticks(min(values.min(), paid), max(values.max(), paid))
    places = _places(values, ticks)
    line = Shape(_line(places), AGENT)
    level = float(_places(np.array([paid]), ticks)[0, 1])
    text = "Equity at every mark; dashed: the money that was put in"
    return Figure(
        "line", text, (line,), tuple(ticks[::-1]), dates_of(results.moments[shown]), level
    )


def drawdown_figure(results: Results) -> Figure | None:
    """Draw how far equity was below its highest mark, which is at the top."""
    fall = -results.drawdown
    shown = thinned(fall)
    if shown.size < 2 or not np.isfinite(fall[shown]).all():
        return None
    ticks = _ticks(min(float(fall.min()), -0.01), 0.0)
    places = _places(fall[shown], ticks)
    area = Shape(f"{_line(places)}L{WIDTH:g},0L0,0Z", COLOURS[2])
    dates = dates_of(results.moments[shown])
    return Figure("fall", "Below the highest mark so far", (area,), tuple(ticks[::-1]), dates)


def weights_figure(chosen: Weights) -> Figure | None:
    """Draw how the risk budget was shared, cash on top; None of fewer than two decisions."""
    if len(chosen.weights) < 2:
        return None
    ticks = np.linspace(0.0, 1.0, N_TICKS)
    edges = np.concatenate([np.zeros((len(chosen.weights), 1)), chosen.weights.cumsum(axis=1)], 1)
    looks = colours_of(chosen.names)
    shapes = tuple(
        Shape(_band(edges[:, k], edges[:, k + 1], ticks), colour, name, is_faint)
        for k, (name, (colour, is_faint)) in enumerate(zip(chosen.names, looks, strict=True))
    )
    text = "Share of the risk budget at each decision"
    return Figure("area", text, shapes, tuple(ticks[::-1].tolist()), dates_of(chosen.moments))


def colours_of(names: Sequence[str]) -> list[tuple[str, bool]]:
    """Return a colour for each name, and whether it was used before; cash, the last, is grey."""
    looks = [colour for colour, _ in islice(styles(), len(names) - 1)]
    own = [(colour, colour in looks[:k]) for k, colour in enumerate(looks)]
    return [*own, (CASH_COLOUR, False)]


def thinned(values: FloatArray) -> IntArray:
    """Return the numbers of the points to draw: all, or lows and highs of equal stretches."""
    n = values.size
    if n <= MOST:
        return np.arange(n)
    size = -(-2 * n // MOST)
    kept = {0, n - 1}
    for first in range(0, n, size):
        part = values[first : first + size]
        kept |= {first + int(part.argmin()), first + int(part.argmax())}
    return np.array(sorted(kept), np.int64)


def _ticks(low: float, high: float) -> FloatArray:
    """Return round numbers, evenly spaced, from below `low` to above `high`."""
    from matplotlib.ticker import MaxNLocator

    if not low < high:
        low, high = low - max(abs(low), 1.0) * 0.01, high + max(abs(high), 1.0) * 0.01
    ticks = MaxNLocator(N_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    first = int(np.searchsorted(ticks, low, side="right")) - 1
    last = int(np.searchsorted(ticks, high))
    kept: FloatArray = np.asarray(ticks[max(first, 0) : last + 1], np.float64)
    return kept


def _places(values: FloatArray, ticks: FloatArray) -> FloatArray:
    """Return values as places in the drawing, (N, 2)."""
    across = np.linspace(0.0, WIDTH, values.size) if values.size > 1 else np.zeros(1)
    up = (values - ticks[0]) / (ticks[-1] - ticks[0])
    return np.stack([across, HEIGHT * (1.0 - up)], axis=1)


def _line(places: FloatArray) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _band(low: FloatArray, high: FloatArray, ticks: FloatArray) -> str:
    back = _line(_places(low, ticks)[::-1])
    return f"{_line(_places(high, ticks))}L{back[1:]}Z"


def dates_of(moments: IntArray) -> tuple[str, ...]:
    """Return evenly spaced dates of a line; with times where it is no longer than some days."""
    places = np.linspace(0, moments.size - 1, min(N_DATES, moments.size)).round().astype(int)
    texts = [written(int(moments[place])) for place in places]
    days = {text[:10] for text in texts}
    return tuple(
        text[:10] if len(days) == len(texts) else text[5:16].replace("T", " ") for text in texts
    )
