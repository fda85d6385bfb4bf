"""Steps 3 and 4: score every candidate, settle conflicts, one winner per symbol.

score   weight × confidence × expected value after costs; positive is long, negative short
"""

from typing import Any, NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, IntArray, WordArray
from benbot.envs.desk.borrow import borrow
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.tape import WORD

Score = Any  # a float32: of doubles the processor would handle half as many at once

LEAST_SCORE = np.float32(1e-20)  # a strategy that only wants out scores less and wins nothing


class Contest(NamedTuple):
    """Working space of one decision over S symbols, overwritten by the next."""

    long: Float32Array  # (2, S), strongest positive score so far, 0 where there is none; at last
    short: Float32Array  # (2, S), strongest negative one; both stand in row 0
    winner: IntArray  # (S,), symbols that somebody won and that have not had their chance
    score: Float32Array  # (S,), theirs
    held: WordArray  # (2, W), bits of the symbols that are held long, and short
    closed: IntArray  # (N, 3), symbol, strategy and side of the positions closed at this open
    n_closed: IntArray  # (1,)


class Win(NamedTuple):
    """A symbol and the score that won it."""

    symbol: int
    score: float


class Holder(NamedTuple):
    """Who holds, or held, a symbol."""

    symbol: int
    strategy: int
    side: float  # its sign counts


@compiled
def open_contest(desk: Desk) -> Contest:
    """Return working space for the symbols and positions of a desk."""
    n_symbols, n_positions = desk.tape.value.shape[2], desk.book.positions.shape[1]
    return Contest(
        np.zeros((2, n_symbols), np.float32),
        np.zeros((2, n_symbols), np.float32),
        np.zeros(n_symbols, np.int64),
        np.zeros(n_symbols, np.float32),
        np.zeros((2, desk.tape.tied.shape[3]), np.uint64),
        np.zeros((n_positions, 3), np.int64),
        np.zeros(1, np.int64),
    )


@compiled
def lend(contest: Contest) -> Contest:
    """Return the same working space as borrowed arrays; the lender keeps it until `take_back`."""
    return Contest(
        borrow(contest.long),
        borrow(contest.short),
        borrow(contest.winner),
        borrow(contest.score),
        borrow(contest.held),
        borrow(contest.closed),
        borrow(contest.n_closed),
    )


@compiled
def take_back(contest: Contest) -> None:
    """Be the last to use the working space, so that it lives until here."""
    contest.n_closed[0] = 0


@compiled
def note_closed(contest: Contest, s: int, k: int, side: float) -> None:
    """Remember that strategy `k` held symbol `s` before this open."""
    n = contest.n_closed[0]
    contest.closed[n, 0], contest.closed[n, 1], contest.closed[n, 2] = s, k, int(side)
    contest.n_closed[0] = n + 1


