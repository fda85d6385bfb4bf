"""Experiences to learn from: written by hand, or lived through by sleeves on a random market."""

from dataclasses import replace

import numpy as np

from benbot.envs.desk.ledger import TRADE
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.news_features import INTENSITY, MOOD
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.strategies.learning.experience import Experience, live_through

REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
RULES = DeskRules.model_validate({"exits": {"time_stop": 6}, "limits": {"close_call": 1.0}})
Row = tuple[int, int, int, int, float]  # strategy, symbol, opened, closed, outcome


def still_market(n_bars: int, n_symbols: int) -> Market:
    """Return a market whose prices do not move."""
    days = np.arange(n_bars).astype("datetime64[D]").astype("datetime64[ns]")
    names = tuple(f"S{s}" for s in range(n_symbols))
    return market_from_prices(days, names, {"close": np.full((n_bars, n_symbols), 100.0)})


def stated(n_bars: int, n_strategies: int, n_symbols: int, confidence: float = 0.5) -> Signals:
    """Return signals that say the same of every symbol at every close: long."""
    shape = (n_bars, n_strategies, n_symbols)
    return Signals(
        tuple(f"k{k}" for k in range(n_strategies)),
        (0,) * n_strategies,
        np.ones(shape, np.int8),
        np.full(shape, confidence, np.float32),
        np.full(shape, 0.05, np.float32),
    )


def lived(
    rows: list[Row], n_bars: int = 12, n_strategies: int = 1, n_symbols: int = 2
) -> Experience:
    """Return an experience with these trades, in the middle regime and of a notional of 1."""
    market, signals = still_market(n_bars, n_symbols), stated(n_bars, n_strategies, n_symbols)
    tape = record_tape(market, signals, np.full(n_bars, 4, np.int8), RULES)
    trades = np.zeros(len(rows), TRADE)
    for name, values in zip(
        ("strategy", "symbol", "opened", "closed", "profit"), zip(*rows, strict=True), strict=True
    ):
        trades[name] = values
    trades["notional"], trades["regime"], trades["side"] = 1.0, 4, 1
    return Experience(market, signals, RULES, tape, trades)


def random_world(seed: int, n_bars: int = 160, n_symbols: int = 4) -> tuple[Market, Signals]:
    """Return a wild market with news and gaps, and two strategies that trade it a lot."""
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_symbols)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, shape), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.01, shape))
    above, below = 1.0 + rng.uniform(0.0, 0.03, (2, *shape))
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) * above,
        "low": np.minimum(opened, close) / below,
        "close": close,
    }
    missing = rng.random(shape) < 0.02
    days = np.arange(n_bars).astype("datetime64[D]").astype("datetime64[ns]")
    names = tuple(f"S{s}" for s in range(n_symbols))
    facts = {name: np.where(missing, np.nan, values) for name, values in prices.items()}
    market = market_from_prices(days, names, facts)
    mood = np.where(rng.random(shape) < 0.1, np.nan, rng.uniform(-1.0, 1.0, shape))
    features = {MOOD: mood, INTENSITY: rng.choice([0.0, 0.5, 2.0], shape)}
    wide = (n_bars, 2, n_symbols)
    signals = Signals(
        ("one", "other"),
        (0, 0),
        rng.choice(np.array([-1, 0, 1], np.int8), wide),
        rng.uniform(0.05, 1.0, wide).astype(np.float32),
        rng.uniform(0.01, 0.1, wide).astype(np.float32),
    )
    return replace(market, features=features), signals


def cut(signals: Signals, n_bars: int) -> Signals:
    """Return what was said at the first closes."""
    parts = ("direction", "confidence", "stop_distance", "diamond")
    return replace(signals, **{name: getattr(signals, name)[:n_bars] for name in parts})


def experience(market: Market, signals: Signals) -> Experience:
    """Return what sleeves live through on a random world."""
    return live_through(market, signals, RULES, REGIME)
