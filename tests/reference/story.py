"""What happens to an account from its opening to its last bar, with its sleeves (section 13)."""

from dataclasses import dataclass, field, replace

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.reasons import Breaker
from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market
from benbot.envs.signals import Signals
from tests.reference.book import (
    Account,
    Bar,
    Decision,
    Desk,
    Fill,
    OptionFill,
    Position,
    Trade,
    open_account,
    opinions_of,
)
from tests.reference.cycle import trade_bar
from tests.reference.facts import Facts
from tests.reference.numbers import single
from tests.reference.record import Record

LEAST_GROWTH = -5.0
RUINED = 0.1
LEAST_VALUE = 1e-30


@dataclass
class Story:
    """What happened; N decisions, T bars, K strategies, S symbols.

    equity          N + 1, at the closes from the opening on
    growth          N, log
    health          N, the breakers under which each bar was traded
    values          [T][K][S], of the candidates
    sleeve_returns  [T][K], log
    account         as it stood at the end, with its fills, trades, decisions and positions
    """

    account: Account
    equity: list[float]
    growth: list[float] = field(default_factory=list)
    health: list[tuple[bool, bool, Breaker]] = field(default_factory=list)
    values: list[list[list[float]]] = field(default_factory=list)
    sleeve_returns: list[list[float]] = field(default_factory=list)

    @property
    def fills(self) -> list[Fill]:
        return self.account.fills

    @property
    def trades(self) -> list[Trade]:
        return self.account.trades

    @property
    def decisions(self) -> list[Decision]:
        return self.account.decisions

    @property
    def options(self) -> list[OptionFill]:
        return self.account.options

    @property
    def positions(self) -> list[Position]:
        return self.account.positions


def trade_market(  # noqa: PLR0913 -- everything that a story depends on
    market: Market,
    signals: Signals,
    regime: IntArray,
    rules: DeskRules,
    budgets: FloatArray,
    weights: FloatArray,
    first: int,
    venue: IntArray | None = None,
    estimate: FloatArray | None = None,
) -> Story:
    """Trade an account that opens at the close of `first`.

    regime    (T,)        below 0 where unknown
    budgets   [T, S]      multipliers of size, 32-bit
    weights   [N, K + 1]  cash is the last; row i is decided at the close of bar first + i
    venue     [N, 2]      calls that failed in a row, number of stale quotes; none without it
    estimate  [T, S]      half spreads as estimated at each bar; for costs.spread: estimated
    """
    estimates = None if estimate is None else estimate.tolist()
    facts = Facts(market, rules, estimates)
    records = [Record() for _ in range(signals.n_strategies)]
    sizes = np.asarray(budgets, np.float32).tolist()
    desk = Desk(facts, opinions_of(signals), list(map(int, regime)), sizes, rules, records)
    sleeves = Sleeves(desk)
    rows = np.asarray(weights).tolist()
    noted = [(0, 0)] * len(rows) if venue is None else [tuple(row) for row in venue.tolist()]
    account = open_account(rules.capital, facts.session[first])
    story = Story(account, [rules.capital])
    for t in range(facts.n_bars):
        story.values.append(candidate_values(desk, t))
        story.sleeve_returns.append(list(sleeves.returns))
        if t + 1 == facts.n_bars:
            break
        if first <= t < first + len(rows):
            bar = Bar(desk, account, t, rows[t - first], story.values[t], noted[t - first])
            story.growth.append(trade_bar(bar))
            story.equity.append(account.equity)
            story.health.append(account.health)
        # Last, because the records that it changes must not know of bar t + 1 before.
        sleeves.trade(t, story.values[t])
    return story


class Sleeves:
    """An account for each strategy that trades it alone; they fill the records of the desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = replace(desk, rules=without_breakers(desk.rules))
        n_strategies = len(desk.records)
        self.accounts = [self.opened(0) for _ in range(n_strategies)]
        self.returns = [0.0] * n_strategies

    def opened(self, t: int) -> Account:
        return open_account(self.desk.rules.capital, self.desk.facts.session[t])

    def trade(self, t: int, values: list[list[float]]) -> None:
        """Trade every sleeve from the close of bar t to the close of bar t + 1."""
        n_strategies = len(self.accounts)
        for k, account in enumerate(self.accounts):
            weights = [float(k == other) for other in range(n_strategies)] + [0.0]
            growth = trade_bar(Bar(self.desk, account, t, weights, values))
            self.returns[k] = max(growth, LEAST_GROWTH)
            for trade in account.trades:
                result = trade.profit / trade.notional
                self.desk.records[k].add(result, trade.regime, trade.symbol)
            account.trades.clear()
            if not account.equity > RUINED * self.desk.rules.capital:
                self.accounts[k] = self.opened(t + 1)


def without_breakers(rules: DeskRules) -> DeskRules:
    """Return the rules of a sleeve: nothing halts it, and it is never poor."""
    off = {
        "breakers": {"drawdown": 1.0, "daily_loss": 1.0},
        "poor": {"below": 0.0},
        "day_trading": {"enabled": False},
    }
    return rules.model_copy(
        update={name: getattr(rules, name).model_copy(update=new) for name, new in off.items()}
    )


def candidate_values(desk: Desk, t: int) -> list[list[float]]:
    """Return the value of every candidate at the close of bar t (section 6), [K][S]."""
    opinions, regime = desk.opinions, desk.regime[t]
    values = []
    for k, record in enumerate(desk.records):
        row = [0.0] * desk.facts.n_symbols
        for s, direction in enumerate(opinions.direction[t][k]):
            # A close is a number, so it equals itself, exactly where the symbol has a price.
            if direction and desk.facts.close[t][s] == desk.facts.close[t][s]:
                worth = opinions.confidence[t][k][s] * record.expected(desk.rules, regime, s)
                row[s] = single(direction * max(worth, LEAST_VALUE))
        values.append(row)
    return values
