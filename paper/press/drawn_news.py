"""What an account hears in a drawn market: the items of the sessions from which it is drawn.

    news = DrawnNews(feed, drawn, book, clock)
    news.look()                                    # before each cycle

The features of a drawn bar are those of the bar that it is drawn from, which were made of the items
of that bar and some before it. So the items of that bar come again, at the same share of the drawn
bar; their headlines are those of the history. They are there to be seen: strategies read the
features of the market, as in training.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray, TimeArray
from benbot.envs.market.news import NewsFeed, bars_of
from benbot.paper.drawn import DrawnMarket
from benbot.paper.hours import to_datetime, to_stamp
from benbot.paper.press.book import SHOWN, Heard, NewsBook
from benbot.paper.press.item import Item, about, headline_of, source_of

MICROSECOND = timedelta(microseconds=1)


class DrawnNews:
    """The items of a drawn market, as they become known."""

    def __init__(
        self, feed: NewsFeed, drawn: DrawnMarket, book: NewsBook, clock: Callable[[], datetime]
    ) -> None:
        """Hear of a feed whose items are those of the history that was drawn on from."""
        self._drawn, self._book, self._clock = drawn, book, clock
        self._wanted = frozenset(drawn.market.symbols)
        stamps = drawn.market.timestamps[: drawn.n_known]
        bar = bars_of(feed.table.time, stamps)
        is_told = (bar > 0) & (bar < drawn.n_known)
        self._feed = feed.over(feed.table.keep(is_told))
        self._bar: IntArray = bar[is_told]
        self._share = _shares(self._feed, stamps, self._bar)
        self._scores: FloatArray | None = None
        begins = to_datetime(drawn.hours.ends[drawn.n_known - 1])
        self._begins = begins if book.heard is None else book.heard.begins
        self._until = begins if book.heard is None else book.heard.until

    def look(self) -> None:
        """Keep what has become known since the last look."""
        now = self._clock()
        if now <= self._until:
            return
        self._drawn.reach_time(to_stamp(now))
        ends = self._drawn.hours.ends
        first = int(np.searchsorted(ends, to_stamp(self._until), side="right"))
        last = int(np.searchsorted(ends, to_stamp(now), side="left"))
        found: list[Item] = []
        for t in range(last, first - 1, -1):  # the newest first, as many as are kept
            found += [one for one in self._items(t) if self._until < one.known <= now]
            if len(found) >= SHOWN:
                break
        self._until = now
        if found:
            self._book.keep(found, Heard(self._begins, now))

    def _items(self, t: int) -> list[Item]:
        """Return the items of drawn bar `t`."""
        rows = np.flatnonzero(self._bar == self._drawn.origin[t]).tolist()
        if not rows:
            return []
        if self._scores is None:
            self._scores = self._feed.scores()
        end, before = (to_datetime(self._drawn.hours.ends[i]) for i in (t, t - 1))
        table, found = self._feed.table, []
        for i in rows:
            symbols = about(table.symbols[i], self._wanted)
            headline = headline_of(table.headline[i])
            if symbols and headline:
                moment = max(before + (end - before) * float(self._share[i]), before + MICROSECOND)
                known = min(moment, end)
                source = source_of(table.source[i])
                mood = float(self._scores[i])
                identity = f"{t}x{i}"
                found.append(Item(identity, known, known, symbols, headline, source, mood))
        return found


def _shares(feed: NewsFeed, stamps: TimeArray, bar: IntArray) -> FloatArray:
    """Return how much of its bar was over when each item was published, (N,), above 0."""
    end, before = (stamps[i].astype(np.int64) for i in (bar, bar - 1))
    time = feed.table.time.astype(np.int64)
    share: FloatArray = (time - before) / (end - before)
    return share
