"""A leak that is put into a signal, a regime or a feature is found, and where it is."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import talib

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.hidden_markov import (
    HiddenMarkovSettings,
    estimate_states,
    filter_hidden_states,
)
from benbot.envs.market.market import FACTS, PRICES, Market
from benbot.envs.market.regime import market_return
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.audit.audit import THOROUGH, Effort, examine
from benbot.experiments.audit.columns import DEPENDS_ON_HISTORY, history_columns
from benbot.experiments.audit.result import Key, Probe
from benbot.experiments.audit.subject import walk_account
from benbot.experiments.audit.worlds import without
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.rules.covered_call import CoveredCall
from tests.experiments.audit.audit_subjects import (
    EFFORT,
    REGIME,
    RULES,
    lawful_history,
    leaking,
    subject_with,
    with_feature,
)


@dataclass(frozen=True, kw_only=True)
class Centred(Strategy):
    rule = "centred"

    @property
    def lookback(self) -> int:
        return 10

    def evidence(self, market: Market) -> FloatArray:
        middle = pd.DataFrame(market.close).rolling(5, center=True, min_periods=1).mean()
        return 100.0 * (market.close / middle.to_numpy() - 1.0)


def test_a_centred_window_in_a_strategy_is_caught(market: Market) -> None:
    strategies = (*RULES, Centred())

    def history(market: Market) -> History:
        return lawful_history(market, strategies)

    result = examine(subject_with(strategies=strategies, history=history), market, EFFORT)
    evidence = result.row("signal/centred/evidence")
    assert evidence.bar == result.cuts[0] - 2  # half of the window lies behind the bar
    assert evidence.probe == Probe.TRUNCATE
    assert {"signal/centred/confidence", "tape/value"} <= leaking(result)
    assert result.leaks[0].owner == "centred"  # the cause is named before what is made of it
    assert not any(row.leaks for row in result.rows if row.text.startswith("signal/ma_crossover"))


def test_a_normaliser_of_the_whole_sample_in_a_feature_is_caught(market: Market) -> None:
    def history(market: Market) -> History:
        made = lawful_history(market)
        plain = made.layout.context(made.features.rows, "dispersion")
        return with_feature(made, "context/dispersion", (plain - plain.mean()) / plain.std())

    result = examine(subject_with(history=history), market, EFFORT)
    assert leaking(result) == {"observation/context/dispersion"}
    row = result.row("observation/context/dispersion")
    assert (row.bar, row.probe) == (result.first, Probe.TRUNCATE)
    assert row.date == result.first_date == str(market.days[0])


def filled_backwards(market: Market) -> Market:
    """Return a market in which a bar that is missing has the facts of the next one."""
    facts: dict[str, Any] = {
        name: pd.DataFrame(getattr(market, name)).bfill(limit=3).to_numpy() for name in FACTS
    }
    return replace(market, **facts, tradable=np.isfinite(facts["close"]))


def test_a_late_bar_that_is_filled_with_a_later_price_is_caught(market: Market) -> None:
    def history(market: Market) -> History:
        return lawful_history(filled_backwards(market))

    result = examine(subject_with(history=history), market, EFFORT)
    assert {f"tape/bars.{name}" for name in PRICES} <= leaking(result)
    row = result.row("tape/bars.close")
    assert (row.bar, row.probe) == (result.cuts[0] - 1, Probe.TRUNCATE)  # the bar that was late
    assert math.isinf(row.difference)
    assert "missing" in row.sentence


def regime_probabilities(market: Market, smooth: bool) -> FloatArray:
    """Return how likely the second of two regimes is at each bar, [T, 2]: a wild one.

    Filtered as in Hamilton (1989); smoothed backwards as in Kim (1994), which knows all bars.
    """
    returns = np.nan_to_num(market_return(market)) / np.array([[0.006], [0.015]])
    likelihood = (np.exp(-0.5 * returns**2) / np.array([[0.006], [0.015]])).T
    stay = np.array([[0.95, 0.05], [0.05, 0.95]])
    filtered = np.empty_like(likelihood)
    before = np.array([0.5, 0.5])
    for t in range(len(likelihood)):
        joint = (before @ stay) * likelihood[t]
        before = filtered[t] = joint / joint.sum()
    if not smooth:
        return filtered
    smoothed = filtered.copy()
    for t in range(len(filtered) - 2, -1, -1):
        smoothed[t] = filtered[t] * (stay @ (smoothed[t + 1] / (filtered[t] @ stay)))
    return smoothed


def test_smoothed_regime_probabilities_are_caught_and_filtered_ones_are_not(
    market: Market,
) -> None:
    given = {
        "filtered": lambda market: regime_probabilities(market, smooth=False),
        "smoothed": lambda market: regime_probabilities(market, smooth=True),
    }
    result = examine(subject_with(given=given), market, EFFORT)
    assert leaking(result) == {"given/smoothed"}
    row = result.row("given/smoothed")
    assert row.bar is not None
    assert row.bar < result.cuts[0] - 1  # what was learned at the cut goes back many bars


def test_a_regime_that_was_smoothed_is_caught_on_the_tape(market: Market) -> None:
    def history(market: Market) -> History:
        made = lawful_history(market)
        wild = regime_probabilities(market, smooth=True)[:, 1] > 0.5
        regime = np.where(wild, 5, 4).astype(np.int8)
        return replace(made, tape=made.tape._replace(regime=regime))

    result = examine(subject_with(history=history), market, THOROUGH)
    row = result.row("tape/regime")
    assert row.leaks
    assert row.bar is not None
    assert row.bar < max(result.cuts)
    assert row.difference == 1.0


def test_hidden_states_do_not_leak_and_parameters_of_the_whole_market_do(market: Market) -> None:
    states = HiddenMarkovSettings(window=120, refresh_days=28)
    regime = REGIME.model_copy(update={"method": "hidden_markov", "hidden_markov": states})

    def history(market: Market) -> History:
        return prepare(market, collect(RULES, market), DeskRules(), regime)

    def of_all(market: Market) -> FloatArray:
        found = estimate_states(market_return(market), 2)
        deviation = np.nan if found is None else found.deviation
        return np.broadcast_to(deviation, (market.n_bars, 2))

    given = {
        "hidden": lambda market: (
            filter_hidden_states(market_return(market), market.days, states).probability
        ),
        "of_all": of_all,
    }
    subject = subject_with(history=history, regime=regime, given=given)
    assert subject.warmup == 149
    assert len(np.unique(history(market).tape.regime[149:])) > 1
    result = examine(subject, market, Effort(cuts=4, starts=2, orders=2))
    assert leaking(result) == {"given/of_all"}


def test_a_live_feature_that_leaks_is_caught(market: Market) -> None:
    def walk(
        history: History, span: Span, weights: Float32Array, settings: EnvironmentSettings
    ) -> tuple[FloatArray, FloatArray]:
        observations, rewards = walk_account(history, span, weights, settings)
        i = history.layout.names.index("context/last_growth")
        observations[:-1, i] = observations[1:, i]
        return observations, rewards

    result = examine(subject_with(walk=walk), market, EFFORT)
    assert leaking(result) == {"observation/context/last_growth"}
    assert result.row("observation/context/last_growth").bar == result.cuts[0] - 1


@dataclass(frozen=True, kw_only=True)
class Forgetless(Strategy):
    """An exponential average of 10 bars still holds some of its weight in what came before."""

    rule = "forgetless"

    @property
    def lookback(self) -> int:
        return 10

    def evidence(self, market: Market) -> FloatArray:
        close = pd.DataFrame(market.close).ffill().to_numpy()
        average = np.column_stack([talib.EMA(column, 10) for column in close.T])
        return 100.0 * (market.close / average - 1.0)


def test_a_signal_that_remembers_more_than_it_declares_is_caught(market: Market) -> None:
    strategies = (Forgetless(),)

    def history(market: Market) -> History:
        return lawful_history(market, strategies)

    result = examine(subject_with(strategies=strategies, history=history), market, EFFORT)
    row = result.row("signal/forgetless/evidence")
    assert row.probe == Probe.START
    assert row.bar == result.starts[0] + Forgetless().warmup
    assert {leak.probe for leak in result.leaks} == {Probe.START}
    assert not result.row("tape/value").leaks  # it depends on history, with a reason
    assert result.row("tape/value").memory == DEPENDS_ON_HISTORY["tape", "value"]


def test_what_depends_on_history_does_so(market: Market) -> None:
    """A name on the list that no longer needs to be there would hide a leak."""
    gone = np.zeros(market.close.shape, np.bool_)
    gone[20:, 0] = True  # before the later beginning, so that it has no price behind it
    rules = DeskRules.model_validate({"portfolio": {"method": "inverse_volatility", "window": 20}})

    def history(market: Market) -> History:
        return prepare(market, collect((*RULES, CoveredCall()), market), rules, REGIME)

    awkward = without(market, gone)
    whole, later = history(awkward), history(awkward.between(30, market.n_bars))
    before, after = history_columns(whole), history_columns(later)
    for (group, name), reason in DEPENDS_ON_HISTORY.items():
        if group == "observation" and reason != DEPENDS_ON_HISTORY["account", "reward"]:
            i = [i for i, full in enumerate(whole.layout.names) if full.endswith(f"/{name}")]
            rows = whole.features.rows[100:, i]
            says_nothing = not rows.any()  # as forecasts where nothing is foreseen
            assert says_nothing or (rows != later.features.rows[70:, i]).any(), name
        if group == "tape" and name != "tied":  # bits differ only close to the limit
            key = Key(group, "", name)
            assert not np.array_equal(before[key][100:], after[key][70:], equal_nan=True), name
