"""The rule about news by hand, under the law, and earning where there is something to earn."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.news_features import INTENSITY, MOOD, NOVELTY
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.strategies import checks
from benbot.strategies.diamonds import diamonds
from benbot.strategies.hearing import collect
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.news_diamond import NewsDiamond

N_BARS = 40
NEWS_BAR = 30
VARIANTS = (
    NewsDiamond(),
    NewsDiamond(fresh=20, novelty_above=0.1, mood_above=0.05, volume_above=0.0, side="long"),
    NewsDiamond(fresh=0, volume_above=1.0),
)


def market_with(
    mood: float = 0.5, novelty: float = 1.0, intensity: float = 3.0, volume: float = 1e6
) -> Market:
    """Return one symbol with news at one bar, whose mood fades by half a bar."""
    days = np.arange(N_BARS).astype("datetime64[D]").astype("datetime64[ns]")
    close = np.where(np.arange(N_BARS) % 2, 100.0, 101.0)[:, None]
    volumes = np.full((N_BARS, 1), 1e6)
    volumes[NEWS_BAR:] = volume
    spread = np.full((N_BARS, 1), 0.001)
    facts = {"close": close, "volume": volumes, "spread": spread}
    market = market_from_prices(days, ("A",), facts)
    features: dict[str, FloatArray] = {}
    for name, value in ((MOOD, mood), (NOVELTY, novelty), (INTENSITY, intensity)):
        features[name] = np.zeros((N_BARS, 1))
        features[name][NEWS_BAR] = value
    features[MOOD][NEWS_BAR:, 0] = mood * 0.5 ** np.arange(N_BARS - NEWS_BAR)
    return replace(market, features=features)


def heard(market: Market, **parameters: float) -> list[tuple[int, int, float]]:
    """Return bar, direction and confidence wherever there is an opinion."""
    opinion = NewsDiamond(**parameters).opinion(market)  # type: ignore[arg-type]
    return [
        (t, int(opinion.direction[t, 0]), round(float(opinion.confidence[t, 0]), 3))
        for t in np.flatnonzero(opinion.direction[:, 0]).tolist()
    ]


def test_it_goes_with_the_mood_of_new_news_as_long_as_that_speaks() -> None:
    assert heard(market_with(mood=0.5)) == [(30, 1, round(float(np.tanh(1.0)), 3))]
    # 0.9 and then 0.45 are beyond 0.25; a bar after the news it may still open.
    strong = heard(market_with(mood=-0.9))
    assert [(t, side) for t, side, _ in strong] == [(30, -1), (31, -1)]
    assert strong[1][2] == pytest.approx(np.tanh(0.45 / 0.25 / 2.0), abs=1e-3)


def test_it_opens_nothing_on_old_news_dull_volume_and_wide_spreads() -> None:
    nothing = [(30, 1, 0.0)]  # keeps its direction, and so may end a position of the other side
    assert heard(market_with(novelty=0.5)) == nothing
    assert heard(market_with(volume=4e5)) == nothing
    assert heard(market_with(volume=np.nan)) == nothing
    assert heard(market_with(volume=np.nan), volume_above=0.0)[0][2] > 0.7
    assert heard(market_with(), spread_below=0.0005) == nothing
    assert heard(market_with(mood=0.9), fresh=0)[1] == (31, 1, 0.0)
    assert heard(market_with(mood=0.25)) == []
    assert heard(market_with(mood=np.nan)) == []


def test_an_unknown_spread_leaves_the_word_to_the_volume() -> None:
    unquoted = replace(market_with(), spread=np.full((N_BARS, 1), np.nan))
    assert heard(unquoted)[0][2] > 0.7


def test_without_news_it_has_no_opinion() -> None:
    bare = replace(market_with(), features={})
    assert heard(bare) == []
    assert not diamonds(bare).any()


@pytest.mark.parametrize(
    ("changed", "is_diamond"),
    [
        ({}, True),
        ({"mood": -0.35}, True),
        ({"mood": 0.34}, False),
        ({"novelty": 0.59}, False),
        ({"intensity": 1.4}, False),
        ({"intensity": np.nan}, False),
        ({"volume": 7e5}, False),
        ({"volume": np.nan}, False),
    ],
)
def test_a_diamond_is_fresh_one_sided_news_on_what_trades_well(
    changed: dict[str, float], is_diamond: bool
) -> None:
    market = market_with(**changed)
    assert diamonds(market)[:, 0].tolist() == [is_diamond and t == NEWS_BAR for t in range(N_BARS)]
    signals = collect([NewsDiamond(), MovingAverageCrossover()], market)
    np.testing.assert_array_equal(signals.diamond, diamonds(market))
    tape = prepare(market, signals, DeskRules()).tape
    assert tape.sizing["diamond"][NEWS_BAR, 0] == is_diamond


def informed(market: Market, seed: int) -> Market:
    """Return the market with volumes, spreads and news drawn at random, some of them unknown."""
    rng = np.random.default_rng(seed)
    shape = market.close.shape
    features = {
        MOOD: rng.uniform(-1.0, 1.0, shape) * (rng.random(shape) < 0.5),
        NOVELTY: rng.random(shape) * (rng.random(shape) < 0.3),
        INTENSITY: rng.gamma(1.0, 1.0, shape),
    }
    for values in features.values():
        values[rng.random(shape) < 0.02] = np.nan
    volume = np.where(market.tradable, rng.gamma(1.0, 1e4, shape), np.nan)
    spread = rng.choice([0.001, 0.004, 0.01, np.nan], shape)
    return replace(market, features=features, volume=volume, spread=spread)


@pytest.mark.parametrize("strategy", VARIANTS, ids=lambda one: f"fresh={one.fresh}")
@settings(max_examples=4)
@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans())
def test_it_obeys_the_law(
    strategy: NewsDiamond, random_market: Callable[..., Market], seed: int, whole: bool
) -> None:
    market = informed(random_market(seed, 5, has_range=True, whole=whole), seed)
    for check in checks.CHECKS:
        check(strategy, market)
    whole_opinion = strategy.opinion(market)
    spoken = np.flatnonzero((whole_opinion.confidence > 0.0).any(axis=1))
    assert spoken.size > 5
    for t in spoken[:: spoken.size // 5]:
        checks.assert_remembered(strategy, market, whole_opinion, int(t))


@given(seed=st.integers(0, 2**32 - 1), t=st.integers(0, 329))
@settings(max_examples=10)
def test_a_diamond_knows_no_future_and_little_past(
    random_market: Callable[..., Market], seed: int, t: int
) -> None:
    market = informed(random_market(seed, 4, has_range=True), seed)
    whole = diamonds(market)
    np.testing.assert_array_equal(diamonds(market.until(t + 1)), whole[: t + 1])
    other = checks.with_another_future(market, t + 1)
    np.testing.assert_array_equal(diamonds(other)[: t + 1], whole[: t + 1])


FREE = DeskRules.model_validate(
    {"costs": {"half_spread": 0.0, "commission_rate": 0.0, "impact": 0.0, "borrow_rate": 0.0}}
)


def growth_of(informative: float) -> tuple[float, float]:
    """Return log growth a year and its t-statistic of the rule alone, before costs."""
    news = SyntheticNews(informative=informative, items_per_year=40)
    source = SyntheticSource(
        seed=11, n_bars=1_500, n_symbols=20, n_sectors=5, variant="planted", spread=0.0, news=news
    )
    market = load_synthetic(source)
    tape = prepare(market, collect([NewsDiamond()], market), FREE).tape
    returns = tape.sleeve_return[100:, 0].astype(np.float64)
    return float(returns.mean() * 252), float(
        returns.mean() / returns.std() * np.sqrt(returns.size)
    )


def test_it_earns_where_news_are_informative_and_not_where_they_are_noise() -> None:
    informed_growth, informed_t = growth_of(1.0)
    assert informed_growth > 0.05
    assert informed_t > 3.0
    assert abs(growth_of(0.0)[1]) < 2.0
