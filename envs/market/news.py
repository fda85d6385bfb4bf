"""News as a table of items, and a feed that makes facts of a market from it.

The facts are features of the market: see `news_features`. They are made once, where the market is
made, and are cut with it from then on, so strategies read them as they read prices. That is why
the scorers live on this floor, too; what trains and judges one is a command, and lives above.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray, frozen
from benbot.envs.errors import BadMarketData
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import Mentions, news_features, words_of
from benbot.envs.market.news_settings import NewsSettings
from benbot.envs.market.sentiment import Scorer


@dataclass(frozen=True, eq=False)
class NewsTable:
    """N items in order of time; a social feed is the same table with another source.

    time      (N,)  datetime64[ns], UTC: when everybody could first read it
    symbols   (N,)  tickers that each item is about, one or more
    headline  (N,)  never empty
    body      (N,)  may be empty
    source    (N,)  who published it
    begins          since when the feed is complete: the time of its first item, and still so when
                    the table is cut
    """

    time: TimeArray
    symbols: tuple[tuple[str, ...], ...]
    headline: tuple[str, ...]
    body: tuple[str, ...]
    source: tuple[str, ...]
    begins: np.datetime64

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", frozen(self.time.astype("datetime64[ns]")))
        columns = (self.symbols, self.headline, self.body, self.source)
        if {len(column) for column in columns} != {len(self.time)}:
            raise BadMarketData(
                f"a news table needs columns of one length, was {[len(c) for c in columns]} for "
                f"{len(self.time)} times"
            )
        if np.isnat(self.time).any() or (np.diff(self.time.astype(np.int64)) < 0).any():
            raise BadMarketData("news must be in order of time, each with one. Sort them by time")

    @property
    def n_items(self) -> int:
        return len(self.time)

    def keep(self, kept: BoolArray) -> "NewsTable":
        """Return the items that are marked, of a feed that began when this one did."""
        rows = np.flatnonzero(kept).tolist()
        return replace(
            self,
            time=self.time[kept],
            symbols=tuple(self.symbols[i] for i in rows),
            headline=tuple(self.headline[i] for i in rows),
            body=tuple(self.body[i] for i in rows),
            source=tuple(self.source[i] for i in rows),
        )


@dataclass(frozen=True, eq=False)
class NewsFeed:
    """A table with who scores it and how its items fade."""

    table: NewsTable
    scorer: Scorer
    settings: NewsSettings

    def over(self, table: NewsTable) -> "NewsFeed":
        """Return the same feed over other items."""
        return replace(self, table=table)

    def features(self, timestamps: TimeArray, symbols: Sequence[str]) -> dict[str, FloatArray]:
        """Return the news features of the bars that close at `timestamps`, [T, S] by name.

        What was published until the first close is left out, since nobody knows how old it is in
        bars; so are symbols that are not among `symbols`, and what came after the last close.
        """
        mentions = self._mentions(timestamps, {name: s for s, name in enumerate(symbols)})
        begins = max(1, int(np.searchsorted(timestamps, self.table.begins)))
        shape = (len(timestamps), len(symbols))
        return news_features(mentions, shape, begins, self.settings)

    def scores(self) -> FloatArray:
        """Return the score of each item of the table, (N,)."""
        return score_all(self.scorer, self._texts(self.table))

    def _mentions(self, timestamps: TimeArray, places: dict[str, int]) -> Mentions:
        bar = bars_of(self.table.time, timestamps)
        heard = self.table.keep((bar > 0) & (bar < len(timestamps)))
        bar = bar[(bar > 0) & (bar < len(timestamps))]
        score = self.over(heard).scores()
        pairs = [
            (i, symbol)
            for i, about in enumerate(heard.symbols)
            for symbol in about
            if symbol in places
        ]
        item = np.array([i for i, _ in pairs], np.int64)
        return Mentions(
            bar[item],
            np.array([places[symbol] for _, symbol in pairs], np.int64),
            tuple(words_of(heard.headline[i], symbol) for i, symbol in pairs),
            score[item],
        )

    def _texts(self, table: NewsTable) -> list[str]:
        if not self.settings.with_body:
            return list(table.headline)
        both = zip(table.headline, table.body, strict=True)
        return [f"{headline}\n{body}".rstrip() for headline, body in both]


def bars_of(time: TimeArray, timestamps: TimeArray) -> IntArray:
    """Return the first bar that closes at or after each time, T where none does."""
    bars: IntArray = np.searchsorted(timestamps, time, side="left")
    return bars


def score_all(scorer: Scorer, texts: list[str]) -> FloatArray:
    """Return the score of each text; refuse a scorer that leaves [-1, 1]."""
    score = np.asarray(scorer(texts), dtype=np.float64) if texts else np.zeros(0)
    if score.shape != (len(texts),) or not (np.abs(score) <= 1.0).all():
        raise BadMarketData(
            f"a scorer must give each of {len(texts)} texts a number in [-1, 1], was "
            f"{score.shape} from {np.nanmin(score, initial=0)} to {np.nanmax(score, initial=0)}"
        )
    return score


def with_news(market: Market, feed: NewsFeed, notes: tuple[str, ...] = ()) -> Market:
    """Return the market with the features of its news, and with what was left out as notes."""
    features = feed.features(market.timestamps, market.symbols)
    early = int(np.count_nonzero(bars_of(feed.table.time, market.timestamps) == 0))
    if early:
        notes = (*notes, f"{early} items of news until the first close left out")
    origin = replace(market.origin, notes=market.origin.notes + notes)
    return replace(market, features={**market.features, **features}, origin=origin)
