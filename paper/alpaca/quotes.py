"""Quotes of Alpaca: the latest of each symbol, from the exchange that paper accounts may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from benbot.envs.errors import InvalidParameter, VenueUnavailable
from benbot.paper.alpaca.wire import Wire
from benbot.paper.boundary import symbol_of
from benbot.paper.quotes import Quote

FEED = "iex"
PER_CALL = 100  # symbols


class AlpacaQuotes:
    """A source of quotes (`QuoteSource`); one that cannot be read is left out, and no other."""

    name = "alpaca"

    def __init__(self, wire: Wire, feed: str = FEED) -> None:
        """Use a wire of `data_wire`."""
        self._wire, self._feed = wire, feed

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the latest quotes."""
        wanted = [symbol_of(symbol) for symbol in dict.fromkeys(symbols)]
        found: dict[str, Quote] = {}
        for i in range(0, len(wanted), PER_CALL):
            fields = {"symbols": ",".join(wanted[i : i + PER_CALL]), "feed": self._feed}
            answer = self._wire.get("/stocks/quotes/latest", fields)
            rows = answer.get("quotes") if isinstance(answer, Mapping) else None
            if not isinstance(rows, Mapping):
                raise VenueUnavailable("Alpaca's answer cannot be read: it has no quotes")
            for symbol in wanted[i : i + PER_CALL]:
                quote = _quote(symbol, rows.get(symbol))
                if quote is not None:
                    found[symbol] = quote
        return found


def _quote(symbol: str, row: object) -> Quote | None:
    if not isinstance(row, Mapping):
        return None
    try:
        time = datetime.fromisoformat(str(row.get("t")))
        return Quote(symbol, side_of(row.get("bp")), side_of(row.get("ap")), time, "alpaca")
    except (InvalidParameter, ValueError, OverflowError):
        return None


def side_of(price: object) -> float | None:
    """Return one side of a quote; 0 says that nobody bids or asks, anything odd is refused."""
    if price is None or price == 0:
        return None
    if isinstance(price, bool) or not isinstance(price, (int, float)):
        raise InvalidParameter(f"a price must be a number, was {type(price).__name__}")
    return price
