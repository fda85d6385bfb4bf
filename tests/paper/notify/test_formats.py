"""Each service gets what it takes, and text of strangers is text."""

from typing import Any

import pytest

from benbot.paper.notify.cursor import Cursor
from benbot.paper.notify.destination import Destination, destinations_of, webhook
from benbot.paper.notify.formats import body_of
from benbot.paper.notify.message import Editor, Message
from benbot.paper.notify.news import Kind, News, plain
from tests.paper.notify.receiver import NOW

LOCAL = "http://127.0.0.1:9/hook"
POISON = (
    "</pre><b>&amp;<script>alert(1)</script> <!channel> <@U1> @everyone ```*_~|>#[a](https://x.y)"
)


def destination(name: str) -> Destination:
    if name == "telegram":
        (to,) = destinations_of({"BENBOT_TELEGRAM_TOKEN": "1:a", "BENBOT_TELEGRAM_CHAT": "5"})
        return to
    return webhook(LOCAL, name)


def message(text: str) -> Message:
    news = (News(Kind.ALARM, NOW, plain(text)),)
    return Message("main", NOW, news, {Kind.FILL: 2}, {}, repeats=1)


def body(name: str, text: str) -> dict[str, Any]:
    return body_of(message(text), destination(name))


COUNTS = "left out: 2 fill; 1 times what was told within the hour"


def test_slack() -> None:
    assert body("slack", "no quotes") == {
        "text": f"BenBot main: ALARM\n```\n2026-11-27 15:00:00 ALARM no quotes\n{COUNTS}\n```",
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_discord() -> None:
    assert body("discord", "no quotes") == {
        "content": f"BenBot main: ALARM\n```\n2026-11-27 15:00:00 ALARM no quotes\n{COUNTS}\n```",
        "allowed_mentions": {"parse": []},
        "flags": 4,
    }


def test_telegram() -> None:
    assert body("telegram", "no quotes") == {
        "chat_id": "5",
        "text": "<b>BenBot main: ALARM</b>\n<pre>2026-11-27 15:00:00 ALARM no quotes\n"
        f"{COUNTS}</pre>",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def test_plain_json() -> None:
    assert body("json", "no quotes") == {
        "source": "benbot",
        "account": "main",
        "moment": "2026-11-27T15:00:00+00:00",
        "title": "BenBot main: ALARM",
        "news": [{"kind": "alarm", "moment": "2026-11-27T15:00:00+00:00", "text": "no quotes"}],
        "left_out": {"fill": 2},
        "stale": {},
        "repeats": 1,
    }


def test_nothing_in_a_line_is_a_tag_at_telegram() -> None:
    text = body("telegram", POISON)["text"]
    inner = text.removeprefix("<b>BenBot main: ALARM</b>\n<pre>").removesuffix("</pre>")
    assert not set("<>") & set(inner)
    assert "&lt;/pre&gt;&lt;b&gt;&amp;amp;" in inner


def test_nothing_in_a_line_ends_the_block_or_calls_anybody_at_slack() -> None:
    text = body("slack", POISON)["text"]
    assert text.count("`") == 6
    assert not set("<>") & set(text)
    assert "&lt;!channel&gt;" in text


def test_nothing_in_a_line_ends_the_block_or_calls_anybody_at_discord() -> None:
    whole = body("discord", POISON)
    assert whole["content"].count("`") == 6
    assert whole["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("name", ["slack", "discord", "telegram"])
def test_the_largest_message_is_one_that_services_take(name: str) -> None:
    many = [News(Kind.ALARM, NOW, f"{i} " + "&<`😀" * 99) for i in range(99)]
    editor = Editor("a" * 12, frozenset(Kind), lambda text: text)
    largest, _ = editor.message(many, Cursor(), NOW)
    sent = body_of(largest, destination(name))
    text = sent.get("content") or sent["text"]
    shown = text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    assert len(shown.encode("utf-16-le")) // 2 <= 2000
