"""The filter says what the closes say about the hidden regime, no more and no less."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

from benbot.envs.arrays import FloatArray
from benbot.envs.market.regime_filter import filter_regimes
from benbot.envs.market.synthetic import SyntheticMarket, SyntheticSource, generate
from benbot.envs.market.synthetic_source import (
    REGIMES,
    HiddenRegime,
    draw_universe,
    open_streams,
)

ADVANCE, RANGE, DECLINE = range(3)
VARIANTS = ("planted", "no_edge")
SEEDS = (0, 1, 2)


@cache
def drawn(variant: str, seed: int) -> SyntheticMarket:
    return generate(SyntheticSource(variant=variant, seed=seed, n_bars=3_000))


def pooled(variant: str) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of all seeds, and 1 where the regime was the hidden one."""
    markets = [drawn(variant, seed) for seed in SEEDS]
    said = np.concatenate([market.filtered for market in markets])
    hidden = np.concatenate([market.hidden_regime for market in markets])
    return said, np.eye(3)[hidden]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_returns_probabilities(variant: str) -> None:
    said = drawn(variant, 0).filtered
    assert ((said >= 0.0) & (said <= 1.0)).all()
    np.testing.assert_allclose(said.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_changed_future_changes_nothing(variant: str) -> None:
    source = SyntheticSource(variant=variant, seed=1, n_bars=200)
    close = generate(source).market.close
    whole = filter_regimes(source, close)
    for t in (1, 150, 199):
        other = close.copy()
        other[t:] *= np.linspace(0.5, 2.0, other[t:].size).reshape(other[t:].shape)
        np.testing.assert_array_equal(filter_regimes(source, other)[:t], whole[:t])
        np.testing.assert_array_equal(filter_regimes(source, close[:t]), whole[:t])
        assert (filter_regimes(source, other)[t] != whole[t]).any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_it_calls_likely_happens_as_often_as_it_says(variant: str) -> None:
    said, was = pooled(variant)
    for low, high in pairwise((0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)):
        asked = (said >= low) & (said <= high)
        assert asked.sum() > 300
        assert was[asked].mean() == pytest.approx(said[asked].mean(), abs=0.06)


@pytest.mark.parametrize(
    ("variant", "accuracy", "delay"), [("planted", 0.9, 5), ("no_edge", 0.75, 12)]
)
def test_it_finds_the_regime_and_finds_it_soon(variant: str, accuracy: float, delay: int) -> None:
    said, was = pooled(variant)
    assert (said.argmax(axis=1) == was.argmax(axis=1)).mean() > accuracy
    delays = []
    for seed in SEEDS:
        hidden, found = drawn(variant, seed).hidden_regime, drawn(variant, seed).filtered.argmax(1)
        first = np.flatnonzero(np.diff(hidden)) + 1
        for begin, end in zip(first, [*first[1:], hidden.size], strict=True):
            right = found[begin:end] == hidden[begin]
            delays.append(right.argmax() if right.any() else end - begin)
    assert np.median(delays) <= delay


@pytest.mark.parametrize(("reversion", "accuracy"), [(0.0, 0.62), (0.9, 0.88)])
def test_it_tells_regimes_apart_that_differ_in_their_dynamics_alone(
    reversion: float, accuracy: float
) -> None:
    alike = {"mean_bars": 100.0, "drift": 0.0, "volatility": 0.15}
    regimes = (
        HiddenRegime(name="trending", trend=0.13, **alike),
        HiddenRegime(name="other", reversion=reversion, **alike),
    )
    right = []
    for seed in SEEDS:
        source = SyntheticSource(
            seed=seed, n_bars=1_800, regimes=regimes, successors=((0, 1), (1, 0))
        )
        synthetic = generate(source)
        right.append((synthetic.filtered.argmax(axis=1) == synthetic.hidden_regime).mean())
    assert np.mean(right) > accuracy


def test_one_wild_symbol_is_no_new_regime() -> None:
    source = SyntheticSource(seed=0, n_bars=3_000)
    close = drawn("planted", 0).market.close.copy()
    sure = drawn("planted", 0).filtered[:2_000].max(axis=1) > 0.99
    t = int(np.flatnonzero(sure)[-1])
    close[t:, 3] *= 0.6
    said = filter_regimes(source, close[: t + 1])
    assert said[t].argmax() == drawn("planted", 0).filtered[t].argmax()
    assert said[t].max() > 0.9


def test_it_agrees_with_statsmodels_where_only_the_market_moves() -> None:
    """Without tails, clusters and dynamics it is the textbook's filter of one series."""
    regimes = tuple(
        regime.model_copy(update={"trend": 0.0, "reversion": 0.0}) for regime in REGIMES
    )
    source = SyntheticSource(
        seed=2,
        n_bars=1_000,
        regimes=regimes,
        sector_volatility=0.0,
        idiosyncratic_volatility=1e-4,
        jump_size=0.0,
        tail_freedom=1_000.0,
        garch_shock=0.0,
    )
    synthetic = generate(source)
    close = synthetic.market.close
    beta = draw_universe(source, open_streams(source.seed)).beta
    basket = (close[1:] / close[:-1] - 1.0).mean(axis=1) / beta.mean()
    leave = source.transition
    rates = [leave[i, j] for j in range(2) for i in range(3)]  # of i to j, as statsmodels wants
    mean = [regime.daily_drift for regime in regimes]
    variance = [regime.daily_variance for regime in regimes]
    theirs = MarkovRegression(basket, k_regimes=3, trend="c", switching_variance=True)
    expected = theirs.filter([*rates, *mean, *variance]).filtered_marginal_probabilities
    # The first return needs the price before the first close, which only the source knows.
    np.testing.assert_allclose(synthetic.filtered[100:], expected[99:], atol=0.02)
