"""A second indicator: what it does not confirm opens nothing and still ends what is held."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import average_directional_index, relative_volume
from benbot.envs.market.market import Market
from benbot.strategies.confirmation import TrendConfirmed
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.macd_trend import MacdTrend
from benbot.strategies.rules.volatility_breakout import VolatilityBreakout

MakeMarket = Callable[..., Market]
TREND_RULES = (MovingAverageCrossover(), MacdTrend(fast=3, slow=8, signal=4))


@pytest.fixture(scope="module")
def market(random_market: MakeMarket) -> Market:
    return random_market(9, 5, has_range=True, whole=True)


@pytest.mark.parametrize("rule", TREND_RULES, ids=lambda rule: rule.name)
def test_a_trend_rule_opens_only_where_the_adx_is_above_what_was_asked(
    rule: TrendConfirmed, market: Market
) -> None:
    asking = replace(rule, trend_above=25.0, trend_window=5)
    free, asked = rule.opinion(market), asking.opinion(market)
    strength = average_directional_index(market.high, market.low, 5)
    ready = np.arange(market.n_bars) >= asking.warmup
    confirmed = ready[:, np.newaxis] & (strength > 25.0)
    assert asking.warmup == max(rule.warmup, 2 * 8 * 5 - 1)
    np.testing.assert_array_equal(asked.direction[ready], free.direction[ready])
    expected = np.where(confirmed, free.confidence, 0.0)
    np.testing.assert_array_equal(asked.confidence, expected)
    assert 0.2 < np.mean(asked.confidence[ready] > 0.0) < 0.8


@pytest.mark.parametrize("rule", TREND_RULES, ids=lambda rule: rule.name)
def test_by_default_nobody_is_asked(rule: TrendConfirmed, market: Market) -> None:
    other = replace(rule, trend_window=50)
    assert rule.trend_above == 0.0
    assert other.warmup == rule.warmup
    np.testing.assert_array_equal(other.opinion(market).confidence, rule.opinion(market).confidence)


class TestVolumeOfABreakout:
    # A channel of 99 to 101, then a breakout to 103 that holds for two bars.
    close = np.append(np.where(np.arange(40) % 2, 99.0, 101.0), [103.0, 103.0, 103.0])

    def confidence(self, market_of: MakeMarket, volume: FloatArray, above: float) -> FloatArray:
        market = replace(market_of(self.close), volume=volume[:, np.newaxis])
        opinion = VolatilityBreakout(window=5, volume_above=above).opinion(market)
        assert (opinion.direction[40:, 0] == 1).all()
        return opinion.confidence[40:, 0] > 0.0

    @pytest.mark.parametrize(
        ("traded", "expected"),
        [(200.0, [True] * 3), (150.0, [False] * 3), (np.nan, [False] * 3)],
        ids=["busy", "on the threshold", "unknown"],
    )
    def test_it_opens_only_after_a_breakout_on_much_volume(
        self, market_of: MakeMarket, traded: float, expected: list[bool]
    ) -> None:
        volume = np.append(np.full(40, 100.0), [traded, 100.0, 100.0])
        assert self.confidence(market_of, volume, 1.5).tolist() == expected
        assert self.confidence(market_of, volume, 0.0).all()

    def test_volume_that_comes_later_confirms_nothing(self, market_of: MakeMarket) -> None:
        volume = np.append(np.full(40, 100.0), [100.0, 900.0, 900.0])
        assert not self.confidence(market_of, volume, 1.5).any()

    def test_a_breakout_is_confirmed_by_one_on_its_own_side(self, market_of: MakeMarket) -> None:
        close = np.append(self.close[:40], [105.0, 94.0])
        market = replace(
            market_of(close), volume=np.append(np.full(40, 100.0), [900.0, 100.0])[:, np.newaxis]
        )
        opinion = VolatilityBreakout(window=5, volume_above=1.5).opinion(market)
        assert opinion.direction[40:, 0].tolist() == [1, -1]
        assert (opinion.confidence[40:, 0] > 0.0).tolist() == [True, False]
        assert relative_volume(market.volume, market.tradable, 5)[40, 0] == pytest.approx(9.0)
