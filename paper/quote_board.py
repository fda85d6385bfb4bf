"""Which quotes are believed: from several sources, each checked, with a count of all that were not.

A quote opens a position only if it is fresh, two-sided, not crossed, not wide, not older than one
that was seen before, and near the last price that was believed. A price that is far from it must be
seen again, at later times, before it is believed; so must the first one of a symbol of which no
price was known. A source that is always late opens nothing; its price is believed where it is near
the last one and newer than all that is known.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from benbot.envs.errors import VenueUnavailable
from benbot.envs.settings import Settings
from benbot.paper.boundary import price_of, time_of
from benbot.paper.quotes import Quote, QuoteSource, QuoteVerdict, Reading
from benbot.paper.venue import Clock

FIRST_REST, LONGEST_REST = 30.0, 600.0  # seconds that a source which failed is left alone


class QuoteLimits(Settings):
    """What a quote may be like."""

    age: float = Field(60.0, gt=0, description="seconds; older is stale")
    future: float = Field(5.0, ge=0, description="seconds that it may be ahead of the clock")
    spread: float = Field(0.02, gt=0, lt=1, description="of the mid")
    move: float = Field(0.25, gt=0, lt=1, description="from the last price believed, either way")
    confirmations: int = Field(2, ge=1, description="later quotes that must agree with such a move")
    agreement: float = Field(0.05, gt=0, lt=1, description="how far they may lie from it")
    delay: float = Field(0.0, ge=0, description="seconds by which a source may always be late")


@dataclass(slots=True)
class Claim:
    """A price that is too far from the last one, and how often it was seen again."""

    price: float
    time: datetime
    seen_again: int = 0


class QuoteBoard:
    """Reads quotes from sources in order of trust, and judges them.

    `counts` are verdicts so far; `failures` are calls of each source that failed, in a row.
    """

    def __init__(self, sources: Sequence[QuoteSource], limits: QuoteLimits, clock: Clock) -> None:
        self._sources, self._limits, self._clock = tuple(sources), limits, clock
        self._believed: dict[str, float] = {}
        self._known_at: dict[str, datetime] = {}  # time of what is believed
        self._claims: dict[str, Claim] = {}
        self._latest: dict[tuple[str, str], datetime] = {}  # by source and symbol
        self._resting: dict[str, datetime] = {}
        self.failures: Counter[str] = Counter()
        self.counts: Counter[QuoteVerdict] = Counter()

    def expect(self, symbol: str, price: float) -> None:
        """Say what a symbol is known to cost, such as its last close, or after a split."""
        self._believed[symbol], self._known_at[symbol] = price_of(price), time_of(self._clock())
        self._claims.pop(symbol, None)

    def read(self, symbols: Sequence[str]) -> Mapping[str, Reading]:
        """Return a reading of every symbol; the first source that has a good quote has it."""
        now = time_of(self._clock())
        readings = {symbol: self._missing(symbol) for symbol in symbols}
        for source in self._sources:
            open_ones = [symbol for symbol, one in readings.items() if not one.may_enter]
            if open_ones and now >= self._resting.get(source.name, now):
                for symbol, quote in self._asked(source, open_ones, now).items():
                    reading = self._judged(quote, now)
                    if reading.may_enter or readings[symbol].quote is None:
                        readings[symbol] = reading
        self.counts.update(reading.verdict for reading in readings.values())
        return readings

    def _asked(
        self, source: QuoteSource, symbols: Sequence[str], now: datetime
    ) -> Mapping[str, Quote]:
        try:
            found = source.quotes(symbols)
        except VenueUnavailable as error:
            self.failures[source.name] += 1
            rest = min(FIRST_REST * 2.0 ** (self.failures[source.name] - 1), LONGEST_REST)
            self._resting[source.name] = now + timedelta(seconds=error.retry_after or rest)
            return {}
        self.failures[source.name] = 0
        return {symbol: found[symbol] for symbol in symbols if symbol in found}

    def _judged(self, quote: Quote, now: datetime) -> Reading:
        verdict = self._timely(quote, now) or self._whole(quote)
        mid = quote.mid
        if verdict is None and mid is not None:
            verdict = self._plausible(quote, mid)
        if mid is not None and (verdict is QuoteVerdict.GOOD or self._is_news(quote, mid, verdict)):
            self._believed[quote.symbol], self._known_at[quote.symbol] = mid, quote.time
        price = self._believed.get(quote.symbol)
        return Reading(quote.symbol, quote, verdict or QuoteVerdict.ONE_SIDED, price)

    def _is_news(self, quote: Quote, mid: float, verdict: QuoteVerdict | None) -> bool:
        """Return whether a late quote is of use to value what is held, and newer than what is."""
        believed = self._believed.get(quote.symbol)
        if verdict is not QuoteVerdict.DELAYED or believed is None or self._whole(quote):
            return False
        is_near = abs(mid / believed - 1.0) <= self._limits.move
        return is_near and quote.time > self._known_at[quote.symbol]

    def _timely(self, quote: Quote, now: datetime) -> QuoteVerdict | None:
        limits, place = self._limits, (quote.source, quote.symbol)
        if not quote.age(now) >= -limits.future:
            return QuoteVerdict.FUTURE  # and not remembered, or nothing after it would be in order
        latest = self._latest.setdefault(place, quote.time)
        if quote.time < latest:
            return QuoteVerdict.OUT_OF_ORDER
        self._latest[place] = quote.time
        if not quote.delay <= limits.delay:
            return QuoteVerdict.DELAYED
        if not quote.age(now) <= limits.age + quote.delay:
            return QuoteVerdict.STALE
        return None

    def _whole(self, quote: Quote) -> QuoteVerdict | None:
        spread = quote.spread
        if spread is None:
            return QuoteVerdict.ONE_SIDED
        if not spread >= 0.0:
            return QuoteVerdict.CROSSED
        return None if spread <= self._limits.spread else QuoteVerdict.WIDE

    def _plausible(self, quote: Quote, mid: float) -> QuoteVerdict:
        """Say whether a price can be, after what was seen before."""
        believed = self._believed.get(quote.symbol)
        if believed is not None and abs(mid / believed - 1.0) <= self._limits.move:
            self._claims.pop(quote.symbol, None)
            return QuoteVerdict.GOOD
        claim = self._claims.get(quote.symbol)
        if claim is None or not abs(mid / claim.price - 1.0) <= self._limits.agreement:
            self._claims[quote.symbol] = Claim(mid, quote.time)
            return QuoteVerdict.OUTLIER
        if quote.time > claim.time:
            claim.time, claim.seen_again = quote.time, claim.seen_again + 1
        if claim.seen_again < self._limits.confirmations:
            return QuoteVerdict.OUTLIER
        del self._claims[quote.symbol]
        return QuoteVerdict.GOOD

    def _missing(self, symbol: str) -> Reading:
        return Reading(symbol, None, QuoteVerdict.MISSING, self._believed.get(symbol))
