"""Everything is told once, nobody waits for it, and what fails is told later."""

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benbot.paper.autoloop import Cycle, Status
from benbot.paper.notify import teller as tellers
from benbot.paper.notify.ages import Times
from benbot.paper.notify.destination import webhook
from benbot.paper.notify.gathering import gathered
from benbot.paper.notify.message import Editor
from benbot.paper.notify.news import Kind, News
from benbot.paper.notify.notifier import Told, notifying
from benbot.paper.notify.pace import Bucket, Manner
from benbot.paper.notify.sending import Courier
from benbot.paper.notify.teller import Teller, Work
from tests.paper.notify.receiver import NOW, PATIENCE, Account, Receiver, receiving

CANARY = "canary7f3a9c"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def account(folder: Path) -> Account:
    return Account(folder).begin()


def teller_of(
    account: Account,
    receiver: Receiver,
    manner: Manner = Manner(),  # noqa: B008
    times: Times | None = None,
) -> Teller:
    to = webhook(f"{receiver.url}/{CANARY}")
    return Teller(
        Work(
            name=str(to),
            look=partial(gathered, account.url, "main"),
            editor=Editor("main", frozenset(Kind), lambda text: text),
            sending=Courier(to),
            bucket=Bucket(manner, account.time.elapsed),
            times=times or Times(account.time),
            cursor=account.folder / "told.json",
            rest=0.0,
        )
    )


def texts(receiver: Receiver) -> list[list[str]]:
    return [[one["text"] for one in body["news"]] for _, body in receiver.came]


def test_a_restart_tells_nothing_twice(account: Account, receiver: Receiver) -> None:
    account.event("alarm", "first")
    teller = teller_of(account, receiver)
    assert teller.round() is None
    assert teller.round() is None
    account.event("alarm", "second")
    assert teller_of(account, receiver).round() is None
    assert texts(receiver) == [["first"], ["second"]]


def test_what_happened_while_nobody_was_there_is_told_or_counted(
    account: Account, receiver: Receiver
) -> None:
    account.event("alarm", "long ago")
    account.time.pass_(3601.0)
    account.event("alarm", "just now")
    teller_of(account, receiver).round()
    assert texts(receiver) == [["just now"]]
    assert receiver.came[0][1]["stale"] == {"alarm": 1}


@pytest.mark.parametrize("status", [500, 429, 404, 302])
def test_what_was_not_taken_is_told_again(
    status: int, account: Account, receiver: Receiver
) -> None:
    account.event("alarm", "first")
    receiver.answer(status, None, Location="http://127.0.0.1:1/elsewhere")
    teller = teller_of(account, receiver)
    teller.round()
    assert teller._rest >= tellers.SHORTEST_WAIT
    teller.round()
    assert texts(receiver) == [["first"]] * 2
    assert teller._rest == 0.0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_sent_elsewhere(status: int, account: Account, receiver: Receiver) -> None:
    account.event("alarm", "first")
    receiver.answer(status, None, Location=f"{receiver.url}/elsewhere")
    teller_of(account, receiver).round()
    assert receiver.paths == [f"/{CANARY}"]


def test_what_can_never_be_taken_blocks_nothing(account: Account, receiver: Receiver) -> None:
    account.event("alarm", "first")
    receiver.answer(400)
    teller = teller_of(account, receiver)
    teller.round()
    account.event("alarm", "second")
    teller.round()
    assert texts(receiver) == [["first"], ["second"]]


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry_After": "17"}, None, 17.0),
        ({}, {"retry_after": 2.5}, 2.5),
        ({}, {"parameters": {"retry_after": 9}}, 9.0),
        ({"Retry_After": "1e9"}, None, 3600.0),
        ({"Retry_After": "soon"}, None, tellers.SHORTEST_WAIT),
        ({"Retry_After": "nan"}, None, tellers.SHORTEST_WAIT),
        ({}, [1], tellers.SHORTEST_WAIT),
    ],
)
def test_a_service_says_how_long_to_wait(
    headers: dict[str, str], body: object, seconds: float, account: Account, receiver: Receiver
) -> None:
    account.event("alarm", "first")
    receiver.answer(429, body, **headers)
    teller = teller_of(account, receiver)
    teller.round()
    assert teller._rest == seconds


def test_failures_are_tried_again_after_longer_and_longer(
    account: Account, receiver: Receiver
) -> None:
    account.event("alarm", "first")
    teller, rests = teller_of(account, receiver, Manner(at_once=99)), []
    for _ in range(12):
        receiver.answer(503)
        teller.round()
        rests.append(teller._rest)
    assert rests[:4] == [5.0, 10.0, 20.0, 40.0]
    assert max(rests) == rests[-1] == tellers.LONGEST_WAIT


def test_too_much_at_once_waits_for_its_turn_and_alarms_do_not(
    account: Account, receiver: Receiver
) -> None:
    teller = teller_of(account, receiver, Manner(at_once=2, per_minute=1.0, kept=1))
    for i in range(3):
        account.event("flow", "cash", money=float(i))
        waited = teller.round()
    assert waited == 60.0
    assert len(receiver.came) == 1
    account.event("alarm", "no quotes")
    assert teller.round() is None
    assert [one["kind"] for one in receiver.came[1][1]["news"]] == ["external"] * 2 + ["alarm"]


def test_a_breaker_of_the_cycle_is_told_before_the_bar_is_marked(
    account: Account, receiver: Receiver
) -> None:
    teller = teller_of(account, receiver)
    teller.wake("DAILY_LOSS")
    for _ in range(2):
        teller.round()
    account.mark(1, 900.0, "DAILY_LOSS")
    teller.round()
    assert texts(receiver) == [["the breaker is DAILY_LOSS: entries are limited or stopped"]]


