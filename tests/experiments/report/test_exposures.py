"""The regressions find what an account that was made by hand is exposed to."""

import numpy as np
import pytest
from skfolio.datasets import load_factors_dataset

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.experiments.report.exposures import Exposure, Exposures, exposures

PRICES = load_factors_dataset().iloc[:500]
STYLES = PRICES.to_numpy()[1:] / PRICES.to_numpy()[:-1] - 1.0  # MTUM QUAL SIZE USMV VLUE
CLOSE_OF_NEW_YORK = np.timedelta64(21, "h")


def own_market(n_bars: int = 500, shift: int = 0) -> Market:
    """Return three symbols that know nothing of the styles, on the days of the styles."""
    days = PRICES.index.to_numpy()[:n_bars].astype("datetime64[D]") + np.timedelta64(shift, "D")
    steps = np.random.default_rng(0).normal(0.0, 0.01, (n_bars, 3))
    close = 50.0 * np.exp(np.cumsum(steps, axis=0))
    stamps = days.astype("datetime64[h]") + CLOSE_OF_NEW_YORK
    return market_from_prices(stamps, ("A", "B", "C"), {"close": close})


def universe(market: Market) -> FloatArray:
    returns: FloatArray = (market.close[1:] / market.close[:-1] - 1.0).mean(axis=1)
    return returns


def grown(returns: FloatArray) -> FloatArray:
    return 1e5 * np.cumprod(np.concatenate([[1.0], 1.0 + returns]))


def found(result: Exposures, regression: str) -> dict[str, Exposure]:
    return {row.factor: row for row in result.rows if row.regression == regression}


def test_half_of_quality_is_found() -> None:
    market = own_market()
    noise = np.random.default_rng(1).normal(0.0, 1e-4, len(STYLES))
    result = exposures(market.timestamps, grown(0.5 * STYLES[:, 1] + noise), market)
    rows = found(result, "styles")
    assert list(rows) == ["intercept", "MTUM", "QUAL", "SIZE", "USMV", "VLUE"]
    assert rows["QUAL"].coefficient == pytest.approx(0.5, abs=0.01)
    assert rows["QUAL"].t_statistic > 50.0
    assert rows["QUAL"].r_squared > 0.99
    assert rows["QUAL"].n_days == 499
    for name in ("MTUM", "SIZE", "USMV", "VLUE"):
        assert rows[name].coefficient == pytest.approx(0.0, abs=0.01)
        assert abs(rows[name].t_statistic) < 3.0
    assert not result.notes


def test_what_leans_on_two_styles_and_earns_beside_them_is_taken_apart() -> None:
    market = own_market()
    returns = 0.3 * STYLES[:, 0] - 0.2 * STYLES[:, 4] + 0.001
    rows = found(exposures(market.timestamps, grown(returns), market), "styles")
    expected = [0.252, 0.3, 0.0, 0.0, 0.0, -0.2]  # the intercept is 252 days of 0.1 %
    assert [row.coefficient for row in rows.values()] == pytest.approx(expected, abs=1e-9)


def test_the_beta_to_the_universe_is_found() -> None:
    market = own_market()
    noise = np.random.default_rng(2).normal(0.0, 0.002, 499)
    result = exposures(market.timestamps, grown(0.8 * universe(market) + noise), market)
    beta = found(result, "universe")["universe"]
    assert beta.coefficient == pytest.approx(0.8, abs=0.05)
    assert beta.t_statistic > 20.0
    assert abs(found(result, "styles")["QUAL"].t_statistic) < 3.0


