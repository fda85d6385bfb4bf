"""Each rule on prices short enough to check by hand, and its yardstick on random walks."""

from collections.abc import Callable

import numpy as np
import pytest
import talib

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.indicators import relative_strength_index
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy
from benbot.strategies.ranking import standing
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.cross_sectional_momentum import CrossSectionalMomentum
from benbot.strategies.rules.low_volatility import LowVolatility
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.macd_trend import MacdTrend
from benbot.strategies.rules.rsi_reversion import RsiReversion
from benbot.strategies.rules.time_series_momentum import TimeSeriesMomentum
from benbot.strategies.rules.volatility_breakout import VolatilityBreakout

MarketOf = Callable[..., Market]


def line(start: float, stop: float, n_bars: int = 150) -> FloatArray:
    return np.linspace(start, stop, n_bars)


def zigzag(n_bars: int, low: float = 99.0, high: float = 101.0) -> FloatArray:
    return np.where(np.arange(n_bars) % 2, high, low)


def opinions(strategy: Strategy, market: Market) -> tuple[list[int], list[float]]:
    """Return direction and confidence of every symbol at the last bar."""
    opinion = strategy.opinion(market)
    return opinion.direction[-1].tolist(), opinion.confidence[-1].tolist()


class TestMovingAverageCrossover:
    def test_it_is_long_all_along_a_rising_line_and_short_along_a_falling_one(
        self, market_of: MarketOf
    ) -> None:
        strategy = MovingAverageCrossover()
        direction = strategy.opinion(market_of(line(100, 200), line(200, 100))).direction
        assert strategy.warmup == 20
        assert not direction[:20].any()
        assert (direction[20:] == [1, -1]).all()

    def test_its_confidence_is_the_gap_in_deviations(self, market_of: MarketOf) -> None:
        jump = np.array([100.0] * 19 + [110.0])
        direction, confidence = opinions(MovingAverageCrossover(fast=1, slow=2), market_of(jump))
        # The averages are 110 and 105. Half of the last move is missing in the slow one, so the
        # gap of a random walk deviates by half of a bar's volatility, here √(ln² 1.1 / 2).
        deviation = 0.5 * np.sqrt(np.log(1.1) ** 2 / 2.0)
        assert direction == [1]
        assert confidence == pytest.approx([np.tanh(5.0 / 110.0 / deviation / 2.0)], rel=1e-6)

    def test_a_price_that_stands_still_after_a_trend_is_no_trend(self, market_of: MarketOf) -> None:
        halted = np.concatenate([line(100, 57.123), np.full(200, 57.123)])
        direction = MovingAverageCrossover().opinion(market_of(halted)).direction
        assert direction[149, 0] == -1
        assert not direction[170:].any()

    def test_averages_that_meet_exactly_are_no_trend(self, market_of: MarketOf) -> None:
        swing = zigzag(300, 0.1, 0.3)  # every mean of an even number of bars is 0.2
        strategy = MovingAverageCrossover(fast=4, slow=20)
        assert not strategy.opinion(market_of(swing)).direction.any()

    def test_the_fast_average_must_be_the_faster(self) -> None:
        with pytest.raises(InvalidParameter, match="needs fast below slow, was fast=20 slow=20"):
            MovingAverageCrossover(fast=20)


