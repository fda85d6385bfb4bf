"""VWAP reversion: within the day, long well below the session's average price, short well above it.

The average is weighted by volume (VWAP): what those who traded today paid in the mean, and what
those who must trade much are measured by. A position ends when the price is back at it, or shortly
before the close. Makes money on days on which large orders push the price and are then done. Loses
on days with news, when the price leaves in the morning and does not come back, and pays the spread
often. Source: Berkowitz, Logue and Noser, The Total Cost of Transactions on the NYSE, Journal of
Finance, 1988, for the average as a benchmark. That prices return to it is a rule of traders, to our
knowledge without a paper of its own; that short-term moves in part reverse, as pay for providing
liquidity: Nagel, Evaporating Liquidity, Review of Financial Studies, 2012.

It needs volume and sessions of several bars: on daily bars, or where volume is unknown, it has no
opinion.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, in_deviations, parameter
from benbot.strategies.intraday import Intraday, own_sessions


@dataclass(frozen=True, kw_only=True)
class VwapReversion(Intraday):
    rule = "vwap_reversion"

    least_bars: int = parameter(
        10, low=3, high=390, meaning="bars of the session before the first opinion"
    )
    width: float = parameter(
        1.5, low=0.5, high=5.0, meaning="opens farther than this from the average, in deviations"
    )

    def evidence(self, market: Market) -> FloatArray:
        """Return how far the close is from the VWAP, in deviations of that under a random walk.

        Between `width` and the average this ends a position of the other side, and opens none. So
        does everything shortly before the close, where it speaks against what was held until then.
        """
        evidence, closing = np.full(market.close.shape, np.nan), self.is_closing(market)
        away = self.sees(market)["deviations from VWAP"]
        for s in range(market.n_symbols):
            own = own_sessions(market, s)
            heard = self.remembered(own)
            for j in np.flatnonzero(own.last - own.first >= self.least_bars - 1):
                late = np.arange(own.first[j] + self.least_bars - 1, own.last[j] + 1)
                rows = own.rows[late]
                back = against_what_was_held(-away[rows, s], closing[rows])
                evidence[rows, s] = np.where(heard[late], back, np.nan)
        return evidence

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return where the close is beside the VWAP, from the first bar of the session on."""
        away = np.full(market.close.shape, np.nan)
        for s in range(market.n_symbols):
            own = own_sessions(market, s)
            for first, last in zip(own.first, own.last, strict=True):
                rows = own.rows[first : last + 1]
                away[rows, s] = distance_from_vwap(market, rows, s)
        return {"deviations from VWAP": away}

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        return super().opens(market, evidence) & (np.abs(evidence) > self.width + MARGIN)


def against_what_was_held(evidence: FloatArray, closing: BoolArray) -> FloatArray:
    """Return the evidence of a session's bars (N,), turned from its last known one at the close.

    The price may cross the average while the session closes, so the evidence there is not always
    that of what is held.
    """
    known = np.flatnonzero(np.isfinite(evidence) & ~closing)
    last = evidence[known[-1]] if known.size else np.nan
    return np.where(closing, -last, evidence)


def distance_from_vwap(market: Market, rows: IntArray, s: int) -> FloatArray:
    """Return how far the close of symbol `s` is from its VWAP at each of the bars of one session.

    In deviations under a random walk with the volatility of the session's own moves so far. The
    VWAP lacks of each move the share of the volume that was traded before it. From a bar without a
    known volume on it is unknown.
    """
    close, volume = market.close[rows, s], market.volume[rows, s]
    typical = (market.high[rows, s] + market.low[rows, s] + close) / 3.0
    total = volume.cumsum()
    total = np.where(total > 0.0, total, np.nan)
    vwap = (typical * volume).cumsum() / total
    squares = np.diff(np.log(close)) ** 2
    per_move = squares.cumsum() / np.arange(1, close.size)
    lacking = (volume.cumsum()[:-1] ** 2).cumsum() / total[1:] ** 2
    deviation = np.append(np.nan, np.sqrt(per_move * lacking))
    return in_deviations((close - vwap) / close, deviation)
