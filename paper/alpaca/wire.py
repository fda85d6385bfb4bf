"""One call of Alpaca's interface: an answer as plain JSON, or what is known of its failure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from requests.exceptions import RequestException

from benbot.envs.errors import BadConfig, NotAuthorised, TradingError, VenueUnavailable
from benbot.paper.address import DATA, PAPER, address_of
from benbot.paper.alpaca.keys import AlpacaKeys
from benbot.paper.network import DEADLINE, GuardedSession
from benbot.paper.venue import Clock

if TYPE_CHECKING:
    from alpaca.common.rest import RESTClient

Verb = Literal["get", "post", "delete"]
UNAUTHORISED = 401
FORBIDDEN = 403
TOO_MANY = 429
USUAL_WAIT = 3.0  # seconds after a 429 that does not say how long
LONGEST_WAIT = 60.0  # the interface counts by the minute
SHOWN = 200  # characters of an answer that a message repeats
KEPT = 500  # characters of the words of an error; none of them steers, nor is half of one


@dataclass(eq=False)
class CallFailed(TradingError):
    """A call without an answer that can be used.

    `status` is None where none came, `code` and `message` are what the answer said, if it was JSON,
    and `was_sent` is False where nothing was sent at all.
    """

    status: int | None
    message: str
    code: int | None = None
    is_json: bool = False
    retry_after: float | None = None
    was_sent: bool = True

    def __str__(self) -> str:
        status = "no answer" if self.status is None else f"status {self.status}"
        return f"{status}: {self.message[:SHOWN]}"

    @property
    def is_unauthorised(self) -> bool:
        """Whether the keys are refused, rather than what was asked for with them."""
        words = self.message.lower()
        return self.status == UNAUTHORISED or (
            self.status == FORBIDDEN and ("authorized" in words or words.startswith("forbidden"))
        )

    def as_unread(self) -> VenueUnavailable:
        """Return what whoever asked a question should hear."""
        if self.is_unauthorised:
            return NotAuthorised(f"Alpaca does not know these keys ({self}). Make new ones")
        return VenueUnavailable(f"Alpaca did not answer ({self})", self.retry_after)


class Wire:
    """Calls of one host with one account's keys, none of which is ever repeated by itself."""

    def __init__(self, client: "RESTClient", session: GuardedSession, clock: Clock) -> None:
        """Take over a client of Alpaca's: its session, and its retries, which are silent."""
        client._session.close()
        client._session, client._retry = session, 0
        self._client, self._session, self._clock = client, session, clock
        self._blocked_until = 0.0  # epoch seconds

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return the answer to a question; raises `VenueUnavailable`."""
        try:
            return self.call("get", path, parameters)
        except CallFailed as failure:
            raise failure.as_unread() from failure

    def call(self, verb: Verb, path: str, fields: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return the answer to a call; raises `CallFailed`."""
        from alpaca.common.exceptions import APIError

        self._wait_for_leave()
        send: Callable[..., Any] = getattr(self._client, verb)
        try:
            answer = send(path, dict(fields or {}))
        except APIError as error:
            raise self._failure(error.status_code, str(error)) from None
        except (RequestException, ValueError, RecursionError) as error:
            raise CallFailed(None, f"{type(error).__name__} {error}") from None
        finally:
            self._note_limit()
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _wait_for_leave(self) -> None:
        """Send nothing that would only be refused: a limit that is reached ends at a known time."""
        wait = self._blocked_until - self._clock().timestamp()
        if wait > 0.0:
            raise CallFailed(
                TOO_MANY, "the limit of calls is reached", retry_after=wait, was_sent=False
            )

    def _note_limit(self) -> None:
        headers = self._session.headers_seen
        remaining = headers.get("x-ratelimit-remaining", "").strip()
        if remaining == "0":
            now = self._clock().timestamp()
            reset = _number(headers.get("x-ratelimit-reset"))
            if reset is not None:
                self._blocked_until = min(max(reset, now), now + LONGEST_WAIT)

    def _failure(self, status: int | None, text: str) -> CallFailed:
        code, message, is_json = _said(text)
        failure = CallFailed(status, message, code, is_json)
        if status == TOO_MANY:
            now = self._clock().timestamp()
            reset = _number(self._session.headers_seen.get("x-ratelimit-reset"))
            wait = USUAL_WAIT if reset is None else min(max(reset - now, 0.0), LONGEST_WAIT)
            self._blocked_until = now + wait
            failure.retry_after = wait
        return failure


def trading_wire(keys: AlpacaKeys, url: str, clock: Clock, deadline: float = DEADLINE) -> Wire:
    """Return the wire of an account; `url` is Alpaca's paper host or a local one."""
    address = address_of(url, PAPER)
    try:
        from alpaca.trading.client import TradingClient
    except ImportError as error:
        raise _missing(error) from error
    secrets = keys.key.get_secret_value(), keys.secret.get_secret_value()
    client = TradingClient(*secrets, paper=True, raw_data=True, url_override=address)
    return Wire(client, GuardedSession(address, deadline), clock)


def data_wire(keys: AlpacaKeys, url: str, clock: Clock, deadline: float = DEADLINE) -> Wire:
    """Return the wire of market data; `url` is Alpaca's data host or a local one."""
    address = address_of(url, DATA)
    try:
        from alpaca.data.historical.stock import StockHistoricalDataClient
    except ImportError as error:
        raise _missing(error) from error
    secrets = keys.key.get_secret_value(), keys.secret.get_secret_value()
    client = StockHistoricalDataClient(*secrets, raw_data=True, url_override=address)
    return Wire(client, GuardedSession(address, deadline), clock)


def actions_wire(keys: AlpacaKeys, url: str, clock: Clock, deadline: float = DEADLINE) -> Wire:
    """Return the wire of splits and dividends, which have a version of their own."""
    address = address_of(url, DATA)
    try:
        from alpaca.data.historical.corporate_actions import CorporateActionsClient
    except ImportError as error:
        raise _missing(error) from error
    secrets = keys.key.get_secret_value(), keys.secret.get_secret_value()
    client = CorporateActionsClient(*secrets, raw_data=True, url_override=address)
    return Wire(client, GuardedSession(address, deadline), clock)


def news_wire(keys: AlpacaKeys, url: str, clock: Clock, deadline: float = DEADLINE) -> Wire:
    """Return the wire of news, which have a version of their own, too."""
    address = address_of(url, DATA)
    try:
        from alpaca.data.historical.news import NewsClient
    except ImportError as error:
        raise _missing(error) from error
    secrets = keys.key.get_secret_value(), keys.secret.get_secret_value()
    client = NewsClient(*secrets, raw_data=True, url_override=address)
    return Wire(client, GuardedSession(address, deadline), clock)


def _missing(error: ImportError) -> BadConfig:
    return BadConfig(
        f"Alpaca needs the package alpaca-py, which is not installed ({error}). Install "
        "benbot[alpaca], or use the simulated venue"
    )


def _said(text: str) -> tuple[int | None, str, bool]:
    """Return code and message of an error's body, and whether it was JSON that said them."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None, "an answer that is no JSON", False
    if not isinstance(body, dict):
        return None, "an answer that is no object", False
    code, message = body.get("code"), body.get("message")
    is_number = isinstance(code, int) and not isinstance(code, bool)
    words = message[:KEPT] if isinstance(message, str) else ""
    plain = "".join(one if one.isprintable() else " " for one in words)
    return code if is_number else None, plain, True


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
