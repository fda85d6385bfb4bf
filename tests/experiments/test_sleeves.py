"""Every strategy alone: its own account, numbers and regimes, beside those of the others."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.agents.evaluation import Evaluation
from benbot.envs.errors import UnknownName
from benbot.experiments.config import load_config
from benbot.experiments.report.page import PER_CENT
from benbot.experiments.sleeves import (
    correlation,
    correlations_of,
    regimes_of,
    results_of,
    show_sleeves,
    trade_alone,
)
from benbot.experiments.training.preparation import Prepared, prepare_experiment

Maker = Callable[..., Evaluation]


def printed(table: object) -> str:
    page = io.StringIO()
    Console(file=page, width=200).print(table)
    return page.getvalue()


def cells(text: str, first: str) -> list[str]:
    """Return the numbers of the line of a table that begins with a label."""
    lines = (line.strip() for line in text.replace(PER_CENT, "").splitlines())
    (line,) = (line for line in lines if line.startswith(first))
    return line.removeprefix(first).split()


@pytest.fixture(scope="module")
def prepared(workshop: Any) -> Prepared:  # noqa: ANN401
    return prepare_experiment(load_config(str(workshop.config)))


def test_each_strategy_trades_for_itself_alone(prepared: Prepared) -> None:
    heard: list[int] = []
    sleeves = trade_alone(prepared, "valid", heard.append)
    assert [one.name for one in sleeves] == ["rsi_reversion", "ma_crossover", "bollinger_reversion"]
    assert heard == [1, 2, 3]
    for k, one in enumerate(sleeves):
        assert set(one.fills["strategy"].tolist()) == {k}
        assert (one.weights == np.eye(4)[k]).all()
        span = prepared.span("valid")
        assert (one.bars[0], one.bars[-1]) == (span.first, span.last)


def test_opposite_sleeves_have_a_correlation_of_minus_one_and_a_still_one_none(
    make_evaluation: Maker,
) -> None:
    up, down = [1.0, 1.1, 1.0, 1.1], [1.0, 1.0 / 1.1, 1.0, 1.0 / 1.1]
    sleeves = [make_evaluation(equity) for equity in (up, down, [1.0] * 4)]
    found = correlation(sleeves)
    assert found[:2, :2] == pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert np.isnan(found[2]).all()
    assert cells(printed(correlations_of(sleeves)), f"2 {sleeves[1].name}") == [
        "−1.00",
        "1.00",
        "–",
    ]
    assert correlation(sleeves[:1]).shape == (1, 1)


def test_growth_by_regime_is_that_of_each_sleeve(make_evaluation: Maker) -> None:
    """A year of 10 bars: 1 % in one bar of two is a mean of 0.5 %, 5 % a year."""
    regime = np.array([0, 0, 8, 8], np.int8)
    grown = [1.0, np.exp(0.01), np.exp(0.01), np.exp(0.03)]
    sleeves = [
        make_evaluation(equity, regime=regime, bars_per_year=10.0) for equity in (grown, [1.0] * 4)
    ]
    text = printed(regimes_of(sleeves))
    assert cells(text, "bear, low volatility") == ["66.7", "5.0", "0.0"]
    assert cells(text, "bull, high volatility") == ["33.3", "20.0", "0.0"]


def test_the_results_have_a_line_a_strategy_with_its_numbers(make_evaluation: Maker) -> None:
    one = make_evaluation([1.0, 1.1, 0.88], bars_per_year=2.0)
    row = cells(printed(results_of([one], "fit")), f"1 {one.name}")
    assert (row[0], row[3]) == ("−12.0", "20.0")  # a year of two bars; from 1.1 down to 0.88


def test_all_three_tables_are_printed_and_fit_a_terminal(workshop: Any) -> None:  # noqa: ANN401
    page = io.StringIO()
    show_sleeves(load_config(str(workshop.config)), "test", Console(file=page, width=80))
    text = page.getvalue()
    for title in ("Each strategy alone, test", "Correlation of", "Log growth, % a year"):
        assert title in text
    assert "…" not in text.partition("Each strategy")[2]
    words = " ".join(text.split())
    assert "benbot sleeves looks at test, and no run records it" in words


def test_prices_that_no_market_made_are_told_below_the_tables(
    workshop: Any,  # noqa: ANN401
) -> None:
    page = io.StringIO()
    chosen = ["strategies=[covered_call, ma_crossover]", "desk.capital=10000000"]
    options = ["desk.options.delta_band=0.4", "desk.options.expiries=weekly"]
    config = load_config(str(workshop.config), (*chosen, *options))
    show_sleeves(config, "test", Console(file=page, width=80))
    assert "note: option prices are synthetic: trailing volatility + 2 points" in page.getvalue()


def test_a_segment_that_there_is_not_is_refused_before_anything_is_done(
    workshop: Any,  # noqa: ANN401
) -> None:
    page = io.StringIO()
    with pytest.raises(UnknownName, match="one of fit, valid, test, was 'tset'"):
        show_sleeves(load_config(str(workshop.config)), "tset", Console(file=page))
    assert not page.getvalue()
