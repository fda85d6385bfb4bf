"""A season on a small market: what strategies do alone, the store, and going on after a kill."""

import io
import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.audit.audit import Effort, audit
from benbot.experiments.audit.columns import FEATURE, OBSERVATION, history_columns
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.tournament.season import Season, digest_of, play, play_recorded
from benbot.experiments.tournament.view import events_table, ladder_table, moves_of, stage_metrics
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.records import Records, open_records
from benbot.strategies.tournament.binding import bound, stages_of
from benbot.strategies.tournament.sleeves import earned, sleeve_sessions
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Tournament

KILLS, MANY_KILLS = 3, 200
LONGEST = 300.0  # seconds that a child may take
CONFIG: dict[str, Any] = {
    "name": "season",
    "market": {"source": "synthetic", "n_bars": 220, "n_symbols": 4, "n_sectors": 2},
    "strategies": [
        {"name": "ma_crossover", "label": "fast", "fast": 2, "slow": 10},
        {"name": "ma_crossover", "label": "slow", "fast": 10, "slow": 30},
        {"name": "bollinger_reversion", "window": 10, "width": 1.0},
        {"name": "rsi_reversion", "window": 5},
    ],
    "regime": {"trend_window": 10, "volatility_window": 5, "volatility_history": 20},
    "tournament": {
        "r1": {"days": 3, "trades": 1, "sharpe": 0.0, "profit_factor": 1.0, "drawdown": 0.5},
        "r2": {"days": 4, "trades": 1, "sharpe": 0.0, "profit_factor": 1.0, "drawdown": 0.4},
        "r3": {"days": 5, "trades": 1, "sharpe": 0.0, "profit_factor": 1.0, "drawdown": 0.3},
        "gate": {"enabled": False},
    },
}


def config_with(**changed: Any) -> ExperimentConfig:  # noqa: ANN401
    days = load_synthetic(SyntheticSource(n_bars=220, n_symbols=4, n_sectors=2)).days.astype(str)
    ends = {"fit": (40, 179), "valid": (180, 199), "test": (200, 219)}
    segments = {k: {"start": days[a], "end": days[b]} for k, (a, b) in ends.items()}
    return ExperimentConfig.model_validate(CONFIG | {"segments": segments} | changed)


@pytest.fixture(scope="module")
def season() -> Season:
    """139 sessions of 4 strategies."""
    prepared = prepare_experiment(config_with())
    return Season(prepared, "fit", sleeve_sessions(prepared.history, prepared.span("fit")), "run")


@pytest.fixture(scope="module")
def brief(season: Season) -> Season:
    """The first 60 sessions, in which somebody reaches LIVE."""
    return replace(season, sessions=replace(season.sessions, days=season.sessions.days[:60]))


def opened(url: str) -> Records:
    return open_records(url, owner="test", clock=lambda: datetime.now(UTC), takes_over=True)


def content(records: Records) -> dict[str, str]:
    """Return everything that a store has of a season, as text."""
    frames = {"trades": records.trades(limit=10**6), "ladder": records.ladder()}
    frames["summary"] = records.summary(by=("strategy", "source", "stage"))
    moves = moves_of(records)
    told = {name: frame.to_csv(index=False) for name, frame in (frames | {"moves": moves}).items()}
    return told | {"state": json.dumps(records.state("tournament"), sort_keys=True)}


def test_sleeves_do_what_those_of_the_tape_do(season: Season) -> None:
    history = season.prepared.history
    whole = sleeve_sessions(history, Span(0, history.n_bars - 1))
    growth = np.log1p(whole.returns)
    np.testing.assert_allclose(growth, history.tape.sleeve_return[1:], atol=1e-9)
    assert whole.n_trades.sum() == sum(len(own) for own in whole.trades) > 50
    for i, own in enumerate(whole.trades):
        assert (own["closed"] == whole.last_bars[i]).all()
    losses = history.rules.breakers.daily_loss
    np.testing.assert_array_equal(whole.breaches == 1, whole.returns <= -losses)


