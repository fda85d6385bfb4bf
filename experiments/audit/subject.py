"""What an audit is about: functions of a market, so that a test can put a leak into each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benbot.envs.allocation import AllocationEnv
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.features import BREADTH_WINDOW
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed
from benbot.envs.market.regime import DEFAULT, RegimeSettings
from benbot.envs.market.sources import load_feed
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.training.preparation import Prepared, hear
from benbot.strategies.base import Strategy
from benbot.strategies.tournament.binding import bound

Walk = Callable[[History, Span, Float32Array, EnvironmentSettings], tuple[FloatArray, FloatArray]]


def walk_account(
    history: History, span: Span, weights: Float32Array, settings: EnvironmentSettings
) -> tuple[FloatArray, FloatArray]:
    """Return the observation [T, D] and the reward (T,) of an account at each bar of a span.

    It chooses row t of `weights` [T, K+1] at the close of bar t. NaN where it did not stand.
    """
    env = AllocationEnv(
        history, span, settings.model_copy(update={"episode_bars": span.n_decisions})
    )
    observations = np.full((history.n_bars, history.layout.size), np.nan)
    rewards = np.full(history.n_bars, np.nan)
    observations[span.first], _ = env.reset(options={"first": span.first, "last": span.last})
    for t in range(span.first, span.last):
        observations[t + 1], rewards[t + 1], terminated, _, _ = env.step(weights[t])
        if terminated:
            break
    return observations, rewards


@dataclass(frozen=True, eq=False)
class Subject:
    """Everything that is computed from a market.

    strategies  are heard while they make their opinions
    history     makes signals, tape and features of a market
    walk        is what an account sees and earns on a history
    given       makes a further array (T, ...) of a market, by name
    shared_memory   bars that signals are made of beside those of their strategy, where all of them
                    decide together what is heard; 0 where each speaks for itself
    learned     parts of the signals that were learned from trades: `confidence`, `stop_distance`
    feed        the items of which the market's news features were made, if it has any
    """

    name: str
    strategies: tuple[Strategy, ...]
    history: Callable[[Market], History]
    environment: EnvironmentSettings = field(default_factory=EnvironmentSettings)
    regime: RegimeSettings = DEFAULT
    walk: Walk = walk_account
    given: Mapping[str, Callable[[Market], NDArray[Any]]] = field(default_factory=dict)
    shared_memory: int = 0
    learned: frozenset[str] = frozenset()
    feed: NewsFeed | None = None

    @property
    def warmup(self) -> int:
        """The longest of all warm-ups, in bars: of the strategies, the regime and the features."""
        own = (strategy.warmup for strategy in self.strategies)
        return max(self.regime.warmup, BREADTH_WINDOW, self.shared_memory, *own)


def subject_of(prepared: Prepared) -> Subject:
    """Return what a configuration computes."""
    config, strategies = prepared.config, prepared.strategies

    def history(market: Market) -> History:
        heard = hear(config, strategies, market)
        return bound(prepare(market, heard, config.desk, config.regime), config.tournament)

    return Subject(
        config.name,
        strategies,
        history,
        config.environment,
        config.regime,
        shared_memory=config.discovery.lookback if config.discovery else 0,
        learned=config.learning.changes,
        feed=load_feed(config.market, prepared.market),
    )
