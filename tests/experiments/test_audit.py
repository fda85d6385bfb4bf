"""An audit finds every leak that is put into it, where it is, and none where there is none."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import talib
from rich.console import Console

from benbot.envs.arrays import Float32Array, FloatArray, Int8Array
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.hidden_markov import (
    HiddenMarkovSettings,
    estimate_states,
    filter_hidden_states,
)
from benbot.envs.market.market import FACTS, PRICES, Market
from benbot.envs.market.regime import RegimeSettings, market_return
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.reward import RewardSettings
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.audit import QUICK, THOROUGH, Effort, audit, examine
from benbot.experiments.audit_columns import DEPENDS_ON_HISTORY, arrays_of, history_columns
from benbot.experiments.audit_result import (
    AuditResult,
    AuditRow,
    Key,
    Probe,
    Tolerance,
    first_difference,
)
from benbot.experiments.audit_subject import Subject, walk_account
from benbot.experiments.audit_view import audit_table, show_audit, warn_of
from benbot.experiments.audit_worlds import without
from benbot.experiments.config import load_config, packaged_configs
from benbot.experiments.preparation import prepare_experiment
from benbot.strategies.base import Strategy, collect
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.cash_secured_put import CashSecuredPut
from benbot.strategies.rules.covered_call import CoveredCall
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover

REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
RULES = (MovingAverageCrossover(fast=2, slow=10), BollingerReversion(window=10, width=1.0))
EFFORT = Effort(cuts=8, starts=2, orders=4)
FROM_FILES = {"us_stocks_daily", "us_minutes"}  # which do not come with the project
WITHOUT_FILE = [name for name in packaged_configs() if name not in FROM_FILES]


@pytest.fixture(scope="module")
def market() -> Market:
    """350 bars of 6 symbols with a range, volume and spreads, and without gaps."""
    source = SyntheticSource(seed=3, n_bars=350, n_symbols=6, n_sectors=2)
    return generate(source).market


def closes_only(market: Market) -> Market:
    prices = dict.fromkeys(("open", "high", "low"), market.close)
    return replace(market, **prices, has_range=False)


def with_gaps(market: Market) -> Market:
    """Return a market with a late start, a delisting, a halt and a bar that is missing."""
    missing = np.zeros(market.close.shape, np.bool_)
    missing[:120, 0] = missing[300:, 1] = missing[200:215, 2] = missing[250, 3] = True
    facts: dict[str, Any] = {
        name: np.where(missing, np.nan, getattr(market, name)) for name in FACTS
    }
    return replace(market, **facts, tradable=~missing)


def lawful_history(market: Market, strategies: tuple[Strategy, ...] = RULES) -> History:
    return prepare(market, collect(strategies, market), DeskRules(), REGIME)


def subject_with(**changed: Any) -> Subject:  # noqa: ANN401
    """Return a lawful subject, changed where the test says so."""
    return replace(Subject("planted", RULES, lawful_history, regime=REGIME), **changed)


def with_bars(history: History, **fields: FloatArray) -> History:
    """Return a history whose desk reads other fields of its bars."""
    bars = history.tape.bars.copy()
    for name, values in fields.items():
        bars[name] = values
    return replace(history, tape=history.tape._replace(bars=bars))


def with_feature(history: History, name: str, values: FloatArray) -> History:
    rows = history.features.rows.copy()
    rows[:, history.layout.names.index(name)] = values
    return replace(history, features=history.features._replace(rows=rows))


def leaking(result: AuditResult) -> set[str]:
    return {row.text for row in result.leaks}


# No leak


@pytest.mark.parametrize("awkward", [lambda market: market, closes_only, with_gaps])
def test_nothing_leaks_where_nothing_is_planted(
    market: Market, awkward: Callable[[Market], Market]
) -> None:
    result = examine(subject_with(), awkward(market), Effort(cuts=12, starts=3, orders=8))
    assert [row.sentence for row in result.leaks] == []
    assert result.n_fills > 10


def test_nothing_leaks_where_options_are_written(market: Market) -> None:
    writers = (*RULES, CoveredCall(window=10), CashSecuredPut(window=10))
    options = {"expiries": "weekly", "delta_band": 0.3}

    def history(market: Market) -> History:
        rules = DeskRules.model_validate({"capital": 1e7, "options": options})
        return prepare(market, collect(writers, market), rules, REGIME)

    result = examine(Subject("writers", writers, history, regime=REGIME), market, Effort(6, 2, 8))
    assert [row.sentence for row in result.leaks] == []
    assert any(row.text.startswith("tape/offers") for row in result.rows)


@pytest.mark.parametrize("name", ["log_growth", "differential_sharpe", "drawdown_penalised"])
def test_no_reward_leaks_even_where_nothing_has_a_cost(market: Market, name: Any) -> None:  # noqa: ANN401
    costs = {"half_spread": 0.0, "commission_rate": 0.0, "impact": 0.0, "borrow_rate": 0.0}
    free = replace(market, spread=np.zeros_like(market.spread))

    def history(market: Market) -> History:
        rules = DeskRules.model_validate({"costs": costs})
        return prepare(market, collect(RULES, market), rules, REGIME)

    environment = EnvironmentSettings(reward=RewardSettings(name=name))
    subject = subject_with(history=history, environment=environment)
    assert leaking(examine(subject, free, Effort(2, 1, 12))) == set()


def test_everything_that_is_seen_has_a_row(market: Market) -> None:
    result = examine(subject_with(), market, Effort(1, 1, 1))
    history = lawful_history(market)
    texts = {row.text for row in result.rows}
    assert len(texts) == len(result.rows)
    assert {f"observation/{name}" for name in history.layout.names} <= texts
    for name, array in history.tape._asdict().items():
        if array.dtype.names:
            assert {f"tape/{name}.{field}" for field in array.dtype.names} <= texts
        elif name not in ("stress", "pairing"):  # what strategies declare, at no bar
            assert f"tape/{name}" in texts
    for rule in RULES:
        for name in ("direction", "confidence", "stop_distance", "evidence"):
            assert f"signal/{rule.name}/{name}" in texts
    assert "indicator/bollinger_reversion/bollinger_bands.middle" in texts
    assert "indicator/ma_crossover/moving_average#2" in texts
    assert {"account/reward", "order/fill.price", "order/decision.allowed"} <= texts


def test_arrays_that_nobody_has_named_are_found() -> None:
    class Inner(NamedTuple):
        liquid: Int8Array

    class Outer(NamedTuple):
        bars: np.ndarray
        inner: Inner
        table: FloatArray
        names: np.ndarray

    bars = np.zeros((5, 2), [("open", np.float64), ("adv", np.float32)])
    outer = Outer(bars, Inner(np.zeros(5, np.int8)), np.zeros((3, 5)), np.array(list("abcde")))
    found = dict(arrays_of(outer, 5))
    assert list(found) == ["bars.open", "bars.adv", "inner.liquid"]
    assert found["bars.adv"].shape == (5, 2)


# The six leaks that every audit must see, and where it must see them


def same_close(market: Market) -> History:
    """Return a history whose orders of the close of bar t fill at that close."""
    opened = market.open.copy()
    opened[1:] = np.where(np.isfinite(opened[1:]), market.close[:-1], np.nan)
    return with_bars(lawful_history(market), open=opened)


@pytest.mark.parametrize("kind", [lambda market: market, closes_only])
def test_a_fill_at_the_close_of_the_decision_is_caught(
    market: Market, kind: Callable[[Market], Market]
) -> None:
    result = examine(subject_with(history=same_close), kind(market), EFFORT)
    assert leaking(result) == {"order/fill.price", "account/reward"}
    price, reward = result.row("order/fill.price"), result.row("account/reward")
    assert {price.probe, reward.probe} == {Probe.FILL}  # the future is not seen, so no other could
    assert price.bar == reward.bar == result.orders[0] + 1
    assert reward.difference > 0.001  # a share of the gap of five per cent


def test_a_reward_of_a_fill_at_the_close_of_the_decision_is_caught(market: Market) -> None:
    def walk(
        history: History, span: Span, weights: Float32Array, settings: EnvironmentSettings
    ) -> tuple[FloatArray, FloatArray]:
        observations, _ = walk_account(history, span, weights, settings)
        _, rewards = walk_account(same_close(history.market), span, weights, settings)
        return observations, rewards

    result = examine(subject_with(walk=walk), market, EFFORT)
    assert leaking(result) == {"account/reward"}
    assert result.row("account/reward").bar == result.orders[0] + 1


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


def impact_of(market: Market, n_known: int) -> FloatArray:
    """Return 0.01 / √ADV [T, S] where the average ends `n_known` bars before the fill."""
    value = pd.DataFrame(market.close * market.volume).shift(n_known)
    mean = value.rolling(20, min_periods=1).mean().to_numpy()
    return 0.01 / np.sqrt(np.nan_to_num(mean, nan=1e8))


def test_the_volume_of_the_next_bar_in_the_impact_is_caught(market: Market) -> None:
    def history_with(n_known: int) -> Callable[[Market], History]:
        return lambda market: with_bars(lawful_history(market), impact=impact_of(market, n_known))

    assert leaking(examine(subject_with(history=history_with(1)), market, EFFORT)) == set()
    result = examine(subject_with(history=history_with(0)), market, EFFORT)
    impact, cost = result.row("tape/bars.impact"), result.row("order/fill.cost")
    assert (impact.bar, impact.probe) == (result.cuts[0], Probe.CHANGE)
    assert (cost.bar, cost.probe) == (result.orders[0] + 1, Probe.FILL)
    assert not any(row.leaks for row in result.rows if row.group == "observation")


def test_the_volume_of_the_bar_after_the_next_is_caught_as_well(market: Market) -> None:
    def history(market: Market) -> History:
        return with_bars(lawful_history(market), impact=impact_of(market, -1))

    result = examine(subject_with(history=history), market, EFFORT)
    row = result.row("tape/bars.impact")
    assert (row.bar, row.probe) == (result.cuts[0] - 1, Probe.TRUNCATE)


# Others


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


@pytest.mark.parametrize("name", ["high", "open"])
def test_an_order_that_is_sized_by_the_bar_that_fills_it_is_caught(
    market: Market, name: str
) -> None:
    uncapped = DeskRules.model_validate({"sizing": {"position_cap": 1.0}})

    def history(market: Market) -> History:
        made = prepare(market, collect(RULES, market), uncapped, REGIME)
        stop = made.tape.stop.copy()
        move = np.abs(getattr(market, name)[1:] / market.close[:-1] - 1.0)
        stop[:-1] = np.clip(1.0 + move, 1.02, 1.5)[:, None] - 1.0
        stop.flags.writeable = False
        return replace(made, tape=made.tape._replace(stop=stop))

    result = examine(subject_with(history=history), market, EFFORT)
    assert {"tape/stop", "order/decision.wanted"} <= leaking(result)
    assert result.row("order/decision.wanted").bar in result.orders
    assert result.row("tape/stop").bar == result.cuts[0] - 1


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
        return prepare(market, collect(RULES, market), rules, REGIME)

    awkward = without(market, gone)
    whole, later = history(awkward), history(awkward.between(30, market.n_bars))
    before, after = history_columns(whole), history_columns(later)
    for (group, name), reason in DEPENDS_ON_HISTORY.items():
        if group == "observation" and reason != DEPENDS_ON_HISTORY["account", "reward"]:
            i = [i for i, full in enumerate(whole.layout.names) if full.endswith(f"/{name}")]
            assert (whole.features.rows[100:, i] != later.features.rows[70:, i]).any(), name
        if group == "tape" and name != "tied":  # bits differ only close to the limit
            key = Key(group, "", name)
            assert not np.array_equal(before[key][100:], after[key][70:], equal_nan=True), name


def test_a_covariance_that_knows_its_own_session_is_caught(market: Market) -> None:
    def history(market: Market) -> History:
        made = lawful_history(market)
        calendar = made.tape.calendar.copy()
        calendar["risk_row"] += 1
        return replace(made, tape=made.tape._replace(calendar=calendar))

    hours = replace(market, session=np.arange(market.n_bars) // 3)
    assert leaking(examine(subject_with(), hours, EFFORT)) == set()
    result = examine(subject_with(history=history), hours, EFFORT)
    row = result.row("tape/covariance")
    assert row.probe in (Probe.TRUNCATE, Probe.CHANGE)
    assert row.bar is not None
    assert any(row.bar < n <= row.bar + 2 for n in result.cuts)  # the session was not over yet


def test_an_estimated_spread_of_the_bar_itself_is_caught(market: Market) -> None:
    """Each symbol's own range is all that is known of its spread, where nobody quotes one."""
    unquoted = replace(market, spread=np.full_like(market.spread, np.nan))

    def history(market: Market) -> History:
        spread = 0.1 * (market.high / market.low - 1.0)
        return with_bars(lawful_history(market), half_spread=np.nan_to_num(spread))

    result = examine(subject_with(history=history), unquoted, EFFORT)
    row = result.row("tape/bars.half_spread")
    assert (row.bar, row.probe) == (result.cuts[0], Probe.CHANGE)
    rules = DeskRules.model_validate({"costs": {"spread": "estimated"}})

    def lawful(market: Market) -> History:
        return prepare(market, collect(RULES, market), rules, REGIME)

    assert leaking(examine(subject_with(history=lawful), unquoted, EFFORT)) == set()


