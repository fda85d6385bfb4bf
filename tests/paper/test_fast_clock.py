"""A machine whose clock is ahead of the venue's finds what the venue filled."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.paper.at_alpaca import assert_books_agree, half_hour_stretch, inside, statuses, trade
from tests.paper.conftest import ALPACA
from tests.paper.emulator.exchange import exchange
from tests.paper.replays import kept_at

pytest.importorskip("alpaca", reason=ALPACA)

AHEAD = timedelta(seconds=5)  # far less than what blocks entries


def test_fills_that_seem_older_than_their_order_are_booked(folder: Path) -> None:
    stretch, url = half_hour_stretch(3), f"sqlite:///{folder / 'paper.db'}"
    with exchange(stretch.history.market, stretch.history.rules.capital) as one:
        place = inside(one, url)
        trade(stretch, replace(place, tell=lambda now: place.tell(now) + AHEAD))
        tables = kept_at(stretch, url)
        assert one.broker.fills
        assert set(statuses(tables)) == {"done"}
        assert_books_agree(tables, one.broker, url)