def test_the_session_that_ruins_an_account_is_told_and_those_after_it_are_none() -> None:
    at_end = np.array([[50.0, 110.0], [4.0, -3.0], [4.0, -3.0]])
    at_start = np.vstack([[100.0, 100.0], at_end[:-1]])
    returns, equity = earned(at_start, at_end, least=10.0)
    np.testing.assert_allclose(returns, [[-0.5, 0.1], [-0.92, -0.999], [np.nan, np.nan]])
    np.testing.assert_allclose(equity[1], [4.0, 0.11])
    assert (equity[1] > 0.0).all()  # as the store of records wants it
    unknown, _ = earned(np.array([[100.0]]), np.array([[np.nan]]), least=10.0)
    assert np.isnan(unknown).all()


def test_a_season_with_a_store_is_the_season_without_one(brief: Season, tmp_path: Path) -> None:
    moves = [move for session in play(brief) for move in session]
    with opened(f"sqlite:///{tmp_path}/a.db") as records:
        tournament = play_recorded(brief, records)
        kept, ladder, trades = moves_of(records), records.ladder(), records.trades(limit=10**6)
        assert records.verify().n_events == len(moves) + 4
        days = records.summary(by=("strategy", "source"))["days"]
    names = tournament.ladder.names
    assert [(names[m.strategy], m.target.name, str(m.reason), m.note) for m in moves] == list(
        kept[["subject", "to", "reason", "note"]].itertuples(index=False, name=None)
    )
    assert "LIVE" in set(kept["to"])
    stands = dict(zip(ladder["strategy"], ladder["stage"], strict=True))
    assert stands == {n: Stage(s).name for n, s in zip(names, tournament.stages, strict=True)}
    assert len(trades) == sum(len(own) for own in brief.sessions.trades[:60])
    assert (days == brief.sessions.n_sessions).all()
    assert (trades["slippage"] == 0.0).all()
    assert trades["confidence"].between(0.0, 1.0).all()


