"""Drift is found where it was planted, and elsewhere no more often than was said.

The series have a memory and calm and wild times, or a plain test would do.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom, ks_2samp

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.strategies.drift import (
    DRAWS,
    Finding,
    alarms,
    decay,
    distribution_drift,
    draws_for,
    signal_drift,
    slippage_drift,
)
from benchmarks.drift import returns_with_memory
from tests.strategies.learning.lived import stated

LEVEL = 0.05
REPEATS = 100
# The most false alarms that a test of this size has in all but one of two hundred such trials.
MOST_FALSE = float(binom.ppf(0.995, REPEATS, LEVEL)) / REPEATS


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benbot.strategies.drift.DRAWS", 199)


def series_of(n_series: int, seed: int, n_bars: int = 400) -> FloatArray:
    return returns_with_memory(np.random.default_rng(seed), n_series, n_bars, memory=0.3)


def share(p_values: list[float]) -> float:
    return float((np.array(p_values) <= LEVEL).mean())


@pytest.mark.usefixtures("few_draws")
def test_without_drift_alarms_are_as_rare_as_they_were_said_to_be() -> None:
    found: dict[str, list[float]] = {"distribution": [], "decay": [], "slippage": [], "plain": []}
    rng = np.random.default_rng(1)
    for series in series_of(REPEATS, 1):
        live, model = series[320:], series[:320]
        found["distribution"].append(distribution_drift(live, model, rng).p_value)
        found["decay"].append(decay(series, 80, rng).p_value)
        found["slippage"].append(slippage_drift(live, np.zeros(80), rng).p_value)
        found["plain"].append(float(ks_2samp(live, model).pvalue))
    assert MOST_FALSE < 0.12
    for name in ("distribution", "decay", "slippage"):
        assert share(found[name]) <= MOST_FALSE, name
    assert share(found["plain"]) > MOST_FALSE  # which is why time is exchanged by blocks


@pytest.mark.usefixtures("few_draws")
def test_drift_that_was_planted_is_found() -> None:
    found: dict[str, list[float]] = {"mean": [], "wilder": [], "decay": [], "slippage": []}
    rng = np.random.default_rng(2)
    for series in series_of(30, 2):
        live, model = series[320:], series[:320]
        found["mean"].append(distribution_drift(live - 0.8, model, rng).p_value)
        found["wilder"].append(distribution_drift(4.0 * live, model, rng).p_value)
        found["decay"].append(decay(np.append(model, live - 0.6), 80, rng).p_value)
        found["slippage"].append(slippage_drift(live + 0.6, np.zeros(80), rng).p_value)
    for name, p_values in found.items():
        assert share(p_values) > 0.8, name


def test_an_edge_that_grows_is_no_decay() -> None:
    (series,) = series_of(1, 0)
    series[-60:] += 1.0
    assert decay(series, 60, np.random.default_rng(0)).p_value > 0.9


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    rng = np.random.default_rng(1)
    live, model = rng.normal(size=60), rng.normal(0.3, 1.0, 90)
    found = distribution_drift(live, model, rng, block=1)
    expected = ks_2samp(live, model)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.03)
    assert found.n_live == 60
    tied = distribution_drift(np.round(live), np.round(model), rng, block=1)
    assert tied.statistic == pytest.approx(ks_2samp(np.round(live), np.round(model)).statistic)


def test_a_finding_is_a_share_of_draws_and_the_same_for_the_same_generator() -> None:
    (series,) = series_of(1, 3)
    series[-50:] -= 5.0
    first = decay(series, 50, np.random.default_rng(0))
    assert first == decay(series, 50, np.random.default_rng(0))
    assert first.p_value == 1.0 / (1.0 + DRAWS)  # never 0
    assert first.statistic == pytest.approx(series[:-50].mean() - series[-50:].mean())
    assert first.sentence.startswith("decay: ")
    assert "over 50 bars, p = 0.001" in first.sentence


def test_signals_that_are_the_same_are_no_finding_and_others_are() -> None:
    model = stated(100, 2, 3)
    assert signal_drift(model, model).p_value == 1.0
    direction = model.direction.copy()
    direction[7, 1, 2] = -1
    once = signal_drift(replace(model, direction=direction), model)
    assert once.statistic == 0.01
    assert once.p_value == pytest.approx(1.0 - 0.99**100)
    direction[20:30, 0, 0] = 0
    assert signal_drift(replace(model, direction=direction), model).p_value < 1e-6


def finding(name: str, p_value: float) -> Finding:
    return Finding(name, 1.0, "", p_value, 100)


def test_only_what_is_alarming_among_all_that_was_asked_demotes() -> None:
    asked = [finding("a", 0.04), finding("b", 0.01), finding("c", 0.02), finding("d", 0.9)]
    # By Holm: 0.01 x 4 and then 0.02 x 3 > 0.05.
    assert [each.name for each in alarms(asked, 0.05)] == ["b"]
    assert [each.name for each in alarms(asked, 0.06)] == ["b", "c"]
    assert alarms([finding("nan", float("nan"))], 0.05) == []
    assert alarms([], 0.05) == []
    levels = [len(alarms(asked, level)) for level in (0.0, 0.04, 0.1, 1.0)]
    assert all(one <= other for one, other in pairwise(levels))


@pytest.mark.parametrize("n_asked", [1, 18, 100])
def test_however_many_are_asked_one_that_has_decayed_can_be_told(n_asked: int) -> None:
    level = 0.01
    draws = draws_for(n_asked, level)
    (series,) = series_of(1, 3, 120)
    series[-40:] -= 5.0
    worst = decay(series, 40, np.random.default_rng(0), draws=draws)
    assert worst.p_value == 1.0 / (1.0 + draws)
    others = [finding(f"{n}", 0.5) for n in range(n_asked - 1)]
    assert alarms([worst, *others], level) == [worst]
    assert draws_for(1, level) == DRAWS


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, rng: distribution_drift(x[:5], x, rng), "20 finite numbers or more on each"),
        (lambda x, rng: distribution_drift(x, x * np.nan, rng), "100 that are not finite"),
        (lambda x, rng: distribution_drift(x, x, rng, 17), "block must be from 1 to 16"),
        (lambda x, rng: distribution_drift(x, x, rng, 0), "block must be from 1 to 16"),
        (lambda x, rng: decay(x, 100, rng), "must leave some of 100 returns before it, was 100"),
        (lambda x, rng: decay(x, 0, rng), "was 0"),
        (lambda x, rng: slippage_drift(x, x[1:], rng), "as many of the model, was 100 and 99"),
        (
            lambda x, rng: signal_drift(stated(3, 1, 1), stated(4, 1, 1)),
            r"same bars, strategies and symbols, was \(3, 1, 1\) and \(4, 1, 1\)",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(call, words: str) -> None:  # noqa: ANN001
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidParameter, match=words):
        call(rng.normal(size=100), rng)
