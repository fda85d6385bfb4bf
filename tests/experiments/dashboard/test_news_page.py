"""The page shows what an account heard: what matters first, and whatever it is, as plain text."""

import unicodedata
from dataclasses import replace

import pytest
from sqlalchemy import insert

from benbot.paper.overview.account import overview
from benbot.paper.overview.press import press
from benbot.paper.press.item import LONGEST_HEADLINE
from benbot.paper.press.tables import NEWS, NEWS_FEEDS
from benbot.paper.store import reading
from benbot.strategies.records.database import address_of, open_writer
from benbot.strategies.records.moments import microseconds
from benbot.strategies.records.rows import add
from tests.experiments.dashboard.browser import Browser
from tests.experiments.dashboard.conftest import NOW

HOME = "/account/replay"
MINUTE = 60_000_000
HOSTILE = {
    "script": "<script>alert(1)</script><style>x</style><a href='javascript:alert(1)'>x</a>",
    "template": "{{ 7 * 7 }} {% raw %}",
    "direction": "good \u202egnp.exe\u2066 hidden \u200f end",
    "controls": "a\x07b\x1b[31mred\r\n\u2028c",
    "long": "word " * 20_000 + "W" * 100_000,
}


def hear(url: str, *rows: tuple[int, str, str, float], trouble: str = "") -> None:
    """Keep items of (minutes ago, symbols, headline, mood)."""
    engine = open_writer(address_of(url), 5)
    now = microseconds(NOW)
    kept = [
        {"account": "replay", "item": str(i), "moment": now - ago * MINUTE, "mood": mood}
        | {"published": now - ago * MINUTE, "symbols": symbols, "headline": text, "source": "wire"}
        for i, (ago, symbols, text, mood) in enumerate(rows)
    ]
    with engine.begin() as connection:
        add(connection, NEWS, kept)
        connection.execute(
            insert(NEWS_FEEDS).values(account="replay", begins=0, heard=now, trouble=trouble)
        )
    engine.dispose()


def shown(page: str) -> str:
    """Return the part of the page on news."""
    return page[page.index("<h2>News</h2>") :].split("</section>")[0]


def test_what_is_held_or_wanted_comes_first_and_a_strong_mood_is_marked(
    browser: Browser, url: str
) -> None:
    with reading(url) as connection:
        told = overview(connection, "replay", NOW)
    held = told.holdings[0].symbol
    rows = [(1, "XX", "newest of others", -0.1), (5, f"{held} XX", "old of ours", 0.6)]
    hear(url, *rows, (9, held, "oldest of ours", 0.0))
    part = shown(browser.get(HOME).text)
    places = [part.index(text) for text in ("old of ours", "oldest of ours", "newest of others")]
    assert places == sorted(places)
    assert part.count("<small>strong</small>") == 1
    assert '<td class="worse">−0.10' in part
    assert "2030-01-01 23:55" in part
    listed = browser.get(f"{HOME}/list/news").text
    assert listed.index("newest of others") < listed.index("old of ours")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_headline_is_shown_harmless(name: str, browser: Browser, url: str) -> None:
    """Though somebody wrote it into the store itself, past all that makes it legible."""
    hear(url, (1, HOSTILE[name][:30], HOSTILE[name], 0.5), trouble=HOSTILE[name])
    for path in (HOME, f"{HOME}/list/news"):
        answer = browser.get(path)
        assert answer.status == 200
        text = answer.text.lower()
        for tag in ("<script>", "<style", "<a href='javascript", "onerror=", "49 "):
            assert tag not in text.replace('src="/static/dashboard.js"', "")
        assert len(text) < 200_000
        strange = {one for one in answer.text if unicodedata.category(one) in ("Cc", "Cf")}
        assert strange <= {"\n"}
        assert "unsafe" not in answer.header("content-security-policy")


def test_what_is_not_heard_is_said(browser: Browser, url: str) -> None:
    assert "No news are heard by this account." in browser.get(HOME).text
    hear(url, trouble="Alpaca did not answer (status 500)")
    page = shown(browser.get(HOME).text)
    assert "Nothing was heard since 2030-01-02 00:00" in page
    assert "status 500" in page
    assert "No news yet of its symbols." in page


def test_as_many_are_shown_as_there_is_room_for(url: str, browser: Browser) -> None:
    hear(url, *((i, "S0", f"number {i}", 0.0) for i in range(40)))
    page = shown(browser.get(HOME).text)
    assert page.count("number ") == 15
    assert "15 of 40." in page
    with reading(url) as connection:
        few = press(connection, "replay", {"none"}, 3)
    assert [one.text for one in few.headlines] == ["number 0", "number 1", "number 2"]
    assert not few.headlines[0].is_late
    assert replace(few.headlines[0], known=few.headlines[0].known + MINUTE).is_late
    assert LONGEST_HEADLINE >= 300
