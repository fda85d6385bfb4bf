"""The state of B accounts: everything that depends on the path, in three record arrays.

money      account currency
units      signed quantity held; negative is short
weight     share of the risk budget; the K weights and the cash share sum to one
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Record, RecordArray
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.reasons import Breaker

NOBODY = -1  # symbol of an empty slot
DAY_TRADE_SESSIONS = 5  # over which day trades are counted

ACCOUNT = np.dtype(
    [
        ("cash", np.float64),
        ("cash_weight", np.float64),
        ("equity", np.float64),  # at the last close
        ("previous_equity", np.float64),  # at the close before
        ("day_equity", np.float64),  # at the last close of the previous session
        ("peak", np.float64),  # highest equity at a close
        ("recovery_peak", np.float64),  # highest equity since the drawdown breaker tripped
        ("gross", np.float64),  # notional held, longs plus shorts, at the last close
        ("net", np.float64),  # longs minus shorts
        ("winnings", np.float64),  # decayed sum of profitable trades, fraction of their notional
        ("losings", np.float64),  # decayed sum of losing trades, positive
        ("scale", np.float64),  # of sizes, as known at the last decision's close
        ("variance", np.float64),  # exponentially weighted, of log growth per bar
        ("traded", np.float64),  # notional traded during the last bar
        ("costs", np.float64),  # of fills and of borrowing, paid during the last bar
        ("portfolio_variance", np.float64),  # of the worths held, a day; negative: not known now
        ("session", np.int64),
        ("halted_until", np.int64),  # first session in which entries may fill again
        ("drawdown_state", np.int32),  # `Breaker`: NORMAL, DRAWDOWN or RECOVERING
        ("day_halted", np.int32),  # 1 while the daily-loss breaker is on
        ("venue_halted", np.int32),  # `Breaker`: NORMAL, API_FAILURES or STALE_DATA
        ("api_failures", np.int32),  # in a row; noted by the venue, 0 in simulation
        ("stale_quotes", np.int32),  # likewise, symbols
        ("day_trades", np.int32, (DAY_TRADE_SESSIONS,)),  # per session, the newest first
        ("trades_today", np.int32),  # fills that opened or enlarged
        ("n_positions", np.int32),
        ("n_closed", np.int32),  # round trips so far
        ("n_winners", np.int32),  # candidates that won their symbol at the last decision
        ("n_refused", np.int32),  # of those, how many no position was opened for
        ("blocked", np.int32),  # `Verdict` of the account's gates; then nobody was heard
    ],
    align=True,
)

POSITION = np.dtype(
    [  # what every bar reads comes first
        ("symbol", np.int32),  # NOBODY marks an empty slot; the first n_positions are taken
        ("strategy", np.int32),  # its owner
        ("units", np.float64),
        ("last_price", np.float64),  # last close at which the symbol traded
        ("stop", np.float64),  # price at which it is closed
        ("best", np.float64),  # most favourable price since entry
        ("distance", np.float64),  # of the initial stop, price units
        ("base_units", np.float64),  # what the risk budget buys at a weight of 1 / K, positive
        ("target", np.float64),  # price at which it is closed; 0: none
        ("partial", np.float64),  # price at which a share is closed; 0: none, or done
        ("costs", np.float64),  # of its fills and of borrowing
        ("opened", np.int32),  # bar of the first fill
        ("watched", np.int32),  # first bar in which its stop and targets count
        ("missing", np.int32),  # bars without a price, in a row
        ("overlay", np.int32),  # `Overlay`; of a put units and last price are promised, see OPTION
        ("diamond", np.int32),
        ("entry_price", np.float64),  # mean, before costs
        ("initial_stop", np.float64),
        ("realised", np.float64),  # profit of the parts that were closed, before costs
        ("income", np.float64),  # dividends; a short pays them
        ("notional", np.float64),  # the most ever paid for it, at entry prices
        ("regime", np.int32),  # in which it was decided
        ("partial_done", np.int32),
        ("partner", np.int32),  # symbol of the other leg of a pair; NOBODY: it stands alone
    ],
    align=True,
)

OPTION = np.dtype(
    [  # what a position has written; nothing here counts where its overlay is NONE
        ("contracts", np.float64),  # 0: it could write, and has not
        ("multiplier", np.float64),  # units a contract
        ("strike", np.float64),
        ("price", np.float64),  # at the last mark, per unit
        ("premium", np.float64),  # received for it, per unit, before costs
        ("volatility", np.float64),  # the last that was known
        ("spot", np.float64),  # last price of a put's symbol; that of a call is its position's
        ("expiry", np.int32),  # day, as `OFFER` counts them
        ("resumes", np.int32),  # first bar in which it may be written anew
        ("is_synthetic", np.int32),  # 1 where that volatility is not implied by any price
    ],
    align=True,
)

SLEEVE = np.dtype(
    [
        ("weight", np.float64),
        ("exposure", np.float64),  # gross notional owned, fraction of equity
        ("covariance", np.float64),  # exponentially weighted, of its return with the account's
    ],
    align=True,
)


class Book(NamedTuple):
    """The accounts (B,), their positions and options (B, max_positions) and sleeves (B, K).

    A written put is held as the shares that it may become: the position's units are those of its
    contracts, its last price is the strike. So all that is asked of a position, how much it ties
    up and risks, is asked of the promise; the money that it does not stand for is `options.due`.
    """

    accounts: RecordArray
    positions: RecordArray
    sleeves: RecordArray
    options: RecordArray


def open_book(n_accounts: int, n_strategies: int, max_positions: int) -> Book:
    """Return a book of empty accounts; `open_account` puts money in."""
    book = Book(
        np.zeros(n_accounts, ACCOUNT),
        np.zeros((n_accounts, max_positions), POSITION),
        np.zeros((n_accounts, n_strategies), SLEEVE),
        np.zeros((n_accounts, max_positions), OPTION),
    )
    book.positions["symbol"] = NOBODY
    return book


@compiled
def open_account(book: Book, b: int, capital: float, session: int) -> None:
    """Forget whatever account `b` did and give it `capital`, all of it cash."""
    account = book.accounts[b]
    account.cash = account.equity = account.previous_equity = capital
    account.day_equity = account.peak = account.recovery_peak = capital
    account.cash_weight = 1.0
    account.gross = account.net = account.winnings = account.losings = 0.0
    account.scale = 1.0
    account.variance = account.traded = account.costs = 0.0
    account.session = account.halted_until = session
    account.drawdown_state = Breaker.NORMAL
    account.day_halted = account.venue_halted = account.api_failures = account.stale_quotes = 0
    for i in range(DAY_TRADE_SESSIONS):
        account.day_trades[i] = 0
    account.portfolio_variance = -1.0
    account.blocked = 0
    account.trades_today = account.n_positions = account.n_closed = 0
    account.n_winners = account.n_refused = 0
    for i in range(book.positions.shape[1]):
        book.positions[b, i].symbol = NOBODY
    for k in range(book.sleeves.shape[1]):
        sleeve = book.sleeves[b, k]
        sleeve.weight = sleeve.exposure = sleeve.covariance = 0.0


@compiled
def side_of(position: Record) -> float:
    """Return +1 for a long, -1 for a short; without a branch, because both are as frequent."""
    return np.copysign(1.0, position.units)
