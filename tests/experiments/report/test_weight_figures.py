"""What an agent chose: one seed over time, all of them on average, and by regime."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.errors import InvalidParameter
from benbot.experiments.report.breakdown import weights_by_regime
from benbot.experiments.report.figures import to_png
from benbot.experiments.report.importance import CHANCE, Importance
from benbot.experiments.report.importance_figure import importance_figure
from benbot.experiments.report.risk_figure import risk_figure
from benbot.experiments.report.seed_figure import seeds_figure
from benbot.experiments.report.weight_figures import (
    median_seed,
    regime_weights_figure,
    weights_figure,
)
from benbot.experiments.verdict.interquartile import Interval
from benbot.experiments.verdict.value_at_risk import Forecasts

Maker = Callable[..., Evaluation]


def words(ax: object) -> set[str]:
    return {text.get_text() for text in ax.texts}  # type: ignore[attr-defined]


def test_the_stack_of_weights_is_full_and_names_cash_and_strategies(walk: Maker) -> None:
    (ax,) = weights_figure({0: walk(1)}).axes
    tops = max(path.vertices[:, 1].max() for area in ax.collections for path in area.get_paths())
    assert tops == pytest.approx(1.0)
    assert {"cash", "trend", "reversion"} <= words(ax)


def test_many_strategies_share_one_area_beyond_the_largest(walk: Maker) -> None:
    rng = np.random.default_rng(0)
    names = tuple(f"rule_{k}" for k in range(12))
    weights = rng.dirichlet(np.ones(13), 600)
    (ax,) = weights_figure({0: walk(1, strategies=names, weights=weights)}).axes
    assert len(ax.collections) == 1 + 7 + 1
    assert "5 others" in words(ax)


def test_the_seed_in_the_middle_is_drawn_and_every_seed_has_its_dots(walk: Maker) -> None:
    seeds = {seed: walk(seed) for seed in (4, 2, 9)}
    ends = sorted(seeds, key=lambda seed: seeds[seed].equity[-1])
    assert median_seed(seeds) == ends[1]
    stack, dots = weights_figure(seeds).axes
    assert any(f"seed {ends[1]}, the median of 3" in note for note in words(stack))
    drawn = [line.get_xdata() for line in dots.lines if line.get_marker() == "o"]
    cash = [one.weights[:, -1].mean() for one in seeds.values()]
    np.testing.assert_allclose(drawn[0], cash)  # cash stands at the bottom, as in the stack
    np.testing.assert_allclose(drawn[1], seeds[ends[1]].weights[:, -1].mean())


def test_of_two_seeds_the_lower_one_is_drawn(walk: Maker) -> None:
    low, high = walk(1), walk(1, equity=walk(1).equity * np.linspace(1.0, 2.0, 601))
    assert median_seed({0: high, 1: low}) == 1


def test_weights_by_regime_are_those_of_its_closes(make_evaluation: Maker) -> None:
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.3, 0.2], [0.5, 0.1, 0.4]])
    regime = np.array([4, 2, 4, -1, 2], np.int8)  # the last one belongs to no decision
    one = make_evaluation([1.0, 1.0, 1.0, 1.0, 1.0], weights=weights, regime=regime)
    other = make_evaluation([1.0] * 5, weights=weights[::-1], regime=regime)
    rows = {row.name: row for row in weights_by_regime([one, other])}
    assert list(rows) == ["bear, high volatility", "neutral, normal volatility", "unknown"]
    calm = rows["neutral, normal volatility"]
    assert calm.share == 0.5
    np.testing.assert_allclose(calm.weights, [(0.75 + 0.25) / 2, (0.15 + 0.55) / 2, 0.15])
    assert calm.deviation[0] == pytest.approx(np.std([0.75, 0.25], ddof=1))
    alone = weights_by_regime([one])[0]
    np.testing.assert_array_equal(alone.weights, weights[1])
    assert np.isnan(alone.deviation).all()
    assert weights_by_regime([]) == []


def test_the_heat_map_says_each_number_in_its_cell(walk: Maker) -> None:
    agents = {0: walk(1), 1: walk(2)}
    (ax,) = regime_weights_figure(agents).axes
    rows = weights_by_regime(list(agents.values()))
    cells = {f"{value:.0%}" for row in rows for value in row.weights}
    assert cells <= words(ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["trend", "reversion", "cash"]
    assert len(ax.get_yticklabels()) == len(rows)


def test_every_seed_has_its_line_and_its_dot_about_the_middle(walk: Maker) -> None:
    agents = {3: walk(1), 8: walk(2), 9: walk(3)}
    lines, strip = seeds_figure(agents, Interval(0.05, 0.01, 0.09)).axes
    assert {"seed 3", "seed 8", "seed 9"} <= words(lines)
    dots = [float(line.get_xdata()[0]) for line in strip.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([one.annual_growth for one in agents.values()])
    assert 0.05 in [float(line.get_xdata()[0]) for line in strip.lines]


def test_a_ruined_seed_and_an_unknown_interval_can_be_drawn(walk: Maker) -> None:
    equity = walk(1).equity.copy()
    equity[300:] = 0.0
    agents = {0: walk(1, equity=equity), 1: walk(2)}
    figure = seeds_figure(agents, Interval(float("nan"), float("nan"), float("nan")))
    assert "a ruined seed is not drawn" in words(figure.axes[1])
    assert to_png(figure).startswith(b"\x89PNG")


def test_importances_and_forecasts_can_be_drawn_even_of_nothing() -> None:
    rows = [Importance("record", 9, 0.02, 0.01, (0.01, 0.03)), Importance(CHANCE, 0, 0.0, 0.0, ())]
    (ax,) = importance_figure(rows).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["record (9)", CHANCE]
    nothing = np.zeros(0)
    empty = Forecasts(
        nothing.astype("datetime64[ns]"), nothing.astype(int), nothing, {"held": nothing}, 5
    )
    assert to_png(risk_figure(empty, 0)).startswith(b"\x89PNG")


def test_losses_beyond_the_forecast_are_marked_and_gaps_are_gaps() -> None:
    days = np.datetime64("2020-01-01", "ns") + np.array([0, 1, 5]) * np.timedelta64(1, "D")
    losses = {"held": np.array([0.02, -0.01, 0.005])}
    found = Forecasts(days, np.array([0, 1, 5]), np.array([0.01, 0.01, 0.01]), losses, 9)
    (ax,) = risk_figure(found, 0).axes
    marked = next(line for line in ax.lines if line.get_marker() == "o")
    assert list(marked.get_ydata()) == [0.02]
    forecast = next(line for line in ax.lines if len(line.get_ydata()) == 3)
    assert np.isnan(forecast.get_ydata()).tolist() == [False, False, True]


def test_nothing_to_draw_is_refused(make_evaluation: Maker) -> None:
    for figure_of in (weights_figure, regime_weights_figure):
        with pytest.raises(InvalidParameter, match="was no evaluation"):
            figure_of({})
        with pytest.raises(InvalidParameter, match="an evaluation without decisions"):
            figure_of({0: make_evaluation([100.0])})
