"""How this program talks to the network: with limits on time, size and place.

Clients of brokers set no timeout, read whatever is sent, and obey the environment's proxies and its
netrc; so they are given a session that does none of that. Times are in seconds.
"""

import threading
from collections.abc import Callable
from typing import Any

from requests import Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as Disconnected
from requests.exceptions import ContentDecodingError, ReadTimeout, RequestException
from urllib3.exceptions import HTTPError

CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0  # of one wait each
DEADLINE = 15.0  # of a whole call, however slowly it drips
LARGEST_BODY = 8 * 2**20  # bytes, after decompression
PIECE = 2**16


class BodyTooLarge(RequestException):
    """An answer of more bytes than any that we ask for has."""


class GuardedSession(Session):
    """A session that calls one address only, and never waits for long."""

    def __init__(self, address: str, deadline: float = DEADLINE) -> None:
        super().__init__()
        self.trust_env = False
        self.headers_seen: dict[str, str] = {}  # of the last answer, names in lower case
        self._address, self._deadline = address, deadline

    def request(self, method: str, url: str, **options: Any) -> Response:  # type: ignore[override]  # noqa: ANN401
        """Send a request and return the whole answer; every failure is a `RequestException`."""
        if not url.startswith(f"{self._address}/"):
            raise Disconnected(f"only {self._address} may be called")
        options |= {
            "timeout": (CONNECT_TIMEOUT, READ_TIMEOUT),
            "allow_redirects": False,
            "stream": True,
        }
        self.headers_seen = {}
        given_up = threading.Event()
        ask = super().request

        def answer() -> Response:
            response = ask(method, url, **options)
            _read(response, given_up)
            return response

        try:
            response = within(self._deadline, answer)
        except TimeoutError as error:
            given_up.set()
            self._begin_anew()
            raise ReadTimeout(f"no whole answer within {self._deadline:g} s") from error
        self.headers_seen = {name.lower(): value for name, value in response.headers.items()}
        if 300 <= response.status_code < 400:
            raise Disconnected(f"sent elsewhere, with status {response.status_code}")
        return response

    def _begin_anew(self) -> None:
        """Leave the connections to whoever waits on them, and use fresh ones."""
        for prefix in list(self.adapters):
            self.mount(prefix, HTTPAdapter())


def within(seconds: float, function: Callable[[], Response]) -> Response:
    """Return what a function returns, or raise `TimeoutError`; it may go on for itself."""
    results: list[Response] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(function())
        except (RequestException, HTTPError, OSError, ValueError) as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise _as_ours(errors[0])
    if not results:
        raise TimeoutError
    return results[0]


def _as_ours(error: Exception) -> Exception:
    return error if isinstance(error, RequestException) else Disconnected(type(error).__name__)


def _read(response: Response, given_up: threading.Event) -> None:
    """Read the body, as much of it as anybody may send."""
    body = bytearray()
    try:
        while piece := response.raw.read1(PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST_BODY:
                raise BodyTooLarge(f"an answer of more than {LARGEST_BODY} bytes")
            if given_up.is_set():
                raise ReadTimeout
    except HTTPError as error:
        raise ContentDecodingError(type(error).__name__) from error
    finally:
        response.close()
    response._content = bytes(body)
    response._content_consumed = True
