"""One bar of one account: the six steps, in order, and the loop that makes it many accounts.

The decision is made at the close of bar `t`; its orders fill in bar `t + 1`; stops and targets are
watched inside bar `t + 1`; the book is marked at its close. `docs/desk.md` is the law of it all.
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.actions import apply_actions
from benbot.envs.desk.assignment import settle_options
from benbot.envs.desk.breakers import check_health
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import (
    Contest,
    bring_best,
    find_owner,
    find_owners,
    forget_own,
    is_on_record,
    list_winners,
    score_candidates,
    see_positions,
    settle_sides,
    sort_winners,
)
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.entries import enter_alone, refuse
from benbot.envs.desk.exits import guard_positions, leave_positions
from benbot.envs.desk.fetching import fetch_ahead, fetch_stops, fetch_tied, fetch_winners
from benbot.envs.desk.floor import FloorLoan, take_floor
from benbot.envs.desk.gates import account_gate, may_be_long
from benbot.envs.desk.loan import Words
from benbot.envs.desk.options import due
from benbot.envs.desk.overlays import write_calls
from benbot.envs.desk.pairs import enter_pair
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.sizing import size_scale

RUIN_GROWTH = -5.0  # log growth of losing everything where it must be finite: nothing is worse
CORRELATION_MEMORY = 0.97  # decay per bar of the covariance of a sleeve with the account


@compiled
def trade_bar(desk: Desk, contest: Contest, b: int, t: int) -> float:
    """Take account `b` from the close of bar `t` to the next; return its log growth."""
    judge_health(desk, b, t)  # 1 breakers
    open_bar(desk, contest, b, t)  # 2 capital: splits, dividends, and nothing traded yet
    leave_positions(desk, contest, b, t)  # 6 exits at the open, which make room
    n_listed = hear_candidates(desk, contest, b, t)  # 3 signals
    enter_winners(desk, contest, b, t, n_listed)  # 4 coordinate and validate, 5 execute
    write_calls(desk, b, t)  # 5 execute: on what is held, and on what was bought just now
    guard_positions(desk, b, t + 1)  # 6 exits inside the bar
    return mark(desk, b, t + 1)


def trade_bars(floor: FloorLoan, bar: IntArray, growth: FloatArray) -> None:
    """Trade one bar for every account; account b is at the close of `bar[b]`."""
    trade_accounts(floor.words, bar, growth)


@compiled
def trade_accounts(floor: Words, bar: IntArray, growth: FloatArray) -> None:
    desk, contest = take_floor(floor)
    for b in range(bar.size):
        if b + 1 < bar.size:
            fetch_ahead(desk, b + 1, bar[b + 1])
        growth[b] = trade_bar(desk, contest, b, bar[b])


@compiled
def judge_health(desk: Desk, b: int, t: int) -> None:
    """Set the breakers for the orders that fill in bar `t + 1`."""
    session = desk.tape.session
    check_health(desk.book.accounts[b], session[t], session[t + 1], desk.rules[0])


@compiled
def open_bar(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Set the counts to zero; let options end and the corporate actions of bar `t + 1` happen."""
    account = desk.book.accounts[b]
    account.traded = account.costs = 0.0
    account.n_winners = account.n_refused = 0
    account.portfolio_variance = -1.0
    account.scale = size_scale(account, desk.rules[0])
    contest.n_closed[0] = 0
    settle_options(desk, b, t + 1)
    apply_actions(desk, b, t + 1)


@compiled
def hear_candidates(desk: Desk, contest: Contest, b: int, t: int) -> int:
    """Let one candidate win each symbol; return how many winners are on the list.

    Nobody is heard while the account may open nothing anyway; if decisions are on record, they say
    of every winner why.
    """
    account, on_record = desk.book.accounts[b], is_on_record(desk)
    account.blocked = may_open(desk, b, t)
    is_blocked = account.blocked != Verdict.PASSED
    if is_blocked and not on_record:
        return 0
    if not is_blocked:
        fetch_tied(desk, b, t)
    score_candidates(desk, contest, b, t)
    settle_sides(contest)
    if on_record:
        find_owners(desk, contest, b, t)
    if not is_blocked:
        see_positions(desk, contest, b, t)
    forget_own(desk, contest, b, t)
    n_listed = list_winners(desk, contest, b, may_be_long(desk, t))
    if on_record:
        fetch_stops(desk, contest, t, n_listed)
        if not is_blocked:
            sort_winners(contest, n_listed)
    elif n_listed > 0:
        fetch_winners(desk, contest, b, t, n_listed)
    return n_listed


