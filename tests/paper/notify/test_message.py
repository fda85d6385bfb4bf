"""What a message says: the urgent first, each text once an hour, the rest as counts."""

from datetime import timedelta

import pytest

from benbot.envs.errors import BadConfig
from benbot.paper.notify.cursor import Cursor
from benbot.paper.notify.message import MOST_CHARACTERS, MOST_LINES, Editor, Message
from benbot.paper.notify.news import LONGEST, Kind, News, plain
from benbot.paper.notify.notifier import kinds_of, manner_of
from benbot.paper.notify.pace import Bucket, Manner
from tests.paper.notify.receiver import NOW, Time


def editor(kinds: frozenset[Kind] = frozenset(Kind)) -> Editor:
    return Editor("main", kinds, lambda text: text.replace("canary", "***"))


def news(kind: Kind, text: str, minutes_ago: float = 0.0, *, ages: bool = True) -> News:
    moment = NOW - timedelta(minutes=minutes_ago)
    return News(kind, moment, text, ages, 60.0 * minutes_ago)


def message_of(*several: News, cursor: Cursor = Cursor()) -> tuple[Message, Cursor]:  # noqa: B008
    return editor().message(several, cursor, NOW)


def test_a_line_has_its_moment_its_kind_and_its_text() -> None:
    message, _ = message_of(news(Kind.ALARM, "no quotes", 1.0))
    assert [str(line) for line in message.lines] == ["2026-11-27 14:59:00 ALARM no quotes"]
    assert message.title == "BenBot main: ALARM"
    assert message.is_urgent


def test_what_is_not_wanted_is_not_told() -> None:
    only = editor(frozenset({Kind.ALARM}))
    message, _ = only.message([news(Kind.FILL, "bought")], Cursor(), NOW)
    assert not message


def test_the_same_text_is_told_once_an_hour_and_counted() -> None:
    message, cursor = message_of(*[news(Kind.ALARM, "no quotes")] * 3)
    assert len(message.lines) == 1
    assert message.counts == "2 times what was told within the hour"
    again, cursor = message_of(news(Kind.ALARM, "no quotes"), cursor=cursor)
    assert not again
    assert cursor.repeats == 1
    other, cursor = message_of(news(Kind.ALARM, "another"), cursor=cursor)
    assert other.repeats == 1
    assert cursor.repeats == 0
    later = NOW + timedelta(hours=1)
    fresh = News(Kind.ALARM, later, "no quotes")
    assert editor().message([fresh], cursor, later)[0].lines == (fresh,)


def test_what_holds_is_told_at_each_change_however_old() -> None:
    on = news(Kind.HALT, "the kill switch is ON", 180.0, ages=False)
    message, cursor = message_of(on)
    assert message.lines == (on,)
    assert message_of(on, cursor=cursor)[0].lines == (on,)


def test_what_is_an_hour_old_is_counted_by_kind() -> None:
    old = [news(Kind.FILL, f"bought {i}", 61.0) for i in range(12)]
    message, _ = message_of(*old, news(Kind.FILL, "bought", 59.0), news(Kind.ALARM, "x", 999.0))
    assert len(message.lines) == 1
    assert message.counts == "more than an hour old: 1 alarm, 12 fill"


def test_the_most_urgent_are_told_where_there_is_no_room_for_all() -> None:
    fills = [news(Kind.FILL, f"bought {i}", 30.0) for i in range(MOST_LINES + 5)]
    message, _ = message_of(*fills, news(Kind.ALARM, "no quotes"), news(Kind.RUN, "started", 50.0))
    assert len(message.lines) == MOST_LINES
    assert {line.kind for line in message.lines[-2:]} == {Kind.ALARM, Kind.RUN}
    assert message.counts == "left out: 7 fill"
    assert message.lines[0].text == "bought 7", "the newest fills, as they came"


@pytest.mark.parametrize("letter", ["x", "ß", "😀"])
def test_a_message_is_never_longer_than_services_take(letter: str) -> None:
    message, _ = message_of(*(news(Kind.ALARM, f"{i} {letter * 999}") for i in range(99)))
    length = sum(len(f"{line}\n".encode("utf-16-le")) // 2 for line in message.lines)
    assert 0 < length <= MOST_CHARACTERS
    assert len(message.lines) + sum(message.left_out.values()) == 99


def test_a_secret_is_hidden_before_a_line_is_cut() -> None:
    at_the_cut = "x" * (LONGEST - 4) + "canary"
    message, _ = message_of(news(Kind.OTHER, at_the_cut), news(Kind.OTHER, "canary"))
    assert "cana" not in str(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\r\n\tc", "a b c"),
        ("a\x1b[31mb\x00", "a [31mb"),
        ("pay\u202eevil\u2066", "pay evil"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("line\u2028two\u2029three", "line two three"),
        ("\ud800", ""),
        ("see https://evil.example/x", "see https: //evil.example/x"),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 1) + "…"),
    ],
)
def test_a_text_is_one_line_that_steers_nothing(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_tokens_come_back_slowly_and_some_are_kept_for_the_urgent() -> None:
    time = Time()
    bucket = Bucket(Manner(at_once=3, per_minute=2.0, kept=1), time.elapsed)
    assert [bucket.take(is_urgent=False) for _ in range(3)] == [0.0, 0.0, 30.0]
    assert [bucket.take(is_urgent=True) for _ in range(2)] == [0.0, 30.0]
    time.pass_(30.0)
    assert bucket.take(is_urgent=False) == 30.0
    time.pass_(30.0)
    assert bucket.take(is_urgent=False) == 0.0
    time.pass_(1e9)
    assert [bucket.take(is_urgent=True) for _ in range(4)] == [0.0, 0.0, 0.0, 30.0]


def test_kinds_and_pace_come_from_the_environment() -> None:
    assert kinds_of({}) == frozenset(Kind)
    assert kinds_of({"BENBOT_NOTIFY": "alarm, fill,"}) == {Kind.ALARM, Kind.FILL}
    assert manner_of({"BENBOT_NOTIFY_PER_MINUTE": "6"}).per_minute == 6.0


@pytest.mark.parametrize(
    ("per_minute", "message"),
    [
        ("often", "must be a number of messages, was 'often'"),
        ("nan", "must be 0.1 to 60, was nan"),
        ("600", "must be 0.1 to 60, was 600"),
    ],
)
def test_a_pace_that_cannot_be_is_refused(per_minute: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        manner_of({"BENBOT_NOTIFY_PER_MINUTE": per_minute})


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(BadConfig, match=r"must name kinds of alarm, halt, .* was 'alarms'"):
        kinds_of({"BENBOT_NOTIFY": "fill,alarms"})
