"""What several markets cost against one, with the same number of accounts in all.

mixed-one-b64, mixed-nine-b64      the batched environment's `step`, 64 accounts as by default
mixed-one-b1024, mixed-nine-b1024  the same with many accounts, of which each market has enough
mixed-one-ppo, mixed-nine-ppo      PPO with 64 accounts and 64 steps an update

Nine markets are nine kernel calls, nine tapes that do not fit into the cache together, and no copy.
"""

import numpy as np

from benbot.agents.vec_env import AllocationVecEnv
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.mixture import MixedVectorEnv, Part
from benbot.envs.vector import AllocationVectorEnv
from benbot.strategies.hearing import collect
from benchmarks.scenarios import EPISODE, FIRST, N_BARS, N_SYMBOLS, SIX_RULES_TWICE, ppo
from benchmarks.timing import Scenario

N_MARKETS = 9
STEPS = {64: 600, 1024: 60}
RATIOS = tuple(
    (f"mixed-nine-{what}", f"mixed-one-{what}", goal)
    for what, goal in (("b64", 0.7), ("b1024", 0.7), ("ppo", 0.9))
)


def mixed_scenarios(history: History) -> dict[str, Scenario]:
    """Return the scenarios by id; the first of the nine markets is the one."""
    histories = [history, *(_history(history, seed) for seed in range(1, N_MARKETS))]
    scenarios = {}
    for n_envs in STEPS:
        scenarios[f"mixed-one-b{n_envs}"] = _batch(_batch_of(histories[:1], n_envs))
        scenarios[f"mixed-nine-b{n_envs}"] = _batch(_batch_of(histories, n_envs))
    for name, own in (("one", histories[:1]), ("nine", histories)):
        scenarios[f"mixed-{name}-ppo"] = ppo(AllocationVecEnv(_batch_of(own, 64), 3.0, 0.99), 64)
    return scenarios


def _history(like: History, seed: int) -> History:
    market = load_synthetic(SyntheticSource(seed=seed, n_bars=N_BARS, n_symbols=N_SYMBOLS))
    return prepare(market, collect(SIX_RULES_TWICE, market), like.rules)


def _batch_of(histories: list[History], n_envs: int) -> AllocationVectorEnv:
    span = Span(FIRST, N_BARS - 1)
    if len(histories) == 1:
        return AllocationVectorEnv(histories[0], span, EPISODE, n_envs)
    shares = [len(each) for each in np.array_split(np.arange(n_envs), len(histories))]
    parts = [
        Part(f"market {i}", history, span, share)
        for i, (history, share) in enumerate(zip(histories, shares, strict=True))
    ]
    return MixedVectorEnv(parts, EPISODE)


def _batch(env: AllocationVectorEnv) -> Scenario:
    env.reset(seed=0)
    actions = np.random.default_rng(0).random(env.action_space.shape or (), dtype=np.float32)
    steps = STEPS[env.num_envs]

    def run() -> None:
        for _ in range(steps):
            env.step(actions)

    return Scenario(run, env.num_envs * steps)
