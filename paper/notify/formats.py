"""A message as each service takes it; lines are shown as they are, never as markup.

They stand in a block that no service reads further: three backticks at Slack and Discord, `<pre>`
at Telegram. What could end the block, or begin a tag, is written otherwise. Limits of length are
kept by `message`: Discord takes 2,000 characters, Telegram 4,096.
"""

import html
from typing import Any

from benbot.paper.notify.destination import Destination, Format
from benbot.paper.notify.message import Message

SUPPRESS_EMBEDS = 4  # a flag of Discord's: no previews
FENCE = "```"
ACUTE = "\N{MODIFIER LETTER PRIME}"  # in place of a backtick, which could end the block


def body_of(message: Message, to: Destination) -> dict[str, Any]:
    """Return what is sent as JSON."""
    return _BODIES[to.format](message, to)


def text_of(message: Message) -> str:
    """Return the lines of a message, the counts last."""
    return "\n".join([*map(str, message.lines), *([message.counts] if message.counts else [])])


def _slack(message: Message, _: Destination) -> dict[str, Any]:
    text = html.escape(_fenced(message), quote=False)  # &, < and >, as Slack asks for
    return {"text": text, "unfurl_links": False, "unfurl_media": False}


def _discord(message: Message, _: Destination) -> dict[str, Any]:
    return {
        "content": _fenced(message),
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_EMBEDS,
    }


def _telegram(message: Message, to: Destination) -> dict[str, Any]:
    text = html.escape(text_of(message), quote=False)
    return {
        "chat_id": to.chat,
        "text": f"<b>{message.title}</b>\n<pre>{text}</pre>",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _json(message: Message, _: Destination) -> dict[str, Any]:
    return {
        "source": "benbot",
        "account": message.account,
        "moment": message.moment.isoformat(),
        "title": message.title,
        "news": [
            {"kind": one.kind.value, "moment": one.moment.isoformat(), "text": one.text}
            | ({"market": one.market.isoformat()} if one.market else {})
            for one in message.lines
        ],
        "left_out": {kind.value: n for kind, n in message.left_out.items()},
        "stale": {kind.value: n for kind, n in message.stale.items()},
        "repeats": message.repeats,
    }


def _fenced(message: Message) -> str:
    return f"{message.title}\n{FENCE}\n{text_of(message).replace('`', ACUTE)}\n{FENCE}"


_BODIES = {
    Format.SLACK: _slack,
    Format.DISCORD: _discord,
    Format.TELEGRAM: _telegram,
    Format.JSON: _json,
}
