"""One bar of one account: the six steps, in order, and the loop that makes it many accounts.

The decision is made at the close of bar `t`; its orders fill in bar `t + 1`; stops and targets are
watched inside bar `t + 1`; the book is marked at its close. `docs/desk.md` is the law of it all.
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.actions import apply_actions
from benbot.envs.desk.breakers import check_health
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import (
    Contest,
    Win,
    conflict_gate,
    correlation_gate,
    forget_own,
    lend,
    list_winners,
    next_winner,
    open_contest,
    owner_of,
    score_candidates,
    see_position,
    see_positions,
    take_back,
)
from benbot.envs.desk.desk import Desk, Parts, dressed
from benbot.envs.desk.exits import guard_positions, leave_positions
from benbot.envs.desk.fills import last_close, open_position
from benbot.envs.desk.gates import account_gate, allow, may_be_long, side_gate
from benbot.envs.desk.ledger import write_decision
from benbot.envs.desk.orders import Answer, Ask, Order
from benbot.envs.desk.prefetch import LINE, prefetch
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.sizing import multiple, position_cap, size_scale, standard_fraction

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
    guard_positions(desk, b, t + 1)  # 6 exits inside the bar
    return mark(desk, b, t + 1)


@compiled
def trade_bars(parts: Parts, bar: IntArray, growth: FloatArray) -> None:
    """Trade one bar for every account of a bare desk; account b is at the close of `bar[b]`."""
    desk = dressed(parts)
    own = open_contest(desk)
    contest = lend(own)
    for b in range(bar.size):
        if b + 1 < bar.size:
            fetch_ahead(desk, b + 1, bar[b + 1])
        growth[b] = trade_bar(desk, contest, b, bar[b])
    take_back(own)


@compiled
def fetch_ahead(desk: Desk, b: int, t: int) -> None:
    """Ask for what account `b` will read first at bar `t`: values, and the bars that it holds.

    An account with a slot to fill reads all values, any other only those of its positions.
    """
    value, bars, n_positions = desk.tape.value, desk.tape.bars, desk.book.accounts[b].n_positions
    row = value.shape[2] * value.itemsize
    for i in range(n_positions):
        position = desk.book.positions[b, i]
        prefetch(bars, ((t + 1) * bars.shape[1] + position.symbol) * bars.itemsize)
        own = (t * value.shape[1] + position.strategy) * row + position.symbol * value.itemsize
        prefetch(value, own)
    if n_positions < desk.book.positions.shape[1]:
        for offset in range(t * value.shape[1] * row, (t + 1) * value.shape[1] * row, LINE):
            prefetch(value, offset)


@compiled
def fetch_tied(desk: Desk, t: int) -> None:
    """Ask for the bits of all symbols."""
    tied = desk.tape.tied
    row = tied.shape[1] * tied.shape[2] * tied.shape[3] * tied.itemsize
    start = (desk.tape.calendar[t].risk_row + 1) * row
    for offset in range(start, start + row, LINE):
        prefetch(tied, offset)


@compiled
def fetch_winners(desk: Desk, contest: Contest, b: int, t: int, n_listed: int) -> None:
    """Ask for what the gates will want to know of the winners and of what is held."""
    for i in range(desk.book.accounts[b].n_positions):
        fetch_symbol(desk, t, desk.book.positions[b, i].symbol)
    for i in range(n_listed):
        fetch_symbol(desk, t, contest.winner[i])


@compiled
def fetch_symbol(desk: Desk, t: int, s: int) -> None:
    """Ask for the facts and covariances of a symbol."""
    facts, covariance = desk.tape.facts, desk.tape.covariance
    prefetch(facts, (t * facts.shape[1] + s) * facts.itemsize)
    row = covariance.shape[2] * covariance.itemsize
    start = (desk.tape.calendar[t].risk_row * covariance.shape[1] + s) * row
    for offset in range(start, start + row, LINE):
        prefetch(covariance, offset)


@compiled
def fetch_order(desk: Desk, t: int, k: int, s: int) -> None:
    """Ask for what the order of strategy `k` in symbol `s` needs, while other gates are asked."""
    bars, stop = desk.tape.bars, desk.tape.stop
    prefetch(bars, (t * bars.shape[1] + s) * bars.itemsize)
    prefetch(bars, ((t + 1) * bars.shape[1] + s) * bars.itemsize)
    prefetch(stop, ((t * stop.shape[1] + k) * stop.shape[2] + s) * stop.itemsize)


@compiled
def judge_health(desk: Desk, b: int, t: int) -> None:
    """Set the breakers for the orders that fill in bar `t + 1`."""
    session = desk.tape.session
    check_health(desk.book.accounts[b], session[t], session[t + 1], desk.rules[0])


@compiled
def open_bar(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Set the counts of the bar to zero and let the corporate actions of bar `t + 1` happen."""
    account = desk.book.accounts[b]
    account.traded = account.costs = 0.0
    account.n_winners = account.n_refused = 0
    account.portfolio_variance = -1.0
    account.scale = size_scale(account, desk.rules[0])
    contest.n_closed[0] = 0
    apply_actions(desk, b, t + 1)


