"""What is held out is recognised in a training market, whoever made it and whatever it says."""

import numpy as np
import pytest

from benbot.envs.errors import BadConfig
from benbot.envs.market.block_bootstrap import bootstrap, rebuilt
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.verdict.held_out import HeldOut, bar_digests, summary_digest

LAST = 199  # of fit


def walk(seed: int, n_symbols: int = 6, n_bars: int = 300) -> Market:
    """Return closes rounded to cents, as files have them, so that equal moves do happen."""
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (n_bars, n_symbols)), axis=0))
    stamps = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(n_bars)
    names = tuple(f"S{s}" for s in range(n_symbols))
    return market_from_prices(stamps, names, {"close": np.round(close, 2)})


@pytest.fixture(scope="module")
def market() -> Market:
    return walk(0)


@pytest.fixture(scope="module")
def held_out(market: Market) -> HeldOut:
    return HeldOut.of(market, LAST)


def test_fit_and_what_is_made_of_it_pass(market: Market, held_out: HeldOut) -> None:
    fit = market.until(LAST + 1)
    held_out.refuse("fit", fit, fit)
    for seed in range(5):
        for block in (1, 20):
            held_out.refuse("b", fit, bootstrap(fit, block, np.random.default_rng(seed)))
    other = walk(1).until(LAST)
    held_out.refuse("other", other, other)


def test_a_market_made_of_one_bar_too_many_is_refused(market: Market, held_out: HeldOut) -> None:
    leaking = market.until(LAST + 2)
    with pytest.raises(BadConfig) as caught:
        held_out.refuse("bootstrap 1", leaking, market.until(50))
    assert str(caught.value) == (
        "training market bootstrap 1 must be made of no bar after fit, was 1 of them, the first on "
        "2020-07-19. What an agent is judged on must not be learned from"
    )


def test_a_redrawn_market_that_hides_what_it_is_made_of_is_recognised_by_its_moves(
    market: Market, held_out: HeldOut
) -> None:
    """One bar of the embargo, another date, another price level, one symbol left out."""
    bars = np.arange(100)
    bars[40] = LAST + 1
    leaking = rebuilt(market, np.concatenate([bars, np.arange(100, 300)]))
    fewer = market_from_prices(
        leaking.timestamps[:100], market.symbols[1:], {"close": 3.0 * leaking.close[:100, 1:]}
    )
    np.testing.assert_array_equal(np.flatnonzero(held_out.recognised(fewer)), [40])
    with pytest.raises(BadConfig, match=r"b must hold no bar after fit, was 1 of them, the first"):
        held_out.refuse("b", market.until(LAST + 1), fewer)


@pytest.mark.parametrize("bar", [LAST + 1, 250, 299])
def test_every_bar_after_fit_is_held_out(market: Market, held_out: HeldOut, bar: int) -> None:
    order = np.full(market.n_bars, 1)
    order[0], order[7] = 0, bar
    leaking = rebuilt(market, order)
    np.testing.assert_array_equal(np.flatnonzero(held_out.recognised(leaking)), [7])


def test_a_synthetic_market_that_is_the_experiments_own_is_refused() -> None:
    own = load_synthetic(SyntheticSource(seed=3, n_bars=300, n_symbols=6, n_sectors=2))
    other = load_synthetic(SyntheticSource(seed=4, n_bars=300, n_symbols=6, n_sectors=2))
    held_out = HeldOut.of(own, LAST)
    held_out.refuse("synthetic 1", other, other)
    with pytest.raises(BadConfig, match="synthetic 1 must be made of no bar after fit, was 100"):
        held_out.refuse("synthetic 1", own, own)


def test_equal_moves_of_a_few_symbols_are_chance_and_no_leak() -> None:
    """Of one symbol in cents most moves have been there before."""
    market = walk(0, n_symbols=1)
    held_out, fit = HeldOut.of(market, LAST), market.until(LAST + 1)
    held_out.refuse("fit", fit, fit)
    with pytest.raises(BadConfig, match="must be made of no bar after fit"):
        held_out.refuse("leak", market, market.until(50))


@pytest.mark.parametrize(("together", "is_leak"), [(3, False), (4, True)])
def test_four_symbols_have_to_move_together(
    market: Market, held_out: HeldOut, together: int, is_leak: bool
) -> None:
    """All six move as they did once, but only so many of them at the same time."""
    bars = [LAST + 10 * max(s - together + 1, 0) + 1 for s in range(6)]
    moves = [market.close[bar, s] / market.close[bar - 1, s] for s, bar in enumerate(bars)]
    close = np.array([market.close[0], market.close[0] * moves])
    made = market_from_prices(market.timestamps[:2], market.symbols, {"close": close})
    assert held_out.recognised(made).tolist() == [False, is_leak]


def test_a_digest_tells_symbol_time_and_every_price() -> None:
    market = load_synthetic(SyntheticSource(seed=3, n_bars=20, n_symbols=4, n_sectors=2))
    digests = bar_digests(market)
    assert np.unique(digests).size == digests.size
    np.testing.assert_array_equal(bar_digests(market.between(5, 9)), digests[5:9])
    prices = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close")}
    prices["high"][7, 2] = np.nextafter(prices["high"][7, 2], np.inf)
    changed = market_from_prices(market.timestamps, market.symbols, prices)
    np.testing.assert_array_equal(np.argwhere(bar_digests(changed) != digests), [[7, 2]])
    assert summary_digest(changed) != summary_digest(market)
    assert summary_digest(market.between(0, 20)) == summary_digest(market)


def test_bars_without_a_price_are_no_bars() -> None:
    close = np.full((3, 2), 9.0)
    close[1, 1] = np.nan
    stamps = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(3)
    digests = bar_digests(market_from_prices(stamps, ("A", "B"), {"close": close}))
    np.testing.assert_array_equal(np.argwhere(digests == 0), [[1, 1]])
