"""All accounts in a line each, the market that they trade in, and what is said where none is."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from benbot.experiments.dashboard.looking import Looking
from benbot.experiments.dashboard.market import place_of
from benbot.experiments.dashboard.pages import plain
from benbot.experiments.dashboard.serve import lack_of
from benbot.experiments.paper.view import show_trades
from benbot.experiments.report.page import write_number
from benbot.paper.store import reading
from benbot.strategies.records.moments import written
from tests.experiments.dashboard.browser import Browser
from tests.experiments.dashboard.conftest import NOW, Making
from tests.experiments.dashboard.test_pages import write

HOME = "/account/replay"
COPIED = ("accounts", "equity", "decisions", "heartbeats", "leases")
DRAWN = '{"market": "abc, drawn on from seed 7", "pace": 2.5}'


def double(url: str) -> None:
    """Give the account a twin, which is halted."""
    for name in COPIED:
        with reading(url) as connection:
            rows = connection.exec_driver_sql(f"PRAGMA table_info({name})")
            columns = [row[1] for row in rows]
        names = ", ".join(f'"{one}"' for one in columns)
        values = names.replace('"account"', "'twin'")
        write(url, f"INSERT INTO {name} ({names}) SELECT {values} FROM {name}")  # noqa: S608
    write(url, "INSERT INTO switches VALUES ('twin', 1, 0, 'by hand', 0)")


def looking(url: str, account: str | None = None) -> Looking:
    return Looking(url, account, lambda: NOW)


def test_each_account_has_a_line_with_its_state(browser: Browser, url: str) -> None:
    double(url)
    page = browser.get("/").text
    lines = dict(re.findall(r'<a href="/account/(\w+)">(.*?)</tr>', page, re.DOTALL))
    assert lines.keys() == {"replay", "twin"}
    assert "HALTED" in lines["twin"]
    assert "HALTED" not in lines["replay"]
    (summary, _) = looking(url).summaries()
    for text in (f"{summary.equity:,.2f}", "stopped", "last cycle", "ago"):
        assert text in lines["replay"]
    assert f"{summary.profit:+,.2f}".replace("-", "−") in lines["replay"]


def test_an_account_leads_back_to_the_list_where_there_is_one(browser: Browser, url: str) -> None:
    assert "All accounts" not in browser.get(HOME).text
    assert browser.get("/").header("location") == HOME
    double(url)
    assert '<a href="/">All accounts</a>' in browser.get(HOME).text


def test_an_account_that_is_none_is_told_from_an_empty_store(
    making: Making, url: str, tmp_path: Path
) -> None:
    page = making(account="nobody").get("/").text
    assert "There is no account nobody in this store, which has others." in page
    assert "replay" not in page, "only nobody may be shown"
    assert "has others. It has: replay. The store is" in lack_of(looking(url, "nobody"))
    assert lack_of(looking(url)) == ""
    nowhere = f"sqlite:///{tmp_path / 'none.db'}"
    assert lack_of(looking(nowhere)).startswith("Nobody has made this store yet")
    write(url, "DELETE FROM accounts")
    assert looking(url).lack() == "The store is empty: no account has begun."


def test_a_drawn_market_says_so_and_whose_its_times_are(browser: Browser, url: str) -> None:
    write(url, "UPDATE accounts SET identity = :kept", kept=DRAWN)
    write(url, "INSERT INTO switches VALUES ('replay', 1, 0, 'by hand', 0)")
    for path in (HOME, f"{HOME}/list/orders"):
        page = browser.get(path).text
        assert "A drawn market, no real one: seed 7, a bar lasts 2.5 s here." in page
        assert "Times are the market" in page
    assert "UTC of this machine (by hand)" in browser.get(HOME).text


@pytest.mark.parametrize(
    ("identity", "said", "zone"),
    [
        ({}, "", "UTC"),
        ({"market": "bars of Alpaca, iex"}, "", "UTC"),
        ({"market": "abc"}, "A stretch of the past, replayed", "UTC of the market"),
        ({"market": "x, drawn on from seed 1", "pace": None}, "in real time", "UTC of the market"),
    ],
)
def test_a_market_is_known_by_what_was_kept(
    identity: dict[str, object], said: str, zone: str
) -> None:
    place = place_of(identity)
    assert said in place.said
    assert bool(place.said) is bool(said)
    assert place.zone == zone


def test_a_note_stands_below_its_order(browser: Browser, url: str) -> None:
    write(url, "UPDATE intents SET note = 'too little money'")
    page = browser.get(f"{HOME}/list/orders").text
    assert '<td class="note" colspan="11"><div>too little money</div></td>' in page


@pytest.mark.parametrize("value", [-0.0, -0.00001, 0.00001, 0.0])
def test_no_zero_is_negative(value: float) -> None:
    for style in "pPdn":
        assert "−" not in write_number(value, style)
        assert "−" not in write_number(value, style, signed=True)
    assert plain(-0.0) == "0"


def test_round_trips_have_the_date_of_their_close(url: str) -> None:
    write(
        url,
        "DELETE FROM trades",
        "INSERT INTO trades SELECT 'replay', max(bar), 0, 0, 'S0', 'a_strategy_of_a_long_name', 1, "
        "1, 2, 9, 'STOP', 0, 0, 0, 0, -12345.67 FROM equity",
    )
    with reading(url) as connection:
        closed = connection.exec_driver_sql("SELECT max(moment) FROM equity").scalar_one()
    console = Console(width=80)
    with console.capture() as shown:
        show_trades(url, "replay", console)
    assert written(closed)[:16].replace("T", " ") in shown.get()
    assert "-12,345.67" in shown.get()
    write(url, "DELETE FROM equity WHERE bar = (SELECT max(bar) FROM equity)")
    with console.capture() as shown:
        show_trades(url, "replay", console)
    assert "bar " in shown.get(), "a close that nobody marked"
