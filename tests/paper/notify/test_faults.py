"""Who is not told any more is an alarm for everybody else, and no thread ends in silence."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from benbot.paper.attendance import Attendant
from benbot.paper.autoloop import Cycle
from benbot.paper.notify import teller as tellers
from benbot.paper.notify.cursor import Cursor
from benbot.paper.notify.gathering import Gathered
from benbot.paper.notify.notifier import Notifier, Told
from benbot.paper.notify.teller import Teller
from tests.paper.notify.receiver import PATIENCE, Account, Receiver, receiving
from tests.paper.notify.test_notifier import teller_of, texts


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def account(folder: Path) -> Account:
    return Account(folder).begin()


def odd(teller: Teller, times: int, error: Exception) -> threading.Event:
    """Let a teller's look into the store raise so many times; return what is set after that."""
    look, left, done = teller._work.look, [error] * times, threading.Event()

    def looks(cursor: Cursor, now: datetime) -> Gathered:
        if left:
            raise left.pop()
        done.set()
        return look(cursor, now)

    teller._work = replace(teller._work, look=looks)
    return done


def test_what_nobody_expected_is_logged_and_the_thread_goes_on(
    account: Account,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tellers, "SHORTEST_WAIT", 0.01)
    account.event("alarm", "first")
    teller = teller_of(account, receiver)
    done = odd(teller, 2, KeyError("status"))
    with caplog.at_level(logging.ERROR):
        teller.start()
        teller.wake()
        assert done.wait(PATIENCE)
        receiver.wait_for(1)
    teller.end()
    teller.wait(PATIENCE)
    assert not teller._thread.is_alive()
    assert texts(receiver) == [["first"]]
    assert caplog.text.count("nothing was told, which nobody expected") == 2
    assert "KeyError: 'status'" in caplog.text
    assert teller.fault == ""


def test_a_fault_holds_until_something_arrives_and_rests_grow(
    account: Account, receiver: Receiver
) -> None:
    teller = teller_of(account, receiver)
    odd(teller, 1, ZeroDivisionError())
    teller._try()
    assert teller.fault == "ZeroDivisionError, see the log"
    teller._try()
    assert teller.fault == ""
    account.event("alarm", "first")
    for _ in range(tellers.MANY):
        assert teller.fault == ""
        receiver.answer(503)
        teller._try()
    assert (teller.fault, teller._rest) == ("status 503", 16 * tellers.SHORTEST_WAIT)
    receiver.answer(404)
    teller._try()
    teller._try()
    assert (teller.fault, texts(receiver)[-1]) == ("", ["first"])


@dataclass
class Failing:
    """A notifier of which somebody hears nothing, when a test says so."""

    fault: str = ""

    def after_cycle(self, cycle: Cycle) -> None:
        """Tell nobody."""

    def faults(self) -> dict[str, str]:
        return {"json at home": self.fault} if self.fault else {}


def test_whom_nothing_reaches_is_an_alarm_once() -> None:
    raised: list[tuple[str, str]] = []
    notifier = Failing()
    attendant = Attendant(notifier, lambda *one: raised.append(one))  # type: ignore[arg-type]
    for notifier.fault in ("", "status 404", "status 404", "", "status 404"):
        attendant.after_cycle(Cycle(1))
    assert raised == [("notify json at home", "status 404")] * 2


def test_a_notifier_knows_whom_nothing_reaches(account: Account, receiver: Receiver) -> None:
    teller = teller_of(account, receiver)
    notifier = Notifier(Told(account.url, "main", account.folder, account.time), (teller,))
    assert notifier.faults() == {}
    receiver.answer(404)
    account.event("alarm", "first")
    teller._try()
    assert notifier.faults() == {teller.name: "status 404"}
