"""Where calls may go: this machine, or a host for paper trading. Nowhere else, whatever is set."""

from collections.abc import Container
from urllib.parse import SplitResult, urlsplit

from benbot.envs.errors import BadConfig

PAPER = "https://paper-api.alpaca.markets"
DATA = "https://data.alpaca.markets"
SANDBOX = "https://sandbox.tradier.com"
LIVE_HOSTS = ("api.alpaca.markets", "broker-api.alpaca.markets", "api.tradier.com")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
HTTPS_PORTS = (None, 443)


def address_of(url: str, public: str = PAPER) -> str:
    """Return an address that may be called: `public` itself, or one on this machine.

    An empty one is refused, because the client library would take its own choice for it.
    """
    try:
        parts = split(url)
    except ValueError as error:
        raise BadConfig(f"the address must be {public}, or a local one, was {url!r}") from error
    if parts.hostname in LIVE_HOSTS:
        raise BadConfig(
            f"the address must be that of a paper account, {public}, was {parts.hostname}, where "
            "real money is traded. This program trades on paper only"
        )
    if not (_is_plain(parts) and may_be_called(parts, (urlsplit(public).hostname,))):
        raise BadConfig(
            f"the address must be {public}, or http://127.0.0.1 with a port, and no more than "
            f"that, was {_without_login(parts)!r}"
        )
    return url


def split(url: str) -> SplitResult:
    """Return the parts of an address; raise ValueError where it or its port cannot be read."""
    parts = urlsplit(url)
    _ = parts.port  # is read when it is asked for
    return parts


def may_be_called(parts: SplitResult, hosts: Container[str | None]) -> bool:
    """Return whether an address is of one of these hosts, by TLS, or local, and has no login."""
    is_public = parts.scheme == "https" and parts.hostname in hosts and parts.port in HTTPS_PORTS
    is_local = parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
    return "@" not in parts.netloc and (is_public or is_local)


def _is_plain(parts: SplitResult) -> bool:
    """Return whether there is nothing but scheme, host and port; a final slash would double."""
    return parts.geturl() == f"{parts.scheme}://{parts.netloc}"


def _without_login(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
