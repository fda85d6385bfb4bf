"""The history that the desk reads, bar by bar: prices, costs and what every strategy wants.

Everything in row t was known at the close of bar t, except the prices, costs, room, splits and
dividends of row t, which meet the orders and positions of the close of bar t - 1.

price      account currency per unit, as traded; NaN where the symbol did not trade
value      direction × confidence × expected value: signed, 0 asks for nothing
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import (
    BoolArray,
    Float32Array,
    FloatArray,
    Int8Array,
    IntArray,
    RecordArray,
    WordArray,
    frozen,
)
from benbot.envs.desk.compiled import compiled

BAR = np.dtype(
    [
        ("open", np.float64),
        ("high", np.float64),
        ("low", np.float64),
        ("close", np.float64),
        ("half_spread", np.float64),  # fraction of the price
        ("impact", np.float64),  # cost of a notional Q is impact × √Q, fraction of Q
        ("room", np.float64),  # most that a fill may take of this bar, account currency
        ("borrow_rate", np.float64),  # a year, of short notional; inf: cannot be borrowed
    ],
    align=True,  # 64 bytes: one line of the processor's cache
)

ACTION = np.dtype(
    [
        ("split", np.float64),  # new units for each old one, before the open
        ("dividend", np.float64),  # account currency per unit, before the open
    ],
    align=True,
)

FACTS = np.dtype(
    [  # what is read together lies within eight bytes, so never across two lines
        ("adv", np.float64),  # average value traded a day, account currency; inf unknown
        ("swing", np.float32),  # deviation by which every covariance is bounded, see `bounds`
        ("beta", np.float32),  # to the universe, NaN unknown
        ("sector", np.int32),  # number of its sector, UNKNOWN_SECTOR
        ("age", np.float32),  # bars since the symbol's last price; inf: halted, or never one
    ],
    align=True,
)

SIZING = np.dtype(
    [  # apart from the facts, because a ledger asks for it of every candidate
        ("budget", np.float32),  # multiple of the standard risk
        ("deviation", np.float32),  # of its return in a day, NaN unknown
        ("diamond", np.int32),  # whether a candidate in the symbol is a diamond
    ],
    align=True,
)

LEG = np.dtype(
    [
        ("partner", np.int32),  # symbol of the other leg, NO_PARTNER
        ("share", np.float32),  # of the pair's size; of one of its two legs it is 1
    ],
    align=True,
)

CALENDAR = np.dtype(
    [
        ("risk_row", np.int64),  # of the covariances known at the close, -1 none
        ("has_action", np.int64),  # 1 where some symbol has a split or a dividend
    ],
    align=True,
)

OFFER = np.dtype(
    [  # the options that would be written after the close, see `desk.offers`
        ("volatility", np.float64),  # a year, NaN unknown
        ("call", np.float64),  # strike, 0 where none is within what is asked for
        ("put", np.float64),  # likewise
        ("expiry", np.int32),  # day
        ("day", np.int32),  # of the bar itself, counted from 1970
        ("is_synthetic", np.int32),  # 1 where the volatility is not implied by any price
    ],
    align=True,
)

VECTOR = 8  # numbers that the processor multiplies at once; symbols beyond whole vectors cost more
UNKNOWN_SECTOR = -1
NO_PARTNER = -1
WORD = 64  # bits


class Tape(NamedTuple):
    """T bars of S symbols under K strategies.

    bars           (T, S)     of BAR
    actions        (T, S)     of ACTION
    facts          (T, S)     of FACTS
    sizing         (T, S)     of SIZING
    value          (T, K, S') filled in by the sleeves, which learn the expected values; S' is S
                              rounded up to whole vectors, what lies behind the symbols is 0
    stop           (T, K, S)  distance of the protective stop, fraction of the fill price
    variance       (T, K)     of the returns of each strategy's round trips, filled in likewise
    covariance     (R, S, S)  of the symbols' returns in a day, see `desk.risk`
    tied           (R + 1, 2, S, W)  bits of the symbols that move with each other more than they
                              may: on the same side, and on opposite ones; row 0 is for bars at
                              which nothing is known, W words of 64 bits hold S symbols
    calendar       (T,)       of CALENDAR
    session        (T,)       number of the trading day
    regime         (T,)       code of `market.regime`, -1 unknown
    sleeve_return  (T, K)     log growth of each sleeve over the bar
    year_share     (T,)       of a year, since the bar before; fees accrue with it
    stress         (K,)       whether a strategy means to buy in a bear market of high volatility
    pairing        (K,)       row in `legs` of a strategy that trades pairs, -1 of the others
    legs           (T, P, S)  of LEG, of the P strategies that trade pairs
    overlay        (K,)       `Overlay` of each strategy
    offers         (T, S)     of OFFER; (0, 0) where no strategy writes options, and then nobody
                              reads these two
    """

    bars: RecordArray
    actions: RecordArray
    facts: RecordArray
    sizing: RecordArray
    value: Float32Array
    stop: Float32Array
    variance: FloatArray
    covariance: Float32Array
    tied: WordArray
    calendar: RecordArray
    session: IntArray
    regime: Int8Array
    sleeve_return: FloatArray
    year_share: FloatArray
    stress: BoolArray
    pairing: IntArray
    legs: RecordArray
    overlay: Int8Array = frozen(np.zeros(0, np.int8))
    offers: RecordArray = frozen(np.zeros((0, 0), OFFER))


@compiled
def covariance_at(tape: Tape, t: int, s: int, other: int) -> float:
    """Return the covariance of two symbols' returns in a day as known at the close of bar `t`."""
    row = tape.calendar[t].risk_row
    if row < 0:
        return np.nan
    return float(tape.covariance[row, s, other])
