"""An audit finds no leak where there is none, and looks at everything that is seen."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, Int8Array
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, prepare
from benbot.envs.market.market import Market
from benbot.envs.reward import RewardSettings
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.audit.audit import QUICK, Effort, audit, examine
from benbot.experiments.audit.columns import arrays_of
from benbot.experiments.audit.subject import Subject
from benbot.experiments.config import load_config, packaged_configs
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.hearing import collect
from benbot.strategies.rules.cash_secured_put import CashSecuredPut
from benbot.strategies.rules.covered_call import CoveredCall
from tests.experiments.audit.audit_subjects import (
    REGIME,
    RULES,
    closes_only,
    lawful_history,
    leaking,
    subject_with,
    with_gaps,
)

FROM_FILES = {"us_stocks_daily", "us_minutes"}  # which do not come with the project
WITHOUT_FILE = [name for name in packaged_configs() if name not in FROM_FILES]


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
        if name == "offers":
            assert not array.size  # nobody writes options here
        elif array.dtype.names:
            assert {f"tape/{name}.{field}" for field in array.dtype.names} <= texts
        elif name not in ("stress", "pairing", "overlay"):  # what strategies declare, at no bar
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
