"""Where the edge of a synthetic market lies, and that there is none where none was planted."""

from functools import cache

import numpy as np
import pytest

from benbot.envs.arrays import BoolArray, FloatArray, Int8Array
from benbot.envs.market.market import Market
from benbot.envs.market.synthetic import SyntheticSource, load_synthetic
from benbot.envs.market.synthetic_moves import draw_moves, draw_regimes
from benbot.envs.market.synthetic_source import draw_universe, open_streams

ADVANCE, RANGE, DECLINE = range(3)
SEEDS = (0, 1, 2, 3)
SHARE = SyntheticSource().stationary  # of the bars, of each regime
COST = 0.0004  # of what is traded: half a spread, commission and impact
POSITION, MOST = 0.1, 10  # the desk's: a tenth of the equity in each of ten symbols at most


@cache
def market_of(variant: str, seed: int = 7) -> Market:
    return load_synthetic(SyntheticSource(variant=variant, seed=seed))


@cache
def regime_of(seed: int) -> Int8Array:
    return draw_regimes(SyntheticSource(seed=seed), open_streams(seed))


def close_to_close(market: Market) -> FloatArray:
    """Return the arithmetic return of each bar, 0 for the first one."""
    moves = np.zeros(market.close.shape)
    moves[1:] = market.close[1:] / market.close[:-1] - 1.0
    return moves


def t_statistic(values: FloatArray) -> float:
    return float(values.mean() / values.std() * np.sqrt(values.size))


def trailing(values: FloatArray, window: int) -> FloatArray:
    """Return the sum over the last `window` rows; 0 until there are that many."""
    total = np.cumsum(values, axis=0)
    sums = np.zeros(values.shape)
    sums[window:] = total[window:] - total[:-window]
    return sums