@compiled
def hear_candidates(desk: Desk, contest: Contest, b: int, t: int) -> int:
    """Let one candidate win each symbol; return how many winners are to be asked.

    Nobody is heard while the account may open nothing anyway; if decisions are on record, they say
    of every winner why.
    """
    account, on_record = desk.book.accounts[b], is_on_record(desk)
    account.blocked = may_open(desk, b, t)
    is_blocked = account.blocked != Verdict.PASSED
    if is_blocked and not on_record:
        return 0
    fetch_tied(desk, t)
    score_candidates(desk, contest, b, t)
    see_positions(desk, contest, b)
    forget_own(desk, contest, b, t)
    n_listed = list_winners(desk, contest, b, t, may_be_long(desk, t))
    if is_blocked:
        write_blocked(desk, contest, b, t, n_listed, account.blocked)
        account.n_winners = 0
        return 0
    if n_listed > 0:
        fetch_winners(desk, contest, b, t, n_listed)
    return n_listed


@compiled
def may_open(desk: Desk, b: int, t: int) -> int:
    """Return why account `b` may open nothing now, or PASSED."""
    capacity = desk.book.positions.shape[1]
    return account_gate(desk.book.accounts[b], desk.tape.regime[t], capacity, desk.rules[0])


@compiled
def is_on_record(desk: Desk) -> bool:
    """Return whether decisions are written down."""
    return desk.ledger.decisions.shape[1] > 0


@compiled
def enter_winners(desk: Desk, contest: Contest, b: int, t: int, n_listed: int) -> None:
    """Give the winners their chance, best score first, and write down what became of each."""
    account = desk.book.accounts[b]
    for n_left in range(n_listed, 0, -1):
        verdict = may_open(desk, b, t)
        if verdict != Verdict.PASSED:
            account.n_refused += n_left
            if is_on_record(desk):
                write_blocked(desk, contest, b, t, n_left, verdict)
            return
        if enter(desk, contest, b, t, next_winner(contest, n_left)) > Verdict.CLIPPED:
            account.n_refused += 1


@compiled
def write_blocked(desk: Desk, contest: Contest, b: int, t: int, n_left: int, verdict: int) -> None:
    """Write down that the account itself may open nothing, for every winner on the list."""
    for i in range(n_left):
        ask = size_up(desk, b, t, Win(contest.winner[i], contest.score[i]))
        answer = Answer(0.0, 0.0, verdict, Verdict.PASSED)
        write_decision(desk.ledger, b, t, ask, answer, desk.book.accounts[b].equity)


@compiled
def enter(desk: Desk, contest: Contest, b: int, t: int, win: Win) -> int:
    """Ask the gates for the winner of a symbol, fill what they allow; return their verdict."""
    verdict = conflict_gate(desk, contest, win.symbol)
    if verdict != Verdict.PASSED and not is_on_record(desk):
        return verdict
    side = np.sign(win.score)
    if verdict == Verdict.PASSED:
        k = owner_of(desk, win.score, b, t, win.symbol)
        verdict = side_gate(desk, t, k, win.symbol, side)
    if verdict == Verdict.PASSED:
        fetch_order(desk, t, k, win.symbol)
        verdict = correlation_gate(desk, contest, t, win.symbol, side)
    if verdict != Verdict.PASSED and not is_on_record(desk):
        return verdict
    return order(desk, contest, b, t, size_up(desk, b, t, win), verdict)


@compiled
def size_up(desk: Desk, b: int, t: int, win: Win) -> Ask:
    """Return what the winner of a symbol asks for."""
    account, rules, s = desk.book.accounts[b], desk.rules[0], win.symbol
    k = owner_of(desk, win.score, b, t, s)
    share = multiple(desk.book.sleeves[b, k].weight, desk.book.sleeves.shape[1], rules)
    fraction = standard_fraction(desk, b, t, k, s) * share
    wanted = min(fraction, position_cap(account, rules)) * account.equity
    price, stop = last_close(desk, t, s), desk.tape.stop[t, k, s]
    return Ask(s, k, np.sign(win.score), wanted, price, stop, False)


@compiled
def order(desk: Desk, contest: Contest, b: int, t: int, ask: Ask, verdict: int) -> int:
    """Fill what the gates allow a candidate, write it down and return their verdict."""
    account = desk.book.accounts[b]
    answer = allow(desk, b, t, ask, verdict)
    if answer.units != 0.0:
        standard = standard_fraction(desk, b, t, ask.strategy, ask.symbol)
        base_units = standard * account.equity / ask.price
        bought = Order(ask.symbol, ask.strategy, answer.units, base_units, ask.stop)
        if open_position(desk, b, t, bought):
            see_position(contest, ask.symbol, ask.side)
        else:
            answer = Answer(0.0, 0.0, Verdict.NOT_TRADABLE, answer.limit)
    write_decision(desk.ledger, b, t, ask, answer, account.equity)
    return answer.verdict


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
    account.equity = account.cash + account.net
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
