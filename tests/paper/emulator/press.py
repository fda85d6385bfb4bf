"""The news of the emulated Alpaca: items that are listed from a time on, in pages.

An item is listed when it appears, which may be long after the time that it says it is of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.paper.emulator.broker import Refused

Row = dict[str, Any]


@dataclass
class Press:
    """What was published; `distort` is what happens to the rows of an answer."""

    items: list[tuple[datetime, Row]] = field(default_factory=list)
    distort: Callable[[list[Any]], list[Any]] = lambda rows: rows
    windows: list[tuple[str, str]] = field(default_factory=list)  # that were asked for

    def publish(
        self, moment: datetime, symbols: list[str], headline: str, appears: datetime | None = None
    ) -> Row:
        """Publish an item, which says that it is of this moment; return it as it is listed."""
        stamp = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        row = {
            "id": 40_000_000 + len(self.items),
            "headline": headline,
            "author": "Somebody",
            "created_at": stamp,
            "updated_at": stamp,
            "summary": "",
            "content": "",
            "images": [],
            "symbols": symbols,
            "source": "benzinga",
            "url": None,
        }
        self.items.append((appears or moment, row))
        return row

    def answer(self, asked: dict[str, str], now: datetime) -> object:
        """Return a page of what is listed by now, by the time at which it appeared."""
        since, until = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
        self.windows.append((asked["start"], asked["end"]))
        wanted = set(asked["symbols"].split(","))
        listed = sorted(
            (one for one in self.items if one[0] <= now and since <= one[0] <= until),
            key=lambda one: one[0],
        )
        rows = self.distort([row for _, row in listed if wanted & set(row["symbols"])])
        token = asked.get("page_token", "0")
        if not token.isdigit():
            raise Refused(400, 40010000, "invalid page token")
        start, size = int(token), min(50, int(asked.get("limit", "10")))
        rest = len(rows) > start + size
        following = str(start + size) if rest else None
        return {"news": rows[start : start + size], "next_page_token": following}
