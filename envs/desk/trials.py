"""One strategy alone in a one-strategy world, and what of its result a search wants to know.

The account is that of `desk.sleeves` with K = 1: all of the weight, every gate and every cost, no
breakers, and expected values learned from its own round trips. So what it grows by is exactly the
sleeve's return of a tape that holds this strategy and no other.

case    of a round trip: the fold in which it was closed, the group of its symbol, and the regime in
        which it was decided
"""

from typing import NamedTuple

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.compiled import unlocked
from benbot.envs.desk.coordinate import Contest
from benbot.envs.desk.cycle import RUIN_GROWTH, trade_bar
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import take_floor
from benbot.envs.desk.loan import Words
from benbot.envs.desk.sleeves import (
    LEAST_CAPITAL,
    Opinions,
    TrackRecord,
    learn_trade,
    open_sleeve,
    value_candidates,
)


class Tally(NamedTuple):
    """What is counted while it trades T bars of S symbols; F folds, G groups.

    growth   (T,)       log growth of each bar, 0 in the first
    cases    (F, G, 9)  profit of the round trips, as a fraction of the equity at their close
    totals   (2,)       notional traded over equity, and round trips
    fold     (T,)       number of the fold of each bar
    group    (S,)       number of the group of each symbol
    """

    growth: FloatArray
    cases: FloatArray
    totals: FloatArray
    fold: IntArray
    group: IntArray


@unlocked
def run_trial(floor: Words, opinions: Opinions, records: TrackRecord, tally: Tally) -> None:
    """Trade the only strategy of a tape through all of it."""
    desk, contest = take_floor(floor)
    open_sleeve(desk, 0, 0)
    for t in range(desk.tape.bars.shape[0] - 1):
        value_candidates(desk, opinions, records, t)
        growth = trade_trial(desk, contest, records, tally, t)
        tally.growth[t + 1] = growth
        desk.tape.sleeve_return[t + 1, 0] = growth


@unlocked
def trade_trial(desk: Desk, contest: Contest, records: TrackRecord, tally: Tally, t: int) -> float:
    """Trade one bar; learn from the round trips that it closed, and count them."""
    growth = trade_bar(desk, contest, 0, t)
    account = desk.book.accounts[0]
    tally.totals[0] += account.traded / account.previous_equity
    for i in range(desk.ledger.n_trades[0]):
        learn_trade(desk, records, 0, i)
        trade = desk.ledger.trades[0, i]
        share = trade.profit / account.previous_equity
        tally.cases[tally.fold[t + 1], tally.group[trade.symbol], trade.regime] += share
        tally.totals[1] += 1.0
    desk.ledger.n_trades[0] = 0
    if not account.equity > LEAST_CAPITAL * desk.rules[0].capital:
        open_sleeve(desk, 0, t + 1)
    return growth if growth > RUIN_GROWTH else RUIN_GROWTH  # also for what is not a number
