"""The batched environment: B accounts side by side in one kernel call."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from pydantic import Field

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.desk.book import open_book
from benbot.envs.desk.coordinate import open_contest
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.ledger import Ledger, open_ledger
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.observation import CLIP
from benbot.envs.reward import RewardSettings
from benbot.envs.settings import Settings
from benbot.envs.stepping import EPISODE, TERMS, Arena, ArenaLoan, Outcome, begin_all, step_all


class EnvironmentSettings(Settings):
    """What an episode is."""

    episode_bars: int = Field(252, ge=1, description="decisions per episode")
    reward: RewardSettings = RewardSettings()
    ruin: float = Field(
        0.5, ge=0, lt=1, description="share of the capital at which an episode is terminated"
    )


def build_arena(
    history: History, span: Span, settings: EnvironmentSettings, n_envs: int, ledger: Ledger
) -> Arena:
    """Return the arrays of `n_envs` environments over one span of a history."""
    if span.last >= history.n_bars or span.n_decisions < settings.episode_bars:
        raise InvalidParameter(
            f"an episode of {settings.episode_bars} bars must fit into the segment, which runs "
            f"from bar {span.first} to {span.last} of {history.n_bars}. "
            f"Lower environment.episode_bars or lengthen the segment"
        )
    rules, n_strategies = history.rules, history.signals.n_strategies
    book = open_book(n_envs, n_strategies, rules.limits.max_positions)
    reward = settings.reward
    terms = (
        span.first,
        span.last,
        settings.episode_bars,
        rules.capital,
        settings.ruin * rules.capital,
        reward.kind,
        reward.sharpe_rate,
        reward.drawdown_penalty,
    )
    desk = Desk(book, history.tape, rules.record(), ledger)
    return Arena(
        desk,
        open_contest(desk),
        history.features,
        np.zeros(n_envs, EPISODE),
        np.array([terms], TERMS),
    )


def spaces_of(
    history: History,
) -> tuple[gym.spaces.Space[Float32Array], gym.spaces.Space[Float32Array]]:
    """Return the observation and the action space of one environment."""
    observation = gym.spaces.Box(-CLIP, CLIP, (history.layout.size,), np.float32)
    return observation, gym.spaces.Box(0.0, 1.0, (history.signals.n_strategies + 1,), np.float32)


class AllocationVectorEnv(VectorEnv[Float32Array, Float32Array, Any]):
    """Each of B agents shares its risk budget among K strategies and cash, every bar.

    Observation   (B, D)     `layout` names the entries
    Action        (B, K+1)   made a point of the simplex; the last entry is cash; an action that is
                             not finite, or has no positive entry, keeps the last weights
    Reward        (B,)       by name, log growth of equity after costs by default
    Terminated    equity is at or below the ruin
    Truncated     the episode has used its bars
    Info          `equity`, (B,), of the new episode where one ended; `final_obs` and
                  `final_info` tell what the episode that ended came to

    An environment that ends begins anew within the same step. Environment i of a batch seeded with
    s behaves exactly like a single environment seeded with s + i.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self, history: History, span: Span, settings: EnvironmentSettings, num_envs: int = 1
    ) -> None:
        if num_envs < 1:
            raise InvalidParameter(f"num_envs must be at least 1, was {num_envs}")
        self.history, self.settings, self.num_envs = history, settings, num_envs
        self.layout = history.layout
        self.single_observation_space, self.single_action_space = spaces_of(history)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._loan = ArenaLoan(
            build_arena(history, span, settings, num_envs, open_ledger(num_envs))
        )
        self._outcome: Outcome | None = None

    @property
    def arena(self) -> Arena:
        """What the environments are made of."""
        return self._loan.lent

    def seeds_of(self, seed: int) -> list[int]:
        """Return the seed of each environment in a batch that has this one."""
        return [seed + i for i in range(self.num_envs)]

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Begin an episode in every environment; with a seed the starts are drawn afresh from it.

        A list seeds each environment on its own; a None in it lets that one's generator go on.
        """
        if options:
            raise InvalidParameter(f"a batch takes no options at reset, was {sorted(options)}")
        super().reset(seed=seed if isinstance(seed, int) else None)
        if isinstance(seed, list):
            seeds = seed
        else:
            seeds = [None] * self.num_envs if seed is None else [*self.seeds_of(seed)]
        if len(seeds) != self.num_envs:
            raise InvalidParameter(
                f"need one seed per environment, {self.num_envs}, was {len(seeds)}"
            )
        fresh = self._outcome is None
        for i, own in enumerate(seeds):
            if own is not None or fresh:
                self.arena.episodes["random"][i] = seed_state(own)
        outcome = self._new_outcome()
        self._begin(outcome)
        self._outcome = outcome
        return outcome.observation, self._info()

    def step(
        self, actions: Float32Array
    ) -> tuple[Float32Array, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        outcome = self.advance(actions)
        info = self._info()
        ended = outcome.terminated | outcome.truncated
        if ended.any():
            final = np.full(self.num_envs, None, dtype=object)
            for i in np.flatnonzero(ended):
                final[i] = outcome.final_observation[i]
            equity = np.where(ended, self.arena.episodes["final_equity"], 0.0)
            info |= {
                "final_obs": final,
                "_final_obs": ended,
                "final_info": {"equity": equity, "_equity": ended},
                "_final_info": ended,
            }
        return outcome.observation, outcome.reward, outcome.terminated, outcome.truncated, info

    def advance(self, actions: Float32Array) -> Outcome:
        """Step without the dictionaries of the Gymnasium interface; arrays are new every time."""
        if self._outcome is None:
            raise gym.error.ResetNeeded("call reset before step")
        outcome = self._new_outcome()
        self._trade(checked_actions(actions, self.action_space), outcome)
        self._outcome = outcome
        return outcome

    def _begin(self, outcome: Outcome) -> None:
        begin_all(self.arena, outcome.observation)

    def _trade(self, actions: Float32Array, outcome: Outcome) -> None:
        step_all(self._loan, actions, True, outcome)

    def _new_outcome(self) -> Outcome:
        shape = (self.num_envs, self.layout.size)
        return Outcome(
            np.empty(shape, np.float32),
            np.empty(shape, np.float32),
            np.zeros(self.num_envs),
            np.zeros(self.num_envs, np.bool_),
            np.zeros(self.num_envs, np.bool_),
        )

    def _info(self) -> dict[str, Any]:
        return {"equity": self.arena.desk.book.accounts["equity"].copy()}


def seed_state(seed: int | None) -> np.uint64:
    """Return where the generator of an environment's starts begins for this seed."""
    generator, _ = seeding.np_random(seed)
    return np.uint64(generator.integers(0, 2**63))


def checked_actions(actions: Float32Array, space: gym.spaces.Space[Any]) -> Float32Array:
    """Return actions as the kernel reads them, or refuse a wrong shape."""
    array = np.require(actions, np.float32, ["C", "W"])  # the kernel is compiled for writable ones
    if array.shape != space.shape:
        raise InvalidParameter(f"actions must have the shape {space.shape}, was {array.shape}")
    return array