def test_a_season_ends_with_tables_and_numbers(brief: Season, tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/a.db") as records:
        tournament = play_recorded(brief, records)
        moves = moves_of(records)
    names = tournament.ladder.names
    for width, columns in ((70, 7), (200, 9)):
        table, said = ladder_table(brief, tournament, width), io.StringIO()
        Console(file=said, width=width).print(table)
        assert (table.row_count, len(table.columns)) == (4, columns)
        assert "capital" in said.getvalue()
        assert all(name in said.getvalue() for name in names)
    said = io.StringIO()
    Console(file=said, width=80).print(events_table(moves))
    assert all(name in said.getvalue() for name in names)
    assert events_table(moves).row_count == min(len(moves), 40)
    days, metrics = zip(*stage_metrics(brief, moves), strict=True)
    assert list(days) == sorted(set(days))
    assert all(sum(each.values()) == 4.0 for each in metrics)


def _play(season: Season, url: str) -> None:
    with opened(url) as records:
        play_recorded(season, records)


def killed_and_resumed(brief: Season, url: str, n_kills: int, seed: int) -> dict[str, str]:
    """Play a season in children of which so many are killed, and return what the store has."""
    rng, fork = np.random.default_rng(seed), multiprocessing.get_context("fork")
    for i in range(n_kills + 1):
        child = fork.Process(target=_play, args=(brief, url))
        child.start()
        if i < n_kills:
            time.sleep(float(rng.uniform(0.02, 0.5)))
            if child.pid is not None:
                os.kill(child.pid, signal.SIGKILL)
        child.join(LONGEST)
        assert i < n_kills or child.exitcode == 0
    with opened(url) as records:
        return content(records)


@pytest.fixture(scope="module")
def through(brief: Season, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a store has of the season when nobody is killed."""
    with opened(f"sqlite:///{tmp_path_factory.mktemp('through')}/a.db") as records:
        play_recorded(brief, records)
        return content(records)


def test_a_season_that_is_killed_goes_on_and_ends_the_same(
    brief: Season, through: dict[str, str], tmp_path: Path
) -> None:
    assert killed_and_resumed(brief, f"sqlite:///{tmp_path}/b.db", KILLS, 1) == through


@pytest.mark.nightly
def test_a_season_that_is_killed_two_hundred_times_ends_the_same(
    brief: Season, through: dict[str, str], tmp_path: Path
) -> None:
    assert killed_and_resumed(brief, f"sqlite:///{tmp_path}/b.db", MANY_KILLS, 2) == through


@pytest.mark.nightly
def test_a_season_in_postgresql_that_is_killed_two_hundred_times_ends_the_same(
    brief: Season, through: dict[str, str], server: str
) -> None:
    assert killed_and_resumed(brief, server, MANY_KILLS, 3) == through


def test_a_season_goes_on_only_with_what_it_began_with(brief: Season, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    days = replace(brief.sessions, days=brief.sessions.days[:5])
    short = replace(brief, sessions=days)
    with opened(url) as records:
        play_recorded(short, records)
        with pytest.raises(RunMismatch, match="only go on with the segment that it began with"):
            play_recorded(replace(brief, segment="valid"), records)
        changed = replace(brief.prepared, config=config_with(tournament=None))
        with pytest.raises(RunMismatch, match="only go on with the config that it began with"):
            play_recorded(replace(brief, prepared=changed), records)
        assert play_recorded(brief, records).ladder.session == brief.sessions.days[-1]


def test_a_tournament_that_binds_gives_the_money_to_live_alone(season: Season) -> None:
    config = season.prepared.config
    history, settings = season.prepared.history, config.tournament
    assert settings is not None
    assert bound(history, settings) is history
    assert bound(history, None) is history
    binding = settings.model_copy(update={"binding": True})
    held = bound(history, binding)
    sessions = sleeve_sessions(history, Span(0, history.n_bars - 1))
    stages = stages_of(history, sessions, binding)
    np.testing.assert_array_equal(held.features.allowed, stages == Stage.LIVE)
    assert held.features.allowed.any()
    first = Tournament(settings)
    for name in history.signals.strategies:
        first.register(name, name)
    np.testing.assert_array_equal(stages[0], first.stages)


def test_a_stage_is_known_at_the_close_of_its_session_and_not_before(season: Season) -> None:
    history, sessions, settings = season.prepared.history, season.sessions, season.settings
    stages = stages_of(history, sessions, settings)
    moved = np.flatnonzero((np.diff(stages, axis=0) != 0).any(axis=1)) + 1
    assert moved.size >= 5
    for bar in moved:
        later = sessions.last_bars >= bar
        returns = np.where(later[:, None], -0.2, sessions.returns)
        other = stages_of(history, replace(sessions, returns=returns), settings)
        np.testing.assert_array_equal(other[:bar], stages[:bar])
        assert (other[bar] != stages[bar]).any()


def test_the_audit_looks_at_the_stages_and_finds_no_leak() -> None:
    config = config_with(tournament=CONFIG["tournament"] | {"binding": True})
    prepared = prepare_experiment(config)
    names = {(key.group, key.name) for key in history_columns(prepared.history)}
    assert {(FEATURE, "allowed"), (OBSERVATION, "stage")} <= names
    assert not audit(prepared, Effort(cuts=4, starts=1, orders=1)).leaks


def test_the_digest_of_a_strategy_is_that_of_its_parameters(season: Season) -> None:
    fast, slow = season.prepared.config.strategies[:2]
    assert digest_of(fast) != digest_of(slow)
    assert digest_of(fast) == digest_of(fast.model_copy(update={"label": "other"}))
    with pytest.raises(ValidationError, match="sharpe of R2 must be as much or more"):
        config_with(tournament={"r2": {"sharpe": 0.1}})
