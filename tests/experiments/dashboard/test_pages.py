"""Pages show what the store has, say where there is nothing, and show a hostile text as text."""

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from benbot.paper.overview.account import overview
from benbot.paper.overview.health import switch
from benbot.paper.store import reading
from tests.experiments.dashboard.browser import Browser
from tests.experiments.dashboard.conftest import NOW, Making

HOME = "/account/replay"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def write(url: str, *statements: str, **values: object) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE positions SET symbol = :evil || symbol",
        "UPDATE positions SET strategy = :evil",
        "UPDATE intents SET note = :evil, symbol = :evil, strategy = :evil, status = :evil",
        "UPDATE fills SET client_order_id = :evil, symbol = :evil",
        "UPDATE trades SET symbol = :evil, reason = :evil",
        'UPDATE verdicts SET verdict = :evil, "limit" = :evil, strategy = :evil',
        "UPDATE heartbeats SET why = :evil, progress = :evil",
        "UPDATE heartbeats SET statuses = '[\"<script>alert(1)</script>\"]'",
        "UPDATE events SET subject = :evil, kind = :evil",
        'UPDATE events SET reasons = \'{"<script>alert(1)</script>": "<img src=x onerror=a>"}\'',
        "UPDATE leases SET owner = :evil",
        "INSERT INTO news VALUES ('replay', '1', 0, 0, :evil, :evil, :evil, 0.5)",
        "INSERT INTO news_feeds VALUES ('replay', 0, 0, :evil)",
        "INSERT INTO switches VALUES ('replay', 1, 1, :evil, 0)",
        'UPDATE accounts SET identity = \'{"policy": "<script>alert(1)</script>"}\'',
    ],
)
def test_hostile_text_is_shown_as_text(statement: str, browser: Browser, url: str) -> None:
    write(url, statement, evil=EVIL)
    lists = ("orders", "fills", "trades", "candidates", "events", "news")
    for path in (HOME, *(f"{HOME}/list/{kind}" for kind in lists)):
        answer = browser.get(path)
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text


@pytest.mark.parametrize("name", ["%3Cscript%3E", "<script>", "..", "replay'--"])
def test_an_account_that_is_none_is_named_as_text(name: str, browser: Browser) -> None:
    answer = browser.get(f"/account/{name}")
    assert answer.status == 404
    assert "<script>" not in answer.text


def test_profit_on_the_page_is_that_of_the_store(browser: Browser, url: str) -> None:
    page = browser.get(HOME).text
    with reading(url) as connection:
        rows = connection.execute(text("SELECT equity FROM equity ORDER BY bar")).scalars().all()
        held = connection.execute(
            text("SELECT symbol, units * (last_price - entry_price) FROM positions")
        ).all()
    assert held
    assert f"{rows[-1] - rows[0]:+,.2f}".replace("-", "−") in page
    assert f"{rows[-1] - rows[-2]:+,.2f}".replace("-", "−") in page
    for symbol, profit in held:
        row = re.search(rf'<td class="name">{symbol}</td>.*?</tr>', page, re.DOTALL)
        assert row
        assert f"{profit:+,.2f}".replace("-", "−") in row[0]


def test_the_page_shows_the_money_of_now_beside_that_of_the_close(
    browser: Browser, url: str
) -> None:
    with reading(url) as connection:
        told = overview(connection, "replay", NOW)
    page, now = browser.get(HOME).text, told.money
    assert now is not None
    assert told.moved  # it stands inside a bar
    assert f"<b>{now.equity:,.2f}</b><small>now; {told.results.last['equity']:,.2f}" in page
    assert f"<b>{now.cash:,.2f}</b><small>now; {told.results.last['cash']:,.2f}" in page
    table = page[page.index("Where the profit comes from") :].split("</table>")[0]
    for name, money in (*now.sources.lines, ("profit in all", now.profit)):
        row = table[table.index(f"<td>{name}</td>") :].split("</tr>")[0]
        assert f"{money:+,.2f}".replace("-", "−") in row


def test_a_book_of_another_version_leaves_the_money_of_the_close(
    browser: Browser, url: str
) -> None:
    write(url, "UPDATE standings SET book = :book", book=b"[]\n")
    with reading(url) as connection:
        last = overview(connection, "replay", NOW).results.last
    page = browser.get(HOME).text
    assert "its money is that of the last close" in page
    assert f"<b>{last['equity']:,.2f}</b><small>at the close of" in page
    assert "Where the profit comes from" not in page


