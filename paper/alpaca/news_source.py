"""News of Alpaca's market data, which are those of Benzinga.

An answer may have any form: what cannot be read is left out and counted, and what is read is plain
text of a bounded length (`paper.press.item`). Of an item that comes twice the first one counts,
whatever its publisher makes of it later. Bodies are not asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from benbot.envs.errors import InvalidParameter, TradingError, VenueUnavailable
from benbot.envs.market.news import score_all
from benbot.envs.market.sentiment import Scorer
from benbot.paper.alpaca.wire import Wire
from benbot.paper.boundary import time_of
from benbot.paper.press.item import Item, about, headline_of, identity_of, source_of
from benbot.paper.press.listener import Told, Window

SOURCE = "benzinga"  # as Alpaca writes it, and as a training's items have to be of
PATH, ITEMS_PER_PAGE = "/news", 50
PAGES = 10  # of one answer; the next one goes on where they ended
MOST_ROWS = 1_000  # of a page
LONGEST_TOKEN = 500  # characters
EARLY = timedelta(days=7)  # before the time that was asked for, in which an item may be dated
LATE = timedelta(days=1)  # likewise after it


class NewsSource:
    """Alpaca's news about some symbols (`paper.press.listener.Source`).

    `counts` are rows that were left out, by why: unread, undated, others.
    """

    def __init__(self, wire: Wire, symbols: Sequence[str], scorer: Scorer) -> None:
        """Use a wire of `news_wire`, and the scorer with which the policy's market was made."""
        self._wire, self._scorer = wire, scorer
        self._symbols, self._wanted = tuple(symbols), frozenset(symbols)
        self.counts: Counter[str] = Counter()

    def ask(self, window: Window, token: str | None) -> Told:
        """Return some pages of the items of a time; whatever fails is told as a trouble."""
        rows: list[object] = []
        try:
            for _ in range(PAGES):
                page, token = self._page(window, token)
                rows += page
                if token is None:
                    break
            return Told(self._items(rows, window), token)
        except VenueUnavailable as error:
            return Told(trouble=str(error), wait=error.retry_after)
        except TradingError as error:  # of a scorer
            return Told(trouble=str(error))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _page(self, window: Window, token: str | None) -> tuple[list[object], str | None]:
        fields = {
            "symbols": ",".join(self._symbols),
            "start": window.since.astimezone(UTC).isoformat(),
            "end": window.until.astimezone(UTC).isoformat(),
            "limit": ITEMS_PER_PAGE,
            "sort": "asc",
            "include_content": "false",
        }
        answer = self._wire.get(PATH, fields if token is None else {**fields, "page_token": token})
        rows = answer.get("news") if isinstance(answer, Mapping) else None
        if not isinstance(rows, list) or len(rows) > MOST_ROWS:
            raise VenueUnavailable("Alpaca's answer cannot be read: it has no page of news")
        following = answer.get("next_page_token")
        is_token = isinstance(following, str) and 0 < len(following) <= LONGEST_TOKEN
        if following is not None and not is_token:
            raise VenueUnavailable("Alpaca's answer cannot be read: where its news go on")
        return rows, following

    def _items(self, rows: Sequence[object], window: Window) -> tuple[Item, ...]:
        """Return what can be read, each item once, with the score of its headline."""
        drafts: list[dict[str, Any]] = []
        for row in rows:
            draft = self._draft(row, window)
            if isinstance(draft, str):
                self.counts[draft] += 1
            else:
                drafts.append(draft)
        scores = score_all(self._scorer, [draft["headline"] for draft in drafts])
        return tuple(
            Item(**draft, mood=score) for draft, score in zip(drafts, scores.tolist(), strict=True)
        )

    def _draft(self, row: object, window: Window) -> dict[str, Any] | str:
        """Return an item without its score, or why it is left out."""
        if not isinstance(row, Mapping):
            return "unread"
        named = row.get("symbols")
        symbols = about(named if isinstance(named, list) else (), self._wanted)
        identity, headline = identity_of(row.get("id")), headline_of(row.get("headline"))
        if not symbols:
            return "others"
        if not identity or not headline:
            return "unread"
        try:
            published = time_of(datetime.fromisoformat(str(row.get("created_at"))), "created_at")
        except (InvalidParameter, ValueError, OverflowError):
            return "undated"
        if not window.since - EARLY <= published <= window.until + LATE:
            return "undated"
        return {
            "identity": identity,
            "published": published,
            "known": published,
            "symbols": symbols,
            "headline": headline,
            "source": source_of(row.get("source")) or "unknown",
        }
