"""Gap fade: against a large gap between two sessions, until the price is back where it came from.

A gap is the way from a session's last price to the next one's first. Orders are given at the close
of a bar, and then the gap itself is past. On daily bars the rule bets that what did not come back
within the day comes back on the days after it; on bars within the day it begins after the first one
and ends shortly before the close. Makes money where the opening overshoots, as it does when orders
that cannot wait meet at it. Loses when the gap was news and goes on, and when the next gap jumps
over its stop. Source: Berkman, Koch, Tuttle and Zhang, Paying Attention: Overnight Returns and the
Hidden Cost of Buying at the Open, Journal of Financial and Quantitative Analysis, 2012, who find
that high openings of stocks that draw attention come back during the day: the form on daily bars,
and the bet after a gap downwards, go beyond what they say.

A market of closes only knows no gaps, and the rule has no opinion on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, parameter
from benbot.strategies.intraday import Intraday, OwnSessions, in_usual_sizes, own_sessions


@dataclass(frozen=True, kw_only=True)
class GapFade(Intraday):
    rule = "gap_fade"

    bar_minutes: int = parameter(
        390, low=1, high=1440, meaning="length of a bar, in minutes; the whole session for days"
    )
    sessions: int = parameter(
        20, low=2, high=120, meaning="earlier sessions that say how large a gap usually is"
    )
    width: float = parameter(2.0, low=0.5, high=6.0, meaning="opens beyond this many usual gaps")

    @property
    def earlier_sessions(self) -> int:
        return self.sessions

    def evidence(self, market: Market) -> FloatArray:
        """Return the gap in usual gaps, against its direction while it is open, with it afterwards.

        What speaks with the gap opens nothing: it ends the position, because the price is back, or
        because the session ends.
        """
        seen = self.sees(market)
        gap, filled = seen["gap in usual gaps"], seen["gap filled"] > 0.0
        with_it = filled | self.is_closing(market)[:, np.newaxis]
        evidence: FloatArray = np.where(with_it, gap, -gap)
        return evidence

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return the gap where it is large, and 1 where the price has been back."""
        if not market.has_range:
            unknown = np.full(market.close.shape, np.nan)
            return {"gap in usual gaps": unknown, "gap filled": unknown}
        filled = is_filled(market).astype(np.float64)
        return {"gap in usual gaps": self._gap_in_usual_sizes(market), "gap filled": filled}

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        return super().opens(market, evidence) & ~is_filled(market)

    def _gap_in_usual_sizes(self, market: Market) -> FloatArray:
        """Return the gap before each session at each of its bars; NaN where it is not large."""
        answer = np.full(market.close.shape, np.nan)
        for s in range(market.n_symbols):
            own = own_sessions(market, s)
            size = in_usual_sizes(_gaps(market, own, s), self.sessions)
            large = np.abs(size) > self.width + MARGIN
            heard = self.remembered(own) & large[own.number]
            answer[own.rows[heard], s] = size[own.number[heard]]
        return answer


def is_filled(market: Market) -> BoolArray:
    """Return whether the price has been back at the close before the gap, this session, [T, S]."""
    filled = np.zeros(market.close.shape, np.bool_)
    for s in range(market.n_symbols):
        own = own_sessions(market, s)
        gap, before = _gaps(market, own, s)[own.number], _close_before(market, own, s)[own.number]
        fell_back = market.low[own.rows, s] <= before * (1.0 + MARGIN)
        rose_back = market.high[own.rows, s] >= before * (1.0 - MARGIN)
        touches = np.cumsum(np.where(gap > 0.0, fell_back, rose_back))
        earlier = np.append(0, touches)[own.first[own.number]]
        filled[own.rows, s] = touches > earlier
    return filled


def _gaps(market: Market, own: OwnSessions, s: int) -> FloatArray:
    """Return the log return from the close before to the first open of each session, (J,)."""
    gap: FloatArray = np.log(market.open[own.rows[own.first], s] / _close_before(market, own, s))
    return gap


def _close_before(market: Market, own: OwnSessions, s: int) -> FloatArray:
    last: FloatArray = market.close[own.rows[own.last], s]
    return np.append(np.nan, last)[: last.size]
