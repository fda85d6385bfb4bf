"""Steps 3 and 4: score every candidate, settle conflicts, one winner per symbol.

score   weight × confidence × expected value after costs; positive is long, negative short
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.reasons import Verdict

LEAST_SCORE = np.float32(1e-20)  # a strategy that only wants out scores less and wins nothing


class Contest(NamedTuple):
    """Working space of one decision over S symbols, overwritten by the next."""

    long_score: Float32Array  # (2, S), best long candidate; `score_candidates` says which row
    short_score: Float32Array  # (2, S), best short candidate, negative
    score: Float32Array  # (S,) of the winner; 0 where nobody won or who won has had its chance


@compiled
def open_contest(n_symbols: int) -> Contest:
    """Return working space for `n_symbols` symbols."""
    return Contest(
        np.zeros((2, n_symbols), np.float32),
        np.zeros((2, n_symbols), np.float32),
        np.zeros(n_symbols, np.float32),
    )


@compiled
def score_candidates(desk: Desk, contest: Contest, b: int, t: int) -> int:
    """Find each symbol's best score on either side; return the row that holds them.

    The scores go back and forth between two rows: a loop that updates one row in place is compiled
    to branches, this one to vector instructions, three times as fast. A NaN compares false and can
    never win.
    """
    value, sleeves = desk.tape.value, desk.book.sleeves
    long_score, short_score = contest.long_score, contest.short_score
    for s in range(value.shape[2]):
        long_score[0, s] = short_score[0, s] = 0.0
    row = 0
    for k in range(value.shape[1]):
        weight = np.float32(sleeves[b, k].weight)
        for s in range(value.shape[2]):
            score = weight * value[t, k, s]
            long, short = long_score[row, s], short_score[row, s]
            long_score[1 - row, s] = score if score > long else long
            short_score[1 - row, s] = score if score < short else short
        row = 1 - row
    return row


@compiled
def score_of(desk: Desk, b: int, t: int, k: int, s: int) -> float:
    """Return the score of strategy `k`'s candidate in symbol `s`."""
    return np.float32(desk.book.sleeves[b, k].weight) * desk.tape.value[t, k, s]


@compiled
def owner_of(desk: Desk, score: float, b: int, t: int, s: int) -> int:
    """Return the first strategy whose candidate in symbol `s` has exactly this score."""
    for k in range(desk.tape.value.shape[1]):
        if score_of(desk, b, t, k, s) == score:
            return k
    return -1


@compiled
def settle_conflicts(contest: Contest, row: int, rules: Record) -> int:
    """Let the stronger side win each symbol; return how many winners there are."""
    may_short = np.float32(rules.limits_allow_short)
    for s in range(contest.score.size):
        long, short = contest.long_score[row, s], contest.short_score[row, s] * may_short
        score = long if long > -short else short
        contest.score[s] = score if abs(score) > LEAST_SCORE else np.float32(0.0)
    n_winners = np.int32(0)
    for s in range(contest.score.size):
        n_winners += np.int32(contest.score[s] != 0.0)
    return int(n_winners)


@compiled
def forget_own(desk: Desk, contest: Contest, b: int, t: int) -> int:
    """Take out the winners that hold what they ask for already; return how many they are."""
    n_own = 0
    for i in range(desk.book.accounts[b].n_positions):
        position = desk.book.positions[b, i]
        s = position.symbol
        own = score_of(desk, b, t, position.strategy, s)
        if own * position.units > 0.0 and own == contest.score[s]:
            contest.score[s] = 0.0
            n_own += 1
    return n_own


@compiled
def conflict_gate(desk: Desk, contest: Contest, row: int, b: int, s: int) -> int:
    """Refuse a symbol whose sides score nearly the same, or that somebody holds."""
    rules = desk.rules[0]
    may_short = np.float32(rules.limits_allow_short)
    long, short = contest.long_score[row, s], -contest.short_score[row, s] * may_short
    if min(long, short) >= rules.limits_close_call * max(long, short):
        return Verdict.CLOSE_CALL
    for i in range(desk.book.accounts[b].n_positions):
        if desk.book.positions[b, i].symbol == s:
            return Verdict.DUPLICATE
    return Verdict.PASSED


@compiled
def best_left(contest: Contest) -> int:
    """Return the symbol with the highest score of either side."""
    best, most = 0, np.float32(0.0)
    for s in range(contest.score.size):
        score = abs(contest.score[s])
        if score > most:
            best, most = s, score
    return best
