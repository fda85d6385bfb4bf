"""Sections 4 and 5: what happens before anything is decided."""

from benbot.envs.desk.reasons import Breaker
from tests.reference.book import Bar, Option
from tests.reference.numbers import divide


def act_on_breakers(bar: Bar) -> None:
    """Section 4, in its order."""
    session, fill_session = bar.facts.session[bar.t], bar.facts.session[bar.t + 1]
    roll_the_day(bar, session, fill_session)
    cool_down(bar, fill_session)
    check_drawdown(bar, session)
    check_daily_loss(bar)
    check_venue(bar)


def roll_the_day(bar: Bar, session: int, fill_session: int) -> None:
    account = bar.account
    if fill_session != session:
        account.trades_today = 0
        passed = min(fill_session - session, 5)
        account.day_trades = (account.day_trades + [0] * passed)[-5:]
    if session != account.session:
        account.session = session
        account.day_equity = account.previous_equity
        account.daily_loss = False


def cool_down(bar: Bar, fill_session: int) -> None:
    account = bar.account
    if account.state == Breaker.DRAWDOWN and fill_session >= account.halted_until:
        account.state = Breaker.RECOVERING
    fallen = 1.0 - divide(account.equity, account.peak)
    if account.state == Breaker.RECOVERING and fallen <= bar.rules.breakers.recovered:
        account.state = Breaker.NORMAL


def check_drawdown(bar: Bar, session: int) -> None:
    account, rules = bar.account, bar.rules.breakers
    account.recovery_peak = max(account.recovery_peak, account.equity)
    if account.state == Breaker.DRAWDOWN:
        return
    recovering = account.state == Breaker.RECOVERING
    reference = account.recovery_peak if recovering else account.peak
    if not 1.0 - divide(account.equity, reference) < rules.drawdown:
        account.state = Breaker.DRAWDOWN
        account.halted_until = session + rules.cooldown + 1
        account.recovery_peak = account.equity


def check_daily_loss(bar: Bar) -> None:
    account = bar.account
    limit = bar.rules.breakers.daily_loss
    if bar.poor:
        limit = min(limit, bar.rules.poor.daily_loss)
    if not 1.0 - divide(account.equity, account.day_equity) < limit:
        account.daily_loss = True


def check_venue(bar: Bar) -> None:
    failures, stale = bar.venue
    rules = bar.rules.breakers
    bar.account.venue = not (failures < rules.api_failures and stale < rules.stale_quotes)


def halted(bar: Bar) -> bool:
    """Return whether nothing may be opened or enlarged."""
    account = bar.account
    return account.daily_loss or account.venue or account.state == Breaker.DRAWDOWN


def split_option(option: Option, ratio: float) -> None:
    option.multiplier *= ratio
    for name in ("strike", "price", "premium"):
        setattr(option, name, getattr(option, name) / ratio)


def act_on_corporate_actions(bar: Bar) -> None:
    """Section 5: re-base each position whose symbol splits or pays before bar t + 1 opens."""
    for position in bar.account.positions:
        ratio = bar.facts.split[bar.t + 1][position.symbol]
        dividend = bar.facts.dividend[bar.t + 1][position.symbol]
        position.units *= ratio
        position.base_units *= ratio
        for name in ("entry_price", "last_price", "stop", "initial_stop", "best"):
            setattr(position, name, getattr(position, name) / ratio)
        for name in ("distance", "partial", "target"):
            setattr(position, name, getattr(position, name) / ratio)
        if position.option is not None:
            split_option(position.option, ratio)
        if position.is_put:
            position.symbol_price /= ratio
            continue
        bar.account.cash += position.units * dividend
        position.income += position.units * dividend
        for name in ("last_price", "stop", "initial_stop", "best"):
            setattr(position, name, getattr(position, name) - dividend)
