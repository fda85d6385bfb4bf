"""The leaves: known at the close, by hand, comparable, and refused where a market has them not."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, UnknownName
from benbot.envs.market.market import Market
from benbot.strategies.checks import with_another_future
from benbot.strategies.programs.features import FEATURES, GRAIN, Features, available
from tests.strategies.markets import awkward_market


def feature(market: Market, name: str) -> np.ndarray:
    return Features.of(market, [name]).values[0].T


def test_returns_are_in_deviations(market_of: Callable[..., Market]) -> None:
    returns = np.tile([0.01, -0.02], 15)
    market = market_of(100.0 * np.exp(np.cumsum(returns)))
    volatility = np.sqrt((0.01**2 + 0.02**2) / 2.0)
    assert np.isnan(feature(market, "return_1")[:20]).all()
    np.testing.assert_allclose(
        feature(market, "return_1")[20:, 0], returns[20:] / volatility, atol=2.0 / GRAIN
    )
    np.testing.assert_allclose(
        feature(market, "return_5")[21, 0],
        returns[17:22].sum() / volatility / np.sqrt(5),
        atol=1e-6,
    )
    np.testing.assert_allclose(feature(market, "volatility")[20:, 0], 100 * volatility, atol=1e-6)


def test_a_close_that_rises_is_at_the_top_of_its_channel(market_of: Callable[..., Market]) -> None:
    rising = 100.0 + np.arange(70.0)
    market = market_of(rising, rising[::-1], np.full(70, 5.0))
    np.testing.assert_array_equal(feature(market, "channel_20")[-1], [1.0, -1.0, 0.0])
    assert feature(market, "distance_20")[-1, 0] > 0.0 > feature(market, "distance_20")[-1, 1]
    assert np.isnan(feature(market, "distance_20")[-1, 2]), "nothing moved, so there is no unit"


@pytest.mark.parametrize("seed", range(6))
def test_features_know_no_later_bar(seed: int) -> None:
    market = awkward_market(seed).market
    names = available(market)
    whole = Features.of(market, names).values
    for t in (market.n_bars // 2, market.n_bars - 2):
        np.testing.assert_array_equal(Features.of(market.until(t), names).values, whole[..., :t])
        other = with_another_future(market, t)
        shared = [name for name in names if FEATURES[name].is_in(other)]
        changed = Features.of(other, shared).values[..., :t]
        kept = [names.index(name) for name in shared]
        np.testing.assert_array_equal(changed, whole[kept][..., :t])


@pytest.mark.parametrize("seed", range(6))
def test_features_need_no_bar_before_their_lookback(seed: int) -> None:
    market = awkward_market(seed).market
    for name in available(market):
        lookback = FEATURES[name].lookback
        if lookback + 2 > market.n_bars:
            continue
        for t in (lookback, market.n_bars - 1):
            recent = feature(market.between(t - lookback, t + 1), name)
            np.testing.assert_array_equal(recent[-1], feature(market, name)[t], err_msg=name)


@pytest.mark.parametrize("seed", range(4))
def test_features_are_scaled_and_say_nothing_where_a_symbol_does_not_trade(seed: int) -> None:
    market = awkward_market(seed).market
    features = Features.of(market)
    assert not np.isfinite(features.values[:, ~market.tradable.T]).any()
    assert np.nanmax(np.abs(features.values)) <= 1e4
    assert not np.isinf(features.values).any()
    typical = np.nanmedian(np.abs(features.values), axis=(1, 2))
    assert (typical < 20.0).all(), dict(zip(features.names, typical, strict=True))


def test_a_market_that_is_written_in_cents_has_the_same_features(
    random_market: Callable[..., Market],
) -> None:
    from dataclasses import replace

    market = random_market(3, 4, has_range=True)
    prices = {name: 100.0 * getattr(market, name) for name in ("open", "high", "low", "close")}
    one, other = Features.of(market), Features.of(replace(market, **prices))
    np.testing.assert_allclose(other.values, one.values, atol=2.0 / GRAIN)


def test_what_a_market_lacks_is_refused_by_name(random_market: Callable[..., Market]) -> None:
    market = random_market(1, 3, has_range=False)
    assert not {"body", "volume", "mood", "spread"} & set(available(market))
    for name, lacking in (("body", "range"), ("mood", "news_mood"), ("volume", "volume")):
        message = f"the feature {name} needs {lacking}, which this market lacks"
        with pytest.raises(InvalidParameter, match=message):
            Features.of(market, [name])
    with pytest.raises(UnknownName, match=r"feature must be one that exists, was 'bodi'"):
        Features.of(market, ["bodi"])


def test_features_need_a_name_each() -> None:
    with pytest.raises(InvalidParameter, match=r"\[F, S, T\] with a name each, was \(2, 1, 1\)"):
        Features(("x",), np.zeros((2, 1, 1)), np.zeros(1), np.ones((1, 1)))


def test_every_feature_says_what_it_is() -> None:
    assert len(FEATURES) >= 20
    assert all(each.meaning and each.lookback >= 0 for each in FEATURES.values())