def test_nobody_can_tell_how_orders_fill_where_none_does(market: Market) -> None:
    def history(market: Market) -> History:
        made = lawful_history(market)
        return replace(made, tape=made.tape._replace(value=np.zeros_like(made.tape.value)))

    result = examine(subject_with(history=history), market, Effort(1, 1, 2))
    assert result.n_fills == 0
    assert "No order filled" in shown(show_audit, result)


# What is said


def shown(show: Callable[[AuditResult, Console], None], result: AuditResult) -> str:
    said = io.StringIO()
    show(result, Console(file=said, width=80))
    return said.getvalue()


def test_the_message_of_a_leak_says_what_where_how_and_by_how_much(market: Market) -> None:
    row = AuditRow("signal", "centred", "evidence", "change", 6120, "2022-04-21", 0.3125)
    assert row.sentence == (
        "signal/centred/evidence leaks at bar 6120 (2022-04-21): is off by 0.312, seen by change"
    )
    clean = examine(subject_with(), market, Effort(1, 1, 1))
    result = replace(clean, rows=(row, *clean.rows))
    said = shown(show_audit, result)
    assert f"1 of {len(result.rows)} columns leak" in said
    assert row.sentence in said.replace("\n", " ")
    assert "No leak" not in said
    assert shown(warn_of, clean) == ""
    assert f"No leak in {len(clean.rows)} columns" in shown(show_audit, clean)


