"""One message to one service, sent once: what came back, and when to try again.

Nothing here repeats an address, a header or what a library said, for a secret may be in it.
"""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from requests import Response
from requests.exceptions import RequestException

from benbot.paper.network import GuardedSession
from benbot.paper.notify.destination import Destination
from benbot.paper.notify.formats import body_of
from benbot.paper.notify.message import Message

GONE = (401, 403, 404, 410)  # this address takes nothing more: asked again once an hour
LATER = (408, 425, 429)
AN_HOUR = 3600.0


@dataclass(frozen=True)
class Outcome:
    """What became of a message.

    is_over   whether it is not to be sent again: it was taken, or never will be
    wait      seconds after which to try again, if the service said so
    is_gone   whether the address takes nothing any more
    """

    was_taken: bool
    is_over: bool
    said: str
    wait: float | None = None
    is_gone: bool = False


class Sending(Protocol):
    """Whoever brings a message to one service."""

    def send(self, message: Message) -> Outcome:
        """Send it once; never raises for what the network does."""

    def close(self) -> None:
        """Close the connections."""


class Courier:
    """Brings messages to one destination: TLS verified, no redirects, no proxies, 15 s at most."""

    def __init__(self, to: Destination) -> None:
        self._to, self._session = to, GuardedSession(to.address)

    def send(self, message: Message) -> Outcome:
        """Send it once."""
        url = self._to.address + self._to.path.get_secret_value()
        try:
            response = self._session.request("POST", url, json=body_of(message, self._to))
        except (RequestException, ValueError) as error:
            said = f"no answer ({type(error).__name__})"
            return Outcome(was_taken=False, is_over=False, said=said)
        return _outcome(response)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _outcome(response: Response) -> Outcome:
    status = response.status_code
    said = f"status {status}"
    if 200 <= status < 300:
        return Outcome(was_taken=True, is_over=True, said=said)
    if status in GONE:
        return Outcome(was_taken=False, is_over=False, said=said, wait=AN_HOUR, is_gone=True)
    if status in LATER or status >= 500:
        return Outcome(was_taken=False, is_over=False, said=said, wait=_wait(response))
    return Outcome(was_taken=False, is_over=True, said=said)


def _wait(response: Response) -> float | None:
    """Return the seconds that a service asks for, in its header or where JSON has them."""
    asked = response.headers.get("Retry-After")
    try:
        seconds = float(asked if asked is not None else _in_body(json.loads(response.content)))
    except (ValueError, TypeError, RecursionError):
        return None
    return min(seconds, AN_HOUR) if seconds > 0.0 else None


def _in_body(body: Any) -> Any:  # noqa: ANN401 - whatever the service sent
    if not isinstance(body, dict):
        return None
    inner = body.get("parameters")
    return (inner if isinstance(inner, dict) else body).get("retry_after")
