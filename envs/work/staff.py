"""Hands on a Ray cluster that stay, for many rounds of small work on the same large thing.

A function is sent to the store of the cluster once, however many rounds it works in; each hand
takes it from there once, and what is made of it, features of a market, is made there once. Where a
hand dies, another one takes its place and does its part again, which changes nothing: a result
depends on the item alone.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from time import monotonic
from types import ModuleType
from typing import Any, TypeVar

from benbot.envs.errors import ClusterUnavailable, TradingError, WorkFailed
from benbot.envs.work.cluster import EAR, connected
from benbot.envs.work.processes import Reply

T = TypeVar("T")
R = TypeVar("R")

Greeting = Callable[[], None]
WAKING = -1  # instead of the place of an item
MOST_DEATHS = 3  # of hands over one item, before it is given up
LONGEST_SILENCE = 300.0  # seconds until a cluster has a processor for the first hand


class StayingHand:
    """A process of the cluster that keeps what it works with."""

    def __init__(self) -> None:
        self.functions: dict[int, Callable[[Any], Any]] = {}

    def wake(self, greeting: Greeting) -> tuple[Reply, Any]:
        """Say whether it can do the work at all."""
        return _answer(lambda _: greeting(), None)

    def learn(self, number: int, function: Callable[[Any], Any]) -> None:
        self.functions[number] = function

    def do(self, number: int, item: object) -> tuple[Reply, Any]:
        return _answer(self.functions[number], item)


def _answer(function: Callable[[Any], Any], item: object) -> tuple[Reply, Any]:
    try:
        return Reply.DONE, function(item)
    except TradingError as error:
        return Reply.FAILED, str(error)


@dataclass(eq=False)
class _Hand:
    """A hand as it is seen from here; `learned` are the numbers of the functions that it has."""

    actor: Any
    learned: set[int] = field(default_factory=set)


class Staff:
    """Applies functions to items on hands of a cluster; results are in the order of the items.

    `greeting` is called in every hand before it works; what it raises ends the work.
    """

    def __init__(self, ray: ModuleType, n_hands: int, greeting: Greeting) -> None:
        self.ray, self._greeting = ray, ray.put(greeting)
        self._kind = ray.remote(num_cpus=1)(StayingHand)
        self._sent: dict[Callable[[Any], Any], tuple[int, Any]] = {}
        self._idle: deque[_Hand] = deque()
        self._promised: dict[Any, tuple[_Hand, int]] = {}  # to wake, or to do the item at a place
        self._began, self._awake = monotonic(), False
        for _ in range(n_hands):
            self._hire()

    def __call__(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return the result of each item; a hand works as soon as it has woken."""
        results: list[Any] = [None] * len(items)
        waiting, deaths = deque(range(len(items))), Counter[int]()
        n_done = 0
        while n_done < len(items):
            while waiting and self._idle:
                place = waiting.popleft()
                self._give(self._idle.popleft(), function, place, items[place])
            for place, reply, content in self._heard():
                if reply is Reply.DONE:
                    results[place] = content
                    n_done += 1
                    continue
                deaths[place] += 1
                if deaths[place] == MOST_DEATHS:
                    raise WorkFailed(
                        f"work on a cluster needs processes that live, {MOST_DEATHS} in a row "
                        f"died over the same part of it: {content}"
                    )
                if place != WAKING:
                    waiting.appendleft(place)
        return results

    def dismiss(self) -> None:
        """Send everybody home."""
        for hand in (*self._idle, *(hand for hand, _ in self._promised.values())):
            self.ray.kill(hand.actor)

    def _hire(self) -> None:
        hand = _Hand(self._kind.remote())
        self._promised[hand.actor.wake.remote(self._greeting)] = (hand, WAKING)

    def _give(self, hand: _Hand, function: Callable[[Any], Any], place: int, item: object) -> None:
        if function not in self._sent:
            self._sent[function] = (len(self._sent), self.ray.put(function))
        number, sent = self._sent[function]
        if number not in hand.learned:
            hand.actor.learn.remote(number, sent)
            hand.learned.add(number)
        self._promised[hand.actor.do.remote(number, item)] = (hand, place)

    def _heard(self) -> Iterator[tuple[int, Reply, Any]]:
        """Yield what was done, with the place of its item; STOPPED if its hand died over it."""
        kept, _ = self.ray.wait(list(self._promised), num_returns=1, timeout=EAR)
        if not kept:
            self._check_patience()
        for promise in kept:
            hand, place = self._promised.pop(promise)
            try:
                reply, content = self.ray.get(promise)
            except self.ray.exceptions.RayError as error:
                self.ray.kill(hand.actor)
                self._hire()
                yield place, Reply.STOPPED, str(error).strip().splitlines()[-1]
                continue
            self._idle.append(hand)
            self._awake = True
            if reply is Reply.FAILED:
                raise WorkFailed(f"work on a cluster was refused there: {content}")
            if place != WAKING:
                # A copy, for what has come lies in memory that the cluster could not use again.
                yield place, Reply.DONE, deepcopy(content)

    def _check_patience(self) -> None:
        if not self._awake and monotonic() - self._began > LONGEST_SILENCE:
            raise ClusterUnavailable(
                f"work on a cluster needs a processor there that is free, was none within "
                f"{LONGEST_SILENCE:.0f} seconds. See `ray status`, or say --jobs without --ray"
            )


@contextmanager
def staff(address: str, n_hands: int | None, greeting: Greeting) -> Iterator[Staff]:
    """Lend hands on the cluster of an address: so many, or one for each of its processors."""
    with connected(address) as ray:
        n = n_hands or max(1, int(ray.cluster_resources().get("CPU", 1)))
        try:
            hands = Staff(ray, n, greeting)
            try:
                yield hands
            finally:
                hands.dismiss()
        except ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            raise ClusterUnavailable(
                f"work needs a cluster that stays, {address!r} was lost: {reason}"
            ) from error
