"""Whoever stalls until its lease is nearly over sends nothing before it has renewed it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benbot.envs.errors import RecordsHeld
from benbot.paper import store as paper_store
from benbot.paper.intents import IntentStatus
from benbot.paper.lease import LASTS
from benbot.paper.network import DEADLINE
from benbot.paper.store import open_store
from benbot.paper.tenure import NANOSECONDS, SENDING, Tenure
from benbot.paper.trader import Progress
from tests.paper.walks import N_BARS, Walk, walking

FOREVER = 100 * LASTS


class Hand:
    """Nanoseconds that only a test lets pass."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += round(seconds * NANOSECONDS)


def test_the_later_of_two_clocks_counts_and_an_order_needs_its_time() -> None:
    wall, growing = Hand(), Hand()
    tenure = Tenure(wall, growing, LASTS)
    assert tenure.left() == LASTS
    growing.pass_(10.0)
    wall.pass_(-3600.0)  # set back by an hour
    assert tenure.left() == LASTS - 10.0
    tenure.renewed(tenure.reading())
    wall.pass_(LASTS)  # the machine slept
    assert tenure.left() == 0.0
    assert 2.0 * DEADLINE < SENDING < LASTS


@contextmanager
def stalling(folder: Path, seconds: Callable[[], float]) -> Iterator[tuple[Walk, Hand]]:
    """Walk with an account that no lock keeps, as on a server, which stalls before each order."""
    hand = Hand()
    with walking(folder) as walk:
        walk.bars(N_BARS)
        store = walk.on.store
        store._lock.close()
        store._tenure, ask = Tenure(hand, lambda: 0, LASTS), store.kill_switch

        def stalls() -> bool | None:
            hand.pass_(seconds())
            return ask()

        store.kill_switch = stalls  # type: ignore[method-assign]
        store.is_halted = lambda: ask() is not False  # type: ignore[method-assign]
        walk.venue.sent.clear()
        yield walk, hand


def test_a_holder_that_stalled_and_was_taken_over_sends_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with SIGSTOP between its last write and its order, while another takes the account."""
    taken = []

    def take_over() -> float:
        if not taken:
            with monkeypatch.context() as patch:
                patch.setattr(paper_store.os, "getpid", lambda: 1)
                later = paper_store.time.time_ns() + round(2.0 * LASTS * NANOSECONDS)
                taken.append(open_store(walk.url, "replay", walk.on.clock, lambda: later))
            taken[0]._lock.close()
        return LASTS + 1.0

    with suppress(RecordsHeld), stalling(folder, take_over) as (walk, _):
        with pytest.raises(RecordsHeld, match="another process took over"):
            walk.bars(3)
        assert len(taken) == 1
        assert walk.venue.sent == []
        standing = walk.on.loop.trader.standing
        left = taken[0].intents(standing.bar + 1, standing.stage)[-1]
        assert left.status is IntentStatus.SENT  # whoever goes on asks for it before anything else
        taken[0].close()


@pytest.mark.nightly
def test_a_holder_that_stalled_and_kept_its_lease_sends_one_order_later(folder: Path) -> None:
    stalls = [LASTS - SENDING + 1.0]
    with stalling(folder, lambda: stalls.pop() if stalls else 0.0) as (walk, _):
        while walk.cycle().progress is not Progress.WORKING:
            pass
        assert walk.venue.sent == []
        walk.on.loop.cycle()
        walk.bars(2)
        names = [one.client_order_id for one in walk.venue.sent]
        assert len(names) == len(set(names)) > 0
        assert set(walk.table("intents")["status"]) <= {"done", "booked"}


@pytest.mark.nightly
def test_a_lease_that_is_nearly_over_is_renewed_before_the_switch_is_asked(folder: Path) -> None:
    with stalling(folder, lambda: 0.0) as (walk, hand):
        store, n_bars = walk.on.store, 2
        hand.pass_(LASTS)
        assert not store.may_send()
        store.hold()
        assert store.may_send()
        walk.bars(n_bars)
        assert walk.venue.sent


def test_the_lock_of_a_file_needs_no_clock(folder: Path) -> None:
    with walking(folder) as walk:
        walk.on.store._tenure = Tenure(lambda: 0, lambda: 0, -FOREVER)
        assert walk.on.store.may_send()
