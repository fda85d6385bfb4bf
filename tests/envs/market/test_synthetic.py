"""A synthetic market is reproducible, complete, and shows only what a real one would."""

from datetime import date
from functools import cache

import numpy as np
import pytest

from benbot.envs.market.market import FACTS, Market
from benbot.envs.market.synthetic import (
    HiddenRegime,
    SyntheticMarket,
    SyntheticSource,
    generate,
    load_synthetic,
)

VARIANTS = ("planted", "no_edge")


@cache
def market_of(variant: str) -> Market:
    return load_synthetic(SyntheticSource(variant=variant))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_source_gives_the_same_market_and_another_seed_another(variant: str) -> None:
    first, again = (
        generate(SyntheticSource(variant=variant, seed=3, n_bars=300)) for _ in range(2)
    )
    assert first.market.digest == again.market.digest
    np.testing.assert_array_equal(first.hidden_regime, again.hidden_regime)
    np.testing.assert_array_equal(first.filtered, again.filtered)
    other = generate(SyntheticSource(variant=variant, seed=4, n_bars=300))
    assert first.market.digest != other.market.digest


@cache
def _years(variant: str) -> SyntheticMarket:
    return generate(SyntheticSource(variant=variant, seed=5, n_bars=900))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("n_bars", [2, 157, 600])
def test_a_longer_market_begins_with_the_shorter_one(variant: str, n_bars: int) -> None:
    whole = _years(variant)
    short = generate(SyntheticSource(variant=variant, seed=5, n_bars=n_bars))
    assert short.market.digest == whole.market.until(n_bars).digest
    np.testing.assert_array_equal(short.hidden_regime, whole.hidden_regime[:n_bars])
    np.testing.assert_array_equal(short.filtered, whole.filtered[:n_bars])


def test_the_market_alone_is_the_same_market() -> None:
    source = SyntheticSource(seed=2, n_bars=200)
    assert load_synthetic(source).digest == generate(source).market.digest


def test_the_market_of_seed_seven_is_the_one_that_results_were_published_for() -> None:
    published = [
        [138.89572701365387, 23.926297241060123],
        [261.77990759196786, 19.031881746941508],
        [103.97655781527962, 4.6861900609742495],
    ]
    close = market_of("planted").close[[0, 1_000, 5_039], :2]
    np.testing.assert_allclose(close, published, rtol=1e-6)  # exponentials differ between machines


def test_bars_close_at_nine_in_the_evening_on_working_days() -> None:
    saturday = date(2000, 1, 1)
    stamps = load_synthetic(SyntheticSource(n_bars=600, start=saturday)).timestamps
    assert stamps[0] == np.datetime64("2000-01-03T21:00")
    days = stamps.astype("datetime64[D]")
    assert np.is_busday(days).all()
    assert (stamps - days == np.timedelta64(21, "h")).all()
    assert np.busday_count(days[0], days[-1]) == 599


def test_every_symbol_has_a_sector_and_every_fact() -> None:
    market = market_of("planted")
    assert market.n_symbols == 30
    assert {market.sectors.count(name) for name in market.sectors} == {5}
    assert market.has_range
    assert market.tradable.all()
    for name in FACTS:
        assert np.isfinite(getattr(market, name)).all(), name


def test_what_only_the_maker_knows_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        _years("planted").hidden_regime[0] = 1


def test_spreads_widen_with_volatility_and_volume_rises_with_the_size_of_the_move() -> None:
    market = market_of("no_edge")
    size = np.abs(np.diff(np.log(market.close), axis=0))
    dollars = np.log(market.volume[1:] * market.close[1:])
    before = np.sqrt(np.lib.stride_tricks.sliding_window_view(size**2, 20, axis=0).mean(axis=-1))
    for s in range(market.n_symbols):
        assert np.corrcoef(market.spread[21:, s], before[:-1, s])[0, 1] > 0.9
        assert np.corrcoef(dollars[:, s], size[:, s])[0, 1] > 0.2
    assert 1e-4 < np.median(market.spread) < 1e-3


def test_the_spread_of_a_bar_is_known_before_it() -> None:
    calm, wild = (
        load_synthetic(SyntheticSource(seed=1, n_bars=2, jumps_per_year=jumps, jump_size=0.2))
        for jumps in (0.0, 100.0)
    )
    assert (calm.close != wild.close).any()
    np.testing.assert_array_equal(calm.spread[0], wild.spread[0])


def test_a_market_may_have_other_regimes_than_the_default() -> None:
    two = (
        HiddenRegime(name="a", mean_bars=50, drift=0.1, volatility=0.1),
        HiddenRegime(name="b", mean_bars=50, drift=0.0, volatility=0.2),
    )
    synthetic = generate(
        SyntheticSource(
            n_bars=200, n_symbols=4, n_sectors=2, regimes=two, successors=((0, 1), (1, 0))
        )
    )
    assert synthetic.filtered.shape == (200, 2)
    assert set(synthetic.hidden_regime) <= {0, 1}
    alone = generate(SyntheticSource(n_bars=50, regimes=two[:1]))
    assert (alone.hidden_regime == 0).all()
    assert (alone.filtered == 1.0).all()
