"""Looking again shows what was recorded: the same numbers, side by side, and what differs."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.errors import RunMismatch, UnknownName
from benbot.envs.market.market import market_from_prices
from benbot.experiments.training.review import Question, compare_runs, evaluate_again, show_market

Say = Callable[..., str]


@pytest.fixture
def said() -> Say:
    """Return what a function that prints to a console given last has printed."""

    def call(show: Callable[..., None], *arguments: object) -> str:
        page = io.StringIO()
        show(*arguments, Console(file=page, width=100))
        return page.getvalue()

    return call


def rows(text: str) -> list[str]:
    """Return the lines of a table of results without its frame."""
    lines = (line.strip() for line in text.splitlines())
    names = ("agent,", "cash", "equal_weight", "inverse", "best_", "regime_", "random", "buy_")
    return [line for line in lines if line.startswith(names)]


def test_a_market_tells_of_splits_dividends_halts_and_borrow_rates_only_where_it_has_them(
    said: Say,
) -> None:
    days = np.array(["2020-01-02", "2020-01-03"], "datetime64[ns]")
    prices = {"close": np.ones((2, 1))}
    names = ("splits", "dividends", "halted bars", "known borrow rates")
    plain = said(show_market, market_from_prices(days, ("A",), prices))
    assert not any(name in plain for name in names)
    prices |= {"split": np.array([[1.0], [2.0]]), "dividend": np.array([[0.0], [1.0]])}
    prices |= {"halted": np.array([[1.0], [0.0]]), "borrow_rate": np.array([[0.0], [0.1]])}
    lines = said(show_market, market_from_prices(days, ("A",), prices)).splitlines()
    counts = [line.split()[-1] for line in lines if line.startswith(names[:3])]
    assert counts == ["1", "1", "1"]
    assert any(
        line.split() == ["known", "borrow", "rates", "2", "bars", "of", "a", "symbol"]
        for line in lines
    )


def test_evaluating_again_prints_the_numbers_of_the_run(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    said: Say,
) -> None:
    again = said(evaluate_again, Question(trained.id, again=True), workshop.runs)
    assert len(rows(again)) == 8
    assert rows(again) == rows(trained.said.partition("verdict, ")[0])


def test_one_bundle_of_a_seed_is_evaluated_by_its_folder(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    said: Say,
) -> None:
    folder = str(workshop.runs / trained.id / "seed-0" / "bundle")
    again = said(evaluate_again, Question(folder, segment="valid"), workshop.runs)
    assert "valid, 2003-07-08 to 2004-06-30" in again
    assert rows(again)[0].startswith("agent, 1 seed ")
    growth = workshop.children(trained.id)["seed 0"].metrics["valid/annual_return"]
    assert f"{100 * growth:.1f}".replace("-", "−") in rows(again)[0]


def test_a_policy_is_not_evaluated_on_other_strategies(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    tmp_path: Path,
    said: Say,
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(f"extends: {workshop.config}\nstrategies: [ma_crossover, rsi_reversion]\n")
    with pytest.raises(RunMismatch, match="must be what the policy was trained on"):
        said(evaluate_again, Question(trained.id, str(other), again=True), workshop.runs)


def test_what_cannot_be_evaluated_is_refused(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    tmp_path: Path,
    said: Say,
) -> None:
    with pytest.raises(UnknownName, match="segment must be one of fit, valid, test, was 'tets'"):
        said(evaluate_again, Question(trained.id, segment="tets"), workshop.runs)
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    with pytest.raises(UnknownName, match=r"has no config.yaml; name the configuration"):
        said(evaluate_again, Question(str(unfinished)), workshop.runs)
    shutil.copy(workshop.config, unfinished / "config.yaml")
    with pytest.raises(UnknownName, match="must hold a trained policy, was none"):
        said(evaluate_again, Question(str(unfinished)), workshop.runs)


def test_comparing_shows_the_results_and_only_the_parameters_that_differ(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    said: Say,
) -> None:
    children = workshop.children(trained.id)
    ids = [children["equal_weight"].id, children["cash"].id]
    shown = said(compare_runs, ids, workshop.store)
    assert "test annual return" in shown
    assert "equal_weight" in shown.splitlines()[1]
    assert ids[0][:8] in shown
    assert ids[1][:8] in shown
    assert "algo" in shown
    assert "agent.gamma" not in shown
    returned = children["equal_weight"].metrics["test/annual_return"]
    assert f"{returned:.2f}".replace("-", "−") in shown
