"""One account on a market that a test makes by hand, bar by bar."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, Record, RecordArray, frozen
from benbot.envs.covariance.rows import bounds, tied_symbols
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import (
    ACTION,
    BAR,
    CALENDAR,
    FACTS,
    LEG,
    SIZING,
    UNKNOWN_SECTOR,
    Tape,
)

# Nothing costs anything and nothing halts, so that a test names the one rule that it is about.
# Stops of a test are powers of two, which a float32 holds exactly.
QUIET: dict[str, dict[str, float]] = {
    "costs": {
        "half_spread": 0.0,
        "commission_rate": 0.0,
        "impact": 0.0,
        "borrow_rate": 0.0,
        "participation": 1.0,
    },
    "breakers": {"drawdown": 1.0, "daily_loss": 1.0},
    "limits": {
        "cash_buffer": 0.0,
        "short_margin": 1.0,
        "gross": 10.0,
        "net": 10.0,
        "sector": 10.0,
        "strategy": 10.0,
        "beta": 100.0,
    },
    "gates": {
        "stress": False,
        "correlation": 1.0,
        "var": 1.0,
        "participation": 1.0,
        "spread": 1.0,
        "borrow_rate": 10.0,
    },
    "exits": {"diamond_time_stop": 1000},
    "sizing": {"smallest_order": 0.0},
    "poor": {"below": 0.0},
}


def quiet_rules(capital: float = 100_000.0, **sections: dict[str, float]) -> DeskRules:
    """Return quiet rules with the given fields of the given sections changed."""
    names = {*QUIET, *sections}
    merged = {name: QUIET.get(name, {}) | sections.get(name, {}) for name in names}
    return DeskRules.model_validate({"capital": capital, **merged})


def uneventful(n_bars: int, n_symbols: int) -> tuple[RecordArray, RecordArray, RecordArray]:
    """Return actions that change nothing, and facts and sizes that stop and scale nobody."""
    actions, facts, sizing = (
        np.zeros((n_bars, n_symbols), dtype) for dtype in (ACTION, FACTS, SIZING)
    )
    actions["split"] = sizing["budget"] = facts["beta"] = 1.0
    facts["adv"], facts["sector"] = np.inf, UNKNOWN_SECTOR
    return actions, facts, sizing


class Trial:
    """An account that stands at the close of bar `t`; every price is 100 until a test moves it.

    Nobody wants anything until `want`; the weights are equal until `weigh`.
    """

    def __init__(
        self,
        n_bars: int,
        n_symbols: int = 1,
        n_strategies: int = 1,
        rules: DeskRules | None = None,
        room: int = 500,
    ) -> None:
        self.rules = quiet_rules() if rules is None else rules
        self.bars = np.zeros((n_bars, n_symbols), BAR)
        for name in ("open", "high", "low", "close"):
            self.bars[name] = 100.0
        self.bars["half_spread"] = self.rules.costs.half_spread
        self.bars["borrow_rate"] = self.rules.costs.borrow_rate
        self.bars["room"] = np.inf
        self.actions, self.facts, self.sizing = uneventful(n_bars, n_symbols)
        self.calendar = np.zeros(n_bars, CALENDAR)
        self.covariance = np.zeros((1, n_symbols, n_symbols), np.float32)
        self.tied = tied_symbols(self.covariance, self.rules.gates.correlation)
        self.relate(np.eye(n_symbols))
        shape = (n_bars, n_strategies, n_symbols)
        self.value = np.zeros(shape, np.float32)
        self.stop = np.full(shape, 0.125, np.float32)
        self.stress = np.zeros(n_strategies, np.bool_)
        self.pairing = np.full(n_strategies, -1)
        self.legs = np.zeros(shape, LEG)
        self.legs["partner"] = -1
        self.variance = np.full((n_bars, n_strategies), 0.0025)
        self.session = np.arange(n_bars)
        self.regime = np.full(n_bars, 4, np.int8)
        self.year_share = np.full(n_bars, 0.01)
        # Read-only views have the types of a real market, for which the kernel is compiled already.
        tape = Tape(
            bars=self.bars,
            actions=self.actions,
            facts=self.facts,
            sizing=self.sizing,
            value=self.value,
            stop=frozen(self.stop),
            variance=self.variance,
            covariance=self.covariance,
            tied=self.tied,
            calendar=self.calendar,
            session=frozen(self.session),
            regime=self.regime,
            sleeve_return=np.zeros((n_bars, n_strategies)),
            year_share=self.year_share,
            stress=frozen(self.stress),
            pairing=self.pairing,
            legs=self.legs,
        )
        book = open_book(1, n_strategies, self.rules.limits.max_positions)
        ledger = open_ledger(1, fills=room, trades=room, decisions=room)
        self.desk = Desk(book, tape, self.rules.record(), ledger)
        self._floor = lend(self.desk)
        self.t = 0
        self._opened = False
        self.weigh(*[1.0 / n_strategies] * n_strategies)

    @property
    def account(self) -> Record:
        return self.desk.book.accounts[0]

    @property
    def equity(self) -> float:
        return float(self.account["equity"])

    @property
    def positions(self) -> RecordArray:
        taken: RecordArray = self.desk.book.positions[0, : self.account["n_positions"]]
        return taken

    @property
    def fills(self) -> RecordArray:
        return self._written("fills")

    @property
    def trades(self) -> RecordArray:
        return self._written("trades")

    @property
    def decisions(self) -> RecordArray:
        return self._written("decisions")

    def want(self, t: int, value: float = 0.01, k: int = 0, s: int = 0) -> None:
        """Let strategy `k` ask for symbol `s` at the close of bar `t`; negative is short."""
        self.value[t, k, s] = value

    def want_pair(
        self, t: int, value: float = 0.01, k: int = 0, legs: tuple[int, int] = (0, 1)
    ) -> None:
        """Let strategy `k` ask for two symbols as a pair, long the first of `legs`."""
        self.pairing[k] = k
        for (s, partner), side in zip((legs, legs[::-1]), (1.0, -1.0), strict=True):
            self.want(t, side * value, k, s)
            self.legs[t, k, s] = (partner, 1.0)

    def move(self, t: int, price: float, s: int = 0) -> None:
        """Let the price jump at the open of bar `t` and stay there."""
        for name in ("open", "high", "low", "close"):
            self.bars[name][t:, s] = price

    def shape(self, t: int, s: int = 0, **prices: float) -> None:
        """Set some of open, high, low and close of one bar."""
        for name, price in prices.items():
            self.bars[name][t, s] = price

    def relate(self, correlation: FloatArray, deviation: float = 0.01) -> None:
        """Let the symbols' daily returns have these correlations and this deviation."""
        self.covariance[0] = deviation**2 * np.asarray(correlation)
        self.sizing["deviation"] = deviation
        self.facts["swing"] = bounds(self.covariance)[0]
        self.tied[:] = tied_symbols(self.covariance, self.rules.gates.correlation)

    def act(self, t: int, s: int = 0, split: float = 1.0, dividend: float = 0.0) -> None:
        """Let a symbol split or pay a dividend before the open of bar `t`."""
        self.actions["split"][t, s], self.actions["dividend"][t, s] = split, dividend
        self.calendar["has_action"][t] = 1

    def weigh(self, *weights: float, cash: float = 0.0) -> None:
        """Share the risk budget from the next decision on."""
        self._weights = (weights, cash)

    def run(self, n_bars: int = 1) -> float:
        """Trade so many bars; return the log growth of the last."""
        if not self._opened:
            open_account(self.desk.book, 0, self.rules.capital, self.session[0])
            self._opened = True
        self.desk.book.sleeves["weight"][0], self.account["cash_weight"] = self._weights
        growth: FloatArray = np.zeros(1)
        if self._floor.lent.desk is not self.desk:  # a test made another of it
            self._floor = lend(self.desk)
        for _ in range(n_bars):
            trade_bars(self._floor, np.array([self.t]), growth)
            self.t += 1
        return float(growth[0])

    def _written(self, kind: str) -> RecordArray:
        n = getattr(self.desk.ledger, f"n_{kind}")[0]
        records: RecordArray = getattr(self.desk.ledger, kind)[0, :n]
        return records


@pytest.fixture(scope="session")
def rules() -> Callable[..., DeskRules]:
    return quiet_rules


@pytest.fixture(scope="session")
def trial() -> Callable[..., Any]:
    return Trial
