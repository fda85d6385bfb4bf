"""Covered calls and secured puts on prices that are moved by hand.

The symbol stands at 100, its volatility is 20 % and money costs nothing. Strategy 0 writes calls
at 105, strategy 1 puts at 95, both to expire on day 30; bar t is day t. 10,000 behind a stop of 1/8
buy 100 units: one contract.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.black_scholes import Contract, price
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.shadow import shadow_trades
from benbot.envs.desk.tape import OFFER
from benbot.envs.signals import Overlay

CALL, PUT = 0, 1
EXPIRY = 30
N_BARS = 40
FREE = {
    "sizing": {"smallest_order": 0.0, "risk_per_trade": 0.0125, "no_trade_band": 0.9},
    "options": {
        **{"fee_per_contract": 0.0, "half_spread": 0.0, "rate": 0.0},
        **{"take_profit": 1.0, "close_days": 0},
    },
}

Writer = Callable[..., Any]


def worth(kind: int, spot: float, t: int, strike: float | None = None) -> float:
    """Return the price of the call at 105, or of the put at 95, at the close of bar `t`."""
    strike = (105.0, 95.0)[kind] if strike is None else strike
    return float(price(Contract(kind == CALL, spot, strike, (EXPIRY - t) / 365.0, 0.2, 0.0)))


@pytest.fixture
def writer(trial: Any, rules: Any) -> Writer:  # noqa: ANN401
    """Return who makes an account on two strategies, of which one wants the symbol at bar 0."""

    def make(kind: int, **sections: dict[str, float]) -> Any:  # noqa: ANN401
        merged = {name: FREE.get(name, {}) | sections.get(name, {}) for name in {*FREE, *sections}}
        account = trial(N_BARS, n_strategies=2, rules=rules(**merged))
        offers = np.zeros((N_BARS, 1), OFFER)
        offers["volatility"], offers["call"], offers["put"] = 0.2, 105.0, 95.0
        offers["expiry"], offers["day"] = EXPIRY, np.arange(N_BARS)[:, None]
        overlay = np.array([Overlay.COVERED_CALL, Overlay.SECURED_PUT], np.int8)
        tape = account.desk.tape._replace(overlay=overlay, offers=offers)
        ledger = open_ledger(1, fills=500, trades=500, decisions=500, options=500)
        account.desk = account.desk._replace(tape=tape, ledger=ledger)
        account.offers = offers
        account.weigh(0.5, 0.5)
        account.want(0, k=kind)
        return account

    return make


def written(account: Any) -> Any:  # noqa: ANN401
    return account.desk.ledger.options[0, : account.desk.ledger.n_options[0]]


def rows(account: Any) -> list[tuple[int, str, float]]:  # noqa: ANN401
    return [
        (int(one["bar"]), Exit(int(one["reason"])).name, float(one["contracts"]))
        for one in written(account)
    ]


# Covered calls.


def test_a_call_is_sold_at_the_open_at_which_its_shares_are_bought(writer: Writer) -> None:
    account = writer(CALL)
    account.shape(1, open=101.0, high=101.0, close=99.0, low=99.0)
    account.run()
    assert account.fills["units"].tolist() == [100.0]
    premium = worth(CALL, 101.0, 0)
    (row,) = written(account)
    assert (row["overlay"], row["strike"], row["expiry"]) == (Overlay.COVERED_CALL, 105.0, EXPIRY)
    assert (row["contracts"], row["multiplier"], row["reason"]) == (-1.0, 100.0, Exit.NONE)
    assert row["price"] == pytest.approx(premium, rel=1e-12)
    assert row["delta"] == pytest.approx(0.26, abs=0.01)
    cash = 100_000.0 - 100 * 101.0 + 100 * premium
    assert account.account["cash"] == pytest.approx(cash)
    assert account.equity == pytest.approx(cash + 100 * 99.0 - 100 * worth(CALL, 99.0, 1))


def test_the_fee_and_the_spread_of_an_option_are_paid(writer: Writer) -> None:
    account = writer(CALL, options={"fee_per_contract": 0.65, "half_spread": 0.1})
    account.run()
    premium = worth(CALL, 100.0, 0)
    assert written(account)["cost"].tolist() == [pytest.approx(0.65 + 0.1 * 100 * premium)]
    assert account.positions["costs"][0] == account.account["costs"] == written(account)["cost"][0]


def test_a_call_that_expires_is_written_anew_while_the_shares_are_wanted(writer: Writer) -> None:
    account = writer(CALL)
    account.run(EXPIRY)
    assert rows(account) == [(1, "NONE", -1.0)]
    premium = float(written(account)["price"][0])
    assert account.equity == pytest.approx(100_000.0 + 100 * premium)
    account.offers["expiry"][EXPIRY] = EXPIRY + 30
    account.want(EXPIRY, k=CALL)
    account.run()
    assert rows(account)[1:] == [(EXPIRY + 1, "EXPIRED", 1.0), (EXPIRY + 1, "NONE", -1.0)]
    assert account.trades.size == 0


def test_a_call_in_the_money_takes_the_shares_at_the_strike(writer: Writer) -> None:
    account = writer(CALL)
    account.move(5, 120.0)
    account.run(EXPIRY + 1)
    premium = float(written(account)["price"][0])
    assert rows(account) == [(1, "NONE", -1.0), (EXPIRY + 1, "ASSIGNED", 1.0)]
    (trade,) = account.trades
    assert (trade["reason"], trade["closed"]) == (Exit.ASSIGNED, EXPIRY + 1)
    assert (trade["entry_price"], trade["exit_price"]) == (100.0, 105.0)
    assert trade["profit"] == pytest.approx(100 * (5.0 + premium))
    assert account.equity == account.account["cash"] == pytest.approx(100_000.0 + trade["profit"])


@pytest.mark.parametrize(("dividend", "assigned"), [(4.0, True), (0.01, False)])
def test_a_call_whose_time_value_is_below_the_dividend_is_assigned_before_it(
    writer: Writer, dividend: float, assigned: bool
) -> None:
    account = writer(CALL)
    account.move(2, 108.0)
    account.act(4, dividend=dividend)
    account.run(4)
    assert (account.positions.size == 0) == assigned
    assert 0.01 < worth(CALL, 108.0, 3) - 3.0 < 4.0
    if assigned:
        assert account.trades["income"].tolist() == [0.0]
        assert rows(account)[-1] == (4, "ASSIGNED", 1.0)


def test_a_call_is_bought_back_once_half_of_its_premium_is_earned(writer: Writer) -> None:
    account = writer(CALL, options={"take_profit": 0.5})
    account.move(3, 98.0)
    account.want(4, k=CALL)
    account.run(4)
    premium = float(written(account)["price"][0])
    assert worth(CALL, 98.0, 3) < 0.5 * premium
    assert rows(account) == [(1, "NONE", -1.0), (4, "OPTION_PROFIT", 1.0)]
    assert written(account)["price"][1] == pytest.approx(worth(CALL, 98.0, 3))
    account.run()  # written anew at a later close, while it is wanted
    assert rows(account)[2:] == [(5, "NONE", -1.0)]
    assert account.positions["units"].tolist() == [100.0]


def test_a_call_is_bought_back_in_the_last_days(writer: Writer) -> None:
    account = writer(CALL, options={"close_days": 6})
    account.run(EXPIRY)
    assert rows(account) == [(1, "NONE", -1.0), (EXPIRY - 5, "OPTION_TIME", 1.0)]


def test_without_last_days_a_call_is_never_bought_back_on_the_day_of_expiry(
    writer: Writer,
) -> None:
    account = writer(CALL, options={"close_days": 0})
    account.offers["day"] = (np.arange(N_BARS) // 2)[:, None]  # two bars a day
    account.offers["expiry"] = 10
    account.run(24)
    assert rows(account)[1] == (22, "EXPIRED", 1.0)


def test_before_a_stop_sells_the_shares_their_calls_are_bought_back_there(writer: Writer) -> None:
    account = writer(CALL)
    account.shape(2, low=80.0)
    account.run(2)
    assert rows(account) == [(1, "NONE", -1.0), (2, "STOP", 1.0)]
    assert written(account)["spot"][1] == account.fills["price"][1] == 87.5
    assert written(account)["price"][1] == pytest.approx(worth(CALL, 87.5, 1))
    assert account.positions.size == 0
    assert account.equity == account.account["cash"]


def test_a_reduction_keeps_whole_contracts_and_uncovers_none(writer: Writer) -> None:
    account = writer(CALL, sizing={"risk_per_trade": 0.0625, "no_trade_band": 0.0})
    rules = account.rules.model_copy(
        update={"sizing": account.rules.sizing.model_copy(update={"position_cap": 1.0})}
    )
    account.desk = account.desk._replace(rules=rules.record())
    account.run()
    assert account.positions["units"].tolist() == [500.0]
    account.weigh(0.25, 0.5, cash=0.25)
    account.run()  # 250 are wanted, so 250 too many: two contracts
    assert account.positions["units"].tolist() == [300.0]
    assert rows(account)[1:] == [(2, "WEIGHT", 2.0)]
    assert account.desk.book.options["contracts"][0, 0] == 3.0


def test_a_split_makes_contracts_of_more_units_at_a_lower_strike(writer: Writer) -> None:
    account = writer(CALL)
    account.act(3, split=2.0)
    account.move(3, 60.0)
    account.run(EXPIRY + 1)
    (_, row) = written(account)
    assert (row["multiplier"], row["strike"], row["contracts"]) == (200.0, 52.5, 1.0)
    assert account.trades["exit_price"].tolist() == [52.5]
    assert account.fills["units"].tolist() == [100.0, -200.0]


# Secured puts.


def test_a_put_ties_up_the_price_of_its_shares_at_the_strike(writer: Writer) -> None:
    account = writer(PUT)
    account.run()
    (position,) = account.positions
    assert account.fills.size == 0
    assert (position["units"], position["last_price"]) == (100.0, 95.0)
    assert account.account["gross"] == account.account["net"] == 9_500.0
    premium = worth(PUT, 100.0, 0)
    assert account.account["cash"] == pytest.approx(100_000.0 + 100 * premium)
    due = worth(PUT, 100.0, 1)
    assert account.equity == pytest.approx(100_000.0 + 100 * (premium - due))
    assert account.decisions["allowed"].tolist() == [pytest.approx(0.095)]


def test_a_put_that_expires_leaves_its_premium(writer: Writer) -> None:
    account = writer(PUT)
    account.run(EXPIRY + 1)
    premium = worth(PUT, 100.0, 0)
    assert rows(account) == [(1, "NONE", -1.0), (EXPIRY + 1, "EXPIRED", 1.0)]
    (trade,) = account.trades
    assert (trade["reason"], trade["notional"]) == (Exit.EXPIRED, 9_500.0)
    assert trade["profit"] == pytest.approx(100 * premium)
    assert account.equity == account.account["cash"] == pytest.approx(100_000.0 + 100 * premium)
    assert account.account["gross"] == 0.0


def test_a_put_in_the_money_becomes_shares_at_the_strike_with_a_stop(writer: Writer) -> None:
    account = writer(PUT)
    account.move(5, 94.5)
    account.run(EXPIRY + 1)
    assert rows(account)[-1] == (EXPIRY + 1, "ASSIGNED", 1.0)
    (position,) = account.positions
    assert (position["units"], position["entry_price"], position["last_price"]) == (100, 95, 94.5)
    assert position["overlay"] == Overlay.NONE
    assert position["stop"] == 94.5 - 0.125 * 95.0
    assert account.fills["price"].tolist() == [95.0]
    premium = worth(PUT, 100.0, 0)
    assert account.equity == pytest.approx(100_000.0 + 100 * (premium - 0.5))
    assert account.trades.size == 0


def test_a_put_without_time_value_is_assigned_early(writer: Writer) -> None:
    account = writer(PUT, options={"rate": 0.1})
    account.move(3, 60.0)
    account.run(4)
    assert rows(account)[-1] == (4, "ASSIGNED", 1.0)
    assert account.positions["units"].tolist() == [100.0]


def test_an_early_assignment_gives_and_takes_nothing(writer: Writer) -> None:
    """At 10 % interest a European put at 95 would be worth less than the 35 that exercise gains."""
    account = writer(PUT, options={"rate": 0.1})
    account.move(3, 60.0)
    account.run(3)
    before = account.equity
    assert before == pytest.approx(1e5 + 100.0 * (written(account)["price"][0] - 35.0))
    account.run(1)
    assert rows(account)[-1] == (4, "ASSIGNED", 1.0)
    assert account.equity == pytest.approx(before)


def test_a_put_that_is_bought_back_is_gone(writer: Writer) -> None:
    account = writer(PUT)
    account.want(2, -1e-30, k=PUT)  # it wants out, and asks for nothing
    account.run(3)
    assert rows(account) == [(1, "NONE", -1.0), (3, "REVERSAL", 1.0)]
    assert account.positions.size == 0
    assert account.account["gross"] == account.account["net"] == 0.0
    earned = 100 * (worth(PUT, 100.0, 0) - worth(PUT, 100.0, 2))
    assert account.trades["profit"].tolist() == [pytest.approx(earned)]


def test_a_put_whose_symbol_has_no_price_any_more_ends_at_the_last_one(writer: Writer) -> None:
    account = writer(PUT, exits={"delisted_after": 40})
    account.move(3, 92.0)
    account.move(5, np.nan)
    account.run(EXPIRY + 1)
    assert rows(account)[-1] == (EXPIRY + 1, "ASSIGNED", 1.0)
    assert written(account)["spot"][-1] == 92.0
    early = writer(PUT, exits={"delisted_after": 3})
    early.move(3, 92.0)
    early.move(5, np.nan)
    early.run(8)
    assert rows(early)[-1] == (8, "DELISTED", 1.0)
    assert written(early)["price"][-1] == pytest.approx(worth(PUT, 92.0, 7))


def test_a_dividend_passes_a_put_by(writer: Writer) -> None:
    account = writer(PUT)
    account.act(3, dividend=2.0)
    account.run(3)
    assert account.positions["income"].tolist() == [0.0]
    assert account.positions["last_price"].tolist() == [95.0]


# What is refused.


def no_volatility(account: Any) -> None:  # noqa: ANN401
    account.offers["volatility"][0] = np.nan


def no_contract(account: Any) -> None:  # noqa: ANN401
    account.offers["call"][0] = account.offers["put"][0] = 0.0


def too_dear(account: Any) -> None:  # noqa: ANN401
    account.move(0, 101.0)
    account.offers["put"][0] = 101.0


def halted(account: Any) -> None:  # noqa: ANN401
    account.bars["room"][1] = 0.0


@pytest.mark.parametrize("kind", [CALL, PUT])
@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (no_volatility, Verdict.NO_VOLATILITY),
        (no_contract, Verdict.NO_CONTRACT),
        (too_dear, Verdict.TOO_SMALL),  # 10,000 pay for less than 100 units
        (halted, Verdict.NOT_TRADABLE),
    ],
)
def test_an_option_that_cannot_be_written_is_refused_with_a_reason(
    writer: Writer, kind: int, change: Callable[[Any], None], verdict: Verdict
) -> None:
    account = writer(kind)
    change(account)
    account.run()
    assert account.decisions["verdict"].tolist() == [verdict]
    assert account.positions.size == written(account).size == account.fills.size == 0


def test_a_premium_below_its_cost_is_not_asked_for(writer: Writer) -> None:
    dear = {"fee_per_contract": 500.0}
    put, call = writer(PUT, options=dear), writer(CALL, options=dear)
    put.run()
    call.run()
    assert put.decisions["verdict"].tolist() == [Verdict.NOT_TRADABLE]
    assert call.positions["units"].tolist() == [100.0]  # the shares are held without a call
    assert written(put).size == written(call).size == 0


def test_a_short_of_such_a_strategy_is_a_plain_short(writer: Writer) -> None:
    account = writer(PUT)
    account.want(0, -0.01, k=PUT)
    account.run()
    assert account.positions["units"].tolist() == [-100.0]
    assert written(account).size == 0


def test_what_a_refused_put_would_have_earned_is_its_premium(writer: Writer) -> None:
    account = writer(PUT, limits={"daily_trades": 0})
    account.run()
    assert account.decisions["verdict"].tolist() == [Verdict.DAILY_TRADES]
    tape = account.desk.tape
    (shadow,) = shadow_trades(
        tape, account.rules, account.decisions, np.array([100_000.0]), N_BARS - 1
    )
    assert (shadow["reason"], shadow["closed"]) == (Exit.EXPIRED, EXPIRY + 1)
    assert shadow["notional"] == pytest.approx(0.095)
    assert shadow["profit"] == pytest.approx(100 * worth(PUT, 100.0, 0) / 100_000.0)
