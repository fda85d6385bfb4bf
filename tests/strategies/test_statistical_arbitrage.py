"""Statistical arbitrage against scikit-learn and statsmodels, and by hand."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.decomposition import PCA

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.strategies.residuals import (
    log_returns,
    principal_factors,
    residual_returns,
    sector_factors,
    strayed,
)
from benbot.strategies.rules import statistical_arbitrage
from benbot.strategies.rules.statistical_arbitrage import StatisticalArbitrage

CLOSE = np.timedelta64(21, "h")
QUICK = {"window": 40, "residual_window": 20, "block_days": 5}


def shared_moves(seed: int, n_bars: int = 120, n_symbols: int = 12) -> FloatArray:
    """Return log returns of symbols that share two factors, each with a volatility of its own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0.0, 0.01, (n_bars, 2)) @ rng.normal(1.0, 0.5, (2, n_symbols))
    return shared + rng.normal(0.0, rng.uniform(0.002, 0.02, n_symbols), (n_bars, n_symbols))


def reverting_market(seed: int, n_bars: int = 120, n_symbols: int = 12) -> Market:
    """Return closes that share two factors and swing around them, in two sectors."""
    rng = np.random.default_rng(seed + 1)
    apart = np.zeros((n_bars, n_symbols))
    for t in range(1, n_bars):
        apart[t] = 0.7 * apart[t - 1] + rng.normal(0.0, 0.01, n_symbols)
    close = 50.0 * np.exp(shared_moves(seed, n_bars, n_symbols).cumsum(axis=0) + apart)
    days = np.datetime64("1970-01-01", "ns") + np.arange(n_bars) * np.timedelta64(1, "D")
    names = tuple(f"S{s}" for s in range(n_symbols))
    sectors = tuple("AB"[s % 2] for s in range(n_symbols))
    return market_from_prices(days + CLOSE, names, {"close": close}, sectors=sectors)


def with_closes(market: Market, close: FloatArray, **changed: Any) -> Market:  # noqa: ANN401
    times = changed.pop("timestamps", market.timestamps)
    return market_from_prices(times, market.symbols, {"close": close}, **changed)


def score_by_statsmodels(residuals: FloatArray) -> float:
    """Return the score of one symbol's residuals, from an ordinary regression of the path."""
    path = residuals.cumsum()
    fit = sm.OLS(path[1:], sm.add_constant(path[:-1])).fit()
    a, b = fit.params
    return float((path[-1] - a / (1.0 - b)) / np.sqrt(fit.ssr / fit.nobs / (1.0 - b**2)))


class TestFactors:
    def test_components_are_those_of_scikit_learn(self) -> None:
        returns = shared_moves(0)
        (factors,) = principal_factors(returns, 3)
        standard = (returns - returns.mean(axis=0)) / returns.std(axis=0)
        expected = PCA(3).fit(standard[:, factors.columns]).transform(standard[:, factors.columns])
        made = (returns - returns.mean(axis=0))[:, factors.columns] @ factors.units
        np.testing.assert_allclose(np.abs(made[:, ::-1]), np.abs(expected), atol=1e-12)

    def test_there_is_at_most_one_component_for_every_four_symbols(self) -> None:
        for n_symbols, n_factors in ((12, 3), (7, 1), (4, 1)):
            (factors,) = principal_factors(shared_moves(0, n_symbols=n_symbols), 15)
            assert factors.units.shape == (n_symbols, n_factors)
        assert principal_factors(shared_moves(0, n_symbols=3), 15) == []

    def test_what_stands_still_or_is_seldom_there_makes_no_factor(self) -> None:
        returns = shared_moves(0)
        returns[:, 4] = 0.0
        returns[:13, 7] = np.nan  # 107 of 120 are known, less than nine in ten
        returns[:12, 8] = np.nan
        (factors,) = principal_factors(returns, 2)
        assert sorted(factors.columns) == [0, 1, 2, 3, 5, 6, 8, 9, 10, 11]

    def test_the_factor_of_a_sector_is_its_mean(self) -> None:
        returns = shared_moves(0, n_symbols=5)
        first, second = sector_factors(returns, ("A", "B", "A", "A", "B"))
        assert sorted(first.columns) == [0, 2, 3]
        of_first = returns[:, first.columns] @ first.units
        np.testing.assert_allclose(of_first[:, 0], returns[:, [0, 2, 3]].mean(axis=1))
        assert sorted(second.columns) == [1, 4]

    def test_residuals_are_those_of_an_ordinary_regression(self) -> None:
        returns = shared_moves(0)
        (factors,) = principal_factors(returns[:90], 3)
        latest = returns[90:, factors.columns]
        explaining = sm.add_constant(latest @ factors.units)
        expected = [sm.OLS(column, explaining).fit().resid for column in latest.T]
        np.testing.assert_allclose(
            residual_returns(latest, factors), np.column_stack(expected), atol=1e-14
        )

    def test_a_symbol_that_lacks_a_return_has_no_residuals_and_leaves_those_of_others(self) -> None:
        returns = shared_moves(0)
        (factors,) = sector_factors(returns, ("A",) * 12)
        latest = returns[:30, factors.columns]
        latest[20, 3] = np.nan
        known = np.isfinite(residual_returns(latest, factors))
        assert known.all(axis=0).tolist() == [s != 3 for s in range(12)]
        assert not known[:, 3].any()


