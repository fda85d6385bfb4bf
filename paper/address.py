"""Where calls may go: this machine, or a host for paper trading. Nowhere else, whatever is set."""

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
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadConfig(f"the address must be {public}, or a local one, was {url!r}") from error
    if parts.hostname in LIVE_HOSTS:
        raise BadConfig(
            f"the address must be that of a paper account, {public}, was {parts.hostname}, where "
            "real money is traded. This program trades on paper only"
        )
    is_public = parts.scheme == "https" and parts.hostname == urlsplit(public).hostname
    is_local = parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
    if not (_is_plain(parts) and ((is_public and port in HTTPS_PORTS) or is_local)):
        raise BadConfig(
            f"the address must be {public}, or http://127.0.0.1 with a port, and no more than "
            f"that, was {_without_login(parts)!r}"
        )
    return url


def _is_plain(parts: SplitResult) -> bool:
    """Return whether there is nothing but scheme, host and port; a final slash would double."""
    return parts.geturl() == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc


def _without_login(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
