"""Whoever is killed while it tells loses nothing, and says no more than its last message again."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from benbot.paper.store import reading
from benbot.paper.tables import EVENTS
from tests.paper.kills import N_NIGHTLY, drawn, finished, killed, trail_of
from tests.paper.notify.receiver import Account, Receiver, receiving
from tests.paper.notify.test_notifier import teller_of, texts

NEWS = [f"news {i}" for i in range(4)]
WHERE = ("paper/notify/",)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def tell(account: Account, receiver: Receiver) -> None:
    """Let something happen that has not happened yet, and tell it, until all is told."""
    teller = teller_of(account, receiver)
    with reading(account.url) as connection:
        n = connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()
    teller.round()
    for text in NEWS[n:]:
        account.event("alarm", text)
        teller.round()


def kill_and_compare(folder: Path, receiver: Receiver, rng: np.random.Generator) -> None:
    """Kill whoever tells at most twice, and look at what came."""
    for name in ("quiet", "killed"):
        (folder / name).mkdir(parents=True)
    one = Account(folder / "quiet").begin()
    trail = trail_of(lambda: tell(one, receiver))
    assert texts(receiver) == [[text] for text in NEWS]
    receiver.came.clear()

    account, n_kills = Account(folder / "killed").begin(), 0
    for _ in range(int(rng.integers(1, 3))):
        n_kills += killed(lambda: tell(account, receiver), drawn(trail, rng, WHERE))
    finished(lambda: tell(account, receiver))
    came = texts(receiver)
    receiver.came.clear()
    assert n_kills
    told = [text for message in came for text in message]
    assert list(dict.fromkeys(told)) == NEWS
    again = Counter(map(tuple, came)) - Counter(set(map(tuple, came)))
    assert again.total() <= n_kills
    assert len(told) - len(NEWS) <= sum(len(message) for message in again.elements())


@pytest.mark.parametrize("seed", range(2))
def test_who_is_killed_while_it_tells_loses_nothing(
    seed: int, folder: Path, receiver: Receiver
) -> None:
    kill_and_compare(folder, receiver, np.random.default_rng([11, seed]))


@pytest.mark.nightly
def test_nor_in_many_kills(folder: Path, receiver: Receiver) -> None:
    for i in range(N_NIGHTLY // 10):
        kill_and_compare(folder / str(i), receiver, np.random.default_rng([12, i]))
