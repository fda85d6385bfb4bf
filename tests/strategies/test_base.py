"""What the base makes of a rule's evidence: opinions, parameters, and signals side by side."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.strategies.base import Strategy, parameter
from benbot.strategies.checks import with_another_future
from benbot.strategies.hearing import check_history, collect, memory_start
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion
from benbot.strategies.stops import FARTHEST_STOP, NEAREST_STOP, STOP_WINDOW

MarketOf = Callable[..., Market]


@dataclass(frozen=True, kw_only=True)
class Constant(Strategy):
    """Says the same at every bar."""

    rule = "constant"

    strength: float = parameter(1.0, low=-99.0, high=99.0, meaning="evidence")
    wait: int = parameter(0, low=0, high=50, meaning="bars of lookback")

    @property
    def lookback(self) -> int:
        return self.wait

    def evidence(self, market: Market) -> FloatArray:
        return np.full(market.close.shape, self.strength)


def zigzag(n_bars: int, low: float = 100.0, high: float = 101.0) -> FloatArray:
    return np.where(np.arange(n_bars) % 2, high, low)


@pytest.mark.parametrize(
    ("strength", "direction", "confidence"),
    [(2.0, 1, np.tanh(1.0)), (-2.0, -1, np.tanh(1.0)), (0.0, 0, 0.0), (1e-7, 0, 0.0)],
)
def test_evidence_becomes_direction_and_confidence(
    market_of: MarketOf, strength: float, direction: int, confidence: float
) -> None:
    opinion = Constant(strength=strength).opinion(market_of(zigzag(40)))
    assert opinion.direction[-1, 0] == direction
    assert opinion.confidence[-1, 0] == np.float32(confidence)


def test_evidence_that_is_not_a_number_is_no_opinion(market_of: MarketOf) -> None:
    class Unknown(Constant):
        def evidence(self, market: Market) -> FloatArray:
            return np.full(market.close.shape, np.nan)

    opinion = Unknown().opinion(market_of(zigzag(40)))
    assert not opinion.direction.any()
    assert np.isfinite(opinion.confidence).all()


@pytest.mark.parametrize(("wait", "first"), [(0, STOP_WINDOW), (30, 30)])
def test_the_first_opinion_comes_after_the_warm_up_of_the_symbol(
    market_of: MarketOf, wait: int, first: int
) -> None:
    late = zigzag(60)
    late[:7] = late[20] = np.nan  # the second symbol starts seven bars late and misses one
    strategy = Constant(wait=wait)
    direction = strategy.opinion(market_of(zigzag(60), late)).direction
    assert strategy.warmup == first
    assert np.flatnonzero(direction[:, 0])[0] == first
    assert np.flatnonzero(direction[:, 1])[0] == first + 7 + (first + 7 >= 20)
    assert direction[20, 1] == 0


def test_a_long_only_strategy_keeps_its_short_direction_but_asks_for_nothing(
    market_of: MarketOf,
) -> None:
    market = market_of(zigzag(40))
    short = Constant(strength=-2.0, side="long").opinion(market)
    assert short.direction[-1, 0] == -1
    assert short.confidence[-1, 0] == 0.0
    assert Constant(strength=2.0, side="long").opinion(market).confidence[-1, 0] > 0.7


def test_the_stop_is_a_multiple_of_the_mean_true_range() -> None:
    close = np.full((30, 1), 100.0)
    prices = {"open": close, "high": close + 1.0, "low": close - 1.0, "close": close}
    times = np.arange(30).astype("datetime64[D]")
    market = market_from_prices(times, ("S0",), prices)
    opinion = Constant(stop_multiple=3.0).opinion(market)
    assert opinion.stop_distance[-1, 0] == np.float32(0.06)
    assert opinion.stop_distance[0, 0] == 0.0


def test_where_only_closes_are_known_the_range_counts_twice(market_of: MarketOf) -> None:
    opinion = Constant(stop_multiple=3.0).opinion(market_of(zigzag(31)))
    assert opinion.stop_distance[-1, 0] == pytest.approx(3.0 * 2.0 * 1.0 / 100.0)


@pytest.mark.parametrize(("high", "stop"), [(100.001, NEAREST_STOP), (190.0, FARTHEST_STOP)])
def test_the_stop_is_never_absurdly_near_or_far(
    market_of: MarketOf, high: float, stop: float
) -> None:
    opinion = Constant().opinion(market_of(zigzag(40, high=high)))
    assert opinion.stop_distance[-1, 0] == np.float32(stop)


def test_there_is_no_opinion_before_there_is_a_stop(market_of: MarketOf) -> None:
    class Hasty(Constant):
        warmup = 0

    direction = Hasty().opinion(market_of(zigzag(40))).direction
    assert np.flatnonzero(direction)[0] == STOP_WINDOW


def test_opinions_cannot_be_written_to(market_of: MarketOf) -> None:
    opinion = Constant().opinion(market_of(zigzag(40)))
    with pytest.raises(ValueError, match="read-only"):
        opinion.direction[0, 0] = 1


def test_parameters_can_be_read_with_their_ranges() -> None:
    wanted = RsiReversion.parameters()
    assert list(wanted) == ["stop_multiple", "window", "oversold", "overbought"]
    assert (wanted["window"].low, wanted["window"].high, wanted["window"].default) == (2, 100, 14)
    assert wanted["window"].whole
    assert not wanted["oversold"].whole
    assert MovingAverageCrossover.parameters()["stop_multiple"].default == 3.0


@pytest.mark.parametrize(
    "given", [101, 1, 14.0, True, "14", None, np.nan], ids=lambda given: repr(given)
)
def test_a_whole_number_outside_its_range_or_of_another_kind_is_refused(given: object) -> None:
    with pytest.raises(InvalidParameter) as refused:
        RsiReversion(window=given)  # type: ignore[arg-type]
    assert str(refused.value) == (
        "window of rsi_reversion must be a whole number from 2 to 100 "
        f"(bars in the smoothing of gains and losses), was {given!r}"
    )


@pytest.mark.parametrize("given", [np.nan, np.inf, 50.0, "30", False])
def test_a_number_outside_its_range_or_of_another_kind_is_refused(given: object) -> None:
    with pytest.raises(InvalidParameter, match=r"oversold of rsi_reversion must be a number from"):
        RsiReversion(oversold=given)  # type: ignore[arg-type]


def test_numbers_are_kept_as_plain_python_numbers_so_that_equal_rules_are_equal() -> None:
    bred = RsiReversion(window=np.int64(20), oversold=25)  # type: ignore[arg-type]
    assert bred == RsiReversion(window=20, oversold=25.0)
    assert type(bred.window) is int
    assert type(bred.oversold) is float
    with pytest.raises(FrozenInstanceError):
        bred.window = 3  # type: ignore[misc]


def test_a_side_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        InvalidParameter, match="side of constant must be one of both, long, was 'short'"
    ):
        Constant(side="short")  # type: ignore[arg-type]


def test_signals_hold_the_opinions_of_each_strategy_in_order(market_of: MarketOf) -> None:
    market = market_of(zigzag(40), zigzag(40))
    pair = (Constant(), Constant(strength=-3.0, wait=20, label="gloomy"))
    signals = collect(pair, market)
    assert signals.strategies == ("constant", "gloomy")
    assert signals.warmup == (14, 20)
    assert signals.direction.shape == (40, 2, 2)
    for k, strategy in enumerate(pair):
        opinion = strategy.opinion(market)
        np.testing.assert_array_equal(signals.direction[:, k], opinion.direction)
        np.testing.assert_array_equal(signals.confidence[:, k], opinion.confidence)
        np.testing.assert_array_equal(signals.stop_distance[:, k], opinion.stop_distance)


def test_two_strategies_of_one_name_are_refused(market_of: MarketOf) -> None:
    market = market_of(zigzag(40))
    with pytest.raises(InvalidParameter, match="was constant twice"):
        collect((Constant(), Constant(strength=-1.0)), market)
    with pytest.raises(InvalidParameter, match="at least one strategy"):
        collect((), market)


def test_a_symbol_with_fewer_bars_than_the_warm_up_is_refused_by_name(market_of: MarketOf) -> None:
    young, younger = zigzag(40), zigzag(40)
    young[:20] = younger[:25] = np.nan
    market = market_of(zigzag(40), young, younger)
    check_history((Constant(),), market)
    with pytest.raises(BadMarketData) as refused:
        check_history((Constant(), Constant(wait=20, label="slow")), market)
    assert str(refused.value) == (
        "every symbol needs more bars than the warm-up of every strategy, that is 20 of slow, "
        "was 15 for S2, and 1 more like it. Exclude them, set min_bars to 21 so that such "
        "symbols are left out, or choose shorter windows"
    )


def test_memory_starts_where_every_symbol_that_has_an_opinion_has_its_bars(
    market_of: MarketOf,
) -> None:
    gappy, young = zigzag(40), zigzag(40)
    gappy[30:33] = young[:35] = np.nan
    assert memory_start(market_of(zigzag(40)), 39, 14) == 25
    assert memory_start(market_of(zigzag(40), gappy, young), 39, 14) == 22


def test_another_future_leaves_the_past_alone_and_changes_every_symbol(market_of: MarketOf) -> None:
    market = market_of(zigzag(10), zigzag(10))
    other = with_another_future(market, 6)
    np.testing.assert_array_equal(other.close[:6], market.close[:6])
    assert not other.tradable[6:, 0].any()
    assert (other.close[6:, 1] != market.close[6:, 1]).all()
