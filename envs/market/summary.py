"""What a market holds, for a person who wants to know before trusting it."""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, TimeArray
from benbot.envs.market.market import Market, Origin


@dataclass(frozen=True)
class SymbolSummary:
    """The life of one symbol within the market; `gaps` counts the bars it missed in between.

    first and last are None for a symbol that never traded.
    """

    symbol: str
    sector: str
    first: np.datetime64 | None
    last: np.datetime64 | None
    n_bars: int
    gaps: int


@dataclass(frozen=True)
class MarketSummary:
    """A market in numbers; times are UTC, when a bar closed.

    missing_sessions   days on which the exchange was open and no symbol has a bar
    missing            share of all (bar, symbol) pairs that have no price
    halted             (bar, symbol) pairs with a price at which nobody could trade
    borrow_rates       (bar, symbol) pairs with a known borrow rate
    """

    symbols: tuple[SymbolSummary, ...]
    first: np.datetime64
    last: np.datetime64
    n_bars: int
    bars_per_year: float
    missing_sessions: int
    missing: float
    has_range: bool
    has_volume: bool
    has_spread: bool
    splits: int
    dividends: int
    halted: int
    borrow_rates: int
    origin: Origin
    digest: str

    @property
    def gaps(self) -> int:
        """Bars missing between the first and the last of a symbol, over all symbols."""
        return sum(symbol.gaps for symbol in self.symbols)


def describe(market: Market) -> MarketSummary:
    """Return what the market holds, symbol by symbol."""
    session = market.session
    return MarketSummary(
        symbols=tuple(
            _symbol(market.symbols[s], market.sectors[s], market.timestamps, market.tradable[:, s])
            for s in range(market.n_symbols)
        ),
        first=market.timestamps[0],
        last=market.timestamps[-1],
        n_bars=market.n_bars,
        bars_per_year=market.bars_per_year,
        missing_sessions=int(session[-1] - session[0]) + 1 - int(np.unique(session).size),
        missing=float((~market.tradable).mean()),
        has_range=market.has_range,
        has_volume=bool(np.isfinite(market.volume).any()),
        has_spread=bool(np.isfinite(market.spread).any()),
        splits=int(np.count_nonzero(market.split != 1.0)),
        dividends=int(np.count_nonzero(market.dividend)),
        halted=int(np.count_nonzero(market.halted)),
        borrow_rates=int(np.count_nonzero(~np.isnan(market.borrow_rate))),
        origin=market.origin,
        digest=market.digest,
    )


def iso_minute(time: np.datetime64 | None) -> str:
    """Return a time as text to the minute, which is as fine as the close of a bar is known."""
    return "never" if time is None else str(np.datetime_as_string(time, unit="m"))


def _symbol(symbol: str, sector: str, times: TimeArray, tradable: BoolArray) -> SymbolSummary:
    bars = np.flatnonzero(tradable)
    if not bars.size:
        return SymbolSummary(symbol, sector, None, None, n_bars=0, gaps=0)
    span = int(bars[-1] - bars[0]) + 1
    return SymbolSummary(
        symbol, sector, times[bars[0]], times[bars[-1]], int(bars.size), gaps=span - int(bars.size)
    )
