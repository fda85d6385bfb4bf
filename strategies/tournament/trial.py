"""The record of the present stage, and what the user's thresholds make of it."""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, RecordArray
from benbot.strategies.tournament.settings import StageSettings

FEWEST = 2  # sessions, below which there is no deviation
RUIN = -0.999  # a loss of more counts as this one, so that its logarithm exists


class Session(NamedTuple):
    """What each of N strategies did in one session.

    returns    fraction of its capital; NaN: it had no session, which counts for nothing
    trades     round trips that it closed
    slippage   mean of its trades in bps above what the model said; NaN where there was none
    breaches   limits that it broke
    """

    returns: FloatArray
    trades: IntArray
    slippage: FloatArray
    breaches: IntArray

    def of(self, which: BoolArray) -> "Session":
        """Return the same of some of the strategies."""
        return Session(
            self.returns[which], self.trades[which], self.slippage[which], self.breaches[which]
        )


def record(rows: RecordArray, session: Session) -> None:
    """Add a session to the record of every row; returns are finite."""
    returns = session.returns
    rows["days"] += 1
    rows["sessions"] += 1
    rows["trades"] += session.trades
    rows["breaches"] += session.breaches
    rows["slipped"] += slipped(session)
    rows["total"] += returns
    rows["square"] += returns**2
    rows["gain"] += np.maximum(returns, 0.0)
    rows["loss"] += np.maximum(-returns, 0.0)
    rows["growth"] += np.log1p(np.maximum(returns, RUIN))
    rows["peak"] = np.maximum(rows["peak"], rows["growth"])
    rows["fall"] = np.maximum(rows["fall"], -np.expm1(rows["growth"] - rows["peak"]))
    for power in range(1, 5):
        rows[f"power_{power}"] += returns**power


def slipped(session: Session) -> FloatArray:
    """Return the bps above the model, summed over the trades of the session, (N,)."""
    traded = session.trades > 0
    return np.where(traded, session.trades * np.where(traded, session.slippage, 0.0), 0.0)


def sharpe(count: IntArray, total: FloatArray, square: FloatArray, year: float) -> FloatArray:
    """Return Sharpe ratios a year from sums of returns; NaN where returns do not vary, (N,)."""
    enough = np.maximum(count, FEWEST)
    mean = total / enough
    variance = (square - enough * mean**2) / (enough - 1.0)
    defined = (count >= FEWEST) & (variance > 1e-14 * square / enough)
    scale = np.sqrt(np.where(defined, variance, 1.0))
    return np.where(defined, np.sqrt(year) * mean / scale, np.nan)


def profit_factor(rows: RecordArray) -> FloatArray:
    """Return gains over losses of the sessions; inf without a loss, NaN without either, (N,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor: FloatArray = rows["gain"] / rows["loss"]
    return factor


def mean_slippage(rows: RecordArray) -> FloatArray:
    """Return bps a trade above the model; 0 without trades, (N,)."""
    mean: FloatArray = rows["slipped"] / np.maximum(rows["trades"], 1)
    return mean


def passes(rows: RecordArray, asked: StageSettings, year: float) -> BoolArray:
    """Return which rows meet every threshold of a stage; what is not a number does not, (N,)."""
    ratio = sharpe(rows["days"], rows["total"], rows["square"], year)
    limit = np.inf if asked.slippage is None else asked.slippage
    met: BoolArray = (
        (rows["days"] >= asked.days)
        & (rows["trades"] >= asked.trades)
        & (ratio >= asked.sharpe)
        & (profit_factor(rows) >= asked.profit_factor)
        & (rows["fall"] <= asked.drawdown)
        & (mean_slippage(rows) <= limit)
        & (rows["breaches"] <= asked.breaches)
    )
    return met
