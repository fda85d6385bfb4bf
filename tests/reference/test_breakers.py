"""Section 4: breakers."""

from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from tests.reference.book import Account, Bar, Desk, open_account, opinions_of
from tests.reference.breakers import act_on_breakers
from tests.reference.facts import Facts
from tests.reference.record import Record
from tests.reference.scenes import FLAT, market_of, rules_of, story_of, wants


def bar_of(account: Account, t: int = 0, venue: tuple[int, int] = (0, 0), **sections: Any) -> Bar:  # noqa: ANN401
    market = market_of([FLAT] * 12)
    rules = rules_of(**sections)
    facts = Facts(market, rules, None)
    desk = Desk(facts, opinions_of(wants(market, [1])), [0] * 12, [[1.0]] * 12, rules, [Record()])
    return Bar(desk, account, t, [1.0, 0.0], [[0.0]], venue)


def test_a_drawdown_halts_for_a_while_and_then_trades_half_until_recovered() -> None:
    account = open_account(100.0, 0)
    rules = {"breakers": {"drawdown": 0.05, "cooldown": 2, "daily_loss": 1.0}}
    states = []
    for t, equity in enumerate([96.0, 95.0, 94.0, 94.0, 97.0, 98.0]):
        account.equity = equity
        act_on_breakers(bar_of(account, t, **rules))
        states.append(account.state)
    halted, recovering = Breaker.DRAWDOWN, Breaker.RECOVERING
    # It tripped in session 1, so the fills of sessions 2 and 3 are lost, and that of 4 is not.
    assert states == [Breaker.NORMAL, halted, halted, recovering, recovering, Breaker.NORMAL]
    assert account.halted_until == 4


def test_a_recovering_account_is_measured_from_its_new_peak() -> None:
    account = open_account(100.0, 0)
    account.state, account.equity, account.recovery_peak = Breaker.RECOVERING, 90.0, 94.0
    act_on_breakers(bar_of(account, breakers={"drawdown": 0.05, "daily_loss": 1.0}))
    assert account.state == Breaker.RECOVERING
    account.equity = 89.0
    act_on_breakers(bar_of(account, breakers={"drawdown": 0.05, "daily_loss": 1.0}))
    assert account.state == Breaker.DRAWDOWN


def test_a_daily_loss_flattens_until_the_next_day() -> None:
    session = [0, 0, 0, 0, 1, 1]
    bars = [FLAT, FLAT, (95.0, 95.0, 95.0, 95.0), *[(94.0, 94.0, 94.0, 94.0)] * 3]
    market = market_of(bars, session=session)
    rules = rules_of(breakers={"daily_loss": 0.005, "drawdown": 1.0})
    story = story_of(market, rules, wants(market, [1] * 6))
    (trade,) = story.trades
    assert (trade.closed, trade.exit_price, trade.reason) == (3, 94.0, Exit.BREAKER)
    # The winner of bar 2 was dropped, because it was held; that of bar 3 is refused; and the day
    # of bar 4 is a new one.
    assert [(d.bar, d.verdict) for d in story.decisions] == [
        (0, Verdict.PASSED),
        (3, Verdict.HALTED),
        (4, Verdict.PASSED),
    ]


def test_the_days_roll_with_the_sessions_of_the_fills() -> None:
    account = open_account(100.0, 0)
    account.trades_today, account.day_trades = 7, [1, 2, 3, 4, 5]
    act_on_breakers(bar_of(account, t=3))
    assert account.trades_today == 0
    assert account.day_trades == [2, 3, 4, 5, 0]


def test_a_day_starts_from_the_equity_before_its_first_bar() -> None:
    account = open_account(100.0, 0)
    account.equity, account.previous_equity, account.daily_loss = 80.0, 90.0, True
    act_on_breakers(bar_of(account, t=1))
    assert (account.session, account.day_equity, account.daily_loss) == (1, 90.0, False)


def test_trades_and_day_trades_are_counted() -> None:
    account = story_of(market_of([FLAT, (100.0, 100.0, 80.0, 90.0)])).account
    assert (account.trades_today, account.day_trades) == (1, [0, 0, 0, 0, 1])
    account = story_of(market_of([FLAT, FLAT, (100.0, 100.0, 80.0, 90.0)])).account
    assert (account.trades_today, account.day_trades) == (0, [0] * 5)


@pytest.mark.parametrize("venue", [(3, 0), (0, 3)])
def test_a_venue_that_fails_halts(venue: tuple[int, int]) -> None:
    story = story_of(market_of([FLAT, FLAT]), venue=np.array([venue]))
    assert story.decisions[0].verdict == Verdict.HALTED
