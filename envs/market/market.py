"""Every fact about a universe over time, as arrays that nobody can change.

T bars, S symbols. A fact of bar t is known at the close of bar t.

price      account currency per unit
volume     units traded during the bar
spread     quoted spread as a fraction of the price; a trade pays half of it
"""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray, frozen
from benbot.envs.errors import BadMarketData

PRICES = ("open", "high", "low", "close")
FACTS = (*PRICES, "volume", "spread")
TRADING_DAYS_PER_YEAR = 252
CALENDAR_DAYS_PER_YEAR = 365
DTYPES: dict[str, Any] = {"timestamps": "datetime64[ns]", "session": np.int64, "tradable": np.bool_}


@dataclass(frozen=True)
class Origin:
    """Where a market came from and what its source did to the raw data, for people to read.

    source       a path, a dataset's name, a seed
    adjustment   which correction for splits and dividends the prices carry
    notes        sentences on what was left out or repaired
    """

    source: str = "given"
    adjustment: str = "none"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Market:
    """A universe of S symbols over T bars; build it with `market_from_prices` or a source.

    timestamps   (T,)    datetime64[ns], UTC, when each bar closed; strictly increasing
    session      (T,)    number of the trading day each bar belongs to; never decreasing
    symbols      (S,)    tickers, unique
    sectors      (S,)    sector of each symbol, "unknown" where nobody said
    open … close (T, S)  adjusted prices, NaN where the symbol did not trade
    volume       (T, S)  NaN where unknown
    spread       (T, S)  NaN where unknown
    tradable     (T, S)  whether the symbol has a price at this bar
    has_range    bool    False for a market of closes only: orders then fill at the next close
    origin               no fact of the market and no part of its digest
    """

    timestamps: TimeArray
    session: IntArray
    symbols: tuple[str, ...]
    sectors: tuple[str, ...]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    spread: FloatArray
    tradable: BoolArray
    has_range: bool
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        for name in ("timestamps", "session", *FACTS, "tradable"):
            value = np.asarray(getattr(self, name), dtype=DTYPES.get(name, np.float64))
            # Whoever made a writable array could still change the facts through it.
            owned = value.copy() if value.flags.writeable else value
            object.__setattr__(self, name, frozen(owned))
        check_market(self)

    @property
    def n_bars(self) -> int:
        return len(self.timestamps)

    @property
    def n_symbols(self) -> int:
        return len(self.symbols)

    @cached_property
    def bars_per_year(self) -> float:
        """Bars in a year: bars per session of the span, times the sessions of a year.

        A year has 252 sessions, or 365 where the market closes bars on all days of the week.
        """
        days_of_week = np.unique(self.timestamps.astype("datetime64[D]").astype(np.int64) % 7)
        always_open = days_of_week.size == 7
        sessions_per_year = CALENDAR_DAYS_PER_YEAR if always_open else TRADING_DAYS_PER_YEAR
        n_sessions = int(self.session[-1] - self.session[0]) + 1
        return sessions_per_year * self.n_bars / n_sessions

    @cached_property
    def days(self) -> TimeArray:
        """Return the day to which each bar belongs, (T,): the UTC day on which its session began.

        A session that closes at midnight, as one that never closes does, belongs to the day before.
        """
        first = np.searchsorted(self.session, self.session)
        days: TimeArray = (self.timestamps[first] - np.timedelta64(1, "ns")).astype("datetime64[D]")
        return days

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that change whenever any fact changes."""
        sha = hashlib.sha256()
        for field in fields(self):
            if field.name == "origin":
                continue
            value = getattr(self, field.name)
            plain = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            sha.update(field.name.encode() + b"\0" + plain)
        return sha.hexdigest()[:16]

    def until(self, n_bars: int) -> "Market":
        """Return what was known after the first `n_bars` bars."""
        return self.between(0, n_bars)

    def between(self, start: int, stop: int) -> "Market":
        """Return bars `start` (included) to `stop` (excluded) as a market of their own."""
        changed: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            changed[field.name] = value[start:stop] if isinstance(value, np.ndarray) else value
        return Market(**changed)


def market_from_prices(
    timestamps: TimeArray,
    symbols: tuple[str, ...],
    prices: dict[str, FloatArray],
    *,
    session: IntArray | None = None,
    sectors: tuple[str, ...] | None = None,
    origin: Origin | None = None,
) -> Market:
    """Build a market from whichever facts there are.

    `prices` maps "close" and, if known, "open", "high", "low", "volume" and "spread" to arrays
    [T, S]. Without a range the market has closes only. Without `session` every bar is a day.
    """
    _check_names(prices)
    close = np.asarray(prices["close"], dtype=np.float64)
    unknown = np.full(close.shape, np.nan)
    has_range = all(name in prices for name in PRICES)
    drawn = {name: prices[name] if has_range else close for name in PRICES}
    return Market(
        timestamps=np.asarray(timestamps, dtype="datetime64[ns]"),
        session=np.arange(close.shape[0]) if session is None else session,
        symbols=symbols,
        sectors=("unknown",) * len(symbols) if sectors is None else sectors,
        **{name: np.asarray(price, dtype=np.float64) for name, price in drawn.items()},
        volume=np.asarray(prices.get("volume", unknown), dtype=np.float64),
        spread=np.asarray(prices.get("spread", unknown), dtype=np.float64),
        tradable=np.isfinite(close),
        has_range=has_range,
        origin=Origin() if origin is None else origin,
    )


def check_market(market: Market) -> None:
    """Refuse facts that contradict each other, naming symbol, bar and field."""
    _check_shapes(market)
    _check_calendar(market)
    for name in PRICES:
        price = getattr(market, name)
        _refuse(market, market.tradable & ~(np.isfinite(price) & (price > 0.0)), name, "positive")
        _refuse(market, ~market.tradable & ~np.isnan(price), name, "NaN where not tradable")
    body_high = np.maximum(market.open, market.close)
    body_low = np.minimum(market.open, market.close)
    _refuse(market, market.high < body_high, "high", "at or above open and close")
    _refuse(market, market.low > body_low, "low", "at or below open and close")
    _refuse(market, (market.volume < 0.0) | np.isinf(market.volume), "volume", "finite and >= 0")
    outside = (market.spread < 0.0) | (market.spread >= 1.0)
    _refuse(market, outside, "spread", "a fraction of the price in [0, 1)")


def _check_names(prices: dict[str, FloatArray]) -> None:
    unknown = sorted(set(prices) - set(FACTS))
    if "close" not in prices or unknown:
        raise BadMarketData(
            f"prices need close and may have {', '.join(FACTS)}; was {', '.join(prices)}"
        )
    if len(set(prices) & {"open", "high", "low"}) in (1, 2):
        raise BadMarketData(
            "prices need open, high and low together, or close alone; "
            f"was {', '.join(prices)}. Add what is missing or drop the rest"
        )


def _check_shapes(market: Market) -> None:
    shape = (market.n_bars, market.n_symbols)
    if not market.n_bars or not market.n_symbols:
        raise BadMarketData(f"a market needs at least one bar and one symbol, was {shape}")
    for name in (*FACTS, "tradable"):
        was = getattr(market, name).shape
        if was != shape:
            raise BadMarketData(
                f"{name} must have one row per bar and one column per symbol, "
                f"that is {shape}, was {was}"
            )
    if len(market.sectors) != market.n_symbols or market.session.shape != (market.n_bars,):
        raise BadMarketData(
            f"need one sector per symbol and one session per bar {shape}, was "
            f"{len(market.sectors)} sectors and sessions of shape {market.session.shape}"
        )
    if len(set(market.symbols)) != market.n_symbols:
        twice = sorted({s for s in market.symbols if market.symbols.count(s) > 1})
        raise BadMarketData(f"symbols must be unique, was twice or more: {', '.join(twice)}")


def _check_calendar(market: Market) -> None:
    if np.isnat(market.timestamps).any():
        t = int(np.flatnonzero(np.isnat(market.timestamps))[0])
        raise BadMarketData(f"every bar needs the time of its close, bar {t} has none")
    steps = np.diff(market.timestamps.astype(np.int64))
    if (steps <= 0).any():
        t = int(np.flatnonzero(steps <= 0)[0]) + 1
        raise BadMarketData(
            f"bars must be in order of time and unique; bar {t} at {market.timestamps[t]} "
            f"follows {market.timestamps[t - 1]}. Sort the data and drop the duplicates"
        )
    if (np.diff(market.session) < 0).any():
        raise BadMarketData("sessions must never decrease from one bar to the next")


def _refuse(market: Market, bad: BoolArray, name: str, needed: str) -> None:
    if not bad.any():
        return
    t, s = (int(i) for i in np.argwhere(bad)[0])
    raise BadMarketData(
        f"{name} must be {needed}, was {getattr(market, name)[t, s]} for {market.symbols[s]} "
        f"at bar {t} ({market.timestamps[t]}), and {int(bad.sum()) - 1} more"
    )
