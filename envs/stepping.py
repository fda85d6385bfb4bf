"""One step of many environments: take the action, trade a bar, reward, observe, begin anew.

The single and the batched environment run this same kernel; only who begins a new episode differs.
"""

from typing import Any, NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, RecordArray
from benbot.envs.desk.book import open_account
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import Contest
from benbot.envs.desk.cycle import trade_bar
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.fetching import fetch_ahead
from benbot.envs.desk.floor import CONTEST, DESK
from benbot.envs.desk.loan import Loan, Words, array_of, taker, tuple_of
from benbot.envs.observation import Features, fetch_row, observe
from benbot.envs.reward import USUAL_GROWTH, reward_of

EPISODE = np.dtype(
    [
        ("bar", np.int64),  # the account stands at the close of this bar
        ("last", np.int64),  # truncated here
        ("random", np.uint64),  # state of the generator that chooses where episodes start
        ("mean_growth", np.float64),  # moments of the differential Sharpe ratio
        ("mean_square", np.float64),
        ("final_equity", np.float64),  # of the episode before this one
    ],
    align=True,
)

TERMS = np.dtype(
    [
        ("first", np.int64),  # earliest bar an episode may start at
        ("last", np.int64),  # latest bar an episode may end at
        ("episode_bars", np.int64),
        ("capital", np.float64),
        ("ruin", np.float64),  # equity at or below which the episode is terminated
        ("reward", np.int64),  # `RewardKind`
        ("sharpe_rate", np.float64),
        ("drawdown_penalty", np.float64),
    ],
    align=True,
)


class Arena(NamedTuple):
    """All that B environments are made of, and working space for their decisions."""

    desk: Desk
    contest: Contest
    features: Features
    episodes: RecordArray  # (B,) of EPISODE
    terms: RecordArray  # (1,) of TERMS


class Outcome(NamedTuple):
    """Where a step writes what came of it."""

    observation: Float32Array  # (B, D), of the new episode where one ended
    final_observation: Float32Array  # (B, D), valid where an episode ended
    reward: FloatArray  # (B,)
    terminated: BoolArray  # (B,)
    truncated: BoolArray  # (B,)


class ArenaLoan(Loan[Arena]):
    """An arena as a kernel takes it up, with `take_arena`."""

    kind = tuple_of(
        Arena,
        DESK,
        CONTEST,
        tuple_of(Features, *(array_of(kind, 2) for kind in (np.float32, np.float32, np.bool_))),
        array_of(EPISODE, 1, is_written=True),
        array_of(TERMS, 1),
    )


take_arena = taker(ArenaLoan.kind)


def step_all(loan: ArenaLoan, actions: Float32Array, restart: bool, outcome: Outcome) -> int:
    """Step every environment of an arena, writing to `outcome`.

    With `restart`, those that end begin anew. Return how many ended.
    """
    return step_accounts(loan.words, actions, restart, tuple(outcome))


@compiled
def step_accounts(
    words: Words, actions: Float32Array, restart: bool, results: tuple[Any, ...]
) -> int:
    """Step every environment; the results come as a plain tuple, which is taken apart faster."""
    arena, outcome = take_arena(words), Outcome(*results)
    terms, n_ended = arena.terms[0], 0
    for b in range(actions.shape[0]):
        if b + 1 < actions.shape[0]:
            fetch_ahead(arena.desk, b + 1, arena.episodes[b + 1].bar)
        episode, account = arena.episodes[b], arena.desk.book.accounts[b]
        fetch_row(arena.features, episode.bar + 1)
        take_action(arena.desk, b, actions)
        withhold(arena, b, episode.bar)
        growth = trade_bar(arena.desk, arena.contest, b, episode.bar)
        episode.bar += 1
        outcome.reward[b] = reward_of(terms.reward, episode, account, growth, terms)
        outcome.terminated[b] = not account.equity > terms.ruin
        outcome.truncated[b] = episode.bar >= episode.last and not outcome.terminated[b]
        observe(arena.desk, arena.features, b, episode.bar, outcome.observation)
        if outcome.terminated[b] or outcome.truncated[b]:
            n_ended += 1
            if restart:
                episode.final_equity = account.equity
                copy_row(outcome.observation, outcome.final_observation, b)
                begin_anywhere(arena, b, outcome.observation)
    return n_ended


@compiled
def take_action(desk: Desk, b: int, actions: Float32Array) -> None:
    """Make an action the account's weights; one that is no direction leaves them as they are."""
    n_strategies = desk.book.sleeves.shape[1]
    total = 0.0
    for k in range(n_strategies + 1):
        total += max(actions[b, k], np.float32(0.0)) if np.isfinite(actions[b, k]) else np.nan
    if not total > 0.0:
        return
    for k in range(n_strategies):
        desk.book.sleeves[b, k].weight = max(actions[b, k], np.float32(0.0)) / total
    cash = max(actions[b, n_strategies], np.float32(0.0))
    desk.book.accounts[b].cash_weight = cash / total


@compiled
def withhold(arena: Arena, b: int, t: int) -> None:
    """Make cash of the weight of whoever may not use the account's money at the close of bar `t`.

    That also holds where an action left the weights as they were.
    """
    allowed = arena.features.allowed
    if allowed.shape[0] == 0:
        return
    for k in range(allowed.shape[1]):
        if not allowed[t, k]:
            sleeve = arena.desk.book.sleeves[b, k]
            arena.desk.book.accounts[b].cash_weight += sleeve.weight
            sleeve.weight = 0.0


@compiled
def begin_anywhere(arena: Arena, b: int, observation: Float32Array) -> None:
    """Begin an episode at a bar drawn by the environment's own generator."""
    terms, episode = arena.terms[0], arena.episodes[b]
    n_starts = terms.last - terms.first - terms.episode_bars + 1
    episode.random = episode.random + np.uint64(0x9E3779B97F4A7C15)
    draw = mixed(episode.random) >> np.uint64(33)
    first = terms.first + np.int64(draw % np.uint64(n_starts))
    begin_at(arena, b, first, first + terms.episode_bars, observation)


@compiled
def begin_at(arena: Arena, b: int, first: int, last: int, observation: Float32Array) -> None:
    """Begin an episode at the close of bar `first`, all in cash."""
    terms, episode = arena.terms[0], arena.episodes[b]
    episode.bar, episode.last = first, last
    episode.mean_growth, episode.mean_square = 0.0, USUAL_GROWTH * USUAL_GROWTH
    open_account(arena.desk.book, b, terms.capital, arena.desk.tape.session[first])
    observe(arena.desk, arena.features, b, first, observation)


@compiled
def begin_all(arena: Arena, observation: Float32Array) -> None:
    """Begin an episode anywhere in every environment."""
    for b in range(arena.episodes.size):
        begin_anywhere(arena, b, observation)


@compiled
def mixed(state: np.uint64) -> np.uint64:
    """Return a well-mixed 64 bit number (SplitMix64, Steele, Lea and Flood 2014)."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def copy_row(source: Float32Array, target: Float32Array, b: int) -> None:
    for i in range(source.shape[1]):
        target[b, i] = source[b, i]
