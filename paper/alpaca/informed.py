"""Bars that know their news: the features of training, made of the items that an account keeps.

The features of a bar need the items of the last `NewsSettings.memory` bars and no others, so those
of each new bar are made alone, to the last bit as if all had been made at once. What was made of a
bar stays: whatever is kept later is known later (`paper.press.listener`), so that whoever starts
again makes the same of it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed, NewsTable, bars_of
from benbot.envs.market.news_features import NEWS_FEATURES
from benbot.envs.market.news_settings import NewsSettings
from benbot.paper.alpaca.bars import AlpacaBars
from benbot.paper.hours import to_datetime
from benbot.paper.live_bars import BarOpening, BarTimes
from benbot.paper.press.book import NewsBook
from benbot.paper.press.item import Item


class InformedBars:
    """The bars of an account with the features of its news (`paper.live_bars.LiveBars`).

    sources   whose items count, in lower case: those of the policy's training
    """

    def __init__(
        self, bars: AlpacaBars, book: NewsBook, settings: NewsSettings, sources: frozenset[str]
    ) -> None:
        self.symbols = bars.symbols
        self._bars, self._book = bars, book
        self._settings, self._sources = settings, sources
        self._told = {name: np.zeros((0, len(bars.symbols))) for name in NEWS_FEATURES}
        self._market: Market | None = None

    def n_closed(self) -> int:
        return self._bars.n_closed()

    def times(self, t: int) -> BarTimes:
        return self._bars.times(t)

    def opening(self, t: int) -> BarOpening:
        return self._bars.opening(t)

    def until(self, n_bars: int) -> Market:
        if self._market is None or self._market.n_bars != n_bars:
            market = self._bars.until(n_bars)
            self._tell(market.timestamps)
            rows = {name: values[:n_bars] for name, values in self._told.items()}
            self._market = replace(market, features=rows)
        return self._market

    def _tell(self, stamps: TimeArray) -> None:
        """Make the features of the bars that have none yet."""
        first = len(self._told[NEWS_FEATURES[0]])
        if first >= len(stamps):
            return
        begin = max(0, first - self._settings.memory - 1)
        made = self._made(stamps[begin:])
        for name, values in made.items():
            self._told[name] = np.vstack([self._told[name], values[first - begin :]])

    def _made(self, stamps: TimeArray) -> dict[str, FloatArray]:
        start, heard = to_datetime(stamps[0]), self._book.heard
        items = self._book.items
        after = bisect_right(items, start, key=lambda item: item.known)
        counted = [item for item in items[after:] if item.source.casefold() in self._sources]
        begins = start if heard is None else heard.begins
        return features_of(counted, begins, stamps, self.symbols, self._settings)


def features_of(
    items: Sequence[Item],
    begins: datetime,
    stamps: TimeArray,
    symbols: Sequence[str],
    settings: NewsSettings,
) -> dict[str, FloatArray]:
    """Return the features of bars that close at `stamps`, [T, S] by name, of items in order.

    The score of an item is what was kept of it; nobody scores it again.
    """
    table = table_of(items, begins)
    bar = bars_of(table.time, stamps)
    is_heard = (bar > 0) & (bar < len(stamps))
    mood = np.array([item.mood for item in items])[is_heard] if items else np.zeros(0)
    feed = NewsFeed(table.keep(is_heard), lambda _: mood, settings)
    return feed.features(stamps, symbols)


def table_of(items: Sequence[Item], begins: datetime) -> NewsTable:
    """Return items in order of when they were known as a table of news."""
    return NewsTable(
        time=np.array([_stamp(item.known) for item in items], "datetime64[ns]"),
        symbols=tuple(item.symbols for item in items),
        headline=tuple(item.headline for item in items),
        body=("",) * len(items),
        source=tuple(item.source for item in items),
        begins=np.datetime64(_stamp(begins), "ns"),
    )


def _stamp(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