class TestScore:
    def test_it_is_that_of_an_autoregression_by_statsmodels(self) -> None:
        residuals = np.diff(reverting_market(3).close, axis=0)[:, :6] / 50.0
        scores = strayed(residuals, 1e6)
        for s in np.flatnonzero(np.isfinite(scores)):
            assert scores[s] == pytest.approx(score_by_statsmodels(residuals[:, s]), rel=1e-9)
        assert np.isfinite(scores).sum() >= 3

    def test_it_counts_deviations_from_where_the_path_returns_to(self) -> None:
        # Three times in four the next value is the same: a = 1/4 and b = 1/2, so the path returns
        # to 1/2. E ζ² is 3/16 and 1 - b² is 3/4, so the deviation around it is 1/2.
        path = np.append(np.tile([0, 0, 0, 0, 1, 1, 1, 1], 5), 0)
        both = 0.01 * np.column_stack([path, 1 - path])
        scores = strayed(np.diff(both, axis=0, prepend=0.0), 1.5)
        assert scores == pytest.approx([-1.0, 1.0])
        assert np.isnan(strayed(np.diff(both, axis=0, prepend=0.0), 1.4)).all()  # 1 / ln 2 is 1.44

    def test_it_is_unknown_where_the_path_returns_too_slowly_or_not_at_all(self) -> None:
        rng = np.random.default_rng(0)
        for kept, slowest, known in ((0.8, 10.0, True), (0.8, 3.0, False), (-0.5, 10.0, False)):
            path = np.zeros(4_000)  # 1 / -ln 0.8 is 4.5 bars
            for t in range(1, path.size):
                path[t] = kept * path[t - 1] + rng.normal(0.0, 0.01)
            score = strayed(np.diff(path, prepend=0.0)[:, np.newaxis], slowest)
            assert np.isfinite(score[0]) == known
        assert np.isnan(strayed(np.zeros((60, 1)), 30.0)).all()
        assert np.isnan(strayed(np.full((60, 1), np.nan), 30.0)).all()


