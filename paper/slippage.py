"""What a fill cost beside what the desk's fill model makes of the same order in the same bar.

    notional   |units| × model price
    excess     units × (price - model price) + cost - model cost
    slippage   10,000 × excess / notional, basis points; positive is dearer than the model

Brokers hide in the price what the model counts as cost, half the spread and the impact, so only
price and cost together can be compared. An order of an opening fills, by the model, where training
fills it in that bar; a stop or a target where the desk saw it met, at the price of its intent.

units   signed: bought, negative is sold
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from benbot.envs.arrays import Record
from benbot.envs.desk.dealing import cost_of
from benbot.envs.desk.fills import AT_ONCE, terms_in
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.paper.account_rows import StoreRow
from benbot.paper.pending import MOST
from benbot.paper.staging import STOPS, TARGETS

BPS = 1e4
INSIDE = {Exit(reason).name for reason in (*STOPS, *TARGETS)}  # reasons to leave within a bar


@dataclass(frozen=True)
class Execution:
    """A fill of one order, and the same by the model."""

    bar: int
    stage: int
    sequence: int
    symbol: str
    strategy: str
    reason: str  # NONE opens or enlarges
    units: float
    price: float
    cost: float
    model_price: float
    model_cost: float

    @property
    def notional(self) -> float:
        return abs(self.units) * self.model_price

    @property
    def excess(self) -> float:
        """What it cost more than the model says, account currency."""
        return self.units * (self.price - self.model_price) + self.cost - self.model_cost

    @property
    def slippage(self) -> float:
        """The same in basis points of the notional."""
        return BPS * self.excess / self.notional

    def told(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "slippage": self.slippage}


def executions_of(intents: Iterable[StoreRow], tape: Tape, rules: DeskRules) -> list[Execution]:
    """Return the fills of intents, rows of INTENTS; what has not filled has none.

    What nobody sends, because the desk books it at its own price, is no fill of a venue.
    """
    record = rules.record()[0]
    return [
        _execution(row, tape, record)
        for row in intents
        if row["filled"] and row["fill_price"] is not None
    ]


def slippage_of(executions: Iterable[Execution]) -> float:
    """Return the slippage of several fills together, weighted by money; NaN without any."""
    made = list(executions)
    notional = sum(one.notional for one in made)
    return BPS * sum(one.excess for one in made) / notional if notional > 0.0 else float("nan")


def fills_of_trade(trade: StoreRow, executions: Iterable[Execution]) -> list[Execution]:
    """Return the fills that a round trip, a row of TRADES, is made of.

    A symbol has one position at a time. In the bar in which it opened, what came before its first
    entry belongs to the one before; in the bar whose opening closed it, entries belong to the next.
    """
    opened, closed = trade["opened"], trade["closed"]
    closes_at_opening = trade["number"] < MOST and closed > opened
    found: list[Execution] = []
    for one in executions:
        is_own = (one.symbol, one.strategy) == (trade["symbol"], trade["strategy"])
        if not is_own or not opened <= one.bar <= closed:
            continue
        is_entry = one.reason == Exit.NONE.name
        if not found and not (is_entry and one.bar == opened):
            continue
        if one.bar == closed and closes_at_opening and (is_entry or one.stage > 0):
            continue
        found.append(one)
    return found


def _execution(row: StoreRow, tape: Tape, rules: Record) -> Execution:
    t, s = row["bar"], row["symbol_number"]
    bar, price, impact = tape.bars[t, s], row["price"], AT_ONCE
    if row["stage"] == 0 and row["reason"] not in INSIDE and bar["open"] > 0.0:
        adv = tape.facts[t - 1, s]["adv"]
        terms = terms_in(bar, adv, row["units"], rules)
        price, impact = float(terms.price), float(terms.impact)
    return Execution(
        bar=t,
        stage=row["stage"],
        sequence=row["sequence"],
        symbol=row["symbol"],
        strategy=row["strategy"],
        reason=row["reason"],
        units=row["filled"],
        price=row["fill_price"],
        cost=row["cost"],
        model_price=price,
        model_cost=float(cost_of(row["filled"], price, impact, bar, rules)),
    )
