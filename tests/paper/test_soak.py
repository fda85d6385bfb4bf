"""Days with faults wear nothing out."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.paper.conftest import ALPACA

pytest.importorskip("alpaca", reason=ALPACA)

from benchmarks.soak import PERIOD, Day, soak

TWO_HOURS = timedelta(hours=2)


def assert_nothing_grew(first: Day, last: Day) -> None:
    assert last.memory < 1.05 * first.memory
    assert last.descriptors <= first.descriptors
    assert last.threads <= first.threads


def test_two_days_end_with_books_that_agree_and_leave_nothing_open(folder: Path) -> None:
    first, last = soak(2, TWO_HOURS, folder, lambda _: None)
    assert 0 < first.n_orders < last.n_orders
    assert_nothing_grew(first, last)


@pytest.mark.nightly
def test_thirty_days_wear_nothing_out(folder: Path) -> None:
    days = soak(30, PERIOD, folder, lambda _: None)
    assert sum(len(day.seconds) for day in days) > 23_000
    assert days[-1].n_orders > 20 * days[0].n_orders
    assert_nothing_grew(days[2], days[-1])