class TestRsiReversion:
    def test_it_is_long_while_a_line_falls_and_short_while_it_rises(
        self, market_of: MarketOf
    ) -> None:
        strategy = RsiReversion()
        opinion = strategy.opinion(market_of(line(200, 100), line(100, 200)))
        assert strategy.warmup == 112
        assert not opinion.direction[:112].any()
        assert (opinion.direction[112:] == [1, -1]).all()
        # An RSI of 0 is 50 points from the middle, and a random walk's deviates by 12.06.
        np.testing.assert_allclose(opinion.confidence[-1], np.tanh(50.0 / 12.06 / 2.0), rtol=1e-3)

    def test_it_has_no_opinion_on_a_price_that_swings_evenly_or_stands_still(
        self, market_of: MarketOf
    ) -> None:
        market = market_of(zigzag(150), np.full(150, 7.3))
        assert not RsiReversion().opinion(market).direction.any()

    def test_its_thresholds_are_those_that_were_asked_for(self, market_of: MarketOf) -> None:
        # Two down, one up, each by 1: gains are about a third of all moves, so the RSI is near 33.
        drift = 500.0 + np.cumsum(np.tile([-1.0, -1.0, 1.0], 100))
        strength = relative_strength_index(drift[:, np.newaxis], 14)[150:, 0]
        for oversold in (30.0, 34.0, 40.0):
            direction = RsiReversion(oversold=oversold).opinion(market_of(drift)).direction
            np.testing.assert_array_equal(direction[150:, 0] == 1, strength < oversold)
        assert 30.0 < strength.min() < 34.0 < strength.max() < 40.0

    def test_an_rsi_on_the_threshold_is_not_beyond_it(self, market_of: MarketOf) -> None:
        # Up 3 and down 7: while both lie in the first mean of the memory, 98 to 111 moves ago,
        # they weigh the same and the RSI is 30 but for rounding. Before that the loss weighs more.
        up_and_down = np.array([0.0] * 130 + [0.3] + [-0.4] * 111)
        market = market_of(57.123 + up_and_down, 7.7 + up_and_down)
        direction = RsiReversion().opinion(market).direction
        assert (direction[131:229] == 1).all()
        assert not direction[229:242].any()

    def test_its_deviation_is_that_of_a_random_walk(self, walks: Market) -> None:
        for window in (5, 14, 30):
            points = relative_strength_index(walks.close, window) - 50.0
            expected = RsiReversion(window=window)._deviation()
            assert np.nanstd(points) == pytest.approx(expected, rel=0.06)


class TestTimeSeriesMomentum:
    def test_it_follows_the_sign_of_the_past_year(self, market_of: MarketOf) -> None:
        strategy = TimeSeriesMomentum()
        market = market_of(line(100, 150, 400), line(150, 100, 400), np.full(400, 9.0))
        direction = strategy.opinion(market).direction
        assert strategy.warmup == 252
        assert not direction[:252].any()
        assert (direction[252:] == [1, -1, 0]).all()

    def test_its_confidence_is_the_return_in_deviations(self, market_of: MarketOf) -> None:
        # Four moves up and one down of equal size, in the last five: 3 sizes over √5 sizes.
        moves = np.concatenate([np.zeros(15), [0.01, 0.01, -0.01, 0.01, 0.01]])
        market = market_of(100.0 * np.exp(moves.cumsum()))
        direction, confidence = opinions(TimeSeriesMomentum(window=5), market)
        assert direction == [1]
        assert confidence == pytest.approx([np.tanh(3.0 / np.sqrt(5.0) / 2.0)], rel=1e-6)

    def test_the_bars_that_are_skipped_do_not_count(self, market_of: MarketOf) -> None:
        turned = np.concatenate([line(100, 120, 40), line(120, 60, 6)[1:]])
        market = market_of(turned)
        assert opinions(TimeSeriesMomentum(window=20), market)[0] == [-1]
        assert opinions(TimeSeriesMomentum(window=20, skip=5), market)[0] == [1]

    def test_it_cannot_skip_everything(self) -> None:
        with pytest.raises(
            InvalidParameter, match="needs skip below window, was skip=21 window=21"
        ):
            TimeSeriesMomentum(window=21, skip=21)


class TestCrossSectionalMomentum:
    def test_it_is_long_the_best_fifth_and_short_the_worst(self, market_of: MarketOf) -> None:
        growth = (0.001, -0.002, 0.0, 0.003, 0.002)
        market = market_of(*(100.0 * np.exp(rate * np.arange(300)) for rate in growth))
        direction, confidence = opinions(CrossSectionalMomentum(), market)
        assert direction == [0, -1, 0, 1, 0]
        # The best of five is above four and below none: 4 / 5 from the median's place.
        assert confidence == pytest.approx([0.0, 0.8, 0.0, 0.8, 0.0], rel=1e-6)

    def test_the_latest_month_does_not_count(self, market_of: MarketOf) -> None:
        winner = np.concatenate([line(100, 200, 280), line(200, 100, 21)[1:]])
        market = market_of(winner, zigzag(300), line(100, 80, 300))
        assert opinions(CrossSectionalMomentum(), market)[0] == [1, 0, -1]
        assert opinions(CrossSectionalMomentum(skip=0), market)[0] == [0, 1, -1]

    def test_only_symbols_that_are_there_are_ranked(self, market_of: MarketOf) -> None:
        lines = [line(100, stop, 300) for stop in (90.0, 100.0, 110.0, 120.0)]
        lines[3][-1] = np.nan  # the best one is gone at the last bar
        lines[0][:100] = np.nan  # the worst one is too young
        direction, _ = opinions(CrossSectionalMomentum(share=0.3), market_of(*lines))
        assert direction == [0, -1, 1, 0]

    def test_equal_returns_share_their_place(self) -> None:
        places = standing(np.array([[3.0, 1.0, 1.0, np.nan, 2.0], [5.0, 5.0, 5.0, 5.0, 5.0]]))
        np.testing.assert_allclose(places[0], [0.75, -0.5, -0.5, np.nan, 0.25])
        np.testing.assert_array_equal(places[1], np.zeros(5))


