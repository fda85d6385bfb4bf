"""The market of the emulated Alpaca: what moves its quotes, and what its data service lists.

A market of ours is played by the broker's clock. Inside a bar a price goes in straight lines from
the open over low and high to the close, of which nobody is shown more than the present. A bar that
forms is listed as it is so far, as Alpaca does. It shares no code with what it judges.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from benbot.envs.market.market import Market
from tests.paper.emulator.broker import Broker, Nbbo, Refused
from tests.paper.emulator.calendar import NEW_YORK

Listed = dict[str, list[dict[str, Any]]]
KNOTS = (0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0)


@dataclass
class Exchange:
    """A market in motion; `minutes` is how long its bars are, None: a session.

    unlisted  bars by symbol and number that its data service does not have
    late      how long after its end a bar is listed
    distort   what happens to the rows of an answer
    assets    fields of an asset by symbol, over the usual ones
    """

    market: Market
    broker: Broker
    minutes: int | None = None
    half_spread: float = 0.0
    unlisted: set[tuple[str, int]] = field(default_factory=set)
    late: timedelta = timedelta(0)
    distort: Callable[[Listed], Listed] = lambda rows: rows
    assets: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ends = [one.astype("datetime64[us]").item() for one in self.market.timestamps]
        self.ends = [one.replace(tzinfo=UTC) for one in ends]
        self.days = [one.astimezone(NEW_YORK).date() for one in self.ends]
        self.begins = [self._begin(t) for t in range(len(self.ends))]
        self.traded = {
            name: getattr(self.market, name) * self.market.unadjusted
            for name in ("open", "high", "low", "close")
        }
        self._n_split = self._begun(self.broker.clock())

    def _begin(self, t: int) -> datetime:
        if self.minutes is not None:
            return self.ends[t] - timedelta(minutes=self.minutes)
        session = self.broker.sessions.on(self.days[t])
        assert session is not None, f"{self.days[t]} has no session"
        return session[0].astimezone(UTC)

    def _begun(self, now: datetime) -> int:
        return int(np.searchsorted(np.array(self.begins), now, side="right"))

    # What is quoted.

    def move(self) -> None:
        """Let the broker see the market as it is now."""
        now = self.broker.clock()
        begun = self._begun(now)
        while self._n_split < begun:
            self._split(self._n_split)
            self._n_split += 1
        t = begun - 1
        is_on = t >= 0 and now < self.ends[t]
        for s, symbol in enumerate(self.market.symbols):
            price = self._price(t, s, now) if t >= 0 else None
            if price is not None:
                time = now if is_on else self.ends[t]
                spread = self.half_spread * price
                self.broker.quotes[symbol] = Nbbo(price - spread, price + spread, time)

    def _price(self, t: int, s: int, now: datetime) -> float | None:
        if not self.market.tradable[t, s]:
            return None
        opened, high, low, close = (float(one[t, s]) for one in self.traded.values())
        knots = (opened, low, high, close) if close >= opened else (opened, high, low, close)
        share = (now - self.begins[t]) / (self.ends[t] - self.begins[t])
        return float(np.interp(min(share, 1.0), KNOTS, knots))

    def _split(self, t: int) -> None:
        for s, symbol in enumerate(self.market.symbols):
            held, ratio = self.broker.positions.get(symbol), float(self.market.split[t, s])
            if held is not None and ratio != 1.0:
                held.qty *= Decimal(str(ratio))

    # What is listed.

    def answer(self, path: str, asked: dict[str, str]) -> object:
        """Return the answer to a question about the market, None where it is about none."""
        answers = {
            "/v2/stocks/bars": self._bars,
            "/v1/corporate-actions": self._actions,
            "/v2/calendar": self._calendar,
        }
        if path in answers:
            return answers[path](asked)
        if path.startswith("/v2/assets/"):
            return self._asset(path.rpartition("/")[2])
        return None

    def _bars(self, asked: dict[str, str]) -> object:
        timeframe = "1Day" if self.minutes is None else f"{self.minutes}Min"
        if asked["timeframe"] != timeframe or asked["adjustment"] != "raw":
            raise Refused(400, 40010000, f"only raw bars of {timeframe} are here")
        first, last = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
        rows = {
            symbol: [
                row
                for t in range(self._begun(self.broker.clock()))
                if first <= self._stamp(t) <= last
                and (row := self._row(t, self.market.symbols.index(symbol))) is not None
            ]
            for symbol in sorted(asked["symbols"].split(","))
            if symbol in self.market.symbols
        }
        return _page(self.distort(rows), "bars", asked)

    def _stamp(self, t: int) -> datetime:
        if self.minutes is not None:
            return self.begins[t]
        return datetime.combine(self.days[t], time(), NEW_YORK)

    def _row(self, t: int, s: int) -> dict[str, Any] | None:
        now, symbol = self.broker.clock(), self.market.symbols[s]
        forms = now < self.ends[t]
        is_late = not forms and now < self.ends[t] + self.late
        if not self.market.tradable[t, s] or (symbol, t) in self.unlisted or is_late:
            return None
        opened, high, low, close = (float(one[t, s]) for one in self.traded.values())
        if forms:
            close = self._price(t, s, now) or opened
            high, low = max(opened, close), min(opened, close)
        volume = float(self.market.volume[t, s]) / float(self.market.unadjusted[t, s])
        stamp = self._stamp(t).astimezone(UTC).isoformat().replace("+00:00", "Z")
        prices = {"o": opened, "h": high, "l": low, "c": close}
        return {"t": stamp, **prices, "v": volume, "n": 7, "vw": close}

    def _actions(self, asked: dict[str, str]) -> object:
        first, last = (date.fromisoformat(asked[name]) for name in ("start", "end"))
        found: Listed = {"forward_splits": [], "reverse_splits": [], "cash_dividends": []}
        for t, s in np.argwhere((self.market.split != 1.0) | (self.market.dividend > 0.0)):
            if not first <= self.days[t] <= last:
                continue
            row = {"symbol": self.market.symbols[s], "ex_date": str(self.days[t])}
            row |= {"id": f"{t}-{s}", "process_date": str(self.days[t])}
            split, dividend = float(self.market.split[t, s]), float(self.market.dividend[t, s])
            if split != 1.0:
                kind = "forward_splits" if split > 1.0 else "reverse_splits"
                rates = (split, 1.0) if split > 1.0 else (1.0, 1.0 / split)
                found[kind].append(row | dict(zip(("new_rate", "old_rate"), rates, strict=True)))
            if dividend > 0.0:
                found["cash_dividends"].append(row | {"rate": dividend, "special": False})
        return {"corporate_actions": self.distort(found), "next_page_token": None}

    def _calendar(self, asked: dict[str, str]) -> object:
        day, last = (date.fromisoformat(asked[name]) for name in ("start", "end"))
        rows = []
        while day <= last:
            session = self.broker.sessions.on(day)
            if session is not None:
                hours = {"open": f"{session[0]:%H:%M}", "close": f"{session[1]:%H:%M}"}
                rows.append({"date": str(day), **hours})
            day += timedelta(days=1)
        return rows

    def _asset(self, symbol: str) -> object:
        if symbol not in self.market.symbols:
            raise Refused(404, 40410000, f"asset not found for {symbol}")
        usual = {
            "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
            "class": "us_equity",
            "exchange": "NASDAQ",
            "symbol": symbol,
            "name": f"{symbol} Inc.",
            "status": "active",
            "tradable": True,
            "marginable": True,
            "shortable": True,
            "easy_to_borrow": True,
            "fractionable": True,
        }
        return usual | self.assets.get(symbol, {})


def _page(rows: Listed, name: str, asked: dict[str, str]) -> object:
    """Return a page of rows, which are counted over all symbols."""
    every = [(symbol, row) for symbol, listed in rows.items() for row in listed]
    start, size = int(asked.get("page_token", "0")), int(asked.get("limit", "1000"))
    page: Listed = {}
    for symbol, row in every[start : start + size]:
        page.setdefault(symbol, []).append(row)
    rest = len(every) > start + size
    return {name: page, "next_page_token": str(start + size) if rest else None}
