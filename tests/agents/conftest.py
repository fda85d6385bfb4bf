"""A small market on the desk, a policy that was never trained, and a training of seconds."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from benbot.agents.learner import Lesson
from benbot.agents.networks.body import Body
from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.agents.policy import Allocator, Layer
from benbot.agents.pooled_normaliser import PooledNormaliser
from benbot.agents.settings import AgentSettings
from benbot.agents.shared_policy import SharedAllocator, shapes_of
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings

QUICK_REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
FIT, VALID = Span(30, 150), Span(155, 215)
LISTED_LATE, DELISTED = 0, 1  # symbols: the one has a price from bar 60 on, the other until 170
# Fills do not tell what borrowing cost; without it they explain an account to the cent.
RULES = DeskRules(costs=Costs(borrow_rate=0.0))
QUICK = AgentSettings(
    total_steps=768,  # eight updates
    n_envs=6,
    n_steps=16,
    batch_size=48,
    n_epochs=2,
    learning_rate=1e-2,
    net_arch=(16, 8),
    evaluations=4,
)


def market_of(close: FloatArray, opened: FloatArray) -> Market:
    """Return a market of daily bars that move from the open to the close and no farther."""
    gone = np.isnan(close)
    opened = np.where(gone, np.nan, opened)
    prices = {
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
    }
    stamps = np.datetime64("2020-01-01T16", "h") + 24 * np.arange(len(close))
    return market_from_prices(stamps, tuple(f"S{s}" for s in range(close.shape[1])), prices)


def random_market() -> Market:
    rng = np.random.default_rng(0)
    shape = (230, 5)
    close = 80.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(shape), axis=0))
    close[:60, LISTED_LATE] = np.nan
    close[170:, DELISTED] = np.nan
    return market_of(close, close * np.exp(rng.normal(0.0, 0.01, shape)))


def random_signals(n_bars: int, n_symbols: int) -> Signals:
    """Return opinions of three strategies that know nothing and hold on to them for a while."""
    rng = np.random.default_rng(1)
    shape = (n_bars, 3, n_symbols)
    changes = rng.random(shape) < 0.15
    opinion = rng.choice([-1, 0, 0, 1], shape)
    since = np.maximum.accumulate(np.where(changes, np.arange(n_bars)[:, None, None], 0))
    return Signals(
        ("k0", "k1", "k2"),
        (0,) * 3,
        np.take_along_axis(opinion, since, axis=0),
        rng.uniform(0.1, 1.0, shape),
        rng.choice([0.02, 0.05, 0.2], shape),
    )


@pytest.fixture(scope="session")
def history() -> History:
    """230 bars, 5 symbols, 3 strategies that know nothing, and nothing to pay for borrowing."""
    market = random_market()
    return prepare(market, random_signals(market.n_bars, market.n_symbols), RULES, QUICK_REGIME)


@pytest.fixture(scope="session")
def clear_cut() -> History:
    """Four symbols of which two rise and two fall; one strategy is long in either pair."""
    rng = np.random.default_rng(0)
    drift = np.array([0.004, 0.004, -0.004, -0.004])
    close = 50.0 * np.exp(np.cumsum(drift + 0.004 * rng.standard_normal((230, 4)), axis=0))
    market = market_of(close, np.roll(close, 1, axis=0) * 1.0001)
    direction = np.zeros((230, 2, 4))
    direction[:, 0, 2:] = direction[:, 1, :2] = 1.0
    full, stop = np.ones(direction.shape), np.full(direction.shape, 0.05)
    # Half of the market falls, so it is a bear market at times, and both mean to buy in it.
    bold = np.ones(2, np.bool_)
    signals = Signals(("loser", "earner"), (0, 0), direction, full, stop, stress=bold)
    return prepare(market, signals, DeskRules().without_breakers(), QUICK_REGIME)


@pytest.fixture(scope="session")
def plain_market() -> Callable[[FloatArray, FloatArray], Market]:
    return market_of


@pytest.fixture(scope="session")
def quick_regime() -> RegimeSettings:
    return QUICK_REGIME


@pytest.fixture(scope="session")
def environment() -> EnvironmentSettings:
    return EnvironmentSettings(episode_bars=20)


@pytest.fixture(scope="session")
def lesson_of(history: History, environment: EnvironmentSettings) -> Callable[..., Lesson]:
    """Return a maker of lessons: a seed, and other fields of the lesson."""
    base = Lesson(history, FIT, VALID, environment, QUICK, 0)

    def make(seed: int = 0, **changes: Any) -> Lesson:  # noqa: ANN401
        return replace(base, seed=seed, **changes)

    return make


@pytest.fixture(scope="session")
def policy(history: History) -> Allocator:
    """An allocator with random numbers everywhere, strong enough to have opinions."""
    rng = np.random.default_rng(2)
    sizes = (history.layout.size, 8, history.signals.n_strategies + 1)
    layers = tuple(
        Layer(
            rng.normal(0.0, 0.5, (n_out, n_in)).astype(np.float32),
            rng.normal(0.0, 0.5, n_out).astype(np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    )
    moments = Moments(rng.normal(0.0, 0.3, sizes[0]), rng.uniform(0.1, 2.0, sizes[0]), 77.0)
    return Allocator(layers, ObservationNormaliser(moments, learning=False), 3.0)


@pytest.fixture(scope="session")
def shared_policy(history: History) -> SharedAllocator:
    """An equivariant allocator with random numbers everywhere, strong enough to have opinions."""
    rng = np.random.default_rng(2)
    body, layout = Body(8, "attention", "forecast"), history.layout
    n_features, n_context = len(layout.strategy_features), len(layout.context_features)
    shapes = shapes_of(body, n_features, n_context) | {"log_spread": (1,)}
    parameters = {
        name: rng.normal(0.0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()
    }
    parameters["log_spread"][:] = 2.0
    moments = [
        Moments(rng.normal(0.0, 0.3, n), rng.uniform(0.1, 2.0, n), 77.0)
        for n in (n_features, n_context)
    ]
    normaliser = PooledNormaliser(*moments, len(layout.strategies), learning=False)
    return SharedAllocator(layout, body, parameters, normaliser, None)
