"""What an audit found is said plainly, and is the same every time."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.envs.market.market import Market
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.audit.audit import Effort, examine
from benbot.experiments.audit.result import AuditRow, Tolerance, first_difference
from benbot.experiments.audit.view import audit_table, show_audit, warn_of
from tests.experiments.audit.audit_subjects import EFFORT, shown, subject_with


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
