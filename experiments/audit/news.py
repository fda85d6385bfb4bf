"""Whether news are known before they are published.

The features of the news are facts of a market, so what is asked elsewhere takes them as they are.
Here they are made again from the items themselves, at each cut, in two other worlds:

- *truncate*: no item after the last known close has been published.
- *change*: other items are published after it, and those that were are turned into others.

Bars before the cut must have the features that the market has. Times of publication are what the
feed says; a vendor who writes a time that is too early cannot be found out here.
"""

from dataclasses import replace

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed, NewsTable
from benbot.envs.market.news_features import NEWS_FEATURES
from benbot.experiments.audit.columns import NEWS
from benbot.experiments.audit.result import EQUAL, Finding, Findings, Key, Probe, first_difference

OTHERWISE = "breaking: a wonderful success after a terrible disaster, number {}"


class NewsProbe:
    """Makes the features of a market's last bars again, as if the future were another one.

    market   the whole one, with the features that are in question
    first    its first bar that is looked at
    """

    keys = tuple(Key(NEWS, "", name) for name in NEWS_FEATURES)

    def __init__(self, feed: NewsFeed, market: Market, first: int, findings: Findings) -> None:
        # Items before `begin` cannot matter any more; leaving them out saves time, and shows that
        # they do not.
        self.begin = max(0, first - feed.settings.memory - 1)
        self.market, self.first, self.findings = market, first, findings
        start = market.timestamps[self.begin]
        self.feed = feed.over(feed.table.keep(feed.table.time > start)) if self.begin else feed

    def probe(self, n: int) -> None:
        """Look at the bars before bar `n` of the whole market, the first that is not known."""
        known = self.feed.table.time <= self.market.timestamps[n - 1]
        self._compare(self.feed.table.keep(known), n, n, Probe.TRUNCATE)
        self._compare(otherwise(self.feed.table, known), self.market.n_bars, n, Probe.CHANGE)

    def _compare(self, table: NewsTable, n_bars: int, n: int, probe: Probe) -> None:
        rows = slice(self.first - self.begin, n - self.begin)
        for name, values in self._made(table, n_bars).items():
            was = self.market.features[name][self.first : n]
            found = first_difference(was, values[rows], EQUAL)
            if found is not None:
                self.findings.note(Key(NEWS, "", name), Finding(probe, *found))

    def _made(self, table: NewsTable, n_bars: int) -> dict[str, FloatArray]:
        timestamps = self.market.timestamps[self.begin : n_bars]
        return self.feed.over(table).features(timestamps, self.market.symbols)


def otherwise(table: NewsTable, known: BoolArray) -> NewsTable:
    """Return the table with other headlines where they are not known, each of them twice.

    The second of a pair is published when the next item is.
    """
    later = np.flatnonzero(~known).tolist()
    headline = tuple(
        table.headline[i] if known[i] else OTHERWISE.format(i) for i in range(table.n_items)
    )
    other = replace(table, headline=headline)
    rows = [*range(table.n_items), *later]
    time = np.concatenate([table.time, table.time[[min(i + 1, later[-1]) for i in later]]])
    order = np.argsort(time, kind="stable").tolist()
    picked = [rows[i] for i in order]
    return replace(
        other,
        time=time[order],
        symbols=tuple(other.symbols[i] for i in picked),
        headline=tuple(other.headline[i] for i in picked),
        body=tuple(other.body[i] for i in picked),
        source=tuple(other.source[i] for i in picked),
    )
