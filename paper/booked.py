"""The round trips of a paper account as the store of records takes them, with their context.

What was known when a trade was decided is that of the close before the bar in which it opened, as
with those of a season; what its fills cost against the model is what paper trading adds.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benbot.envs.history import History
from benbot.envs.market.regime import REGIMES
from benbot.paper.account_rows import AccountRows, StoreRow, key_of_account
from benbot.paper.slippage import BPS, Execution, executions_of, fills_of_trade, slippage_of
from benbot.strategies.records.moments import moment_at
from benbot.strategies.records.stages import Source, Stage

SURE = 1e-9  # confidence below which an expected value is not told
PLAIN = ("entry_price", "exit_price", "profit", "costs", "side", "symbol", "strategy")


def trades_of(rows: AccountRows, history: History, stages: Mapping[str, str]) -> pd.DataFrame:
    """Return the closed round trips, the first first; `stages` are where strategies stand.

    Who is on no stage trades the account's money without a tournament, which is LIVE.
    """
    executions = executions_of(rows.intents, history.tape, history.rules)
    by_symbol: dict[str, list[Execution]] = {}
    for one in executions:
        by_symbol.setdefault(one.symbol, []).append(one)
    key = key_of_account(rows)
    told = [
        {
            **_known(trade, rows, history),
            "key": f"paper-{key}-{trade['closed']}-{trade['number']}",
            "stage": stages.get(trade["strategy"], str(Stage.LIVE)),
            "slippage": slippage_of(fills_of_trade(trade, by_symbol.get(trade["symbol"], ()))),
        }
        for trade in rows.trades
    ]
    return pd.DataFrame(told)


def _known(trade: StoreRow, rows: AccountRows, history: History) -> dict[str, Any]:
    market, tape, bar = history.market, history.tape, trade["opened"] - 1
    k = history.signals.strategies.index(trade["strategy"])
    s = market.symbols.index(trade["symbol"])
    confidence = float(history.signals.confidence[bar, k, s])
    value = abs(float(tape.value[bar, k, s]))
    weights = np.frombuffer(rows.decisions[bar - rows.first_bar]["weights"], np.float32)
    is_sure = confidence > SURE
    return {
        **{name: trade[name] for name in PLAIN},
        **{name: moment_at(market.timestamps[int(trade[name])]) for name in ("opened", "closed")},
        "units": trade["notional"] / trade["entry_price"],
        "return": trade["profit"] / trade["notional"],
        "reason": trade["reason"].lower(),
        "regime": REGIMES[trade["regime"]],
        "news": np.nan,
        "spread": 2.0 * BPS * float(tape.bars["half_spread"][bar, s]),
        "confidence": confidence if is_sure else np.nan,
        "expected_value": value / confidence if is_sure else np.nan,
        "weight": float(weights[k]),
        "source": str(Source.PAPER),
    }
