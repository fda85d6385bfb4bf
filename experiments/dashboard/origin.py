"""The address by which browsers reach a proxy that stands before the dashboard with a certificate.

We speak no TLS ourselves and believe no header that says somebody else did. So whoever runs the
dashboard says it: then every session is a cookie that browsers keep to TLS and to that very host.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from benbot.envs.errors import InvalidParameter

SCHEME, PORT = "https", 443
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]")


@dataclass(frozen=True)
class TlsOrigin:
    """Scheme, host and port as browsers write them: small letters, and no port where it is 443.

    hosts   what a Host header may be of it
    """

    origin: str
    hosts: frozenset[str]


def tls_origin(text: str) -> TlsOrigin:
    """Return the origin that a text is; refuse one without TLS, or with anything else in it."""
    lower = text.lower()
    try:
        parts = urlsplit(lower)
        port = parts.port or PORT
    except ValueError:
        raise _refusal(text) from None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    ways = {f"{SCHEME}://{host}:{port}"} | ({f"{SCHEME}://{host}"} if port == PORT else set())
    if not NAME.fullmatch(host) or lower not in ways:
        raise _refusal(text)
    hosts = frozenset(way.removeprefix(f"{SCHEME}://") for way in ways)
    return TlsOrigin(min(ways, key=len), hosts)


def _refusal(text: str) -> InvalidParameter:
    return InvalidParameter(
        "an origin must be the address by which browsers reach the proxy, https://NAME or "
        f"https://NAME:PORT and no more, was {_without_login(text)!r}"
    )


def _without_login(text: str) -> str:
    return f"…{text.rpartition('@')[2]}" if "@" in text else text
