"""What every strategy does alone, session by session: what a tournament judges.

K accounts trade the span side by side, each with all of its weight on one strategy, under the desk
without breakers, as the sleeves of a tape do: a breaker would silence the measurement. A limit that
would have tripped counts as a breach instead. A session is a trading day, whatever the bars.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, RecordArray
from benbot.envs.desk.ledger import TRADE, Ledger, open_ledger
from benbot.envs.desk.sleeves import LEAST_CAPITAL
from benbot.envs.history import History, Span
from benbot.envs.stepping import Arena, ArenaLoan, Outcome, begin_at, step_all
from benbot.envs.vector import EnvironmentSettings, build_arena
from benbot.strategies.tournament.trial import RUIN

DAY = "datetime64[D]"


@dataclass(frozen=True, eq=False)
class SleeveSessions:
    """D sessions of K strategies.

    days       (D,)    days since 1970
    last_bars  (D,)    bar at whose close each session ends
    returns    (D, K)  after costs; NaN from the session after that which left hardly any capital
    equity     (D, K)  at the close, account currency
    breaches   (D, K)  1 where the daily loss was beyond what the desk allows
    n_trades   (D, K)  round trips that closed
    trades     (D,)    those round trips, records of TRADE
    """

    days: IntArray
    last_bars: IntArray
    returns: FloatArray
    equity: FloatArray
    breaches: IntArray
    n_trades: IntArray
    trades: tuple[RecordArray, ...]

    @property
    def n_sessions(self) -> int:
        return self.days.size


def sleeve_sessions(
    history: History, span: Span, moved: Callable[[int], None] = lambda done: None
) -> SleeveSessions:
    """Trade every strategy alone over a span; `moved` hears how many decisions are done."""
    rules = history.rules
    equity, by_bar = _trade(replace(history, rules=rules.without_breakers()), span, moved)
    session = history.tape.session[span.first : span.last + 1]
    ends = np.flatnonzero(np.append(np.diff(session) != 0, True))
    ends = ends[ends > 0]  # at the first bar nothing has been traded yet
    before = np.concatenate([[0], ends[:-1]])
    at_end, at_start = equity[ends], equity[before]
    returns, at_end = earned(at_start, at_end, LEAST_CAPITAL * rules.capital)
    stretches = [by_bar[low:high] for low, high in zip(before, ends, strict=True)]
    trades = tuple(np.concatenate([np.zeros(0, TRADE), *own]) for own in stretches)
    n_strategies = equity.shape[1]
    counts = [np.bincount(own["strategy"], minlength=n_strategies) for own in trades]
    last_bars = span.first + ends
    return SleeveSessions(
        days=history.market.days[last_bars].astype(DAY).astype(np.int64),
        last_bars=last_bars,
        returns=returns,
        equity=at_end,
        breaches=_breached(returns, rules.breakers.daily_loss).astype(np.int64),
        n_trades=np.array(counts),
        trades=trades,
    )


def earned(at_start: FloatArray, at_end: FloatArray, least: float) -> tuple[FloatArray, FloatArray]:
    """Return what each session earned, and the equity it ended with, both (D, K).

    The loss that ruins an account is told, as `RUIN` at most; whoever began a session with no more
    than `least` had none.
    """
    sound = at_start > least
    left = np.where(sound, np.maximum(at_end, (1.0 + RUIN) * at_start), at_end)
    returns = np.where(sound, left / np.where(sound, at_start, 1.0) - 1.0, np.nan)
    return returns, left


def _breached(returns: FloatArray, daily_loss: float) -> BoolArray:
    return np.isfinite(returns) & ~(returns > -daily_loss)


def _trade(
    history: History, span: Span, moved: Callable[[int], None]
) -> tuple[FloatArray, list[RecordArray]]:
    """Return equity (N + 1, K) at every mark, and the round trips that closed in each bar."""
    n_strategies, most = history.signals.n_strategies, history.rules.limits.max_positions
    ledger = open_ledger(n_strategies, trades=2 * most)
    whole = EnvironmentSettings(episode_bars=span.n_decisions, ruin=0.0)
    loan = ArenaLoan(build_arena(history, span, whole, n_strategies, ledger))
    arena: Arena = loan.lent
    outcome = _room_for(n_strategies, history.layout.size)
    for b in range(n_strategies):
        begin_at(arena, b, span.first, span.last, outcome.observation)
    alone = np.eye(n_strategies, n_strategies + 1, dtype=np.float32)
    accounts = arena.desk.book.accounts
    equity = np.zeros((span.n_decisions + 1, n_strategies))
    equity[0] = accounts["equity"]
    closed: list[RecordArray] = []
    for i in range(span.n_decisions):
        step_all(loan, alone, False, outcome)
        equity[i + 1] = accounts["equity"]
        closed.append(_closed(ledger))
        moved(i + 1)
    return equity, closed


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
