"""A policy that was trained with news trades by them at the emulated Alpaca, as in training."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.errors import BadConfig, RunMismatch, VenueUnavailable
from benbot.envs.market.news_features import NEWS_FEATURES
from benbot.paper.alpaca.keys import keys_from
from benbot.paper.alpaca.wire import news_wire
from benbot.paper.press.aside import Aside
from benbot.strategies.hearing import collect
from tests.paper.conftest import ALPACA
from tests.paper.markets_at_alpaca import N_KNOWN, Winter, winter
from tests.paper.press.news_accounts import kept_items
from tests.paper.press.winters import STRATEGIES, at, live_bars, news_winter, trained_on
from tests.paper.test_alpaca_loop import assert_nothing_twice, kept

pytest.importorskip("alpaca", reason=ALPACA)


def assert_same_features(scene: Winter, told: object, name: str = "") -> None:
    """Compare the features of the bars that were told with those of a training, to the last bit."""
    trained = trained_on(scene, told)  # type: ignore[arg-type]
    for name in NEWS_FEATURES:
        np.testing.assert_array_equal(told.features[name], trained.features[name])  # type: ignore[attr-defined]


def test_live_bars_have_the_features_of_training_to_the_last_bit(folder: Path) -> None:
    with news_winter(folder) as scene:
        bars = live_bars(scene)[:4]
        for part in (bars[:2], bars[2:3], bars[3:]):
            with scene.trading() as on:
                scene.live(on, part)
                assert_same_features(scene, on.bars.until(part[-1] + 1))  # bar by bar
        with scene.trading() as on:
            told = on.bars.until(bars[-1] + 1)  # all at once
        assert told.n_bars == N_KNOWN + len(bars)
        assert_same_features(scene, told)
        assert (told.features["news_mood"][bars[0] :] != 0.0).any()
        whole = collect(STRATEGIES, told)
        assert (whole.direction[bars[0] :, 0] != 0).any()
        assert_nothing_twice(scene)
        strategies = set(kept(scene, "intents")["strategy"])
        assert "news_diamond" in strategies


def test_what_comes_late_counts_for_the_bar_in_which_it_came(folder: Path) -> None:
    """An item of bar 60 that is listed in bar 61 changes nothing of bar 60, then and ever after."""
    with news_winter(folder) as scene:
        press, t = scene.emulator.press, N_KNOWN
        on_time = list(press.items)
        headline = "AAA wins a great success and AAA is praised"
        press.publish(at(scene, t, 0.5), ["AAA"], headline, appears=at(scene, t + 1, 0.3))
        with scene.trading() as on:
            scene.live(on, live_bars(scene)[:2])
            told = on.bars.until(N_KNOWN + 2)
        with scene.trading() as on:
            assert told.digest == on.bars.until(N_KNOWN + 2).digest
        (item,) = [one for one in kept_items(scene.one.url, "winter") if one.headline == headline]
        press.items[:] = on_time
        without = trained_on(scene, told)
        for name in NEWS_FEATURES:
            before, after = without.features[name], told.features[name]
            np.testing.assert_array_equal(after[: t + 1], before[: t + 1])
        assert told.features["news_mood"][t + 1, 0] > without.features["news_mood"][t + 1, 0]
        assert item.known >= at(scene, t + 1, 0.3)
        assert item.published == at(scene, t, 0.5)


@pytest.mark.nightly
def test_an_item_after_a_close_never_counts_for_its_bar(folder: Path) -> None:
    with news_winter(folder) as scene:
        press, t = scene.emulator.press, N_KNOWN
        press.items = [one for one in press.items if one[0] < at(scene, t, 0.0)]
        press.publish(
            scene.exchange.ends[t] + timedelta(seconds=5), ["AAA"], "AAA is a great success"
        )
        with scene.trading() as on:
            scene.live(on, live_bars(scene)[:2])
            told = on.bars.until(t + 2).features["news_novelty"]
        assert told[t, 0] == 0.0
        assert told[t + 1, 0] > 0.0


def test_a_source_that_fails_is_no_item_and_blocks_nothing(folder: Path) -> None:
    """Entries go on, the features are those of no news, and both is said: lost, and back."""
    with news_winter(folder) as scene:
        bars = live_bars(scene)
        with scene.trading() as on:
            scene.live(on, bars[:1])
            fault = scene.emulator.fail("status", "GET", "/v1beta1/news", times=10**6, status=500)
            scene.live(on, bars[1:3])
            silent = on.bars.until(N_KNOWN + 3).features["news_novelty"]
            scene.emulator.faults.remove(fault)
            scene.live(on, bars[3:5])
            heard = on.bars.until(N_KNOWN + 5).features["news_novelty"]
        assert (silent[N_KNOWN + 1 :] == 0.0).all()
        assert (heard[N_KNOWN + 3 :] > 0.0).any()
        kinds = kept(scene, "events").sort_values("number")["kind"].tolist()
        assert [kind for kind in kinds if kind.startswith("news")] == ["news_lost", "news_back"]
        statuses = {str(cycle.statuses[-1]) for cycle in scene.cycles}
        assert statuses <= {"COMPLETED", "EXECUTING"}
        placed = {order.submitted.date() for order in scene.emulator.broker.orders}
        assert placed & {scene.exchange.days[t] for t in bars[1:3]}
        items = kept_items(scene.one.url, "winter")
        assert len({item.identity for item in items}) == len(items)
        listed = [row for t, row in scene.emulator.press.items if t <= scene.clock.now]
        ours = [row for row in listed if set(row["symbols"]) != {"ZZZ"}]
        assert len(items) == len(ours)  # what was missed is asked for again


def test_a_slow_source_delays_no_cycle(folder: Path) -> None:
    with news_winter(folder, Aside) as scene:
        with scene.trading() as on:
            scene.emulator.fail("delay", "GET", "/v1beta1/news", times=10**6, seconds=60.0)
            before = len(scene.emulator.requests)
            scene.live(on, live_bars(scene)[:1])
        asked = [path for _, path in scene.emulator.requests[before:]]
        assert asked.count("/v1beta1/news") == 1  # nobody asks again before there is an answer
        assert asked.count("/v2/stocks/quotes/latest") > 3
        assert {str(cycle.statuses[-1]) for cycle in scene.cycles} <= {"COMPLETED", "EXECUTING"}


def test_an_account_that_looks_at_no_news_keeps_them_to_be_seen(folder: Path) -> None:
    with winter(folder) as scene:
        with scene.trading() as on:
            scene.live(on, range(N_KNOWN, N_KNOWN + 1))
        assert not [path for _, path in scene.emulator.requests if "news" in path]
    with news_winter(folder / "seen") as scene:
        bare = replace(scene.one.history, features={})
        with winter(folder / "none") as other:
            scene.one = replace(other.one, history=bare, url=scene.one.url, venue=scene.one.venue)
        with scene.trading() as on:
            scene.live(on, range(N_KNOWN, N_KNOWN + 2))
            assert not on.bars.until(N_KNOWN + 2).features
        items = kept_items(scene.one.url, "winter")
        assert items
        assert min(item.published for item in items) > scene.exchange.begins[N_KNOWN - 2]


def opened(scene: Winter) -> None:
    with scene.trading():
        pass


def test_other_news_than_alpacas_are_refused(folder: Path) -> None:
    with news_winter(folder) as scene:
        feed, one = scene.one.news, scene.one
        assert feed is not None
        table = replace(feed.table, source=("Reuters",) * feed.table.n_items)
        scene.one = replace(one, news=feed.over(table))
        with pytest.raises(
            BadConfig, match="of benzinga, the policy was trained with news of reuters"
        ):
            opened(scene)
        with_body = feed.settings.model_copy(update={"with_body": True})
        scene.one = replace(one, news=replace(feed, settings=with_body))
        with pytest.raises(BadConfig, match=r"news\.with_body was on"):
            opened(scene)
        scene.one = replace(one, news=None)
        with pytest.raises(BadConfig, match=r"Name the configuration with market\.news"):
            opened(scene)
        assert scene.emulator.requests == []


def test_an_account_goes_on_with_its_scorer_and_its_news_alone(folder: Path) -> None:
    with news_winter(folder) as scene:
        opened(scene)
        feed, one = scene.one.news, scene.one
        assert feed is not None
        scene.one = replace(one, news=replace(feed, scorer=lambda texts: np.zeros(len(texts))))
        with pytest.raises(RunMismatch, match="the news it began with, scores"):
            opened(scene)
        slower = feed.settings.model_copy(update={"mood_half_life": 2.0})
        scene.one = replace(one, news=replace(feed, settings=slower))
        with pytest.raises(RunMismatch, match=r"settings\.mood_half_life 1\.0, was"):
            opened(scene)


def test_an_account_does_not_begin_without_the_news_of_its_history(folder: Path) -> None:
    with news_winter(folder) as scene:
        fault = scene.emulator.fail("status", "GET", "/v1beta1/news", times=10**6, status=503)
        with pytest.raises(VenueUnavailable, match="news of the history are not known"):
            opened(scene)
        scene.emulator.faults.remove(fault)
        limit = '{"message": "too many requests."}'
        scene.emulator.fail("status", "GET", "/v1beta1/news", nth=2, status=429, body=limit)
        scene.clock.advance(seconds=60)
        with scene.trading() as on:
            assert_same_features(scene, on.bars.until(N_KNOWN))


@pytest.mark.parametrize(
    "url", ["", "https://api.alpaca.markets", "https://example.com", "http://data.alpaca.markets"]
)
def test_news_are_asked_of_no_other_host(url: str) -> None:
    keys = keys_from({"APCA_API_KEY_ID": "PKX", "APCA_API_SECRET_KEY": "secret"})
    with pytest.raises(BadConfig, match="the address must be"):
        news_wire(keys, url, lambda: None)  # type: ignore[arg-type,return-value]