def test_the_table_names_the_strategy_that_leaks_first(market: Market) -> None:
    leaks = [
        AuditRow("signal", owner, "evidence", "change", bar, "2022-04-21", 0.25)
        for owner, bar in (("late", 90), ("early", 80), ("fine", None))
    ]
    leaks[2] = AuditRow("signal", "fine", "evidence")
    result = replace(examine(subject_with(), market, Effort(1, 1, 1)), rows=tuple(leaks))
    table = audit_table(result)
    assert table.row_count == 2  # the group and its feature
    said = shown(lambda result, console: console.print(audit_table(result)), result)
    assert max(map(len, said.splitlines())) <= 80
    assert "3 LEAK bar 80, 2022-04-21, change, off by 0.25 in early" in " ".join(said.split())


def test_a_result_is_json_and_an_infinite_difference_is_null(market: Market) -> None:
    result = examine(subject_with(), market, Effort(1, 1, 1))
    row = AuditRow("tape", "", "bars.close", "truncate", 7, "2000-01-12", math.inf)
    tree = json.loads(replace(result, rows=(row, *result.rows)).as_json())
    assert tree["leaks"] == 1
    assert tree["rows"][0] == {
        "group": "tape",
        "owner": "",
        "name": "bars.close",
        "probe": "truncate",
        "bar": 7,
        "date": "2000-01-12",
        "difference": None,
        "memory": "",
    }
    assert tree["cuts"] == list(result.cuts)