def told(account: Account) -> Told:
    return Told(account.url, "main", account.folder, account.time, rest=0.0)


def environment(receiver: Receiver) -> dict[str, str]:
    return {"BENBOT_WEBHOOK_URL": f"{receiver.url}/{CANARY}"}


def test_beginning_and_end_are_told_with_what_happened_between(
    account: Account, receiver: Receiver
) -> None:
    with notifying(told(account), environment(receiver), account.time.elapsed) as notifier:
        receiver.wait_for(1)
        account.event("alarm", "no quotes")
        notifier.after_cycle(Cycle(1))
        receiver.wait_for(2)
    receiver.wait_for(3)
    first, second, third = texts(receiver)
    assert first[0].startswith("the account is traded from now on, at ")
    assert second == ["no quotes"]
    assert third == ["the account is not traded any more: the loop has ended"]


def test_a_venue_that_does_not_answer_is_told_after_two_cycles_and_once(
    account: Account, receiver: Receiver
) -> None:
    blocked = Cycle(1, [Status.HEALTH], why="the venue does not answer: no route")
    well = Cycle(2, [Status.COMPLETED])
    with notifying(told(account), environment(receiver), account.time.elapsed) as notifier:
        for cycle in (blocked, well, blocked, blocked, blocked, well, well):
            notifier.after_cycle(cycle)
    lines = [text for several in texts(receiver) for text in several]
    assert lines[1:-1] == [
        "nothing is entered, the venue does not answer: no route",
        "cycles go on after 3 that were blocked",
    ]


def test_whatever_ends_the_loop_is_named_without_what_it_said(
    account: Account, receiver: Receiver
) -> None:
    with (
        pytest.raises(RuntimeError),
        notifying(told(account), environment(receiver), account.time.elapsed),
    ):
        raise RuntimeError(CANARY)
    assert "RuntimeError ended the loop" in texts(receiver)[-1][-1]
    assert CANARY not in str(texts(receiver))


def test_nobody_is_told_without_settings(account: Account) -> None:
    before = threading.active_count()
    with notifying(told(account), {}, account.time.elapsed) as notifier:
        notifier.after_cycle(Cycle(1))
        assert threading.active_count() == before
    assert not list(account.folder.glob("told*"))


def test_a_service_that_hangs_delays_nobody(account: Account, receiver: Receiver) -> None:
    receiver.hangs = True
    with notifying(told(account), environment(receiver), account.time.elapsed) as notifier:
        receiver.wait_for(1)
        began = time.perf_counter()
        for i in range(1000):
            notifier.after_cycle(Cycle(i))
            notifier.say(Kind.ALARM, f"number {i}")
        took = time.perf_counter() - began
        (teller,) = notifier._tellers
        assert len(teller._said) == tellers.MOST_SAID
        receiver.over.set()
    assert took < 0.5


def test_the_end_does_not_wait_for_a_service_that_hangs(
    account: Account, receiver: Receiver
) -> None:
    receiver.hangs = True
    teller = teller_of(account, receiver)
    assert teller._thread.daemon, "or the process would wait for it"
    teller.start()
    teller.say(News(Kind.RUN, NOW, "begins"))
    receiver.wait_for(1)
    began = time.perf_counter()
    teller.end()
    teller.wait(0.05)
    assert time.perf_counter() - began < 1.0
    receiver.over.set()
    teller._thread.join(PATIENCE)


def test_a_store_that_does_not_answer_ends_nothing(
    account: Account, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    teller = teller_of(account, receiver)
    account.folder.joinpath("paper.db").rename(account.folder / "away.db")
    with caplog.at_level(logging.WARNING):
        assert teller._try() == 0.0
    assert "nothing was told: records to read must exist" in caplog.text
    account.folder.joinpath("away.db").rename(account.folder / "paper.db")
    account.event("alarm", "first")
    assert teller._try() is None
    assert texts(receiver) == [["first"]]


def test_a_cursor_that_cannot_be_written_tells_nothing_twice_within_the_process(
    account: Account, receiver: Receiver
) -> None:
    teller = teller_of(account, receiver)
    teller._work = replace(teller._work, cursor=account.folder / "nowhere" / "told.json")
    account.event("alarm", "first")
    for _ in range(3):
        teller._try()
    assert texts(receiver) == [["first"]]


def test_no_failure_shows_the_address(
    account: Account, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    account.event("alarm", "first")
    receiver.answer(500, {"echo": CANARY})
    with caplog.at_level(logging.INFO):
        teller_of(account, receiver).round()
        gone = teller_of(account, receiver)
        gone._work = replace(gone._work, sending=Courier(webhook(f"http://127.0.0.1:1/{CANARY}")))
        gone.round()
    said = [record.getMessage() for record in caplog.records if record.name == tellers.__name__]
    assert said == [
        f"json at {receiver.url[7:]} did not take a message: status 500",
        f"json at {receiver.url[7:]} did not take a message: no answer (ConnectionError)",
    ]
    assert CANARY not in "".join(said)


def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(
    account: Account, tmp_path: Path
) -> None:
    with receiving(certificate=self_signed(tmp_path)) as receiver:
        assert receiver.url.startswith("https://")
        account.event("alarm", "first")
        to = webhook(f"{receiver.url}/{CANARY}")
        teller = teller_of(account, receiver)
        outcome = Courier(to).send(teller._work.editor.message([], teller._cursor, NOW)[0])
        assert outcome.said == "no answer (SSLError)"
        assert receiver.came == []


def self_signed(folder: Path) -> ssl.SSLContext:
    from tests.paper.notify.certificate import write_certificate

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_certificate(folder))
    return context
