"""Quotes of Tradier's sandbox: free, and a quarter of an hour late.

They are marked as late, so no position is opened on them; what is held can be valued with them when
nothing better answers. Orders are not sent there: its order tags do not keep an order from being
sent twice.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from requests.exceptions import RequestException

from benbot.envs.errors import InvalidParameter, NotAuthorised, VenueUnavailable
from benbot.paper.address import SANDBOX, address_of
from benbot.paper.alpaca.quotes import side_of
from benbot.paper.boundary import symbol_of
from benbot.paper.network import DEADLINE, GuardedSession
from benbot.paper.quotes import Quote

TOKEN = "TRADIER_TOKEN"  # noqa: S105
DELAY = 900.0  # seconds
REFUSED = (401, 403)
OK = 200


class TradierQuotes:
    """A source of quotes (`QuoteSource`) that is always late."""

    name = "tradier"

    def __init__(self, token: SecretStr, url: str = SANDBOX, deadline: float = DEADLINE) -> None:
        self._token, self._address = token, address_of(url, SANDBOX)
        self._session = GuardedSession(self._address, deadline)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the latest quotes; one that cannot be read is left out."""
        wanted = [symbol_of(symbol) for symbol in dict.fromkeys(symbols)]
        rows = _rows(self._answer(",".join(wanted)))
        read = (_quote(row) for row in rows if row.get("symbol") in wanted)
        return {quote.symbol: quote for quote in read if quote is not None}

    def _answer(self, symbols: str) -> object:
        try:
            response = self._session.request(
                "GET",
                f"{self._address}/v1/markets/quotes",
                params={"symbols": symbols},
                headers={
                    "Authorization": f"Bearer {self._token.get_secret_value()}",
                    "Accept": "application/json",
                },
            )
            if response.status_code in REFUSED:
                raise NotAuthorised(f"Tradier does not know this token. Check {TOKEN}")
            if response.status_code != OK:
                raise VenueUnavailable(f"Tradier did not answer (status {response.status_code})")
            answer: object = response.json()
        except (RequestException, ValueError, RecursionError) as error:
            raise VenueUnavailable(f"Tradier did not answer ({type(error).__name__})") from None
        return answer


def _rows(answer: object) -> list[Mapping[str, Any]]:
    """Return the quotes of an answer: a list, or, of one symbol, the quote itself."""
    quotes = answer.get("quotes") if isinstance(answer, Mapping) else None
    found = quotes.get("quote") if isinstance(quotes, Mapping) else None
    rows = found if isinstance(found, list) else [found]
    return [row for row in rows if isinstance(row, Mapping)]


def _quote(row: Mapping[str, Any]) -> Quote | None:
    try:
        # The older of both sides, in milliseconds since 1970: the quote is no younger than that.
        stamps = [row[name] for name in ("bid_date", "ask_date")]
        if not all(isinstance(stamp, int) for stamp in stamps):
            return None
        time = datetime.fromtimestamp(min(stamps) / 1000.0, UTC)
        sides = side_of(row.get("bid")), side_of(row.get("ask"))
        return Quote(str(row["symbol"]), *sides, time, "tradier", DELAY)
    except (InvalidParameter, KeyError, ValueError, OverflowError, OSError):
        return None