def fastest(past: FloatArray) -> FloatArray:
    """Return +1 for the five symbols that rose most, -1 for the five that fell most."""
    place = past.argsort(axis=1).argsort(axis=1)
    return (place >= past.shape[1] - MOST // 2) * 1.0 - (place < MOST // 2) * 1.0


def profit(market: Market, direction: FloatArray, cost: float = COST) -> FloatArray:
    """Return what direction[t] earns from the open of t + 1 to that of t + 2, per bar."""
    move = np.zeros(market.close.shape)
    move[:-2] = market.open[2:] / market.open[1:-1] - 1.0
    traded = np.abs(np.diff(direction, axis=0, prepend=0.0))
    return POSITION * (direction * move - cost * traded).sum(axis=1)


def yearly(gains: FloatArray, when: BoolArray) -> float:
    return float(252 * gains[when].mean())


def test_without_an_edge_every_price_is_a_martingale_overnight_and_intraday() -> None:
    overnight, intraday, whole = [], [], []
    for seed in range(12):
        market = market_of("no_edge", seed)
        overnight.append(market.open[1:] / market.close[:-1] - 1.0)
        intraday.append(market.close[1:] / market.open[1:] - 1.0)
        whole.append(close_to_close(market)[1:])
    for moves in (overnight, intraday, whole):
        basket = np.concatenate([part.mean(axis=1) for part in moves])
        assert abs(t_statistic(basket)) < 3.0
        # Relative to the basket thirty symbols are nearly thirty samples: a far sharper test.
        halves = [part[:, ::2].mean(axis=1) - part[:, 1::2].mean(axis=1) for part in moves]
        assert abs(t_statistic(np.concatenate(halves))) < 3.0
        assert 252 * basket.std() / np.sqrt(basket.size) < 0.02, "too few bars to see 5 % a year"


@pytest.mark.parametrize("lag", [1, 2, 5, 20])
def test_without_an_edge_returns_do_not_remember(lag: int) -> None:
    product = []
    for seed in range(6):
        moves = close_to_close(market_of("no_edge", seed))[1:]
        scaled = moves / moves.std(axis=0)
        product.append((scaled[lag:] * np.sign(scaled[:-lag])).mean(axis=1))
    assert abs(t_statistic(np.concatenate(product))) < 3.0


@pytest.mark.parametrize("window", [3, 10, 40])
def test_without_an_edge_no_rule_earns_before_costs(window: int) -> None:
    gains = []
    for seed in range(8):
        market = market_of("no_edge", seed)
        past = trailing(close_to_close(market), window)
        gains.append(profit(market, fastest(past), cost=0.0))
        gains.append(profit(market, np.sign(past), cost=0.0) / 3.0)
    for rule in (gains[::2], gains[1::2]):
        earned = np.concatenate(rule)
        assert abs(t_statistic(earned)) < 3.0
        assert 252 * earned.std() / np.sqrt(earned.size) < 0.02, "too few bars to see 6 % a year"


def test_extremes_inside_a_bar_are_those_of_a_brownian_motion() -> None:
    """By reflection, the highest point of a Brownian motion is distributed as |where it ends|."""
    source, market = SyntheticSource(variant="no_edge"), market_of("no_edge")
    streams = open_streams(source.seed)
    universe, regime = draw_universe(source, streams), draw_regimes(source, streams)
    deviation = draw_moves(source, universe, regime, streams).deviation
    up, down = market.high / market.open - 1.0, 1.0 - market.low / market.open
    for extreme in (up / deviation, down / deviation):
        assert abs(t_statistic((extreme - np.sqrt(2.0 / np.pi)).mean(axis=1))) < 3.0
        assert abs(t_statistic((extreme**2 - 1.0).mean(axis=1))) < 3.0


@pytest.mark.parametrize("distance", [0.005, 0.015, 0.03])
def test_without_an_edge_a_stop_that_fills_at_its_price_is_a_fair_game(distance: float) -> None:
    """Where the price came down to the stop, the close is on average at the stop."""
    below, above = [], []
    for seed in range(8):
        market = market_of("no_edge", seed)
        low, high = market.low / market.open - 1.0, market.high / market.open - 1.0
        close = market.close / market.open - 1.0
        below.append(((close + distance) * (low <= -distance)).mean(axis=1))
        above.append(((close - distance) * (high >= distance)).mean(axis=1))
    for missed in (np.concatenate(below), np.concatenate(above)):
        assert abs(t_statistic(missed)) < 3.0
        assert missed.std() / np.sqrt(missed.size) < 0.0001, "too few bars to see half a spread"


def test_own_returns_persist_or_revert_as_their_regime_says() -> None:
    agreement: dict[int, list[FloatArray]] = {ADVANCE: [], RANGE: [], DECLINE: []}
    for seed in SEEDS:
        moves = close_to_close(market_of("planted", seed))
        own = (moves - moves.mean(axis=1, keepdims=True)) / moves.std(axis=0)
        past = np.sign(trailing(own, 10))
        product = (own[1:] * past[:-1]).mean(axis=1)
        for k, products in agreement.items():
            products.append(product[regime_of(seed)[1:] == k])
    found = {k: t_statistic(np.concatenate(products)) for k, products in agreement.items()}
    assert found[ADVANCE] > 8.0
    assert found[RANGE] < -8.0
    assert found[DECLINE] > 4.0


def test_each_family_of_rules_earns_in_its_regimes_and_loses_in_the_others() -> None:
    follow, revert = np.zeros(3), np.zeros(3)
    for seed in SEEDS:
        market = market_of("planted", seed)
        followed = profit(market, fastest(trailing(close_to_close(market), 42)))
        reverted = profit(market, -fastest(trailing(close_to_close(market), 8)))
        paying = np.roll(regime_of(seed), -1)  # of the bar after the decision
        follow += [yearly(followed, paying == k) / len(SEEDS) for k in range(3)]
        revert += [yearly(reverted, paying == k) / len(SEEDS) for k in range(3)]
    for k in (ADVANCE, DECLINE):
        assert 0.15 < follow[k] < 0.50
        assert revert[k] < -0.15
    assert follow[RANGE] < -0.15
    assert 0.15 < revert[RANGE] < 0.80
    assert abs(follow @ SHARE + revert @ SHARE) / 2.0 < 0.05, "holding both is worth nothing"
