"""Time-of-day momentum: in the last half hour of a session, follow its first half hour.

The first half hour counts from the close of the day before, as in the source, so that it holds what
the night brought. Makes money on days whose morning sets a direction that late traders take up:
those who rebalance, and those who must hedge. Loses on days that turn, and pays a spread a day for
a move of a few basis points. Source: Gao, Han, Li and Zhou, Market Intraday Momentum, Journal of
Financial Economics, 2018, on the S&P 500 fund; they find it strongest on volatile days. It is not
the periodicity of Heston, Korajczyk and Sadka, Intraday Patterns in the Cross-Section of Stock
Returns, Journal of Finance, 2010, where a half hour predicts the same half hour of later days.

It needs bars shorter than half an hour, to open in the last one and be out by its end. On daily
bars it has no opinion.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.strategies.base import parameter
from benbot.strategies.intraday import Intraday, OwnSessions, in_usual_sizes, own_sessions


@dataclass(frozen=True, kw_only=True)
class TimeOfDayMomentum(Intraday):
    rule = "time_of_day_momentum"

    sessions: int = parameter(
        5,
        low=2,
        high=60,
        meaning="earlier sessions that say how large a first half hour usually is",
    )
    part_minutes: int = parameter(
        30, low=1, high=120, meaning="length of the first and of the last half hour, in minutes"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("exit_minutes", "part_minutes")
        self._needs_order("bar_minutes", "part_minutes")
        if not 2 * self.part_minutes <= self.session_minutes:
            raise InvalidParameter(
                f"{self.rule} needs two parts of part_minutes in session_minutes, was "
                f"part_minutes={self.part_minutes} session_minutes={self.session_minutes}"
            )

    @property
    def earlier_sessions(self) -> int:
        return self.sessions

    def evidence(self, market: Market) -> FloatArray:
        """Return the return of the first half hour, in usual sizes of it, during the last one.

        Shortly before the close the sign is turned, which ends what was opened.
        """
        early = self.minutes(market) < self.session_minutes - self.part_minutes
        first = self.sees(market)["first part in usual ones"]
        evidence = np.where(early[:, np.newaxis], np.nan, first)
        return np.where(self.is_closing(market)[:, np.newaxis], -evidence, evidence)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return the return of the first half hour in usual sizes of it, for the whole session."""
        minutes = self.minutes(market)
        part = np.full(market.close.shape, np.nan)
        for s in range(market.n_symbols):
            own = own_sessions(market, s)
            first = self._first_part(own, market.close[own.rows, s], minutes[own.rows])
            strength = in_usual_sizes(first, self.sessions)[own.number]
            known = self.remembered(own) & (minutes[own.rows] >= self.part_minutes)
            part[own.rows, s] = np.where(known, strength, np.nan)
        return {"first part in usual ones": part}

    def _first_part(self, own: OwnSessions, close: FloatArray, minutes: IntArray) -> FloatArray:
        """Return the log return of each session's first half hour, (J,); NaN where none traded."""
        answer: FloatArray = np.full(own.first.size, np.nan)
        early = np.flatnonzero(minutes <= self.part_minutes)
        last_early = np.full(own.first.size, -1)
        last_early[own.number[early]] = early  # of several the last one stays
        known = np.flatnonzero(last_early[1:] >= 0) + 1
        answer[known] = np.log(close[last_early[known]] / close[own.last[known - 1]])
        return answer
