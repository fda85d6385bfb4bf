"""How sure a record has to be: the ratio from sums, and what a second attempt costs."""

import numpy as np
import pytest

from benbot.strategies.sharpe import minimum_length_2012, probabilistic_2012, track_of
from benbot.strategies.tournament.gate import probability, sessions_needed, sure, track_of_sums
from benbot.strategies.tournament.ladder import row_of
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

SETTINGS = TournamentSettings()


def row_with(returns: np.ndarray, odds: float = 1.0, attempt: int = 1) -> np.ndarray:
    rows = np.zeros(1, row_of(SETTINGS))
    rows["sessions"], rows["attempt"] = returns.size, attempt
    for power in range(1, 5):
        rows[f"power_{power}"] = (returns**power).sum()
    rows["wealth"] = np.log(odds)
    return rows


def test_the_sums_tell_the_track_that_the_returns_tell() -> None:
    returns = 0.001 + 0.01 * np.random.default_rng(0).standard_t(5, 300)
    row, track = row_with(returns)[0], track_of(returns)
    told = track_of_sums(row)
    for name in ("ratio", "n_bars", "skewness", "kurtosis"):
        assert getattr(told, name) == pytest.approx(getattr(track, name), rel=1e-6)
    assert probability(row, SETTINGS) == pytest.approx(probabilistic_2012(track))
    needed = minimum_length_2012(track, 0.0, 0.8)
    assert sessions_needed(row, 0.2, SETTINGS) == pytest.approx(needed)


def test_the_level_is_one_over_the_odds_and_a_second_attempt_needs_four_times_as_much() -> None:
    good = 0.002 + 0.01 * np.random.default_rng(1).standard_normal(500)
    for odds, attempt, is_sure in ((20.1, 1, 1), (19.9, 1, 0), (79.0, 2, 0), (81.0, 2, 1)):
        assert sure(row_with(good, odds, attempt), Stage.R3, SETTINGS).tolist() == [is_sure]


def test_odds_without_a_record_as_long_as_its_least_are_not_enough() -> None:
    short = 0.0005 + 0.01 * np.random.default_rng(2).standard_normal(30)
    assert not sure(row_with(short, 1e6), Stage.R3, SETTINGS)[0]
    assert not sure(row_with(np.zeros(30), 1e6), Stage.R3, SETTINGS)[0]
    assert not sure(row_with(np.full(30, 0.01), 1e6), Stage.R3, SETTINGS)[0]
