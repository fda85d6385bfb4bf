"""The printed table fits a terminal of 80 columns, whatever the numbers are."""

import io
from collections.abc import Callable

import numpy as np
from rich.console import Console

from benbot.agents.evaluation import Evaluation
from benbot.agents.roster import BASELINES
from benbot.experiments.judgement import results_table
from benbot.experiments.report import SegmentResult

Maker = Callable[..., Evaluation]
MOST_OF_IT = 18  # characters of a name; they tell all of them apart


def printed(segment: SegmentResult) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=80).print(results_table(segment))
    return page.getvalue().splitlines()


def test_every_name_and_number_fits_into_eighty_columns(walk: Maker) -> None:
    assert len({name[:MOST_OF_IT] for name in BASELINES}) == len(BASELINES)
    baselines = tuple(walk(i, name=name) for i, name in enumerate(BASELINES))
    lines = printed(SegmentResult("test", {0: walk(50), 1: walk(51)}, baselines))
    assert max(len(line) for line in lines) <= 80
    for name in BASELINES:
        assert any(line.strip().startswith(name[:MOST_OF_IT]) for line in lines), name


def test_a_number_is_never_cut_to_make_room_for_a_name(walk: Maker) -> None:
    base = walk(1)
    wild = np.exp(-8.0 * np.linspace(0.0, 1.0, base.equity.size))
    baselines = (walk(2, name="exponentiated_gradient", equity=base.equity * wild),)
    lines = printed(SegmentResult("test", {0: base}, baselines))
    row = next(line for line in lines if "expon" in line)
    assert row.rstrip().endswith("]")
    assert row.count("%") == 3
