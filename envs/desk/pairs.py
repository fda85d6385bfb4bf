"""Pairs: two positions of one strategy that are one trade, and so open and close together.

Their sizes stand in the proportion that the strategy says. Each leg passes the gates beside what is
allowed of the other, and both are cut by the same share; what one leg may not have, neither has.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.desk.book import NOBODY
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import (
    LEAST_SCORE,
    Contest,
    find_owner,
    is_on_record,
    see_position,
)
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.entries import candidate_gate
from benbot.envs.desk.fills import last_close, open_position, terms_of
from benbot.envs.desk.gates import allow
from benbot.envs.desk.ledger import write_decision
from benbot.envs.desk.orders import Answer, Ask, Order
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.sizing import means_of, size_of, whole_lots

WHOLE = 1.0  # of what a leg wants
LEGS = 2


class Answers(NamedTuple):
    """What the gates allow of the leg that is heard first, and of the other."""

    first: Answer
    second: Answer


@compiled
def enter_pair(desk: Desk, contest: Contest, b: int, t: int, s: int) -> int:
    """Open the pair that the winner of symbol `s` is a leg of, if the gates let it.

    Return how many positions were opened. A leg whose other leg was won by somebody else, or asks
    for nothing, is refused alone.
    """
    k, share = contest.owner[0, s], 1.0 / desk.book.accounts[b].equity
    first = ask_of_leg(desk, contest, b, t, s)
    partner = desk.tape.legs[t, desk.tape.pairing[k], s].partner
    if partner < 0 or not is_won_by(desk, contest, b, t, partner, k):
        answer = Answer(0.0, 0.0, Verdict.PARTNER, Verdict.PASSED)
        write_decision(desk.ledger, b, t, first, answer, share)
        return 0
    second = ask_of_leg(desk, contest, b, t, partner)
    answers = allow_pair(desk, contest, b, t, first, second)
    contest.best[partner] = np.float32(0.0)  # it has been heard
    n_opened = 0
    if answers.first.units != 0.0:
        n_opened = fill_pair(desk, contest, b, t, (first, second), answers)
        answers = as_filled(answers, n_opened)
    write_decision(desk.ledger, b, t, first, answers.first, share)
    write_decision(desk.ledger, b, t, second, answers.second, share)
    return n_opened


@compiled
def is_won_by(desk: Desk, contest: Contest, b: int, t: int, s: int, k: int) -> bool:
    """Return whether strategy `k` is the winner of symbol `s`."""
    if not abs(contest.best[s]) > LEAST_SCORE:
        return False
    if not is_on_record(desk):
        find_owner(desk, contest, b, t, s)
    return contest.owner[0, s] == k


@compiled
def ask_of_leg(desk: Desk, contest: Contest, b: int, t: int, s: int) -> Ask:
    """Return what the winner of symbol `s` asks of the gates."""
    k, means = contest.owner[0, s], means_of(desk.book.accounts[b], desk.rules[0])
    wanted = size_of(desk, means, b, t, k, s).wanted
    side, price = np.sign(contest.best[s]), last_close(desk, t, s)
    return Ask(s, k, side, wanted, price, desk.tape.stop[t, k, s], False)


@compiled
def allow_pair(desk: Desk, contest: Contest, b: int, t: int, first: Ask, second: Ask) -> Answers:
    """Return what all gates allow of both legs, cut by the same share.

    What is allowed of the second leg, beside the first, cuts the first: each is left with the
    lesser of the two shares of what it wanted. A leg that hedges what the account holds may then be
    too small for the other to be allowed: they are asked once more, and it is all of it or
    nothing.
    """
    verdict = candidate_gate(desk, contest, t, first.symbol)
    if verdict != Verdict.PASSED:
        return refused(verdict, Verdict.PASSED)
    verdict = candidate_gate(desk, contest, t, second.symbol)
    if verdict != Verdict.PASSED:
        return refused(Verdict.PASSED, verdict)
    verdict = slots_gate(desk, b)
    if verdict != Verdict.PASSED:
        return refused(verdict, verdict)
    answers = ask_both(desk, b, t, first, second)
    share = min(cut(answers.first, first), cut(answers.second, second))
    if not share < WHOLE:
        return answers
    again = ask_both(desk, b, t, smaller(first, share), smaller(second, share))
    return clipped(answers, again)


@compiled
def slots_gate(desk: Desk, b: int) -> int:
    """Return why the account may not open two positions now, or PASSED."""
    account, rules = desk.book.accounts[b], desk.rules[0]
    if account.trades_today + LEGS > rules.limits_daily_trades:
        return Verdict.DAILY_TRADES
    full = account.n_positions + LEGS > desk.book.positions.shape[1]
    return Verdict.CAPACITY if full else Verdict.PASSED


@compiled
def refused(first: int, second: int) -> Answers:
    """Return the refusal of both; the leg that passed is refused for its partner."""
    return Answers(
        Answer(0.0, 0.0, first if first != Verdict.PASSED else Verdict.PARTNER, Verdict.PASSED),
        Answer(0.0, 0.0, second if second != Verdict.PASSED else Verdict.PARTNER, Verdict.PASSED),
    )


@compiled
def cut(answer: Answer, ask: Ask) -> float:
    """Return the share of what was asked that the rooms left."""
    return answer.allowed / ask.wanted if answer.verdict == Verdict.CLIPPED else WHOLE


@compiled
def smaller(ask: Ask, share: float) -> Ask:
    """Return the same for a share of the notional."""
    return Ask(ask.symbol, ask.strategy, ask.side, ask.wanted * share, ask.price, ask.stop, False)


@compiled
def ask_both(desk: Desk, b: int, t: int, first: Ask, second: Ask) -> Answers:
    """Return what the rooms leave of the first leg, and of that share of the second beside it."""
    one = allow(desk, b, t, first, Verdict.PASSED)
    if one.units == 0.0:
        return Answers(one, Answer(0.0, 0.0, Verdict.PARTNER, Verdict.PASSED))
    other = smaller(second, cut(one, first))
    two = allow_beside(desk, b, t, other, first, one.units)
    if two.units == 0.0:
        return Answers(Answer(0.0, 0.0, Verdict.PARTNER, Verdict.PASSED), two)
    return Answers(one, two)


@compiled
def allow_beside(desk: Desk, b: int, t: int, ask: Ask, held: Ask, units: float) -> Answer:
    """Return what all gates allow, as if so many units of the other leg were held already."""
    account, position = (
        desk.book.accounts[b],
        desk.book.positions[b, desk.book.accounts[b].n_positions],
    )
    gross, net = account.gross, account.net
    worth = units * held.price
    position.symbol, position.strategy = held.symbol, held.strategy
    position.units, position.last_price = units, held.price
    position.stop = held.price - held.side * (held.price * held.stop)
    account.n_positions += 1
    account.gross, account.net = gross + abs(worth), net + worth
    account.portfolio_variance = -1.0
    answer = allow(desk, b, t, ask, Verdict.PASSED)
    account.n_positions -= 1
    account.gross, account.net = gross, net
    account.portfolio_variance = -1.0
    position.symbol = NOBODY
    return answer


@compiled
def clipped(first_time: Answers, second_time: Answers) -> Answers:
    """Return what both legs may have after they were cut; who is short again refuses both."""
    one, two = second_time.first, second_time.second
    if one.verdict != Verdict.PASSED or two.verdict != Verdict.PASSED:
        short_one = one.limit if one.verdict == Verdict.CLIPPED else one.verdict
        short_two = two.limit if two.verdict == Verdict.CLIPPED else two.verdict
        return refused(short_one, short_two)
    limits = limit_of(first_time.first), limit_of(first_time.second)
    return Answers(
        Answer(one.allowed, one.units, Verdict.CLIPPED, limits[0]),
        Answer(two.allowed, two.units, Verdict.CLIPPED, limits[1]),
    )


@compiled
def limit_of(answer: Answer) -> int:
    """Return the gate whose room was short for a leg; PARTNER where it was for the other one."""
    return answer.limit if answer.verdict == Verdict.CLIPPED else Verdict.PARTNER


@compiled
def fill_pair(
    desk: Desk, contest: Contest, b: int, t: int, pair: tuple[Ask, Ask], answers: Answers
) -> int:
    """Fill both orders, cut to what the bar has room for; return how many positions were opened."""
    first, second = pair
    one, two = answers.first.units, answers.second.units
    share = min(share_with_room(desk, t, first, one), share_with_room(desk, t, second, two))
    if share < WHOLE:
        one = whole_lots(one * share, desk.rules[0])
        two = whole_lots(two * share, desk.rules[0])
    if one == 0.0 or two == 0.0 or not open_leg(desk, b, t, first, one, second.symbol):
        return 0
    see_position(desk, contest, t, first.symbol, first.side)
    if not open_leg(desk, b, t, second, two, first.symbol):
        return 1
    see_position(desk, contest, t, second.symbol, second.side)
    return LEGS


@compiled
def share_with_room(desk: Desk, t: int, ask: Ask, units: float) -> float:
    """Return the share of an order for which the next bar has room."""
    room = desk.tape.bars[t + 1, ask.symbol].room
    notional = abs(units) * terms_of(desk, t, ask.symbol, units).price
    return min(WHOLE, room / notional)


@compiled
def open_leg(desk: Desk, b: int, t: int, ask: Ask, units: float, partner: int) -> bool:
    """Fill the order of one leg; say whether any filled."""
    means = means_of(desk.book.accounts[b], desk.rules[0])
    standard = size_of(desk, means, b, t, ask.strategy, ask.symbol).standard
    order = Order(ask.symbol, ask.strategy, units, standard / ask.price, ask.stop)
    if not open_position(desk, b, t, order):
        return False
    desk.book.positions[b, desk.book.accounts[b].n_positions - 1].partner = partner
    return True


@compiled
def as_filled(answers: Answers, n_opened: int) -> Answers:
    """Return the answers after the fills: a leg of which nothing filled is not tradable."""
    one, two = answers.first, answers.second
    nothing_of_one = Answer(0.0, 0.0, Verdict.NOT_TRADABLE, one.limit)
    nothing_of_two = Answer(0.0, 0.0, Verdict.NOT_TRADABLE, two.limit)
    return Answers(one if n_opened > 0 else nothing_of_one, two if n_opened > 1 else nothing_of_two)


@compiled
def other_leg(desk: Desk, b: int, i: int) -> int:
    """Return the place of the position that position `i` is a pair with, -1 where it is gone."""
    own = desk.book.positions[b, i]
    for j in range(desk.book.accounts[b].n_positions):
        other = desk.book.positions[b, j]
        if other.symbol == own.partner and other.partner == own.symbol:
            return j
    return -1


@compiled
def waits_for_partner(desk: Desk, b: int, i: int, t: int) -> bool:
    """Return whether a leg stays because its partner, still held, cannot trade in the next bar.

    Unless a breaker flattens the book: then each leg leaves as soon as it can.
    """
    if desk.book.positions[b, i].partner == NOBODY or desk.book.accounts[b].day_halted != 0:
        return False
    j = other_leg(desk, b, i)
    return j >= 0 and not desk.tape.bars[t + 1, desk.book.positions[b, j].symbol].open > 0.0
