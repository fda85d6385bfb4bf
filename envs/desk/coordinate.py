"""Steps 3 and 4: score every candidate, settle conflicts, one winner per symbol.

score   weight × confidence × expected value after costs; positive is long, negative short
"""

from typing import Any, NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, IntArray, PlaceArray, WordArray
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.tape import WORD

Score = Any  # a float32: of doubles the processor would handle half as many at once

PLACE = np.uint32  # of a symbol or a strategy; without a sign, no place counts from the end
LAST_PLACE = 2**32 - 1
MAGNITUDE = 2**31 - 1  # bits of a float32 but its sign
LAST_RANK = -1
LEAST_SCORE = np.float32(1e-20)  # a strategy that only wants out scores less and wins nothing


class Contest(NamedTuple):
    """Working space of one decision over S symbols, overwritten by the next.

    S' is S rounded up to whole vectors, as in the values of a tape; W words hold S bits.
    """

    long: Float32Array  # (2, S'), in row 0 the strongest positive score, 0 where there is none
    short: Float32Array  # (2, S'), likewise the strongest negative one
    best: Float32Array  # (S',), score that wins the symbol, 0 where nobody does
    owner: PlaceArray  # (2, S'), in row 0 the strategy whose score that is
    winner: PlaceArray  # (S',), symbols that somebody won, first those that were asked
    rank: IntArray  # (S',), numbers in the order in which the winners are asked, the highest first
    held: WordArray  # (W,), bits of the symbols that are held
    tied: WordArray  # (2, W), of those that move with what is held too much to be long, or short
    closed: IntArray  # (N, 3), symbol, strategy and side of the positions closed at this open
    n_closed: IntArray  # (1,)


class Holder(NamedTuple):
    """Who holds, or held, a symbol."""

    symbol: int
    strategy: int
    side: float  # its sign counts


def open_contest(desk: Desk) -> Contest:
    """Return working space for the symbols and positions of a desk."""
    n_symbols, n_positions = desk.tape.value.shape[2], desk.book.positions.shape[1]
    return Contest(
        np.zeros((2, n_symbols), np.float32),
        np.zeros((2, n_symbols), np.float32),
        np.zeros(n_symbols, np.float32),
        np.zeros((2, n_symbols), PLACE),
        np.zeros(n_symbols, PLACE),
        np.zeros(n_symbols, np.int64),
        np.zeros(desk.tape.tied.shape[3], np.uint64),
        np.zeros((2, desk.tape.tied.shape[3]), np.uint64),
        np.zeros((n_positions, 3), np.int64),
        np.zeros(1, np.int64),
    )


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
def settle_sides(contest: Contest) -> None:
    """Note for every symbol the score of the stronger side, the long one of equals."""
    for s in range(contest.best.size):
        long, short = contest.long[0, s], contest.short[0, s]
        contest.best[s] = long if long >= -short else short


