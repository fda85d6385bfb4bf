"""Steps 3 and 4: score every candidate, settle conflicts, one winner per symbol.

score   weight × confidence × expected value after costs; positive is long, negative short
"""

from typing import Any, NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.tape import Tape

Score = Any  # a float32: of doubles the processor would handle half as many at once

LEAST_SCORE = np.float32(1e-20)  # a strategy that only wants out scores less and wins nothing


class Contest(NamedTuple):
    """Working space of one decision over S symbols, overwritten by the next."""

    best: Float32Array  # (2, S), strongest candidate so far; `score_candidates` says which row
    score: Float32Array  # (S,) of the winner; 0 where nobody won or who won has had its chance


@compiled
def open_contest(tape: Tape) -> Contest:
    """Return working space for the symbols of a tape."""
    n_symbols = tape.value.shape[2]
    return Contest(np.zeros((2, n_symbols), np.float32), np.zeros(n_symbols, np.float32))


@compiled
def score_candidates(desk: Desk, contest: Contest, b: int, t: int) -> int:
    """Find each symbol's strongest candidate of either side; return the row that holds them.

    Four strategies a loop, because each loop over the symbols has a price of its own; where there
    are not as many left, the last one is heard again, which changes nothing. The scores go back and
    forth between two rows: a loop that updates one row in place is compiled to branches, this one
    to vector instructions.
    """
    value, best = desk.tape.value, contest.best
    lowest = lowest_score(desk.rules[0])
    last = value.shape[1] - 1
    best[0, :] = np.float32(0.0)
    row = 0
    for k in range(0, last + 1, 4):
        k1, k2, k3 = min(k + 1, last), min(k + 2, last), min(k + 3, last)
        weight, weight_1 = weight_of(desk, b, k), weight_of(desk, b, k1)
        weight_2, weight_3 = weight_of(desk, b, k2), weight_of(desk, b, k3)
        for s in range(value.shape[2]):
            score = stronger(best[row, s], weight * value[t, k, s], lowest)
            score = stronger(score, weight_1 * value[t, k1, s], lowest)
            score = stronger(score, weight_2 * value[t, k2, s], lowest)
            best[1 - row, s] = stronger(score, weight_3 * value[t, k3, s], lowest)
        row = 1 - row
    return row


@compiled
def stronger(best: Score, score: Score, lowest: Score) -> Score:
    """Return the score that is farther from 0, the first of equals; NaN never wins."""
    score = no_lower(score, lowest)
    return score if abs(score) > abs(best) else best


@compiled
def no_lower(score: Score, lowest: Score) -> Score:
    """Return the score or the bound, whichever is higher; NaN stays NaN."""
    return lowest if score < lowest else score


@compiled
def lowest_score(rules: Record) -> Score:
    """Return how far below 0 a score may lie: not at all where nobody may sell short."""
    return np.float32(-np.inf) if rules.limits_allow_short else np.float32(0.0)


@compiled
def weight_of(desk: Desk, b: int, k: int) -> Score:
    """Return the weight of strategy `k` as scores are computed with it."""
    return np.float32(desk.book.sleeves[b, k].weight)


@compiled
def score_of(desk: Desk, b: int, t: int, k: int, s: int) -> float:
    """Return the score of strategy `k`'s candidate in symbol `s`."""
    return weight_of(desk, b, k) * desk.tape.value[t, k, s]


@compiled
def owner_of(desk: Desk, score: float, b: int, t: int, s: int) -> int:
    """Return the first strategy whose candidate in symbol `s` has exactly this score."""
    for k in range(desk.tape.value.shape[1]):
        if score_of(desk, b, t, k, s) == score:
            return k
    return -1


@compiled
def name_winners(contest: Contest, row: int) -> int:
    """Let the strongest candidate win each symbol; return how many winners there are."""
    n_winners = np.int32(0)
    for s in range(contest.score.size):
        score = contest.best[row, s]
        wins = abs(score) > LEAST_SCORE
        contest.score[s] = score if wins else np.float32(0.0)
        n_winners += np.int32(wins)
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
def conflict_gate(desk: Desk, contest: Contest, b: int, t: int, s: int) -> int:
    """Refuse a symbol whose sides score nearly the same, or that somebody holds."""
    score, lowest = contest.score[s], lowest_score(desk.rules[0])
    for k in range(desk.tape.value.shape[1]):
        other = no_lower(score_of(desk, b, t, k, s), lowest)
        if other * score < 0.0 and abs(other) >= desk.rules[0].limits_close_call * abs(score):
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
