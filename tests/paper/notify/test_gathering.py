"""News come from the store, each once, in the order in which they happened."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benbot.paper.intents import IntentStatus
from benbot.paper.notify import gathering
from benbot.paper.notify.cursor import Cursor, read_cursor, write_cursor
from benbot.paper.notify.gathering import gathered
from benbot.paper.notify.news import Kind
from benbot.paper.presence import note_switches
from benbot.paper.store import set_switch
from tests.paper.notify.receiver import NOW, Account
from tests.paper.switches import forget_throws


@pytest.fixture
def account(folder: Path) -> Account:
    return Account(folder).begin()


def look(
    account: Account, cursor: Cursor, now: datetime = NOW
) -> tuple[list[tuple[Kind, str]], Cursor]:
    seen = gathered(account.url, "main", cursor, now)
    assert not seen.has_more
    return [(one.kind, one.text) for one in seen.news], seen.cursor


def test_an_account_that_has_not_begun_has_no_news(folder: Path) -> None:
    account = Account(folder)
    account.opened().close()
    assert look(account, Cursor()) == ([], Cursor())


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (("alarm", "quotes", {"n_stale": 3}), (Kind.ALARM, "quotes: n_stale 3")),
        (("alarm", "venue", {}), (Kind.ALARM, "venue")),
        (("nonsense", "bar 4", {"why": "NaN"}), (Kind.ALARM, "nonsense bar 4: why NaN")),
        (
            ("began", "bar 4", {"capital": 1e5, "identity": {"policy": "x"}}),
            (Kind.RUN, "the account began after bar 4 with 100,000.00"),
        ),
        (
            ("refused", "bb-1", {"symbol": "AAPL", "units": -3.0, "why": "no money"}),
            (Kind.ORDER, "order refused: -3 AAPL: no money (bb-1)"),
        ),
        (
            ("dropped", "bb-1", {"symbol": "AAPL", "units": 3.0, "why": "halted"}),
            (Kind.ORDER, "order dropped: +3 AAPL: halted (bb-1)"),
        ),
        (
            ("adopted", "AAPL", {"units": 5.0, "foreign": 2.0}),
            (
                Kind.EXTERNAL,
                "others traded AAPL: the account holds 5, of which 2 are not the desk's",
            ),
        ),
        (("flow", "cash", {"money": -5.0}), (Kind.EXTERNAL, "money came or went: -5.00")),
        (
            ("external", "abc", {"symbol": "MSFT"}),
            (Kind.EXTERNAL, "somebody else's order in MSFT (abc)"),
        ),
        (("novel", "thing", {"a": 1.5}), (Kind.OTHER, "novel thing: a 1.5")),
        (("refused", "bb-1", {"units": "what"}), (Kind.ORDER, "refused bb-1")),
    ],
)
def test_an_event_is_told_in_words(
    event: tuple[str, str, dict[str, object]], expected: tuple[Kind, str], account: Account
) -> None:
    kind, subject, reasons = event
    account.event(kind, subject, **reasons)
    news, cursor = look(account, Cursor())
    assert news == [expected]
    assert look(account, cursor)[0] == []


def test_a_loop_that_says_itself_that_it_begins_and_ends_is_not_told_again(
    account: Account,
) -> None:
    for before in ("", "the one before ended without a word"):
        account.event("started", "main", before=before)
    account.event("ended", "main", how="SIGTERM")
    news, _ = look(account, Cursor())
    assert news == [(Kind.RUN, "a loop begins; the one before ended without a word")]


def test_an_order_is_told_once_its_end_is_known_and_never_before_an_earlier_one(
    account: Account,
) -> None:
    account.order(0, IntentStatus.DONE, 10.0)
    account.order(1, IntentStatus.WORKING)
    account.order(2, IntentStatus.DONE, -10.0)
    news, cursor = look(account, Cursor())
    assert news == [(Kind.FILL, "bought 10 AAPL at 101.2500 for rsi (bb-1-1-0-0-E-AAPL)")]
    assert cursor.order == (1, 0, 0)
    assert look(account, cursor)[0] == []


def test_an_order_without_a_fill_is_passed_over(account: Account) -> None:
    account.order(0, IntentStatus.REFUSED)
    account.order(1, IntentStatus.DONE, -4.0)
    news, cursor = look(account, Cursor())
    assert [text[:11] for _, text in news] == ["sold 4 AAPL"]
    assert cursor.order == (1, 0, 1)


def test_a_breaker_is_told_as_it_is_now(account: Account) -> None:
    account.mark(1, 1000.0)
    account.mark(2, 960.0, "DAILY_LOSS")
    news, cursor = look(account, Cursor())
    assert news == [(Kind.BREAKER, "the breaker is DAILY_LOSS: entries are limited or stopped")]
    account.mark(3, 960.0, "DAILY_LOSS")
    news, cursor = look(account, cursor)
    assert news == []
    account.mark(4, 960.0)
    assert look(account, cursor)[0] == [
        (Kind.BREAKER, "the breaker is NORMAL: entries are made again")
    ]


def test_a_switch_is_told_when_it_changes(account: Account) -> None:
    set_switch(account.url, "main", NOW, "drill", "ada@desk", is_halted=True, must_stop=True)
    news, cursor = look(account, Cursor())
    assert news == [
        (Kind.HALT, "the kill switch is ON, no order is sent (by ada@desk: drill)"),
        (Kind.HALT, "asked to stop after this cycle (by ada@desk: drill)"),
    ]
    assert look(account, cursor)[0] == []
    set_switch(account.url, "main", NOW, "by hand", is_halted=False, must_stop=False)
    news, cursor = look(account, cursor)
    assert news == [
        (
            Kind.HALT,
            "the kill switch is off, orders are sent again (by an unknown hand: by hand)",
        )
    ]
    with account.changing() as change:
        assert [one.kind for one in change.throws()] == ["halted", "stopping", "resumed"]
    assert look(account, cursor)[0] == []  # the chain tells what was told


def test_a_switch_of_which_nobody_knows_who_threw_it_is_told_as_it_is(account: Account) -> None:
    set_switch(account.url, "main", NOW, "by hand", is_halted=True)
    forget_throws(account.url)
    news, cursor = look(account, Cursor())
    assert news == [(Kind.HALT, "the kill switch is ON, no order is sent (by hand)")]
    assert look(account, cursor)[0] == []


def test_what_was_told_as_it_is_is_not_told_again_by_an_unknown_hand(account: Account) -> None:
    set_switch(account.url, "main", NOW, "a drill", is_halted=True, must_stop=True)
    forget_throws(account.url)
    told, cursor = look(account, Cursor())
    assert len(told) == 2
    with account.opened() as store:
        assert len(note_switches(store)) == 2
    assert look(account, cursor)[0] == []
    assert [kind for kind, _ in look(account, Cursor())[0]].count(Kind.HALT) == 2


def test_a_day_is_told_when_it_is_over(account: Account) -> None:
    account.mark(1, 1010.0)
    account.time.pass_(3600.0)
    account.mark(2, 1020.0)
    cursor = Cursor(breaker="NORMAL")
    news, cursor = look(account, cursor)
    assert news == []
    news, cursor = look(account, cursor, NOW + timedelta(hours=9))
    assert news == [
        (
            Kind.DAY,
            "2026-11-27: equity 1,020.00 (+2.00%), cash 400.00, 2 positions, gross 600.00, "
            "breaker NORMAL, 0 round trips +0.00",
        )
    ]
    account.time.pass_(86_400.0)
    account.mark(3, 918.0)
    account.time.pass_(86_400.0)
    account.mark(4, 918.0)
    news, cursor = look(account, cursor, account.time())
    assert [text[:40] for _, text in news] == ["2026-11-28: equity 918.00 (-10.00%), cas"]


def test_more_than_can_be_read_at_once_is_read_in_parts(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST", 2)
    for i in range(3):
        account.event("alarm", f"number {i}")
    first = gathered(account.url, "main", Cursor(), NOW)
    assert first.has_more
    assert first.cursor.event == 2
    assert [one.text for one in gathered(account.url, "main", first.cursor, NOW).news] == [
        "number 2"
    ]


def test_another_account_of_the_same_name_begins_anew(account: Account) -> None:
    account.event("alarm", "first")
    other = Cursor(began=77, event=500, recent={"x": 1.0})
    news, cursor = look(account, other)
    assert news == [(Kind.ALARM, "first")]
    assert (cursor.began, cursor.event, cursor.recent) == (1, 1, {"x": 1.0})


def test_a_cursor_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    cursor = Cursor(5, 7, (1, 2, 3), 4, 3, "DRAWDOWN", (True, False), {"abc": 1.5}, 2)
    write_cursor(path, cursor)
    assert read_cursor(path) == cursor
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["told.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"other": 1}', '{"order": [1]}', "\x00"])
def test_a_cursor_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_text(text)
    assert read_cursor(path) is None
    assert read_cursor(tmp_path / "nowhere.json") is None
