"""Bars, splits and dividends of Alpaca's market data, as it tells them now.

    rows = source.bars(symbols, timeframe, first, last)      # by symbol and Alpaca's stamp
    found = source.actions(symbols, first_day, last_day)

Bars are asked for as they were traded (adjustment `raw`), because what Alpaca adjusts today it
adjusts otherwise tomorrow. Rows of an answer may come in any order and more than once: the last one
counts. A row that cannot be read is left out, so that its symbol has no price in that bar.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from benbot.envs.errors import InvalidParameter, VenueUnavailable
from benbot.paper.alpaca.timeframe import Timeframe
from benbot.paper.alpaca.wire import Wire
from benbot.paper.boundary import money_of, price_of

Rows = dict[tuple[str, datetime], "PriceRow"]

ROWS_PER_PAGE, ACTIONS_PER_PAGE = 10_000, 1_000
MOST_PAGES = 500
SPLITS = ("forward_splits", "reverse_splits")
CASH = "cash_dividends"
KINDS = "forward_split,reverse_split,cash_dividend"


class PriceRow(NamedTuple):
    """A bar of a symbol as it was traded; units."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Action(NamedTuple):
    """What happens to a symbol before the opening of a day.

    split      units for each unit held before
    dividend   cash for each unit held, counted after the split
    """

    symbol: str
    day: date
    split: float
    dividend: float


class BarSource:
    """Alpaca's market data.

    `counts` are rows that were left out or replaced, by why: unread, twice.
    """

    def __init__(self, bars: Wire, actions: Wire, feed: str) -> None:
        """Use wires of `data_wire` and `actions_wire`; `feed` is iex or sip."""
        self._bars, self._actions, self._feed = bars, actions, feed
        self.counts: Counter[str] = Counter()

    def bars(
        self, symbols: Sequence[str], timeframe: Timeframe, first: datetime, last: datetime
    ) -> Rows:
        """Return the bars with stamps from `first` to `last`, both included."""
        fields = {
            "symbols": ",".join(symbols),
            "timeframe": timeframe.name,
            "start": first.astimezone(UTC).isoformat(),
            "end": last.astimezone(UTC).isoformat(),
            "adjustment": "raw",
            "feed": self._feed,
            "sort": "asc",
            "limit": ROWS_PER_PAGE,
        }
        rows: Rows = {}
        for page in _pages(self._bars, "/stocks/bars", fields, "bars"):
            for symbol, listed in page.items():
                for written in listed if isinstance(listed, list) else ():
                    self._take(rows, symbol, written)
        return rows

    def actions(self, symbols: Sequence[str], first: date, last: date) -> list[Action]:
        """Return splits and cash dividends whose ex-date lies between two days, both included."""
        fields = {
            "symbols": ",".join(symbols),
            "types": KINDS,
            "start": first.isoformat(),
            "end": last.isoformat(),
            "sort": "asc",
            "limit": ACTIONS_PER_PAGE,
        }
        wanted, found = set(symbols), {}
        for page in _pages(self._actions, "/corporate-actions", fields, "corporate_actions"):
            for kind in (*SPLITS, CASH):
                for written in page.get(kind) or ():
                    action = _action(kind, written)
                    if action.symbol in wanted and first <= action.day <= last:
                        found[_identity(kind, written, action)] = action
        return list(found.values())

    def close(self) -> None:
        """Close the connections."""
        self._bars.close()
        self._actions.close()

    def _take(self, rows: Rows, symbol: str, written: object) -> None:
        try:
            stamp, row = _bar(written)
        except (InvalidParameter, ValueError, OverflowError):
            self.counts["unread"] += 1
            return
        if (symbol, stamp) in rows:
            self.counts["twice"] += 1
        rows[symbol, stamp] = row


def _pages(
    wire: Wire, path: str, fields: Mapping[str, Any], name: str
) -> Iterator[Mapping[str, Any]]:
    """Yield the part of each page that is called `name`."""
    token: object = None
    for _ in range(MOST_PAGES):
        asked = dict(fields) if token is None else {**fields, "page_token": token}
        answer = wire.get(path, asked)
        part = answer.get(name) if isinstance(answer, Mapping) else None
        if not isinstance(part, Mapping):
            raise VenueUnavailable(f"Alpaca's answer cannot be read: it has no {name}")
        yield part
        token = answer.get("next_page_token")
        if token is None:
            return
    raise VenueUnavailable(
        f"at most {MOST_PAGES} pages of {name} can be read at once, there are more. Use fewer "
        "symbols or longer bars"
    )


def _bar(written: object) -> tuple[datetime, PriceRow]:
    """Return stamp and prices of a row; raises where they cannot be."""
    if not isinstance(written, Mapping):
        raise InvalidParameter("a bar must be an object")
    stamp = datetime.fromisoformat(str(written.get("t")))
    if stamp.utcoffset() is None:
        raise InvalidParameter("a bar needs a time with a zone")
    opened, high, low, close = (_price(written, name) for name in "ohlc")
    volume = money_of(_number(written, "v"), "volume")
    if not (low <= min(opened, close) and max(opened, close) <= high and volume >= 0.0):
        raise InvalidParameter("a bar must lie between its low and its high")
    return stamp.astimezone(UTC), PriceRow(opened, high, low, close, volume)


def _action(kind: str, written: object) -> Action:
    """Return a split or a dividend; one that cannot be read makes all of them unread."""
    try:
        if not isinstance(written, Mapping):
            raise InvalidParameter("an action must be an object")
        symbol, day = str(written["symbol"]), date.fromisoformat(str(written["ex_date"]))
        if kind == CASH:
            return Action(symbol, day, 1.0, _price(written, "rate"))
        new, old = (_price(written, name) for name in ("new_rate", "old_rate"))
        return Action(symbol, day, new / old, 0.0)
    except (InvalidParameter, KeyError, ValueError) as error:
        raise VenueUnavailable(
            f"Alpaca's answer cannot be read: one of its {kind} ({error}). Nothing is traded on "
            "prices that may be those of before a split"
        ) from error


def _price(written: Mapping[str, Any], name: str) -> float:
    return price_of(_number(written, name), name)


def _number(written: Mapping[str, Any], name: str) -> float:
    """Return a number, written as one or as text."""
    value = written.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InvalidParameter(f"{name} must be a number, was {type(value).__name__}")
    return float(value)


def _identity(kind: str, written: Mapping[str, Any], action: Action) -> tuple[object, ...]:
    """Return what tells an action from another, so that one which comes twice counts once."""
    return (kind, written.get("id") or action)
