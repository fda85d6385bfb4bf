"""The price of one symbol with what each strategy did in it: where it came in, and why it went out.

Shapes tell what happened and rows tell who did it, so the picture can be read without its colours.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray, IntArray, RecordArray, TimeArray
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.experiments.report.breakdown import readable
from benbot.experiments.report.drawing import (
    FAINT,
    INK,
    boxes,
    new_figure,
    styles,
    time_axis,
    title,
)
from benbot.experiments.signals.moment import is_daily

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_BARS = 252  # about a year of days
LONG, SHORT, MORE = "entry, long", "entry, short", "enlarged"
ENTRIES: Mapping[str, str] = MappingProxyType({LONG: "^", SHORT: "v", MORE: "."})
EXITS: Mapping[Exit, str] = MappingProxyType(
    {
        Exit.STOP: "X",
        Exit.TRAILING_STOP: "x",
        Exit.TIME: "s",
        Exit.REVERSAL: "D",
        Exit.WEIGHT: "o",
        Exit.BREAKER: "P",
        Exit.DELISTED: "8",
        Exit.TARGET: "*",
        Exit.PARTIAL: "h",
        Exit.BREAK_EVEN: "p",
        Exit.DIAMOND: "d",
        Exit.PARTNER: "H",
        Exit.ASSIGNED: "<",
        Exit.EXPIRED: ">",
        Exit.OPTION_PROFIT: "+",
        Exit.OPTION_TIME: "1",
    }
)
POINTS = 72.0  # in an inch
# Points by which entries are set aside, so that who leaves and enters in one bar is seen twice.
NUDGES: Mapping[str, float] = MappingProxyType({LONG: -7.0, SHORT: 7.0})
ROW = 0.26  # inches
LARGE, SMALL = 46.0, 24.0  # areas of markers, square points
HALF_ROW = 0.2  # of the box of what is held, in rows
FILLED = "^vXsDoP8*hHpd"  # shapes that have an inside


class Event(NamedTuple):
    """One fill: its bar, price as traded, owner, what happened, and how that is drawn."""

    bar: int
    price: float
    strategy: int
    kind: str
    marker: str


def window(span: Span, n_bars: int = SHOWN_BARS) -> Span:
    """Return the last `n_bars` bars of a span, all of them if it has no more."""
    return Span(max(span.first, span.last - n_bars + 1), span.last)


def events_of(account: Evaluation, s: int, shown: Span) -> list[Event]:
    """Return the fills of a symbol within some bars, in the order in which they happened."""
    begun, events = _begun(account, s), []
    for fill in _within(account.fills[account.fills["symbol"] == s], shown):
        k, bar, reason = int(fill["strategy"]), int(fill["bar"]), Exit(int(fill["reason"]))
        kind, marker = readable(reason.name), EXITS.get(reason, "")
        if reason is Exit.NONE:
            side = LONG if fill["units"] > 0.0 else SHORT
            kind = side if (k, bar) in begun else MORE
            begun.discard((k, bar))
            marker = ENTRIES[kind]
        events.append(Event(bar, float(fill["price"]), k, kind, marker))
    return events


def chart(market: Market, account: Evaluation, s: int, shown: Span, asked: int) -> "Figure":
    """Draw a symbol's price as traded, its entries and exits, and what each strategy held.

    `asked` is the close that a person asked about; it is marked.
    """
    names, events = account.strategies, events_of(account, s, shown)
    below = ROW * (len(names) + 1)
    figure, (prices, rows) = new_figure(3.9 + below, (3.0, below))
    colours = [colour for colour, _ in islice(styles(), len(names))]
    bars = np.arange(shown.first, shown.last + 1)
    times = market.timestamps[bars]
    _draw_price(prices, market, bars, s)
    prices.grid(axis="y", color="#00000014", linewidth=0.6)
    prices.margins(y=0.1)
    for k in range(len(names)):
        _draw_held(rows, times, k, held_by(account, s, k, shown), colours[k])
    for ax in (prices, rows):
        _draw_events(ax, market, events, colours, by_row=ax is rows)
        ax.axvline(market.timestamps[asked], color=FAINT, linewidth=0.9, linestyle="--", zorder=1)
        time_axis(ax, times)
    prices.tick_params(labelbottom=False)
    prices.xaxis.get_offset_text().set_visible(False)
    rows.set_yticks(range(len(names)), [f"{k + 1} {name}" for k, name in enumerate(names)])
    rows.set_ylim(len(names) - 0.4, -0.6)
    who = f"an account of {readable(account.name)}s"
    title(prices, f"{market.symbols[s]}, price as traded", f"{who}; {_note(events)}")
    _draw_legend(figure, events)
    return figure


def _draw_price(ax: "Axes", market: Market, bars: IntArray, s: int) -> None:
    """Draw closes as traded, in one line; those within the day in a line a session."""
    price = market.close[bars, s] * market.unadjusted[bars, s]
    parts = [bars]
    if not is_daily(market):
        parts = np.split(bars, np.flatnonzero(np.diff(market.session[bars])) + 1)
    for part in parts:
        own = price[part - bars[0]]
        ax.plot(market.timestamps[part], own, color=INK, linewidth=0.9, zorder=2)


def held_by(account: Evaluation, s: int, k: int, shown: Span) -> FloatArray:
    """Return the side on which a strategy held a symbol at each close, (bars,): 1, -1 or 0."""
    side = np.zeros(shown.last - shown.first + 1)
    own = account.holdings[account.holdings["symbol"] == s]
    own = _within(own[own["strategy"] == k], shown)
    side[own["bar"] - shown.first] = np.sign(own["worth"])
    return side


def _draw_held(ax: "Axes", times: TimeArray, k: int, side: FloatArray, colour: str) -> None:
    """Fill what was held long, and hatch what was held short."""
    span = (k - HALF_ROW, 2.0 * HALF_ROW)
    boxes(ax, times, side > 0.0, span, colour, edgecolor=colour, alpha=0.45, linewidth=0.6)
    boxes(ax, times, side < 0.0, span, "white", edgecolor=colour, hatch="/////", linewidth=0.6)


def _draw_events(
    ax: "Axes", market: Market, events: Sequence[Event], colours: Sequence[str], *, by_row: bool
) -> None:
    from matplotlib.transforms import ScaledTranslation

    for kind, marker in _kinds(events).items():
        nudge = NUDGES.get(kind, 0.0) / POINTS
        aside = ax.transData + ScaledTranslation(0.0, nudge, ax.figure.dpi_scale_trans)
        own = [one for one in events if one.kind == kind]
        ax.scatter(
            market.timestamps[[one.bar for one in own]],
            [one.strategy if by_row else one.price for one in own],
            marker=marker,
            s=SMALL if by_row else LARGE,
            color=[colours[one.strategy] for one in own],
            edgecolors="white" if marker in FILLED else None,
            linewidths=0.5 if marker in FILLED else 1.4,
            zorder=4,
            transform=aside,
        )


def _draw_legend(figure: "Figure", events: Sequence[Event]) -> None:
    """Say below the picture what each shape means; those of the entries come first."""
    from matplotlib.lines import Line2D

    shapes = [
        Line2D([], [], color=INK, marker=marker, linestyle="", markersize=5, label=kind)
        for kind, marker in _kinds(events).items()
    ]
    if shapes:
        figure.legend(handles=shapes, loc="outside lower left", ncols=6, fontsize=8, frameon=False)


def _kinds(events: Sequence[Event]) -> dict[str, str]:
    """Return what happened, and its shape, in the order of the legend."""
    known = {**ENTRIES, **{readable(reason.name): shape for reason, shape in EXITS.items()}}
    there = {one.kind for one in events}
    return {kind: shape for kind, shape in known.items() if kind in there}


def _note(events: Sequence[Event]) -> str:
    rows = "rows: filled long, hatched short" if events else "nobody traded it in these bars"
    return f"{rows}; dashed: the close that was asked about"


def _begun(account: Evaluation, s: int) -> set[tuple[int, int]]:
    """Return strategy and first bar of every position in a symbol."""
    trips = np.concatenate([account.trades, account.open_trades])
    own = trips[trips["symbol"] == s]
    return set(zip(own["strategy"].tolist(), own["opened"].tolist(), strict=True))


def _within(records: RecordArray, shown: Span) -> RecordArray:
    inside = (records["bar"] >= shown.first) & (records["bar"] <= shown.last)
    own: RecordArray = records[inside]
    return own
