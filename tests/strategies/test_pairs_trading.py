"""Which pairs are chosen, and when their legs come and go."""

from datetime import date

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.strategies.base import Opinion
from benbot.strategies.rules.pairs_trading import PairsTrading, latest_since

QUICK = PairsTrading(formation=100, refresh_days=20, significance=0.05)
FIRST = np.datetime64(date(2020, 1, 1))


def market_with(spread: FloatArray, seed: int = 4, n_others: int = 3) -> Market:
    """Return a market in which symbol 1 is symbol 0 and a spread, and the others are alone."""
    rng = np.random.default_rng(seed)
    n_bars = len(spread)
    log_price = 4.0 + (0.01 * rng.normal(size=(n_bars, 2 + n_others))).cumsum(axis=0)
    log_price[:, 1] = log_price[:, 0] + spread
    names = tuple(f"S{s}" for s in range(2 + n_others))
    return market_from_prices(FIRST + np.arange(n_bars), names, {"close": np.exp(log_price)})


def reverting(n_bars: int = 400, seed: int = 1) -> FloatArray:
    rng = np.random.default_rng(seed)
    spread = np.zeros(n_bars)
    for t in range(1, n_bars):
        spread[t] = 0.8 * spread[t - 1] + 0.01 * rng.normal()
    return spread


def asks(opinion: Opinion) -> np.ndarray:
    wanted: np.ndarray = opinion.direction * (opinion.confidence > 0.0)
    return wanted


def test_the_planted_pair_is_found_and_the_dear_leg_is_sold() -> None:
    """Around an estimated mean, so that now and then it is the other one."""
    spread = reverting()
    opinion = QUICK.opinion(market_with(spread, n_others=0))
    wanted = asks(opinion)
    bars = np.flatnonzero(wanted[:, 1])
    assert bars.size > 10
    assert np.mean(np.sign(spread[bars]) == -wanted[bars, 1]) > 0.8
    assert (opinion.partner[bars, 1] == 0).all()
    assert (opinion.partner[bars, 0] == 1).all()


def test_legs_are_held_against_each_other_by_their_hedge() -> None:
    market = market_with(reverting())
    base = np.log(market.close[:, 0])
    close = np.column_stack([market.close[:, 0], np.exp(2.0 * base + reverting(seed=9) - 4.0)])
    market = market_from_prices(market.timestamps, ("A", "B"), {"close": close})
    opinion = QUICK.opinion(market)
    bars = np.flatnonzero(asks(opinion)[:, 0])
    assert bars.size > 5
    np.testing.assert_allclose(opinion.share[bars, 1], 0.5, atol=0.06)
    assert (opinion.share[bars, 0] == 1.0).all()


def sides_of(*parts: tuple[int, float], held: float = 0.0) -> tuple[list[float], list[bool]]:
    """Return the sign of the evidence for the first leg, and whether it opens, at each bar."""
    z = np.concatenate([np.full(n_bars, deviation) for n_bars, deviation in parts])
    side, opens, _ = PairsTrading()._sides(z, held)
    return np.sign(side).tolist(), opens.tolist()


def test_a_pair_opens_beyond_the_entry_and_is_held_until_the_exit() -> None:
    side, opens = sides_of((1, 1.0), (1, 2.5), (1, 1.0), (2, 0.2))
    assert opens == [False, True, False, False, False]
    assert side == [-1.0, -1.0, -1.0, 1.0, 1.0]  # +1 ends a leg that was sold


def test_a_spread_that_jumps_to_the_other_side_ends_the_pair_at_once() -> None:
    assert sides_of((1, 2.5), (1, -0.2)) == ([-1.0, 1.0], [True, False])
    assert sides_of((1, 2.5), (1, -3.0)) == ([-1.0, 1.0], [True, True])


def test_after_its_stop_a_pair_waits_until_the_spread_is_back() -> None:
    side, opens = sides_of((1, 2.5), (1, 4.5), (1, 3.0), (1, 0.1), (1, 3.0))
    assert side == [-1.0, 1.0, 1.0, 1.0, -1.0]
    assert opens == [True, False, False, False, True]


def test_without_a_price_there_is_nothing_to_say() -> None:
    assert sides_of((1, 2.5), (1, np.nan), (1, 2.5)) == ([-1.0, 0.0, -1.0], [True, False, True])


def test_who_may_be_held_from_the_block_before_is_ended_within_the_exit() -> None:
    assert sides_of((2, 0.1), held=-1.0) == ([1.0, 1.0], [False, False])


