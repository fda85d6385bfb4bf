"""Strategies that are heard one by one, so that one of them that fails silences nobody else.

A strategy may raise, say what no strategy may say, or not come back. Its opinion is then none, and
the others are heard. One that does not come back cannot be stopped from within this process: it is
left alone in its thread, and is not asked again until the process ends.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import cast

import numpy as np

from benbot.envs.arrays import Float32Array, Int8Array, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.signals import NO_PAIRS, Signals
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.hearing import collect

Together = Callable[[Sequence[Strategy], Market], Signals]

PATIENCE = 10.0  # seconds that one strategy has
DEADLINE = 20.0  # seconds that all of them have together
HUNG = "did not come back"


@dataclass(frozen=True, eq=False)
class _Said:
    """A strategy whose opinion is known already."""

    strategy: Strategy
    said: Opinion

    def opinion(self, _: Market) -> Opinion:
        return self.said

    def __getattr__(self, name: str) -> object:
        return getattr(self.strategy, name)


class Isolated:
    """A hearing (`paper.growing.Hearing`) that no strategy can end.

    failed   why each that failed at the last hearing was not heard, by name; its own fault
    late     who was not asked, because others took too long
    muted    names that are not asked
    """

    def __init__(
        self,
        strategies: Sequence[Strategy],
        patience: float = PATIENCE,
        deadline: float = DEADLINE,
        elapsed: Callable[[], float] = time.monotonic,
        together: Together = collect,
    ) -> None:
        """Hear these strategies; `together` makes signals of what all of them said."""
        self._strategies, self._patience = tuple(strategies), patience
        self._deadline, self._elapsed, self._together = deadline, elapsed, together
        self._lost: set[str] = set()  # those whose thread never came back
        self.failed: dict[str, str] = {}
        self.late: set[str] = set()
        self.muted: Collection[str] = ()

    @property
    def unheard(self) -> list[str]:
        """Names of all that were not heard at the last hearing, for whatever reason."""
        return sorted({*self.failed, *self.late, *self.muted})

    def __call__(self, market: Market) -> Signals:
        """Return what those want that can be heard; the others want nothing."""
        began = self._elapsed()
        self.failed, self.late = {}, set()
        heard: list[Strategy] = []
        for strategy in self._strategies:
            left = self._deadline - (self._elapsed() - began)
            said = self._ask(strategy, market, min(left, self._patience))
            heard.append(cast(Strategy, _Said(strategy, said)))
        return self._together(heard, market)

    def _ask(self, strategy: Strategy, market: Market, seconds: float) -> Opinion:
        name = strategy.name
        if name in self.muted:
            return _nothing(strategy, market)
        if name in self._lost:
            self.failed[name] = HUNG
            return _nothing(strategy, market)
        if not seconds > 0.0:
            self.late.add(name)
            return _nothing(strategy, market)
        said = self._heard(strategy, market, seconds)
        return _nothing(strategy, market) if said is None else said

    def _heard(self, strategy: Strategy, market: Market, seconds: float) -> Opinion | None:
        """Return the opinion of a strategy that is sound, None where there is none."""
        answers: list[Opinion] = []
        problems: list[str] = []

        def ask() -> None:
            try:
                answers.append(_sound(strategy, strategy.opinion(market), market))
            except Exception as error:  # noqa: BLE001 - whatever it is, exits have to go on
                problems.append(f"raised {type(error).__name__}: {error}")

        thread = Thread(target=ask, name=strategy.name, daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            self._lost.add(strategy.name)
            self.failed[strategy.name] = HUNG
            return None
        if problems:
            self.failed[strategy.name] = problems[0]
        return answers[0] if answers else None


def _sound(strategy: Strategy, said: Opinion, market: Market) -> Opinion:
    """Return an opinion that can stand beside others; refuse any other."""
    shape = market.tradable.shape
    if said.direction.shape != shape:
        raise InvalidParameter(
            f"an opinion must have a row for every bar and a column for every symbol, {shape}, was "
            f"{said.direction.shape}"
        )
    pairs = strategy.trades_pairs
    Signals(
        strategies=(strategy.name,),
        warmup=(strategy.warmup,),
        direction=said.direction[:, None],
        confidence=said.confidence[:, None],
        stop_distance=said.stop_distance[:, None],
        pairing=np.array([0 if pairs else NO_PAIRS]),
        partner=said.partner[:, None] if pairs else np.zeros((0, 0, 0), np.int32),
        share=said.share[:, None] if pairs else np.zeros((0, 0, 0), np.float32),
    )
    return said


def _nothing(strategy: Strategy, market: Market) -> Opinion:
    """Return the opinion of somebody who has none."""
    shape = market.tradable.shape
    direction: Int8Array = np.zeros(shape, np.int8)
    zeros: Float32Array = np.zeros(shape, np.float32)
    if not strategy.trades_pairs:
        return Opinion(direction, zeros, zeros)
    alone: IntArray = np.full(shape, -1, np.int32)
    return Opinion(direction, zeros, zeros, alone, zeros)
