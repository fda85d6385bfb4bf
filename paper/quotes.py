"""What is bid and asked, where it comes from, and what may be done with it.

price   account currency per unit
age     seconds from the time of a quote to now
spread  (ask − bid) / mid, fraction
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from benbot.paper.boundary import price_of, symbol_of, time_of


@dataclass(frozen=True, slots=True)
class Quote:
    """What was bid and asked for a symbol; a side that nobody offers is None, never 0."""

    symbol: str
    bid: float | None
    ask: float | None
    time: datetime  # when the exchange made it
    source: str
    delay: float = 0.0  # seconds by which its source shows everything too late

    def __post_init__(self) -> None:
        symbol_of(self.symbol)
        for name in ("bid", "ask"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, price_of(getattr(self, name), name))
        object.__setattr__(self, "time", time_of(self.time))

    @property
    def mid(self) -> float | None:
        """The mean of both sides, None where one is missing: half of a quote is no price."""
        return None if self.bid is None or self.ask is None else 0.5 * (self.bid + self.ask)

    @property
    def spread(self) -> float | None:
        """(ask − bid) / mid, negative where the sides are crossed; None where one is missing."""
        if self.bid is None or self.ask is None:
            return None
        return (self.ask - self.bid) / (0.5 * (self.bid + self.ask))

    def age(self, now: datetime) -> float:
        """Return how old what it shows is, in seconds; negative for a quote from the future."""
        return (now - self.time).total_seconds()


class QuoteVerdict(StrEnum):
    """What is wrong with a quote; anything but GOOD forbids to enter on it."""

    GOOD = "good"
    MISSING = "missing"
    STALE = "stale"
    DELAYED = "delayed"  # its source is always late
    FUTURE = "future"
    OUT_OF_ORDER = "out_of_order"  # older than one that was seen before
    ONE_SIDED = "one_sided"
    CROSSED = "crossed"
    WIDE = "wide"
    OUTLIER = "outlier"  # too far from the last price, and not confirmed yet


@dataclass(frozen=True, slots=True)
class Reading:
    """A quote and what is thought of it; `price` is the last one that was believed."""

    symbol: str
    quote: Quote | None
    verdict: QuoteVerdict
    price: float | None  # mid of the last good quote, for marking and for exits; None before any

    @property
    def may_enter(self) -> bool:
        """Whether a position may be opened or enlarged on it."""
        return self.verdict is QuoteVerdict.GOOD


class QuoteSource(Protocol):
    """Whoever shows quotes."""

    name: str

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the latest quote of each symbol; those of which there is none are left out.

        Raises `VenueUnavailable` when there is no answer that can be read.
        """
