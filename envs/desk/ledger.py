"""What happened, as records: fills, round trips, gate decisions and options.

Each account has room for so many records of a kind; the writer counts also those that found no
room, so that a reader can tell that something is missing. With no room at all the ledger is off.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import IntArray, Record, RecordArray
from benbot.envs.desk.black_scholes import Contract, Greeks
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.orders import Answer, Ask

FILL = np.dtype(
    [
        ("bar", np.int32),  # the bar in which it filled
        ("symbol", np.int32),
        ("strategy", np.int32),  # owner of the position
        ("units", np.float64),  # bought, negative is sold
        ("price", np.float64),  # before costs
        ("cost", np.float64),  # spread, commission and impact, account currency
        ("reason", np.int32),  # `Exit`; NONE opens or enlarges a position
    ],
    align=True,
)

TRADE = np.dtype(
    [
        ("symbol", np.int32),
        ("strategy", np.int32),
        ("opened", np.int32),  # bar
        ("closed", np.int32),  # bar
        ("entry_price", np.float64),  # mean, before costs
        ("exit_price", np.float64),  # of the last part, before costs
        ("notional", np.float64),  # the most that was ever paid for it, at entry prices
        ("side", np.int32),  # +1 long, -1 short
        ("reason", np.int32),  # `Exit`
        ("regime", np.int32),  # in which it was decided
        ("diamond", np.int32),
        ("income", np.float64),  # dividends, account currency
        ("costs", np.float64),  # of all its fills and of borrowing, account currency
        ("profit", np.float64),  # with income, after costs, account currency
    ],
    align=True,
)

DECISION = np.dtype(
    [
        ("bar", np.int32),  # the close at which it was made
        ("symbol", np.int32),
        ("wanted", np.float64),  # signed fraction of equity
        ("allowed", np.float64),  # signed fraction of equity
        ("strategy", np.int32),
        ("verdict", np.int32),  # `Verdict`
        ("limit", np.int32),  # `Verdict` of the gate that ran short, PASSED where none did
        ("enlarges", np.int32),  # 1 for a position that is held already
    ],
    align=True,
)


OPTION_FILL = np.dtype(
    [
        ("bar", np.int32),  # the bar in which it filled
        ("symbol", np.int32),
        ("strategy", np.int32),
        ("overlay", np.int32),  # `Overlay`: whether it is a call or a put
        ("contracts", np.float64),  # bought, negative is sold; those that ended count as bought
        ("multiplier", np.float64),  # units a contract
        ("strike", np.float64),
        ("expiry", np.int32),  # day, counted from 1970
        ("reason", np.int32),  # `Exit`; NONE writes
        ("spot", np.float64),  # price of the symbol
        ("volatility", np.float64),  # a year
        ("is_synthetic", np.int32),  # 1 where that is not implied by any price
        ("price", np.float64),  # paid per unit, before costs; 0 where it ended
        ("cost", np.float64),  # spread and fee, account currency
        ("delta", np.float64),  # of one option, per unit of the symbol
        ("gamma", np.float64),
        ("vega", np.float64),  # for one whole unit of volatility
        ("theta", np.float64),  # a year
    ],
    align=True,
)


ORDER = np.dtype(
    [  # what is asked of a venue, and below it what the venue answered
        ("symbol", np.int32),
        ("strategy", np.int32),  # owner of the position
        ("reason", np.int32),  # `Exit`; NONE opens or enlarges a position
        ("is_answered", np.int32),  # 1: what follows the price is true; 0: nobody knows yet
        ("units", np.float64),  # bought, negative is sold
        ("price", np.float64),  # at which it should fill, before costs
        ("filled", np.float64),  # units, as above
        ("fill_price", np.float64),  # mean, before costs
        ("cost", np.float64),  # account currency
    ],
    align=True,
)


class Ledger(NamedTuple):
    """Room for the records of B accounts, and how many were written; `n_…` is (B,).

    With room for orders there is a venue that fills them, and `desk.dealing` says what that means;
    without, as in training, they fill as the rules say.
    """

    fills: RecordArray  # (B, room) of FILL
    n_fills: IntArray
    trades: RecordArray  # (B, room) of TRADE
    n_trades: IntArray
    decisions: RecordArray  # (B, room) of DECISION
    n_decisions: IntArray
    options: RecordArray  # (B, room) of OPTION_FILL
    n_options: IntArray
    orders: RecordArray  # (B, room) of ORDER
    n_orders: IntArray


def open_ledger(
    n_accounts: int,
    *,
    fills: int = 0,
    trades: int = 0,
    decisions: int = 0,
    options: int = 0,
    orders: int = 0,
) -> Ledger:
    """Return an empty ledger with room for so many records of each kind per account."""
    counts = np.zeros((5, n_accounts), np.int64)
    return Ledger(
        np.zeros((n_accounts, fills), FILL),
        counts[0],
        np.zeros((n_accounts, trades), TRADE),
        counts[1],
        np.zeros((n_accounts, decisions), DECISION),
        counts[2],
        np.zeros((n_accounts, options), OPTION_FILL),
        counts[3],
        np.zeros((n_accounts, orders), ORDER),
        counts[4],
    )


@compiled
def write_fill(
    ledger: Ledger, b: int, position: Record, fill: tuple[int, float, float, float, int]
) -> None:
    """Note a fill of (bar, units, price, cost, reason) in `position`."""
    n = ledger.n_fills[b]
    if n < ledger.fills.shape[1]:
        row = ledger.fills[b, n]
        row.bar, row.units, row.price, row.cost, row.reason = fill
        row.symbol, row.strategy = position.symbol, position.strategy
    ledger.n_fills[b] = n + 1


@compiled
def write_trade(
    ledger: Ledger, b: int, position: Record, close: tuple[int, float, int, float]
) -> None:
    """Note the round trip of a position closed at (bar, price, reason, side)."""
    n = ledger.n_trades[b]
    if n < ledger.trades.shape[1]:
        row = ledger.trades[b, n]
        row.closed, row.exit_price, row.reason, row.side = close
        row.symbol, row.strategy, row.opened = position.symbol, position.strategy, position.opened
        row.entry_price, row.notional = position.entry_price, position.notional
        row.regime, row.diamond, row.income = position.regime, position.diamond, position.income
        row.costs = position.costs
        row.profit = position.realised + position.income - position.costs
    ledger.n_trades[b] = n + 1


@compiled
def write_option(
    ledger: Ledger,
    b: int,
    position: Record,
    option: Record,
    fill: tuple[int, float, float, int],
    facts: tuple[float, Contract, Greeks],
) -> None:
    """Note (bar, contracts, price, reason) of an option, and its (cost, contract, greeks)."""
    n = ledger.n_options[b]
    if n < ledger.options.shape[1]:
        row = ledger.options[b, n]
        row.bar, row.contracts, row.price, row.reason = fill
        row.symbol, row.strategy = position.symbol, position.strategy
        row.overlay, row.multiplier = position.overlay, option.multiplier
        row.strike, row.expiry = option.strike, option.expiry
        row.is_synthetic = option.is_synthetic
        row.cost, contract, moves = facts
        row.spot, row.volatility = contract.spot, contract.volatility
        row.delta, row.gamma, row.vega, row.theta = moves
    ledger.n_options[b] = n + 1


@compiled
def write_decision(ledger: Ledger, b: int, t: int, ask: Ask, answer: Answer, share: float) -> None:
    """Note what the gates answered at the close of bar `t`; money × `share` is that of equity."""
    n = ledger.n_decisions[b]
    if n < ledger.decisions.shape[1]:
        row = ledger.decisions[b, n]
        row.bar, row.symbol, row.strategy = t, ask.symbol, ask.strategy
        signed = ask.side * share
        row.wanted, row.allowed = ask.wanted * signed, answer.allowed * signed
        row.verdict, row.limit, row.enlarges = answer.verdict, answer.limit, ask.enlarges
    ledger.n_decisions[b] = n + 1