class TestVolatilityBreakout:
    def test_it_buys_a_close_above_the_channel_and_holds_until_the_breakout_is_old(
        self, market_of: MarketOf
    ) -> None:
        market = market_of(np.concatenate([zigzag(40), np.full(12, 102.5)]))
        strategy = VolatilityBreakout(window=5)
        opinion = strategy.opinion(market)
        assert strategy.warmup == 14
        assert not opinion.direction[:40].any()
        # The channel is 99 to 101, so the close is 2.5 half widths above the middle.
        assert opinion.confidence[40, 0] == pytest.approx(np.tanh(2.5 / 2.0))
        assert (opinion.direction[40:45] == 1).all()
        assert not opinion.direction[45:].any()

    def test_its_memory_holds_the_oldest_breakout_that_counts_and_the_channel_before_it(
        self, market_of: MarketOf
    ) -> None:
        strategy = VolatilityBreakout(window=10)
        market = market_of(np.concatenate([zigzag(40), np.full(10, 102.5)]))
        assert opinions(strategy, market)[0] == [1]
        assert opinions(strategy, market.between(49 - strategy.warmup, 50))[0] == [1]

    def test_the_later_breakout_wins(self, market_of: MarketOf) -> None:
        market = market_of(np.concatenate([zigzag(40), [105.0, 95.0]]))
        direction = VolatilityBreakout(window=5).opinion(market).direction
        assert direction[40:, 0].tolist() == [1, -1]

    def test_a_breakout_that_came_back_across_the_middle_is_no_opinion(
        self, market_of: MarketOf
    ) -> None:
        market = market_of(np.concatenate([zigzag(40), [105.0, 99.5]]))
        direction = VolatilityBreakout(window=5).opinion(market).direction
        assert direction[40:, 0].tolist() == [1, 0]

    def test_a_tick_out_of_a_price_that_stood_still_is_no_breakout(
        self, market_of: MarketOf
    ) -> None:
        market = market_of(np.concatenate([np.full(40, 100.0), [100.01]]))
        assert not VolatilityBreakout().opinion(market).direction.any()


class TestBollingerReversion:
    def test_it_fades_a_close_outside_the_bands(self, market_of: MarketOf) -> None:
        up, down = (np.concatenate([zigzag(39), [last]]) for last in (104.0, 96.0))
        away = (104.0 - up[-20:].mean()) / up[-20:].std()
        direction, confidence = opinions(BollingerReversion(), market_of(up, down))
        assert away > 2.0
        assert direction == [-1, 1]
        assert confidence[0] == pytest.approx(np.tanh(away / 2.0), rel=1e-6)

    def test_inside_the_bands_it_has_no_opinion(self, market_of: MarketOf) -> None:
        market = market_of(zigzag(60), np.full(60, 12.0))
        assert not BollingerReversion().opinion(market).direction.any()

    def test_a_close_on_the_band_is_not_outside(self, market_of: MarketOf) -> None:
        # One of five closes stands out: it is √4 deviations from the mean, whatever its size.
        # Rounding puts these three beyond the band by about 1e-13 deviations.
        ties = ((100.0, 0.07), (10.0, 0.01), (10.0, 0.1))
        market = market_of(*(np.append(np.full(40, level), level + out) for level, out in ties))
        assert opinions(BollingerReversion(window=5, width=2.0), market)[0] == [0, 0, 0]
        assert opinions(BollingerReversion(window=5, width=1.99), market)[0] == [-1, -1, -1]


