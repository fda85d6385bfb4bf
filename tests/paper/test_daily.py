"""The report of a day: what it counts, what it leaves out, and nothing beside an exact shadow."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.envs.observation import Layout
from benbot.paper.account_rows import AccountRows
from benbot.paper.daily import (
    Reported,
    daily_report,
    days_of,
    growths,
    static_columns,
    training_of,
)
from benbot.paper.report import metrics_of, report_as_json
from benbot.strategies.records.moments import SECOND
from tests.paper.replays import environment


def reported(traded: Any, **changed: Any) -> Reported:  # noqa: ANN401
    """Return what reports are made of, some of the account's rows changed."""
    rows = replace(traded.rows, **changed)
    return Reported(rows, traded.stretch.history, shadow=environment(traded.stretch).equity)


def without(rows: AccountRows, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in getattr(rows, name)]


def test_every_bar_that_was_traded_is_in_one_day(traded: Any) -> None:  # noqa: ANN401
    rows, history = traded.rows, traded.stretch.history
    days = days_of(rows, history)
    bars = [bar for day in days for bar in range(day.first, day.last + 1)]
    assert bars == list(range(rows.first_bar + 1, rows.last_closed + 1))
    assert all(str(history.market.days[day.last]) == day.date for day in days)


def test_a_day_that_is_not_over_is_not_reported(traded: Any) -> None:  # noqa: ANN401
    rows, history = traded.rows, traded.stretch.history
    days = np.repeat(np.unique(history.market.days), 2)[: history.n_bars]  # two bars a day
    market = replace_days(history, days)
    whole = days_of(rows, market)
    cut = replace(rows, equity=rows.equity[:-1])
    assert days_of(cut, market) == (whole if rows.last_closed % 2 == 0 else whole[:-1])


def replace_days(history: Any, days: Any) -> Any:  # noqa: ANN401
    """Return a stand-in for a history, of other days."""

    class Market:
        pass

    class History:
        market = Market()

    History.market.days = days  # type: ignore[attr-defined]
    return History()


def test_a_replay_has_no_gap_to_its_shadow_and_no_slippage(traded: Any) -> None:  # noqa: ANN401
    made_of = reported(traded)
    days = days_of(made_of.rows, made_of.history)
    reports = [daily_report(made_of, day) for day in days]
    assert {one.gap for one in reports} == {0.0}
    assert {one.gap_since for one in reports} == {0.0}
    assert {one.slippage for one in reports} == {None, 0.0}
    assert {one.features.unlike for one in reports if one.features} == {0}
    grown = sum(one.growth for one in reports)
    equity = traded.rows.equity
    assert grown == pytest.approx(np.log(equity[-1]["equity"] / equity[0]["equity"]))
    told = [fill["sequence"] for one in reports for fill in one.fills]
    assert len(told) == sum(row["fill_price"] is not None for row in traded.rows.intents)
    n_verdicts = sum(sum(one.verdicts.values()) for one in reports)
    assert n_verdicts == len(traded.rows.verdicts)


def test_costs_are_those_that_the_fills_paid(traded: Any) -> None:  # noqa: ANN401
    made_of = reported(traded)
    days = days_of(made_of.rows, made_of.history)
    for day in days[:10]:
        report = daily_report(made_of, day)
        paid = sum(
            row["cost"] for row in traded.rows.intents if day.first <= row["bar"] <= day.last
        )
        assert report.costs == pytest.approx(paid)
        assert report.model_costs == pytest.approx(paid)


def test_a_dearer_fill_is_a_slippage_and_the_dearest_is_named(traded: Any) -> None:  # noqa: ANN401
    intents = without(traded.rows, "intents")
    first = next(row for row in intents if row["fill_price"] is not None)
    first["fill_price"] *= 1.0 + 2e-3 * np.sign(first["units"])  # 20 basis points
    made_of = reported(traded, intents=intents)
    day = next(one for one in days_of(made_of.rows, made_of.history) if one.last == first["bar"])
    report = daily_report(made_of, day)
    assert report.worst == pytest.approx(20.0)
    assert report.slippage is not None
    assert 0.0 < report.slippage <= 20.0


def test_what_did_not_fill_is_told_with_its_reason(traded: Any) -> None:  # noqa: ANN401
    intents = without(traded.rows, "intents")
    entries = [row for row in intents if row["reason"] == "NONE"][:3]
    kinds = [("dropped", "the cycle was too slow"), ("refused", "buying_power: no"), ("done", "")]
    for row, (status, note) in zip(entries, kinds, strict=True):
        row |= {"status": status, "note": note, "filled": 0.0, "fill_price": None, "cost": 0.0}
    made_of = reported(traded, intents=intents)
    told = [
        (one.status, one.note)
        for day in days_of(made_of.rows, made_of.history)
        for one in daily_report(made_of, day).unfilled
    ]
    assert told == [*kinds[:2], ("done", "the venue filled nothing of it")]


