"""The laws of `Strategy`, as assertions that any strategy can be put through on any market."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.market.market import FACTS, OPTIONAL_FACTS, PRICES, Market
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.hearing import memory_start

Check = Callable[[Strategy, Market], None]

LAST_DIGIT = float(np.finfo(np.float32).eps)  # of a float32, relative
CLOSE_ENOUGH = 1e-9


def check_bounded(strategy: Strategy, market: Market) -> None:
    opinion = strategy.opinion(market)
    shape = (market.n_bars, market.n_symbols)
    for values in (opinion.direction, opinion.confidence, opinion.stop_distance):
        assert values.shape == shape, f"opinions must be [T, S] {shape}, was {values.shape}"
        assert np.isfinite(values).all(), "opinions must be finite"
    assert np.isin(opinion.direction, (-1, 0, 1)).all(), "direction must be -1, 0 or 1"
    sure = (opinion.confidence >= 0.0) & (opinion.confidence <= 1.0)
    assert sure.all(), "confidence must lie in [0, 1]"
    asked = opinion.direction != 0
    assert not opinion.confidence[~asked].any(), "no direction, so no confidence"
    stop = opinion.stop_distance[asked]
    assert ((stop > 0.0) & (stop < 1.0)).all(), "a stop must lie within (0, 1) of the price"


def check_pairs(strategy: Strategy, market: Market) -> None:
    """A leg has one partner, which asks for the other side; whoever trades no pairs has none."""
    opinion = strategy.opinion(market)
    asks = opinion.confidence > 0.0
    if not strategy.trades_pairs:
        assert not opinion.partner.size, "only a strategy that trades pairs names partners"
        return
    assert ((opinion.partner >= 0) == asks).all(), "who asks has a partner, and nobody else"
    assert ((opinion.share > 0.0) == asks).all(), "who asks has a share, and nobody else"
    t, s = np.nonzero(asks)
    other = opinion.partner[t, s]
    assert (opinion.partner[t, other] == s).all(), "partners must name each other"
    assert (opinion.direction[t, other] == -opinion.direction[t, s]).all(), "one leg is short"
    larger = np.maximum(opinion.share[t, s], opinion.share[t, other])
    assert (larger == 1.0).all(), "the larger leg has a share of 1"


def check_causal(strategy: Strategy, market: Market) -> None:
    """The opinions of a prefix are the prefix of the opinions."""
    whole = strategy.opinion(market)
    for t in _places(strategy, market):
        _assert_same(strategy.opinion(market.until(t + 1)), whole, slice(0, t + 1))


def check_indifferent_to_the_future(strategy: Strategy, market: Market) -> None:
    """Whatever happens after bar t, the opinions until t stay."""
    whole = strategy.opinion(market)
    for t in _places(strategy, market):
        other = strategy.opinion(with_another_future(market, t + 1))
        _assert_same(other, whole, slice(0, t + 1), of_first=slice(0, t + 1))


def check_patient(strategy: Strategy, market: Market) -> None:
    opinion = strategy.opinion(market)
    young = market.tradable.cumsum(axis=0) <= strategy.warmup
    assert not opinion.direction[young].any(), f"none in the first {strategy.warmup} bars"
    assert not opinion.direction[~market.tradable].any(), "none on what does not trade"


def check_pure(strategy: Strategy, market: Market) -> None:
    before = replace(market).digest  # of a copy, because a market remembers its digest
    first, second = strategy.opinion(market), strategy.opinion(market)
    _assert_same(first, second, slice(None))
    assert replace(market).digest == before, "the market must be left untouched"


def check_finite_memory(strategy: Strategy, market: Market) -> None:
    """The last `warmup` + 1 bars of each symbol give the same last row as all of history."""
    whole = strategy.opinion(market)
    for t in _places(strategy, market):
        assert_remembered(strategy, market, whole, t)


def assert_remembered(strategy: Strategy, market: Market, whole: Opinion, t: int) -> None:
    """Row `t` of the opinions on the whole market needs no more than its memory."""
    start = memory_start(market, t, strategy.warmup)
    recent = strategy.opinion(market.between(start, t + 1))
    np.testing.assert_array_equal(recent.direction[-1], whole.direction[t])
    if strategy.trades_pairs:
        np.testing.assert_array_equal(recent.partner[-1], whole.partner[t])
    for name in ("confidence", "stop_distance", *(("share",) if strategy.trades_pairs else ())):
        short, full = getattr(recent, name)[-1], getattr(whole, name)[t]
        np.testing.assert_allclose(
            short.astype(np.float64), full, rtol=LAST_DIGIT, atol=CLOSE_ENOUGH
        )


def check_told(strategy: Strategy, market: Market) -> None:
    """What is told to a person has a name, is [T, S], and knows no later bar either."""
    whole, shape = told_by(strategy, market), (market.n_bars, market.n_symbols)
    assert strategy.sees(market), "a strategy must say what it sees"
    for name, values in whole.items():
        assert name == name.strip() != "", f"what is seen needs a name for people, was {name!r}"
        assert values.shape == shape, f"{name} must be [T, S] {shape}, was {values.shape}"
    for t in _places(strategy, market):
        known = told_by(strategy, market.until(t + 1))
        assert list(known) == list(whole), "the names must not depend on the market"
        for name, values in known.items():
            np.testing.assert_array_equal(values, whole[name][: t + 1], err_msg=name)


def told_by(strategy: Strategy, market: Market) -> dict[str, FloatArray]:
    """Return all that a strategy says it looks at."""
    return {**strategy.sees(market), **strategy.asks(market)}


CHECKS: tuple[Check, ...] = (
    check_bounded,
    check_pairs,
    check_causal,
    check_indifferent_to_the_future,
    check_patient,
    check_pure,
    check_finite_memory,
    check_told,
)


def with_another_future(market: Market, start: int) -> Market:
    """Return the market with other prices from bar `start` on, and its first symbol gone."""
    wave = 1.0 + 0.5 * np.sin(np.arange(1, market.n_bars - start + 1))[:, np.newaxis]
    names = (*FACTS, *OPTIONAL_FACTS)
    changed: dict[str, Any] = {name: getattr(market, name).copy() for name in names}
    tradable = market.tradable.copy()
    for name in (*PRICES, "volume"):
        changed[name][start:] *= wave
    for name in PRICES:
        changed[name][start:, 0] = np.nan
    tradable[start:, 0] = False
    for name, nothing in OPTIONAL_FACTS.items():
        changed[name][start:] = nothing
    is_past = np.arange(market.n_bars)[:, np.newaxis] < start
    changed["features"] = {
        name: np.where(is_past, feature, 1.0 - feature) for name, feature in market.features.items()
    }
    return replace(market, **changed, tradable=tradable)


def _places(strategy: Strategy, market: Market) -> IntArray:
    """Return a few bars worth looking at: around the warm-up, in the middle and at the end."""
    last = market.n_bars - 1
    wanted = (0, strategy.warmup, strategy.warmup + 1, last // 2, (3 * last) // 4, last - 1, last)
    return np.unique(np.clip(wanted, 0, last))


def _assert_same(
    first: Opinion, second: Opinion, of_second: slice, of_first: slice = slice(None)
) -> None:
    for name in ("direction", "confidence", "stop_distance", "partner", "share"):
        np.testing.assert_array_equal(
            getattr(first, name)[of_first], getattr(second, name)[of_second]
        )
