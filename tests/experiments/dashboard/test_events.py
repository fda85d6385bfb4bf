"""What the page says of the account's chain: who threw a switch, and since when it is whole."""

from datetime import timedelta

import pytest

from benbot.experiments.dashboard.app import Times, dashboard
from benbot.experiments.dashboard.door import door
from benbot.paper.presence import Newcomer, note_switches, present
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import open_store
from tests.experiments.dashboard.browser import Answer, Browser
from tests.experiments.dashboard.conftest import NOW, Watch
from tests.experiments.dashboard.test_security import HOME, SWITCH, form
from tests.paper.switches import execute

WHO = Newcomer("models:/allocator@champion", "models:/allocator/3", "", "simulated", "1.0")
HERE = Standing(7, Phase.INSIDE, 1, b"")
LIST = f"{HOME}/list/events"


def halt(browser: Browser, reason: str) -> Answer:
    return browser.post(SWITCH, form(browser) | {"reason": reason})


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("  ", "by hand"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
)
def test_who_halts_is_told_before_and_after_the_loop_has_noted_it(
    reason: str, expected: str, browser: Browser, url: str
) -> None:
    assert halt(browser, reason).status == 303
    words = (
        "the kill switch is ON, no order is sent (by the dashboard, asked from 127.0.0.1: "
        f"{expected}, at 2030-01-02 00:00 UTC)"
    )
    assert f"For the next loop to note: {words}" in browser.get(HOME).text
    assert words not in browser.get(LIST).text
    with open_store(url, "replay", lambda: NOW) as store:
        note_switches(store)
    assert "For the next loop to note" not in browser.get(HOME).text
    assert words in browser.get(HOME).text
    assert words in browser.get(LIST).text


def test_a_form_has_no_other_fields_and_no_endless_reason(browser: Browser) -> None:
    assert browser.post(SWITCH, form(browser) | {"who": "me"}).status == 400
    assert halt(browser, "x" * 4096).status == 413


def test_the_page_names_the_version_of_the_policy(browser: Browser, url: str) -> None:
    execute(url, """UPDATE accounts SET identity = '{"policy": "abc"}'""")
    assert "policy abc." in browser.get(HOME).text
    who = Newcomer(WHO.policy, WHO.version, "abc", "simulated", "1.0")
    with (
        open_store(url, "replay", lambda: NOW) as store,
        present(store, who, lambda: HERE, lambda: "SIGTERM"),
    ):
        pass
    text = browser.get(HOME).text
    assert (
        "policy models:/allocator/3, asked for as models:/allocator@champion, digest "
        "<code>abc</code>." in text
    )
    assert "the loop ended: SIGTERM, inside after bar 7" in text


def test_the_page_says_since_when_the_chain_is_whole(url: str, watch: Watch) -> None:
    now = [NOW]
    opened = door("127.0.0.1", 8765, [], {})
    browser = Browser(dashboard(url, None, opened, Times(lambda: now[0], watch)))
    for minutes, expected in ((0, "2030-01-02 00:00"), (59, "2030-01-02 00:00"), (61, "01:01")):
        now[0] = NOW + timedelta(minutes=minutes)
        text = browser.get(HOME).text
        assert "the chain is whole, walked from its first event at " in text
        assert f"{expected} UTC of this machine" in text
    execute(url, "DELETE FROM events")
    text = browser.get(HOME).text
    assert "The event log was changed." in text
    assert "they are others now, or fewer" in text
