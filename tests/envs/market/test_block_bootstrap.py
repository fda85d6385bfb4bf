"""Another history of a market is made of its moves, in blocks, and of nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.block_bootstrap import (
    bootstrap,
    continued,
    drawn_bars,
    rebuilt,
    stationary_blocks,
)
from benbot.envs.market.facts import FACTS, OPTIONAL_FACTS, PRICES
from benbot.envs.market.market import Market, market_from_prices

START = np.datetime64("2020-01-01T21", "h")


def market_of(n_bars: int, prices: dict[str, FloatArray], session: object = None) -> Market:
    n_symbols = prices["close"].shape[1]
    return market_from_prices(
        START + 24 * np.arange(n_bars),
        tuple(f"S{s}" for s in range(n_symbols)),
        prices,
        session=session,  # type: ignore[arg-type]
    )


def column(*numbers: float) -> FloatArray:
    return np.array(numbers, np.float64)[:, None]


def eventful_market(seed: int = 0, n_bars: int = 300, n_symbols: int = 4) -> Market:
    """Return a market with gaps, a late listing, a delisting, splits, dividends and all facts.

    Traded prices come first; the adjusted ones follow from them as `envs.market.actions` has it.
    """
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_symbols)
    there = rng.random(shape) < 0.97
    there[:50, 0] = there[200:, 1] = False
    split = np.where(there & (rng.random(shape) < 0.03), 2.0, 1.0)
    pays, dividend = there & (rng.random(shape) < 0.05), np.zeros(shape)
    total = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))  # of a reinvesting one
    unadjusted = np.ones(shape)
    for s in range(n_symbols):
        factor, before = 1.0, np.nan
        for t in np.flatnonzero(there[:, s]):
            if np.isfinite(before):
                dividend[t, s] = 0.01 * pays[t, s] * before / split[t, s]
                factor *= (1.0 - 0.01 * pays[t, s]) / split[t, s]
            before = total[t, s] * factor
            unadjusted[t:, s] = factor
    opened = total * np.exp(rng.normal(0.0, 0.01, shape))
    prices = {
        "open": opened,
        "high": np.maximum(opened, total) * 1.01,
        "low": np.minimum(opened, total) * 0.99,
        "close": total,
        "volume": rng.uniform(1e5, 1e6, shape),
        "spread": rng.uniform(0.0, 0.01, shape),
    }
    facts = {name: np.where(there, each, np.nan) for name, each in prices.items()}
    facts |= {"split": split, "dividend": dividend, "unadjusted": unadjusted}
    facts |= {"iv": rng.uniform(0.1, 0.5, shape), "halted": rng.random(shape) < 0.01}
    market = market_of(n_bars, facts, np.cumsum(rng.random(n_bars) < 0.6))
    return replace(market, features={"mood": rng.normal(size=shape)})


def test_moves_in_another_order_make_another_path_from_the_same_first_close() -> None:
    market = market_of(3, {"close": column(100.0, 110.0, 99.0)})
    swapped = rebuilt(market, np.array([0, 2, 1]))
    np.testing.assert_allclose(swapped.close, column(100.0, 90.0, 99.0))
    np.testing.assert_array_equal(swapped.timestamps, market.timestamps)


def test_a_market_goes_on_from_its_last_close_with_the_moves_that_are_drawn() -> None:
    market = market_of(3, {"close": column(100.0, 110.0, 99.0)})
    times = market.timestamps[-1] + np.array([24, 48], "timedelta64[h]"), np.array([3, 4])
    longer = continued(market, np.array([1, 2]), market, times)
    np.testing.assert_allclose(longer.close, column(100.0, 110.0, 99.0, 108.9, 98.01))
    assert longer.until(3).digest == market.digest
    again = continued(market, np.array([1]), longer.until(4), (times[0][1:], times[1][1:]))
    np.testing.assert_allclose(again.close[-1], 108.9 * 1.1)


def test_what_a_holder_earns_by_a_drawn_bar_is_what_a_holder_earned_by_it_once() -> None:
    market = eventful_market()
    rng = np.random.default_rng(1)
    bars = rng.integers(60, 200, 80)
    stamps = market.timestamps[-1] + 24 * np.arange(1, 81).astype("timedelta64[h]")
    times = stamps, market.session[-1] + np.arange(1, 81)
    longer = continued(market, bars, market, times)
    assert longer.until(market.n_bars).digest == market.digest
    n_checked = 0
    for j, s in np.ndindex(80, market.n_symbols):
        t = market.n_bars + j
        before = np.flatnonzero(longer.tradable[:t, s])[-1]
        once = np.flatnonzero(market.tradable[: bars[j], s])
        if longer.tradable[t, s] and once.size:
            earned = _earned(longer, before, t, s)
            assert earned == pytest.approx(_earned(market, once[-1], bars[j], s))
            n_checked += 1
    assert n_checked > 200


def _earned(market: Market, before: int, t: int, s: int) -> float:
    traded = market.close * market.unadjusted
    worth = market.split[t, s] * (traded[t, s] + market.dividend[t, s])
    return float(worth / traded[before, s])


def test_a_bar_stands_to_the_close_before_it_as_it_did_and_its_money_is_what_it_was() -> None:
    prices = {
        "open": column(100.0, 100.0, 220.0),
        "high": column(100.0, 210.0, 240.0),
        "low": column(100.0, 95.0, 200.0),
        "close": column(100.0, 200.0, 230.0),
        "volume": column(10.0, 20.0, 30.0),
        "spread": column(0.01, 0.02, 0.03),
    }
    again = rebuilt(market_of(3, prices), np.array([0, 2, 2]))
    wanted = {
        "open": column(100.0, 110.0, 115.0 * 1.1),
        "high": column(100.0, 120.0, 115.0 * 1.2),
        "low": column(100.0, 100.0, 115.0),
        "close": column(100.0, 115.0, 115.0 * 1.15),
        "volume": column(10.0, 60.0, 60.0 / 1.15),
        "spread": column(0.01, 0.03, 0.03),
    }
    for name, expected in wanted.items():
        np.testing.assert_allclose(getattr(again, name), expected, err_msg=name)


def test_splits_and_dividends_travel_with_their_bar() -> None:
    """A split in two, then a dividend of a tenth of the last close, drawn the other way round."""
    facts = {
        "close": column(90.0, 90.0, 90.0),
        "unadjusted": column(1 / 0.45, 1 / 0.9, 1.0),  # traded at 200, 100 and 90
        "split": column(1.0, 2.0, 1.0),
        "dividend": column(0.0, 0.0, 10.0),
    }
    swapped = rebuilt(market_of(3, facts), np.array([0, 2, 1]))
    np.testing.assert_allclose(swapped.close, column(90.0, 90.0, 90.0))
    np.testing.assert_allclose(swapped.close * swapped.unadjusted, column(200.0, 180.0, 90.0))
    np.testing.assert_array_equal(swapped.split, column(1.0, 1.0, 2.0))
    np.testing.assert_allclose(swapped.dividend, column(0.0, 20.0, 0.0))


@pytest.mark.parametrize("seed", range(4))
def test_who_buys_new_units_for_dividends_earns_what_adjusted_prices_say(seed: int) -> None:
    market = eventful_market(seed)
    drawn = bootstrap(market, 5, np.random.default_rng(seed))
    assert (drawn.split != 1.0).any()
    assert (drawn.dividend != 0.0).any()
    for each in (market, drawn):
        for s in range(each.n_symbols):
            rows = np.flatnonzero(each.tradable[:, s])
            traded = (each.close * each.unadjusted)[rows, s]
            after_split = traded[:-1] / each.split[rows[1:], s]
            held = traded[1:] / (after_split - each.dividend[rows[1:], s])
            close = each.close[rows, s]
            np.testing.assert_allclose(held, close[1:] / close[:-1], rtol=1e-9)


def test_the_order_that_was_gives_the_market_that_was() -> None:
    market = eventful_market()
    same = rebuilt(market, np.arange(market.n_bars))
    late = np.argmax(market.tradable[:, 0])  # the first bar of who came later is not drawn
    there = market.tradable.copy()
    there[late, 0] = False
    np.testing.assert_array_equal(same.tradable, there)
    assert same.symbols == market.symbols
    assert same.sectors == market.sectors
    for name in (*FACTS, *OPTIONAL_FACTS):
        was, now = getattr(market, name), getattr(same, name)
        np.testing.assert_allclose(now[there], was[there], rtol=1e-9, err_msg=name)
    np.testing.assert_array_equal(same.features["mood"], market.features["mood"])


def test_all_symbols_have_the_moves_of_one_and_the_same_bar() -> None:
    rng = np.random.default_rng(0)
    market = market_of(200, {"close": 50.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (200, 5)), 0))})
    bars = drawn_bars(market, 10, np.random.default_rng(1))
    drawn = rebuilt(market, bars)
    was, now = (np.diff(np.log(each.close), axis=0) for each in (market, drawn))
    np.testing.assert_allclose(now, was[bars[1:] - 1], atol=1e-12)
    assert 0 not in bars[1:]


def test_a_symbol_that_was_not_listed_pauses_and_goes_on_from_where_it_was() -> None:
    close = np.full((5, 2), np.nan)
    close[:, 0] = [10.0, 11.0, 12.0, 13.0, 14.0]
    close[2:, 1] = [50.0, 55.0, 66.0]  # listed at bar 2
    drawn = rebuilt(market_of(5, {"close": close}), np.array([0, 3, 1, 4, 2]))
    np.testing.assert_allclose(drawn.close[:, 1], [np.nan, 55.0, np.nan, 66.0, np.nan])
    assert drawn.tradable[:, 0].all()


def test_symbols_with_too_few_bars_are_left_out_and_a_market_needs_one() -> None:
    close = np.full((6, 2), 10.0)
    close[:4, 1] = np.nan
    market, order = market_of(6, {"close": close}), np.arange(6)
    assert rebuilt(market, order).symbols == ("S0", "S1")
    assert rebuilt(market, order, 2).symbols == ("S0",)
    with pytest.raises(BadMarketData, match="needs a symbol with 7 bars or more, was none of 2"):
        rebuilt(market, order, 7)


def test_a_session_stands_in_for_one_of_the_same_length() -> None:
    lengths = np.array([3, 3, 2, 3, 3, 2, 3, 3])
    session = np.repeat(np.arange(8), lengths)
    market = market_of(session.size, {"close": np.full((session.size, 1), 9.0)}, session)
    begins = np.cumsum(lengths) - lengths
    for seed in range(20):
        bars = drawn_bars(market, 3, np.random.default_rng(seed))
        np.testing.assert_array_equal(bars[:3], [0, 1, 2])
        for begin, length in zip(begins, lengths, strict=True):
            own = bars[begin : begin + length]
            assert own[0] in begins[lengths == length]
            np.testing.assert_array_equal(np.diff(own), 1)


@pytest.mark.parametrize("seed", range(3))
def test_every_draw_is_a_valid_market_on_the_same_dates(seed: int) -> None:
    market = eventful_market(seed)
    for block in (1, 7, 60):
        drawn = bootstrap(market, block, np.random.default_rng(seed))  # the constructor checks
        np.testing.assert_array_equal(drawn.timestamps, market.timestamps)
        np.testing.assert_array_equal(drawn.session, market.session)
        first = market.tradable[0]
        for name in PRICES:
            now, was = getattr(drawn, name)[0], getattr(market, name)[0]
            np.testing.assert_allclose(now[first], was[first])


def test_the_same_generator_gives_the_same_market_and_another_gives_another() -> None:
    market = eventful_market()
    digests = [bootstrap(market, 9, np.random.default_rng(seed)).digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("block", [1, 5, 40])
def test_blocks_have_the_mean_length_that_was_asked_for(block: int) -> None:
    drawn = stationary_blocks(100_000, block, np.random.default_rng(0))
    n_blocks = 1 + np.count_nonzero(np.diff(drawn) % 100_000 != 1)
    assert drawn.size / n_blocks == pytest.approx(block, rel=0.03)


def test_every_bar_is_drawn_equally_often() -> None:
    """Blocks go round from the last bar to the first, else those at the ends would be rarer."""
    rng = np.random.default_rng(0)
    counts = sum(np.bincount(stationary_blocks(50, 20, rng), minlength=50) for _ in range(4000))
    np.testing.assert_allclose(counts, 4000.0, rtol=0.12)


def test_means_and_covariances_approach_those_of_the_original() -> None:
    rng = np.random.default_rng(0)
    mixing = np.array([[0.02, 0.0], [0.015, 0.01]])
    moves = rng.standard_normal((400, 2)) @ mixing.T + [0.001, -0.0005]
    market = market_of(400, {"close": 50.0 * np.exp(np.cumsum(moves, axis=0))})
    was = np.diff(np.log(market.close), axis=0)
    draws = np.stack(
        [np.diff(np.log(bootstrap(market, 10, rng).close), axis=0) for _ in range(300)]
    )
    pooled = draws.reshape(-1, 2)
    error = draws.mean(axis=1).std(axis=0) / np.sqrt(300)
    assert (np.abs(pooled.mean(axis=0) - was.mean(axis=0)) < 4.0 * error).all()
    np.testing.assert_allclose(np.cov(pooled.T), np.cov(was.T), rtol=0.03)


def test_long_blocks_keep_the_correlation_of_one_bar_with_the_next_and_single_bars_lose_it() -> (
    None
):
    rng = np.random.default_rng(0)
    shocks, moves = 0.01 * rng.standard_normal(2000), np.zeros(2000)
    for t in range(1, 2000):
        moves[t] = 0.6 * moves[t - 1] + shocks[t]
    market = market_of(2000, {"close": 50.0 * np.exp(np.cumsum(moves))[:, None]})

    def kept(block: int) -> float:
        drawn = [np.diff(np.log(bootstrap(market, block, rng).close[:, 0])) for _ in range(20)]
        return float(np.mean([np.corrcoef(each[:-1], each[1:])[0, 1] for each in drawn]))

    was = np.diff(np.log(market.close[:, 0]))
    own = np.corrcoef(was[:-1], was[1:])[0, 1]
    assert own > 0.55
    assert abs(kept(1)) < 0.03
    assert kept(2) == pytest.approx(own / 2, abs=0.04)
    assert kept(100) == pytest.approx(own, abs=0.04)


@pytest.mark.parametrize("block", [0, 10, float("nan")])
def test_a_block_that_the_stretch_cannot_have_is_refused(block: float) -> None:
    market = market_of(10, {"close": np.full((10, 1), 9.0)})
    with pytest.raises(InvalidParameter, match="block must be from 1 to the 9 sessions that can"):
        bootstrap(market, block, np.random.default_rng(0))
