"""Every fact about a universe over time, as arrays that nobody can change.

T bars, S symbols. A fact of bar t is known at the close of bar t.

price        account currency per unit
volume       units traded during the bar
spread       quoted spread as a fraction of the price; a trade pays half of it
borrow_rate  what a short position costs in a year, as a fraction of its notional
dividend     account currency per unit
iv           volatility that prices of options imply, a year

Prices and volume are adjusted for splits and dividends, so that a strategy sees no jump where a
holder gains or loses nothing. What changes hands is the traded price, `close * unadjusted` at the
close. At a bar with a split or a dividend a holder of the bar before has, in this order, `split`
times as many units, and `dividend` for each of those.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray, frozen
from benbot.envs.errors import BadMarketData
from benbot.envs.market.checks import check_market
from benbot.envs.market.facts import FACTS as FACTS
from benbot.envs.market.facts import OPTIONAL_FACTS as OPTIONAL_FACTS
from benbot.envs.market.facts import PRICES as PRICES
from benbot.envs.market.facts import Features

TRADING_DAYS_PER_YEAR = 252
CALENDAR_DAYS_PER_YEAR = 365
DTYPES: dict[str, Any] = {
    "timestamps": "datetime64[ns]",
    "session": np.int64,
    "tradable": np.bool_,
    "halted": np.bool_,
}


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

    Optional facts; a 0-d array stands for all bars and takes no memory:

    halted       (T, S)  the symbol has a price at this bar, but nobody can trade it; default False
    borrow_rate  (T, S)  a year, inf where none can be borrowed; default NaN, unknown
    unadjusted   (T, S)  traded price over the price given here; default 1
    split        (T, S)  units for each unit held before, from the open of this bar; default 1
    dividend     (T, S)  paid for each unit, counted after the split, that was held at the close
                         before, in traded prices: this bar is the ex-date; default 0
    iv           (T, S)  implied by options on the symbol, positive; default NaN, unknown
    features             further facts (T, S) by name, NaN where unknown; default none
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
    halted: BoolArray = field(default_factory=OPTIONAL_FACTS["halted"].copy)
    borrow_rate: FloatArray = field(default_factory=OPTIONAL_FACTS["borrow_rate"].copy)
    unadjusted: FloatArray = field(default_factory=OPTIONAL_FACTS["unadjusted"].copy)
    split: FloatArray = field(default_factory=OPTIONAL_FACTS["split"].copy)
    dividend: FloatArray = field(default_factory=OPTIONAL_FACTS["dividend"].copy)
    iv: FloatArray = field(default_factory=OPTIONAL_FACTS["iv"].copy)
    features: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("timestamps", "session", *FACTS, "tradable"):
            object.__setattr__(self, name, _owned(self._fact(name)))
        for name in OPTIONAL_FACTS:
            fact = _compact(self._fact(name), (self.n_bars, self.n_symbols))
            object.__setattr__(self, name, fact)
        object.__setattr__(self, "features", Features(self.features))
        check_market(self)

    def _fact(self, name: str) -> NDArray[Any]:
        return np.asarray(getattr(self, name), dtype=DTYPES.get(name, np.float64))

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
        """Sixteen hex digits that change whenever any fact changes.

        An optional fact that says nothing at any bar is left out, as if there were none.
        """
        sha = hashlib.sha256()
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "origin" or _says_nothing(each.name, value):
                continue
            as_bytes = isinstance(value, np.ndarray | Features)
            plain = value.tobytes() if as_bytes else repr(value).encode()
            sha.update(each.name.encode() + b"\0" + plain)
        return sha.hexdigest()[:16]

    def until(self, n_bars: int) -> "Market":
        """Return what was known after the first `n_bars` bars."""
        return self.between(0, n_bars)

    def between(self, start: int, stop: int) -> "Market":
        """Return bars `start` (included) to `stop` (excluded) as a market of their own."""
        changed: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            changed[each.name] = value[start:stop] if isinstance(value, np.ndarray) else value
        changed["features"] = Features(self.features).between(start, stop)
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

    `prices` maps "close" and, if known, "open", "high", "low", "volume", "spread" and the optional
    facts of `Market` to arrays [T, S]. Without a range the market has closes only. Without
    `session` every bar is a day.
    """
    _check_names(prices)
    close = np.asarray(prices["close"], dtype=np.float64)
    unknown = np.full(close.shape, np.nan)
    has_range = all(name in prices for name in PRICES)
    facts: dict[str, Any] = {name: prices[name] if has_range else close for name in PRICES}
    facts |= {name: prices[name] for name in OPTIONAL_FACTS if name in prices}
    return Market(
        timestamps=np.asarray(timestamps, dtype="datetime64[ns]"),
        session=np.arange(close.shape[0]) if session is None else session,
        symbols=symbols,
        sectors=("unknown",) * len(symbols) if sectors is None else sectors,
        volume=prices.get("volume", unknown),
        spread=prices.get("spread", unknown),
        tradable=np.isfinite(close),
        has_range=has_range,
        origin=Origin() if origin is None else origin,
        **facts,
    )


def _check_names(prices: dict[str, FloatArray]) -> None:
    known = (*FACTS, *OPTIONAL_FACTS)
    if "close" not in prices or not set(prices) <= set(known):
        raise BadMarketData(
            f"prices need close and may have {', '.join(known)}; was {', '.join(prices)}"
        )
    if len(set(prices) & {"open", "high", "low"}) in (1, 2):
        raise BadMarketData(
            "prices need open, high and low together, or close alone; "
            f"was {', '.join(prices)}. Add what is missing or drop the rest"
        )


def _owned(fact: NDArray[Any]) -> NDArray[Any]:
    # Whoever made a writable array could still change the facts through it.
    return frozen(fact.copy() if fact.flags.writeable else fact)


def _compact(fact: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Return a fact that nobody can change; one number for all bars stays one number."""
    if not fact.size or any(fact.strides):
        return _owned(fact)
    return np.broadcast_to(fact[(0,) * fact.ndim], fact.shape if fact.ndim else shape)


def _says_nothing(name: str, fact: object) -> bool:
    if name == "features":
        return not fact
    if name not in OPTIONAL_FACTS or not isinstance(fact, np.ndarray):
        return False
    nothing = np.broadcast_to(OPTIONAL_FACTS[name], fact.shape)
    return bool(np.array_equal(fact, nothing, equal_nan=True))
