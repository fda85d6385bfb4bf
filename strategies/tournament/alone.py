"""Every strategy alone on the desk, bar by bar: the accounts whose sessions a tournament judges."""

import numpy as np

from benbot.envs.arrays import AnyArray, FloatArray, RecordArray
from benbot.envs.desk.book import open_book
from benbot.envs.desk.coordinate import open_contest
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.ledger import Ledger, open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.errors import InvalidParameter, RunMismatch
from benbot.envs.observation import Features
from benbot.envs.stepping import EPISODE, TERMS, Arena, ArenaLoan, Outcome, begin_at, step_all


class Alone:
    """K accounts side by side, each with all of its weight on one strategy, without breakers.

    They do not come back: whoever has lost nearly everything goes on with what is left. `show` the
    history, `begin` at the close of a bar, and `trade` a bar after the other. A history that has
    gone on is shown anew; the accounts stay where they stand.
    """

    def __init__(self, rules: DeskRules, n_strategies: int) -> None:
        self._rules = rules.without_breakers()
        self._book = open_book(n_strategies, n_strategies, rules.limits.max_positions)
        self._ledger = open_ledger(n_strategies, trades=2 * rules.limits.max_positions)
        self._episodes = np.zeros(n_strategies, EPISODE)
        self._alone = np.eye(n_strategies, n_strategies + 1, dtype=np.float32)
        self._shown: tuple[ArenaLoan, Outcome] | None = None

    @property
    def equity(self) -> FloatArray:
        """What each is worth at the last mark, (K,), account currency."""
        equity: FloatArray = self._book.accounts["equity"].copy()
        return equity

    @property
    def arrays(self) -> list[AnyArray]:
        """All that they are and stand at, to be kept and brought back in place."""
        return [*self._book, self._episodes]

    def show(self, tape: Tape, features: Features) -> None:
        """Let them trade on this history from now on; no ladder binds them, whatever it says."""
        desk = Desk(self._book, tape, self._rules.record(), self._ledger)
        terms = np.zeros(1, TERMS)
        free = Features(features.rows, features.sleeve_precision)
        arena = Arena(desk, open_contest(desk), free, self._episodes, terms)
        arena.terms["capital"] = self._rules.capital
        self._shown = ArenaLoan(arena), _room_for(len(self._episodes), features.rows.shape[1])

    def begin(self, t: int) -> None:
        """Give each its capital at the close of bar `t`."""
        loan, outcome = self._lent()
        last = loan.lent.desk.tape.session.size - 1
        for b in range(len(self._episodes)):
            begin_at(loan.lent, b, t, last, outcome.observation)

    def trade(self) -> RecordArray:
        """Trade the next bar; return the round trips that closed in it, records of TRADE."""
        loan, outcome = self._lent()
        n_bars, bar = loan.lent.desk.tape.session.size, int(self._episodes["bar"].max(initial=-1))
        if not bar + 1 < n_bars:
            raise InvalidParameter(
                f"accounts can trade up to the last bar of the history, {n_bars - 1}, stood at the "
                f"close of {bar}. Show them more of it, or end the span before"
            )
        step_all(loan, self._alone, False, outcome)
        return _closed(self._ledger)

    def _lent(self) -> tuple[ArenaLoan, Outcome]:
        if self._shown is None:
            raise RunMismatch("accounts must be shown a history before they can trade, was none")
        return self._shown


def _closed(ledger: Ledger) -> RecordArray:
    """Return the round trips that all accounts closed in this bar, and make room for others."""
    if ledger.n_trades.max() > ledger.trades.shape[1]:
        raise AssertionError(f"a bar must not close more than {ledger.trades.shape[1]} trades")
    taken = np.arange(ledger.trades.shape[1]) < ledger.n_trades[:, None]
    closed: RecordArray = ledger.trades[taken]
    ledger.n_trades[:] = 0
    return closed


def _room_for(n: int, size: int) -> Outcome:
    seen = np.empty((n, size), np.float32)
    ends = np.zeros((2, n), np.bool_)
    return Outcome(seen, np.empty_like(seen), np.zeros(n), ends[0], ends[1])
