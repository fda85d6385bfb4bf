"""The news of one account, as its store has them: kept once, and the same after every start.

An item counts from the moment at which it was kept, so whoever starts again makes the same of them.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from benbot.paper.press.item import Item, item_from, legible
from benbot.paper.press.tables import NEWS, NEWS_FEEDS
from benbot.paper.store import PaperStore
from benbot.strategies.records.moments import microseconds, moment_of

SHOWN = 5_000  # items that are kept of those that nobody looks back at
MOST = 200_000  # items that are kept where a policy looks at them, all of which it needs
LONGEST_TROUBLE = 200  # characters


@dataclass(frozen=True, slots=True)
class Heard:
    """Since when and until when the items of a feed are known, and why not later, if so."""

    begins: datetime
    until: datetime
    trouble: str = ""


class NewsBook:
    """The items of an account in order, and what was heard of their feed.

    is_lasting  whether all of them are needed; otherwise the oldest are forgotten
    """

    def __init__(self, store: PaperStore, *, is_lasting: bool) -> None:
        self._store, self.is_lasting = store, is_lasting
        own = NEWS.c.account == store.account
        self.items: list[Item] = sorted(
            (item_from(row) for row in store.rows(select(NEWS).where(own))),
            key=lambda item: item.order,
        )
        self._known = {item.identity for item in self.items}
        feeds = store.rows(select(NEWS_FEEDS).where(NEWS_FEEDS.c.account == store.account))
        self.heard: Heard | None = None
        for row in feeds:
            self.heard = Heard(moment_of(row.begins), moment_of(row.heard), row.trouble)

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be kept."""
        return self.is_lasting and len(self.items) >= MOST

    def was_last(self, event: str, other: str) -> bool:
        """Return whether the account's chain told one event after the other, or it alone."""
        told = self._store.events(event, other)
        return bool(told) and told[-1].kind == event

    def begin(self, items: Iterable[Item], heard: Heard) -> None:
        """Keep these items and no others: the account begins, or tried to and begins anew."""
        first = {item.identity: item for item in reversed(list(items))}
        kept = sorted(first.values(), key=lambda item: item.order)[-self._room :]
        with self._store.change() as change:
            change.forget_news(sorted(self._known))
            change.hear([item.row() for item in kept], _row(heard))
        self.items, self.heard = kept, heard
        self._known = {item.identity for item in kept}

    def keep(self, items: Sequence[Item], heard: Heard, event: str = "") -> list[Item]:
        """Keep those that are new, and say of the feed what is known; return what was kept.

        event   of the account's chain, that is told with it; empty: none
        """
        new = self._fitting(list(self._new(items)))
        forgotten = self._forgotten(len(new))
        if not new and heard == self.heard and not event:
            return []
        with self._store.change() as change:
            change.forget_news(forgotten)
            change.hear([item.row() for item in new], _row(heard))
            if event:
                change.event(event, "news", why=heard.trouble, until=heard.until.isoformat())
        del self.items[: len(forgotten)]
        for item in new:
            insort(self.items, item, key=lambda one: one.order)
        self._known = (self._known - set(forgotten)) | {item.identity for item in new}
        self.heard = heard
        return new

    @property
    def _room(self) -> int:
        return MOST if self.is_lasting else SHOWN

    def _new(self, items: Iterable[Item]) -> Iterable[Item]:
        """Yield the items that are not known, each once: the first that came counts."""
        seen = set(self._known)
        for item in items:
            if item.identity not in seen:
                seen.add(item.identity)
                yield item

    def _fitting(self, new: list[Item]) -> list[Item]:
        """Return as many as there is room for: the first, or the last where some are forgotten."""
        if self.is_lasting:
            return new[: max(0, MOST - len(self.items))]
        return sorted(new, key=lambda item: item.order)[-SHOWN:]

    def _forgotten(self, n_new: int) -> list[str]:
        """Return the oldest items, for which there is no room beside so many new ones."""
        if self.is_lasting:
            return []
        n = max(0, len(self.items) + n_new - SHOWN)
        return [item.identity for item in self.items[:n]]


def _row(heard: Heard) -> dict[str, object]:
    return {
        "begins": microseconds(heard.begins),
        "heard": microseconds(heard.until),
        "trouble": legible(heard.trouble, LONGEST_TROUBLE),
    }
