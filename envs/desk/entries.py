"""Steps 4 and 5 for one winner: may it have its symbol, how much of it, and the fill."""

import numpy as np

from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import Contest, has, is_close_call, is_on_record, see_position
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.gates import allow, side_gate
from benbot.envs.desk.ledger import write_decision
from benbot.envs.desk.orders import Answer, Ask, Order
from benbot.envs.desk.overlays import ask_price, contract_gate, in_contracts, open_order
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.sizing import means_of, size_of


@compiled
def enter_alone(desk: Desk, contest: Contest, b: int, t: int, place: int) -> int:
    """Open what the winner at `place` asks for, if the gates let it; return how many positions."""
    s = contest.winner[place]
    verdict = candidate_gate(desk, contest, t, s)
    if verdict == Verdict.PASSED:
        verdict = order(desk, contest, b, t, s)
    elif is_on_record(desk):
        refuse(desk, contest, b, t, (place, place + 1), verdict)
    return int(verdict <= Verdict.CLIPPED)


@compiled
def candidate_gate(desk: Desk, contest: Contest, t: int, s: int) -> int:
    """Return why the winner of symbol `s` may not have it, whatever its size, or PASSED.

    All gates are asked and the first that refuses counts: nobody can predict which one does.
    """
    side = np.sign(contest.best[s])
    tied = has(contest.tied[0], s) if side > 0.0 else has(contest.tied[1], s)
    verdict = side_gate(desk, t, contest.owner[0, s], s, side)
    verdict = Verdict.CORRELATION if tied & (verdict == Verdict.PASSED) else verdict
    verdict = Verdict.DUPLICATE if has(contest.held, s) else verdict
    return Verdict.CLOSE_CALL if is_close_call(desk, contest, s) else verdict


@compiled
def refuse(
    desk: Desk, contest: Contest, b: int, t: int, places: tuple[int, int], verdict: int
) -> None:
    """Write down why the winners at `places`, first and end, were refused before their rooms.

    All they say is how much they wanted.
    """
    account, answer = desk.book.accounts[b], Answer(0.0, 0.0, verdict, Verdict.PASSED)
    means, share = means_of(account, desk.rules[0]), 1.0 / account.equity
    for i in range(places[0], places[1]):
        s = contest.winner[i]
        if contest.best[s] == 0.0:
            continue  # it was heard with its partner
        k, side = contest.owner[0, s], np.copysign(1.0, contest.best[s])
        wanted = size_of(desk, means, b, t, k, s).wanted
        ask = Ask(s, k, side, wanted, np.nan, np.nan, False)
        write_decision(desk.ledger, b, t, ask, answer, share)


@compiled
def order(desk: Desk, contest: Contest, b: int, t: int, s: int) -> int:
    """Fill what the gates allow the winner of symbol `s`, write it down, return their verdict."""
    account, k, side = desk.book.accounts[b], contest.owner[0, s], np.sign(contest.best[s])
    size, price = (
        size_of(desk, means_of(account, desk.rules[0]), b, t, k, s),
        ask_price(desk, t, k, s, side),
    )
    ask = Ask(s, k, side, size.wanted, price, desk.tape.stop[t, k, s], False)
    answer = allow(desk, b, t, ask, contract_gate(desk, t, k, s, side))
    answer = in_contracts(desk, ask, answer)
    if answer.units != 0.0:
        if open_order(desk, b, t, Order(s, k, answer.units, size.standard / price, ask.stop)):
            see_position(desk, contest, t, s, side)
        else:
            answer = Answer(0.0, 0.0, Verdict.NOT_TRADABLE, answer.limit)
    write_decision(desk.ledger, b, t, ask, answer, 1.0 / account.equity)
    return answer.verdict
