"""What the page says of regimes, seeds, risk, features, hindsight and doubt."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.experiments.report.breakdown import weights_by_regime
from benbot.experiments.report.captions import KINDS, PLACED
from benbot.experiments.report.importance import CHANCE, Importance
from benbot.experiments.report.page import SegmentResult, render_report, write_spread
from benbot.experiments.verdict.statistics import Spread
from benbot.experiments.verdict.value_at_risk import BackTest
from tests.experiments.report.test_report import EXAMINED, Page, report_of

Maker = Callable[..., Evaluation]
NAN = float("nan")
PNG = b"\x89PNG"


@pytest.fixture
def two_seeds(walk: Maker) -> SegmentResult:
    agents = {3: walk(1), 8: walk(2)}
    baselines = (walk(3, name="equal_weight"), walk(4, name="best_fixed_weights"))
    return SegmentResult("test", agents, baselines)


def page_of(segment: SegmentResult, **examined: Any) -> Page:  # noqa: ANN401
    changed = replace(segment, examination=replace(EXAMINED, **examined))
    return Page(render_report(report_of(changed)))


def text_of(page: Page) -> str:
    return " ".join("".join(page.words).split())


def test_who_has_hindsight_is_marked_in_every_table(two_seeds: SegmentResult) -> None:
    page = Page(render_report(report_of(two_seeds)))
    marked = [row for row in page.rows if any("(hindsight)" in cell for cell in row)]
    assert len(marked) == 2 + 1 + 1  # performance and activity, differences, growth by regime
    assert not any("best fixed weights" in row for row in page.rows)


def test_weights_by_regime_have_a_row_each_with_the_deviation_of_the_seeds(
    two_seeds: SegmentResult,
) -> None:
    page = Page(render_report(report_of(two_seeds)))
    rows = weights_by_regime(list(two_seeds.agents.values()))
    for row in rows:
        told = next(cells for cells in page.rows if cells[0] == row.name and "±" in cells[2])
        spread = Spread(float(row.weights[0]), float(row.deviation[0]))
        assert told[2] == write_spread(spread, "p")
        assert len(told) == 2 + 3


def test_back_tests_say_what_was_expected_and_how_likely(two_seeds: SegmentResult) -> None:
    found = (
        BackTest("account", 3, 600, 40, 41, 30.0, 0.0432, 0.5, 0.1),
        BackTest("held", 3, 0, 640, 0, 0.0, NAN, NAN, NAN),
    )
    page = page_of(two_seeds, back_tests=found)
    wanted = ["the account", "3", "600", "40", "41", "30.0", "0.043", "0.500", "0.100"]
    assert page.row("the account") == wanted
    assert page.row("what was held")[-3:] == ["–", "–", "–"]
    assert "95 %, one session" in text_of(page)
    assert "Value at risk, tested" not in text_of(page_of(two_seeds))


def test_importances_end_in_what_chance_does(two_seeds: SegmentResult) -> None:
    found = (
        Importance("record", 9, 0.021, 0.01, (0.011, 0.031)),
        Importance(CHANCE, 0, 0.001, 0.004, (-0.003, 0.005)),
    )
    page = page_of(two_seeds, importances=found)
    assert page.row("record") == [
        "record",
        "9",
        "2.1 ± 1.0\u202f%",
        "+1.1\u202f%",
        "+3.1\u202f%",
    ]
    assert page.row(CHANCE)[1:3] == ["", "0.1 ± 0.4\u202f%"]
    assert "says nothing" in text_of(page)


def test_caveats_are_told_between_the_verdict_and_the_result(two_seeds: SegmentResult) -> None:
    text = text_of(Page(render_report(report_of(two_seeds))))
    assert text.index("Caveats") < text.index("Few seeds") < text.index("Result on test")


def test_every_picture_stands_once_and_says_what_it_is(two_seeds: SegmentResult) -> None:
    found = (Importance(CHANCE, 0, 0.0, NAN, (0.0,)),)
    tests = (BackTest("account", 3, 600, 40, 41, 30.0, 0.0432, 0.5, 0.1),)
    examined = replace(EXAMINED, importances=found, back_tests=tests)
    pictures = dict.fromkeys(KINDS, PNG)
    text = render_report(report_of(replace(two_seeds, figures=pictures, examination=examined)))
    assert text.count("<img ") == len(KINDS)
    for name, kind in KINDS.items():
        assert text.count(f'<img alt="{kind}: ') >= 1, name
    assert set(PLACED) < set(KINDS)
    assert np.all([len(kind) > 5 for kind in KINDS.values()])
