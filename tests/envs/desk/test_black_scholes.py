"""The pricer against textbooks, against parity, and against its own slopes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.desk.black_scholes import (
    Contract,
    greeks,
    implied_volatility,
    intrinsic,
    price,
)
from benbot.envs.errors import InvalidParameter

contracts = st.builds(
    Contract,
    is_call=st.booleans(),
    spot=st.floats(20.0, 500.0),
    strike=st.floats(20.0, 500.0),
    years=st.floats(0.01, 2.0),
    volatility=st.floats(0.05, 1.5),
    rate=st.floats(-0.03, 0.1),
)


@pytest.mark.parametrize(
    ("contract", "call", "put"),
    [
        # Hull, Options, Futures, and Other Derivatives, and the example of every textbook.
        (Contract(True, 42.0, 40.0, 0.5, 0.2, 0.1), 4.759422, 0.808599),
        (Contract(True, 100.0, 100.0, 1.0, 0.2, 0.05), 10.450584, 5.573526),
    ],
)
def test_the_prices_are_those_of_the_books(contract: Contract, call: float, put: float) -> None:
    assert price(contract) == pytest.approx(call, abs=5e-7)
    assert price(contract._replace(is_call=False)) == pytest.approx(put, abs=5e-7)


@given(contract=contracts)
def test_a_call_less_a_put_is_the_forward(contract: Contract) -> None:
    call, put = (price(contract._replace(is_call=is_call)) for is_call in (True, False))
    forward = contract.spot - contract.strike * np.exp(-contract.rate * contract.years)
    assert call - put == pytest.approx(forward, abs=1e-9 * contract.strike)


@given(contract=contracts)
def test_a_price_lies_between_what_arbitrage_allows(contract: Contract) -> None:
    owed = contract.strike * np.exp(-contract.rate * contract.years)
    least = max(contract.spot - owed if contract.is_call else owed - contract.spot, 0.0)
    most = contract.spot if contract.is_call else owed
    assert least - 1e-9 * contract.strike <= price(contract) <= most


@given(contract=contracts, years=st.floats(-0.1, 0.0))
def test_at_expiry_it_is_worth_exactly_what_exercise_gains(
    contract: Contract, years: float
) -> None:
    ended = contract._replace(years=years)
    gain = contract.spot - contract.strike
    assert price(ended) == intrinsic(ended) == max(gain if contract.is_call else -gain, 0.0)
    delta, *others = greeks(ended)
    assert abs(delta) == (price(ended) > 0.0)
    assert others == [0.0, 0.0, 0.0]


def slope(contract: Contract, name: str, step: float) -> float:
    up, down = (
        price(contract._replace(**{name: getattr(contract, name) + move})) for move in (step, -step)
    )
    return float(up - down) / (2.0 * step)


@given(contract=contracts)
def test_the_greeks_are_the_slopes_of_the_price(contract: Contract) -> None:
    moves, scale = greeks(contract), contract.spot
    assert moves.delta == pytest.approx(slope(contract, "spot", 1e-4 * scale), abs=1e-5)
    assert moves.vega == pytest.approx(slope(contract, "volatility", 1e-5), abs=1e-5 * scale)
    assert moves.theta == pytest.approx(-slope(contract, "years", 1e-5), abs=2e-3 * scale)
    up, down = (greeks(contract._replace(spot=scale + move)).delta for move in (1e-3, -1e-3))
    assert moves.gamma == pytest.approx((up - down) / 2e-3, rel=1e-3, abs=1e-5)


@given(contract=contracts)
def test_the_implied_volatility_gives_the_price_back(contract: Contract) -> None:
    paid = price(contract)
    (found,) = implied_volatility(np.array([paid]), contract)
    if greeks(contract).vega > 1e-3 * contract.spot:  # or the price hardly says what it is
        assert found == pytest.approx(contract.volatility, abs=1e-7)


def test_a_price_that_no_volatility_gives_implies_none() -> None:
    contract = Contract(True, 100.0, 90.0, 0.5, np.nan, 0.0)
    found = implied_volatility(np.array([9.0, 101.0, 14.0]), contract)
    np.testing.assert_array_equal(np.isnan(found), [True, True, False])


@pytest.mark.parametrize("wrong", [{"spot": 0.0}, {"strike": -1.0}, {"years": 0.0}])
def test_an_implied_volatility_of_nothing_is_refused(wrong: dict[str, float]) -> None:
    contract = Contract(True, 100.0, 90.0, 0.5, np.nan, 0.0)._replace(**wrong)
    with pytest.raises(InvalidParameter, match="needs a spot, a strike and a time to expiry above"):
        implied_volatility(np.array([10.0]), contract)
