"""Figures are read, not admired: what must be in them is in them."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import DECISION
from benbot.envs.errors import InvalidParameter
from benbot.experiments.report.figures import (
    draw,
    drawdown_figure,
    equity_figure,
    gates_figure,
)
from benbot.experiments.report.weight_figures import weights_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Maker = Callable[..., Evaluation]


def words(figure: "Figure") -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer)
    return buffer.getvalue()


def test_every_line_of_the_equity_figure_has_its_name_beside_it(walk: Maker) -> None:
    baselines = [walk(5, name="equal_weight"), walk(6, name="cash")]
    figure = equity_figure({0: walk(1), 1: walk(2)}, baselines)
    (ax,) = figure.axes
    assert len(ax.lines) == 2 + 2 + 1  # baselines, seeds, their median
    assert {"agent", "equal weight", "cash"} <= set(words(figure))
    assert png(figure).startswith(b"\x89PNG")


def test_the_thick_line_is_the_median_seed_and_starts_at_one(walk: Maker) -> None:
    seeds = {seed: walk(seed) for seed in range(6)}
    (ax,) = equity_figure(seeds, []).axes
    drawn = np.asarray(ax.lines[-1].get_ydata())
    relative = np.array([one.equity / one.equity[0] for one in seeds.values()])
    np.testing.assert_allclose(drawn, np.median(relative, axis=0))
    assert drawn[0] == 1.0


def test_five_seeds_get_a_band_instead_of_lines(walk: Maker) -> None:
    (few,) = equity_figure({seed: walk(seed) for seed in range(4)}, []).axes
    (many,) = equity_figure({seed: walk(seed) for seed in range(5)}, []).axes
    assert (len(few.lines), len(many.lines)) == (5, 1)


def test_a_short_stretch_still_has_numbers_on_its_axis(make_evaluation: Maker) -> None:
    figure = equity_figure({0: make_evaluation([100.0, 101.0, 100.5, 102.0])}, [])
    png(figure)
    (ax,) = figure.axes
    low, high = ax.get_ylim()
    shown = [place for place in ax.get_yticks() if low <= place <= high]
    assert len(shown) >= 3


def test_a_ruined_account_can_still_be_drawn(walk: Maker) -> None:
    equity = walk(1).equity.copy()
    equity[300:] = 0.0
    for log_scale in (True, False):
        figure = equity_figure({0: walk(1, equity=equity)}, [walk(2)], log_scale=log_scale)
        assert png(figure).startswith(b"\x89PNG")


def test_drawdown_hangs_below_zero(walk: Maker) -> None:
    figure = drawdown_figure({0: walk(1)}, [walk(2, name="equal_weight")])
    (ax,) = figure.axes
    for line in ax.lines:
        values = np.asarray(line.get_ydata())
        assert values.max() == 0.0
        assert values.min() > -1.0
    assert png(figure).startswith(b"\x89PNG")


def test_gates_say_how_often_and_breakers_how_long(walk: Maker) -> None:
    figure = gates_figure({7: walk(1), 9: walk(2)})
    bars, strips = figure.axes
    total = sum(patch.get_width() for patch in bars.patches)
    assert total == 180
    assert [label.get_text() for label in strips.get_yticklabels()] == ["seed 7", "seed 9"]
    assert words(figure).count("3.3% of bars") == 2  # 20 of 601 marks


def test_gates_without_a_single_decision_say_so(walk: Maker) -> None:
    figure = gates_figure({0: walk(1, decisions=np.zeros(0, DECISION))})
    assert "no decisions" in words(figure)
    assert png(figure).startswith(b"\x89PNG")


def test_all_figures_are_drawn_and_the_same_again(walk: Maker) -> None:
    first, again = (draw({0: walk(1)}, [walk(2)]) for _ in range(2))
    assert list(first) == ["equity", "drawdown", "weights", "gates"]
    assert first == again


def test_nothing_to_draw_is_refused(make_evaluation: Maker) -> None:
    for figure_of in (weights_figure, gates_figure):
        with pytest.raises(InvalidParameter, match="was no evaluation"):
            figure_of({})
        with pytest.raises(InvalidParameter, match="an evaluation without decisions"):
            figure_of({0: make_evaluation([100.0])})
    with pytest.raises(InvalidParameter, match="at least one evaluation of two marks"):
        equity_figure({}, [])
