"""The ground on which candidates are tried: a stretch of a market, cut off where the stretch ends.

T bars of the stretch, S symbols. Nothing behind the last bar is there, so nothing of it can be
used; what lies before the first bar is there for indicators to warm up on, and is not traded.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray, frozen
from benbot.envs.desk.book import open_book
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import NOT_BEGUN, blank_records, heard, run_sleeves
from benbot.envs.desk.tally import N_REGIMES, open_tally
from benbot.envs.desk.tape import VECTOR, Tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings, detect_regime
from benbot.envs.signals import NO_PAIRS, Overlay, Signals
from benbot.strategies.base import Opinion, Strategy

BY_TIME = ("bars", "actions", "facts", "sizing", "calendar", "session", "regime", "year_share")


@dataclass(frozen=True)
class Traits:
    """What the desk must know of a strategy beside its opinions."""

    trades_stress: bool = False
    trades_pairs: bool = False
    overlay: Overlay = Overlay.NONE


def traits_of(strategy: Strategy) -> Traits:
    return Traits(strategy.trades_stress, strategy.trades_pairs, strategy.overlay)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one candidate did alone.

    growth     (T - 1,)   log growth of each bar after the first
    cases      (F, G, 9)  see `desk.tally`
    turnover   notional traded a bar, as a fraction of equity
    n_trades   round trips
    """

    growth: FloatArray
    cases: FloatArray
    turnover: float
    n_trades: int


@dataclass(frozen=True, eq=False)
class Ground:
    """A stretch on which any number of candidates can be tried, each alone.

    market   until the last bar of the stretch
    span     the stretch
    tape     of the stretch alone, with no strategy
    fold     (T,) number of the fold of each bar
    group    (S,) number of the group of each symbol
    """

    market: Market
    span: Span
    rules: DeskRules
    tape: Tape
    fold: IntArray
    group: IntArray

    @property
    def n_bars(self) -> int:
        return self.span.n_decisions + 1

    @property
    def case_shape(self) -> tuple[int, int, int]:
        return int(self.fold.max()) + 1, int(self.group.max()) + 1, N_REGIMES

    def try_alone(self, opinion: Opinion, traits: Traits) -> Outcome:
        """Return what an account with nothing but these opinions does over the stretch."""
        tape = self._tape_of(opinion, traits)
        most = self.rules.limits.max_positions
        ledger = open_ledger(1, trades=2 * most)
        shadow = self.rules.without_breakers().record()
        records = blank_records(1, self.market.n_symbols)
        tally = open_tally(1, self.fold, self.group)
        floor = lend(Desk(open_book(1, 1, most), tape, shadow, ledger))
        opinions = heard(
            self._heard(opinion.direction)[:, None], self._heard(opinion.confidence)[:, None]
        )
        run_sleeves(floor.words, opinions, records, tally, NOT_BEGUN)
        growth, (traded, n_trades) = tape.sleeve_return[1:, 0], tally.totals[0, :]
        turnover = float(traded) / self.span.n_decisions
        return Outcome(growth, tally.cases[0], turnover, int(n_trades))

    def _heard(self, opinions: Any) -> Any:  # noqa: ANN401
        return opinions[self.span.first : self.span.last + 1]

    def _tape_of(self, opinion: Opinion, traits: Traits) -> Tape:
        n_bars, n_symbols = self.n_bars, self.market.n_symbols
        legs = np.zeros((n_bars, int(traits.trades_pairs), n_symbols), self.tape.legs.dtype)
        if traits.trades_pairs:
            legs["partner"][:, 0] = self._heard(opinion.partner)
            legs["share"][:, 0] = self._heard(opinion.share)
        return self.tape._replace(
            value=np.zeros((n_bars, 1, -(-n_symbols // VECTOR) * VECTOR), np.float32),
            stop=self._heard(opinion.stop_distance)[:, None],
            variance=np.zeros((n_bars, 1)),
            sleeve_return=np.zeros((n_bars, 1)),
            stress=np.array([traits.trades_stress]),
            pairing=np.array([0 if traits.trades_pairs else NO_PAIRS], np.int64),
            legs=legs,
            overlay=np.array([traits.overlay], np.int8),
        )


@dataclass(frozen=True)
class Division:
    """How a stretch is taken apart: `n_folds` parts of its bars, `n_groups` of its symbols."""

    n_folds: int = 1
    n_groups: int = 1


def lay_ground(
    market: Market,
    span: Span,
    rules: DeskRules,
    regime: RegimeSettings,
    division: Division = Division(),
) -> Ground:
    """Return the ground of a stretch; whatever the market says of later bars is left out."""
    known = market.until(span.last + 1)
    tape = blank_tape(known, _nobody(known), detect_regime(known, regime), rules)
    rows = {name: getattr(tape, name)[span.first : span.last + 1] for name in BY_TIME}
    offers = tape.offers[span.first : span.last + 1]
    fold = np.arange(span.n_decisions + 1) * division.n_folds // (span.n_decisions + 1)
    return Ground(
        known,
        span,
        rules,
        tape._replace(**rows, offers=offers),
        frozen(fold),
        frozen(_groups(known, division.n_groups)),
    )


def _nobody(market: Market) -> Signals:
    """Return one strategy without opinions that might write options, so that they are priced."""
    nothing = np.zeros((market.n_bars, 1, market.n_symbols), np.float32)
    overlay = np.array([Overlay.COVERED_CALL], np.int8)
    return Signals(("nobody",), (0,), nothing.astype(np.int8), nothing, nothing, overlay=overlay)


def _groups(market: Market, n_groups: int) -> IntArray:
    """Return the group of each symbol: neighbours by sector are together, all are as large."""
    n_symbols = market.n_symbols
    order = np.lexsort((np.arange(n_symbols), np.array(market.sectors)))
    group = np.zeros(n_symbols, np.int64)
    group[order] = np.arange(n_symbols) * min(n_groups, n_symbols) // n_symbols
    return group
