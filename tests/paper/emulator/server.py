"""An Alpaca on this machine: HTTP on a loopback port, answered by the emulated broker.

Written from Alpaca's published interface; `Emulator.faults` is what goes wrong.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.paper.emulator.broker import Broker, Fill, Order, Refused
from tests.paper.emulator.faults import Fault, fuzzed
from tests.paper.emulator.market import Exchange
from tests.paper.emulator.press import Press

KEY, SECRET = "PKEMULATED", "a-secret-of-the-emulator"
MOST_BYTES = 9 * 2**20
DRIP = 0.05  # seconds a byte


class Emulator:
    """The broker, its faults, and where it listens."""

    def __init__(self, broker: Broker, exchange: Exchange | None = None) -> None:
        self.broker, self.exchange, self.press = broker, exchange, Press()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}  # sent with each answer
        self.authorised = True
        self.lag = 0.0  # seconds after which an order is shown, on the broker's clock
        self.shown_twice = 1  # how many times each fill is listed
        self.lost: set[str] = set()  # fills that are not listed
        self.url = ""
        self._lock = threading.Lock()

    def fail(self, action: str, method: str = ".*", path: str = ".*", **fields: Any) -> Fault:  # noqa: ANN401
        """Plan a fault and return it."""
        fault = Fault(action, method, path, **fields)
        self.faults.append(fault)
        return fault

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, object]:
        """Return status and JSON of a request."""
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            if self.exchange is not None:
                self.exchange.move()
            self.broker.look()
            try:
                return self._route(method, parts.path, asked, body)
            except Refused as refused:
                return refused.status, {"code": refused.code, "message": refused.message}

    def _route(
        self, method: str, path: str, asked: dict[str, str], body: bytes
    ) -> tuple[int, object]:
        if not self.authorised:
            return 401, {"code": 40110000, "message": "request is not authorized"}
        if method == "POST" and path == "/v2/orders":
            return 200, order_json(self.broker.submit(json.loads(body)))
        if method == "DELETE":
            self.broker.cancel(path.rpartition("/")[2])
            return 204, None
        if path == "/v2/orders:by_client_order_id":
            return self._one(asked.get("client_order_id", ""))
        questions = {
            "/v2/clock": lambda: self.broker.sessions.as_json(self.broker.clock()),
            "/v2/account": lambda: account_json(self.broker),
            "/v2/positions": lambda: positions_json(self.broker),
            "/v2/orders": lambda: [order_json(one) for one in self._shown() if one.is_open],
            "/v2/account/activities/FILL": lambda: self._activities(asked),
            "/v1beta1/news": lambda: self.press.answer(asked, self.broker.clock()),
            "/v2/stocks/quotes/latest": lambda: {
                "quotes": quotes_json(self.broker, asked["symbols"].split(","))
            },
        }
        if path in questions:
            return 200, questions[path]()
        answer = None if self.exchange is None else self.exchange.answer(path, asked)
        if answer is not None:
            return 200, answer
        return 404, {"code": 40410000, "message": "endpoint not found."}

    def _shown(self) -> list[Order]:
        now = self.broker.clock()
        return [
            one
            for one in self.broker.orders
            if (now - one.submitted).total_seconds() >= self.lag or not self.lag
        ]

    def _one(self, identifier: str) -> tuple[int, object]:
        for order in self._shown():
            if order.client_order_id == identifier:
                return 200, order_json(order)
        return 404, {"code": 40410000, "message": f"order not found for {identifier}"}

    def _activities(self, asked: dict[str, str]) -> list[object]:
        after = datetime.fromisoformat(asked["after"])
        size, token = int(asked.get("page_size", "100")), asked.get("page_token", "")
        fills = [
            fill
            for fill in self.broker.fills
            for _ in range(self.shown_twice)
            if fill.time > after and fill.id > token and fill.id not in self.lost
        ]
        return [fill_json(fill) for fill in fills[:size]]


def order_json(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": order.submitted.isoformat(),
        "updated_at": order.updated.isoformat(),
        "submitted_at": order.submitted.isoformat(),
        "filled_at": None,
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "qty": str(order.qty),
        "notional": None,
        "filled_qty": str(order.filled),
        "filled_avg_price": str(order.paid / order.filled) if order.filled else None,
        "order_class": "",
        "type": order.type,
        "order_type": order.type,
        "side": order.side,
        "time_in_force": order.time_in_force,
        "limit_price": None if order.limit is None else str(order.limit),
        "stop_price": None if order.stop is None else str(order.stop),
        "status": order.status,
        "extended_hours": False,
        "legs": None,
    }


def account_json(broker: Broker) -> dict[str, object]:
    usual = {
        "id": "904837e3-3b76-47ec-b432-046db621571b",
        "account_number": "PA0000000001",
        "status": "ACTIVE",
        "currency": "USD",
        "cash": str(broker.cash),
        "equity": str(broker.equity),
        "buying_power": str(broker.buying_power),
        "multiplier": str(broker.multiplier),
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "shorting_enabled": broker.multiplier > 1,
    }
    return usual | broker.flags


def positions_json(broker: Broker) -> list[object]:
    return [
        {
            "asset_id": "904837e3-3b76-47ec-b432-046db621571b",
            "symbol": symbol,
            "exchange": "NASDAQ",
            "asset_class": "us_equity",
            "avg_entry_price": str(held.cost / held.qty),
            "qty": str(held.qty),
            "side": "long" if held.qty > 0 else "short",
            "cost_basis": str(held.cost),
            "current_price": str(broker.price(symbol)),
        }
        for symbol, held in broker.positions.items()
    ]


def fill_json(fill: Fill) -> dict[str, object]:
    return {
        "activity_type": "FILL",
        "id": fill.id,
        "cum_qty": str(fill.order.filled),
        "leaves_qty": str(fill.order.left),
        "price": str(fill.price),
        "qty": str(fill.qty),
        "side": fill.order.side,
        "symbol": fill.order.symbol,
        "transaction_time": fill.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "order_id": fill.order.id,
        "order_status": fill.order.status,
        "type": "fill" if fill.order.left == Decimal(0) else "partial_fill",
    }


def quotes_json(broker: Broker, symbols: list[str]) -> dict[str, object]:
    return {
        symbol: {
            "t": quote.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z",
            "ap": quote.ask,
            "as": 1,
            "ax": "V",
            "bp": quote.bid,
            "bs": 2,
            "bx": "V",
            "c": ["R"],
            "z": "C",
        }
        for symbol in symbols
        if (quote := broker.quotes.get(symbol)) is not None
    }


@contextmanager
def serving(emulator: Emulator) -> Iterator[Emulator]:
    """Let an emulator listen on a free port of this machine."""
    handler = type("Bound", (Handler,), {"emulator": emulator})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    emulator.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield emulator
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    emulator: Emulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.emulator.requests.append((self.command, path))
        hits = [one for one in self.emulator.faults if one.strikes(self.command, path)]
        fault = hits[0] if hits else None
        status, answer = 200, None
        if fault is None or fault.acts:
            status, answer = self.emulator.answer(self.command, self.path, body)
        if fault is None:
            self._send(status, _text(answer))
        else:
            self._fail(fault, status, answer)

    def _fail(self, fault: Fault, status: int, answer: Any) -> None:  # noqa: ANN401
        text = _text(answer)
        if fault.action == "delay":
            time.sleep(fault.seconds)
        if fault.action in ("drop_before", "accept_then_drop"):
            self._drop()
        elif fault.action == "truncate":
            self._send(status, text[: len(text) // 2], length=len(text))
            self._drop()
        elif fault.action == "drip":
            self._drip(text, fault.seconds)
        elif fault.action in ("status", "accept_then_504"):
            self._send(fault.status, fault.body.encode(), fault.headers)
        elif fault.action == "redirect":
            self._send(307, b"", {"Location": fault.body})
        else:
            self._send(status, self._changed(fault, answer), fault.headers)

    def _changed(self, fault: Fault, answer: Any) -> bytes:  # noqa: ANN401
        if fault.action == "huge":
            return _text(answer) + b" " * MOST_BYTES  # JSON all the same
        if fault.fuzz is not None:
            return fuzzed(fault.fuzz, answer)
        if fault.action == "body":
            return fault.body.encode("latin-1")
        return _text(answer if fault.change is None else fault.change(answer))

    def _drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    def _drip(self, text: bytes, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._head(200, len(text), {})
        for byte in text:
            if time.monotonic() > end:
                break
            self.wfile.write(bytes([byte]))
            time.sleep(DRIP)
        self._drop()

    def _send(
        self,
        status: int,
        text: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        try:
            self._head(status, len(text) if length is None else length, headers or {})
            self.wfile.write(text)
        except OSError:
            self.close_connection = True  # nobody waits any more

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (
            {"Content-Length": str(length)} | self.emulator.headers | headers
        ).items():
            self.send_header(name, value)
        self.end_headers()


def _text(answer: object) -> bytes:
    return b"" if answer is None else json.dumps(answer).encode()
