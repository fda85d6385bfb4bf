"""When a stage changes: as soon as it is known that a session is over, and not before."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from benbot.strategies.tournament.binding import stages_of
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import SleeveSessions

EASY = {"trades": 0, "sharpe": 0.0, "profit_factor": 0.0, "drawdown": 1.0}
SETTINGS = TournamentSettings.model_validate(
    {
        "r1": {"days": 3, **EASY},
        "r2": {"days": 3, **EASY},
        "r3": {"days": 3, **EASY},
        "gate": {"enabled": False},
    }
)


def stages(n_bars: int, bars_a_session: int) -> list[int]:
    """Return the stage of one strategy that earns every day, from the first bars of a market."""
    session = np.arange(n_bars) // bars_a_session
    ends = np.flatnonzero(np.append(np.diff(session) != 0, True))
    n = ends.size
    counts = np.ones((n, 1), np.int64)
    earned = np.where(np.arange(n) % 2, 0.01, 0.02)[:, None]
    told = SleeveSessions(np.arange(n), ends, earned, 1000.0 + earned, 0 * counts, counts, ())
    history: Any = SimpleNamespace(
        signals=SimpleNamespace(strategies=("a",)),
        market=SimpleNamespace(session=session),
        n_bars=n_bars,
    )
    found: list[int] = stages_of(history, told, SETTINGS)[:, 0].tolist()
    return found


def test_with_one_bar_a_session_it_changes_at_the_close_of_that_bar() -> None:
    assert stages(7, 1) == [1, 1, 2, 2, 2, 3, 3]


def test_with_several_it_changes_at_the_first_bar_of_the_next_session() -> None:
    assert stages(20, 3) == [1] * 9 + [2] * 9 + [3] * 2


def test_the_stages_of_a_prefix_are_the_prefix_of_the_stages() -> None:
    for bars_a_session in (1, 2, 3):
        whole = stages(20, bars_a_session)
        for n_bars in range(bars_a_session + 1, 20):
            assert stages(n_bars, bars_a_session) == whole[:n_bars]
