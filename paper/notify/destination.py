"""Where messages may go: Slack, Discord, Telegram, or a server on this machine. Nowhere else.

The address of a webhook is a secret: whoever has it may write there. So no message repeats one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult

from pydantic import SecretStr

from benbot.envs.errors import BadConfig
from benbot.paper.address import address_of, may_be_called, split
from benbot.paper.secrets import is_set, secret_from

WEBHOOK, FORMAT = "BENBOT_WEBHOOK_URL", "BENBOT_WEBHOOK_FORMAT"
TOKEN, CHAT = "BENBOT_TELEGRAM_TOKEN", "BENBOT_TELEGRAM_CHAT"
TELEGRAM_URL = "BENBOT_TELEGRAM_URL"  # only for a server on this machine
TELEGRAM_HOST = "https://api.telegram.org"
A_WEBHOOK = "the address of a webhook"
A_TOKEN = "the token of a bot"  # noqa: S105 - what one is called
SHORTEST_PART = 8  # characters of a part of an address that gives it away
USUAL = (
    "services",
    "webhooks",
    "workflows",
    "triggers",
    "thread_id",
    "sendMessage",
)  # give nothing


class Format(StrEnum):
    """Who reads a message."""

    SLACK = "slack"
    DISCORD = "discord"
    JSON = "json"
    TELEGRAM = "telegram"


HOSTS = {
    "hooks.slack.com": (Format.SLACK, "/"),
    "discord.com": (Format.DISCORD, "/api/webhooks/"),
}


@dataclass(frozen=True)
class Destination:
    """Whom to tell.

    address   scheme, host and port, which may be shown
    path      the rest, which may not
    chat      of Telegram
    """

    format: Format
    address: str
    path: SecretStr
    chat: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.format} at {self.address.partition('://')[2]}"

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """What no log may show: the whole of it, and each part that gives it away."""
        path = self.path.get_secret_value()
        parts = [part for part in re.split("[/?:=]", path) if len(part) >= SHORTEST_PART]
        parts = [part for part in parts if part not in USUAL]
        return tuple(SecretStr(text) for text in (self.address + path, path, *parts))


def destinations_of(environment: Mapping[str, str]) -> tuple[Destination, ...]:
    """Return everybody whom the environment names; nobody is fine."""
    found = []
    if is_set(environment, WEBHOOK):
        url = secret_from(environment, WEBHOOK, A_WEBHOOK).get_secret_value()
        found.append(webhook(url, environment.get(FORMAT, "")))
    if is_set(environment, TOKEN):
        token = secret_from(environment, TOKEN, A_TOKEN).get_secret_value()
        address = address_of(environment.get(TELEGRAM_URL, TELEGRAM_HOST), TELEGRAM_HOST)
        found.append(_telegram(token, environment.get(CHAT, ""), address))
    return tuple(found)


def webhook(url: str, wanted: str = "") -> Destination:
    """Return the webhook of an address; `wanted` is the format at a server on this machine."""
    try:
        parts = split(url)
    except ValueError:
        raise _refusal("one that cannot be read") from None
    format_, prefix = HOSTS.get(parts.hostname or "", (_format(wanted), "/"))
    if not may_be_called(parts, HOSTS):
        raise _refusal(f"one at {parts.scheme or 'no scheme'}, {parts.hostname or 'no host'}")
    if parts.fragment or not parts.path.startswith(prefix) or parts.path == prefix:
        raise _refusal(f"one at {parts.hostname} of another form")
    return Destination(format_, f"{parts.scheme}://{parts.netloc}", SecretStr(_rest(parts)))


def _telegram(token: str, chat: str, address: str) -> Destination:
    number, _, rest = token.partition(":")
    if not (number.isdigit() and rest and all(one.isalnum() or one in "-_" for one in rest)):
        raise BadConfig(
            f"{TOKEN} must be the token of a bot, digits, a colon and letters, was something else"
        )
    if not (chat.removeprefix("-").isdigit() or (chat.startswith("@") and chat[1:].isidentifier())):
        raise BadConfig(
            f"{CHAT} must be the number of a chat or the @name of a channel, was "
            f"{'something else' if chat else 'nothing'}"
        )
    return Destination(Format.TELEGRAM, address, SecretStr(f"/bot{token}/sendMessage"), chat)


def _format(wanted: str) -> Format:
    known = (Format.SLACK, Format.DISCORD, Format.JSON)
    if wanted not in ("", *known):
        raise BadConfig(f"{FORMAT} must be one of {', '.join(known)}, was {wanted!r}")
    return Format(wanted) if wanted else Format.JSON


def _rest(parts: SplitResult) -> str:
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _refusal(was: str) -> BadConfig:
    return BadConfig(
        f"{WEBHOOK} must be a webhook of Slack (https://hooks.slack.com/…) or Discord "
        f"(https://discord.com/api/webhooks/…), or one at http://127.0.0.1 with a port, was {was}. "
        "For any other service run a relay on this machine"
    )
