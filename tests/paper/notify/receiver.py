"""A service on this machine that takes messages, and an account that something happens to."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benbot.paper.change import Change, Names
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.store import PaperStore, open_store
from benbot.strategies.records.moments import microseconds

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
PATIENCE = 10.0  # seconds after which a test gives up
NAMES = Names(("AAPL", "MSFT"), ("rsi",))


class Receiver:
    """What came, and what is answered; `hangs` until the test is over."""

    def __init__(self) -> None:
        self.url = ""
        self.came: list[tuple[str, dict[str, Any]]] = []
        self.paths: list[str] = []  # of all that was asked, whatever it was
        self.answers: list[tuple[int, dict[str, str], bytes]] = []  # before the usual one
        self.hangs = False
        self.over, self.arrived = threading.Event(), threading.Condition()

    def answer(self, status: int, body: object = None, **headers: str) -> None:
        """Plan the answer to the next message."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, json.dumps(body).encode()))

    def wait_for(self, n: int) -> list[tuple[str, dict[str, Any]]]:
        """Return what came, once that are so many messages."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.came) >= n, PATIENCE), self.came
            return list(self.came)

    def take(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        with self.arrived:
            self.came.append((path, json.loads(body)))
            self.arrived.notify_all()
        if self.hangs:
            self.over.wait(PATIENCE)
        return self.answers.pop(0) if self.answers else (200, {}, b"ok")


@contextmanager
def receiving(certificate: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            receiver.paths.append(self.path)
            self.send_error(405)

        def do_POST(self) -> None:
            receiver.paths.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, content = receiver.take(self.path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "https" if certificate else "http"
    if certificate:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Time:
    """A clock and seconds that only a test moves."""

    now: datetime = NOW
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def elapsed(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


@dataclass
class Account:
    """An account in a folder, to which a test lets things happen."""

    folder: Path
    time: Time = field(default_factory=Time)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'paper.db'}"

    @contextmanager
    def changing(self) -> Iterator[Change]:
        with self.opened() as store, store.change() as change:
            yield change

    def opened(self) -> PaperStore:
        return open_store(self.url, "main", self.time)

    def begin(self) -> "Account":
        (self.folder / "paper.db").write_bytes(begun())
        return self

    def event(self, kind: str, subject: str, **reasons: object) -> None:
        with self.changing() as change:
            change.event(kind, subject, **reasons)

    def order(self, sequence: int, status: IntentStatus, filled: float = 0.0, bar: int = 1) -> None:
        with self.changing() as change:
            change.plan(intent_of(sequence, status, filled, bar, self.time()), NAMES)

    def mark(self, bar: int, equity: float, breaker: str = "NORMAL") -> None:
        numbers = {"equity": equity, "cash": 400.0, "gross": 600.0, "net": 600.0}
        with self.changing() as change:
            facts = {**numbers, "n_positions": 2, "breaker": breaker}
            change.equity(bar, microseconds(self.time()), facts)


@cache
def begun() -> bytes:
    """Return the file of an account that has begun, to be copied: making one takes a while."""
    with TemporaryDirectory() as name:
        account = Account(Path(name))
        with account.changing() as change:
            change.begin("{}", 0, 1000.0, np.zeros((1, 1)), 1)
        return (account.folder / "paper.db").read_bytes()


def intent_of(
    sequence: int, status: IntentStatus, filled: float, bar: int, planned: datetime
) -> Intent:
    return Intent(
        f"bb-1-{bar}-0-{sequence}-E-AAPL",
        bar,
        0,
        sequence,
        0,
        "AAPL",
        0,
        0,
        10.0,
        100.0,
        planned,
        status=status,
        filled=filled,
        fill_price=101.25 if filled else None,
    )
