"""The stages of one bar, as the kernels trade them: `trade_bar` in pieces that a venue can answer.

A bar begins at the close before it. At its opening the orders of that close are filled; inside it
stops and targets are watched; at its close the book is marked and the policy looks at it. Each
stage is made of the very functions that `trade_bar` calls, in the same order.
"""

from benbot.envs.arrays import Float32Array
from benbot.envs.desk.book import open_account
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.cycle import (
    enter_winners,
    hear_candidates,
    judge_health,
    mark,
    open_bar,
)
from benbot.envs.desk.exits import guard_positions, leave_positions
from benbot.envs.desk.loan import Words
from benbot.envs.desk.overlays import write_calls
from benbot.envs.observation import observe
from benbot.envs.stepping import take_action, take_arena, withhold

ACCOUNT = 0  # the only one there is


@compiled
def begin_account(words: Words, t: int, capital: float) -> None:
    """Put `capital` into the account at the close of bar `t`, all of it cash."""
    desk = take_arena(words).desk
    open_account(desk.book, ACCOUNT, capital, desk.tape.session[t])


@compiled
def take_weights(words: Words, t: int, action: Float32Array) -> None:
    """Share the risk budget as a policy says at the close of bar `t`, (1, K+1)."""
    arena = take_arena(words)
    take_action(arena.desk, ACCOUNT, action)
    withhold(arena, ACCOUNT, t)


@compiled
def trade_opening(words: Words, t: int) -> None:
    """Carry out what is decided at the close of bar `t` at the opening of the next."""
    arena = take_arena(words)
    desk, contest = arena.desk, arena.contest
    judge_health(desk, ACCOUNT, t)
    open_bar(desk, contest, ACCOUNT, t)
    leave_positions(desk, contest, ACCOUNT, t)
    n_listed = hear_candidates(desk, contest, ACCOUNT, t)
    enter_winners(desk, contest, ACCOUNT, t, n_listed)
    write_calls(desk, ACCOUNT, t)


@compiled
def trade_inside(words: Words, t: int) -> None:
    """Watch stops and targets inside bar `t`."""
    guard_positions(take_arena(words).desk, ACCOUNT, t)


@compiled
def close_bar(words: Words, t: int) -> float:
    """Mark the book at the close of bar `t`; return the log growth since the close before."""
    return mark(take_arena(words).desk, ACCOUNT, t)


@compiled
def look(words: Words, t: int, observation: Float32Array) -> None:
    """Write what a policy sees at the close of bar `t`, (1, D)."""
    arena = take_arena(words)
    observe(arena.desk, arena.features, ACCOUNT, t, observation)
