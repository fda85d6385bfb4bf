"""Every strategy alone on the desk: what it earns, and what that says about its next trade.

A sleeve is an account of the desk whose weights are one-hot. It trades the whole history under the
rules without breakers, with new capital whenever it has lost most of what it had. Its round trips
are the record from which the expected value of each new candidate is computed: always from trades
that were closed at or before the bar of the decision.

return   profit after costs as a fraction of the notional
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray, Int8Array, Record, frozen
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.compiled import compiled, unlocked
from benbot.envs.desk.coordinate import Contest
from benbot.envs.desk.cycle import RUIN_GROWTH, trade_bar
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend, take_floor
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.loan import Words
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tally import N_REGIMES, Tally, count_bar, count_trade, open_tally
from benbot.envs.desk.tape import Tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.market import Market
from benbot.envs.signals import Signals

NOT_BEGUN = -1  # bar at which sleeves stand that have not traded yet
WANTS_OUT = 1e-30  # value of a direction without confidence: it closes a position, opens none
LEAST_CAPITAL = 0.1  # share of the capital; with much less a sleeve could not pay for its orders


class TrackRecord(NamedTuple):
    """Round trips of K strategies: how many, and the sum of their returns."""

    by_regime: FloatArray  # (K, 9, 2), by the regime in which the trade was decided
    by_symbol: FloatArray  # (K, S, 2)
    squares: FloatArray  # (K,), sum of squared returns


class Opinions(NamedTuple):
    """The strategies' signals as the kernel reads them, each (T, K, S)."""

    direction: Int8Array
    confidence: Float32Array


def heard(direction: Int8Array, confidence: Float32Array) -> Opinions:
    """Return opinions as the kernel was compiled for them: in one piece, and nobody's to change."""
    return Opinions(frozen(direction), frozen(confidence))


def blank_records(n_strategies: int, n_symbols: int) -> TrackRecord:
    """Return the record of strategies that have not traded yet."""
    return TrackRecord(
        np.zeros((n_strategies, N_REGIMES, 2)),
        np.zeros((n_strategies, n_symbols, 2)),
        np.zeros(n_strategies),
    )


def record_tape(market: Market, signals: Signals, regime: Int8Array, rules: DeskRules) -> Tape:
    """Return the tape of a market: its sleeves have run, every candidate has its value."""
    tape = blank_tape(market, signals, regime, rules)
    n_strategies, most = signals.n_strategies, rules.limits.max_positions
    shadow = rules.without_breakers().record()
    book = open_book(n_strategies, n_strategies, most)
    desk = Desk(book, tape, shadow, open_ledger(n_strategies, trades=2 * most))
    records = blank_records(n_strategies, market.n_symbols)
    nowhere = np.zeros(market.n_bars, np.int64), np.zeros(market.n_symbols, np.int64)
    tally = open_tally(n_strategies, *nowhere)
    floor = lend(desk)
    opinions = heard(signals.direction, signals.confidence)
    run_sleeves(floor.words, opinions, records, tally, NOT_BEGUN)
    return tape


@unlocked
def run_sleeves(
    floor: Words, opinions: Opinions, records: TrackRecord, tally: Tally, begun: int
) -> None:
    """Trade every sleeve to the end of the tape, writing values and sleeve returns as it goes.

    They stand at the close of bar `begun`; where that is NOT_BEGUN they open at that of the first.
    """
    desk, contest = take_floor(floor)
    last = desk.tape.bars.shape[0] - 1
    if begun == NOT_BEGUN:
        for k in range(desk.book.sleeves.shape[1]):
            open_sleeve(desk, k, 0)
    for t in range(max(begun, 0), last):
        value_candidates(desk, opinions, records, t)
        for k in range(desk.book.sleeves.shape[1]):
            desk.tape.sleeve_return[t + 1, k] = trade_sleeve(desk, contest, (records, tally), k, t)
    value_candidates(desk, opinions, records, last)


@compiled
def open_sleeve(desk: Desk, k: int, t: int) -> None:
    """Open the account of strategy `k` at the close of bar `t`, with all of the weight."""
    open_account(desk.book, k, desk.rules[0].capital, desk.tape.session[t])
    desk.book.sleeves[k, k].weight = 1.0
    desk.book.accounts[k].cash_weight = 0.0


