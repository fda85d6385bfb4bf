"""A season by the fills of paper trading: who slips more than its stage allows does not rise."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benbot.envs.errors import RunMismatch
from benbot.experiments.tournament.paper_fills import paper_slippage
from benbot.experiments.tournament.season import Season, play, play_recorded
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.records import Registered, open_records
from benbot.strategies.tournament.sleeves import sleeve_sessions
from benbot.strategies.tournament.stages import Stage
from tests.experiments.tournament.test_season import config_with

N_SESSIONS = 60
ALLOWED = 5.0  # bps, of R2 and R3


def now() -> datetime:
    return datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def season() -> Season:
    """Sixty sessions, in which somebody reaches LIVE."""
    prepared = prepare_experiment(config_with())
    sessions = sleeve_sessions(prepared.history, prepared.span("fit"))
    short = replace(sessions, days=sessions.days[:N_SESSIONS])
    return Season(prepared, "fit", short)


def highest(season: Season) -> Stage:
    return max(Stage(move.target) for moves in play(season) for move in moves)


def test_fills_as_dear_as_a_stage_allows_change_nothing_and_dearer_ones_hold_back(
    season: Season,
) -> None:
    plain = [move for moves in play(season) for move in moves]
    slippage = np.full((N_SESSIONS, 4), ALLOWED)
    as_dear = replace(season, slippage=slippage)
    assert [move for moves in play(as_dear) for move in moves] == plain
    assert highest(season) is Stage.LIVE
    assert highest(replace(season, slippage=slippage + 0.1)) is Stage.R2


def recorded(url: str, rows: list[tuple[str, str, str, float]]) -> None:
    """Write round trips of (strategy, source, day of closing, slippage)."""
    with (
        open_records(url, owner="test", clock=now) as records,
        records.change(now()) as change,
    ):
        for name in {row[0] for row in rows}:
            change.register(Registered(name, "rule", "catalogue", {}, name))
        told = [
            {
                **{"strategy": name, "source": source, "slippage": slippage, "side": 1},
                **{"opened": closed, "closed": closed, "symbol": "AAA", "reason": "stop"},
                **{"regime": "bull, low volatility", "stage": "LIVE", "units": 1.0},
                **{"entry_price": 1.0, "exit_price": 1.0, "profit": 0.0, "return": 0.0},
                **{"costs": 0.0, "weight": 1.0, "key": f"{number}"},
                **dict.fromkeys(("news", "spread", "confidence", "expected_value"), np.nan),
            }
            for number, (name, source, closed, slippage) in enumerate(rows)
        ]
        change.trades(pd.DataFrame(told))


def test_the_mean_is_of_paper_alone_and_of_what_had_closed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'records.db'}"
    recorded(
        url,
        [
            ("trend", "paper", "2020-01-02T21:00", 4.0),
            ("trend", "paper", "2020-01-03T21:00", 8.0),
            ("trend", "simulation", "2020-01-02T21:00", 99.0),
            ("reversion", "paper", "2020-01-03T21:00", np.nan),
            ("nobody", "paper", "2020-01-02T21:00", 7.0),
        ],
    )
    closes = np.array(["2020-01-01T21", "2020-01-02T21", "2020-01-03T21"], "datetime64[ns]")
    told = paper_slippage(url, ("trend", "reversion"), closes)
    assert told.tolist() == [[0.0, 0.0], [4.0, 0.0], [6.0, 0.0]]
    # A prefix of the closes gives a prefix of what is known.
    assert np.array_equal(paper_slippage(url, ("trend", "reversion"), closes[:2]), told[:2])


def test_a_season_goes_on_only_with_the_fills_it_began_with(season: Season, tmp_path: Path) -> None:
    short = replace(season, sessions=replace(season.sessions, days=season.sessions.days[:3]))
    with open_records(f"sqlite:///{tmp_path}/a.db", owner="test", clock=now) as records:
        play_recorded(replace(short, paper="sqlite:///x.db"), records)
        with pytest.raises(RunMismatch, match="only go on with the paper that it began with"):
            play_recorded(short, records)