def test_money_that_comes_is_no_growth() -> None:
    equity = np.array([100.0, 160.0, 80.0])
    flows = np.array([0.0, 50.0, -80.0])
    # 100 grew to 110 before the 50 came; 160 stayed what it was before 80 went.
    assert growths(equity, flows) == pytest.approx([np.log(1.1), 0.0])
    assert growths(np.array([1.0, 0.0]), np.zeros(2)).tolist() == [-999.0]


def test_a_flow_moves_neither_growth_nor_gap(traded: Any) -> None:  # noqa: ANN401
    rows = traded.rows
    equity = without(rows, "equity")
    for row in equity[5:]:
        row["equity"] += 1_000.0
    moment = equity[5]["moment"] - SECOND
    event = {"kind": "flow", "subject": "cash", "reasons": '{"money":1000.0}', "moment": moment}
    made_of = reported(traded, equity=equity, events=[*rows.events, event])
    day = days_of(made_of.rows, made_of.history)[4]
    report = daily_report(made_of, day)
    plain = daily_report(reported(traded), day)
    assert report.growth == pytest.approx(plain.growth)
    assert report.gap == pytest.approx(0.0, abs=1e-9)
    assert [one["kind"] for one in report.events] == ["flow"]


def test_a_flow_between_a_close_and_its_mark_is_no_growth(traded: Any) -> None:  # noqa: ANN401
    rows = traded.rows
    equity, decisions = without(rows, "equity"), without(rows, "decisions")
    for row in equity[5:]:
        row["equity"] += 1_000.0
    decisions[5]["moment"] += 10 * SECOND  # bars become known after they closed
    moment = equity[5]["moment"] + 5 * SECOND
    event = {"kind": "flow", "subject": "cash", "reasons": '{"money":1000.0}', "moment": moment}
    made_of = reported(traded, equity=equity, decisions=decisions, events=[*rows.events, event])
    days = days_of(made_of.rows, made_of.history)
    for day in days[4:6]:
        plain = daily_report(reported(traded), day)
        assert daily_report(made_of, day).growth == pytest.approx(plain.growth, abs=1e-4)


def test_features_that_are_not_what_the_history_says_are_counted(traded: Any) -> None:  # noqa: ANN401
    decisions = without(traded.rows, "decisions")
    seen = np.frombuffer(decisions[4]["observation"], np.float32).copy()
    seen[0] += 1e-3
    decisions[4]["observation"] = seen.tobytes()
    made_of = reported(traded, decisions=decisions)
    reports = [daily_report(made_of, day) for day in days_of(made_of.rows, made_of.history)]
    assert [one.features.unlike for one in reports if one.features][:6] == [0, 0, 0, 1, 0, 0]


def test_features_are_compared_with_the_training_once_there_are_enough(traded: Any) -> None:  # noqa: ANN401
    history = traded.stretch.history
    many = np.concatenate([history.features.rows] * 3)
    long = replace(history, features=history.features._replace(rows=many))
    made_of = replace(reported(traded), training=training_of(long, 0, len(many) - 1))
    days = days_of(made_of.rows, made_of.history)
    first, last = (daily_report(made_of, day).features for day in (days[0], days[-1]))
    assert first is not None
    assert last is not None
    assert (first.n_closes, last.n_closes) == (0, 21)
    assert len(last.farthest) == 10


def test_what_the_account_sees_of_itself_is_no_feature_of_the_market() -> None:
    layout = Layout(("trend", "reversion"))
    names = [layout.names[i] for i in static_columns(layout)]
    assert "trend/forecast" in names
    assert "context/bear" in names
    own = {"trend/weight", "reversion/exposure", "context/cash", "context/account_drawdown"}
    assert not own & set(names)


def test_a_report_is_plain_and_the_same_each_time(traded: Any) -> None:  # noqa: ANN401
    made_of = reported(traded)
    day = days_of(made_of.rows, made_of.history)[-1]
    one, other = (report_as_json(daily_report(made_of, day)) for _ in range(2))
    assert one == other
    told = json.loads(one)
    metrics = metrics_of(told)
    assert metrics["paper/equity"] == traded.rows.equity[-1]["equity"]
    assert metrics["paper/gap"] == 0.0
    assert metrics["paper/n_orders"] == sum(told["orders"].values())
    assert all(np.isfinite(list(metrics.values())))


def test_what_is_no_number_is_null_in_a_report(traded: Any) -> None:  # noqa: ANN401
    made_of = reported(traded)
    report = daily_report(made_of, days_of(made_of.rows, made_of.history)[-1])
    fills = ({"model_price": np.nan, "units": 1.0},)
    told = json.loads(report_as_json(replace(report, slippage=np.nan, fills=fills)))
    assert told["slippage"] is None
    assert told["fills"] == [{"model_price": None, "units": 1.0}]
    assert "paper/slippage" not in metrics_of(told)
