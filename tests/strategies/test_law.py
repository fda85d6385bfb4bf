"""Every strategy against every law, and strategies that break a law against the check for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import past_return
from benbot.envs.market.market import Market
from benbot.strategies import checks
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.catalogue import RULES
from benbot.strategies.intraday import Intraday
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.cross_sectional_momentum import CrossSectionalMomentum
from benbot.strategies.rules.gap_fade import GapFade
from benbot.strategies.rules.low_volatility import LowVolatility
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.macd_trend import MacdTrend
from benbot.strategies.rules.pairs_trading import PairsTrading
from benbot.strategies.rules.rsi_reversion import RsiReversion
from benbot.strategies.rules.statistical_arbitrage import StatisticalArbitrage
from benbot.strategies.rules.time_of_day_momentum import TimeOfDayMomentum
from benbot.strategies.rules.time_series_momentum import TimeSeriesMomentum
from benbot.strategies.rules.volatility_breakout import VolatilityBreakout
from benbot.strategies.rules.vwap_reversion import VwapReversion

DEFAULTS = tuple(rule() for rule in RULES)
# Those that have something to say on daily closes, which know neither gaps nor the day within, nor
# news.
ON_DAILY_CLOSES = tuple(
    each for each in DEFAULTS if not isinstance(each, Intraday) and not each.needs_news
)
ON_DAILY_BARS = (*ON_DAILY_CLOSES, GapFade())
VARIANTS: tuple[Strategy, ...] = (
    RsiReversion(window=2, oversold=49.0, overbought=51.0, side="long"),
    MovingAverageCrossover(fast=1, slow=2),
    TimeSeriesMomentum(window=21, skip=5, side="long"),
    CrossSectionalMomentum(window=60, skip=0, share=0.5),
    VolatilityBreakout(window=5, stop_multiple=0.5),
    BollingerReversion(window=5, width=0.5, stop_multiple=10.0),
    MacdTrend(fast=3, slow=7, signal=4, trend_above=20.0, trend_window=5),
    MovingAverageCrossover(fast=2, slow=6, trend_above=30.0, trend_window=3, side="long"),
    GapFade(sessions=3, width=0.5, side="long"),
    LowVolatility(window=20, share=0.5),
    PairsTrading(
        formation=60,
        refresh_days=15,
        entry=0.5,
        exit=0.2,
        stop=2.0,
        significance=0.1,
        max_half_life=500.0,
        max_hedge=10.0,
        max_pairs=2,
    ),
    StatisticalArbitrage(window=40, residual_window=12, block_days=4, entry=0.5, exit=0.2),
    StatisticalArbitrage(factors="sector", window=30, residual_window=50, side="long"),
)
HALF_HOURS = {"bar_minutes": 30, "session_minutes": 360, "exit_minutes": 20}
WITHIN_THE_DAY: tuple[Strategy, ...] = (
    VwapReversion(least_bars=3, width=0.5, **HALF_HOURS),
    VwapReversion(least_bars=3, width=0.5, side="long", bar_minutes=30, session_minutes=240),
    TimeOfDayMomentum(sessions=2, part_minutes=60, **HALF_HOURS),
    TimeOfDayMomentum(sessions=4, part_minutes=90, bar_minutes=30, session_minutes=330),
    GapFade(sessions=2, width=0.5, **HALF_HOURS),
    GapFade(sessions=3, width=0.5, bar_minutes=40, session_minutes=360),
    VolatilityBreakout(window=5, volume_above=1.0),
    StatisticalArbitrage(
        factors="sector", window=20, residual_window=10, block_days=2, bars_per_day=12, entry=0.6
    ),
)
REPEAT = settings(max_examples=3)
seeds = st.integers(0, 2**32 - 1)
shapes = st.fixed_dictionaries(
    {"n_symbols": st.integers(3, 7), "has_range": st.booleans(), "whole": st.booleans()}
)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("strategy", DEFAULTS + VARIANTS, ids=lambda strategy: strategy.name)
@REPEAT
@given(seed=seeds, shape=shapes)
def test_a_strategy_obeys_the_law_on_generated_markets(
    strategy: Strategy,
    check: checks.Check,
    random_market: Callable[..., Market],
    seed: int,
    shape: dict[str, int],
) -> None:
    check(strategy, random_market(seed, **shape))


@pytest.mark.parametrize("strategy", WITHIN_THE_DAY, ids=repr)
@REPEAT
@given(seed=seeds)
def test_a_strategy_obeys_the_law_within_the_day(
    strategy: Strategy, session_market: Callable[..., Market], seed: int
) -> None:
    market = session_market(seed, 4, has_range=True)
    for check in checks.CHECKS:
        check(strategy, market)
    whole = strategy.opinion(market)
    spoken = np.flatnonzero((whole.direction != 0).any(axis=1))
    assert spoken.size >= 5
    for t in spoken[:: spoken.size // 5]:  # the usual places are mostly bars of silence
        checks.assert_remembered(strategy, market, whole, int(t))


@pytest.mark.parametrize("strategy", DEFAULTS, ids=lambda strategy: strategy.name)
def test_a_strategy_obeys_the_law_with_forty_symbols(
    strategy: Strategy, random_market: Callable[..., Market]
) -> None:
    for check in checks.CHECKS:
        check(strategy, random_market(7, 40, has_range=True))


@pytest.mark.parametrize("strategy", ON_DAILY_CLOSES, ids=lambda strategy: strategy.name)
def test_a_strategy_obeys_the_law_on_real_closes(strategy: Strategy, sp500_market: Market) -> None:
    for check in checks.CHECKS:
        check(strategy, sp500_market)
    assert np.count_nonzero(strategy.opinion(sp500_market).direction) > 100


@pytest.mark.shared_data
@pytest.mark.parametrize("strategy", ON_DAILY_BARS, ids=lambda strategy: strategy.name)
def test_a_strategy_obeys_the_law_on_real_bars_with_gaps(
    strategy: Strategy, stocks_market: Market
) -> None:
    for check in checks.CHECKS:
        check(strategy, stocks_market)
    assert np.count_nonzero(strategy.opinion(stocks_market).direction) > 1_000


@pytest.mark.parametrize("strategy", DEFAULTS + VARIANTS, ids=lambda strategy: strategy.name)
@REPEAT
@given(seed=seeds, factor=st.sampled_from([0.01, 3.0, 1e4]))
def test_the_currency_that_prices_are_written_in_does_not_matter(
    strategy: Strategy, random_market: Callable[..., Market], seed: int, factor: float
) -> None:
    market = random_market(seed, 5, has_range=True)
    prices = {name: getattr(market, name) * factor for name in ("open", "high", "low", "close")}
    here, there = strategy.opinion(market), strategy.opinion(replace(market, **prices))
    # In another currency a tie may round apart, so that a rank or a breakout differs: very rarely.
    same = here.direction == there.direction
    assert same.mean() > 0.99
    np.testing.assert_allclose(here.confidence[same], there.confidence[same], atol=1e-5)
    np.testing.assert_allclose(here.stop_distance[same], there.stop_distance[same], atol=1e-6)


@pytest.mark.parametrize("strategy", DEFAULTS + VARIANTS, ids=lambda strategy: strategy.name)
@REPEAT
@given(seed=seeds)
def test_the_order_of_the_symbols_does_not_matter(
    strategy: Strategy, random_market: Callable[..., Market], seed: int
) -> None:
    market = random_market(seed, 6, has_range=False)
    order = np.random.default_rng(seed).permutation(6)
    facts = ("open", "high", "low", "close", "volume", "spread", "tradable")
    shuffled = replace(market, **{name: getattr(market, name)[:, order] for name in facts})
    here, there = strategy.opinion(market), strategy.opinion(shuffled)
    np.testing.assert_array_equal(here.direction[:, order], there.direction)
    np.testing.assert_array_equal(here.confidence[:, order], there.confidence)


@dataclass(frozen=True, kw_only=True)
class Broken(Strategy):
    """Stands for a rule with a bug; what is wrong is in the subclass."""

    rule = "broken"

    @property
    def lookback(self) -> int:
        return 20


class SeesTomorrow(Broken):
    def evidence(self, market: Market) -> FloatArray:
        return np.roll(past_return(market.close, 1), -1, axis=0)


class TellsTomorrow(Broken):
    """Trades lawfully and tells a person what it could not have known."""

    def evidence(self, market: Market) -> FloatArray:
        return past_return(market.close, 1)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        return {"return": np.roll(past_return(market.close, 1), -1, axis=0)}


class TellsNothing(TellsTomorrow):
    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        return {}


class CentresItsWindow(Broken):
    def evidence(self, market: Market) -> FloatArray:
        around = sum(np.roll(market.close, lag, axis=0) for lag in (-2, -1, 0, 1, 2)) / 5.0
        return market.close / around - 1.0


class KnowsTheWholeMean(Broken):
    def evidence(self, market: Market) -> FloatArray:
        return market.close / np.nansum(market.close, axis=0) * market.n_bars - 1.0


class KnowsWhoSurvives(Broken):
    def evidence(self, market: Market) -> FloatArray:
        return np.where(market.tradable[-1], past_return(market.close, 5), 0.0)


class RemembersTooMuch(Broken):
    """An exponential average of 20 bars still holds a third of its weight in what came before."""

    def evidence(self, market: Market) -> FloatArray:
        average = [talib.EMA(np.nan_to_num(column, nan=50.0), 20) for column in market.close.T]
        return market.close / np.column_stack(average) - 1.0


class NeverTheSame(Broken):
    asked: ClassVar[list[int]] = []

    def evidence(self, market: Market) -> FloatArray:
        self.asked.append(1)
        return np.full(market.close.shape, 0.1 * len(self.asked))


class Overrides(Broken):
    """Makes its opinion itself, and so is not kept within the law by the base."""

    def evidence(self, market: Market) -> FloatArray:
        return np.ones(market.close.shape)


class NeverWaits(Overrides):
    def opinion(self, market: Market) -> Opinion:
        everywhere = np.ones(market.close.shape, np.float32)
        return Opinion(everywhere.astype(np.int8), everywhere, everywhere / 2)


class TooSure(Overrides):
    def opinion(self, market: Market) -> Opinion:
        lawful = super().opinion(market)
        return replace(lawful, confidence=lawful.confidence * np.float32(3.0))


class HasNoStop(Overrides):
    def opinion(self, market: Market) -> Opinion:
        lawful = super().opinion(market)
        return replace(lawful, stop_distance=np.zeros_like(lawful.stop_distance))


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (SeesTomorrow(), checks.check_causal),
        (SeesTomorrow(), checks.check_indifferent_to_the_future),
        (SeesTomorrow(), checks.check_told),
        (TellsTomorrow(), checks.check_told),
        (TellsNothing(), checks.check_told),
        (CentresItsWindow(), checks.check_causal),
        (CentresItsWindow(), checks.check_indifferent_to_the_future),
        (KnowsTheWholeMean(), checks.check_causal),
        (KnowsTheWholeMean(), checks.check_indifferent_to_the_future),
        (KnowsWhoSurvives(), checks.check_causal),
        (KnowsWhoSurvives(), checks.check_indifferent_to_the_future),
        (RemembersTooMuch(), checks.check_finite_memory),
        (NeverTheSame(), checks.check_pure),
        (NeverWaits(), checks.check_patient),
        (TooSure(), checks.check_bounded),
        (HasNoStop(), checks.check_bounded),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else value.__name__,
)
def test_a_broken_strategy_is_caught(
    broken: Strategy, check: checks.Check, random_market: Callable[..., Market]
) -> None:
    with pytest.raises(AssertionError):
        check(broken, random_market(3, 6, has_range=True))


def test_a_long_memory_is_causal_and_only_the_check_for_memory_sees_it(
    random_market: Callable[..., Market],
) -> None:
    market = random_market(3, 6, has_range=True)
    for check in checks.CHECKS:
        if check is not checks.check_finite_memory:
            check(RemembersTooMuch(), market)
