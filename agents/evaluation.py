"""What a policy did with an account over a stretch of bars."""

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from benbot.agents.past import ask, past_of
from benbot.agents.policy import Policy, checked_weights
from benbot.envs.arrays import (
    Float32Array,
    FloatArray,
    Int8Array,
    IntArray,
    RecordArray,
    TimeArray,
)
from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.ledger import OPTION_FILL, TRADE, Ledger, open_ledger
from benbot.envs.desk.offers import synthetic_note
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import History, Span
from benbot.envs.signals import Overlay
from benbot.envs.stepping import Arena, ArenaLoan, Outcome, begin_at, step_all
from benbot.envs.vector import EnvironmentSettings, build_arena

KINDS = ("fills", "trades", "decisions", "options")
MARK = np.dtype([("equity", np.float64), ("exposure", np.float64), ("breaker", np.int64)])
HOLDING = np.dtype(
    [
        ("bar", np.int32),  # at whose close it was held
        ("symbol", np.int32),
        ("strategy", np.int32),
        ("worth", np.float64),  # fraction of equity, negative for a short
    ],
    align=True,
)


@runtime_checkable
class Noting(Protocol):
    """A policy with something to say of its weights once it has traded."""

    @property
    def notes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, eq=False)
class Evaluation:
    """N decisions and the N + 1 marks around them; index 0 is the start.

    timestamps   (N+1,)     when each mark was taken, UTC
    bars         (N+1,)     bar numbers in the market
    equity       (N+1,)     account currency
    weights      (N, K+1)   what the policy chose at each decision; the last entry is cash
    exposure     (N+1,)     gross, as a fraction of equity
    turnover     (N,)       notional traded during the bar, as a fraction of equity
    regime       (N+1,)     `regime` of each bar, -1 unknown
    breaker      (N+1,)     `Breaker` at each mark
    fills, trades, decisions, options   records of `desk.ledger`
    open_trades   records of TRADE, of what is still open at the last mark and valued there, without
                  the costs of leaving; with `trades` they are all that the account earned
    holdings      records of HOLDING, a row per mark and position; a written put as the shares that
                  it promises to buy
    notes         sentences on what of it rests on no market price, and of what the policy says
                  that its weights are not what its name promises
    """

    name: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    bars_per_year: float
    timestamps: TimeArray
    bars: IntArray
    equity: FloatArray
    weights: FloatArray
    exposure: FloatArray
    turnover: FloatArray
    regime: Int8Array
    breaker: IntArray
    fills: RecordArray
    trades: RecordArray
    decisions: RecordArray
    open_trades: RecordArray
    holdings: RecordArray
    options: RecordArray = field(default_factory=lambda: np.zeros(0, OPTION_FILL))
    notes: tuple[str, ...] = ()

    @property
    def annual_growth(self) -> float:
        """Mean log growth of equity a year; minus infinity when nothing is left."""
        n_bars = len(self.equity) - 1
        if not self.equity[-1] > 0.0:
            return -math.inf
        return float(np.log(self.equity[-1] / self.equity[0]) * self.bars_per_year / n_bars)


def evaluate(
    policy: Policy, history: History, span: Span, settings: EnvironmentSettings
) -> Evaluation:
    """Trade one account through the whole span, from its first bar, and keep every record.

    An account that is ruined by the measure of the settings stops there: to the end of the span
    its equity stays what it was, with all weight in cash.
    """
    return _Account(history, span, settings).trade(policy)


