"""Rules about the last sessions, by hand, and what a detector says when nothing has changed."""

import numpy as np
import pytest

from benbot.strategies.tournament.evidence import FEWEST, weigh
from benbot.strategies.tournament.ladder import ring_of, row_of
from benbot.strategies.tournament.probation import (
    RULES,
    broken_rules,
    expected_ratio,
    falls,
    remember,
)
from benbot.strategies.tournament.settings import LiveSettings, TournamentSettings
from benbot.strategies.tournament.trial import Session

SETTINGS = TournamentSettings(live=LiveSettings(window=4))
GOOD = np.array([0.01, 0.02, 0.01, 0.02])


def rings_after(returns: np.ndarray, **changed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return one ring and its days after so many sessions."""
    rings, n = np.zeros(1, ring_of(SETTINGS)), returns.size
    columns = {"trades": np.ones(n, int), "slippage": np.zeros(n), "breaches": np.zeros(n, int)}
    columns |= changed
    for t in range(n):
        own = Session(returns[[t]], *(columns[name][[t]] for name in Session._fields[1:]))
        remember(rings, np.array([t + 1]), own)
    return rings, np.array([n])


def broken(returns: np.ndarray, **changed: np.ndarray) -> list[str]:
    rings, days = rings_after(returns, **changed)
    which = broken_rules(rings, days, SETTINGS.live, 252.0)[0]
    return [name for name, is_broken in zip(RULES, which, strict=True) if is_broken]


def test_the_fall_is_that_in_the_order_of_time_wherever_the_ring_begins() -> None:
    # The last four are +10 %, -5 %, -5 %, +10 %, written from the middle of the ring on.
    rings, days = rings_after(np.array([0.5, -0.5, 0.1, -0.05, -0.05, 0.1]))
    assert falls(rings["returns"], days)[0] == pytest.approx(1.0 - 0.95**2)


def test_each_rule_is_broken_by_what_it_is_about() -> None:
    assert broken(GOOD) == []
    assert broken(-GOOD / 10) == ["Sharpe ratio"]
    assert broken(np.array([0.1, 0.1, -0.07, 0.1])) == ["drawdown"]
    assert broken(GOOD, breaches=np.array([4, 3, 3, 3])) == ["breaches"]
    assert broken(GOOD, slippage=np.array([0.0, 0.0, 0.0, 32.1])) == ["slippage"]
    assert broken(GOOD, slippage=np.array([0.0, 0.0, 0.0, 32.0])) == []
    weighted = {"trades": np.array([1, 1, 1, 9]), "slippage": np.array([0.0, 0.0, 0.0, 11.0])}
    assert broken(GOOD, **weighted) == ["slippage"]


def test_no_rule_is_asked_before_the_window_is_full() -> None:
    assert broken(np.full(3, -0.1)) == []
    assert broken(np.full(4, -0.1)) == ["Sharpe ratio", "drawdown"]


def test_a_strategy_is_held_to_its_record_as_if_a_year_without_skill_stood_before_it() -> None:
    returns = np.where(np.arange(252) % 2, 0.012, -0.008)
    rows = np.zeros(1, row_of(SETTINGS))
    rows["sessions"], rows["power_1"], rows["power_2"] = 252, returns.sum(), (returns**2).sum()
    ratio = returns.mean() / returns.std(ddof=1) * np.sqrt(252.0)
    assert expected_ratio(rows, SETTINGS)[0] == pytest.approx(ratio / 2.0)
    rows["power_1"] = 0.0
    assert expected_ratio(rows, SETTINGS)[0] == SETTINGS.detector.least


def test_the_alarm_of_a_skill_that_goes_on_is_no_more_than_the_sessions_on_average() -> None:
    n, held_to = 4000, 2.0
    rng = np.random.default_rng(0)
    rows = np.zeros(n, row_of(SETTINGS))
    rows["held_to"] = held_to
    gone = rows.copy()
    for _ in range(FEWEST + 250):
        noise = 0.01 * rng.standard_normal(n)
        weigh(rows, noise + 0.01 * held_to / np.sqrt(252.0), SETTINGS)
        weigh(gone, noise, SETTINGS)
    error = rows["alarm"].std() / np.sqrt(n)
    assert rows["alarm"].mean() <= 250.0 + 3.0 * error
    assert np.median(gone["alarm"]) > 1.5 * np.median(rows["alarm"])
