"""Step 1, health: what halts an account, for how long, and how it comes back.

Equity is that of the close at which the decision is made. A comparison with a number that is not
one is false, so the limits are written to halt in that case.
"""

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.reasons import Breaker


@compiled
def check_health(account: Record, session: int, fill_session: int, rules: Record) -> None:
    """Set the breakers for a decision at a close of `session` whose orders fill in `fill_session`.

    What is counted or allowed per session goes by the fills: the orders of a session's last close
    belong to the next one. A day's loss is known at its closes.
    """
    roll_day(account, session, fill_session)
    cool_down(account, fill_session, rules)
    watch_drawdown(account, rules)
    watch_daily_loss(account, rules)


@compiled
def roll_day(account: Record, session: int, fill_session: int) -> None:
    """Begin the day's counts anew in a new session."""
    if fill_session != session:
        account.trades_today = 0
    if session == account.session:
        return
    account.session = session
    account.day_equity = account.previous_equity
    account.day_halted = 0


@compiled
def cool_down(account: Record, fill_session: int, rules: Record) -> None:
    """After the halt trade at a smaller size, until most of the drawdown is made good."""
    if account.drawdown_state == Breaker.DRAWDOWN and fill_session >= account.halted_until:
        account.drawdown_state = Breaker.RECOVERING
    recovered = drawdown(account.equity, account.peak) <= rules.breakers_recovered
    if account.drawdown_state == Breaker.RECOVERING and recovered:
        account.drawdown_state = Breaker.NORMAL


@compiled
def watch_drawdown(account: Record, rules: Record) -> None:
    """Halt when equity has fallen too far from its peak.

    While the account recovers, the fall is measured from the best equity since the halt, or the
    breaker would trip again at the first close after it.
    """
    account.recovery_peak = max(account.recovery_peak, account.equity)
    if account.drawdown_state == Breaker.DRAWDOWN:
        return
    recovering = account.drawdown_state == Breaker.RECOVERING
    reference = account.recovery_peak if recovering else account.peak
    if drawdown(account.equity, reference) < rules.breakers_drawdown:
        return
    account.drawdown_state = Breaker.DRAWDOWN
    account.halted_until = account.session + rules.breakers_cooldown + 1
    account.recovery_peak = account.equity


@compiled
def watch_daily_loss(account: Record, rules: Record) -> None:
    """Flatten the book for the rest of the day when the day has cost too much."""
    limit = rules.breakers_daily_loss
    if account.equity < rules.poor_below:
        limit = min(limit, rules.poor_daily_loss)
    if not drawdown(account.equity, account.day_equity) < limit:
        account.day_halted = 1


@compiled
def may_enter(account: Record) -> bool:
    """Return whether positions may be opened or enlarged."""
    return account.day_halted == 0 and account.drawdown_state != Breaker.DRAWDOWN


@compiled
def drawdown(equity: float, peak: float) -> float:
    """Return the fall from `peak` as a fraction of it."""
    return 1.0 - equity / peak


def breaker_of(account: Record) -> Breaker:
    """Return the breaker that is on; the daily loss goes before the drawdown."""
    return Breaker.DAILY_LOSS if account["day_halted"] else Breaker(account["drawdown_state"])
