"""What a search for strategies wants to know of an account that one of them has alone.

case    of a round trip: the fold in which it was closed, the group of its symbol, and the regime in
        which it was decided
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray, Record, frozen
from benbot.envs.desk.compiled import compiled

N_REGIMES = 9
NOTIONAL, ROUND_TRIPS = range(2)


class Tally(NamedTuple):
    """What is counted of K accounts over T bars of S symbols; F folds, G groups.

    cases    (K, F, G, 9)  profit of the round trips, as a fraction of the equity at their close
    totals   (K, 2)        notional traded over equity, and round trips
    fold     (T,)          number of the fold of each bar
    group    (S,)          number of the group of each symbol
    """

    cases: FloatArray
    totals: FloatArray
    fold: IntArray
    group: IntArray


def open_tally(n_accounts: int, fold: IntArray, group: IntArray) -> Tally:
    """Return a tally with nothing counted yet."""
    shape = (n_accounts, int(fold.max()) + 1, int(group.max()) + 1, N_REGIMES)
    return Tally(np.zeros(shape), np.zeros((n_accounts, 2)), frozen(fold), frozen(group))


@compiled
def count_bar(tally: Tally, account: Record, k: int) -> None:
    tally.totals[k, NOTIONAL] += account.traded / account.previous_equity


@compiled
def count_trade(tally: Tally, trade: Record, account: Record, k: int, t: int) -> None:
    """Count a round trip of account `k` that was closed in bar `t`."""
    share = trade.profit / account.previous_equity
    tally.cases[k, tally.fold[t], tally.group[trade.symbol], trade.regime] += share
    tally.totals[k, ROUND_TRIPS] += 1.0
