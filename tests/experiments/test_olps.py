"""The command that runs online portfolio selection over a table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benbot.agents.online.learners import FollowTheLeader
from benbot.agents.online.wealth import best_rebalanced, run
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.experiments.olps import COSTS, read_relatives, show_olps, wealth_table


def table(folder: Path, **changed: object) -> Path:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(np.exp(0.02 * rng.normal(size=(40, 3))), columns=["A", "B", "C"])
    for name, value in changed.items():
        frame[name] = value
    path = folder / "relatives.csv"
    frame.to_csv(path, index=False)
    return path


def test_every_learner_has_a_row_and_every_cost_a_column(tmp_path: Path) -> None:
    console = Console(width=120, record=True, quiet=False)
    show_olps(table(tmp_path), COSTS, console)
    text = console.export_text()
    for name in ("market", "OLMAR-2", "BCRP", "0.25 %", "turnover", "40 bars of 3 assets"):
        assert name in text


def test_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    path = table(tmp_path)
    pd.read_csv(path).to_parquet(tmp_path / "relatives.parquet")
    np.testing.assert_array_equal(
        read_relatives(path), read_relatives(tmp_path / "relatives.parquet")
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"date": "2020-01-01"}, "columns of words: date. Leave out dates"),
        ({"B": 0.0}, "row 1, column B: a price relative must be a positive number.*was 0.0"),
        ({"B": -0.5}, "row 1, column B: a price relative must be a positive number.*was -0.5"),
        ({"C": np.nan}, "row 1, column C"),
        ({"C": np.inf}, "row 1, column C.*was inf"),
    ],
)
def test_what_is_no_relative_is_refused(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(BadMarketData, match=said):
        read_relatives(table(tmp_path, **changed))


@pytest.mark.parametrize("bad", [np.nan, 0.0, -0.5, np.inf])
def test_no_learner_is_shown_what_is_no_relative(bad: float) -> None:
    relatives = np.ones((5, 2))
    relatives[3, 1] = bad
    for judge in (lambda: wealth_table(relatives, COSTS), lambda: best_rebalanced(relatives)):
        with pytest.raises(InvalidParameter, match=r"positive numbers, was .* of asset 1 in bar 3"):
            judge()
    with pytest.raises(InvalidParameter, match="positive numbers"):
        run(FollowTheLeader(2), relatives)


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMarketData, match="was not there"):
        read_relatives(tmp_path / "none.csv")
    with pytest.raises(BadMarketData, match=r"must be a .csv or .parquet file, was .xlsx"):
        read_relatives(tmp_path / "none.xlsx")


def test_a_cost_in_per_cent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=r"fraction.*was 25.*0.0025 is a quarter"):
        show_olps(table(tmp_path), (25.0,), Console(quiet=True))
