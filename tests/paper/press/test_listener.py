"""What an account hears is known once and for all, whatever is published, whoever is killed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.paper.alpaca.informed import features_of
from benbot.paper.press import book as books
from benbot.paper.press.listener import PACE, Told, Window
from tests.paper.kills import drawn, killed, trail_of
from tests.paper.press.news_accounts import kept_items
from tests.paper.press.walks import (
    BEGUN,
    GRACE,
    N_BARS,
    N_KNOWN,
    SETTINGS,
    SYMBOLS,
    Published,
    Wire,
    begun_bars,
    close_of,
    listen,
    published,
    ticks,
    walk,
)

MINUTES = 30 * N_BARS
memory = Path("/dev/shm")  # noqa: S108
texts = st.sampled_from(("good gains", "bad losses", "bad good losses", "nothing at all"))
sets = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=2, unique=True)
items = st.builds(
    published,
    st.floats(0, MINUTES).map(lambda minute: round(minute, 2)),
    texts,
    st.sampled_from((0.0, 0.0, 0.5, 9.0, 31.0, 55.0)),
    sets,
    st.floats(-1, 1),
)
presses = st.lists(items, max_size=25)


def heard(press: Sequence[Published], looks: object = None) -> list[FloatArray]:
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        return listen(Path(name), Wire(list(press)), looks)  # type: ignore[arg-type]


def assert_told_once(press: list[Published]) -> None:
    """What was told of a bar never changes, and is that of all items at once."""
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        told = listen(Path(name), Wire(press))
        for before, after in pairwise(told):
            np.testing.assert_array_equal(after[: len(before)], before)
        kept = kept_items(f"sqlite:///{Path(name) / 'paper.db'}", "walk")
        whole = features_of(kept, BEGUN, walk().timestamps, SYMBOLS, SETTINGS)
        again = np.stack([whole[name] for name in sorted(whole)], axis=-1)
        np.testing.assert_array_equal(told[-1], again)
        np.testing.assert_array_equal(listen(Path(name), Wire(press), ticks()[-1:])[-1], again)


def assert_unforeseen(press: list[Published], bar: int, others: list[Published]) -> None:
    """Items that appear later are cut, changed, and others come: the bar stays to the last bit."""
    told, close = heard(press)[-1], close_of(bar)
    known = [one for one in press if one.appears <= close]
    changed = [
        replace(one, item=replace(one.item, headline="good good good", mood=1.0))
        for one in press
        if one.appears > close
    ]
    later = [replace(one, appears=max(one.appears, close + timedelta(seconds=1))) for one in others]
    for other in (known, [*known, *changed], [*known, *later]):
        np.testing.assert_array_equal(heard(other)[-1][: bar + 1], told[: bar + 1])


bars, others = st.integers(N_KNOWN, N_BARS - 1), st.lists(items, max_size=5)


@given(press=presses)
@settings(max_examples=3, deadline=None)
def test_what_was_told_of_a_bar_never_changes_and_is_that_of_all_items_at_once(
    press: list[Published],
) -> None:
    assert_told_once(press)


@given(press=presses, bar=bars, others=others)
@settings(max_examples=3, deadline=None)
def test_no_bar_knows_what_appears_after_it(
    press: list[Published], bar: int, others: list[Published]
) -> None:
    assert_unforeseen(press, bar, others)


@pytest.mark.nightly
@given(press=presses, bar=bars, others=others)
@settings(max_examples=40, deadline=None)
def test_neither_is_so_in_forty_walks(
    press: list[Published], bar: int, others: list[Published]
) -> None:
    assert_told_once(press)
    assert_unforeseen(press, bar, others)


@pytest.mark.nightly
@given(press=presses, minute=st.integers(30 * N_KNOWN, MINUTES - 40))
@settings(max_examples=40, deadline=None)
def test_an_item_that_is_delayed_counts_for_the_bar_in_which_it_comes(
    press: list[Published], minute: int
) -> None:
    early = published(minute, "delayed gains", 0.0)
    late = replace(early, appears=early.appears + timedelta(minutes=31))
    without, delayed = heard(press)[-1], heard([*press, late])[-1]
    n_before = begun_bars(late.appears)
    np.testing.assert_array_equal(delayed[:n_before], without[:n_before])
    assert not np.array_equal(delayed[: n_before + 2], without[: n_before + 2], equal_nan=True)


def few() -> list[Published]:
    """Return items before and after the account began; one comes late, one is of tomorrow."""
    rng = np.random.default_rng(2)
    some = [
        published(round(float(m), 1), f"words {i} of {i % 5} {i % 3}", 0.0, SYMBOLS[i % 2 :])
        for i, m in enumerate(np.sort(rng.uniform(0, MINUTES, 40)))
    ]
    tomorrow = published(MINUTES + 60, "of tomorrow")
    return [
        *some,
        published(30 * N_KNOWN + 5, "late", 40.0),
        replace(tomorrow, appears=close_of(N_KNOWN)),
    ]


def test_an_item_of_tomorrow_waits_for_its_time(folder: Path) -> None:
    listen(folder, Wire(few()))
    kept = kept_items(f"sqlite:///{folder / 'paper.db'}", "walk")
    (item,) = [one for one in kept if one.headline == "of tomorrow"]
    assert item.known == item.published > close_of(N_BARS - 1)


def kill_while_listening(folder: Path, n_looks: int, n_kills: int) -> None:
    """Kill the account at lines of its own; it goes on at the time at which it died."""
    quiet, times = folder / "quiet", ticks()[:n_looks]
    quiet.mkdir()
    trail = trail_of(lambda: told_until(quiet, times))
    expected = kept_items(f"sqlite:///{quiet / 'paper.db'}", "walk")
    assert len(expected) > 20
    rng = np.random.default_rng(4)
    for i in range(n_kills):
        home = folder / str(i)
        home.mkdir()
        at = drawn(trail, rng)
        while killed(lambda home=home: told_until(home, times), at):  # type: ignore[misc]
            at = int(rng.integers(1, len(trail)))
        assert kept_items(f"sqlite:///{home / 'paper.db'}", "walk") == expected


def test_whoever_is_killed_while_listening_knows_the_same(folder: Path) -> None:
    kill_while_listening(folder, n_looks=3, n_kills=2)


@pytest.mark.nightly
def test_sixty_kills_while_listening_change_nothing(folder: Path) -> None:
    kill_while_listening(folder, n_looks=10, n_kills=60)


def told_until(home: Path, times: Sequence[object]) -> None:
    """Listen at the times that were not reached yet; the file says how far it came."""
    place = home / "reached"
    reached = int(place.read_text()) if place.exists() else 0
    for k in range(reached, len(times)):
        listen(home, Wire(few()), times[k : k + 1])  # type: ignore[arg-type]
        place.write_text(str(k + 1))


def test_a_source_is_asked_once_a_minute_and_an_hour_again(folder: Path) -> None:
    first = close_of(N_KNOWN - 1) + GRACE
    wire = Wire([])
    listen(folder, wire, [first + i * timedelta(seconds=10) for i in range(13)])
    assert wire.n_asked == 1 + 3  # the history; then at 0, 60 and 120 seconds
    assert timedelta(seconds=60) == PACE
    listen(folder, wire, [first + timedelta(seconds=130), first - timedelta(hours=1)])
    assert wire.n_asked == 4 + 2  # after a start, and when the clock went back


class Forgetful(Wire):
    """A source whose answers have a second page; the first time it does not know it any more."""

    def ask(self, window: Window, token: str | None) -> Told:
        told = super().ask(window, None)
        if token is None:
            return Told(told.items[:1], str(self.n_asked))
        is_known = int(token) != 3
        return Told(told.items[1:]) if is_known else Told(trouble="status 400: invalid token")


def test_a_page_that_its_source_has_forgotten_is_asked_for_from_the_first_one_on(
    folder: Path,
) -> None:
    fresh = [published(30 * N_KNOWN + minute, f"fresh {minute}") for minute in range(1, 4)]
    first = close_of(N_KNOWN - 1) + GRACE
    listen(folder, Forgetful([*few(), *fresh]), [first + i * PACE for i in range(9)])
    kept = kept_items(f"sqlite:///{folder / 'paper.db'}", "walk")
    assert {one.item.headline for one in fresh} <= {item.headline for item in kept}


def test_no_more_is_kept_than_there_is_room_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "MOST", 30)
    listen(folder, Wire(few()))
    assert len(kept_items(f"sqlite:///{folder / 'paper.db'}", "walk")) == 30
