"""News of a synthetic market: headlines of which a planted share says what is to come.

T bars, S symbols. An item of bar t is published after the close of t - 1 and by that of t. If it is
informative, the drift of its symbol changes from bar t + 1 on and fades; at and before its own bar
nothing in the price knows of it. Noise reads the same and changes nothing.

    a[t + 1]  = keep × a[t] + direction × move × volatility    what is announced and still to come
    drift[t]  = (1 - keep) × a[t]                              so that it sums to the move
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR
from benbot.envs.market.news import NewsFeed, NewsTable
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.market.sentiment import open_scorer
from benbot.envs.market.synthetic_moves import Streams, recur
from benbot.envs.market.synthetic_source import SyntheticSource, Universe, decay, symbol_name

# Words that VADER understands, with one direction each.
GOOD = (
    *("wins a large order for", "gains strength in", "succeeds with", "has growth in"),
    *("improves its profit from", "is praised for", "sees strong demand for"),
    *("gets approval of", "is confident about", "expects great success with"),
)
BAD = (
    *("loses a large order for", "sees weak demand for", "fails with", "warns of losses from"),
    *("faces a lawsuit over", "has problems with", "reports disappointing sales of"),
    *("is accused of fraud over", "suffers damage to", "fears a shortage of"),
)
PRODUCTS = (
    *("turbines", "tyres", "vaccines", "chips", "cement", "pumps", "paper", "batteries", "cranes"),
    *("furniture", "satellites", "fertiliser", "engines", "lenses", "cables", "toys", "valves"),
)
PLACES = (
    *("Brazil", "Norway", "Texas", "Vietnam", "Spain", "Kenya", "Poland", "Chile", "Ontario"),
    *("Egypt", "Korea", "Ireland", "Peru", "Quebec", "Malta", "Ghana", "Nevada", "Oman", "Japan"),
)
WIRE, REPRINT = "synthetic wire", "synthetic reprint"


class Items(NamedTuple):
    """What is published in each bar, at most one item a symbol; each is [T, S].

    direction   +1 good, -1 bad, 0 no item
    announces   whether the price will follow
    moment      (0, 1]  share of the bar that is over when it is published
    again       (0, 1]  likewise of the reprint in the next bar, 0 where there is none
    words       [T, 3, S]  number of the phrase, the product and the place
    """

    direction: IntArray
    announces: BoolArray
    moment: FloatArray
    again: FloatArray
    words: IntArray


def news_of(source: SyntheticSource) -> SyntheticNews:
    """Return the settings of the news; refuse a market without any."""
    if source.news is None:
        raise InvalidParameter("this synthetic market has no news. Set news in it, as news: {}")
    return source.news


def draw_items(source: SyntheticSource, streams: Streams) -> Items:
    """Draw what is published; other shares of informative items leave everything else as it is."""
    news, shape = news_of(source), (source.n_bars, 6, source.n_symbols)
    due, sign, informed, reprinted, moment, again = streams["news"].random(shape).swapaxes(0, 1)
    is_due = due < news.items_per_year / TRADING_DAYS_PER_YEAR
    is_due[0] = False  # nothing closed before it, so nobody knows when the bar began
    informative = news.informative if source.variant == "planted" else 0.0
    lengths = np.array([[len(GOOD)], [len(PRODUCTS)], [len(PLACES)]])
    return Items(
        np.where(is_due, np.where(sign < 0.5, -1, 1), 0),
        is_due & (informed < informative),
        1.0 - moment,
        np.where(is_due & (reprinted < news.reprinted), 1.0 - again, 0.0),
        (streams["news_words"].random((source.n_bars, 3, source.n_symbols)) * lengths).astype(
            np.int64
        ),
    )


def announced_drift(source: SyntheticSource, universe: Universe, items: Items) -> FloatArray:
    """Return the drift of each bar that earlier news announced, fraction of the price, [T, S]."""
    news = news_of(source)
    keep = decay(news.move_half_life)
    announced = items.direction * items.announces * news.move * universe.volatility
    to_come = recur(np.full((source.n_bars, 1), keep), announced, np.zeros(source.n_symbols))
    return (1.0 - keep) * to_come


def feed_of_items(source: SyntheticSource, items: Items, closes: TimeArray) -> NewsFeed:
    """Return the items as anybody could read them: texts and times, and nothing of the plan."""
    news = news_of(source)
    rows = [*_published(items, closes, WIRE), *_published(items, closes, REPRINT)]
    rows.sort()
    n_items = len(rows)
    table = NewsTable(
        time=np.array([time for time, *_ in rows], np.int64).astype("datetime64[ns]"),
        symbols=tuple((symbol_name(s),) for _, s, *_ in rows),
        headline=tuple(text for _, _, text, _ in rows),
        body=("",) * n_items,
        source=tuple(origin for *_, origin in rows),
        begins=closes[0],
    )
    return NewsFeed(table, open_scorer(news), news)


def _published(items: Items, closes: TimeArray, origin: str) -> list[tuple[int, int, str, str]]:
    """Return time in nanoseconds, symbol, headline and source of all items of one kind."""
    later = 0 if origin == WIRE else 1
    moment = items.moment * np.abs(items.direction) if origin == WIRE else items.again
    rows = []
    for t, s in np.argwhere(moment[: len(closes) - later] > 0.0).tolist():
        before, close = closes[t + later - 1 : t + later + 1].astype(np.int64).tolist()
        time = before + max(1, round(moment[t, s] * (close - before)))
        rows.append((time, s, headline_of(items, t, s), origin))
    return rows


def headline_of(items: Items, t: int, s: int) -> str:
    """Return what is printed of the item of a bar and symbol."""
    phrase, product, place = items.words[t, :, s].tolist()
    said = (GOOD if items.direction[t, s] > 0 else BAD)[phrase]
    return f"{symbol_name(s)} {said} {PRODUCTS[product]} in {PLACES[place]}"
