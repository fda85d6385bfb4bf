"""The scanner: scores counted by hand, lists that know no later bar, pairs kept whole."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benbot.envs.arrays import FloatArray
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals
from benbot.strategies.checks import with_another_future
from benbot.strategies.hearing import collect
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion
from benbot.strategies.scanner import (
    FEWEST,
    PARTS,
    PartWeights,
    Scan,
    ScanSettings,
    combined,
    liquidity_of,
    money_traded,
    movement_of,
    news_of,
    only_found,
    own_place,
    place_of_some,
    ranks,
    scan,
    signals_of,
)

ARRAYS = ("money", *PARTS, "score", "candidate", "diamond", "rank")
RULES = (RsiReversion(window=5), MovingAverageCrossover(fast=3, slow=9))
SMALL = ScanSettings(top=2, history=40, liquidity_window=5)
MarketOf = Callable[..., Market]
seeds = st.integers(0, 2**32 - 1)


def days(n_bars: int) -> np.ndarray:
    return np.arange(n_bars).astype("datetime64[D]").astype("datetime64[ns]")


def market_of(**facts: FloatArray) -> Market:
    n_bars, n_symbols = facts["close"].shape
    return market_from_prices(days(n_bars), tuple("ABCDEF"[:n_symbols]), facts)


def asking(direction: FloatArray, confidence: FloatArray) -> Signals:
    """Return signals (T, K, S) with a stop of 5 %."""
    names = tuple(f"k{k}" for k in range(direction.shape[1]))
    stop = np.full(direction.shape, 0.05)
    return Signals(names, (0,) * len(names), direction, confidence, stop)


def rich(market: Market, seed: int) -> Market:
    """Return the market with volume, spreads and news, some of them unknown."""
    rng = np.random.default_rng(seed)
    shape = market.close.shape
    volume = rng.gamma(1.0, 1e4, shape)
    volume[rng.random(shape) < 0.05] = np.nan
    gone = ~market.tradable
    mood = np.where(rng.random(shape) < 0.3, rng.uniform(-1.0, 1.0, shape), np.nan)
    return replace(
        market,
        volume=np.where(gone, np.nan, volume),
        spread=np.where(gone | (rng.random(shape) < 0.2), np.nan, rng.uniform(0, 0.01, shape)),
        features={"news_mood": mood, "news_intensity": rng.poisson(1.0, shape).astype(float)},
    )


def assert_same(first: Scan, second: Scan, n_bars: int) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(
            getattr(first, name)[:n_bars], getattr(second, name)[:n_bars], err_msg=name
        )


@settings(max_examples=8)
@given(seed=seeds, has_range=st.booleans())
def test_the_scan_of_a_prefix_is_the_prefix_of_the_scan(
    random_market: MarketOf, seed: int, has_range: bool
) -> None:
    market = rich(random_market(seed, 6, has_range=has_range), seed)
    whole = scan(market, collect(RULES, market), SMALL)
    for n_bars in (1, FEWEST, 120, 200, 329):
        known = market.until(n_bars)
        assert_same(scan(known, collect(RULES, known), SMALL), whole, n_bars)


@settings(max_examples=8)
@given(seed=seeds, has_range=st.booleans())
def test_another_future_changes_nothing_that_was_found_before_it(
    random_market: MarketOf, seed: int, has_range: bool
) -> None:
    market = rich(random_market(seed, 6, has_range=has_range), seed)
    whole = scan(market, collect(RULES, market), SMALL)
    for n_bars in (FEWEST, 120, 250):
        other = with_another_future(market, n_bars)
        assert_same(scan(other, collect(RULES, other), SMALL), whole, n_bars)


@settings(max_examples=8)
@given(seed=seeds)
def test_all_scores_lie_between_nothing_and_one(random_market: MarketOf, seed: int) -> None:
    market = rich(random_market(seed, 5, has_range=True), seed)
    found = scan(market, collect(RULES, market), SMALL)
    for name in (*PARTS, "score"):
        values = getattr(found, name)
        known = values[np.isfinite(values)]
        assert known.size
        assert ((known >= 0.0) & (known <= 1.0)).all()
    assert (found.candidate <= market.tradable).all()
    assert ((found.rank > 0) <= found.candidate).all()
    listed = (found.rank > 0).sum(axis=1)
    np.testing.assert_array_equal(listed, np.minimum(found.candidate.sum(axis=1), SMALL.top))


@settings(max_examples=5)
@given(seed=seeds)
def test_the_scores_need_no_more_bars_than_is_said(random_market: MarketOf, seed: int) -> None:
    market = rich(random_market(seed, 4, has_range=True, whole=True), seed)
    start = 120
    late = market.between(start, market.n_bars)
    signals = collect(RULES, market)
    cut = replace(
        signals,
        **{
            name: getattr(signals, name)[start:]
            for name in ("direction", "confidence", "stop_distance", "diamond")
        },
        partner=signals.partner[start:],
        share=signals.share[start:],
    )
    whole, short = scan(market, signals, SMALL), scan(late, cut, SMALL)
    for name in ARRAYS:
        np.testing.assert_array_equal(
            getattr(short, name)[SMALL.lookback :],
            getattr(whole, name)[start + SMALL.lookback :],
            err_msg=name,
        )


def test_money_is_the_mean_of_the_bars_that_know_their_volume() -> None:
    close = np.full((4, 1), 10.0)
    volume = np.array([[1.0], [np.nan], [3.0], [4.0]])
    money = money_traded(market_of(close=close, volume=volume), 2)
    np.testing.assert_allclose(money[:, 0], [10.0, 10.0, 30.0, 35.0])
    assert np.isnan(money_traded(market_of(close=close), 2)).all()


def test_liquidity_is_the_place_among_the_symbols_that_trade() -> None:
    """Of three, the most traded has two below it and half of itself: 2.5 of 3."""
    close = np.full((1, 4), 10.0)
    close[0, 3] = np.nan
    volume = np.array([[1.0, 2.0, 3.0, np.nan]])
    spread = np.array([[0.01, np.nan, 0.02, np.nan]])
    market = market_of(close=close, volume=volume, spread=spread)
    score = liquidity_of(market, money_traded(market, 1))
    np.testing.assert_allclose(score, [[(1 / 6 + 3 / 4) / 2, 3 / 6, (5 / 6 + 1 / 4) / 2, np.nan]])


def test_a_movement_is_compared_with_the_own_past() -> None:
    """The last of 25 values is the largest of its 20: 19 below it and half of itself."""
    values = np.arange(25.0)[:, None]
    score = own_place(values, FEWEST)
    assert np.isnan(score[: FEWEST - 1]).all()
    assert score[-1, 0] == pytest.approx(19.5 / 20)
    assert own_place(-values, FEWEST)[-1, 0] == pytest.approx(0.5 / 20)
    assert own_place(np.ones((30, 1)), FEWEST)[-1, 0] == pytest.approx(0.5)


def test_a_jump_moves_whatever_its_direction_and_a_gap_counts_beside_the_range() -> None:
    close = 50.0 + np.tile([0.0, 0.1], 20)[:, None] * np.ones((1, 2))
    close[-1] = (55.0, 45.0)
    score = movement_of(market_of(close=close), 39)
    np.testing.assert_allclose(score[-1], 38.5 / 39)
    before = np.vstack([close[:1], close[:-1]])
    opened = before * np.exp(0.001 * np.tile([1.0, 2.0], 20)[:, None])
    opened[-1] = before[-1]  # no gap at all
    ranged = market_of(
        close=close, open=opened, high=np.maximum(opened, close), low=np.minimum(opened, close)
    )
    np.testing.assert_allclose(movement_of(ranged, 39)[-1], (38.5 / 39 + 0.5 / 39) / 2)


def test_news_is_the_strength_of_what_there_is_and_nothing_without_a_source() -> None:
    market = market_of(close=np.full((1, 4), 10.0))
    assert np.isnan(news_of(market)).all()
    mood = np.array([[-0.5, 0.4, 0.0, np.nan]])
    told = replace(market, features={"news_mood": mood})
    np.testing.assert_allclose(news_of(told), [[1.0, 0.75, 0.0, 0.0]])
    intensity = np.array([[1.0, 3.0, 9.0, 9.0]])
    both = replace(market, features={"news_mood": mood, "news_intensity": intensity})
    np.testing.assert_allclose(news_of(both), [[0.75, 1.0, 0.0, 0.0]])


def test_strategies_that_contradict_each_other_count_for_nothing() -> None:
    direction = np.array([[[1, 1, 1, 0], [1, -1, 0, 0]]])
    confidence = np.array([[[0.4, 0.4, 0.5, 0.0], [0.4, 0.4, 0.0, 0.0]]])
    market = market_of(close=np.full((1, 4), 10.0))
    score = signals_of(market, asking(direction, confidence))
    np.testing.assert_allclose(score, [[1.0, 0.0, 0.75, 0.0]])


def test_equal_strength_has_an_equal_place() -> None:
    np.testing.assert_allclose(
        place_of_some(np.array([[2.0, 2.0, 0.0, np.nan], [0.0, 0.0, 0.0, 0.0]])),
        [[1.0, 1.0, 0.0, np.nan], [0.0] * 4],
    )


def test_the_score_is_the_weighted_mean_of_what_is_known() -> None:
    parts = {name: np.full((1, 2), np.nan) for name in PARTS}
    parts["signals"] = np.array([[1.0, 0.5]])
    parts["movement"] = np.array([[0.4, np.nan]])
    score = combined(parts, PartWeights(movement=1.0, signals=3.0))
    np.testing.assert_allclose(score, [[(0.4 + 3.0) / 4.0, 0.5]])


def test_diamonds_come_first_and_of_equals_the_first_symbol() -> None:
    score = np.array([[0.9, 0.2, 0.9, 0.99, 0.5]])
    candidate = np.array([[True, True, True, False, True]])
    diamond = np.array([[False, True, False, False, False]])
    np.testing.assert_array_equal(ranks(score, candidate, diamond, 10), [[2, 1, 3, 0, 4]])
    np.testing.assert_array_equal(ranks(score, candidate, diamond, 2), [[2, 1, 0, 0, 0]])


def test_a_diamond_is_one_only_where_somebody_asks() -> None:
    direction = np.array([[[1, 0]]])
    signals = replace(asking(direction, np.array([[[0.5, 0.0]]])), diamond=np.array([[True, True]]))
    found = scan(market_of(close=np.full((1, 2), 10.0)), signals, SMALL)
    np.testing.assert_array_equal(found.diamond, [[True, False]])
    np.testing.assert_array_equal(found.rank, [[1, 0]])


def test_what_is_too_little_traded_or_not_known_to_be_is_no_candidate() -> None:
    market = market_of(close=np.full((1, 3), 10.0), volume=np.array([[100.0, 99.0, np.nan]]))
    signals = asking(np.ones((1, 1, 3)), np.full((1, 1, 3), 0.5))
    asks = ScanSettings(least_traded=1000.0)
    np.testing.assert_array_equal(scan(market, signals, asks).candidate, [[True, False, False]])
    assert scan(market, signals, ScanSettings()).candidate.all()


@settings(max_examples=8)
@given(seed=seeds)
def test_what_is_not_listed_opens_nothing_and_can_still_end_a_position(
    random_market: MarketOf, seed: int
) -> None:
    market = rich(random_market(seed, 6, has_range=True), seed)
    signals = collect(RULES, market)
    heard = only_found(signals, market, SMALL)
    listed = scan(market, signals, SMALL).rank > 0
    np.testing.assert_array_equal(heard.direction, signals.direction)
    for k in range(len(RULES)):
        np.testing.assert_array_equal(
            heard.confidence[:, k], np.where(listed, signals.confidence[:, k], 0.0)
        )
    everybody = only_found(signals, market, ScanSettings(top=6, history=40))
    np.testing.assert_array_equal(everybody.confidence, signals.confidence)


def test_of_a_pair_both_legs_are_heard_or_neither() -> None:
    """A and B are a pair of k0, C and D another; k1 wants A and C. Two are listed: A and C."""
    direction = np.array([[[1, -1, 1, -1], [1, 0, 1, 0]]])
    confidence = np.array([[[0.5, 0.5, 0.5, 0.5], [0.9, 0.0, 0.8, 0.0]]])
    pairs = {
        "pairing": np.array([0, -1]),
        "partner": np.array([[[1, 0, 3, 2]]]),
        "share": np.ones((1, 1, 4)),
    }
    signals = replace(asking(direction, confidence), **pairs)
    market = market_of(close=np.full((1, 4), 10.0))
    heard = only_found(signals, market, ScanSettings(top=2))
    np.testing.assert_allclose(heard.confidence[0], [[0, 0, 0, 0], [0.9, 0, 0.8, 0]], atol=1e-7)
    assert (heard.partner == -1).all()
    three = only_found(signals, market, ScanSettings(top=3))
    np.testing.assert_allclose(three.confidence[0, 0], [0.5, 0.5, 0, 0])
    np.testing.assert_array_equal(three.partner[0, 0], [1, 0, -1, -1])


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"top": 0}, "greater than or equal to 1"),
        ({"history": 5}, "greater than or equal to 20"),
        ({"least_traded": -1.0}, "greater than or equal to 0"),
        ({"weights": {"signals": 0.0}}, "greater than 0"),
        ({"tops": 3}, "Extra inputs"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        ScanSettings.model_validate(wrong)
