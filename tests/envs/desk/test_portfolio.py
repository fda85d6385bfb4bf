"""Risk is spread over the symbols as the method says, from what was known and by its schedule."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from benbot.envs.arrays import FloatArray
from benbot.envs.desk import portfolio
from benbot.envs.desk.portfolio import (
    PortfolioSettings,
    hierarchical_risk_parity,
    inverse_volatility,
    minimum_variance,
    symbol_budgets,
)
from benbot.envs.market.market import Market, market_from_prices

MarketOf = Callable[..., Market]

METHODS = ("inverse_volatility", "hierarchical_risk_parity", "minimum_variance")
SCALES = np.array([0.01, 0.02, 0.005, 0.03, 0.015])


def quick(method: str, **changed: float) -> PortfolioSettings:
    """Return settings whose first answer is made of session 20, and then of every fifth.

    Where a bar is a session, it is known from bar 21 on.
    """
    return PortfolioSettings.model_validate(
        {"method": method, "window": 20, "every": 5, "most": 50.0} | changed
    )


def from_returns(returns: FloatArray) -> Market:
    """Return a market of daily closes with these log returns; the first of them is not seen."""
    stamps = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(len(returns))
    symbols = tuple(f"S{s}" for s in range(returns.shape[1]))
    close = 100.0 * np.exp(np.cumsum(returns, axis=0))
    return market_from_prices(stamps, symbols, {"close": close})


def random_market(n_sessions: int = 60, seed: int = 0) -> Market:
    rng = np.random.default_rng(seed)
    together = 0.01 * rng.normal(size=(n_sessions, 1))
    return from_returns(together + SCALES * rng.normal(size=(n_sessions, SCALES.size)))


def without(market: Market, symbol: int, bars: slice) -> Market:
    close = np.array(market.close)
    close[bars, symbol] = np.nan
    return market_from_prices(
        market.timestamps, market.symbols, {"close": close}, session=market.session
    )


def uncorrelated(deviations: FloatArray, n_sessions: int = 240) -> FloatArray:
    """Return waves with exactly these standard deviations and exactly no correlation."""
    angles = 2.0 * np.pi * np.arange(n_sessions) / n_sessions
    waves = np.column_stack([np.sin((k + 1) * angles) for k in range(deviations.size)])
    return np.sqrt(2.0) * waves * deviations


# Weights


def test_independent_symbols_all_have_the_standard_risk() -> None:
    budgets = symbol_budgets(random_market(5))
    assert budgets.multiplier.dtype == np.float32
    assert (budgets.multiplier == 1.0).all()
    assert not budgets.notes


def test_inverse_volatility_gives_half_to_what_moves_twice_as_far() -> None:
    weights = inverse_volatility(uncorrelated(np.array([0.01, 0.02])))
    assert weights == pytest.approx([2.0 / 3.0, 1.0 / 3.0])


def test_risk_parity_of_two_symbols_is_inverse_variance() -> None:
    weights = hierarchical_risk_parity(uncorrelated(np.array([0.01, 0.02])))
    assert weights == pytest.approx([0.8, 0.2])


def test_risk_parity_of_two_that_are_one_shares_between_them() -> None:
    first, second = uncorrelated(np.array([0.01, 0.02])).T
    with warnings.catch_warnings():  # the covariance is singular, and is taken as it is
        warnings.simplefilter("error")
        weights = hierarchical_risk_parity(np.column_stack([first, first, second]))
    assert weights == pytest.approx([0.4, 0.4, 0.2])


def test_risk_parity_splits_between_pairs_and_then_within_them() -> None:
    first, second, small, other = uncorrelated(np.array([0.01, 0.02, 0.003, 0.004])).T
    returns = np.column_stack([first, second, first + small, second + other])
    # Within a pair by inverse variance, and between the pairs by the variance that this leaves.
    shares = np.array([[1.09, 1.0], [4.16, 4.0]]) / np.array([[2.09], [8.16]])
    variances = [
        shares[0] @ np.array([[1.0, 1.0], [1.0, 1.09]]) @ shares[0],
        shares[1] @ np.array([[4.0, 4.0], [4.0, 4.16]]) @ shares[1],
    ]
    between = 1.0 - variances[0] / sum(variances)
    expected = [
        between * shares[0, 0],
        (1.0 - between) * shares[1, 0],
        between * shares[0, 1],
        (1.0 - between) * shares[1, 1],
    ]
    assert hierarchical_risk_parity(returns) == pytest.approx(expected)


def test_least_variance_of_symbols_without_correlation_is_inverse_variance() -> None:
    returns = uncorrelated(np.array([0.01, 0.02, 0.04]))
    shrunk = np.diag(ledoit_wolf(returns)[0])
    weights = minimum_variance(returns)
    assert weights == pytest.approx((1.0 / shrunk) / (1.0 / shrunk).sum(), abs=1e-4)
    plain = returns.var(axis=0)
    assert weights == pytest.approx((1.0 / plain) / (1.0 / plain).sum(), abs=0.05)


def test_least_variance_does_not_hold_what_only_adds_risk() -> None:
    steady, noise = uncorrelated(np.array([0.01, 0.001])).T
    weights = minimum_variance(np.column_stack([steady, 3.0 * steady + noise]))
    assert weights == pytest.approx([1.0, 0.0], abs=1e-3)
    assert weights[1] >= 0.0


# Multipliers


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_multiplier_is_one(method: str) -> None:
    budgets = symbol_budgets(random_market(), quick(method))
    np.testing.assert_allclose(budgets.multiplier[21:].mean(axis=1), 1.0, rtol=1e-5)
    assert (budgets.multiplier >= 0.0).all()
    assert not budgets.notes


def test_what_the_cap_takes_away_is_given_to_nobody() -> None:
    free = symbol_budgets(random_market(), quick("inverse_volatility")).multiplier
    capped = symbol_budgets(random_market(), quick("inverse_volatility", most=1.25)).multiplier
    assert free.max() > 1.25
    np.testing.assert_array_equal(capped, np.minimum(free, np.float32(1.25)))


def test_the_returns_of_the_window_decide_and_no_others() -> None:
    market = random_market()
    budgets = symbol_budgets(market, quick("inverse_volatility"))
    simple = market.close[1:] / market.close[:-1] - 1.0
    for bar in (21, 46):
        seen = simple[bar - 21 : bar - 1]  # the return of bar t - 1 is row t - 2
        assert budgets.multiplier[bar] == pytest.approx(5.0 * inverse_volatility(seen), rel=1e-5)


def moving(n_symbols: int, n_sessions: int = 30) -> Market:
    return from_returns(np.random.default_rng(0).normal(0.0, 0.01, (n_sessions, n_symbols)))


def answer(monkeypatch: pytest.MonkeyPatch, *weights: float) -> None:
    """Let risk parity have these weights for an answer."""
    answers = {"hierarchical_risk_parity": lambda _: np.array(weights)}
    monkeypatch.setattr(portfolio, "METHODS", answers)


def test_two_symbols_are_spread_by_the_method_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(monkeypatch, 0.9, 0.1)
    multiplier = symbol_budgets(moving(2), quick("hierarchical_risk_parity")).multiplier
    np.testing.assert_allclose(multiplier[21:], [[1.8, 0.2]] * 9, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_one_symbol_has_the_standard_risk_and_no_solver_is_asked(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    answer(monkeypatch, 0.5)
    budgets = symbol_budgets(moving(1), quick(method))
    assert budgets.multiplier[:, 0].tolist() == [0.0] * 21 + [1.0] * 9
    assert not budgets.notes


@pytest.mark.parametrize(
    ("excess", "is_answer"), [(0.5e-6, True), (-0.5e-6, True), (1.5e-6, False), (-1.5e-6, False)]
)
def test_weights_may_miss_their_sum_by_a_millionth(
    monkeypatch: pytest.MonkeyPatch, excess: float, is_answer: bool
) -> None:
    answer(monkeypatch, 0.9, 0.1 + excess)
    budgets = symbol_budgets(moving(2, 22), quick("hierarchical_risk_parity"))
    assert (budgets.multiplier[21, 0] == pytest.approx(1.8)) == is_answer
    assert len(budgets.notes) == (0 if is_answer else 1)


def test_nobody_is_asked_after_the_last_session_for_which_there_is_no_bar() -> None:
    gone = without(moving(1, 21), 0, slice(20, 21))  # of its only window it has not all returns
    budgets = symbol_budgets(gone, quick("inverse_volatility"))
    assert budgets.multiplier[:, 0].tolist() == [0.0] * 21
    assert not budgets.notes


def test_a_symbol_that_is_not_known_any_more_has_no_multiplier() -> None:
    gone = without(moving(2), 1, slice(22, None))
    multiplier = symbol_budgets(gone, quick("inverse_volatility")).multiplier
    assert multiplier[21:26].all()
    assert multiplier[26:].tolist() == [[1.0, 0.0]] * 4


@pytest.mark.parametrize(("step", "is_known"), [(0.4e-9, False), (0.75e-9, True)])
def test_moves_within_a_billionth_are_the_rounding_of_a_price_that_stands_still(
    step: float, is_known: bool
) -> None:
    still = step * (-1.0) ** np.arange(30)  # the returns lie 2 steps apart
    other = np.random.default_rng(0).normal(0.0, 0.01, 30)
    market = from_returns(np.column_stack([still, other]))
    multiplier = symbol_budgets(market, quick("inverse_volatility")).multiplier
    assert multiplier[21:, 0].all() == is_known
    assert multiplier[21:, 1].all()


# Schedule


def test_an_answer_holds_until_the_next_and_before_the_first_nothing_is_traded() -> None:
    multiplier = symbol_budgets(random_market(37), quick("inverse_volatility")).multiplier
    assert not multiplier[:21].any()
    changes = np.flatnonzero(np.diff(multiplier, axis=0).any(axis=1)) + 1
    assert changes.tolist() == [21, 26, 31, 36]


def test_an_answer_is_known_from_the_first_bar_after_its_session() -> None:
    market = random_market(66)
    split = market_from_prices(
        market.timestamps,
        market.symbols,
        {"close": market.close},
        session=np.repeat(np.arange(22), 3),
    )
    multiplier = symbol_budgets(split, quick("inverse_volatility")).multiplier
    assert np.flatnonzero(multiplier.any(axis=1))[0] == 63


def test_a_market_without_a_whole_window_trades_nothing_and_says_so() -> None:
    budgets = symbol_budgets(random_market(20), quick("inverse_volatility"))
    assert not budgets.multiplier.any()
    assert budgets.notes == ("no session has 20 returns behind it",)


# What a method does not know


@pytest.mark.parametrize("method", METHODS)
def test_a_symbol_with_a_missing_return_is_not_traded_and_the_others_share(method: str) -> None:
    market = random_market()
    budgets = symbol_budgets(without(market, 2, slice(12, 13)), quick(method))
    alone = [0, 1, 3, 4]
    # The return of bar 13 leaves the window of session 33; the next answer is that of session 35.
    assert not budgets.multiplier[:36, 2].any()
    assert budgets.multiplier[36:, 2].all()
    assert budgets.multiplier[21][alone].mean() == pytest.approx(1.0, rel=1e-5)


def test_a_price_that_never_moves_has_no_volatility_to_invert() -> None:
    close = np.array(random_market().close)
    close[:, 0], close[:, 1] = 10.0, 10.0 * 1.01 ** np.arange(60)
    market = market_from_prices(random_market().timestamps, tuple("abcde"), {"close": close})
    multiplier = symbol_budgets(market, quick("inverse_volatility")).multiplier
    assert not multiplier[:, :2].any()
    assert multiplier[21:, 2:].all()


@pytest.mark.parametrize("method", METHODS)
def test_one_known_symbol_has_the_standard_risk_and_none_is_noted(method: str) -> None:
    market = from_returns(np.random.default_rng(0).normal(0.0, 0.01, (40, 1)))
    assert (symbol_budgets(market, quick(method)).multiplier[21:] == 1.0).all()
    gone = symbol_budgets(without(market, 0, slice(22, 24)), quick(method))
    assert gone.multiplier[21:26].all()
    assert not gone.multiplier[26:].any()
    assert gone.notes[0] == (
        "2020-01-27: no symbol had all returns of the window, and nothing is traded"
    )
    assert len(gone.notes) == 3


@pytest.mark.filterwarnings("error")
def test_more_symbols_than_sessions_are_no_obstacle() -> None:
    market = from_returns(np.random.default_rng(0).normal(0.0, 0.01, (9, 12)))
    for method in METHODS:
        budgets = symbol_budgets(market, quick(method, window=6))
        assert budgets.multiplier[7:].sum(axis=1) == pytest.approx(12.0, rel=1e-5)
        assert not budgets.notes


@pytest.mark.parametrize("weights", [None, np.full(5, np.nan), np.full(5, 0.1)])
def test_a_solver_without_an_answer_is_replaced_and_noted(
    monkeypatch: pytest.MonkeyPatch, weights: FloatArray | None
) -> None:
    from skfolio.exceptions import OptimizationError
    from skfolio.optimization import MeanRisk

    def fail(self: MeanRisk, _: FloatArray) -> MeanRisk:
        if weights is None:
            raise OptimizationError("infeasible")
        self.weights_ = weights
        return self

    monkeypatch.setattr(MeanRisk, "fit", fail)
    budgets = symbol_budgets(random_market(27), quick("minimum_variance"))
    plain = symbol_budgets(random_market(27), quick("inverse_volatility"))
    np.testing.assert_array_equal(budgets.multiplier, plain.multiplier)
    assert [note[:10] for note in budgets.notes] == ["2020-01-22", "2020-01-27"]
    assert "minimum_variance had no answer" in budgets.notes[0]
    assert budgets.notes[0].endswith("infeasible" if weights is None else str(weights.sum()))


def test_a_solver_that_ends_just_below_nothing_sells_nothing_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from skfolio.optimization import MeanRisk

    def end(self: MeanRisk, _: FloatArray) -> MeanRisk:
        self.weights_ = np.array([0.5, 0.5, -1e-9, 0.0, 1e-9])
        return self

    monkeypatch.setattr(MeanRisk, "fit", end)
    budgets = symbol_budgets(random_market(22), quick("minimum_variance"))
    assert budgets.multiplier[21, :3].tolist() == [2.5, 2.5, 0.0]
    assert not budgets.notes


# Laws


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("t", [19, 20, 21, 25, 31, 58])
def test_what_is_known_at_a_bar_needs_no_later_bar(method: str, t: int) -> None:
    market = random_market()
    whole = symbol_budgets(market, quick(method)).multiplier[: t + 1]
    part = symbol_budgets(market.until(t + 1), quick(method)).multiplier
    np.testing.assert_array_equal(whole, part)
    future = np.array(market.close)
    future[t + 1 :] *= np.random.default_rng(1).uniform(0.5, 2.0, future[t + 1 :].shape)
    other = market_from_prices(market.timestamps, market.symbols, {"close": future})
    changed = symbol_budgets(other, quick(method)).multiplier
    np.testing.assert_array_equal(whole, changed[: t + 1])


@pytest.mark.parametrize("t", [35, 100, 201])
def test_sessions_of_several_bars_hide_the_future_too(market_of: MarketOf, t: int) -> None:
    market = market_of()
    whole = symbol_budgets(market, quick("inverse_volatility", every=1)).multiplier
    part = symbol_budgets(market.until(t + 1), quick("inverse_volatility", every=1)).multiplier
    np.testing.assert_array_equal(whole[: t + 1], part)
    assert part.any()


@pytest.mark.parametrize("method", METHODS)
def test_another_order_of_the_symbols_is_another_order_of_the_answers(method: str) -> None:
    market = random_market()
    order = np.array([3, 0, 4, 1, 2])
    shuffled = market_from_prices(
        market.timestamps,
        tuple(market.symbols[s] for s in order),
        {"close": market.close[:, order]},
    )
    expected = symbol_budgets(market, quick(method)).multiplier[:, order]
    np.testing.assert_array_equal(symbol_budgets(shuffled, quick(method)).multiplier, expected)
