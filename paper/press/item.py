"""An item of news as an account keeps it: plain text of a bounded length, and when it was known.

What comes from elsewhere may be anything, so it is made legible where it comes in: one line, no
characters that steer whoever shows them (controls, overrides of the direction, halves of a pair),
and no more than so many of them. It is still foreign text: pages have to escape it.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benbot.envs.errors import InvalidParameter
from benbot.paper.boundary import time_of
from benbot.paper.notify.news import STRANGE
from benbot.paper.press.tables import LONGEST_ID, LONGEST_SOURCE
from benbot.strategies.records.moments import microseconds, moment_of

LONGEST_HEADLINE = 500  # characters
SPARE = 4  # times as many are looked at, for some may be no text


@dataclass(frozen=True, slots=True)
class Item:
    """An item; two of one `identity` are one.

    published  when its source says that everybody could first read it
    known      since when the account knows of it, which is never before it was published
    symbols    of the account, one or more, each once
    mood       -1 to 1, of the scorer with which the market of the policy was made
    """

    identity: str
    published: datetime
    known: datetime
    symbols: tuple[str, ...]
    headline: str
    source: str
    mood: float

    def __post_init__(self) -> None:
        if not (self.identity and self.headline and self.symbols):
            raise InvalidParameter(
                "an item of news needs an identity, a headline and a symbol, was "
                f"{self.identity!r} about {' '.join(self.symbols) or 'nothing'}"
            )
        if not (math.isfinite(self.mood) and abs(self.mood) <= 1.0):
            raise InvalidParameter(f"a mood must lie between -1 and 1, was {self.mood}")
        if not time_of(self.published, "published") <= time_of(self.known, "known"):
            raise InvalidParameter(
                f"an item must not be known before it is published, was {self.known} and "
                f"{self.published}"
            )

    @property
    def order(self) -> tuple[datetime, datetime, str, str, str]:
        """What items are sorted by: the same, in whichever order they came."""
        return (self.known, self.published, self.source, self.headline, self.identity)

    def row(self) -> dict[str, Any]:
        """Return its columns but the account's."""
        return {
            "item": self.identity,
            "moment": microseconds(self.known),
            "published": microseconds(self.published),
            "symbols": " ".join(self.symbols),
            "headline": self.headline,
            "source": self.source,
            "mood": self.mood,
        }


def item_from(row: Any) -> Item:  # noqa: ANN401 - a row of the table, its columns by name
    """Return an item as it was kept."""
    return Item(
        identity=row.item,
        published=moment_of(row.published),
        known=moment_of(row.moment),
        symbols=tuple(row.symbols.split(" ")),
        headline=row.headline,
        source=row.source,
        mood=row.mood,
    )


def about(named: Sequence[object], wanted: frozenset[str]) -> tuple[str, ...]:
    """Return the symbols of the account among those that an item names, each once."""
    own = [one for one in named if isinstance(one, str) and one in wanted]
    return tuple(dict.fromkeys(own))


def headline_of(text: object) -> str:
    """Return a headline as it is kept, empty where there is none."""
    return legible(text, LONGEST_HEADLINE)


def source_of(text: object) -> str:
    """Return the name of a source as it is kept."""
    return legible(text, LONGEST_SOURCE)


def identity_of(given: object) -> str:
    """Return what a source calls an item, empty where that is neither a number nor a short text."""
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        return ""
    if isinstance(given, int) and not 0 <= given < 2**63:
        return ""
    text = str(given)
    return text if len(text) <= LONGEST_ID and text.isascii() and text.isalnum() else ""


def legible(text: object, longest: int) -> str:
    """Return a text as one line of at most so many characters, none of which steers."""
    if not isinstance(text, str):
        return ""
    looked_at = text[: SPARE * longest]
    clean = "".join(
        " " if unicodedata.category(one).startswith(STRANGE) else one for one in looked_at
    )
    return " ".join(clean.split())[:longest].rstrip()
