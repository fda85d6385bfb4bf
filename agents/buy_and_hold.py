"""The universe, bought once in equal parts and held: through the same kernel, at the same costs.

The universe is one strategy that is long in every symbol and never changes its mind, under rules
that only buy: no stop, no breaker, no rebalancing. What has a price when the span begins is bought
at the next open (or at the first one after that at which the regime is known: no account trades
before); a symbol that is listed later is never bought, for by then the money is spent. What is
delisted becomes cash.
"""

from typing import Any

import numpy as np

from benbot.agents.baselines import Fixed
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.arrays import BoolArray
from benbot.envs.desk.portfolio import PortfolioSettings
from benbot.envs.desk.rules import DeskRules, Execution
from benbot.envs.desk.taping import blank_tape
from benbot.envs.history import History, Span
from benbot.envs.observation import Features, Layout
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings

NAME = "buy_and_hold"
INVESTED = 0.995  # the rest pays the costs and the gap between the close and the open
NO_STOP = float(np.nextafter(np.float32(1.0), np.float32(0.0)))  # a fall of all but nothing
FOREVER = 2**31


def buy_and_hold(history: History, span: Span, settings: EnvironmentSettings) -> Evaluation:
    """Return what the universe did over the span; nobody sells because it has halved."""
    policy = Fixed(NAME, np.array([1.0, 0.0], np.float32))
    patient = settings.model_copy(update={"ruin": 0.0})
    return evaluate(policy, passive_history(history, span), span, patient)


def passive_history(history: History, span: Span) -> History:
    """Return the same market with nothing but the universe to trust, and rules that let it be."""
    market = history.market
    listed = market.tradable[span.first]
    rules = passive_rules(history.rules, int(listed.sum()))
    signals = _always_long(history, listed)
    tape = blank_tape(market, signals, history.tape.regime, rules)
    tape.value[..., : market.n_symbols] = signals.direction
    n_bars = market.n_bars
    size = Layout(signals.strategies).size
    features = Features(np.zeros((n_bars, size), np.float32), np.zeros((n_bars, 1), np.float32))
    return History(market, signals, rules, history.regime, tape, features)


def passive_rules(rules: DeskRules, n_symbols: int) -> DeskRules:
    """Return rules under which an account buys `n_symbols` in equal parts and then rests.

    The capital and the costs stay; no gate but those of price and age refuses. The other values lie
    outside the ranges that a config may have, which is why they are not checked against them.
    """
    patient = rules.without_breakers()
    changed: dict[str, dict[str, Any]] = {
        "sizing": {
            "method": "risk",
            "risk_per_trade": 1.0,
            "risk_per_diamond": 1.0,
            "position_cap": INVESTED / max(n_symbols, 1),
            "no_trade_band": np.inf,
            "smallest_order": 0.0,
        },
        "limits": {
            "max_positions": max(n_symbols, 1),
            "daily_trades": FOREVER,
            "cash_buffer": 0.0,
            **dict.fromkeys(("gross", "net", "sector", "strategy", "beta"), np.inf),
        },
        "gates": {
            "stress": False,
            "spread": np.inf,
            **dict.fromkeys(("correlation", "var", "participation"), 1.0),
            "refresh": FOREVER,  # nobody asks for covariances, which are large
        },
        "costs": {"participation": float(FOREVER)},  # a fill is never cut for want of volume
        "exits": {
            "trailing_multiple": float(FOREVER),
            "target": 0.0,
            "partial": 0.0,
            "time_stop": FOREVER,
            "diamond_time_stop": FOREVER,
        },
    }
    update: dict[str, Any] = {
        name: getattr(patient, name).model_copy(update=fields) for name, fields in changed.items()
    }
    update |= {"portfolio": PortfolioSettings(), "execution": Execution()}
    return patient.model_copy(update=update)


def _always_long(history: History, listed: BoolArray) -> Signals:
    shape = (history.n_bars, 1, history.market.n_symbols)
    return Signals(
        strategies=("universe",),
        warmup=(0,),
        direction=np.broadcast_to(listed, shape).astype(np.int8),
        confidence=np.ones(shape, np.float32),
        stop_distance=np.full(shape, NO_STOP, np.float32),
    )
