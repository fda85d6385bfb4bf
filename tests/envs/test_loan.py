"""Arrays lent to a kernel by their addresses stay theirs who lent them."""

import copy
import gc
import pickle
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

from benbot.envs.allocation import AllocationEnv
from benbot.envs.arrays import AnyArray
from benbot.envs.desk.book import open_account
from benbot.envs.desk.coordinate import open_contest
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import Floor, FloorLoan, lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.vector import AllocationVectorEnv, build_arena
from tests.envs.test_vector import random_actions, settings_of

N_ENVS, N_STEPS = 3, 12

Env = TypeVar("Env", AllocationEnv, AllocationVectorEnv)


@pytest.fixture
def desk(history: History, span: Span) -> Desk:
    return build_arena(history, span, settings_of(), N_ENVS, open_ledger(N_ENVS)).desk


def repeat_pickled(env: Env) -> Env:
    """Return what a process that was sent the environment would have."""
    sent: Env = pickle.loads(pickle.dumps(env))  # noqa: S301  # our own
    return sent


@pytest.mark.parametrize("duplicate", [copy.deepcopy, repeat_pickled])
def test_a_copy_of_a_batch_goes_its_own_way(
    duplicate: Callable[[AllocationVectorEnv], AllocationVectorEnv], history: History, span: Span
) -> None:
    env = AllocationVectorEnv(history, span, settings_of(), N_ENVS)
    env.reset(seed=3)
    actions = random_actions(np.random.default_rng(0), (N_STEPS, N_ENVS, 5))
    env.step(actions[0])
    twin = duplicate(env)
    before = env.arena.desk.book.accounts.copy()
    first = [twin.step(action) for action in actions[1:]]
    assert env.arena.desk.book.accounts.tobytes() == before.tobytes()
    again = [env.step(action) for action in actions[1:]]
    for own, others in zip(again, first, strict=True):
        for mine, his in zip(own[:4], others[:4], strict=True):
            np.testing.assert_array_equal(mine, his)
        np.testing.assert_array_equal(own[4]["equity"], others[4]["equity"])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, repeat_pickled])
def test_a_copy_of_an_environment_tells_of_its_own_account(
    duplicate: Callable[[AllocationEnv], AllocationEnv], history: History, span: Span
) -> None:
    env = AllocationEnv(history, span, settings_of())
    env.reset(seed=3)
    env.step(np.ones(5, np.float32))
    twin = duplicate(env)
    weights = np.array([1.0, 0.0, 0.0, 0.0, 0.0], np.float32)
    for _ in range(N_STEPS):
        info = twin.step(weights)[-1]
        assert info["equity"] == twin.arena.desk.book.accounts["equity"][0]
        np.testing.assert_array_equal(info["weights"], weights)
    assert env.weights[0] == np.float32(0.2)


def test_the_loan_keeps_what_it_lent_alive(history: History, span: Span) -> None:
    def new_desk() -> Desk:
        desk = build_arena(history, span, settings_of(), N_ENVS, open_ledger(N_ENVS)).desk
        for b in range(N_ENVS):
            open_account(desk.book, b, 1e5, desk.tape.session[span.first])
        desk.book.sleeves["weight"], desk.book.accounts["cash_weight"] = 0.25, 0.0
        return desk

    kept = new_desk()
    floors = [lend(new_desk()), lend(kept)]
    gc.collect()
    junk = [np.full(kept.book.positions.nbytes // 8, np.nan) for _ in range(200)]
    growth = np.zeros((2, N_ENVS))
    for t in range(span.first, span.first + 60):
        for i, floor in enumerate(floors):
            trade_bars(floor, np.full(N_ENVS, t), growth[i])
        np.testing.assert_array_equal(growth[0], growth[1])
    assert junk
    assert kept.book.accounts["n_positions"].any()


def test_what_is_lent_cannot_be_resized(history: History, span: Span) -> None:
    env = AllocationVectorEnv(history, span, settings_of(), N_ENVS)
    with pytest.raises(ValueError, match="resize"):
        env.arena.desk.book.accounts.resize(100 * N_ENVS)


def read_only(array: AnyArray) -> AnyArray:
    view = array[...]
    view.flags.writeable = False
    return view


def unaligned(array: AnyArray) -> AnyArray:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    return memory[1:].view(array.dtype).reshape(array.shape)


@pytest.mark.parametrize(
    ("part", "name", "change", "reason"),
    [
        ("tape", "year_share", lambda a: a.astype(np.float32), "float64 .*was float32"),
        ("tape", "year_share", lambda a: a[:, None], "2 dimensions"),
        ("tape", "year_share", lambda a: a.tolist(), "was list"),
        ("book", "sleeves", lambda a: a[:, ::2], "not contiguous"),
        ("book", "accounts", read_only, "read-only"),
        ("ledger", "n_fills", read_only, "read-only"),
        ("tape", "session", unaligned, "aligned"),
    ],
)
def test_another_kind_of_array_is_refused_by_name(
    desk: Desk, part: str, name: str, change: Callable[[AnyArray], AnyArray], reason: str
) -> None:
    lend(desk)
    inner = getattr(desk, part)
    changed = inner._replace(**{name: change(getattr(inner, name))})
    with pytest.raises(InvalidParameter, match=f"^desk.{part}.{name} must be .*{reason}"):
        lend(desk._replace(**{part: changed}))


def test_what_is_only_read_may_be_read_only(desk: Desk) -> None:
    lend(desk._replace(tape=desk.tape._replace(bars=read_only(desk.tape.bars))))


def test_another_tuple_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidParameter, match=r"desk\.book must be a Book, was tuple"):
        FloorLoan(Floor(desk._replace(book=tuple(desk.book)), open_contest(desk)))
