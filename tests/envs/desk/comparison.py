"""Whether two books or ledgers are the same, bit for bit."""

import numpy as np

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.book import Book
from benbot.envs.desk.reasons import Verdict


def assert_same_book(first: Book, second: Book) -> None:
    """Every account and sleeve, and the slots that are taken; old slots may hold anything."""
    assert_same_records(first.accounts, second.accounts)
    assert_same_holdings(first, second)


def assert_same_with_ledger(on: Book, off: Book) -> None:
    """The same but for the candidates of a blocked account, heard only where it is written down."""
    assert_same_holdings(on, off)
    blocked = off.accounts["blocked"] != Verdict.PASSED
    for name in on.accounts.dtype.names:
        if name in ("n_winners", "n_refused"):
            assert not off.accounts[name][blocked].any()
            assert_same_field(on.accounts[~blocked], off.accounts[~blocked], name)
        else:
            assert_same_field(on.accounts, off.accounts, name)


def assert_same_holdings(first: Book, second: Book) -> None:
    assert_same_records(first.sleeves, second.sleeves)
    for b, n in enumerate(first.accounts["n_positions"]):
        assert_same_records(first.positions[b, :n], second.positions[b, :n])


def assert_same_records(first: RecordArray, second: RecordArray) -> None:
    """Field by field, so that NaN is the same as NaN."""
    for name in first.dtype.names or ():
        assert_same_field(first, second, name)


def assert_same_field(first: RecordArray, second: RecordArray, name: str) -> None:
    np.testing.assert_array_equal(first[name], second[name], err_msg=name)