def test_t_statistics_allow_for_returns_that_are_related_over_days() -> None:
    market = own_market()
    factor = universe(market)
    rng = np.random.default_rng(3)
    noise = np.convolve(rng.normal(0.0, 0.002, 510), np.ones(12) / 3.0, mode="valid")
    rows = found(exposures(market.timestamps, grown(factor + 0.0005 + noise), market), "universe")
    inputs = np.column_stack([np.ones(499), factor])
    # Newey and West by hand: the scores of 5 days around each other, with falling weights.
    own = factor + 0.0005 + noise
    fit = np.linalg.lstsq(inputs, own, rcond=None)[0]
    scores = inputs * (own - inputs @ fit)[:, None]
    inner = scores.T @ scores
    for lag in range(1, 6):
        pair = scores[lag:].T @ scores[:-lag]
        inner += (1.0 - lag / 6.0) * (pair + pair.T)
    outer = np.linalg.inv(inputs.T @ inputs)
    errors = np.sqrt(np.diag(outer @ inner @ outer) * 499.0 / 497.0)
    assert [row.t_statistic for row in rows.values()] == pytest.approx(fit / errors)


def test_bars_within_a_day_count_as_one_return() -> None:
    market = own_market()
    twice = np.sort(np.concatenate([market.timestamps, market.timestamps - np.timedelta64(3, "h")]))
    split = market_from_prices(
        twice,
        market.symbols,
        {"close": np.repeat(market.close, 2, axis=0)},
        session=np.repeat(np.arange(500), 2),
    )
    returns = 0.8 * universe(market) + np.random.default_rng(2).normal(0.0, 0.002, 499)
    equity = np.repeat(grown(returns), 2)
    equity[::2] *= 1.1  # what an account was worth at noon is no matter
    whole = exposures(market.timestamps, grown(returns), market)
    assert exposures(split.timestamps, equity, split) == whole


def test_an_account_of_a_part_of_the_market_is_compared_with_that_part() -> None:
    market = own_market()
    equity = grown(0.5 * universe(market))[100:300]
    rows = found(exposures(market.timestamps[100:300], equity, market), "universe")
    assert rows["universe"].coefficient == pytest.approx(0.5)
    assert rows["universe"].n_days == 199


def test_too_few_common_days_are_said_and_not_regressed() -> None:
    market = own_market(60)
    result = exposures(market.timestamps, grown(0.5 * STYLES[:59, 1]), market)
    assert not result.rows
    assert result.notes == (
        "universe: not enough overlap, needs 60 daily returns and has 59",
        "styles: not enough overlap, needs 60 daily returns and has 59",
    )
    just = own_market(61)
    assert not exposures(just.timestamps, grown(0.5 * STYLES[:60, 1]), just).notes
    elsewhere = own_market(shift=20_000)
    result = exposures(elsewhere.timestamps, grown(universe(elsewhere)), elsewhere)
    assert found(result, "universe")["universe"].coefficient == pytest.approx(1.0)
    assert result.notes == ("styles: not enough overlap, needs 60 daily returns and has 0",)


def test_an_account_that_never_moved_has_no_exposure() -> None:
    market = own_market()
    result = exposures(market.timestamps, np.full(500, 1e5), market)
    assert not result.rows
    assert result.notes == (
        "universe: the account did not move",
        "styles: the account did not move",
    )


def test_a_universe_that_never_moved_is_no_factor() -> None:
    market = own_market()
    still = market_from_prices(market.timestamps, market.symbols, {"close": np.ones((500, 3))})
    result = exposures(still.timestamps, grown(STYLES[:, 0]), still)
    assert result.notes == ("universe: a factor did not move",)


def test_what_comes_after_ruin_is_no_return() -> None:
    market = own_market()
    equity = grown(0.5 * universe(market))
    equity[200:] = 0.0
    rows = found(exposures(market.timestamps, equity, market), "universe")
    assert (rows["universe"].n_days, rows["universe"].coefficient) == (199, pytest.approx(0.5))
    equity[:] = 0.0
    assert not exposures(market.timestamps, equity, market).rows


def test_marks_at_times_that_are_no_bars_are_refused() -> None:
    market = own_market()
    with pytest.raises(InvalidParameter, match="time of a bar"):
        exposures(market.timestamps + np.timedelta64(1, "m"), np.ones(500), market)
    with pytest.raises(InvalidParameter, match="equity"):
        exposures(market.timestamps, np.ones(499), market)
