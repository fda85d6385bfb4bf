"""Wealth of bets: by hand, and as little as was promised on returns without skill."""

import numpy as np
import pytest

from benbot.strategies.tournament.evidence import FEWEST, log_evidence, spread_of, weigh
from benbot.strategies.tournament.ladder import Ladder, ring_of, row_of
from benbot.strategies.tournament.settings import TournamentSettings

SETTINGS = TournamentSettings()
YEAR = np.sqrt(252.0)


def rows_after(returns: np.ndarray) -> np.ndarray:
    rows = np.zeros(returns.shape[1], row_of(SETTINGS))
    for row in returns:
        weigh(rows, row, SETTINGS)
    return rows


def test_the_first_bet_is_made_with_the_deviation_of_twenty_sessions() -> None:
    returns = np.full((FEWEST + 1, 1), 0.01)
    returns[:FEWEST:2] = -0.01
    rows = rows_after(returns)
    wealth = np.mean([1.0 + 1.0 / YEAR, 1.0 + 2.0 / YEAR])  # it won one deviation
    assert np.exp(log_evidence(rows)[0]) == pytest.approx(wealth)
    hoped = 1.5 / YEAR
    assert np.exp(rows["doubt"][0]) == pytest.approx(1.0 + hoped * (hoped - 1.0))


def test_a_session_without_a_position_says_nothing() -> None:
    returns = 0.01 * np.random.default_rng(0).standard_normal((60, 1))
    apart = np.zeros((120, 1))
    apart[::2] = returns
    assert rows_after(returns).tobytes() == rows_after(apart).tobytes()


def test_a_gain_counts_as_six_deviations_at_most_and_a_loss_as_it_is() -> None:
    before = 0.01 * np.where(np.arange(FEWEST) % 2, 1.0, -1.0)
    ends = np.array([0.06, 0.5, -0.06, -0.5])
    rows = rows_after(np.vstack([np.tile(before[:, None], 4), ends]))
    evidence = log_evidence(rows)
    assert evidence[0] == pytest.approx(evidence[1])
    assert np.exp(evidence[3]) < 0.3 * np.exp(evidence[2])


def test_correlated_returns_are_known_to_vary_more_together() -> None:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((2000, 50))
    together = noise.copy()
    for t in range(1, len(noise)):
        together[t] = 0.3 * together[t - 1] + np.sqrt(1 - 0.09) * noise[t]
    assert spread_of(rows_after(0.01 * noise)).mean() == pytest.approx(1.0, abs=0.1)
    assert spread_of(rows_after(0.01 * together)).mean() == pytest.approx(1.3 / 0.7, abs=0.2)


def test_the_mean_of_wealth_without_skill_stays_below_one() -> None:
    """Over 10,000 records; of 250 sessions, after which wealth is not yet a rare jackpot."""
    returns = 0.01 * np.random.default_rng(4).standard_normal((250, 10_000))
    rows = rows_after(returns)
    wealth = np.exp(rows["wealth"])
    error = wealth.std(axis=0) / np.sqrt(len(wealth))
    assert (wealth.mean(axis=0) < 1.0 + 3.0 * error).all()
    assert wealth.mean() > 0.9


def test_a_state_of_numbers_that_are_none_is_never_written() -> None:
    ladder = Ladder(
        rows_after(np.full((30, 1), 0.01)), np.zeros(1, ring_of(SETTINGS)), ["a"], ["b"]
    )
    ladder.rows["doubt"] = np.nan
    with pytest.raises(AssertionError, match="doubt of the ladder must be finite"):
        ladder.state()