class TestStatisticalArbitrage:
    def test_its_evidence_is_the_score_over_the_mean_of_all_by_hand_with_statsmodels(self) -> None:
        market = reverting_market(0)
        strategy = StatisticalArbitrage(entry=0.51, components=2, **QUICK)
        # Day 115 begins a block of five days, and 119 is its last. Its factors know days until 114.
        returns = log_returns(market.close)
        known = returns[75:115]
        standard = (known - known.mean(axis=0)) / known.std(axis=0)
        portfolios = PCA(2).fit(standard).components_ / known.std(axis=0)
        latest = returns[100:120]
        explaining = sm.add_constant(latest @ portfolios.T)
        residuals = [sm.OLS(column, explaining).fit().resid for column in latest.T]
        scores = np.array([score_by_statsmodels(each) for each in residuals])
        slope = [np.polyfit(x.cumsum()[:-1], x.cumsum()[1:], 1)[0] for x in residuals]
        scores[(np.array(slope) <= 0.0) | (np.array(slope) >= np.exp(-1.0 / 10.0))] = np.nan
        scores -= np.nanmean(scores)
        evidence = strategy.evidence(market)[-1]
        outside = np.abs(scores) > 0.5
        assert outside.sum() > 5
        np.testing.assert_allclose(evidence[outside], -scores[outside], rtol=1e-9)
        np.testing.assert_array_equal(np.isnan(evidence), np.isnan(scores))

    @pytest.mark.parametrize("factors", ["components", "sector"])
    def test_the_scores_of_a_bar_sum_to_zero(self, factors: str) -> None:
        market = reverting_market(1, 300)
        strategy = StatisticalArbitrage(exit=0.0, factors=factors, **QUICK)
        evidence = strategy.evidence(market)[50:]
        assert np.isfinite(evidence).sum(axis=1).mean() > 8
        np.testing.assert_allclose(np.nansum(evidence, axis=1), 0.0, atol=1e-9)

    @pytest.mark.parametrize(
        ("before", "now", "direction", "opens"),
        [
            (0.0, -1.5, 1, True),  # far below: long
            (0.0, 1.5, -1, True),
            (0.0, -1.25, 1, False),  # at the threshold
            (-1.5, -0.9, 1, False),  # kept
            (-0.9, -0.4, -1, False),  # the long one ends
            (0.9, 0.4, 1, False),
            (-1.5, -0.4, -1, False),  # came back in one bar, and opens nothing on the other side
            (0.9, -0.4, 1, False),  # jumped across: it is the short one that ends
            (1.5, -0.9, 1, False),
            (-0.3, 0.4, 1, False),  # nothing is left to end but a short one that was missed
            (np.nan, 0.4, 1, False),
            (-1.5, np.nan, 0, False),  # left to its stops
        ],
    )
    def test_it_opens_beyond_one_threshold_and_ends_within_the_other(
        self,
        before: float,
        now: float,
        direction: int,
        opens: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        market = reverting_market(0)
        strategy = StatisticalArbitrage(**QUICK)

        def scores(strategy: StatisticalArbitrage, returns: FloatArray, _: object) -> FloatArray:
            return np.full(12, now if len(returns) == 120 else before)

        monkeypatch.setattr(StatisticalArbitrage, "_scores", scores)
        opinion = strategy.opinion(market)
        assert (opinion.direction[-1] == direction).all()
        assert ((opinion.confidence[-1] > 0.0) == opens).all()
        if opens:
            assert opinion.confidence[-1, 0] == pytest.approx(np.tanh(1.5 / 2.0))

    def test_it_sells_what_rose_apart_from_the_others_and_no_rise_of_all(self) -> None:
        market = reverting_market(2)
        rise = np.zeros(market.close.shape)
        rise[-1] = 0.2
        together = with_closes(market, market.close * np.exp(rise))
        rise[-1] = 0.0
        rise[-1, 5] = 0.1
        apart = with_closes(market, market.close * np.exp(rise))
        strategy = StatisticalArbitrage(components=1, **QUICK)
        assert strategy.opinion(apart).direction[-1, 5] == -1
        assert strategy.opinion(apart).confidence[-1, 5] > 0.5
        assert abs(strategy.opinion(together).direction[-1].sum()) < 6

    def test_the_sign_of_an_eigenvector_does_not_matter(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        market, strategy = reverting_market(4), StatisticalArbitrage(**QUICK)
        one = strategy.evidence(market)
        plain = np.linalg.eigh

        def turned(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
            values, vectors = plain(matrix)
            return values, vectors * np.where(np.arange(len(values)) % 2, 1.0, -1.0)

        monkeypatch.setattr(np.linalg, "eigh", turned)
        np.testing.assert_allclose(strategy.evidence(market), one, rtol=1e-9)

    def test_the_order_of_the_symbols_does_not_matter_to_the_last_digit(self) -> None:
        market, strategy = reverting_market(5), StatisticalArbitrage(**QUICK)
        order = np.random.default_rng(0).permutation(12)
        shuffled = with_closes(market, market.close[:, order])
        np.testing.assert_array_equal(
            strategy.evidence(market)[:, order], strategy.evidence(shuffled)
        )

    def test_a_market_without_a_whole_block_or_with_few_symbols_has_no_opinion(self) -> None:
        market, strategy = reverting_market(0), StatisticalArbitrage(**QUICK)
        assert strategy.warmup == 45
        assert strategy.opinion(market).direction[45:].any(axis=1).all()
        assert np.isnan(strategy.evidence(market.between(101, 104))).all()
        still = with_closes(market, np.full(market.close.shape, 10.0))
        assert not strategy.opinion(still).direction.any()
        few = market_from_prices(market.timestamps, ("A", "B"), {"close": market.close[:, :2]})
        assert not strategy.opinion(few).direction.any()

    def test_days_of_more_bars_than_its_memory_is_made_for_are_refused(self) -> None:
        market = reverting_market(0)
        halves = np.arange(120) * np.timedelta64(12, "h")
        start = np.datetime64("1970-01-01T01", "ns")
        twice = with_closes(market, market.close, timestamps=start + halves)
        needed = (
            r"bars_per_day of statistical_arbitrage must be .* was 1, and 1970-.* has 2\. .*to 2"
        )
        with pytest.raises(BadMarketData, match=needed):
            StatisticalArbitrage(**QUICK).opinion(twice)
        told = StatisticalArbitrage(bars_per_day=2, **QUICK)
        assert told.opinion(twice).direction[told.warmup :].any(axis=1).all()

    def test_a_symbol_alone_in_its_sector_has_no_opinion(self) -> None:
        market = reverting_market(0)
        alone = with_closes(market, market.close, sectors=("A", *"B" * 11))
        spoken = (
            StatisticalArbitrage(factors="sector", **QUICK).opinion(alone).direction.any(axis=0)
        )
        assert spoken.tolist() == [False] + [True] * 11

    def test_the_decomposition_is_made_once_a_block(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[int] = []

        def counted(returns: FloatArray, n_factors: int) -> list[object]:
            calls.append(len(returns))
            return list(principal_factors(returns, n_factors))

        monkeypatch.setattr(statistical_arbitrage, "principal_factors", counted)
        StatisticalArbitrage(**QUICK).evidence(reverting_market(0))
        assert calls == [40] * 15  # blocks begin at 45, 50, ..., 115

    def test_what_it_cannot_be_is_refused(self) -> None:
        with pytest.raises(InvalidParameter) as refused:
            StatisticalArbitrage(factors="industry")
        assert str(refused.value) == (
            "factors of statistical_arbitrage must be one of components, sector, was 'industry'"
        )
        with pytest.raises(InvalidParameter, match=r"needs exit below entry, was exit=2.0 entry="):
            StatisticalArbitrage(exit=2.0)
