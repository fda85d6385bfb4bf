"""Markets so small that every number that the oracle makes of them can be checked by hand.

Unless a test says otherwise: one strategy with all the weight is long symbol 0 from the close of
bar 0 with a stop of 12.5 %, so it risks 1.25 % of 100,000 in a position of 10,000, nothing costs
anything, and no gate looks at more than money.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals
from tests.reference import Story, trade_market
from tests.reference.facts import Facts

Candle = tuple[float, float, float, float]

FLAT: Candle = (100.0, 100.0, 100.0, 100.0)
GONE: Candle = (math.nan,) * 4
FREE = {
    "sizing": {"risk_per_trade": 0.0125},
    "costs": {
        "half_spread": 0.0,
        "commission_rate": 0.0,
        "impact": 0.0,
        "borrow_rate": 0.0,
        "participation": 1.0,
    },
    "gates": {"correlation": 1.0, "var": 1.0, "participation": 1.0, "min_sessions": 2},
    "limits": {"beta": 100.0},
    "poor": {"below": 0.0},
    "breakers": {"drawdown": 1.0, "daily_loss": 1.0},
}


def rules_of(**sections: dict[str, Any]) -> DeskRules:
    """Return rules without costs or statistics, but for what is given, section by section."""
    rules = DeskRules()
    names = {*FREE, *sections}
    return rules.model_copy(
        update={
            name: getattr(rules, name).model_copy(
                update={**FREE.get(name, {}), **sections.get(name, {})}
            )
            for name in names
        }
    )


def market_of(*symbols: Sequence[Candle], session: Sequence[int] = (), **facts: Any) -> Market:  # noqa: ANN401
    """Return a market of one list of (open, high, low, close) a symbol, a day a bar."""
    candles = np.array(symbols, dtype=np.float64).transpose(1, 0, 2)
    prices = {
        name: candles[:, :, i].copy() for i, name in enumerate(("open", "high", "low", "close"))
    }
    prices |= {
        name: table(facts.pop(name), candles.shape[:2])
        for name in ("volume", "spread")
        if name in facts
    }
    market = market_from_prices(
        np.datetime64("2021-01-01") + np.arange(len(candles)),
        tuple(f"S{s}" for s in range(len(symbols))),
        prices,
        session=np.asarray(session) if len(session) else None,
        sectors=facts.pop("sectors", None),
    )
    for name, value in facts.items():
        object.__setattr__(market, name, table(value, candles.shape[:2]))
    return market


def table(value: Any, shape: tuple[int, int]) -> np.ndarray:  # noqa: ANN401
    """Return a column of one value a bar, or one value, as a table."""
    values = np.asarray(value)
    return np.broadcast_to(values[:, None] if values.ndim == 1 else values, shape).copy()


def wants(market: Market, *columns: Sequence[int], stop: float = 0.125) -> Signals:
    """Return a strategy for each column, which says what it wants of symbol 0 at each bar."""
    direction = np.zeros((market.n_bars, len(columns), market.n_symbols), np.int8)
    for k, column in enumerate(columns):
        direction[: len(column), k, 0] = column
    shape = direction.shape
    names = tuple(f"k{k}" for k in range(len(columns)))
    ones = np.ones(shape, np.float32)
    return Signals(names, (0,) * len(columns), direction, ones, np.float32(stop) * ones)


def story_of(
    market: Market,
    rules: DeskRules | None = None,
    signals: Signals | None = None,
    weights: Sequence[Sequence[float]] | None = None,
    **more: Any,  # noqa: ANN401
) -> Story:
    signals = wants(market, [1]) if signals is None else signals
    all_in = [[1.0] * signals.n_strategies + [0.0]] * (market.n_bars - 1)
    return trade_market(
        market,
        signals,
        more.pop("regime", np.zeros(market.n_bars, np.int64)),
        rules_of() if rules is None else rules,
        more.pop("budgets", np.ones((market.n_bars, market.n_symbols), np.float32)),
        np.array(all_in if weights is None else weights),
        more.pop("first", 0),
        **more,
    )


def facts_of(market: Market, **sections: dict[str, Any]) -> Facts:
    return Facts(market, rules_of(**sections), None)


def closes(*prices: float) -> list[Candle]:
    return [(p, p, p, p) for p in prices]
