"""A leak that is put into what the desk fills, sizes, pays or fears is found, and where it is."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.audit.audit import Effort, examine
from benbot.experiments.audit.result import Probe
from benbot.experiments.audit.subject import walk_account
from benbot.experiments.audit.view import show_audit
from benbot.strategies.hearing import collect
from tests.experiments.audit.audit_subjects import (
    EFFORT,
    REGIME,
    RULES,
    closes_only,
    lawful_history,
    leaking,
    shown,
    subject_with,
    with_bars,
)


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
