"""What a refused trade would have earned: each is made alone, afterwards, with full hindsight.

The missing part of a decision, what was wanted less what was allowed, is opened in the next bar and
then lives by the exits of the desk: its strategy's stop and change of mind, targets, time and
delisting. Nothing else is held, no gate is asked, no breaker trips, and its size follows no weight.
That looks at bars which came after the decision, so it can explain a desk and never steer one.

exposure, profit   fractions of the account's equity at the decision
"""

import numpy as np

from benbot.envs.arrays import FloatArray, Record, RecordArray
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import Contest
from benbot.envs.desk.cycle import mark, open_bar
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.exits import guard_positions, leave_positions
from benbot.envs.desk.floor import lend, take_floor
from benbot.envs.desk.gates import number_gate, tradable_gate
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.loan import Words
from benbot.envs.desk.options import in_hundreds
from benbot.envs.desk.orders import Ask, Order
from benbot.envs.desk.overlays import ask_price, contract_gate, open_order, write_calls
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sizing import whole_lots
from benbot.envs.desk.tape import Tape

SHADOW = np.dtype(
    [
        ("notional", np.float64),  # paid for it, positive exposure; 0: it could not be filled
        ("profit", np.float64),  # with income, after costs; at the last mark where still open
        ("closed", np.int32),  # bar; -1 where still open, or never filled
        ("reason", np.int32),  # `Exit`; NONE where still open, or never filled
    ],
    align=True,
)


def shadow_trades(
    tape: Tape, rules: DeskRules, decisions: RecordArray, equity: FloatArray, last: int
) -> RecordArray:
    """Return a record of SHADOW for the missing part of each decision.

    `decisions` (N,) are of DECISION and open positions, `equity` (N,) is the account's at each of
    them, and bar `last` is the last that is traded in.
    """
    shadows = np.zeros(decisions.size, SHADOW)
    book = open_book(1, tape.value.shape[1], 1)
    desk = Desk(book, tape, unconditional(rules).record(), open_ledger(1, trades=1))
    floor = lend(desk)
    follow_all(floor.words, np.ascontiguousarray(decisions), equity, last, shadows)
    return shadows


def unconditional(rules: DeskRules) -> DeskRules:
    """Return the same rules for a position that nothing enlarges, reduces or halts."""
    sizing = rules.sizing.model_copy(update={"no_trade_band": np.inf})
    return rules.without_breakers().model_copy(update={"sizing": sizing})


@compiled
def follow_all(
    floor: Words, decisions: RecordArray, equity: FloatArray, last: int, shadows: RecordArray
) -> None:
    """Make the missing trade of every decision, one after the other, in the only account."""
    desk, contest = take_floor(floor)
    for i in range(decisions.size):
        follow(desk, contest, decisions[i], equity[i], last)
        note_shadow(desk, equity[i], shadows[i])


@compiled
def follow(desk: Desk, contest: Contest, decision: Record, equity: float, last: int) -> None:
    """Open the missing part of a decision and trade until it is closed, or through bar `last`."""
    account, t = desk.book.accounts[0], decision.bar
    open_account(desk.book, 0, equity, desk.tape.session[t])
    desk.book.sleeves[0, decision.strategy].weight = 1.0  # or it would leave for want of weight
    account.cash_weight = 0.0
    desk.ledger.n_trades[0] = 0
    if t >= last or not enter_alone(desk, decision, equity):
        return
    end_bar(desk, t + 1)
    for now in range(t + 1, last):
        if account.n_positions == 0:
            return
        open_bar(desk, contest, 0, now)
        leave_positions(desk, contest, 0, now)
        end_bar(desk, now + 1)


@compiled
def end_bar(desk: Desk, t: int) -> None:
    """Write what is to be written, watch stops and targets inside bar `t`, mark at its close."""
    write_calls(desk, 0, t - 1)
    guard_positions(desk, 0, t)
    mark(desk, 0, t)


@compiled
def enter_alone(desk: Desk, decision: Record, equity: float) -> bool:
    """Open what a decision did not allow; say whether any could be filled."""
    t, s, k = decision.bar, decision.symbol, decision.strategy
    missing = (decision.wanted - decision.allowed) * equity
    side = np.sign(missing)
    price, stop = ask_price(desk, t, k, s, side), desk.tape.stop[t, k, s]
    ask = Ask(s, k, side, abs(missing), price, stop, False)
    if contract_gate(desk, t, k, s, side) != Verdict.PASSED or number_gate(ask) != Verdict.PASSED:
        return False
    if tradable_gate(desk.tape.bars[t + 1, s]) != Verdict.PASSED:
        return False
    units = in_hundreds(desk, k, whole_lots(missing / price, desk.rules[0]))
    return units != 0.0 and open_order(desk, 0, t, Order(s, k, units, abs(units), stop))


@compiled
def note_shadow(desk: Desk, equity: float, shadow: Record) -> None:
    """Write down what became of the only position."""
    account = desk.book.accounts[0]
    shadow.profit = (account.equity - equity) / equity
    shadow.closed, shadow.reason = -1, Exit.NONE
    if desk.ledger.n_trades[0] > 0:
        trade = desk.ledger.trades[0, 0]
        shadow.notional, shadow.closed = trade.notional / equity, trade.closed
        shadow.reason = trade.reason
    elif account.n_positions > 0:
        shadow.notional = desk.book.positions[0, 0].notional / equity