class TestMacdTrend:
    def test_it_is_long_all_along_a_rising_line_and_short_along_a_falling_one(
        self, market_of: MarketOf
    ) -> None:
        strategy = MacdTrend()
        opinion = strategy.opinion(market_of(line(100, 200, 200), line(200, 100, 200)))
        assert strategy.warmup == 4 * (26 + 9) - 2
        assert not opinion.direction[:138].any()
        assert (opinion.direction[138:] == [1, -1]).all()
        assert opinion.confidence[138:].all()

    def test_its_confidence_is_the_macd_in_deviations(self, market_of: MarketOf) -> None:
        # One step of 1 behind a flat line. An average of n keeps (n - 1) / (n + 1) of the distance
        # to where it was, so averages of 2 and 3 bars lie 2/3 and 1/2 of the step above.
        strategy = MacdTrend(fast=2, slow=3, signal=2)
        direction, confidence = opinions(strategy, market_of(np.append(np.full(40, 100.0), 101.0)))
        # A random walk: of the move i bars old the slow one lacks 1 / 2^i, the fast one 1 / 3^i.
        lacking = np.sqrt(sum((0.5**i - 3.0**-i) ** 2 for i in range(1, 60)))
        deviation = lacking * np.log(1.01) / np.sqrt(3.0)
        assert direction == [1]
        expected = np.tanh((2 / 3 - 1 / 2) / 101.0 / deviation / 2.0)
        assert confidence == pytest.approx([expected], rel=1e-6)

    def test_a_trend_that_fades_ends_the_position_and_opens_none(self, market_of: MarketOf) -> None:
        market = market_of(np.concatenate([line(100, 200, 200), line(200, 204, 12)[1:]]))
        opinion = MacdTrend().opinion(market)
        averages = [talib.EMA(market.close[:, 0].copy(), bars) for bars in (12, 26)]
        assert averages[0][-1] > averages[1][-1]  # the MACD is above zero still
        assert opinion.direction[199, 0] == 1
        assert opinion.direction[-1, 0] == -1
        assert opinion.confidence[199, 0] > 0.0
        assert opinion.confidence[-1, 0] == 0.0

    def test_a_price_that_stands_still_after_a_trend_is_no_trend(self, market_of: MarketOf) -> None:
        halted = np.concatenate([line(100, 57.123), np.full(200, 57.123)])
        assert not MacdTrend().opinion(market_of(halted)).direction[177:].any()

    def test_the_fast_average_must_be_the_faster(self) -> None:
        with pytest.raises(InvalidParameter, match="needs fast below slow, was fast=26 slow=26"):
            MacdTrend(fast=26)


class TestLowVolatility:
    def test_it_is_long_the_calmest_fifth_and_short_the_wildest(self, market_of: MarketOf) -> None:
        widths = (1.0, 0.2, 0.5, 3.0, 2.0)
        market = market_of(*(zigzag(60, 100.0 - width, 100.0 + width) for width in widths))
        direction, confidence = opinions(LowVolatility(window=20), market)
        assert direction == [0, 1, 0, -1, 0]
        # The calmest of five is calmer than four and wilder than none, as for momentum.
        assert confidence == pytest.approx([0.0, 0.8, 0.0, 0.8, 0.0], rel=1e-6)

    def test_only_the_window_counts(self, market_of: MarketOf) -> None:
        calmed = np.concatenate([zigzag(60, 80.0, 120.0), zigzag(30, 99.5, 100.5)])
        market = market_of(calmed, zigzag(90, 99.0, 101.0))
        assert opinions(LowVolatility(window=20, share=0.3), market)[0] == [1, -1]
        assert opinions(LowVolatility(window=60, share=0.3), market)[0] == [-1, 1]

    def test_a_price_that_stands_still_is_not_calm(self, market_of: MarketOf) -> None:
        market = market_of(np.full(60, 7.3), zigzag(60), zigzag(60, 98.0, 102.0))
        assert opinions(LowVolatility(window=20, share=0.3), market)[0] == [0, 1, -1]


@pytest.mark.parametrize(
    "strategy",
    [
        MovingAverageCrossover(),
        MovingAverageCrossover(fast=1, slow=50),
        MovingAverageCrossover(fast=49, slow=50),
        MacdTrend(),
        MacdTrend(fast=5, slow=60, signal=3),
        TimeSeriesMomentum(window=60),
        TimeSeriesMomentum(window=60, skip=20),
    ],
    ids=repr,
)
def test_the_evidence_of_a_trend_rule_deviates_by_one_on_random_walks(
    strategy: Strategy, walks: Market
) -> None:
    assert np.nanstd(strategy.evidence(walks)) == pytest.approx(1.0, abs=0.08)


@pytest.fixture(scope="module")
def walks(market_of: MarketOf) -> Market:
    """400 random walks without drift."""
    moves = np.random.default_rng(11).normal(0.0, 0.01, (400, 400))
    return market_of(*np.exp(moves.cumsum(axis=0)).T)
