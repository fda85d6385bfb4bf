"""Section 2: covariances and betas of daily log returns, from their definitions.

Covariance of two symbols: Σ memory^age r_i r_j / Σ memory^age over the sessions in which both have
a return; the mean is taken as zero, the age counts all sessions. Beta: the regression of a symbol
on the mean of all symbols, likewise. Both are computed when asked for, once a pair.
"""

import math
from collections.abc import Iterable
from itertools import pairwise

from benbot.envs.desk.rules import Gates
from tests.reference.numbers import divide, single


class Risk:
    """What is known of how symbols move together, at the close of each bar."""

    def __init__(self, closes: list[list[float]], session: list[int], gates: Gates) -> None:
        """Take adjusted closes, one list a symbol."""
        self.gates = gates
        self.row = refreshed_rows(session, gates.refresh)
        self.returns = [session_returns(column, session) for column in closes]
        self.market = [mean_known(row) for row in zip(*self.returns, strict=True)]
        self.covariances: dict[tuple[int, int], list[float]] = {}
        self.betas: dict[int, list[float]] = {}

    def covariance(self, t: int, i: int, j: int) -> float:
        """Return the covariance known at the close of bar t, NaN where it is unknown."""
        pair = (min(i, j), max(i, j))
        if pair not in self.covariances:
            products = [a * b for a, b in zip(self.returns[i], self.returns[j], strict=True)]
            ones = [1.0] * len(products)
            self.covariances[pair] = self.averages(products, ones, self.gates.memory)
        return self.at(t, self.covariances[pair])

    def deviation(self, t: int, s: int) -> float:
        """Return the root of a symbol's own covariance, in 32 bits as both are held."""
        return single(math.sqrt(self.covariance(t, s, s)))

    def beta(self, t: int, s: int) -> float:
        """Return the beta known at the close of bar t, NaN where it is unknown."""
        if s not in self.betas:
            products = [a * b for a, b in zip(self.returns[s], self.market, strict=True)]
            squares = [b * b for b in self.market]
            self.betas[s] = self.averages(products, squares, self.gates.beta_memory)
        return self.at(t, self.betas[s])

    def averages(self, products: list[float], weights: list[float], memory: float) -> list[float]:
        """Return Σ memory^age product / Σ memory^age weight as of each session."""
        found = []
        total = weight = 0.0
        n = 0
        for product, one in zip(products, weights, strict=True):
            total, weight = memory * total, memory * weight
            if not math.isnan(product):
                total, weight, n = total + product, weight + one, n + 1
            found.append(divide(total, weight) if n >= self.gates.min_sessions else math.nan)
        return [single(value) for value in found]

    def at(self, t: int, series: list[float]) -> float:
        return math.nan if self.row[t] < 0 else series[self.row[t]]


def refreshed_rows(session: list[int], refresh: int) -> list[int]:
    """Return the session, counted from 0, whose numbers hold at each bar; -1 before the first."""
    rows, before = [], 0
    for t, today in enumerate(session):
        before += t > 0 and session[t - 1] != today
        rows.append((before - 1) // refresh * refresh if before else -1)
    return rows


def session_returns(closes: list[float], session: list[int]) -> list[float]:
    """Return one symbol's log return of each session on the one before, NaN where unknown."""
    last: dict[int, float] = {}
    for close, day in zip(closes, session, strict=True):
        last.setdefault(day, math.nan)
        if not math.isnan(close):
            last[day] = close
    days = list(last.values())
    return [math.nan] + [math.log(b / a) for a, b in pairwise(days)]


def mean_known(row: Iterable[float]) -> float:
    known = [value for value in row if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
