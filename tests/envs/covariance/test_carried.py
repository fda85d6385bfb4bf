"""Rows that are carried are those that are counted anew, to the last bit, whatever has changed."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.covariance import carried as module
from benbot.envs.covariance.carried import CarriedRows
from benbot.envs.covariance.rows import Pace
from tests.envs.covariance.test_rows import PACE, awkward_returns

LIMIT = 0.75
COUNT = Callable[[], int]


def images(rows: CarriedRows) -> tuple[bytes, ...]:
    return rows.covariance.tobytes(), rows.bound.tobytes(), rows.tied.tobytes()


def assert_as_anew(rows: CarriedRows, returns: FloatArray, pace: Pace = PACE) -> None:
    anew = CarriedRows()
    with np.errstate(over="ignore"):
        anew.follow(returns, pace, LIMIT)
        rows.follow(returns.copy(), pace, LIMIT)
    assert images(rows) == images(anew)


@pytest.fixture
def n_counted(monkeypatch: pytest.MonkeyPatch) -> COUNT:
    """Return how many sessions were counted since it was asked last."""
    counted: list[int] = []
    write = module.write_covariances

    def counting(rows: object, sums: object, returns: FloatArray, *rest: object) -> None:
        counted.append(len(returns))
        write(rows, sums, returns, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "write_covariances", counting)

    def since() -> int:
        n, counted[:] = sum(counted), []
        return n

    return since


@settings(max_examples=30)
@given(st.data())
def test_a_history_that_grows_is_revised_and_shrinks_has_the_rows_of_its_own(
    data: st.DataObject,
) -> None:
    """Revisions change a return in its last digits, or whether there is one."""
    n_symbols = data.draw(st.sampled_from([1, 3, 9]))
    pace = Pace(0.9, data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)))
    returns = awkward_returns(60, n_symbols, data.draw(st.integers(0, 10**6)))
    rows, n = CarriedRows(data.draw(st.integers(0, 20))), 1
    for _ in range(data.draw(st.integers(2, 8))):
        n = min(max(n + data.draw(st.sampled_from([-9, 0, 1, 1, 1, 2, 11])), 1), 60)
        if data.draw(st.booleans()):
            where = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n_symbols - 1))
            returns[where] = data.draw(st.sampled_from([np.nan, 0.0, -0.0, 0.02, 0.020000001]))
        assert_as_anew(rows, returns[:n], pace)


def test_one_session_more_counts_the_last_and_the_new_one_alone(n_counted: COUNT) -> None:
    returns, rows = awkward_returns(40, 5, 1), CarriedRows(4)
    rows.follow(returns[:30], PACE, LIMIT)
    assert n_counted() == 30
    for n in range(31, 41):
        rows.follow(returns[:n], PACE, LIMIT)
        assert n_counted() == 2


def test_a_session_that_goes_on_is_counted_again_and_none_before_it(n_counted: COUNT) -> None:
    returns, rows = awkward_returns(30, 5, 1), CarriedRows()
    rows.follow(returns.copy(), PACE, LIMIT)
    n_counted()
    for last in (0.01, -0.02, np.nan):
        returns[-1, 2] = last
        rows.follow(returns.copy(), PACE, LIMIT)
        assert n_counted() == 1
        anew = CarriedRows()
        anew.follow(returns, PACE, LIMIT)
        assert images(rows) == images(anew)
        n_counted()


@pytest.mark.parametrize("session", [1, 15, 28])
def test_the_last_digit_of_one_return_of_the_past_counts_everything_anew(
    session: int, n_counted: COUNT
) -> None:
    returns, rows = 0.01 * np.random.default_rng(0).standard_normal((31, 5)), CarriedRows()
    rows.follow(returns[:30].copy(), PACE, LIMIT)
    returns[session, 3] = np.nextafter(returns[session, 3], 1.0)
    n_counted()
    rows.follow(returns, PACE, LIMIT)
    assert n_counted() == 31


@pytest.mark.parametrize(
    ("pace", "limit"), [(Pace(0.9, 4, 1), 0.75), (Pace(0.94, 5, 1), 0.75), (PACE, 0.7)]
)
def test_other_settings_are_asked_anew(pace: Pace, limit: float, n_counted: COUNT) -> None:
    returns, rows, anew = awkward_returns(30, 5, 1), CarriedRows(), CarriedRows()
    rows.follow(returns, PACE, LIMIT)
    n_counted()
    rows.follow(returns, pace, limit)
    assert n_counted() == 30
    anew.follow(returns, pace, limit)
    assert images(rows) == images(anew)


def test_what_somebody_was_given_does_not_change_when_a_revision_comes() -> None:
    returns, rows = awkward_returns(30, 5, 1), CarriedRows(9)
    rows.follow(returns.copy(), PACE, LIMIT)
    given_before, before = rows.covariance, rows.covariance.tobytes()
    returns[20] *= 2.0
    rows.follow(returns, PACE, LIMIT)
    assert given_before.tobytes() == before
    assert rows.covariance.tobytes() != before


def test_a_history_that_goes_on_changes_of_what_was_given_only_the_last_row() -> None:
    returns, rows = awkward_returns(60, 5, 1), CarriedRows(40)
    rows.follow(returns[:30].copy(), PACE, LIMIT)
    views, before = (rows.covariance, rows.bound, rows.tied), images(rows)
    row_sizes = [view[0].nbytes for view in views]
    for n in (30, 31, 50):
        rows.follow(returns[:n].copy(), PACE, LIMIT)
    for view, was, size in zip(views, before, row_sizes, strict=True):
        assert view.tobytes()[:-size] == was[:-size]


def test_whoever_is_interrupted_counts_everything_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    returns, rows = awkward_returns(31, 5, 1), CarriedRows(9)
    rows.follow(returns[:30].copy(), PACE, LIMIT)
    with monkeypatch.context() as patch:
        patch.setattr(module, "bounds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rows.follow(returns, PACE, LIMIT)
    assert_as_anew(rows, returns)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt
