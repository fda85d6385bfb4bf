"""Whatever Alpaca's news service sends, items of bounded plain text come of it, or a trouble."""

import random
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.envs.market.sentiment import vader_scorer
from benbot.paper.alpaca.news_source import PAGES, NewsSource
from benbot.paper.alpaca.wire import news_wire
from benbot.paper.press.book import Heard, NewsBook
from benbot.paper.press.item import LONGEST_HEADLINE
from benbot.paper.press.listener import Told, Window
from benbot.paper.store import open_store
from tests.paper.conftest import ALPACA
from tests.paper.emulator.press import Press
from tests.paper.press.news_accounts import kept_items
from tests.paper.scenes import KEYS, Emulated

pytest.importorskip("alpaca", reason=ALPACA)

PATH = "/v1beta1/news"
HTML = "<html><body><script>alert(1)</script>502 Bad Gateway</body></html>"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOSTILE = {
    "script": "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> UP {{ 7 * 7 }}",
    "direction": "UP \u202egnp.exe\u202c and \u2066hidden\u2069 \u200fx",
    "controls": "UP\x00\x07\x1b[31mred\x1b[0m\r\nSet-Cookie: a=b\u2028next\u2029last",
    "long": "UP " + "A" * 100_000,
    "halves": "UP \ud800 wins \udfff",
    "sql": "UP'); DROP TABLE news; --",
    "links": "UP javascript:alert(1) http://evil.example/?q=1",
}


@pytest.fixture
def source(alpaca: Emulated) -> Iterator[NewsSource]:
    wire = news_wire(KEYS, alpaca.emulator.url, alpaca.clock, 5.0)
    one = NewsSource(wire, ("UP", "DOWN"), vader_scorer())
    yield one
    one.close()


def window(alpaca: Emulated) -> Window:
    return Window(alpaca.clock.now - 24 * HOUR, alpaca.clock.now)


def some(alpaca: Emulated, n: int = 3) -> Press:
    """Publish some items of the last hours."""
    press = alpaca.emulator.press
    for i in range(n):
        press.publish(alpaca.clock.now - (n - i) * MINUTE, ["UP", "ZZZ"], f"UP wins number {i}")
    return press


def told(alpaca: Emulated, source: NewsSource) -> Told:
    return source.ask(window(alpaca), None)


def test_an_item_is_what_was_published_with_the_score_of_training(
    alpaca: Emulated, source: NewsSource
) -> None:
    press = some(alpaca, 1)
    (item,) = told(alpaca, source).items
    (_, row) = press.items[0]
    assert item.identity == str(row["id"])
    assert item.published == item.known == datetime.fromisoformat(row["created_at"])
    assert item.symbols == ("UP",)
    assert (item.headline, item.source) == ("UP wins number 0", "benzinga")
    assert item.mood == vader_scorer()(["UP wins number 0"])[0] > 0.0


def test_pages_are_followed_so_many_at_a_time(alpaca: Emulated, source: NewsSource) -> None:
    some(alpaca, 50 * PAGES + 60)
    first = told(alpaca, source)
    assert len(first.items) == 50 * PAGES
    assert first.token is not None
    rest = source.ask(window(alpaca), first.token)
    assert (len(rest.items), rest.token) == (60, None)
    assert not {one.identity for one in first.items} & {one.identity for one in rest.items}


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("status", {"status": 500, "body": HTML}),
        ("status", {"status": 429, "body": '{"message": "too many requests."}'}),
        ("status", {"status": 401, "body": HTML}),
        ("truncate", {}),
        ("huge", {}),
        ("drop_before", {}),
        ("body", {"body": HTML}),
        ("body", {"body": "[]"}),
        ("body", {"body": '{"news": {}, "next_page_token": null}'}),
        ("body", {"body": '{"news": [], "next_page_token": ["x"]}'}),
        ("body", {"body": '{"news": [], "next_page_token": "' + "x" * 9_999 + '"}'}),
        ("body", {"body": '{"news": [' + "0," * 2_000 + '0], "next_page_token": null}'}),
        ("redirect", {"body": "https://example.com"}),
        ("drip", {"seconds": 0.3}),
    ],
)
def test_what_is_no_answer_is_a_trouble(
    action: str, fields: dict[str, Any], alpaca: Emulated, source: NewsSource
) -> None:
    some(alpaca)
    fault = alpaca.emulator.fail(action, "GET", PATH, **fields)
    answer = told(alpaca, source)
    assert answer.trouble
    assert not answer.items
    assert "<script>" not in answer.trouble
    assert (answer.wait is not None) == (fault.status == 429 and action == "status")
    alpaca.clock.advance(seconds=120)
    assert len(told(alpaca, source).items) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"headline": None},
        {"headline": ""},
        {"headline": " \x00\u202e "},
        {"headline": ["UP"]},
        {"id": None},
        {"id": True},
        {"id": -1},
        {"id": 2**70},
        {"id": "1; DROP"},
        {"id": "9" * 65},
        {"symbols": None},
        {"symbols": "UP"},
        {"symbols": [["UP"], {"UP": 1}, None, 7]},
        {"symbols": ["ZZZ"]},
        {"created_at": None},
        {"created_at": "yesterday"},
        {"created_at": "2026-01-05T10:00:00"},
        {"created_at": "0001-01-01T00:00:00+14:00"},
        {"created_at": "2199-01-01T00:00:00Z"},
        {"created_at": "2001-01-01T00:00:00Z"},
    ],
)
def test_a_row_that_cannot_be_is_left_out_and_no_other(
    change: dict[str, Any], alpaca: Emulated, source: NewsSource
) -> None:
    press = some(alpaca)
    press.distort = lambda rows: [rows[0] | change, *rows[1:]]
    answer = told(alpaca, source)
    assert [one.headline[-1] for one in answer.items] == ["1", "2"]
    assert not answer.trouble
    assert sum(source.counts.values()) == 1


