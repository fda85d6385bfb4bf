"""A session of a season as the store of records takes it: its round trips and its days."""

import numpy as np
import pandas as pd

from benbot.envs.arrays import IntArray, RecordArray
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import History
from benbot.envs.market.regime import REGIMES
from benbot.strategies.records import Source
from benbot.strategies.tournament.sleeves import SleeveSessions
from benbot.strategies.tournament.stages import Stage

NAMES = np.array([stage.name for stage in Stage], dtype=object)
CODES = np.array([stage.value for stage in Stage])
TRADED = ("entry_price", "exit_price", "profit", "costs", "side")


def trades_of(history: History, trades: RecordArray, stages: IntArray) -> pd.DataFrame:
    """Return round trips of one session, of those strategies that take part.

    What was known when it was decided is that of the close before the bar in which it was opened.
    """
    trades = trades[stages[trades["strategy"]] >= Stage.R1]
    market = history.market
    bar, k, s = trades["opened"] - 1, trades["strategy"], trades["symbol"]
    confidence = history.signals.confidence[bar, k, s].astype(np.float64)
    value = np.abs(history.tape.value[bar, k, s]).astype(np.float64)
    confident = confidence > 0.0
    unknown = np.full(trades.size, np.nan)
    columns = {name: trades[name] for name in TRADED}
    return pd.DataFrame(
        columns
        | {
            "strategy": np.array(history.signals.strategies, dtype=object)[k],
            "symbol": np.array(market.symbols, dtype=object)[s],
            "opened": pd.to_datetime(market.timestamps[trades["opened"]], utc=True),
            "closed": pd.to_datetime(market.timestamps[trades["closed"]], utc=True),
            "units": trades["notional"] / trades["entry_price"],
            "return": trades["profit"] / trades["notional"],
            "slippage": np.zeros(trades.size),  # filled as the model says
            "reason": [Exit(reason).name.lower() for reason in trades["reason"]],
            "regime": np.array(REGIMES, dtype=object)[trades["regime"]],
            "news": unknown,
            "spread": 2e4 * history.tape.bars["half_spread"][bar, s],
            "confidence": np.where(confident, confidence, np.nan),
            "expected_value": np.where(confident, value / np.maximum(confidence, 1e-9), np.nan),
            "weight": np.ones(trades.size),
            "stage": named(stages[k]),
            "source": str(Source.SIMULATION),
        }
    )


def days_of(history: History, sessions: SleeveSessions, i: int, stages: IntArray) -> pd.DataFrame:
    """Return session `i` of those strategies that take part and had one."""
    k = np.flatnonzero((stages >= Stage.R1) & np.isfinite(sessions.returns[i]))
    return pd.DataFrame(
        {
            "strategy": np.array(history.signals.strategies, dtype=object)[k],
            "session": sessions.days[i].astype("datetime64[D]"),
            "source": str(Source.SIMULATION),
            "stage": named(stages[k]),
            "return": sessions.returns[i, k],
            "equity": sessions.equity[i, k],
            "n_trades": sessions.n_trades[i, k],
            "breaches": sessions.breaches[i, k],
        }
    )


def named(stages: IntArray) -> list[str]:
    """Return the names of stages."""
    found: list[str] = NAMES[np.searchsorted(CODES, stages)].tolist()
    return found