@compiled
def trade_sleeve(
    desk: Desk, contest: Contest, notes: tuple[TrackRecord, Tally], k: int, t: int
) -> float:
    """Trade one bar of one sleeve; learn from the round trips that it closed, and count them."""
    records, tally = notes
    growth = trade_bar(desk, contest, k, t)
    account = desk.book.accounts[k]
    count_bar(tally, account, k)
    for i in range(desk.ledger.n_trades[k]):
        learn_trade(desk, records, k, i)
        count_trade(tally, desk.ledger.trades[k, i], account, k, t + 1)
    desk.ledger.n_trades[k] = 0
    if not account.equity > LEAST_CAPITAL * desk.rules[0].capital:
        open_sleeve(desk, k, t + 1)
    return growth if growth > RUIN_GROWTH else RUIN_GROWTH  # also for what is not a number


@compiled
def learn_trade(desk: Desk, records: TrackRecord, k: int, i: int) -> None:
    """Add a round trip to the record of its regime and of its symbol."""
    trade = desk.ledger.trades[k, i]
    outcome = trade.profit / trade.notional
    records.by_regime[k, trade.regime, 0] += 1.0  # no position is opened in an unknown one
    records.by_regime[k, trade.regime, 1] += outcome
    records.squares[k] += outcome * outcome
    records.by_symbol[k, trade.symbol, 0] += 1.0
    records.by_symbol[k, trade.symbol, 1] += outcome


@compiled
def value_candidates(desk: Desk, opinions: Opinions, records: TrackRecord, t: int) -> None:
    """Write the signed value of every candidate of bar `t`."""
    rules, regime = desk.rules[0], desk.tape.regime[t]
    n_strategies, n_symbols = desk.tape.value.shape[1], desk.tape.bars.shape[1]
    for k in range(n_strategies):
        desk.tape.variance[t, k] = variance_of_trades(records, k, rules)
        overall = mean_return(records, k, rules)
        here = regime_return(records, k, regime, overall, rules)
        for s in range(n_symbols):
            count, total = records.by_symbol[k, s, 0], records.by_symbol[k, s, 1]
            own = shrunk(count, total, overall, rules)
            expected = max(here + own - overall, rules.value_floor)
            direction, confidence = opinions.direction[t, k, s], opinions.confidence[t, k, s]
            open_for_trade = desk.tape.bars[t, s].close > 0.0
            desk.tape.value[t, k, s] = (
                direction * max(confidence * expected, WANTS_OUT) if open_for_trade else 0.0
            )


@compiled
def variance_of_trades(records: TrackRecord, k: int, rules: Record) -> float:
    """Return the mean square of a strategy's round trips, shrunk to the prior's."""
    count = 0.0
    for regime in range(N_REGIMES):
        count += records.by_regime[k, regime, 0]
    prior = rules.sizing_kelly_deviation * rules.sizing_kelly_deviation
    return shrunk(count, records.squares[k], prior, rules)


@compiled
def mean_return(records: TrackRecord, k: int, rules: Record) -> float:
    """Return a strategy's mean return over all its trades, shrunk to the prior."""
    count, total = 0.0, 0.0
    for regime in range(N_REGIMES):
        count += records.by_regime[k, regime, 0]
        total += records.by_regime[k, regime, 1]
    return shrunk(count, total, rules.value_prior, rules)


@compiled
def regime_return(
    records: TrackRecord, k: int, regime: int, overall: float, rules: Record
) -> float:
    """Return a strategy's mean return in a regime, shrunk to its overall mean."""
    if regime < 0:
        return overall
    count, total = records.by_regime[k, regime, 0], records.by_regime[k, regime, 1]
    return shrunk(count, total, overall, rules)


@compiled
def shrunk(count: float, total: float, towards: float, rules: Record) -> float:
    """Return the mean of so many returns as if some more had been `towards`."""
    weight = rules.value_shrinkage
    return (weight * towards + total) / (weight + count)