@compiled
def may_open(desk: Desk, b: int, t: int) -> int:
    """Return why account `b` may open nothing now, or PASSED."""
    capacity = desk.book.positions.shape[1]
    return account_gate(desk.book.accounts[b], desk.tape.regime[t], capacity, desk.rules[0])


@compiled
def enter_winners(desk: Desk, contest: Contest, b: int, t: int, n_listed: int) -> None:
    """Ask the winners, best score first, until the account is full; write down what became of all.

    With a ledger they are sorted already; without one few will be asked before it is full.
    """
    account, on_record = desk.book.accounts[b], is_on_record(desk)
    blocked, n_asked, n_entered = may_open(desk, b, t), 0, 0
    while blocked == Verdict.PASSED and n_asked < n_listed:
        if not on_record:
            bring_best(contest, n_asked, n_listed)
        n_new = enter_winner(desk, contest, b, t, n_asked)
        if n_new > 0:
            blocked = may_open(desk, b, t)  # which nothing but an entry changes
        n_entered += n_new
        n_asked += 1
    account.n_refused = account.n_winners - n_entered
    if on_record:
        refuse(desk, contest, b, t, (n_asked, n_listed), blocked)
    if account.blocked != Verdict.PASSED:
        account.n_winners = account.n_refused = 0  # nobody was heard, whatever was written down


@compiled
def enter_winner(desk: Desk, contest: Contest, b: int, t: int, place: int) -> int:
    """Open what the winner at `place` asks for, if the gates let it; return how many positions."""
    s = contest.winner[place]
    if contest.best[s] == 0.0:
        return 0  # it was heard with its partner
    if not is_on_record(desk):
        find_owner(desk, contest, b, t, s)
    if desk.tape.pairing[contest.owner[0, s]] >= 0:
        return enter_pair(desk, contest, b, t, s)
    return enter_alone(desk, contest, b, t, place)


@compiled
def mark(desk: Desk, b: int, t: int) -> float:
    """Value the account at the close of bar `t` and return the log growth since the last one."""
    account, positions = desk.book.accounts[b], desk.book.positions
    long, short = 0.0, 0.0
    for i in range(account.n_positions):
        worth = positions[b, i].units * positions[b, i].last_price
        long += max(worth, 0.0)
        short += max(-worth, 0.0)
        if worth < 0.0:
            pay_to_borrow(desk, b, i, t, -worth)
    account.gross, account.net = long + short, long - short
    account.previous_equity = account.equity
    account.equity = account.cash + account.net - due(desk, b, t)
    account.peak = max(account.peak, account.equity)
    growth = log_growth(account.previous_equity, account.equity)
    mark_sleeves(desk, b, t, growth)
    return growth


@compiled
def pay_to_borrow(desk: Desk, b: int, i: int, t: int, short: float) -> None:
    """Pay the fee of a short position of this worth for bar `t`."""
    account, position, rules = desk.book.accounts[b], desk.book.positions[b, i], desk.rules[0]
    rate = desk.tape.bars[t, position.symbol].borrow_rate
    if not rate < np.inf:
        rate = rules.gates_borrow_rate  # it was held before it could no longer be borrowed
    fee = rate * desk.tape.year_share[t] * short
    account.cash -= fee
    account.costs += fee
    position.costs += fee


@compiled
def log_growth(before: float, after: float) -> float:
    """Return the log growth of equity; minus infinity when it is gone."""
    return np.log(after / before) if after > 0.0 and before > 0.0 else -np.inf


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