def test_rows_that_are_none_come_twice_or_in_any_order(
    alpaca: Emulated, source: NewsSource, folder: Path
) -> None:
    press = some(alpaca, 4)
    press.distort = lambda rows: [None, 7, "x", [], *rows[::-1], *rows, {}]
    answer = told(alpaca, source)
    assert len(answer.items) == 8
    now = alpaca.clock.now
    url = f"sqlite:///{folder / 'paper.db'}"
    with open_store(url, "main", alpaca.clock) as store:
        book = NewsBook(store, is_lasting=True)
        assert len(book.keep(answer.items, Heard(now, now))) == 4
        assert book.keep(answer.items, Heard(now, now)) == []
    assert [one.headline[-1] for one in kept_items(url, "main")] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_headline_is_kept_as_plain_text_of_a_bounded_length(
    name: str, alpaca: Emulated, source: NewsSource, folder: Path
) -> None:
    press = some(alpaca, 1)
    press.distort = lambda rows: [rows[0] | {"headline": HOSTILE[name], "source": HOSTILE[name]}]
    answer = told(alpaca, source)
    (item,) = answer.items
    for text in (item.headline, item.source):
        assert 0 < len(text) <= LONGEST_HEADLINE
        assert not [one for one in text if unicodedata.category(one)[0] == "C"]
        assert text == " ".join(text.split())
    assert np.isfinite(item.mood)
    now, url = alpaca.clock.now, f"sqlite:///{folder / 'paper.db'}"
    with open_store(url, "main", alpaca.clock) as store:
        NewsBook(store, is_lasting=False).keep(answer.items, Heard(now, now))
    assert kept_items(url, "main") == [item]


def fuzz(alpaca: Emulated, source: NewsSource, n: int) -> Counter[str]:
    """Ask n times with broken answers; return what came of it."""
    some(alpaca)
    rng = random.Random(11)  # noqa: S311
    fault = alpaca.emulator.fail("body", "GET", PATH, times=10**9, fuzz=rng)
    press = alpaca.emulator.press
    strange = (None, "", "NaN", -1, True, [], {}, "2026", 1e308, "\x00", "UP", ["UP"] * 999)

    def drift(rows: list[Any]) -> list[Any]:
        return [row | {rng.choice(sorted(row)): rng.choice(strange)} for row in rows]

    press.distort = drift
    came: Counter[str] = Counter()
    asked = window(alpaca)
    for i in range(n):
        alpaca.emulator.faults[:] = [fault] * (i % 2)
        answer = source.ask(asked, None)
        came["trouble" if answer.trouble else "items" if answer.items else "nothing"] += 1
        for item in answer.items:
            assert item.symbols == ("UP",)
            assert asked.since - timedelta(days=8) < item.published.astimezone(UTC)
        alpaca.clock.advance(seconds=61)
    return came


def test_broken_answers_do_no_harm(alpaca: Emulated, source: NewsSource) -> None:
    came = fuzz(alpaca, source, 150)
    assert came["trouble"] > 40
    assert came["items"] > 40


@pytest.mark.nightly
def test_thousands_of_broken_answers_do_no_harm(alpaca: Emulated, source: NewsSource) -> None:
    fuzz(alpaca, source, 5_000)
