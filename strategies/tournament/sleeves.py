"""What every strategy does alone, session by session: what a tournament judges.

K accounts trade the span side by side, each with all of its weight on one strategy, under the desk
without breakers, as the sleeves of a tape do: a breaker would silence the measurement. A limit that
would have tripped counts as a breach instead. A session is a trading day, whatever the bars.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, RecordArray
from benbot.envs.desk.ledger import TRADE
from benbot.envs.desk.sleeves import LEAST_CAPITAL
from benbot.envs.history import History, Span
from benbot.strategies.tournament.alone import Alone
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
    equity, by_bar = _trade(history, span, moved)
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
        breaches=breached(returns, rules.breakers.daily_loss).astype(np.int64),
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


def breached(returns: FloatArray, daily_loss: float) -> BoolArray:
    """Return which sessions lost more than the desk allows a day; one that was none did not."""
    return np.isfinite(returns) & ~(returns > -daily_loss)


def _trade(
    history: History, span: Span, moved: Callable[[int], None]
) -> tuple[FloatArray, list[RecordArray]]:
    """Return equity (N + 1, K) at every mark, and the round trips that closed in each bar."""
    alone = Alone(history.rules, history.signals.n_strategies)
    alone.show(history.tape, history.features)
    alone.begin(span.first)
    equity = np.zeros((span.n_decisions + 1, history.signals.n_strategies))
    equity[0] = alone.equity
    closed: list[RecordArray] = []
    for i in range(span.n_decisions):
        closed.append(alone.trade())
        equity[i + 1] = alone.equity
        moved(i + 1)
    return equity, closed
