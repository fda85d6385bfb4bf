"""One bar of one account: the six steps, in order, and the loop that makes it many accounts.

The decision is made at the close of bar `t`; its orders fill at the open of bar `t + 1`; stops are
watched inside bar `t + 1`; the book is marked at its close.
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.breakers import check_health
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import (
    Contest,
    best_left,
    conflict_gate,
    forget_own,
    name_winners,
    open_contest,
    owner_of,
    score_candidates,
)
from benbot.envs.desk.desk import Desk, Order, Parts, dressed
from benbot.envs.desk.exits import guard_positions, leave_positions
from benbot.envs.desk.fills import open_position
from benbot.envs.desk.gates import account_gate, clip, number_gate
from benbot.envs.desk.ledger import write_decision
from benbot.envs.desk.prefetch import LINE, prefetch
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.sizing import base_fraction, multiple, position_cap

RUIN_GROWTH = -5.0  # log growth of losing everything where it must be finite: nothing is worse
CORRELATION_MEMORY = 0.97  # decay per bar of the covariance of a sleeve with the account


@compiled
def trade_bar(desk: Desk, contest: Contest, b: int, t: int) -> float:
    """Take account `b` from the close of bar `t` to the next; return its log growth."""
    judge_health(desk, b, t)  # 1 breakers
    open_bar(desk, b)  # 2 capital: nothing is traded yet
    hear_candidates(desk, contest, b, t)  # 3 signals
    leave_positions(desk, b, t)  # 6 exits at the open, which make room
    enter_winners(desk, contest, b, t)  # 4 coordinate and validate, 5 execute
    guard_positions(desk, b, t + 1)  # 6 exits inside the bar
    return mark(desk, b, t + 1)


@compiled
def trade_bars(parts: Parts, bar: IntArray, growth: FloatArray) -> None:
    """Trade one bar for every account of a bare desk; account b is at the close of `bar[b]`."""
    desk = dressed(parts)
    contest = open_contest(desk.tape)
    for b in range(bar.size):
        if b + 1 < bar.size:
            fetch_ahead(desk, b + 1, bar[b + 1])
        growth[b] = trade_bar(desk, contest, b, bar[b])


@compiled
def fetch_ahead(desk: Desk, b: int, t: int) -> None:
    """Ask for what account `b` will read first at bar `t`: all values, and the bars it holds."""
    value, bars = desk.tape.value, desk.tape.bars
    row = value.shape[1] * value.shape[2] * value.itemsize
    for offset in range(t * row, (t + 1) * row, LINE):
        prefetch(value, offset)
    for i in range(desk.book.accounts[b].n_positions):
        s = desk.book.positions[b, i].symbol
        prefetch(bars, ((t + 1) * bars.shape[1] + s) * bars.itemsize)


@compiled
def judge_health(desk: Desk, b: int, t: int) -> None:
    """Set the breakers for the orders that fill in bar `t + 1`."""
    session = desk.tape.session
    check_health(desk.book.accounts[b], session[t], session[t + 1], desk.rules[0])


@compiled
def open_bar(desk: Desk, b: int) -> None:
    """Set the counts of the bar to zero."""
    account = desk.book.accounts[b]
    account.traded = account.costs = 0.0
    account.n_winners = account.n_refused = 0


@compiled
def hear_candidates(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Score all candidates and let one win each symbol."""
    n_winners = name_winners(contest, score_candidates(desk, contest, b, t))
    desk.book.accounts[b].n_winners = n_winners - forget_own(desk, contest, b, t)


@compiled
def enter_winners(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Give the winners their chance, best score first, and write down what became of each."""
    account = desk.book.accounts[b]
    on_record = desk.ledger.decisions.shape[1] > 0
    for done in range(account.n_winners):
        capacity = desk.book.positions.shape[1]
        verdict = account_gate(account, desk.tape.regime[t], capacity, desk.rules[0])
        if verdict != Verdict.PASSED and not on_record:
            account.n_refused += account.n_winners - done
            return
        s = best_left(contest)
        if verdict == Verdict.PASSED:
            verdict = conflict_gate(desk, contest, b, t, s)
        if enter(desk, contest, b, t, s, verdict) > Verdict.CLIPPED:
            account.n_refused += 1
        contest.score[s] = 0.0


@compiled
def enter(desk: Desk, contest: Contest, b: int, t: int, s: int, verdict: int) -> int:
    """Size the winner of symbol `s`, fill what the gates allow, and return their verdict."""
    account, rules = desk.book.accounts[b], desk.rules[0]
    k = owner_of(desk, contest.score[s], b, t, s)
    stop = desk.tape.stop[t, k, s]
    now, fill = desk.tape.bars[t, s], desk.tape.bars[t + 1, s]
    standard = base_fraction(account, stop, desk.tape.diamond[t, s], rules)
    share = multiple(desk.book.sleeves[b, k].weight, desk.book.sleeves.shape[1], rules)
    wanted = min(standard * share, position_cap(account, rules)) * account.equity
    allowed = 0.0
    if verdict == Verdict.PASSED:
        verdict = number_gate(now, fill, stop, wanted)
    if verdict == Verdict.PASSED:
        allowed, verdict = clip(account, desk.book.positions[b], wanted, stop, rules)
    side = np.sign(contest.score[s])
    if allowed > 0.0:
        base_units = standard * account.equity / now.close
        open_position(desk, b, t, Order(s, k, side * allowed / now.close, base_units, stop))
    worth = side / account.equity
    write_decision(desk.ledger, b, (t, s, k, wanted * worth, allowed * worth, verdict))
    return verdict


@compiled
def mark(desk: Desk, b: int, t: int) -> float:
    """Value the account at the close of bar `t` and return the log growth since the last one."""
    account, positions = desk.book.accounts[b], desk.book.positions
    borrow_rate = desk.rules[0].costs_borrow_rate * desk.tape.year_share[t]
    long, short = 0.0, 0.0
    for i in range(account.n_positions):
        worth = positions[b, i].units * positions[b, i].last_price
        long += max(worth, 0.0)
        short += max(-worth, 0.0)
        positions[b, i].costs += borrow_rate * max(-worth, 0.0)
    account.cash -= borrow_rate * short
    account.costs += borrow_rate * short
    account.gross, account.net = long + short, long - short
    account.previous_equity = account.equity
    account.equity = account.cash + account.net
    account.peak = max(account.peak, account.equity)
    growth = log_growth(account.previous_equity, account.equity)
    mark_sleeves(desk, b, t, growth)
    return growth


@compiled
def log_growth(before: float, after: float) -> float:
    """Return the log growth of equity; minus infinity when it is gone."""
    return np.log(after / before) if after > 0.0 else -np.inf


@compiled
def mark_sleeves(desk: Desk, b: int, t: int, growth: float) -> None:
    """Note how much each strategy holds, and how its sleeve moves with the account."""
    account, positions, sleeves = desk.book.accounts[b], desk.book.positions, desk.book.sleeves
    keep = CORRELATION_MEMORY
    account.variance = keep * account.variance + (1.0 - keep) * growth * growth
    for k in range(sleeves.shape[1]):
        product = growth * desk.tape.sleeve_return[t, k]
        sleeves[b, k].covariance = keep * sleeves[b, k].covariance + (1.0 - keep) * product
        sleeves[b, k].exposure = 0.0
    share = 1.0 / account.equity
    for i in range(account.n_positions):
        worth = abs(positions[b, i].units) * positions[b, i].last_price
        sleeves[b, positions[b, i].strategy].exposure += worth * share
