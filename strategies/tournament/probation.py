"""What live capital is watched by: the user's rules about the last sessions, and the detector."""

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, RecordArray
from benbot.strategies.tournament.settings import LiveSettings, TournamentSettings
from benbot.strategies.tournament.trial import RUIN, Session, sharpe, slipped

RULES = ("Sharpe ratio", "drawdown", "breaches", "slippage")
PRIOR_YEARS = 1.0  # of no skill that a record is mixed with; a prior deviation of 1 a year


def remember(rings: RecordArray, days: IntArray, session: Session) -> None:
    """Write a session over the oldest one of each ring; `days` counts those with live capital."""
    window = rings["returns"].shape[1]
    at = (np.arange(len(rings)), (days - 1) % window)
    rings["returns"][at] = session.returns
    rings["slipped"][at] = slipped(session)
    rings["trades"][at] = session.trades
    rings["breaches"][at] = session.breaches


def broken_rules(rings: RecordArray, days: IntArray, rules: LiveSettings, year: float) -> BoolArray:
    """Return which rules each breaks, (L, 4), in the order of RULES; none in a short window."""
    returns, window = rings["returns"], rules.window
    count = np.full(len(rings), window)
    ratio = sharpe(count, returns.sum(axis=1), np.square(returns).sum(axis=1), year)
    trades = rings["trades"].sum(axis=1)
    slippage = rings["slipped"].sum(axis=1) / np.maximum(trades, 1)
    broken = np.column_stack(
        [
            ~(ratio >= rules.sharpe),
            ~(falls(returns, days) <= rules.drawdown),
            ~(rings["breaches"].mean(axis=1) <= rules.breaches),
            ~(slippage <= rules.slippage),
        ]
    )
    return broken & (days >= window)[:, None]


def falls(rings: FloatArray, days: IntArray) -> FloatArray:
    """Return the largest fall from a peak within each ring, a fraction; `days` says its start."""
    n_rows, window = rings.shape
    order = (days[:, None] + np.arange(window)) % window  # oldest first
    ordered = np.take_along_axis(rings, order, axis=1)
    growth = np.log1p(np.maximum(ordered, RUIN)).cumsum(axis=1)
    growth = np.column_stack([np.zeros(n_rows), growth])
    fall: FloatArray = -np.expm1((growth - np.maximum.accumulate(growth, axis=1)).min(axis=1))
    return fall


def expected_ratio(rows: RecordArray, settings: TournamentSettings) -> FloatArray:
    """Return the Sharpe ratio a year that each row may be held to, from its record so far, (N,).

    The record is shrunk as if a year without skill stood before it: whoever is promoted has been
    lucky as well. Never below what the detector asks for at least.
    """
    year = settings.sessions_per_year
    ratio = sharpe(rows["sessions"], rows["power_1"], rows["power_2"], year)
    years = rows["sessions"] / year
    shrunk = np.nan_to_num(ratio) * years / (years + PRIOR_YEARS)
    expected: FloatArray = np.maximum(shrunk, settings.detector.least)
    return expected