def test_an_audit_is_the_same_every_time_and_says_how_far_it_is(market: Market) -> None:
    heard: list[int] = []
    first = examine(subject_with(), market, EFFORT, heard.append)
    assert heard == list(range(1, EFFORT.n_steps + 1))
    assert examine(subject_with(), market, EFFORT) == first


def test_bars_are_those_of_the_whole_market(market: Market) -> None:
    long = generate(SyntheticSource(seed=3, n_bars=900, n_symbols=6, n_sectors=2)).market
    result = examine(subject_with(), long, Effort(1, 1, 1))
    assert result.first == 900 - (50 + 64 + 400)  # the longest warm-up is that of the breadth
    assert (result.last, result.last_date) == (899, str(long.days[899]))
    assert result.first < result.cuts[0] < 900
    assert result.first_date == str(long.days[result.first])


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0 + 1e-12, 3.0], None),
        ([1.0, 2.0, 3.0], [1.0, 2.1, 4.0], (1, pytest.approx(0.1))),
        ([np.nan, 1.0], [np.nan, np.nan], (1, math.inf)),
        ([np.inf, 0.0], [np.inf, 0.0], None),
        ([0.0, 1.0], [1e-30, 1.0], (0, pytest.approx(1e-30))),
        ([0.0, 1.0], [0.0], (0, math.inf)),
        ([], [], None),
    ],
)
def test_numbers_differ_from_the_first_one_that_is_too_far(
    before: list[float],
    after: list[float],
    found: Any,  # noqa: ANN401
) -> None:
    seen = first_difference(np.array(before), np.array(after), Tolerance(1e-9))
    assert seen == found