@pytest.mark.parametrize(
    ("units", "mark", "profit"),
    [(10.0, 12.0, 20.0), (10.0, 9.0, -10.0), (-10.0, 12.0, -20.0), (-10.0, 9.0, 10.0)],
)
def test_a_short_earns_when_its_price_falls(
    units: float, mark: float, profit: float, url: str
) -> None:
    write(
        url,
        "DELETE FROM positions",
        "INSERT INTO positions VALUES ('replay', 'S0', 'x', :units, 10, :mark, 0, 0, 1)",
        units=units,
        mark=mark,
    )
    with reading(url) as connection:
        (held,) = overview(connection, "replay", NOW).holdings
    assert held.profit == profit
    assert held.stop is None


def test_money_that_came_is_no_profit(url: str) -> None:
    with reading(url) as connection:
        before = overview(connection, "replay", NOW).results
        decided = connection.execute(text("SELECT max(moment) FROM decisions")).scalar_one()
    write(
        url,
        "INSERT INTO events VALUES "
        "('replay', 2, :moment, 'flow', 'cash', '{\"money\": 1000}', '', '')",
        "UPDATE equity SET equity = equity + 1000 WHERE bar = (SELECT max(bar) FROM equity)",
        moment=decided,
    )
    with reading(url) as connection:
        told = overview(connection, "replay", NOW)
    assert told.results.flows == 1000.0
    assert told.results.profit == pytest.approx(before.profit)
    assert told.results.today == pytest.approx(before.today)
    assert "event 2 was not" in told.chain.broken


def test_the_loop_was_alive_and_its_regime_is_known(browser: Browser, url: str) -> None:
    with reading(url) as connection:
        told = overview(connection, "replay", NOW)
    beat = told.health.beat
    assert beat is not None
    assert beat.cycle > 30
    assert beat.statuses[-1] == "COMPLETED"
    assert told.health.life == "stopped"
    assert "nobody trades the account" in browser.get(HOME).text


@pytest.mark.parametrize(
    ("lease", "life"),
    [
        ("expires = acquired", "silent"),
        ("expires = 9e15, acquired = 9e15", "starting"),
        ("expires = 9e15", "alive"),
    ],
)
def test_a_loop_lives_by_its_lease_and_its_heart(
    lease: str, life: str, browser: Browser, url: str
) -> None:
    write(url, f"UPDATE leases SET owner = 'me', {lease}")  # noqa: S608
    assert f'class="life {life}"' in browser.get(HOME).text


def test_a_broken_chain_is_told(browser: Browser, url: str) -> None:
    write(url, "UPDATE events SET kind = 'nothing'")
    assert "The event log was changed." in browser.get(HOME).text


def test_a_store_that_nobody_made_says_how_to_begin(making: Making, tmp_path: Path) -> None:
    browser = making(store=f"sqlite:///{tmp_path / 'none.db'}")
    assert "Nobody has made this store yet" in browser.get("/").text
    assert not (tmp_path / "none.db").exists()


def test_an_account_without_a_trade_says_so(browser: Browser, url: str) -> None:
    tables = ("positions", "intents", "orders", "fills", "bookings", "trades", "verdicts")
    later, first = ("equity", "decisions"), "(SELECT first_bar FROM accounts)"
    write(
        url,
        *(f"DELETE FROM {name}" for name in (*tables, "heartbeats")),  # noqa: S608
        *(f"DELETE FROM {name} WHERE bar > {first}" for name in later),  # noqa: S608
    )
    page = browser.get(HOME).text
    for said in (
        "One mark so far.",
        "Nothing is held.",
        "No order has been meant yet.",
        "Nothing has filled yet.",
        "No position has been closed yet.",
        "No strategy has asked for a trade yet.",
        "none is known",
    ):
        assert said in page


def test_people_halt_and_resume(browser: Browser, url: str) -> None:
    for action, is_halted in (("halt", True), ("resume", False)):
        token = browser.get(f"{HOME}/ask/{action}").token()
        before = browser.get(f"{HOME}/pulse").json()["stamp"]
        fields = {"action": action, "sure": "yes", "token": token}
        assert browser.post(f"{HOME}/switch", fields).status == 303
        with reading(url) as connection:
            assert switch(connection, "replay").is_halted is is_halted
        assert ("The kill switch is on" in browser.get(HOME).text) is is_halted
        assert browser.get(f"{HOME}/pulse").json()["stamp"] != before


def test_only_the_account_that_was_asked_for_is_shown(making: Making) -> None:
    assert making(account="other").get(HOME).status == 404
