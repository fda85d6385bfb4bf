"""Whatever answer to an order is lost, the loop and its outbox end with one order and one fill."""

from pathlib import Path

import pytest

from tests.paper.at_alpaca import (
    assert_books_agree,
    half_hour_stretch,
    inside,
    over_network,
    statuses,
    trade,
)
from tests.paper.conftest import ALPACA
from tests.paper.emulator.chance import Chance
from tests.paper.emulator.exchange import Exchange, exchange
from tests.paper.emulator.faults import LOSSES
from tests.paper.replays import kept_at

pytest.importorskip("alpaca", reason=ALPACA)

SHARE = 0.7  # of the orders that are sent
ORDERS = {"method": "POST", "path": "/v2/orders"}


def lose_answers(folder: Path, n_bars: int, *, is_near: bool) -> tuple[Chance, Exchange]:
    """Trade so many bars while answers to orders are lost, and compare all books."""
    stretch, url = half_hour_stretch(n_bars), f"sqlite:///{folder / 'paper.db'}"
    with exchange(stretch.history.market, stretch.history.rules.capital) as one:
        losing = Chance(SHARE, 0, LOSSES, **ORDERS)
        one.faults.append(losing)
        trade(stretch, (inside if is_near else over_network)(one, url), n_cycles=20)
    tables = kept_at(stretch, url)
    assert_books_agree(tables, one.broker, url)
    assert set(statuses(tables)) == {"done"}
    assert len(one.broker.orders) == len(tables["intents"])
    assert len(tables["fills"]) == len(one.broker.orders)
    assert (tables["intents"]["filled"] == tables["intents"]["units"]).all()
    return losing, one


def test_every_order_is_there_once_though_most_answers_are_lost(folder: Path) -> None:
    losing, _ = lose_answers(folder, 3, is_near=True)
    assert set(losing.counts) == set(LOSSES)


@pytest.mark.nightly
def test_a_thousand_lost_answers_make_no_order_and_lose_none(folder: Path) -> None:
    losing, one = lose_answers(folder, 330, is_near=False)
    assert losing.counts.total() >= 1_000
    assert min(losing.counts[action] for action in LOSSES) > 300
    assert len(one.broker.orders) > 400
