"""The laws of every lesson: causal, bounded, and nothing where there is nothing to learn from."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.errors import BadConfig
from benbot.envs.market.news_features import INTENSITY, MOOD
from benbot.envs.signals import Signals
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.learning import lessons
from benbot.strategies.learning.bounds import HIGHEST, LOWEST, bounded, from_edge
from benbot.strategies.learning.experience import Experience
from benbot.strategies.learning.lessons import OF_CONFIDENCE, learned, taught
from benbot.strategies.learning.settings import LearningSettings
from tests.strategies.learning.lived import REGIME, RULES, cut, experience, random_world

FEW = {"refit": 3, "shrinkage": 5.0}  # so that a short history has something to say
METHODS = (*OF_CONFIDENCE, "stops")
ALL = LearningSettings.model_validate(dict.fromkeys(METHODS, True) | FEW)


def only(name: str) -> LearningSettings:
    return LearningSettings.model_validate({name: True, **FEW})


@cache
def world(seed: int) -> Experience:
    return experience(*random_world(seed))


def assert_first_rows(whole: Signals, part: Signals) -> None:
    for name in ("direction", "confidence", "stop_distance"):
        rows = getattr(part, name)
        np.testing.assert_array_equal(getattr(whole, name)[: len(rows)], rows, name)


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 3), n_bars=st.integers(40, 159))
@settings(max_examples=6)
def test_the_lessons_of_a_prefix_are_the_prefix_of_the_lessons(
    method: str, seed: int, n_bars: int
) -> None:
    whole = learned(world(seed), only(method))
    market, signals = random_world(seed)
    known = experience(market.until(n_bars), cut(signals, n_bars))
    assert_first_rows(whole, learned(known, only(method)))


def test_another_future_changes_no_lesson_of_before() -> None:
    n_bars = 120
    market, signals = random_world(1)
    confidence = signals.confidence.copy()
    confidence[n_bars:] = confidence[n_bars:] ** 2
    prices = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[n_bars:] *= 1.5
    other = experience(replace(market, **prices), replace(signals, confidence=confidence))
    now = learned(other, ALL)
    assert_first_rows(now, cut(learned(world(1), ALL), n_bars))
    assert (now.confidence[n_bars:] != learned(world(1), ALL).confidence[n_bars:]).any()


@pytest.mark.parametrize("method", [*METHODS, "all"])
def test_what_is_learned_stays_within_bounds_and_changes_something(method: str) -> None:
    chosen = ALL if method == "all" else only(method)
    before, after = world(0).signals, learned(world(0), chosen)
    np.testing.assert_array_equal(after.direction, before.direction)
    one = np.float32(1.0)
    surer = after.confidence / before.confidence
    assert (after.confidence <= one).all()
    assert (surer <= HIGHEST * 1.000001).all()
    assert (surer >= LOWEST * 0.999999).all()
    wider = after.stop_distance / before.stop_distance
    assert (wider <= HIGHEST * 1.000001).all()
    assert (wider >= LOWEST * 0.999999).all()
    assert (surer != one).any() == (method != "stops")
    assert (wider != one).any() == (method in ("stops", "all"))


@pytest.mark.parametrize("method", METHODS)
def test_before_the_first_trade_is_closed_everything_is_as_it_was_said(method: str) -> None:
    first = int(world(2).trades["closed"][0])
    assert first > 1
    assert_first_rows(learned(world(2), only(method)), cut(world(2).signals, first))


def test_with_every_method_off_the_signals_are_the_same_object() -> None:
    market, signals = random_world(0)
    nothing = LearningSettings(correlation=True, online_share=0.5)  # these are of weights
    assert taught(market, signals, nothing, RULES, REGIME) is signals


def test_the_product_of_lessons_has_the_bounds_of_one() -> None:
    both = LearningSettings(affinity=True, news=True, **FEW)
    parts = [OF_CONFIDENCE[name](world(0), both) for name in ("affinity", "news")]
    together = lessons.confidence_multiplier(world(0), both)
    np.testing.assert_allclose(together, np.clip(parts[0] * parts[1], 0.5, 2.0))


def test_a_market_without_news_teaches_nothing_of_news() -> None:
    market, signals = random_world(0)
    silent = experience(replace(market, features={}), signals)
    assert (OF_CONFIDENCE["news"](silent, ALL) == 1.0).all()
    unknown = {name: np.full(market.close.shape, np.nan) for name in (MOOD, INTENSITY)}
    deaf = experience(replace(market, features=unknown), signals)
    assert (OF_CONFIDENCE["news"](deaf, ALL) == 1.0).all()


def test_what_is_no_number_changes_nothing_and_bounds_are_kept() -> None:
    wild = np.array([np.nan, np.inf, -np.inf, -3.0, 0.7, 9.0])
    np.testing.assert_array_equal(bounded(wild), [1.0, 1.0, 1.0, 0.5, 0.7, 2.0])
    edge = np.array([0.0, 0.25, -0.25, 0.125, 9.0])
    expected = [1.0, 2.0, 0.5, np.sqrt(2.0), 2.0]
    np.testing.assert_allclose(from_edge(edge, np.ones(5)), expected)


def test_a_configuration_says_what_is_learned() -> None:
    short = ("market.n_bars=700", "oracle=null", "learning.affinity=true")
    spans = (
        "segments.fit={start: 1901-06-01, end: 1901-12-31}",
        "segments.valid={start: 1902-01-01, end: 1902-05-31}",
        "segments.test={start: 1902-06-01, end: 1902-08-29}",
    )
    plain = prepare_experiment(load_config("synthetic_planted", (*short[:2], *spans)))
    changed = prepare_experiment(load_config("synthetic_planted", (*short, *spans)))
    before, after = plain.history.signals, changed.history.signals
    assert (before.confidence != after.confidence).any()
    np.testing.assert_array_equal(before.stop_distance, after.stop_distance)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("learning.online_share=0.6", "online_share"),
        ("learning.refit=0", "refit"),
        ("learning.shrinkage=0", "shrinkage"),
        ("learning.online_learner=oracle", "online_learner"),
        ("learning.momentum=true", "momentum"),
    ],
)
def test_a_lesson_that_there_is_not_is_refused(override: str, words: str) -> None:
    with pytest.raises(BadConfig, match=words):
        load_config("quickstart", (override,))