@compiled
def find_owners(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Note for every symbol the first strategy whose candidate has exactly the best score.

    From the last strategy to the first, four a loop and from row to row as in `score_candidates`.
    """
    value, best, owner = desk.tape.value, contest.best, contest.owner
    last = value.shape[1] - 1
    row = (last // 4 + 1) % 2
    for k in range(last - last % 4, -1, -4):
        k1, k2, k3 = min(k + 1, last), min(k + 2, last), min(k + 3, last)
        weight, weight_1 = weight_of(desk, b, k), weight_of(desk, b, k1)
        weight_2, weight_3 = weight_of(desk, b, k2), weight_of(desk, b, k3)
        for s in range(value.shape[2]):
            owner_3 = PLACE(k3) if weight_3 * value[t, k3, s] == best[s] else owner[row, s]
            owner_2 = PLACE(k2) if weight_2 * value[t, k2, s] == best[s] else owner_3
            owner_1 = PLACE(k1) if weight_1 * value[t, k1, s] == best[s] else owner_2
            owner[1 - row, s] = PLACE(k) if weight * value[t, k, s] == best[s] else owner_1
        row = 1 - row


@compiled
def find_owner(desk: Desk, contest: Contest, b: int, t: int, s: int) -> None:
    """Note it for one symbol that has a best score."""
    contest.owner[0, s] = first_with(desk, contest.best[s], b, t, s)


@compiled
def first_with(desk: Desk, score: float, b: int, t: int, s: int) -> int:
    """Return the first strategy whose candidate in symbol `s` has exactly this score."""
    last = desk.tape.value.shape[1] - 1
    for k in range(last):
        if score_of(desk, b, t, k, s) == score:
            return k
    return last


@compiled
def is_on_record(desk: Desk) -> bool:
    """Return whether decisions are written down."""
    return desk.ledger.decisions.shape[1] > 0


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
    """Take out the winner of a symbol if it is its holder, on the side that it holds.

    On record all owners are known already, so no strategy is looked for and no branch is taken.
    """
    s, best = holder.symbol, contest.best[holder.symbol]
    own = best * holder.side > 0.0
    if is_on_record(desk):
        own = own & (contest.owner[0, s] == holder.strategy)
    elif own and score_of(desk, b, t, holder.strategy, s) == best:
        own = first_with(desk, best, b, t, s) == holder.strategy
    else:
        own = False
    contest.best[s] = np.float32(0.0) if own else best


@compiled
def see_positions(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Note which symbols account `b` holds, and which move with them."""
    contest.held[:] = np.uint64(0)
    contest.tied[:, :] = np.uint64(0)
    for i in range(desk.book.accounts[b].n_positions):
        position = desk.book.positions[b, i]
        see_position(desk, contest, t, position.symbol, position.units)


@compiled
def see_position(desk: Desk, contest: Contest, t: int, s: int, units: float) -> None:
    """Note that a symbol is held, and that those which move with it are not to be taken."""
    tied, row = desk.tape.tied, desk.tape.calendar[t].risk_row + 1
    same, opposite = (0, 1) if units > 0.0 else (1, 0)
    contest.held[s // WORD] |= np.uint64(1) << np.uint64(s % WORD)
    for w in range(tied.shape[3]):
        contest.tied[same, w] |= tied[row, 0, s, w]
        contest.tied[opposite, w] |= tied[row, 1, s, w]


@compiled
def has(words: WordArray, s: int) -> bool:
    """Return whether the bit of symbol `s` is set."""
    return (words[s // WORD] >> np.uint64(s % WORD)) & np.uint64(1) != 0


@compiled
def is_close_call(desk: Desk, contest: Contest, s: int) -> bool:
    """Return whether the weaker side of symbol `s` scores nearly as much as the stronger."""
    long, short = contest.long[0, s], -contest.short[0, s]
    return min(long, short) >= desk.rules[0].limits_close_call * max(long, short)


@compiled
def list_winners(desk: Desk, contest: Contest, b: int, longs: bool) -> int:
    """List the symbols that somebody wins; return how many are on the list.

    Without a ledger those that some gate will refuse whoever goes first are counted and left out;
    `longs` is whether it may be long at all.
    """
    account, on_record = desk.book.accounts[b], is_on_record(desk)
    n_listed, n_winners = 0, 0
    for s in range(desk.tape.facts.shape[1]):
        score = contest.best[s]
        contest.winner[n_listed] = s
        wins = abs(score) > LEAST_SCORE
        n_listed += int(wins & (on_record or has_a_chance(desk, contest, s, score, longs)))
        n_winners += int(wins)
    account.n_winners = n_winners
    return n_listed


@compiled
def has_a_chance(desk: Desk, contest: Contest, s: int, score: float, longs: bool) -> bool:
    """Return whether no gate will refuse symbol `s` whoever goes first; without a branch."""
    long = score > 0.0
    tied = has(contest.tied[0], s) if long else has(contest.tied[1], s)
    hopeless = tied | has(contest.held, s) | is_close_call(desk, contest, s)
    return not (hopeless | (long & (not longs)))


@compiled
def sort_winners(contest: Contest, n_listed: int) -> None:
    """Put the highest score of either side first, and of equals the first symbol.

    Each is put where as many go before it as are counted, so that there is no branch to mispredict.
    A rank holds the bits of the score, which are in the order of positive floats, and below them
    how far the symbol is from the last, so no two symbols share one.
    """
    rank, bits = contest.rank, contest.best.view(np.int32)
    rank[n_listed:] = LAST_RANK
    for i in range(n_listed):
        s = contest.winner[i]
        rank[i] = (np.int64(bits[s] & MAGNITUDE) << 32) + (LAST_PLACE - s)
    for i in range(n_listed):
        place = 0
        for other in range(rank.size):
            place += int(rank[other] > rank[i])
        contest.winner[place] = LAST_PLACE - (rank[i] & LAST_PLACE)


@compiled
def bring_best(contest: Contest, first: int, n_listed: int) -> None:
    """Bring the best of the winners from place `first` on to that place; the rest keep order."""
    winner, best = contest.winner, contest.best
    place, most = first, abs(best[winner[first]])
    for i in range(first + 1, n_listed):
        score = abs(best[winner[i]])
        if score > most:
            place, most = i, score
    s = winner[place]
    for i in range(place, first, -1):
        winner[i] = winner[i - 1]
    winner[first] = s
