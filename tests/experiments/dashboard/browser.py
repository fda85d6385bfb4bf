"""A browser without a window: asks the application itself, keeps cookies, and sees what is said."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from benbot.experiments.dashboard.guard import FORM, App

HOST = "127.0.0.1:8765"
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)

    def token(self) -> str:
        found = TOKEN.search(self.text)
        assert found, self.text
        return found[1]

    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.text)


@dataclass
class Browser:
    """Asks one application; headers given as None are left out."""

    app: App
    client: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, b"", headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str | None) -> Answer:
        body = urlencode(fields).encode()
        own = {"origin": f"http://{HOST}", "content-type": FORM, "content-length": str(len(body))}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {**own, **given})

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str | None]) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items()) or None
        sent = {"host": HOST, "cookie": cookie, **headers}
        where, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "asgi": {"version": "3.0"},
            "method": method,
            "scheme": "http",
            "path": where,
            "raw_path": where.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "client": (self.client, 50000),
            "server": ("127.0.0.1", 8765),
            "headers": [
                (name.replace("_", "-").encode(), value.encode())
                for name, value in sent.items()
                if value is not None
            ],
        }
        answer = asyncio.run(_asked(self.app, scope, body))
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        return answer


async def _asked(app: App, scope: dict[str, Any], body: bytes) -> Answer:
    said: list[Any] = []
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:  # noqa: ANN401
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401
        said.append(message)

    await app(scope, receive, send)
    headers = tuple((key.decode().lower(), value.decode()) for key, value in said[0]["headers"])
    text = b"".join(one.get("body", b"") for one in said[1:]).decode()
    return Answer(said[0]["status"], headers, text)
