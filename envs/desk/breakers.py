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
    watch_venue(account, rules)


@compiled
def roll_day(account: Record, session: int, fill_session: int) -> None:
    """Begin the day's counts anew in a new session."""
    if fill_session != session:
        account.trades_today = 0
        shift_day_trades(account, fill_session - session)
    if session == account.session:
        return
    account.session = session
    account.day_equity = account.previous_equity
    account.day_halted = 0


@compiled
def shift_day_trades(account: Record, n_sessions: int) -> None:
    """Let the counts of day trades grow older by so many sessions."""
    for i in range(account.day_trades.size - 1, -1, -1):
        account.day_trades[i] = account.day_trades[i - n_sessions] if i >= n_sessions else 0


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
def watch_venue(account: Record, rules: Record) -> None:
    """Halt entries while the venue does not answer, or too many of its quotes are too old."""
    account.venue_halted = Breaker.NORMAL
    if not account.stale_quotes < rules.breakers_stale_quotes:
        account.venue_halted = Breaker.STALE_DATA
    if not account.api_failures < rules.breakers_api_failures:
        account.venue_halted = Breaker.API_FAILURES


@compiled
def may_enter(account: Record) -> bool:
    """Return whether positions may be opened or enlarged."""
    is_halted = account.day_halted != 0 or account.venue_halted != 0
    return not is_halted and account.drawdown_state != Breaker.DRAWDOWN


@compiled
def drawdown(equity: float, peak: float) -> float:
    """Return the fall from `peak` as a fraction of it."""
    return 1.0 - equity / peak


def breaker_of(account: Record) -> Breaker:
    """Return the breaker that is on: the daily loss, then the venue's, then the drawdown's."""
    if account["day_halted"]:
        return Breaker.DAILY_LOSS
    return Breaker(account["venue_halted"] or account["drawdown_state"])
