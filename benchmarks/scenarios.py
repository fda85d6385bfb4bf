"""The scenarios, by permanent id, and why each of them is hot.

kernel-b64, kernel-b1024   the desk alone; evolution and training spend their time here
kernel-ledger              the same with every fill, trade and decision written down: evaluation
batch-b1024                the batched environment's `step`; training waits for it
single                     one Gymnasium `step`; what other people's agents see
ppo-desk, ppo-free         Stable-Baselines3's PPO on our environment, and on one of the same shapes
                           that costs nothing, with the same network, batch and epochs; their ratio
                           is what our environment leaves of the possible
ppo-learner                our own learner in the place of plain PPO: the same steps, batches and
                           epochs, and what makes a training go on and come out the same again
ppo-none, ppo-mean, ppo-attention
                           the same as ppo-desk with the equivariant network and Dirichlet actions,
                           by what strategies tell each other; their ratios to ppo-desk are the
                           price of a policy that knows no strategy by its place

S = 30 symbols, K = 12 strategies, T = 2,520 bars, every rule of the desk on, one thread; the
ledger is off where nothing else is said.
"""

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from benbot.agents.designs import Design, design_of
from benbot.agents.learner import Learner, Lesson
from benbot.agents.settings import AgentSettings
from benbot.agents.vec_env import AllocationVecEnv
from benbot.envs.allocation import AllocationEnv
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings
from benbot.strategies.catalogue import StrategyChoice, build
from benbot.strategies.hearing import collect
from benchmarks.free import FreeVecEnv
from benchmarks.timing import Scenario

N_SYMBOLS, N_BARS = 30, 2520
EVERY_RULE = DeskRules.model_validate(
    {
        "exits": {"target": 4.0, "partial": 2.0},
        "execution": {"style": "vwap", "lot": 0.01, "tick": 0.01},
        "day_trading": {"enabled": True},
        "costs": {"commission_per_unit": 0.0005, "commission_minimum": 0.1},
    }
)
FIRST = 300  # the first bar at which every strategy and the regime have an opinion
EPISODE = EnvironmentSettings(episode_bars=252)


CHOICES: tuple[str | dict[str, object], ...] = (
    "rsi_reversion",
    "ma_crossover",
    "time_series_momentum",
    "cross_sectional_momentum",
    "volatility_breakout",
    "bollinger_reversion",
    {"name": "rsi_reversion", "label": "rsi_fast", "window": 7},
    {"name": "ma_crossover", "label": "ma_slow", "fast": 20, "slow": 60},
    {"name": "time_series_momentum", "label": "time_series_quarter", "window": 63},
    {"name": "cross_sectional_momentum", "label": "cross_sectional_half", "window": 126},
    {"name": "volatility_breakout", "label": "breakout_slow", "window": 55},
    {"name": "bollinger_reversion", "label": "bollinger_wide", "window": 40},
)
SIX_RULES_TWICE = [build(StrategyChoice.model_validate(choice)) for choice in CHOICES]


def build_history() -> History:
    """Return a synthetic market under the six rules of the catalogue, each at two settings."""
    market = load_synthetic(SyntheticSource(n_bars=N_BARS, n_symbols=N_SYMBOLS))
    return prepare(market, collect(SIX_RULES_TWICE, market), EVERY_RULE)


def kernel(history: History, n_accounts: int, bars: int, *, on_record: bool = False) -> Scenario:
    """Return the desk alone: `n_accounts` at bars of their own, each with weights of its own.

    On record, the ledger has room for all that can happen in a bar and is emptied after each.
    """
    rng = np.random.default_rng(n_accounts)
    n_strategies = history.signals.n_strategies
    book = open_book(n_accounts, n_strategies, history.rules.limits.max_positions)
    most, n_symbols = book.positions.shape[1], history.market.n_symbols
    room = {"fills": 6 * most, "trades": 2 * most, "decisions": n_symbols + most}
    ledger = open_ledger(n_accounts, **(room if on_record else {}))
    floor = lend(Desk(book, history.tape, history.rules.record(), ledger))
    starts = rng.integers(FIRST, history.n_bars - bars - 1, n_accounts)
    weights = rng.dirichlet(np.ones(n_strategies + 1), n_accounts)
    growth = np.empty(n_accounts)

    def run() -> None:
        for b in range(n_accounts):
            open_account(book, b, history.rules.capital, history.tape.session[starts[b]])
        book.sleeves["weight"] = weights[:, :-1]
        book.accounts["cash_weight"] = weights[:, -1]
        bar = starts.copy()
        for _ in range(bars):
            trade_bars(floor, bar, growth)
            bar += 1
            for count in (ledger.n_fills, ledger.n_trades, ledger.n_decisions):
                count.fill(0)

    return Scenario(run, n_accounts * bars)


