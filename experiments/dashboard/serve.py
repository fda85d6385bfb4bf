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
from benbot.strategies.records.database import address_of

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
) -> None:
    """Serve a store at (address, port) until Ctrl-C; refuse what cannot or may not be had."""
    import uvicorn

    address_of(url)  # refuses what is none, before anything listens
    opened = door(*where, names, environment)
    app = dashboard(url, account, opened, Times(lambda: datetime.now(UTC), time.monotonic))
    with _listening(opened) as listener:
        sys.stdout.write(f"Dashboard: http://{_shown(opened)}\nCtrl-C ends it.\n")
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


def _shown(opened: Door) -> str:
    name = f"[{opened.address}]" if ":" in opened.address else opened.address
    return f"{name}:{opened.port}"
