"""The dashboard's server, until Ctrl-C."""

import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from benbot.envs.errors import TradingError
from benbot.experiments.dashboard.app import Times, dashboard
from benbot.experiments.dashboard.door import Door, door
from benbot.experiments.dashboard.looking import Looking
from benbot.strategies.records.database import address_of, shown

LARGEST_HEAD = 16384  # bytes of a request's headers
IDLE = 10  # seconds that a connection may wait
MOST = 64  # requests at a time


class PortTaken(TradingError, OSError):
    """Somebody else listens where the dashboard should."""


def serve(
    url: str,
    account: str | None,
    where: tuple[str, int],
    names: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    origin: str | None = None,
) -> None:
    """Serve a store at (address, port) until Ctrl-C; refuse what cannot or may not be had."""
    import uvicorn

    address_of(url)  # refuses what is none, before anything listens
    opened = door(*where, names, environment, origin)
    times = Times(lambda: datetime.now(UTC), time.monotonic)
    app, looking = dashboard(url, account, opened, times), Looking(url, account, times.clock)
    with _listening(opened) as listener:
        said = f"{_behind(opened)}{lack_of(looking)}Ctrl-C ends it.\n"
        sys.stdout.write(f"Dashboard: http://{_shown(opened)}\n{said}")
        sys.stdout.flush()
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            h11_max_incomplete_event_size=LARGEST_HEAD,
            http="h11",
            timeout_keep_alive=IDLE,
            limit_concurrency=MOST,
        )
        uvicorn.Server(config).run(sockets=[listener])


def lack_of(looking: Looking) -> str:
    """Return what there is not to see, in a line; empty where an account can be seen."""
    try:
        lack, others = looking.lack(), looking.others()
    except TradingError as error:  # the pages say so, too, until it can be read
        return f"Nothing to see yet: {error}\n"
    known = f" It has: {', '.join(others)}." if others else ""
    return f"{lack}{known} The store is {shown(address_of(looking.url))}.\n" if lack else ""


def _listening(opened: Door) -> socket.socket:
    """Return a socket that listens, before anybody is told where."""
    family = socket.AF_INET6 if ":" in opened.address else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((opened.address, opened.port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"the dashboard needs a free port, was {opened.port}: {error.strerror}. End what "
            f"listens there, or choose another: benbot paper dashboard --port {opened.port - 1}"
        ) from None
    return listener


def _behind(opened: Door) -> str:
    return "" if opened.tls is None else f"Browsers come by {opened.tls.origin}.\n"


def _shown(opened: Door) -> str:
    name = f"[{opened.address}]" if ":" in opened.address else opened.address
    return f"{name}:{opened.port}"
