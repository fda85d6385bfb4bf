"""How many strategies of what skill a ladder lets through, and how long it takes, as a table."""

from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benbot.strategies.tournament.noise import Kind
from benbot.strategies.tournament.power import (
    REACHED,
    Passage,
    climb,
    first_of_cohort,
    one_by_one,
    thresholds_alone,
)
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

RATIOS = (0.0, 0.5, 1.0, 2.0)  # Sharpe ratios a year
COLUMNS = ("Sharpe", "leave R1, %", "leave R2, %", "LIVE, %", "half within", "9 in 10")


@dataclass(frozen=True)
class Simulated:
    """What is simulated: how many strategies of each kind, and what they are like."""

    n: int
    volatility: float
    trades: int
    seed: int


def show_power(settings: TournamentSettings, asked: Simulated, console: Console) -> None:
    """Print a table for the thresholds alone, and one for each way to count evidence."""
    ladders = {"thresholds alone, looked at every session": thresholds_alone(settings)}
    if settings.gate.enabled:
        ladders["with the level of each stage"] = one_by_one(settings)
    if settings.gate.enabled and settings.gate.false_discoveries is not None:
        name = (
            f"and as the first of {settings.gate.planned} that is found, with "
            f"{settings.gate.false_discoveries:.0%} false discoveries"
        )
        ladders[name] = first_of_cohort(settings)
    for name, ladder in ladders.items():
        console.print(power_table(name, ladder, asked))
    console.print(
        f"Sessions until LIVE. {asked.n} strategies a line, over {settings.retirement.sessions} "
        f"sessions, a volatility of {asked.volatility:.0%} a year, {asked.trades} round trips a "
        "session, normal returns. In brackets the 95 % interval of the simulation.",
        highlight=False,
    )


def power_table(name: str, settings: TournamentSettings, asked: Simulated) -> Table:
    """Return how many of each skill reach each stage, and the sessions until LIVE."""
    table = Table(
        title=name, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, title_justify="left"
    )
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for sharpe in RATIOS:
        kind = Kind(sharpe, volatility=asked.volatility, trades=asked.trades)
        rng = np.random.default_rng(asked.seed)
        passed = climb(settings, kind, asked.n, settings.retirement.sessions, rng)
        shares = [share_of(passed[stage]) for stage in REACHED]
        table.add_row(f"{sharpe:g}", *shares, *waits_of(passed[Stage.LIVE]))
    return table


def share_of(passage: Passage) -> str:
    """Return a share with its interval, in hundredths."""
    low, high = passage.interval
    return rf"{_hundredths(passage.share)} \[{_hundredths(low)}–{_hundredths(high)}]"


def waits_of(passage: Passage) -> tuple[str, str]:
    """Return the median wait with its interval, and that of nine in ten, in sessions."""
    low, high = passage.after_interval(0.5)
    median = passage.after(0.5)
    told = "never" if np.isinf(median) else rf"{median:.0f} \[{low:.0f}–{_ends(high)}]"
    return told, _ends(passage.after(0.9))


def _ends(sessions: float) -> str:
    return "never" if np.isinf(sessions) else f"{sessions:.0f}"


def _hundredths(share: float) -> str:
    value = 100.0 * share
    return f"{value:.1f}" if value < 10.0 else f"{value:.0f}"
