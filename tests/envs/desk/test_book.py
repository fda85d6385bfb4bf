"""An account that opens has its capital and nothing else, whatever it was before."""

from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.book import Book, open_account, open_book, side_of
from benbot.envs.desk.reasons import Breaker, Verdict

CAPITAL, SESSION = 50_000.0, 12

# Everything that the law says of an account at its opening; what is not named here is 0.
OPENED = {
    "cash": CAPITAL,
    "cash_weight": 1.0,
    "equity": CAPITAL,
    "previous_equity": CAPITAL,
    "day_equity": CAPITAL,
    "peak": CAPITAL,
    "recovery_peak": CAPITAL,
    "scale": 1.0,
    "portfolio_variance": -1.0,  # not known
    "session": SESSION,
    "halted_until": SESSION,
}


def lived_in(n_accounts: int = 3) -> Book:
    """Return a book in which every number is 7: of accounts, positions and sleeves."""
    book = open_book(n_accounts, n_strategies=2, max_positions=4)
    for records in book:
        for name in records.dtype.names:
            records[name] = 7
    return book


def as_lists(record: Any) -> dict[str, Any]:  # noqa: ANN401
    return {name: np.asarray(record[name]).tolist() for name in record.dtype.names}


def test_an_account_that_opens_anew_remembers_nothing() -> None:
    book = lived_in()
    open_account(book, 1, CAPITAL, SESSION)
    names = book.accounts.dtype.names
    assert as_lists(book.accounts[1]) == dict.fromkeys(names, 0) | {"day_trades": [0] * 5} | OPENED


def test_an_account_that_opens_anew_holds_nothing_in_any_slot() -> None:
    book = lived_in()
    open_account(book, 1, CAPITAL, SESSION)
    assert book.positions["symbol"][1].tolist() == [-1] * 4


def test_an_account_that_opens_anew_has_no_weight_and_no_exposure_in_any_sleeve() -> None:
    book = lived_in()
    open_account(book, 1, CAPITAL, SESSION)
    assert [as_lists(sleeve) for sleeve in book.sleeves[1]] == [
        {"weight": 0.0, "exposure": 0.0, "covariance": 0.0}
    ] * 2


def test_the_opening_of_one_account_leaves_all_others_as_they_were() -> None:
    book, before = lived_in(), lived_in()
    open_account(book, 1, CAPITAL, SESSION)
    for b in (0, 2):
        for after, own in zip(book, before, strict=True):
            np.testing.assert_array_equal(after[b], own[b])


def test_a_book_that_opens_has_empty_slots_and_no_money() -> None:
    book = open_book(n_accounts=3, n_strategies=2, max_positions=4)
    assert [records.shape for records in book] == [(3,), (3, 4), (3, 2), (3, 4)]
    assert (book.positions["symbol"] == -1).all()
    assert not book.accounts["cash"].any()
    assert not book.sleeves["weight"].any()


def test_an_open_account_is_not_halted_and_nothing_is_blocked() -> None:
    book = lived_in()
    open_account(book, 0, CAPITAL, SESSION)
    assert Breaker(book.accounts[0]["drawdown_state"]) is Breaker.NORMAL
    assert Breaker(book.accounts[0]["venue_halted"]) is Breaker.NORMAL
    assert Verdict(book.accounts[0]["blocked"]) is Verdict.PASSED


@pytest.mark.parametrize(
    ("units", "side"), [(80.0, 1.0), (0.25, 1.0), (-0.25, -1.0), (-80.0, -1.0)]
)
def test_a_side_is_one_whatever_the_units(units: float, side: float) -> None:
    position = open_book(1, 1, 1).positions[0, 0]
    position["units"] = units
    assert side_of(position) == side
