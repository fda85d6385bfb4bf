"""Which news a policy was trained with, and how they were scored: what must stay the same."""

import hashlib
from typing import Any

from benbot.envs.market.news import NewsFeed, score_all
from benbot.envs.market.news_settings import NewsSettings

# A scorer is known by what it says: the same files may lie elsewhere, others in the same place.
ASKED = (
    "shares rise as profit beats forecasts by a wide margin",
    "shares fall on weak guidance and a loss",
    "company is accused of fraud, regulator opens an investigation",
    "regulator approves the drug; analysts are confident of great success",
    "board to meet on Tuesday",
    "not a bad quarter, but no growth either",
    "",
)
DIGITS = 6  # that count: libraries differ in the last ones
SHOWN = 16  # characters of a digest


def sources_of(feed: NewsFeed) -> list[str]:
    """Return who published the items of a feed, in lower case, in order."""
    return sorted({source.casefold() for source in feed.table.source})


def scoring_of(feed: NewsFeed) -> dict[str, Any]:
    """Return what an account notes of the news that its policy was trained with."""
    settings = feed.settings
    names = [name for name in NewsSettings.model_fields if name != "model"]
    scores = score_all(feed.scorer, list(ASKED))
    said = " ".join(f"{score:.{DIGITS}f}" for score in scores + 0.0)
    return {
        "sources": sources_of(feed),
        "settings": {name: getattr(settings, name) for name in names},
        "scores": hashlib.sha256(said.encode()).hexdigest()[:SHOWN],
    }