# Configurations


def test_the_quickstart_has_no_leak() -> None:
    result = audit(prepare_experiment(load_config("quickstart")), QUICK)
    assert [row.sentence for row in result.leaks] == []
    assert result.n_fills > 10


@pytest.mark.nightly
@pytest.mark.parametrize("name", WITHOUT_FILE)
def test_no_configuration_that_comes_with_the_project_has_a_leak(name: str) -> None:
    result = audit(prepare_experiment(load_config(name)))
    assert [row.sentence for row in result.leaks] == []
    assert result.n_fills > 50


@pytest.mark.nightly
@pytest.mark.shared_data
def test_real_minutes_have_no_leak(shared_data: Any) -> None:  # noqa: ANN401
    files = [
        f"market.path={shared_data / 'us_minute_trades.parquet'}",
        f"market.quotes={shared_data / 'us_minute_quotes.parquet'}",
    ]
    result = audit(prepare_experiment(load_config("us_minutes", files)))
    assert [row.sentence for row in result.leaks] == []
    assert result.n_fills > 20


@pytest.mark.nightly
@pytest.mark.shared_data
def test_real_bars_with_gaps_have_no_leak(shared_data: Any) -> None:  # noqa: ANN401
    path = shared_data / "us_stocks_88_daily_2012_2017.parquet"
    result = audit(prepare_experiment(load_config("us_stocks_daily", [f"market.path={path}"])))
    assert [row.sentence for row in result.leaks] == []
    assert result.n_fills > 50
