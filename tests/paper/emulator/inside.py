"""The emulator without a network: what alpaca-py sends is answered in this process.

Everything above the socket is the same; what breaks a connection breaks it here by raising.
"""

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as Disconnected
from urllib3 import HTTPResponse

from benbot.paper.alpaca.wire import Wire, trading_wire
from benbot.paper.venue import Clock
from tests.paper.emulator.server import Emulator
from tests.paper.scenes import KEYS

HERE = "http://127.0.0.1:1"  # where nobody listens


class Inside(HTTPAdapter):
    """Answers requests by asking an emulator of this process."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator

    def send(self, request: PreparedRequest, **_: Any) -> Response:  # type: ignore[override]  # noqa: ANN401
        method, url = str(request.method), str(request.url)
        path = urlsplit(url).path
        hits = [one for one in self._emulator.faults if one.strikes(method, path)]
        fault = hits[0] if hits else None
        status, answer = 200, None
        if fault is None or fault.acts:
            status, answer = self._emulator.answer(method, url, _bytes(request.body))
        text = b"" if answer is None else json.dumps(answer).encode()
        if fault is not None:
            if fault.action in ("drop_before", "accept_then_drop"):
                raise Disconnected(f"{fault.action} at {path}")
            if fault.action == "truncate":
                text = text[: len(text) // 2]
            else:
                status, text = fault.status, fault.body.encode()
        return self._response(request, status, text)

    def _response(self, request: PreparedRequest, status: int, text: bytes) -> Response:
        headers: Mapping[str, str] = self._emulator.headers
        raw = HTTPResponse(io.BytesIO(text), headers, status, preload_content=False)
        return self.build_response(request, raw)


def inside_wire(emulator: Emulator, clock: Clock) -> Wire:
    """Return alpaca-py's wire to an emulator of this process."""
    wire = trading_wire(KEYS, HERE, clock)
    wire._session.mount(HERE, Inside(emulator))
    return wire


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