@compiled
def score_candidates(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Find each symbol's strongest candidate of either side.

    Four strategies a loop, because each loop over the symbols has a price of its own; where there
    are not as many left, the last one is heard again, which changes nothing. The scores go back and
    forth between two rows: a loop that updates one row in place is compiled to branches, this one
    to vector instructions.
    """
    value, long, short = desk.tape.value, contest.long, contest.short
    last = value.shape[1] - 1
    row = (last // 4 + 1) % 2  # so that the last loop writes row 0
    long[row, :] = np.float32(0.0)
    short[row, :] = np.float32(0.0)
    for k in range(0, last + 1, 4):
        k1, k2, k3 = min(k + 1, last), min(k + 2, last), min(k + 3, last)
        weight, weight_1 = weight_of(desk, b, k), weight_of(desk, b, k1)
        weight_2, weight_3 = weight_of(desk, b, k2), weight_of(desk, b, k3)
        for s in range(value.shape[2]):
            first, second = weight * value[t, k, s], weight_1 * value[t, k1, s]
            third, fourth = weight_2 * value[t, k2, s], weight_3 * value[t, k3, s]
            most = higher(higher(long[row, s], first), second)
            least = lower(lower(short[row, s], first), second)
            long[1 - row, s] = higher(higher(most, third), fourth)
            short[1 - row, s] = lower(lower(least, third), fourth)
        row = 1 - row
    if not desk.rules[0].limits_allow_short:
        short[0, :] = np.float32(0.0)


@compiled
def higher(best: Score, score: Score) -> Score:
    """Return the higher score; NaN never is."""
    return score if score > best else best


@compiled
def lower(best: Score, score: Score) -> Score:
    """Return the lower score; NaN never is."""
    return score if score < best else best


@compiled
def weight_of(desk: Desk, b: int, k: int) -> Score:
    """Return the weight of strategy `k` as scores are computed with it."""
    return np.float32(desk.book.sleeves[b, k].weight)


@compiled
def score_of(desk: Desk, b: int, t: int, k: int, s: int) -> float:
    """Return the score of strategy `k`'s candidate in symbol `s`."""
    return weight_of(desk, b, k) * desk.tape.value[t, k, s]


@compiled
def best_score(contest: Contest, s: int) -> Score:
    """Return the score that wins symbol `s`: that of the stronger side, the long one of equals."""
    long, short = contest.long[0, s], contest.short[0, s]
    return long if long >= -short else short


@compiled
def owner_of(desk: Desk, score: float, b: int, t: int, s: int) -> int:
    """Return the first strategy whose candidate in symbol `s` has exactly this score."""
    for k in range(desk.tape.value.shape[1]):
        if score_of(desk, b, t, k, s) == score:
            return k
    return -1


@compiled
def forget_own(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Take out the winners that held what they ask for before this open."""
    for i in range(desk.book.accounts[b].n_positions):
        position = desk.book.positions[b, i]
        holder = Holder(position.symbol, position.strategy, position.units)
        forget_if_own(desk, contest, b, t, holder)
    for i in range(contest.n_closed[0]):
        closed = contest.closed[i]
        forget_if_own(desk, contest, b, t, Holder(closed[0], closed[1], float(closed[2])))


@compiled
def forget_if_own(desk: Desk, contest: Contest, b: int, t: int, holder: Holder) -> None:
    """Take out the winner of a symbol if it is its holder, on the side that it holds."""
    s = holder.symbol
    own = score_of(desk, b, t, holder.strategy, s)
    if own * holder.side > 0.0 and own == best_score(contest, s):
        contest.long[0, s] = contest.short[0, s] = np.float32(0.0)


@compiled
def see_positions(desk: Desk, contest: Contest, b: int) -> None:
    """Note which symbols account `b` holds on which side."""
    contest.held[:, :] = np.uint64(0)
    for i in range(desk.book.accounts[b].n_positions):
        position = desk.book.positions[b, i]
        see_position(contest, position.symbol, position.units)


@compiled
def see_position(contest: Contest, s: int, units: float) -> None:
    """Note that a symbol is held."""
    side = 0 if units > 0.0 else 1
    contest.held[side, s // WORD] |= np.uint64(1) << np.uint64(s % WORD)


@compiled
def is_held(contest: Contest, s: int) -> bool:
    """Return whether the account holds symbol `s`."""
    word = contest.held[0, s // WORD] | contest.held[1, s // WORD]
    return (word >> np.uint64(s % WORD)) & np.uint64(1) != 0


@compiled
def is_tied(desk: Desk, contest: Contest, t: int, s: int, side: float) -> bool:
    """Return whether this side of symbol `s` moves with what is held more than it may."""
    tied, row = desk.tape.tied, desk.tape.calendar[t].risk_row + 1
    same, opposite = (0, 1) if side > 0.0 else (1, 0)
    found = np.uint64(0)
    for w in range(tied.shape[3]):
        found |= tied[row, 0, s, w] & contest.held[same, w]
        found |= tied[row, 1, s, w] & contest.held[opposite, w]
    return found != 0


@compiled
def is_close_call(desk: Desk, contest: Contest, s: int) -> bool:
    """Return whether the weaker side of symbol `s` scores nearly as much as the stronger."""
    long, short = contest.long[0, s], -contest.short[0, s]
    return min(long, short) >= desk.rules[0].limits_close_call * max(long, short)


@compiled
def conflict_gate(desk: Desk, contest: Contest, s: int) -> int:
    """Refuse a symbol whose sides score nearly the same, or that somebody holds."""
    if is_close_call(desk, contest, s):
        return Verdict.CLOSE_CALL
    return Verdict.DUPLICATE if is_held(contest, s) else Verdict.PASSED


@compiled
def correlation_gate(desk: Desk, contest: Contest, t: int, s: int, side: float) -> int:
    """Refuse a symbol that moves with a position on another one, sides counted."""
    return Verdict.CORRELATION if is_tied(desk, contest, t, s, side) else Verdict.PASSED


@compiled
def list_winners(desk: Desk, contest: Contest, b: int, t: int, longs: bool) -> int:
    """List the symbols that somebody wins, with the score; return how many are on the list.

    Without a ledger those that some gate will refuse whoever goes first are counted and left out;
    `longs` is whether it may be long at all.
    """
    account, on_record = desk.book.accounts[b], desk.ledger.decisions.shape[1] > 0
    n_listed, n_winners = 0, 0
    for s in range(desk.tape.facts.shape[1]):
        score = best_score(contest, s)
        wins = abs(score) > LEAST_SCORE
        side = 1.0 if score > 0.0 else -1.0
        hopeless = is_close_call(desk, contest, s) or is_held(contest, s)
        hopeless = hopeless or is_tied(desk, contest, t, s, side) or (side > 0.0 and not longs)
        contest.winner[n_listed], contest.score[n_listed] = s, score
        n_listed += int(wins and (on_record or not hopeless))
        n_winners += int(wins)
    account.n_winners, account.n_refused = n_winners, n_winners - n_listed
    return n_listed


@compiled
def next_winner(contest: Contest, n_left: int) -> Win:
    """Take the highest score of either side off the list, the first symbol of equals."""
    best, most = 0, np.float32(0.0)
    for i in range(n_left):
        score, first = abs(contest.score[i]), contest.winner[i] < contest.winner[best]
        if score > most or (score == most and first):
            best, most = i, score
    win = Win(contest.winner[best], contest.score[best])
    last = n_left - 1
    contest.winner[best], contest.score[best] = contest.winner[last], contest.score[last]
    return win
