"""The Gymnasium environment: one account, one policy, the same kernel as the batched one."""

import sys
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import Float32Array
from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.drawing import draw_account
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.stepping import Arena, ArenaLoan, Outcome, begin_anywhere, begin_at, step_all
from benbot.envs.vector import (
    EnvironmentSettings,
    build_arena,
    checked_actions,
    seed_state,
    spaces_of,
)


class AllocationEnv(gym.Env[Float32Array, Float32Array]):
    """Share the risk budget of an account among K strategies and cash, every bar.

    Observation   (D,)     `layout` names the entries
    Action        (K+1,)   made a point of the simplex; the last entry is cash; an action that is
                           not finite, or has no positive entry, keeps the last weights
    Reward        by name, log growth of equity after costs by default
    Terminated    equity is at or below the ruin
    Truncated     the episode has used its bars
    Info          `equity`, `bar`, `weights`, `breaker`

    `reset(options={"first": bar, "last": bar})` begins at a bar of one's own choice.
    """

    metadata = {"render_modes": ["ansi", "human", "rgb_array"], "render_fps": 30}

    def __init__(
        self,
        history: History,
        span: Span,
        settings: EnvironmentSettings,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise InvalidParameter(
                f"render_mode must be one of {', '.join(self.metadata['render_modes'])}, "
                f"was {render_mode!r}"
            )
        self.history, self.settings, self.render_mode = history, settings, render_mode
        self.layout = history.layout
        self.observation_space, self.action_space = spaces_of(history)
        self._loan = ArenaLoan(build_arena(history, span, settings, 1, open_ledger(1)))
        self._reward = np.zeros(1)
        self._ends = np.zeros((2, 1), np.bool_)  # terminated, truncated
        self._unused = np.empty((1, self.layout.size), np.float32)
        self._seeded = False
        self._ended = True
        self._trail: list[tuple[float, Float32Array]] = []  # equity and weights since the reset

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None or not self._seeded:
            self.arena.episodes["random"][0] = seed_state(seed)
            self._seeded = True
        observation = np.empty((1, self.layout.size), np.float32)
        if options:
            begin_at(self.arena, 0, *self._chosen(options), observation)
        else:
            begin_anywhere(self.arena, 0, observation)
        self._trail, self._ended = [], False
        self._remember()
        return observation[0], self._info()

    def step(self, action: Float32Array) -> tuple[Float32Array, float, bool, bool, dict[str, Any]]:
        if self._ended:
            raise gym.error.ResetNeeded("no episode is under way; call reset")
        row = checked_actions(action, self.action_space)[None]
        observation = np.empty((1, self.layout.size), np.float32)
        outcome = Outcome(observation, self._unused, self._reward, self._ends[0], self._ends[1])
        step_all(self._loan, row, False, outcome)
        terminated, truncated = self._ends.ravel().tolist()
        self._ended = terminated or truncated
        self._remember()
        if self.render_mode == "human":
            sys.stdout.write(self._line() + "\n")
        return observation[0], float(self._reward[0]), terminated, truncated, self._info()

    def render(self) -> str | NDArray[np.uint8] | None:
        """Return a line, a picture, or nothing, as the render mode says."""
        if self.render_mode == "ansi":
            return self._line()
        if self.render_mode == "rgb_array":
            return self._picture()
        return None

    @property
    def weights(self) -> Float32Array:
        """What the risk budget is shared by, (K+1,); the last entry is cash."""
        book = self.arena.desk.book
        parts = (book.sleeves["weight"][0], book.accounts["cash_weight"])
        return np.concatenate(parts, dtype=np.float32, casting="same_kind")

    @property
    def arena(self) -> Arena:
        """What the environment is made of."""
        return self._loan.lent

    def _chosen(self, options: dict[str, Any]) -> tuple[int, int]:
        unknown = set(options) - {"first", "last"}
        if unknown or "first" not in options:
            raise InvalidParameter(
                f"options need 'first' and may have 'last', both bars; was {sorted(options)}"
            )
        first = int(options["first"])
        last = int(options.get("last", first + self.settings.episode_bars))
        if not 0 <= first < last < self.history.n_bars:
            raise InvalidParameter(
                f"need 0 <= first < last < {self.history.n_bars}, was first={first} last={last}"
            )
        return first, last

    def _remember(self) -> None:
        equity = float(self.arena.desk.book.accounts["equity"][0])
        self._trail.append((equity, self.weights))

    def _info(self) -> dict[str, Any]:
        equity, weights = self._trail[-1]
        return {
            "equity": equity,
            "bar": int(self.arena.episodes["bar"][0]),
            "weights": weights,
            "breaker": breaker_of(self.arena.desk.book.accounts[0]).name,
        }

    def _line(self) -> str:
        bar = int(self.arena.episodes["bar"][0])
        account = self.arena.desk.book.accounts[0]
        names = (*self.layout.strategies, "cash")
        shares = "  ".join(f"{n} {w:.0%}" for n, w in zip(names, self.weights, strict=True))
        return (
            f"{self.history.market.timestamps[bar].astype('datetime64[m]')}  "
            f"equity {account['equity']:,.2f}  open {account['n_positions']}  "
            f"{breaker_of(account).name.lower()}  {shares}"
        )

    def _picture(self) -> NDArray[np.uint8]:
        equity = np.array([equity for equity, _ in self._trail])
        weights = np.array([weights for _, weights in self._trail])
        return draw_account(equity, weights, (*self.layout.strategies, "cash"))
