"""What a market is made of, in the few lines that a report, a tracked run or a terminal shows."""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray
from benbot.envs.market.market import Market


@dataclass(frozen=True)
class SymbolSummary:
    """One symbol of a market.

    n_bars   bars with a price
    gaps     bars without a price between its first and its last
    """

    symbol: str
    sector: str
    first: str
    last: str
    n_bars: int
    gaps: int


@dataclass(frozen=True)
class MarketSummary:
    """A market in short; times are the closes of bars, UTC, ISO 8601.

    missing   share of all (bar, symbol) pairs that have no price
    notes     what the source left out or warns of, such as survivorship
    """

    source: str
    adjustment: str
    notes: tuple[str, ...]
    digest: str
    first: str
    last: str
    n_bars: int
    bars_per_year: float
    has_range: bool
    missing: float
    symbols: tuple[SymbolSummary, ...]


def summarise(market: Market) -> MarketSummary:
    """Return the summary of a market."""
    return MarketSummary(
        source=market.origin.source,
        adjustment=market.origin.adjustment,
        notes=market.origin.notes,
        digest=market.digest,
        first=iso_minute(market.timestamps[0]),
        last=iso_minute(market.timestamps[-1]),
        n_bars=market.n_bars,
        bars_per_year=market.bars_per_year,
        has_range=market.has_range,
        missing=float((~market.tradable).mean()),
        symbols=tuple(_summarise_symbol(market, s) for s in range(market.n_symbols)),
    )


def iso_minute(time: np.datetime64) -> str:
    """Return a time as text to the minute, which is as fine as the close of a bar is known."""
    return str(np.datetime_as_string(time, unit="m"))


def _summarise_symbol(market: Market, s: int) -> SymbolSummary:
    traded: BoolArray = market.tradable[:, s]
    bars = np.flatnonzero(traded)
    never = bars.size == 0
    return SymbolSummary(
        symbol=market.symbols[s],
        sector=market.sectors[s],
        first="never" if never else iso_minute(market.timestamps[bars[0]]),
        last="never" if never else iso_minute(market.timestamps[bars[-1]]),
        n_bars=int(bars.size),
        gaps=0 if never else int(bars[-1] - bars[0] + 1 - bars.size),
    )
