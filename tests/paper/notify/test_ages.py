"""A market may run faster than the machine: what is told there is as old as it is for people."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from benbot.paper.notify.ages import Times
from benbot.paper.notify.cursor import Cursor
from benbot.paper.notify.gathering import gathered
from benbot.paper.notify.message import Editor, Message
from benbot.paper.notify.news import Kind
from benbot.paper.notify.pace import Bucket, Manner
from benbot.paper.notify.sending import Outcome
from benbot.paper.notify.teller import Teller, Work
from benbot.paper.store import set_switch
from tests.paper.notify.receiver import NOW, Account, Time

SPEED = 3600.0  # an hour of the market is a second of ours
TAKEN = Outcome(was_taken=True, is_over=True, said="")
FAILED = Outcome(was_taken=False, is_over=False, said="")


class Letterbox:
    """Keeps what comes, and takes none of it while it is shut."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_shut = False

    def send(self, message: Message) -> Outcome:
        if self.is_shut:
            return FAILED
        self.messages.append(message)
        return TAKEN

    def close(self) -> None:
        pass


class Fast:
    """An account in a fast market, and one who tells of it."""

    def __init__(self, folder: Path) -> None:
        self.account, self.machine = Account(folder).begin(), Time(NOW + timedelta(days=700))
        self.box = Letterbox()
        self.teller = self.begun()

    def begun(self, times: Times | None = None) -> Teller:
        return Teller(
            Work(
                name="box",
                look=partial(gathered, self.account.url, "main"),
                editor=Editor("main", frozenset(Kind), lambda text: text),
                sending=self.box,
                bucket=Bucket(Manner(at_once=99), self.machine.elapsed),
                times=times or Times(self.account.time, self.machine, SPEED),
                cursor=self.account.folder / "told.json",
                rest=0.0,
            )
        )

    def pass_(self, seconds: float) -> None:
        self.machine.pass_(seconds)
        self.account.time.pass_(SPEED * seconds)

    @property
    def texts(self) -> list[list[str]]:
        return [[one.text for one in message.lines] for message in self.box.messages]


@pytest.fixture
def fast(folder: Path) -> Fast:
    return Fast(folder)


def test_a_day_of_a_fast_market_is_told_when_it_is_over(fast: Fast) -> None:
    fast.teller.round()
    fast.account.mark(1, 1010.0)
    fast.pass_(12.0)
    fast.teller.round()
    ((line,),) = (message.lines for message in fast.box.messages)
    assert line.text.startswith("2026-11-27: equity 1,010.00 (+1.00%)")
    assert line.moment == fast.machine()
    assert line.market == NOW
    assert str(line).endswith("[market: 2026-11-27 15:00]")


def test_a_day_of_a_real_market_is_new_hours_after_its_last_mark(fast: Fast) -> None:
    teller = fast.begun(Times(fast.account.time))
    teller.round()
    fast.account.mark(1, 1010.0)
    fast.account.time.pass_(12 * 3600.0)
    teller.round()
    ((line,),) = (message.lines for message in fast.box.messages)
    assert (line.kind, line.moment, line.market) == (Kind.DAY, NOW, None)


def test_what_was_there_at_the_start_is_as_old_as_it_is_here(fast: Fast) -> None:
    fast.account.event("alarm", "long ago")
    fast.pass_(3000.0)
    fast.account.event("alarm", "some minutes ago")
    fast.pass_(1000.0)
    fast.teller.round()
    assert fast.texts == [["some minutes ago"]]
    assert fast.box.messages[0].stale == {Kind.ALARM: 1}


def test_what_appears_meanwhile_grows_old_by_our_clock_while_nobody_takes_it(fast: Fast) -> None:
    fast.teller.round()
    fast.account.event("alarm", "first")
    fast.box.is_shut = True
    fast.teller.round()
    fast.pass_(3500.0)
    fast.account.event("alarm", "second")
    fast.teller.round()
    fast.pass_(200.0)
    fast.box.is_shut = False
    fast.teller.round()
    assert fast.texts == [["second"]]
    assert fast.box.messages[0].stale == {Kind.ALARM: 1}


def test_counts_alone_are_no_message_and_come_with_the_next(fast: Fast) -> None:
    fast.account.event("alarm", "long ago")
    fast.pass_(4000.0)
    fast.teller.round()
    assert fast.texts == []
    again = fast.begun()
    fast.account.event("alarm", "now")
    again.round()
    assert fast.texts == [["now"]]
    assert fast.box.messages[0].counts == "more than an hour old: 1 alarm"
    assert fast.box.messages[0].moment == fast.machine()


def test_the_moment_of_a_switch_is_ours_already(fast: Fast) -> None:
    before = fast.machine()
    set_switch(fast.account.url, "main", before, "by hand", is_halted=True)
    fast.pass_(9.0)
    fast.teller.round()
    ((line,),) = (message.lines for message in fast.box.messages)
    assert (line.moment, line.market) == (before, None)


def test_the_same_text_is_told_once_in_an_hour_of_ours(fast: Fast) -> None:
    for _ in range(3):
        fast.account.event("alarm", "no quotes")
        fast.teller.round()
        fast.pass_(60.0)
    assert fast.texts == [["no quotes"]]


def test_counts_that_wait_are_kept_with_the_cursor() -> None:
    message, cursor = Editor("main", frozenset(Kind), str).message(
        [], Cursor(stale={"fill": 2}), NOW
    )
    assert not message
    assert cursor.stale == {"fill": 2}
