"""Hands that stay: sent to once, in order whoever is first, replaced when they die."""

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from benbot.envs.errors import ClusterUnavailable, InvalidParameter, WorkFailed
from benbot.envs.work import staff as staff_module
from benbot.envs.work.cluster import AUTO
from benbot.envs.work.staff import Staff, staff


class Died(Exception):
    """What the Ray that is none raises for a hand that is gone."""


class Reversed:
    """As much of Ray as is used, in this process: all wake, then who was asked last is first."""

    exceptions = SimpleNamespace(RayError=Died)

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.actors: list[Any] = []
        self.killed: list[Any] = []
        self.fatal: dict[object, int] = {}  # items, and how many hands they kill
        self.asleep = False

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 3.0}

    def put(self, value: object) -> object:
        self.sent.append(value)
        return value

    def remote(self, num_cpus: int) -> Any:  # noqa: ANN401
        def of(kind: Callable[[], Any]) -> Any:  # noqa: ANN401
            def make() -> Any:  # noqa: ANN401
                self.actors.append(Actor(kind(), self))
                return self.actors[-1]

            return SimpleNamespace(remote=make)

        return of

    def wait(self, promises: list[Any], num_returns: int, timeout: float) -> Any:  # noqa: ANN401
        if self.asleep:
            return [], promises
        waking = [promise for promise in promises if promise.name == "wake"]
        chosen = (waking or promises)[-1]
        return [chosen], [promise for promise in promises if promise is not chosen]

    def get(self, promise: Any) -> Any:  # noqa: ANN401
        if isinstance(promise.value, Died):
            raise promise.value
        return promise.value

    def kill(self, actor: Any) -> None:  # noqa: ANN401
        self.killed.append(actor)


class Promise:
    """What a call has come to."""

    def __init__(self, name: str, value: object) -> None:
        self.name, self.value = name, value


class Actor:
    """A hand somewhere else that does everything at once."""

    def __init__(self, itself: Any, ray: Reversed) -> None:  # noqa: ANN401
        self.itself, self.ray = itself, ray

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return SimpleNamespace(remote=lambda *given: self._do(name, given))

    def _do(self, name: str, given: tuple[Any, ...]) -> Any:  # noqa: ANN401
        item = given[-1]
        if name == "do" and self.ray.fatal.get(item, 0) > 0:
            self.ray.fatal[item] -= 1
            return Promise(name, Died("what went before\nthe hand died"))
        return Promise(name, getattr(self.itself, name)(*given))


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Reversed:
    backwards = Reversed()
    monkeypatch.setitem(sys.modules, "ray", backwards)  # type: ignore[arg-type]
    return backwards


def nothing() -> None:
    """Greet."""


class Squares:
    """Something large, of which a method is applied."""

    def of(self, number: int) -> int:
        if number == 13:
            raise InvalidParameter("a number must not be 13")
        return number * number


@pytest.fixture
def hands(ray: Reversed) -> Iterator[Staff]:
    with staff(AUTO, None, nothing) as hired:
        yield hired


def test_results_come_in_the_order_of_the_items_whoever_is_first(
    ray: Reversed, hands: Staff
) -> None:
    assert hands(Squares().of, list(range(10))) == [n * n for n in range(10)]
    assert hands(Squares().of, []) == []
    assert len(ray.actors) == 3


def test_what_is_worked_with_is_sent_once_however_many_rounds(ray: Reversed, hands: Staff) -> None:
    squares, others = Squares(), Squares()
    for _ in range(3):
        assert hands(squares.of, [1, 2, 3, 4]) == [1, 4, 9, 16]
        assert hands(others.of, [5]) == [25]
    assert ray.sent == [nothing, squares.of, others.of]
    assert all(len(actor.itself.functions) <= 2 for actor in ray.actors)


def test_the_part_of_a_hand_that_died_is_done_by_another(ray: Reversed, hands: Staff) -> None:
    ray.fatal = {3: 2}
    assert hands(Squares().of, [1, 2, 3, 4]) == [1, 4, 9, 16]
    assert len(ray.actors) == 3 + 2
    assert len(ray.killed) == 2


def test_a_part_over_which_every_hand_dies_is_given_up(ray: Reversed, hands: Staff) -> None:
    ray.fatal = {3: 99}
    with pytest.raises(WorkFailed, match="3 in a row died over the same part of it: the hand died"):
        hands(Squares().of, [1, 2, 3, 4])


def test_what_is_refused_there_is_refused_here(hands: Staff) -> None:
    with pytest.raises(WorkFailed, match="was refused there: a number must not be 13"):
        hands(Squares().of, [12, 13])


def test_a_hand_that_cannot_do_the_work_does_none(ray: Reversed) -> None:
    def unfit() -> None:
        raise InvalidParameter("another machine")

    with (
        pytest.raises(WorkFailed, match="was refused there: another machine"),
        staff(AUTO, 2, unfit) as hired,
    ):
        hired(Squares().of, [1])
    assert set(ray.killed) == set(ray.actors)


def test_everybody_is_sent_home_in_the_end(ray: Reversed) -> None:
    with staff(AUTO, 2, nothing) as hired:
        hired(Squares().of, [1, 2])
    assert set(ray.killed) == set(ray.actors)


def test_a_cluster_that_is_lost_is_one_error(
    ray: Reversed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        raise Died("the head is gone\nand more")

    monkeypatch.setattr(ray, "wait", lost)
    with (
        pytest.raises(ClusterUnavailable, match=r"'auto' was lost: the head is gone$"),
        staff(AUTO, 1, nothing) as hired,
    ):
        hired(Squares().of, [1])


def test_a_cluster_without_a_free_processor_is_waited_for_and_no_longer(
    ray: Reversed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_module, "LONGEST_SILENCE", 0.0)
    ray.asleep = True
    with (
        pytest.raises(ClusterUnavailable, match=r"a processor there that is free.*`ray status`"),
        staff(AUTO, 1, nothing) as hired,
    ):
        hired(Squares().of, [1])
