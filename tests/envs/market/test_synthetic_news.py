"""News of a synthetic market: off by default, and where planted real after their publication."""

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import MOOD, NEWS_FEATURES, NOVELTY
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.market.synthetic import generate, load_synthetic, synthetic_feed
from benbot.envs.market.synthetic_news import REPRINT, announced_drift, draw_items
from benbot.envs.market.synthetic_source import (
    STREAMS,
    SyntheticSource,
    draw_universe,
    open_streams,
)

BARE = SyntheticSource(seed=5, n_bars=1_200, n_symbols=12, n_sectors=3)


def source_with(informative: float, **changed: object) -> SyntheticSource:
    news = SyntheticNews(informative=informative, items_per_year=40)
    return BARE.model_copy(update={"news": news, **changed})


@pytest.fixture(scope="module")
def informed() -> Market:
    return load_synthetic(source_with(1.0))


def test_a_market_without_news_is_what_it_was() -> None:
    assert load_synthetic(SyntheticSource(n_bars=300)).digest == "99239be5f22347d7"
    assert STREAMS[-2:] == ("news", "news_words")
    assert not load_synthetic(BARE).features
    with pytest.raises(InvalidParameter, match="has no news"):
        synthetic_feed(BARE)


def test_news_without_information_change_no_price(informed: Market) -> None:
    bare, noise = load_synthetic(BARE), load_synthetic(source_with(0.0))
    np.testing.assert_array_equal(noise.close, bare.close)
    assert (informed.close != bare.close).any()
    for name in NEWS_FEATURES:  # the texts are the same, whatever they are worth
        np.testing.assert_array_equal(noise.features[name], informed.features[name])
    without_edge = load_synthetic(source_with(1.0, variant="no_edge"))
    no_edge = load_synthetic(BARE.model_copy(update={"variant": "no_edge"}))
    np.testing.assert_array_equal(without_edge.close, no_edge.close)
    assert generate(source_with(1.0)).market.digest == informed.digest


def test_a_longer_market_continues_the_shorter_one(informed: Market) -> None:
    short = load_synthetic(source_with(1.0, n_bars=700))
    np.testing.assert_array_equal(short.close, informed.close[:700])
    for name in NEWS_FEATURES:
        np.testing.assert_array_equal(short.features[name], informed.features[name][:700])


def test_the_drift_begins_after_the_bar_of_publication_and_sums_to_the_move() -> None:
    source = source_with(1.0)
    streams = open_streams(source.seed)
    universe, items = draw_universe(source, streams), draw_items(source, streams)
    alone = np.zeros_like(items.direction)
    alone[100, 3] = -1
    drift = announced_drift(source, universe, items._replace(direction=alone, announces=alone != 0))
    assert not drift[:101].any()
    assert not np.delete(drift, 3, axis=1).any()
    announced = drift[:, 3] / universe.volatility[3]
    assert announced[101] == pytest.approx(-(1.0 - 0.5 ** (1 / 3)))
    assert announced.sum() == pytest.approx(-1.0)
    noise = announced_drift(source, universe, items._replace(announces=alone > 0))
    assert not noise.any()


def test_items_are_published_within_their_bar_and_reprints_in_the_next() -> None:
    source = source_with(0.5)
    feed, market = synthetic_feed(source), load_synthetic(source)
    items = draw_items(source, open_streams(source.seed))
    assert not items.direction[0].any()
    bars = np.searchsorted(market.timestamps, feed.table.time)
    printed = np.array([source == REPRINT for source in feed.table.source])
    assert 0.15 < printed.sum() / (~printed).sum() < 0.25
    expected = np.sort(np.argwhere(items.direction != 0)[:, 0])
    np.testing.assert_array_equal(np.sort(bars[~printed]), expected)
    assert 0.4 < items.announces.sum() / (items.direction != 0).sum() < 0.6


def gain(market: Market) -> tuple[float, float]:
    """Return mean and t-statistic of the move over four bars behind fresh news, open to close."""
    mood, new = market.features[MOOD], market.features[NOVELTY]
    later: FloatArray = np.full(mood.shape, np.nan)
    later[:-4] = market.close[4:] / market.open[1:-3] - 1.0
    own = (np.sign(mood) * later)[(new > 0.5) & (np.abs(mood) > 0.25)]
    own = own[np.isfinite(own)]
    return float(own.mean()), float(own.mean() / own.std() * np.sqrt(own.size))


def test_what_is_announced_comes_and_noise_does_not(informed: Market) -> None:
    assert gain(informed)[1] > 6.0
    assert gain(informed)[0] > 0.004
    assert abs(gain(load_synthetic(source_with(0.0)))[1]) < 2.5
