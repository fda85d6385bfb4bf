"""What the gates know of risk is what the past sessions say, and the right numbers of it."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.desk import risk
from benbot.envs.desk.risk import (
    RiskFacts,
    RiskSettings,
    kupiec,
    portfolio_var,
    risk_facts,
    session_returns,
)
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices

MarketOf = Callable[..., Market]

SOON = RiskSettings(min_sessions=3)
PLACES = (0, 1, 7, 60, 95, 171, 238)


def daily(close: FloatArray, session: Any = None) -> Market:  # noqa: ANN401
    """Return a market of closes [T, S]; every bar is a session unless told otherwise."""
    stamps = np.datetime64("2020-01-01T21", "h") + np.arange(len(close)) * np.timedelta64(24, "h")
    symbols = tuple(f"S{s}" for s in range(close.shape[1]))
    return market_from_prices(stamps, symbols, {"close": close}, session=session)


def from_returns(returns: FloatArray) -> Market:
    return daily(100.0 * np.exp(np.cumsum(returns, axis=0)))


def random_returns(n_sessions: int, n_symbols: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, 0.01, (n_sessions, n_symbols))


def slow_covariance(first: FloatArray, second: FloatArray, d: int, settings: RiskSettings) -> float:
    """Return the covariance after session `d`, one term after the other."""
    above = below = 0.0
    n_joint = 0
    for session in range(d + 1):
        move = first[session] * second[session]
        if not math.isnan(move):
            weight = settings.memory ** (d - session)
            above, below, n_joint = above + weight * move, below + weight, n_joint + 1
    return above / below if n_joint >= settings.min_sessions else math.nan


def slow_beta(own: FloatArray, universe: FloatArray, d: int, settings: RiskSettings) -> float:
    above = below = 0.0
    n_own = 0
    for session in range(d + 1):
        if not math.isnan(own[session]):
            weight = settings.beta_memory ** (d - session)
            above += weight * own[session] * universe[session]
            below += weight * universe[session] ** 2
            n_own += 1
    return above / below if n_own >= settings.min_sessions else math.nan


def assert_same_rows(facts: RiskFacts, other: RiskFacts, n_bars: int) -> None:
    """What is known at the first `n_bars` bars is the same, bit for bit."""
    np.testing.assert_array_equal(facts.row[:n_bars], other.row[:n_bars])
    n_rows = facts.row[:n_bars].max(initial=-1) + 1
    np.testing.assert_array_equal(facts.covariance[:n_rows], other.covariance[:n_rows])
    np.testing.assert_array_equal(facts.beta[:n_rows], other.beta[:n_rows])


# Numbers


def test_covariances_and_betas_are_those_of_a_plain_loop_over_an_awkward_market(
    market_of: MarketOf,
) -> None:
    market = market_of()
    facts = risk_facts(market)
    returns = session_returns(market).value
    universe = [np.nanmean(r) if np.isfinite(r).any() else math.nan for r in returns]
    assert len(facts.covariance) == len(facts.beta) == len(returns)
    for d in (0, 15, 25, 45, 70, 110, len(returns) - 1):
        matrix = facts.covariance[d]
        for i in range(market.n_symbols):
            beta = slow_beta(returns[:, i], np.array(universe), d, RiskSettings())
            assert facts.beta[d, i] == pytest.approx(beta, rel=1e-6, nan_ok=True)
            for j in range(market.n_symbols):
                expected = slow_covariance(returns[:, i], returns[:, j], d, RiskSettings())
                assert matrix[i, j] == pytest.approx(expected, rel=1e-5, abs=1e-10, nan_ok=True)


def test_a_covariance_is_the_exponential_mean_of_pandas() -> None:
    returns = random_returns(120, 2)
    returns[[5, 6, 40, 41, 80], 1] = np.nan
    market = daily(np.where(np.isnan(returns), np.nan, 100.0 * np.exp(np.cumsum(returns, axis=0))))
    facts = risk_facts(market, RiskSettings(memory=0.9, min_sessions=1))
    known = session_returns(market).value
    products = pd.Series(known[:, 0] * known[:, 1])
    expected = products.ewm(alpha=0.1, adjust=True, ignore_na=False).mean()
    np.testing.assert_allclose(facts.covariance[:, 1, 0], expected, rtol=1e-6, atol=1e-12)


def test_two_symbols_of_which_one_moves_twice_as_far() -> None:
    steps = np.array([0.0, 0.01, -0.02, 0.04])
    facts = risk_facts(
        from_returns(np.column_stack([steps, 2.0 * steps])),
        RiskSettings(memory=0.5, min_sessions=1),
    )
    variance = (0.25 * 0.01**2 + 0.5 * 0.02**2 + 0.04**2) / 1.75
    expected = variance * np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(facts.covariance[3], expected, rtol=1e-6)
    np.testing.assert_allclose(facts.beta[3], [2.0 / 3.0, 4.0 / 3.0], rtol=1e-6)


def test_with_a_memory_of_one_nothing_is_forgotten() -> None:
    endless = RiskSettings(memory=1.0, beta_memory=1.0, min_sessions=1)
    facts = risk_facts(from_returns(np.array([[0.0], [0.01], [0.02], [0.03]])), endless)
    assert facts.covariance[3, 0, 0] == pytest.approx((1.0 + 4.0 + 9.0) * 1e-4 / 3.0)
    assert facts.beta[3, 0] == pytest.approx(1.0)


def test_steady_moves_have_their_full_variance_from_the_first_row_that_is_known() -> None:
    facts = risk_facts(from_returns(np.full((40, 1), 0.01)), RiskSettings(min_sessions=5))
    assert np.isnan(facts.covariance[:5]).all()
    np.testing.assert_allclose(facts.covariance[5:], 1e-4, rtol=1e-6)


def test_a_number_is_known_after_so_many_returns_and_not_before() -> None:
    returns = random_returns(30, 2)
    close = 100.0 * np.exp(np.cumsum(returns, axis=0))
    close[:10, 1] = np.nan
    facts = risk_facts(daily(close), RiskSettings(min_sessions=4))
    first_known = np.isfinite(facts.covariance).argmax(axis=0)
    assert first_known.tolist() == [[4, 14], [14, 14]]
    assert [int(np.isfinite(facts.beta[:, s]).argmax()) for s in range(2)] == [4, 14]


def test_a_universe_that_never_moves_has_no_betas() -> None:
    with warnings.catch_warnings():  # nothing is divided by nothing
        warnings.simplefilter("error")
        facts = risk_facts(daily(np.full((30, 2), 100.0)))
    assert np.isnan(facts.beta).all()
    assert (facts.covariance[20:] == 0.0).all()


# Sessions


def test_a_session_returns_from_last_price_to_last_price() -> None:
    close = np.array([[10.0], [11.0], [12.0], [np.nan], [18.0], [9.0]])
    returns = session_returns(daily(close, session=[3, 3, 5, 5, 6, 6]))
    assert returns.last.tolist() == [1, 3, 5]
    assert returns.value[:, 0] == pytest.approx(
        [math.nan, math.log(12.0 / 11.0), math.log(9.0 / 12.0)], nan_ok=True
    )


@pytest.mark.parametrize(
    ("session", "last"),
    [
        ([4, 4, 5, 5], [1, 3]),
        ([4, 5, 5, 5], [0, 3]),
        ([4, 4, 4, 5], [2, 3]),
        ([4, 4, 4, 4], [3]),
        ([4, 5, 6, 7], [0, 1, 2, 3]),
    ],
)
def test_the_last_bar_of_a_market_ends_its_last_session(
    session: list[int], last: list[int]
) -> None:
    returns = session_returns(daily(np.exp([[0.0], [0.01], [0.03], [0.07]]), session=session))
    assert returns.last.tolist() == last
    steps = np.array([0.0, 0.01, 0.03, 0.07])[last]
    assert returns.value[1:, 0].tolist() == pytest.approx(np.diff(steps).tolist())


def test_a_symbol_that_skips_a_session_has_no_return_in_it_and_none_in_the_next() -> None:
    close = np.array([[10.0], [np.nan], [12.0], [15.0]])
    returns = session_returns(daily(close)).value[:, 0]
    assert np.isnan(returns[:3]).all()
    assert returns[3] == pytest.approx(math.log(1.25))


def test_a_row_is_known_from_the_first_bar_after_its_session() -> None:
    market = daily(np.full((7, 1), 10.0), session=[0, 0, 0, 1, 1, 2, 3])
    assert risk_facts(market).row.tolist() == [-1, -1, -1, 0, 0, 1, 2]


def test_a_row_is_written_every_so_many_sessions_and_kept_in_between() -> None:
    market = from_returns(random_returns(31, 3))
    often, seldom = (risk_facts(market, RiskSettings(min_sessions=3, refresh=r)) for r in (1, 5))
    assert seldom.row.tolist() == [-1] + [(t - 1) // 5 for t in range(1, 31)]
    np.testing.assert_array_equal(seldom.covariance, often.covariance[::5])
    np.testing.assert_array_equal(seldom.beta, often.beta[::5])


def test_bars_within_a_session_change_nothing() -> None:
    close = 100.0 * np.exp(np.cumsum(random_returns(40, 2), axis=0))
    whole = risk_facts(daily(close), SOON)
    three_bars = np.repeat(close, 3, axis=0)
    three_bars[::3] *= 1.5
    split = risk_facts(daily(three_bars, session=np.repeat(np.arange(40), 3)), SOON)
    np.testing.assert_array_equal(whole.covariance, split.covariance)
    np.testing.assert_array_equal(whole.beta, split.beta)


# Causality


@pytest.mark.parametrize("t", PLACES)
@pytest.mark.parametrize("refresh", [1, 4])
def test_what_is_known_at_a_bar_needs_no_later_bar(
    market_of: MarketOf, t: int, refresh: int
) -> None:
    market, settings = market_of(), RiskSettings(min_sessions=3, refresh=refresh)
    whole, part = risk_facts(market, settings), risk_facts(market.until(t + 1), settings)
    assert_same_rows(whole, part, t + 1)


@pytest.mark.parametrize("t", PLACES[1:])
def test_another_future_leaves_what_is_known_as_it_is(market_of: MarketOf, t: int) -> None:
    market, close = market_of(), np.array(market_of().close)
    close[t + 1 :] *= np.random.default_rng(9).uniform(0.5, 2.0, close[t + 1 :].shape)
    actual, other = (daily(c, session=market.session) for c in (market.close, close))
    assert_same_rows(risk_facts(actual, SOON), risk_facts(other, SOON), t + 1)


# Value at risk


def test_the_loss_of_one_position_is_its_deviation_times_the_quantile() -> None:
    covariance = np.array([[0.0004]], np.float32)
    assert portfolio_var(np.array([-500.0]), covariance) == pytest.approx(1.644854 * 0.02 * 500.0)
    assert portfolio_var(np.ones(1), covariance, 0.99) == pytest.approx(2.326348 * 0.02)


def test_a_hedge_takes_the_risk_away_and_two_alike_add_it() -> None:
    covariance = np.full((2, 2), 0.0001, np.float32)
    assert portfolio_var(np.array([1.0, -1.0]), covariance) == 0.0
    assert portfolio_var(np.array([1.0, 1.0]), covariance) == pytest.approx(2.0 * 0.01 * 1.644854)


def test_only_what_is_held_must_be_known() -> None:
    covariance = np.array([[0.0004, np.nan], [np.nan, np.nan]], np.float32)
    assert portfolio_var(np.array([1.0, 0.0]), covariance) == pytest.approx(1.644854 * 0.02)
    assert math.isnan(portfolio_var(np.array([1.0, 1e-9]), covariance))
    assert math.isnan(portfolio_var(np.array([math.nan, 0.0]), covariance))
    assert portfolio_var(np.zeros(2), covariance) == 0.0


def test_covariances_that_contradict_each_other_give_no_number() -> None:
    covariance = np.array([[1.0, 2.0], [2.0, 1.0]], np.float32)  # a correlation of two
    assert math.isnan(portfolio_var(np.array([1.0, -1.0]), covariance))


@pytest.mark.parametrize("units", [0.01, 1.0, 100.0])
@pytest.mark.parametrize(("excess", "is_known"), [(1e-5, True), (3e-5, False)])
def test_a_variance_below_nothing_is_rounding_up_to_a_hundred_thousandth_of_the_largest(
    units: float, excess: float, is_known: bool
) -> None:
    """A hedge has the variance −2 `excess` units², and could have 4 units² at most."""
    covariance = np.array([[1.0, 1.0 + excess], [1.0 + excess, 1.0]], np.float32)
    value_at_risk = portfolio_var(np.array([units, -units]), covariance)
    assert value_at_risk == 0.0 if is_known else math.isnan(value_at_risk)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 100.0))
def test_the_value_at_risk_scales_with_the_book_and_diversifies(seed: int, scale: float) -> None:
    facts = risk_facts(from_returns(random_returns(60, 4, seed)))
    first, second = np.random.default_rng(seed).normal(size=(2, 4))
    row = facts.covariance[-1]
    together = portfolio_var(first + second, row)
    apart = portfolio_var(first, row) + portfolio_var(second, row)
    assert together <= apart * (1.0 + 1e-6)
    assert portfolio_var(scale * first, row) == pytest.approx(scale * portfolio_var(first, row))


def test_the_sp500_lost_more_than_its_value_at_risk_on_449_of_8212_days() -> None:
    from skfolio.datasets import load_sp500_index

    prices = load_sp500_index()  # 1990 to 2022; slow to import, so only here
    facts = risk_facts(daily(prices.to_numpy()))
    returns = session_returns(daily(prices.to_numpy())).value[101:, 0]  # 100 returns of burn-in
    for level, expected in ((0.95, 449), (0.99, 179)):
        known = [portfolio_var(np.ones(1), row, level) for row in facts.covariance[100:-1]]
        assert (int((returns < -np.array(known)).sum()), returns.size) == (expected, 8212)
    assert kupiec(449, 8212, 0.05) == pytest.approx((3.67, 0.055), rel=0.01)
    assert kupiec(179, 8212, 0.01).statistic == pytest.approx(86.35, abs=0.01)


# Kupiec


@pytest.mark.parametrize(
    ("violations", "n", "probability", "statistic", "p_value"),
    [(20, 252, 0.05, 3.9126, 0.04793), (10, 252, 0.01, 12.8331, 3.405e-4)],
)
def test_the_likelihood_ratio_is_the_published_one(
    violations: int, n: int, probability: float, statistic: float, p_value: float
) -> None:
    result = kupiec(violations, n, probability)
    assert result.statistic == pytest.approx(statistic, abs=1e-4)
    assert result.p_value == pytest.approx(p_value, rel=1e-3)


@pytest.mark.parametrize(
    ("n", "probability", "fewest", "most"),
    [
        (255, 0.01, 1, 6),
        (255, 0.05, 7, 20),
        (510, 0.01, 2, 10),
        (510, 0.05, 17, 35),
        (1000, 0.01, 5, 16),
        (1000, 0.025, 16, 35),
        (1000, 0.05, 38, 64),
    ],
)
def test_the_region_without_rejection_is_the_table_of_kupiec(
    n: int, probability: float, fewest: int, most: int
) -> None:
    accepted = [x for x in range(n + 1) if kupiec(x, n, probability).p_value > 0.05]
    assert (accepted[0], accepted[-1]) == (fewest, most)


def test_as_many_violations_as_expected_are_no_evidence() -> None:
    assert kupiec(5, 100, 0.05) == pytest.approx((0.0, 1.0), abs=1e-6)
    assert kupiec(1, 4, math.nextafter(0.25, 1.0)) == (0.0, 1.0)  # rounding makes it negative
    assert kupiec(0, 10, 0.05).statistic == pytest.approx(-20.0 * math.log(0.95))
    assert kupiec(10, 10, 0.05).statistic == pytest.approx(-20.0 * math.log(0.05))


# Refusals


@pytest.mark.parametrize(
    "wrong", [{"memory": 0.0}, {"memory": 1.1}, {"beta_memory": math.nan}, {"refresh": 0}]
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match=next(iter(wrong))):
        RiskSettings(**wrong)


def test_more_covariances_than_memory_are_refused_before_any_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(risk, "CarriedRows", lambda *_: pytest.fail("there is no such memory"))
    many = daily(np.full((6, 30_000), 1.0))
    assert risk.LARGEST == 4 * 1024**3
    with pytest.raises(InvalidParameter, match=r"20\.1 GiB with refresh=1. Raise refresh to 6"):
        risk_facts(many)


def test_covariances_may_fill_the_memory_to_the_last_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "LARGEST", 4 * 3 * 3 * 5)  # five rows of three symbols in float32
    for n_sessions, refresh in ((5, 1), (10, 2), (15, 3)):
        fits = risk_facts(daily(np.ones((n_sessions, 3))), RiskSettings(refresh=refresh))
        assert fits.covariance.nbytes == risk.LARGEST
        with pytest.raises(InvalidParameter, match=f"Raise refresh to {refresh + 1}"):
            risk_facts(daily(np.ones((n_sessions + 1, 3))), RiskSettings(refresh=refresh))


@pytest.mark.parametrize(
    ("violations", "n", "probability"),
    [
        (-1, 10, 0.05),
        (0, 0, 0.05),
        (0, 10, 0.0),
        (0, 10, 1.0),
        (5, 10, -0.5),
        (5, 10, 1.5),
        (5, 10, math.nan),
    ],
)
def test_a_test_of_violations_that_means_nothing_is_refused(
    violations: int, n: int, probability: float
) -> None:
    with pytest.raises(InvalidParameter, match=r"probability in \(0, 1\), was"):
        kupiec(violations, n, probability)


def test_one_session_is_enough_to_be_tested() -> None:
    assert kupiec(1, 1, 0.05).statistic == pytest.approx(-2.0 * math.log(0.05))
    assert kupiec(0, 1, 0.05).statistic == pytest.approx(-2.0 * math.log(0.95))


def test_numbers_that_do_not_fit_are_refused() -> None:
    for level in (0.05, 0.5, 1.0, 1.5, math.nan):
        with pytest.raises(InvalidParameter, match="level must be in"):
            portfolio_var(np.ones(1), np.ones((1, 1), np.float32), level)
    with pytest.raises(InvalidParameter, match=r"shape \(2, 2\), was \(2,\)"):
        portfolio_var(np.ones(2), np.ones(2, np.float32))
    with pytest.raises(InvalidParameter, match="violations"):
        kupiec(11, 10, 0.05)
