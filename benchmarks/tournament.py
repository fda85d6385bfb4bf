"""What a ladder promises and what it costs: `python -m benchmarks.tournament TABLE`.

noise     how many of 1,000 strategies without skill ever reach LIVE in a season of five years
lost      within how many sessions live capital is taken from an edge that is gone, and how long an
          edge that is not gone keeps it
season    seconds that a season of 100 strategies takes on 1,258 days of 88 symbols
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benbot.envs.errors import InvalidParameter
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.tournament.power_view import share_of
from benbot.experiments.tournament.season import Season, play, play_recorded
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import RULES
from benbot.strategies.records import open_records
from benbot.strategies.tournament.noise import NOISES, Kind
from benbot.strategies.tournament.power import (
    changed,
    climb,
    one_by_one,
    tenure,
    thresholds_alone,
)
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import sleeve_sessions
from benbot.strategies.tournament.stages import Stage

N_STRATEGIES, N_SESSIONS = 1_000, 1_258
SEASON_STRATEGIES, SEASON_SYMBOLS, GOAL = 100, 88, 60.0
SETTINGS = TournamentSettings()
SKILLED = 2.0  # Sharpe ratio a year of the edge that is lost
LOST = (400, 2_500)  # strategies and sessions of the simulation
WAITS = (0, 126)  # sessions with live capital before the edge is gone


def main() -> None:
    """Print one of the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tournament", description=__doc__)
    parser.add_argument("table", choices=list(TABLES))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    Console(width=150).print(TABLES[asked.table](asked.seed))


def noise(seed: int) -> Table:
    """Return how many without skill reach LIVE, by kind of noise and ladder."""
    table = Table(title=f"LIVE, % of {N_STRATEGIES} without skill in {N_SESSIONS} sessions")
    for column in ("noise", "thresholds alone", "level of each", "as it is by default"):
        table.add_column(column, justify="left" if column == "noise" else "right")
    table.caption = "in brackets binomial intervals, too narrow where strategies are correlated"
    ladders = (thresholds_alone(SETTINGS), one_by_one(SETTINGS), SETTINGS)
    for name in NOISES:
        shares = []
        for ladder in ladders:
            rng = np.random.default_rng(seed)
            reached = climb(ladder, Kind(noise=name), N_STRATEGIES, N_SESSIONS, rng)
            shares.append(share_of(reached[Stage.LIVE]))
        table.add_row(name, *shares)
    return table


def lost(seed: int) -> Table:
    """Return how fast a lost edge is noticed, and how long one that is not lost is kept."""
    table = Table(title=f"Live capital of a Sharpe ratio of {SKILLED:g} a year")
    heads = ("watched by", "volatility", "edge", "strategies", "half within", "95 % within", "mean")
    for column in heads:
        table.add_column(column, justify="left" if column == "watched by" else "right")
    watches = {
        "rules of probation": changed(SETTINGS, detector={"enabled": False}),
        "detector": changed(SETTINGS, live={"broken": 4}),
        "both": SETTINGS,
    }
    for name, settings in watches.items():
        for volatility in (0.08, 0.16):
            for wait in (*WAITS, None):
                kind = Kind(SKILLED, volatility=volatility)
                rng = np.random.default_rng(seed)
                kept = tenure(one_by_one(settings), kind, LOST, wait, rng)
                edge = "goes on" if wait is None else f"gone after {wait}"
                numbers = (kept.within(0.5), kept.within(0.95), kept.mean)
                told = ("–" if np.isinf(each) else f"{each:,.0f}" for each in numbers)
                table.add_row(name, f"{volatility:.0%}", edge, f"{kept.sessions.size}", *told)
    return table


def season(seed: int) -> Table:
    """Return the seconds of each part of a season of rules with drawn parameters."""
    table = Table(
        title=f"{SEASON_STRATEGIES} strategies, {N_SESSIONS} days, {SEASON_SYMBOLS} symbols"
    )
    table.add_column("part")
    for column in ("seconds", "of processor time"):
        table.add_column(column, justify="right")
    config = drawn_config(seed)
    warm = prepare_experiment(drawn_config(seed, n_strategies=3, n_symbols=12))
    sleeve_sessions(warm.history, warm.span("fit"))  # compiles what is not compiled yet
    prepared, *spent = timed(lambda: prepare_experiment(config))
    table.add_row("market, signals, features", *spent)
    sessions, *spent = timed(lambda: sleeve_sessions(prepared.history, prepared.span("fit")))
    table.add_row("every strategy alone on the desk", *spent)
    played = Season(prepared, "fit", sessions)
    _, *spent = timed(lambda: list(play(played)))
    table.add_row("the tournament", *spent)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'records.db'}"
        with open_records(url, owner="benchmark", clock=lambda: datetime.now(UTC)) as records:
            _, *spent = timed(lambda: play_recorded(played, records))
    table.add_row("the tournament with a store, a transaction a session", *spent)
    table.caption = f"goal: less than {GOAL:.0f} seconds for the second and the last together"
    return table


def timed(run: Callable[[], object]) -> tuple[object, str, str]:
    """Return what a run returns, and the seconds that it took: by the clock and of processor."""
    wall, processor = time.perf_counter(), time.process_time()
    result = run()
    spent = (time.perf_counter() - wall, time.process_time() - processor)
    return result, f"{spent[0]:.1f}", f"{spent[1]:.1f}"


def drawn_config(
    seed: int, n_strategies: int = SEASON_STRATEGIES, n_symbols: int = SEASON_SYMBOLS
) -> ExperimentConfig:
    """Return a season of daily rules with drawn parameters on a synthetic market."""
    rng = np.random.default_rng(seed)
    daily = [rule for rule in RULES if not rule().needs_news and rule().warmup < N_SESSIONS // 3]
    chosen: list[dict[str, object]] = []
    while len(chosen) < n_strategies:
        rule = daily[len(chosen) % len(daily)]
        drawn = {"name": rule.rule, "label": f"{rule.rule}.{len(chosen)}"} | draw(rule, rng)
        chosen.append(drawn)
    source = SyntheticSource(n_bars=N_SESSIONS + 20, n_symbols=n_symbols, seed=seed)
    days = load_synthetic(source).days.astype(str)
    tree = {
        "name": "season",
        "market": source.model_dump(mode="json"),
        "strategies": chosen,
        "segments": {
            "fit": {"start": days[0], "end": days[N_SESSIONS]},
            "valid": {"start": days[N_SESSIONS + 1], "end": days[N_SESSIONS + 9]},
            "test": {"start": days[N_SESSIONS + 10], "end": days[-1]},
        },
    }
    return ExperimentConfig.model_validate(tree)


def draw(rule: type[Strategy], rng: np.random.Generator) -> dict[str, float]:
    """Draw parameters within half of their range around the default, until the rule takes them."""
    for _ in range(1000):
        drawn = {}
        for name, wanted in rule.parameters().items():
            low = wanted.default - (wanted.default - wanted.low) / 4
            high = wanted.default + (min(wanted.high, 2 * wanted.default) - wanted.default) / 4
            value = float(rng.uniform(low, max(high, low)))
            drawn[name] = round(value) if wanted.whole else round(value, 4)
        try:
            made = rule(label="drawn", **drawn)
        except InvalidParameter:
            continue
        if made.warmup < N_SESSIONS // 2:
            return drawn
    raise InvalidParameter(f"{rule.rule} must take some drawn parameters, took none of a thousand")


TABLES: dict[str, Callable[[int], Table]] = {"noise": noise, "lost": lost, "season": season}

if __name__ == "__main__":
    main()