def batch(history: History, n_envs: int, steps: int) -> Scenario:
    """Return the batched environment: observation, reward, info and new episodes included."""
    env = AllocationVectorEnv(history, Span(FIRST, history.n_bars - 1), EPISODE, n_envs)
    env.reset(seed=0)
    actions = np.random.default_rng(0).random(env.action_space.shape or (), dtype=np.float32)

    def run() -> None:
        for _ in range(steps):
            env.step(actions)

    return Scenario(run, n_envs * steps)


def single(history: History, steps: int) -> Scenario:
    """Return the single environment, reset whenever an episode ends."""
    env = AllocationEnv(history, Span(FIRST, history.n_bars - 1), EPISODE)
    env.reset(seed=0)
    action = np.random.default_rng(0).random(env.action_space.shape or (), dtype=np.float32)

    def run() -> None:
        for _ in range(steps):
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return Scenario(run, steps)


def ppo(environment: VecEnv, n_steps: int, design: Design | None = None) -> Scenario:
    """Return three updates of PPO, 4 epochs and batches of 4,096; by default with the MLP."""
    per_update = environment.num_envs * n_steps
    model = PPO(
        design.kind if design else "MlpPolicy",
        environment,
        n_steps=n_steps,
        batch_size=4096,
        n_epochs=4,
        policy_kwargs=design.options() if design else None,
        device="cpu",
        seed=0,
    )

    def run() -> None:
        model.learn(3 * per_update, reset_num_timesteps=False)

    return Scenario(run, 3 * per_update)


def desk_for_learning(history: History, n_envs: int) -> AllocationVecEnv:
    """Return our environment as the learner sees it, normalisers included."""
    span = Span(FIRST, history.n_bars - 1)
    return AllocationVecEnv(AllocationVectorEnv(history, span, EPISODE, n_envs), 3.0, 0.99)


def ppo_learner(history: History, n_envs: int, n_steps: int) -> Scenario:
    """Return three updates of our learner, with the budget of `ppo`."""
    budget = {"n_envs": n_envs, "n_steps": n_steps, "batch_size": 4096, "n_epochs": 4}
    span = Span(FIRST, history.n_bars - 1)
    agent = AgentSettings.model_validate(budget)
    learner = Learner(Lesson(history, span, span, EPISODE, agent, seed=0))

    def run() -> None:
        for _ in range(3):
            learner.update()

    return Scenario(run, 3 * agent.steps_per_update)


def ppo_equivariant(history: History, n_envs: int, n_steps: int, exchange: str) -> Scenario:
    """Return PPO on our environment with the equivariant network of the default width."""
    policy = {"network": "equivariant", "exchange": exchange}
    design = design_of(AgentSettings.model_validate({"policy": policy}), history.layout)
    span = Span(FIRST, history.n_bars - 1)
    accounts = AllocationVectorEnv(history, span, EPISODE, n_envs)
    environment = AllocationVecEnv(accounts, design.action_scale, 0.99, design.normaliser())
    return ppo(environment, n_steps, design)


def free_for_learning(history: History, n_envs: int) -> FreeVecEnv:
    """Return the environment that costs nothing, in the same shapes."""
    n_actions = history.signals.n_strategies + 1
    return FreeVecEnv(n_envs, history.layout.size, n_actions, EPISODE.episode_bars)
