"""A small market with everything that makes markets awkward, and its history on the desk."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals

QUICK_REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
SPAN = Span(30, 239)


def awkward_market(seed: int = 0, n_bars: int = 240, n_symbols: int = 5) -> Market:
    """Return a market with a late start, a delisting, a halt, unknown spreads, and sessions."""
    rng = np.random.default_rng(seed)
    shape = (n_bars, n_symbols)
    close = 80.0 * np.exp(np.cumsum(0.02 * rng.standard_t(4, shape), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.01, shape))
    close[:40, 0] = np.nan
    close[170:, 1] = np.nan
    close[90:96, 2] = np.nan
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) * rng.uniform(1.0, 1.02, shape),
        "low": np.minimum(opened, close) * rng.uniform(0.98, 1.0, shape),
        "close": close,
        "volume": rng.uniform(1e5, 1e6, shape),
        "spread": rng.choice([np.nan, 0.0004, 0.002], shape),
    }
    gone = np.isnan(close)
    for name in prices:
        prices[name] = np.where(gone, np.nan, prices[name])
    stamps = np.datetime64("2020-01-01T16", "h") + 24 * np.arange(n_bars)
    session = np.cumsum(rng.random(n_bars) < 0.7)
    return market_from_prices(
        stamps, tuple(f"S{s}" for s in range(n_symbols)), prices, session=session
    )


def random_signals(market: Market, seed: int = 1, n_strategies: int = 4) -> Signals:
    """Return opinions that last for a while; those of a prefix are the prefix of them."""
    rng = np.random.default_rng(seed)
    shape = (market.n_bars, n_strategies, market.n_symbols)
    changes = rng.random(shape) < 0.15
    opinion = rng.choice([-1, 0, 0, 1], shape)
    since = np.maximum.accumulate(np.where(changes, np.arange(len(opinion))[:, None, None], 0))
    return Signals(
        tuple(f"k{k}" for k in range(n_strategies)),
        (0,) * n_strategies,
        np.take_along_axis(opinion, since, axis=0),
        rng.uniform(0.1, 1.0, shape),
        rng.choice([0.02, 0.05, 0.2], shape),
        rng.random((market.n_bars, market.n_symbols)) < 0.05,
    )


def signals_until(signals: Signals, n_bars: int) -> Signals:
    """Return the opinions of the first bars."""
    arrays = ("direction", "confidence", "stop_distance", "diamond")
    return replace(signals, **{name: getattr(signals, name)[:n_bars] for name in arrays})


def quick_history(
    market: Market | None = None, signals: Signals | None = None, rules: DeskRules | None = None
) -> History:
    market = awkward_market() if market is None else market
    signals = random_signals(market) if signals is None else signals
    return prepare(market, signals, DeskRules() if rules is None else rules, QUICK_REGIME)


@pytest.fixture(scope="session")
def history() -> History:
    """240 bars, 5 symbols, 4 strategies that know nothing."""
    return quick_history()


@pytest.fixture(scope="session")
def span() -> Span:
    return SPAN


@pytest.fixture(scope="session")
def history_of() -> Callable[..., History]:
    return quick_history


@pytest.fixture(scope="session")
def market_of() -> Callable[..., Market]:
    return awkward_market


@pytest.fixture(scope="session")
def signals_of() -> Callable[..., Signals]:
    return random_signals


@pytest.fixture(scope="session")
def prefix_of() -> Callable[[Signals, int], Signals]:
    return signals_until


@pytest.fixture(scope="session")
def quick_regime() -> RegimeSettings:
    return QUICK_REGIME