class _Account:
    """One environment whose episode is the span, and what is noted down on the way."""

    def __init__(self, history: History, span: Span, settings: EnvironmentSettings) -> None:
        self.history, self.span = history, span
        rules, n_strategies = history.rules, history.signals.n_strategies
        most = rules.limits.max_positions
        self.ledger = open_ledger(
            1,
            fills=6 * most,  # a slot may be left, filled anew, taken in part and closed in one bar
            trades=2 * most,
            decisions=history.market.n_symbols + most,  # each may have a winner, and what is held
            options=6 * most,
        )
        whole = settings.model_copy(update={"episode_bars": span.n_decisions})
        self.loan = ArenaLoan(build_arena(history, span, whole, 1, self.ledger))
        self.arena: Arena = self.loan.lent
        self.marks = np.zeros(span.n_decisions + 1, MARK)
        self.weights = np.zeros((span.n_decisions, n_strategies + 1))
        self.turnover = np.zeros(span.n_decisions)
        self.records: dict[str, list[RecordArray]] = {kind: [] for kind in KINDS}
        self.holdings: list[RecordArray] = [np.zeros(0, HOLDING)]

    def trade(self, policy: Policy) -> Evaluation:
        outcome = _room_for(self.history.layout.size)
        policy.reset()
        begin_at(self.arena, 0, self.span.first, self.span.last, outcome.observation)
        self._mark(0)
        for i in range(self.span.n_decisions):
            past = past_of(self.history.tape, self.history.features, self.span.first + i)
            chosen = ask(policy, past, outcome.observation[0])
            action = checked_weights(policy, chosen, self.weights.shape[1])
            step_all(self.loan, action[None], False, outcome)
            self._note(i)
            if outcome.terminated[0]:
                self._stand_still(i + 1)
                break
        return self._evaluation(policy)

    def _note(self, i: int) -> None:
        book = self.arena.desk.book
        self.weights[i, :-1] = book.sleeves["weight"][0]
        self.weights[i, -1] = book.accounts["cash_weight"][0]
        account = book.accounts[0]
        self.turnover[i] = account["traded"] / account["previous_equity"]
        self._mark(i + 1)
        for kind in KINDS:
            drain(self.ledger, kind, self.records[kind])

    def _mark(self, i: int) -> None:
        account = self.arena.desk.book.accounts[0]
        equity = account["equity"]
        gross = account["gross"] / equity if equity > 0.0 else 0.0  # a fraction of nothing
        self.marks[i] = (equity, gross, breaker_of(account))
        if account["n_positions"] and equity > 0.0:
            self.holdings.append(holdings_of(self._positions, self.span.first + i, equity))

    @property
    def _positions(self) -> RecordArray:
        book = self.arena.desk.book
        taken: RecordArray = book.positions[0, : book.accounts["n_positions"][0]]
        return taken

    @property
    def _options(self) -> RecordArray:
        options: RecordArray = self.arena.desk.book.options[0, : self._positions.size]
        return options

    def _stand_still(self, i: int) -> None:
        self.marks[i + 1 :] = self.marks[i]
        self.marks["exposure"][i + 1 :] = 0.0
        self.weights[i:, -1] = 1.0

    def _evaluation(self, policy: Policy) -> Evaluation:
        market, span = self.history.market, self.span
        records = {kind: self._joined(kind) for kind in KINDS}
        bars = np.arange(span.first, span.last + 1)
        synthetic = synthetic_note(records["options"], self.history.rules.options)
        return Evaluation(
            name=policy.name,
            strategies=self.history.signals.strategies,
            symbols=market.symbols,
            bars_per_year=market.bars_per_year,
            timestamps=market.timestamps[bars],
            bars=bars,
            equity=self.marks["equity"].copy(),
            weights=self.weights,
            exposure=self.marks["exposure"].copy(),
            turnover=self.turnover,
            regime=self.history.tape.regime[bars],
            breaker=self.marks["breaker"].copy(),
            open_trades=open_trades_of(
                self._positions, self._options, self.arena.episodes["bar"][0]
            ),
            holdings=np.concatenate(self.holdings),
            notes=(*synthetic, *(policy.notes if isinstance(policy, Noting) else ())),
            **records,
        )

    def _joined(self, kind: str) -> RecordArray:
        empty: RecordArray = getattr(self.ledger, kind)[0, :0]
        return np.concatenate([empty, *self.records[kind]])


def holdings_of(positions: RecordArray, bar: int, equity: float) -> RecordArray:
    """Return what is held at the close of a bar, as records of HOLDING."""
    held = np.zeros(positions.size, HOLDING)
    held["bar"], held["symbol"], held["strategy"] = bar, positions["symbol"], positions["strategy"]
    held["worth"] = positions["units"] * positions["last_price"] / equity
    return held


def open_trades_of(positions: RecordArray, options: RecordArray, bar: int) -> RecordArray:
    """Return positions as round trips, records of TRADE, that could leave at the last price.

    What they have written, the records of OPTION beside them, is bought back at the last mark.
    """
    trades = np.zeros(positions.size, TRADE)
    for name in set(TRADE.names or ()) & set(positions.dtype.names or ()):
        trades[name] = positions[name]
    trades["closed"], trades["reason"] = bar, Exit.NONE
    trades["side"], trades["exit_price"] = np.sign(positions["units"]), positions["last_price"]
    gain = positions["units"] * (positions["last_price"] - positions["entry_price"])
    trades["profit"] = positions["realised"] + gain + positions["income"] - positions["costs"]
    due = options["contracts"] * options["multiplier"] * options["price"]
    trades["profit"] -= np.where(positions["overlay"] != Overlay.NONE, due, 0.0)
    return trades


def drain(ledger: Ledger, kind: str, into: list[RecordArray]) -> None:
    """Move the records of the only account out of the ledger; none may have been lost."""
    written: IntArray = getattr(ledger, f"n_{kind}")
    n, room = int(written[0]), getattr(ledger, kind).shape[1]
    if n > room:
        raise AssertionError(f"a bar must not have more than {room} {kind}, was {n}")
    if n:
        into.append(getattr(ledger, kind)[0, :n].copy())
        written[0] = 0


def _room_for(size: int) -> Outcome:
    observation: Float32Array = np.empty((1, size), np.float32)
    flags = np.zeros((2, 1), np.bool_)
    return Outcome(observation, np.empty_like(observation), np.zeros(1), flags[0], flags[1])
