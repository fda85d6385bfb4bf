"""Policies that look at more than the observation, all of them at once, in worlds they can trade.

T bars, K strategies.
"""

from functools import cache

import numpy as np

from benbot.agents.advised import ADVISED_BASELINES, Advised, advised_baseline
from benbot.agents.baselines import regime_record
from benbot.agents.hierarchical import HierarchicalParity
from benbot.agents.linear_contextual import OverContexts
from benbot.agents.past import Past, ask
from benbot.agents.policy import Policy
from benbot.agents.sleeve_learners import SLEEVE_LEARNERS, OverSleeves
from benbot.envs.arrays import Float32Array
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.paper.growing import Growing
from benbot.paper.replayed import Stretch
from benbot.paper.sleeves import ShadowSleeves
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.learning.settings import LearningSettings
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.paper.replays import SETTINGS

FIRST, N_BARS = 66, 92  # the account lives for a second answer of hierarchical parity
REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)


class Panel:
    """A policy that asks many others, does what the last of them says, and remembers all.

    bars   of whose close it was told
    said   what each chose at each of them, by name
    """

    name = "panel"

    def __init__(self, policies: dict[str, Policy]) -> None:
        self._policies = policies
        self.reset()

    def reset(self) -> None:
        self.bars: list[int] = []
        self.said: dict[str, list[bytes]] = {name: [] for name in self._policies}
        self._past: Past | None = None
        for policy in self._policies.values():
            policy.reset()

    def inform(self, past: Past) -> None:
        assert len(past.growth) == len(past.session) == len(past.rows)
        self.bars.append(past.last)
        self._past = past

    def weights(self, observation: Float32Array) -> Float32Array:
        assert self._past is not None
        for name, policy in self._policies.items():
            weights = ask(policy, self._past, observation)
            self.said[name].append(weights.tobytes())
        return weights


def panel_of(history: History) -> Panel:
    """Return every baseline that learns, those with advice, and a policy with all advice."""
    layout = history.layout
    policies: dict[str, Policy] = {
        name: OverSleeves(name, make) for name, make in SLEEVE_LEARNERS.items()
    }
    policies["hierarchical_parity"] = HierarchicalParity()
    policies["linear_contextual"] = OverContexts(layout, history.market.bars_per_year)
    policies |= {name: advised_baseline(name, layout) for name in ADVISED_BASELINES}
    for name in SLEEVE_LEARNERS:
        told = {"correlation": True, "refit": 3, "online_share": 0.4, "online_learner": name}
        settings = LearningSettings.model_validate(told)
        policies[f"policy advised by {name}"] = Advised(regime_record(layout), settings)
    return Panel(policies)


@cache
def learning_world(seed: int, change_after: int = N_BARS) -> tuple[History, tuple[Strategy, ...]]:
    """Return a random market under rules, and the rules; another future after the bar named."""
    rng = np.random.default_rng(seed)
    n_symbols, n_rules = int(rng.integers(3, 7)), int(rng.integers(2, 5))
    strategies = (
        RsiReversion(window=int(rng.integers(2, 5))),
        MovingAverageCrossover(fast=3, slow=int(rng.integers(5, 12))),
        BollingerReversion(window=int(rng.integers(5, 12))),
        MovingAverageCrossover(fast=2, slow=15, label="slow"),
    )[:n_rules]
    market = _market(rng, n_symbols, change_after)
    return prepare(market, collect(strategies, market), DeskRules(), REGIME), strategies


def _market(rng: np.random.Generator, n_symbols: int, change_after: int) -> Market:
    shape = (N_BARS, n_symbols)
    moves = rng.choice([0.005, 0.02]) * rng.standard_t(4, shape)
    gaps, volume = rng.normal(0.0, 0.004, shape), rng.uniform(1e5, 1e6, shape)
    session = np.cumsum(rng.random(N_BARS) < rng.choice([0.4, 1.0]))
    moves[change_after + 1 :] = 0.5 * moves[:change_after:-1]
    close = 50.0 * np.exp(np.cumsum(moves, axis=0))
    opened = close * np.exp(gaps)
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.005,
        "low": np.minimum(opened, close) * 0.995,
        "close": close,
        "volume": volume,
    }
    stamps = np.datetime64("2021-01-04T21", "h") + 24 * np.arange(N_BARS)
    return market_from_prices(
        stamps, tuple(f"S{s}" for s in range(n_symbols)), prices, session=session
    )


def stretch_of(seed: int) -> Stretch:
    """Return a world that is shown row by row, with a panel that knows nothing yet."""
    history, _ = learning_world(seed)
    return Stretch(history, Span(FIRST, N_BARS - 1), panel_of(history), SETTINGS.ruin)


def growing_in(seed: int) -> Growing:
    """Return a chronicle that computes all of a world anew from the bars that are closed."""
    history, strategies = learning_world(seed)
    shape = history.signals.n_strategies, history.market.n_symbols
    return Growing(
        history.market.until,
        lambda market: collect(strategies, market),
        history.rules,
        history.regime,
        ShadowSleeves(history.rules, *shape),
    )
