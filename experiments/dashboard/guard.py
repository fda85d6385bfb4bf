"""What every request must be like before anything is done with it, and what every answer says.

It stands outside of the application, so nothing that fails within is answered without it.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from benbot.experiments.dashboard.door import Door
from benbot.experiments.dashboard.origin import TlsOrigin

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Refusal = tuple[int, str]

METHODS = ("GET", "HEAD", "POST")
FORM = "application/x-www-form-urlencoded"
LARGEST = 4096  # bytes of a body
LONGEST = 2048  # bytes of a path with its query
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Not `no-referrer`: browsers would then send the Origin of our own forms as null.
HEADERS = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """The application behind checks of host, method, origin, type and size."""

    def __init__(self, app: App, door: Door) -> None:
        self._app, self._hosts, self._tls = app, door.hosts, door.tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif (refusal := self._refusal(scope)) is not None:
            await _answer(send, refusal)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Refusal | None:
        """Return why a request is not looked at, None where it is."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 400, "This host is not served here."
        if scope["method"] not in METHODS:
            return 405, "Only GET, HEAD and POST are answered."
        if len(scope.get("raw_path", b"") or b"") + len(scope["query_string"]) > LONGEST:
            return 414, "The address is too long."
        if not _is_small(headers.get("content-length", ["0"])):
            return 413, "The body is too large."
        own = _own_origins(hosts[0].lower(), self._tls)
        return _post_refusal(headers, own) if scope["method"] == "POST" else None


def _post_refusal(headers: dict[str, list[str]], own: frozenset[str]) -> Refusal | None:
    """Return why a form is not taken: it must come from a page of ours."""
    origins = headers.get("origin", [])
    if len(origins) != 1 or origins[0].lower() not in own:
        return 403, "A form is only taken from a page of this dashboard."
    if headers.get("sec-fetch-site", ["same-origin"]) != ["same-origin"]:
        return 403, "A form is only taken from a page of this dashboard."
    kinds = headers.get("content-type", [])
    if [kind.partition(";")[0].strip().lower() for kind in kinds] != [FORM]:
        return 415, "Only forms are taken."
    return None


def _own_origins(host: str, tls: TlsOrigin | None) -> frozenset[str]:
    """Return where a form for a host may come from: that host, and the origin of the proxy.

    A proxy may ask us by our own name. By the name of an origin nothing comes without TLS.
    """
    by_host = frozenset(f"{scheme}://{host}" for scheme in ("http", "https"))
    if tls is None:
        return by_host
    return frozenset({tls.origin}) if host in tls.hosts else by_host | {tls.origin}


def _is_small(lengths: list[str]) -> bool:
    return len(lengths) == 1 and lengths[0].isdecimal() and int(lengths[0][:10]) <= LARGEST


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", []) if _is_kept(pair[0])]
            message["headers"] = [*kept, *_headers()]
        await send(message)

    return sending


def _is_kept(name: bytes) -> bool:
    """Return whether a header of the application's stays: not ours, nor one of CORS."""
    text = name.decode("latin-1").lower()
    return text not in HEADERS and not text.startswith("access-control-")


def _headers() -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in HEADERS.items()]


async def _answer(send: Send, refusal: Refusal) -> None:
    status, text = refusal
    body = f"{text}\n".encode()
    plain = (b"content-type", b"text/plain; charset=utf-8")
    length = (b"content-length", str(len(body)).encode())
    headers = [plain, length, (b"connection", b"close"), *_headers()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