def test_a_leg_whose_pair_is_not_chosen_again_is_asked_to_leave() -> None:
    """The tie breaks: the spread starts to wander, so that later blocks do not choose the pair."""
    spread = reverting(260, seed=6)
    wander = spread[-1] + (0.02 * np.random.default_rng(8).normal(size=200)).cumsum()
    opinion = QUICK.opinion(market_with(np.concatenate([spread, wander])))
    wanted = asks(opinion)[:, 0]
    last = int(np.flatnonzero(wanted).max())
    after = opinion.direction[last + 1 :, 0]
    assert (after == -wanted[last]).any()
    first = int(np.argmax(after == -wanted[last]))
    assert set(after[:first]) <= {wanted[last], 0}
    assert not (after[first:] == wanted[last]).any()


def test_one_leg_that_does_not_trade_silences_both() -> None:
    market = market_with(reverting())
    bars = np.flatnonzero(asks(QUICK.opinion(market))[:, 0])
    t = int(bars[len(bars) // 2])
    close = market.close.copy()
    close[t, 1] = np.nan
    gap = market_from_prices(market.timestamps, market.symbols, {"close": close})
    opinion = QUICK.opinion(gap)
    assert opinion.confidence[t, 0] == 0.0
    assert opinion.partner[t, 0] == -1


def test_unrelated_prices_are_hardly_ever_pairs() -> None:
    rng = np.random.default_rng(2)
    log_price = 4.0 + (0.01 * rng.normal(size=(600, 8))).cumsum(axis=0)
    names = tuple(f"S{s}" for s in range(8))
    market = market_from_prices(FIRST + np.arange(600), names, {"close": np.exp(log_price)})
    rule = PairsTrading(formation=250, refresh_days=20, significance=0.0001)
    assert not asks(rule.opinion(market)).any()


def test_a_market_of_many_bars_a_day_needs_to_be_told_so() -> None:
    times = FIRST.astype("datetime64[h]") + np.arange(48)
    market = market_from_prices(times, ("A", "B"), {"close": np.full((48, 2), 9.0)})
    with pytest.raises(BadMarketData, match=r"bars_per_day of pairs_trading.*was 1.*has 2[34]"):
        PairsTrading().opinion(market)


def test_a_pair_cannot_be_long_alone() -> None:
    with pytest.raises(InvalidParameter, match="side of pairs_trading must be both"):
        PairsTrading(side="long")


@pytest.mark.parametrize("bad", [{"exit": 2.5}, {"entry": 4.5}])
def test_exit_entry_and_stop_are_in_order(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidParameter, match="pairs_trading needs"):
        PairsTrading(**bad)


def test_something_happened_since_the_last_reset() -> None:
    happened, resets = np.array([1, 0, 0, 1, 0], bool), np.array([0, 0, 1, 0, 0], bool)
    assert latest_since(happened, resets).tolist() == [True, True, False, True, True]


def earned(market: Market) -> FloatArray:
    """Return the log return of each pair over the bar after a close at which it would be opened."""
    opinion = QUICK.opinion(market)
    t, s = np.nonzero(asks(opinion)[:-1])
    moves = np.diff(np.log(market.close), axis=0)[t, s]
    legs: FloatArray = opinion.direction[t, s] * opinion.share[t, s] * moves
    pair = t * market.n_symbols + np.minimum(s, opinion.partner[t, s])
    return np.bincount(np.unique(pair, return_inverse=True)[1], legs)


def t_value(returns: FloatArray) -> float:
    return float(returns.mean() / (returns.std(ddof=1) / np.sqrt(returns.size)))


def in_pairs(spread: float, seed: int) -> Market:
    """Return six pairs, the spread of each of which comes back, or wanders where it is 1."""
    rng = np.random.default_rng(seed)
    shocks = 0.01 * rng.normal(size=(1_500, 6))
    spreads = np.zeros_like(shocks)
    for t in range(1, len(shocks)):
        spreads[t] = spread * spreads[t - 1] + shocks[t]
    base = 4.0 + (0.01 * rng.normal(size=shocks.shape)).cumsum(axis=0)
    close = np.exp(np.column_stack([base, base + spreads]))
    names = tuple(f"S{s}" for s in range(close.shape[1]))
    return market_from_prices(FIRST + np.arange(len(close)), names, {"close": close})


def test_it_earns_where_spreads_come_back_and_not_where_they_wander() -> None:
    assert t_value(earned(in_pairs(0.85, seed=1))) > 3.0
    assert t_value(earned(in_pairs(1.0, seed=1))) < 2.0
