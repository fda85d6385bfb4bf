"""Small news tables and feeds for tests."""

from collections.abc import Sequence

import numpy as np

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.market.news import NewsFeed, NewsTable
from benbot.envs.market.news_settings import NewsSettings

CLOSES: TimeArray = (
    np.datetime64("2020-01-01") + np.arange(40) * np.timedelta64(1, "D") + np.timedelta64(21, "h")
).astype("datetime64[ns]")
# Fades by half in a bar, forgets after ten, and compares with the four bars before.
QUICK = NewsSettings(mood_half_life=1, intensity_half_life=1, usual_bars=4, novelty_bars=3)
Row = tuple[str, str | tuple[str, ...], str]


def table_of(rows: Sequence[Row]) -> NewsTable:
    """Return a table of (time, symbols, headline), which must be in order."""
    return NewsTable(
        time=np.array([time for time, _, _ in rows], "datetime64[ns]"),
        symbols=tuple((s,) if isinstance(s, str) else s for _, s, _ in rows),
        headline=tuple(headline for _, _, headline in rows),
        body=("",) * len(rows),
        source=("wire",) * len(rows),
        begins=np.datetime64(rows[0][0], "ns"),
    )


def simple_scorer(texts: Sequence[str]) -> FloatArray:
    """Return +1 for texts that say good, -1 for those that say bad, else 0."""
    return np.array([("good" in text) * 1.0 - ("bad" in text) * 1.0 for text in texts])


def feed_of(rows: Sequence[Row], settings: NewsSettings = QUICK) -> NewsFeed:
    return NewsFeed(table_of(rows), simple_scorer, settings)
