"""What the sleeves of a market lived through: their round trips, and what was said before each.

T bars, K strategies, S symbols, N round trips in the order in which they were closed. A trade that
closed in bar t is known at the close of t, so a lesson for bar t is drawn from those with
`closed` <= t. The sleeves trade on what the strategies said and never on what was learned, so that
what is learned does not feed on itself, and a market cut after t bars has the same first trades.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import AnyArray, FloatArray, IntArray, RecordArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeve_trades import sleeve_trades
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.tape import Tape
from benbot.envs.market.market import Market
from benbot.envs.market.regime import DEFAULT, RegimeSettings, detect_regime
from benbot.envs.signals import Signals


@dataclass(frozen=True, eq=False)
class Experience:
    """A market, what was said on it, and what came of it; `trades` (N,) are records of TRADE."""

    market: Market
    signals: Signals
    rules: DeskRules
    tape: Tape
    trades: RecordArray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (T, K, S)."""
        n_bars, n_strategies, n_symbols = self.signals.direction.shape
        return n_bars, n_strategies, n_symbols

    @cached_property
    def decided(self) -> IntArray:
        """Return the bar (N,) at whose close each trade was decided."""
        decided: IntArray = self.trades["opened"].astype(np.int64) - 1
        return decided

    @cached_property
    def outcome(self) -> FloatArray:
        """Return what each trade earned after costs (N,), as a fraction of its notional."""
        outcome: FloatArray = self.trades["profit"] / self.trades["notional"]
        return outcome

    def then(self, values: AnyArray) -> FloatArray:
        """Return the entries (N,) of an array [T, K, S] at which the trades were decided."""
        place = (self.decided, self.trades["strategy"], self.trades["symbol"])
        entries: FloatArray = values[place].astype(np.float64)
        return entries


def live_through(
    market: Market, signals: Signals, rules: DeskRules, regime: RegimeSettings = DEFAULT
) -> Experience:
    """Return the experience of a market on which this was said."""
    tape = record_tape(market, signals, detect_regime(market, regime), rules)
    return Experience(market, signals, rules, tape, sleeve_trades(tape, rules))


class Tally(NamedTuple):
    """How many trades of each kind are known at each close, and the sum of what they earned."""

    number: FloatArray  # (T, ...)
    total: FloatArray  # (T, ...)

    def mean(self, towards: FloatArray | float, shrinkage: float) -> FloatArray:
        """Return the mean as if so many more trades had earned `towards`."""
        mean: FloatArray = (shrinkage * towards + self.total) / (shrinkage + self.number)
        return mean


def tally(
    closed: IntArray, outcome: FloatArray, place: tuple[IntArray, ...], shape: tuple[int, ...]
) -> Tally:
    """Return the tally (T, ...) of trades that belong to a place each; `shape` is with T."""
    number, total = np.zeros(shape), np.zeros(shape)
    np.add.at(number, (closed, *place), 1.0)
    np.add.at(total, (closed, *place), outcome)
    return Tally(number.cumsum(axis=0), total.cumsum(axis=0))


def refit_bars(market: Market, every: int) -> IntArray:
    """Return the first bar (R,) of each stretch of so many sessions, the first bar among them."""
    stretch = (market.session - market.session[0]) // every
    bars: IntArray = np.flatnonzero(np.diff(stretch, prepend=-1))
    return bars


def refit_bar(session: IntArray, every: int) -> int:
    """Return the last bar of these sessions (T,) at which something is fitted anew."""
    stretch = (session[-1] - session[0]) // every
    return int(np.searchsorted(session, session[0] + stretch * every))


def held(fitted: FloatArray, bars: IntArray, n_bars: int) -> FloatArray:
    """Return at each bar [T, ...] what was fitted last, from fits (R, ...) made at `bars` (R,)."""
    latest = np.searchsorted(bars, np.arange(n_bars), side="right") - 1
    repeated: FloatArray = fitted[latest]
    return repeated
