"""What halts an account, for how long, and how it comes back.

The trial account buys 80 at 100, so a price of 36 costs it 5.12 % of 100,000, and 74 costs 2.08 %.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.reasons import Breaker, Exit
from benbot.envs.desk.rules import Breakers, DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

DRAWDOWN = {"breakers": {"drawdown": 0.05, "daily_loss": 1.0}}
DAILY = {"breakers": {"drawdown": 1.0, "daily_loss": 0.02}}


def fallen(trial: Trial, rules: DeskRules, n_bars: int = 30) -> Any:  # noqa: ANN401
    """Return an account whose symbol 0 is stopped out in bar 2 for 5.12 % of its equity."""
    account = trial(n_bars, n_symbols=2, rules=rules)
    account.want(0, s=0)
    account.move(2, 36.0)
    account.run(2)
    assert account.equity == 94_880.0
    return account


def bars_opened(account: Any) -> list[int]:  # noqa: ANN401
    """Return the bars in which positions of symbol 1 were opened."""
    fills = account.fills[(account.fills["symbol"] == 1) & (account.fills["reason"] == Exit.NONE)]
    return [int(bar) for bar in fills["bar"]]


def want_one_after_another(account: Any) -> None:  # noqa: ANN401
    """Ask for symbol 1 at every close, and let no position live for more than a bar."""
    account.desk.rules["exits_time_stop"] = 1
    account.value[2:, 0, 1] = 0.01


def test_a_drawdown_of_five_percent_halts_for_exactly_five_sessions(
    trial: Trial, rules: Rules
) -> None:
    account = fallen(trial, rules(**DRAWDOWN))
    want_one_after_another(account)
    account.run(10)
    assert bars_opened(account)[0] == 8  # sessions 3 to 7 pass without an entry


def test_a_drawdown_inside_a_session_halts_for_five_whole_sessions(
    trial: Trial, rules: Rules
) -> None:
    account = trial(30, n_symbols=2, rules=rules(**DRAWDOWN))
    account.session[:] = np.arange(1, 31) // 3
    account.want(0, s=0)
    account.move(2, 36.0)
    account.run(2)  # trips at the close of bar 2, the first of session 1
    want_one_after_another(account)
    account.run(22)
    assert bars_opened(account)[0] == 20  # the first bar of session 7


def test_a_halt_keeps_what_is_held(trial: Trial, rules: Rules) -> None:
    account = trial(10, n_symbols=2, rules=rules(**DRAWDOWN))
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.move(2, 36.0, s=0)
    account.run(4)
    assert breaker_of(account.account) is Breaker.DRAWDOWN
    assert account.positions["symbol"].tolist() == [1]


def test_a_halted_account_enlarges_nothing(trial: Trial, rules: Rules) -> None:
    account = trial(10, n_symbols=2, n_strategies=2, rules=rules(**DRAWDOWN))
    account.want(0, 0.02, k=0, s=0)
    account.want(0, 0.01, k=1, s=1)
    account.move(2, 36.0, s=0)
    account.run(2)
    account.weigh(0.0, 1.0)
    account.run()
    assert account.positions["units"].tolist() == [80.0]


def test_after_the_halt_size_is_half_until_the_drawdown_is_made_good(
    trial: Trial, rules: Rules
) -> None:
    account = fallen(trial, rules(**DRAWDOWN))
    account.run(5)
    assert breaker_of(account.account) is Breaker.DRAWDOWN
    account.want(7, s=1)
    account.run()
    assert breaker_of(account.account) is Breaker.RECOVERING
    (position,) = account.positions
    assert position["units"] == pytest.approx(94_880.0 * 0.04 / 100.0)
    account.move(9, 200.0, s=1)  # earns 3,795.2: the drawdown is 1.3 %
    account.run()
    assert breaker_of(account.account) is Breaker.RECOVERING
    account.run()
    assert breaker_of(account.account) is Breaker.NORMAL


def test_an_account_that_recovers_trips_again_five_percent_below_its_best_since(
    trial: Trial, rules: Rules
) -> None:
    account = fallen(trial, rules(**DRAWDOWN))
    account.run(6)
    assert breaker_of(account.account) is Breaker.RECOVERING
    account.account["cash"] = account.account["equity"] = 96_000.0  # a new best since the halt
    account.run()
    for equity, breaker in ((91_300.0, Breaker.RECOVERING), (91_100.0, Breaker.DRAWDOWN)):
        account.account["cash"] = account.account["equity"] = equity
        account.run()
        assert breaker_of(account.account) is breaker
    assert account.account["halted_until"] == account.account["session"] + 6


def test_a_drawdown_just_below_the_limit_halts_nothing(trial: Trial, rules: Rules) -> None:
    account = trial(5, rules=rules(**DRAWDOWN))
    account.run()
    account.account["cash"] = account.account["equity"] = 95_001.0
    account.run()
    assert breaker_of(account.account) is Breaker.NORMAL
    account.account["cash"] = account.account["equity"] = 95_000.0
    account.run()
    assert breaker_of(account.account) is Breaker.DRAWDOWN


@pytest.mark.parametrize(
    ("equity", "breaker"), [(93_750.0, Breaker.DRAWDOWN), (93_750.01, Breaker.NORMAL)]
)
def test_a_drawdown_of_exactly_the_limit_halts(
    trial: Trial, rules: Rules, equity: float, breaker: Breaker
) -> None:
    """A sixteenth is a number that the drawdown may be exactly."""
    account = trial(4, rules=rules(breakers={"drawdown": 0.0625, "daily_loss": 1.0}))
    account.run()
    account.account["cash"] = account.account["equity"] = equity
    account.run()
    assert breaker_of(account.account) is breaker


@pytest.mark.parametrize(
    ("equity", "breaker"), [(93_750.0, Breaker.DAILY_LOSS), (93_750.01, Breaker.NORMAL)]
)
@pytest.mark.parametrize("poor", [False, True])
def test_a_daily_loss_of_exactly_the_limit_flattens(
    trial: Trial, rules: Rules, poor: bool, equity: float, breaker: Breaker
) -> None:
    of_all, of_poor = (1.0, 0.0625) if poor else (0.0625, 0.01)
    limits = {"breakers": {"drawdown": 1.0, "daily_loss": of_all}}
    limits["poor"] = {"below": 1e6 if poor else 0.0, "daily_loss": of_poor}
    account = trial(4, rules=rules(**limits))
    account.session[:] = 0
    account.run()
    account.account["cash"] = account.account["equity"] = equity
    account.run()
    assert breaker_of(account.account) is breaker


@pytest.mark.parametrize(
    ("equity", "breaker"), [(96_875.0, Breaker.NORMAL), (96_874.99, Breaker.RECOVERING)]
)
def test_a_drawdown_of_exactly_what_counts_as_recovered_is_made_good(
    trial: Trial, rules: Rules, equity: float, breaker: Breaker
) -> None:
    account = trial(6, rules=rules(breakers={"drawdown": 0.0625, "recovered": 0.03125}))
    account.desk.rules["breakers_daily_loss"] = 1.0
    account.run()
    account.account["drawdown_state"] = Breaker.RECOVERING
    account.account["recovery_peak"] = account.account["cash"] = equity
    account.account["equity"] = equity
    account.run()
    assert breaker_of(account.account) is breaker


def test_a_daily_loss_flattens_the_book_and_the_next_session_trades_again(
    trial: Trial, rules: Rules
) -> None:
    account = trial(8, n_symbols=3, rules=rules(**DAILY))
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.shape(2, s=0, open=74.0, low=74.0)  # stopped out by a gap: 2.08 %
    account.run(2)
    account.want(2, s=2)
    account.run()
    assert breaker_of(account.account) is Breaker.DAILY_LOSS
    assert not account.positions.size
    assert account.trades["reason"].tolist() == [Exit.STOP, Exit.BREAKER]
    account.want(3, s=2)
    account.run()
    assert breaker_of(account.account) is Breaker.NORMAL
    assert account.positions["symbol"].tolist() == [2]


def test_a_daily_loss_adds_up_over_the_bars_of_a_session_and_ends_with_it(
    trial: Trial, rules: Rules
) -> None:
    account = trial(12, n_symbols=2, rules=rules(**DAILY))
    account.session[:] = np.arange(12) // 4
    account.value[:, 0, 1] = 0.01
    account.want(0, 0.02, s=0)
    for t, price in ((1, 88.0), (2, 88.0)):
        account.shape(t, s=0, close=price, low=price)
    account.shape(2, s=0, open=74.0, low=74.0)  # 2.08 % since the last session
    states = []
    for _ in range(9):
        account.run()
        states.append(breaker_of(account.account).name)
    halted = ["DAILY_LOSS"]
    assert states == ["NORMAL"] * 2 + halted * 2 + ["NORMAL"] * 5
    # Decisions at the closes of bars 2 and 3 are halted; that of bar 4 belongs to a new session.
    entries = account.fills[account.fills["reason"] == Exit.NONE]
    assert entries["bar"].tolist() == [1, 1, 5]


def test_a_loss_of_the_day_before_is_no_loss_of_the_day(trial: Trial, rules: Rules) -> None:
    account = trial(8, rules=rules(**DAILY))
    account.session[:] = np.arange(8) // 2
    account.want(0)
    account.shape(1, close=88.0, low=88.0)  # 0.96 % at the last close of session 0
    account.move(2, 88.0)
    account.shape(2, close=87.9, low=87.6)
    account.shape(3, open=75.0, low=75.0, close=75.0)  # 2 % in all, 1.04 % since the session began
    account.run(4)
    assert account.equity == 98_000.0
    assert breaker_of(account.account) is Breaker.NORMAL


def test_a_poor_account_may_lose_one_percent_a_day(trial: Trial, rules: Rules) -> None:
    small = rules(
        capital=20_000.0,
        poor={"below": 25_000.0},
        breakers={"drawdown": 1.0, "daily_loss": 0.02},
    )
    account = trial(6, rules=small)
    account.run()
    account.account["cash"] = account.account["equity"] = 19_799.0
    account.run()
    assert breaker_of(account.account) is Breaker.DAILY_LOSS


def test_a_poor_account_keeps_a_daily_limit_that_is_tighter_still(
    trial: Trial, rules: Rules
) -> None:
    small = rules(
        capital=20_000.0,
        poor={"below": 25_000.0},
        breakers={"drawdown": 1.0, "daily_loss": 0.005},
    )
    account = trial(6, rules=small)
    account.run()
    account.account["cash"] = account.account["equity"] = 19_890.0
    account.run()
    assert breaker_of(account.account) is Breaker.DAILY_LOSS


def test_a_breaker_that_could_not_be_left_again_is_refused() -> None:
    with pytest.raises(ValidationError, match="recovered must lie below drawdown"):
        Breakers(drawdown=0.02, recovered=0.025)


def test_without_breakers_nothing_halts(trial: Trial, rules: Rules) -> None:
    account = trial(10, n_symbols=2, rules=rules(**DRAWDOWN).without_breakers())
    account.want(0, s=0)
    account.move(2, 36.0)
    account.want(2, s=1)
    account.run(3)
    assert account.positions["symbol"].tolist() == [1]


# On the line itself. 1 − 75,000 / 100,000 is a quarter without any rounding.


def with_equity(trial: Trial, rules: DeskRules, equity: float) -> Any:  # noqa: ANN401
    """Return an account that stands at this equity and has decided once with it."""
    account = trial(6, rules=rules)
    account.run()
    account.account["cash"] = account.account["equity"] = equity
    account.run()
    return account


@pytest.mark.parametrize(("equity", "halted"), [(75_000.0, 1), (75_001.0, 0)])
def test_a_loss_of_the_limit_itself_halts(
    trial: Trial, rules: Rules, equity: float, halted: int
) -> None:
    drawdown = rules(breakers={"drawdown": 0.25, "daily_loss": 1.0})
    account = with_equity(trial, drawdown, equity)
    assert (breaker_of(account.account) is Breaker.DRAWDOWN) == bool(halted)
    daily = rules(breakers={"drawdown": 1.0, "daily_loss": 0.25})
    assert with_equity(trial, daily, equity).account["day_halted"] == halted


@pytest.mark.parametrize(
    ("equity", "state"), [(75_000.0, Breaker.NORMAL), (74_999.0, Breaker.RECOVERING)]
)
def test_an_account_has_recovered_when_the_drawdown_is_what_the_rule_says(
    trial: Trial, rules: Rules, equity: float, state: Breaker
) -> None:
    account = trial(6, rules=rules(breakers={"drawdown": 0.5, "recovered": 0.25}))
    account.run()
    account.account["drawdown_state"] = Breaker.RECOVERING
    account.account["cash"] = account.account["equity"] = equity
    account.account["recovery_peak"] = equity
    account.run()
    assert breaker_of(account.account) is state


@pytest.mark.parametrize(("equity", "halted"), [(75_000.0, 0), (74_999.0, 1)])
def test_an_account_on_the_line_is_not_poor_and_may_lose_as_much_as_a_rich_one(
    trial: Trial, rules: Rules, equity: float, halted: int
) -> None:
    line = rules(
        poor={"below": 75_000.0, "daily_loss": 0.125},
        breakers={"drawdown": 1.0, "daily_loss": 0.5},
    )
    assert with_equity(trial, line, equity).account["day_halted"] == halted
