"""Statistical arbitrage: against what a price did apart from the others, until it is back.

What a symbol shares with the others is explained by factors: the principal components of all
returns, or the mean of its sector. What is left is added up to a path that is expected to return to
its level. Makes money where such moves are noise, as when large orders push single prices. Loses
when they are news and the price stays where it went, and all at once when many who hold the same
positions must leave them, as in August 2007. Source: Avellaneda and Lee, Statistical Arbitrage in
the US Equities Market, Quantitative Finance 10, 2010, with their windows of 252 and 60 days and
their 15 components, and their thresholds, of the two for exits the one that holds longer; they have
more than a thousand stocks, and hedge each position with its factors.

Neutral to the market in this sense: from each score the mean of all scores of the bar is taken, so
they sum to zero, and what all symbols show together is no evidence. Long and short are therefore
alike in strength over all symbols with a score, but not bar by bar among those few beyond the
threshold, and no position is hedged by itself: the other side is its hedge.

Whoever cuts 60 bars out of a random walk sees it return to its mean more often than not, so a score
is weaker evidence than it looks (the bias of Dickey and Fuller, 1979).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from benbot.envs.arrays import BoolArray, FloatArray, TimeArray
from benbot.envs.market.calendar import check_bars_per_day
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, Strategy, parameter
from benbot.strategies.residuals import (
    Factors,
    log_returns,
    principal_factors,
    residual_returns,
    sector_factors,
    strayed,
)

FactorKind = Literal["components", "sector"]
FACTOR_KINDS: tuple[str, ...] = get_args(FactorKind)


@dataclass(frozen=True, kw_only=True)
class StatisticalArbitrage(Strategy):
    """The factors of a bar are those of its block of calendar days, counted from 1970-01-01.

    They are estimated from the `window` bars before the block, the same whenever the data begin. A
    symbol that lacks one of the latest `residual_window` returns has no opinion. One without a
    known sector shares it with all such others.
    """

    rule = "statistical_arbitrage"

    factors: FactorKind = "components"
    components: int = parameter(
        15, low=1, high=30, meaning="principal components, at most one for every four symbols"
    )
    window: int = parameter(252, low=20, high=504, meaning="bars that the factors are made from")
    residual_window: int = parameter(
        60, low=10, high=252, meaning="bars whose residuals are added up"
    )
    block_days: int = parameter(7, low=1, high=91, meaning="calendar days that keep their factors")
    bars_per_day: int = parameter(1, low=1, high=390, meaning="most bars of a calendar day")
    entry: float = parameter(
        1.25, low=0.5, high=4.0, meaning="opens beyond this score, in deviations"
    )
    exit: float = parameter(0.5, low=0.0, high=3.0, meaning="ends within this score, in deviations")
    stop_multiple: float = parameter(
        4.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("exit", "entry")

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        return {**super().choices(), "factors": FACTOR_KINDS}

    @property
    def block_bars(self) -> int:
        """Most bars of a block."""
        return self.block_days * self.bars_per_day

    @property
    def lookback(self) -> int:
        return max(self.window, self.residual_window) + self.block_bars

    def evidence(self, market: Market) -> FloatArray:
        """Return the score against its direction, and with it where the position is to end.

        Beyond `entry` it opens. Between that and `exit` it keeps what it would have opened. Within
        `exit` it speaks against the side that the score was on at the bar before, or, if it was
        within at that bar, too, is on now.
        """
        # Matrices this small are slower on several threads, many times so on a busy machine.
        with threadpool_limits(1, user_api="blas"):
            return self._evidence_of_blocks(market)

    def _evidence_of_blocks(self, market: Market) -> FloatArray:
        evidence = np.full(market.close.shape, np.nan)
        returns = log_returns(market.close)
        days = _days(market)
        check_bars_per_day(days, self.bars_per_day, f"bars_per_day of {self.name}")
        for begin, end in _blocks(days, self.block_days):
            first = begin - max(self.window, self.residual_window)
            if first < 1:  # bar 0 has no return, for want of a close before it
                continue
            factors = self._factors(returns[begin - self.window : begin], market.sectors)
            before = self._scores(returns[:begin], factors)
            for t in range(begin, end):
                now = self._scores(returns[: t + 1], factors)
                evidence[t] = self._answer(now, before)
                before = now
        return evidence

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        return super().opens(market, evidence) & (np.abs(evidence) > self.entry + MARGIN)

    def _factors(self, returns: FloatArray, sectors: tuple[str, ...]) -> list[Factors]:
        if self.factors == "sector":
            return sector_factors(returns, sectors)
        return principal_factors(returns, self.components)

    def _scores(self, returns: FloatArray, factors: list[Factors]) -> FloatArray:
        """Return the score of each symbol after the last of the returns, (S,), NaN for none."""
        latest = returns[-self.residual_window :]
        scores: FloatArray = np.full(latest.shape[1], np.nan)
        for each in factors:
            residuals = residual_returns(latest[:, each.columns], each)
            scores[each.columns] = strayed(residuals, self.residual_window / 2.0)
        known = np.isfinite(scores)
        # Sorted, so that the sum does not depend on the order of the symbols.
        return scores - np.sort(scores[known]).mean() if known.any() else scores

    def _answer(self, now: FloatArray, before: FloatArray) -> FloatArray:
        came_from = np.where(np.abs(before) > self.exit + MARGIN, before, now)
        within = ~(np.abs(now) > self.exit + MARGIN) & np.isfinite(now)
        return np.where(within, np.clip(came_from, -self.exit, self.exit), -now)


def _days(market: Market) -> TimeArray:
    """Return the calendar day of each bar (T,); midnight belongs to the day that it ends."""
    return (market.timestamps - np.timedelta64(1, "ns")).astype("datetime64[D]")


def _blocks(days: TimeArray, length: int) -> Iterator[tuple[int, int]]:
    """Return the first bar of each block of so many calendar days, and of the next one.

    The bars before the first change of block are left out: where their block began is not known.
    """
    begins = (np.flatnonzero(np.diff(days.astype(np.int64) // length)) + 1).tolist()
    return pairwise([*begins, len(days)])
