"""The news that an account heard, those of what it holds or wants first."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from benbot.paper.overview.rows import count, newest, only
from benbot.paper.press.tables import NEWS, NEWS_FEEDS
from benbot.strategies.diamonds import LEAST_MOOD

LOOKED_AT = 300  # of the newest items, among which those that matter are looked for


@dataclass(frozen=True)
class Headline:
    """An item; the text is somebody else's.

    published, known   microseconds since 1970; the account knows of it since the second
    mood               -1 to 1
    matters            whether it is about a symbol that is held or wanted
    """

    published: int
    known: int
    symbols: tuple[str, ...]
    text: str
    source: str
    mood: float
    matters: bool = False

    @property
    def is_strong(self) -> bool:
        """Whether its mood alone is that of a diamond, which needs more than that."""
        return abs(self.mood) >= LEAST_MOOD

    @property
    def is_late(self) -> bool:
        """Whether it was heard in another minute than it was published in."""
        return self.known // 60_000_000 != self.published // 60_000_000


@dataclass(frozen=True)
class Press:
    """What an account heard.

    heard     until when, microseconds since 1970; None: it hears of none
    trouble   why not until now; empty: it does
    """

    headlines: list[Headline]
    n_items: int
    heard: int | None = None
    trouble: str = ""


def press(connection: Connection, account: str, matter: Collection[str], n: int) -> Press:
    """Return `n` of the newest items, those about symbols that matter before the others."""
    items = headlines(connection, account, LOOKED_AT, matter)
    first = sorted(items, key=lambda one: not one.matters)  # the newest first among each
    feed = only(connection, NEWS_FEEDS, account)
    n_items = count(connection, NEWS, NEWS.c.account == account)
    if feed is None:
        return Press(first[:n], n_items)
    return Press(first[:n], n_items, feed["heard"], feed["trouble"])


def headlines(
    connection: Connection, account: str, n: int, matter: Collection[str] = ()
) -> list[Headline]:
    """Return the last items, the newest first."""
    rows = newest(connection, NEWS, account, (NEWS.c.moment, NEWS.c.published, NEWS.c.item), n)
    found = []
    for row in rows:
        symbols = tuple(row["symbols"].split())
        words = (row["headline"], row["source"], row["mood"])
        matters = not matter or bool(set(matter) & set(symbols))
        found.append(Headline(row["published"], row["moment"], symbols, *words, matters))
    return found
