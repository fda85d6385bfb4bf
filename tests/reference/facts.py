"""Section 2: what the desk knows of symbols. Rows are bars, columns symbols, unless said otherwise.

Prices are those that are traded; returns are those of adjusted closes, which splits do not move;
money traded is adjusted close × volume, because the market's volume is adjusted the other way.
"""

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import PRICES, Market
from tests.reference.risk import Risk

Column = list[float]
Table = list[list[float]]

IMPACT_MEMORY = 0.94
DAYS = 20
NANOSECONDS_A_DAY = 86_400 * 10**9
NANOSECONDS_A_YEAR = 365 * NANOSECONDS_A_DAY


class Facts:
    """Every fact of a market that the desk asks for."""

    def __init__(self, market: Market, rules: DeskRules, estimate: Table | None) -> None:
        self.session: list[int] = market.session.tolist()
        self.sectors = market.sectors
        self.n_bars, self.n_symbols = market.n_bars, market.n_symbols
        stamps = market.timestamps.astype("int64").tolist()
        self.years = [0.0] + [(b - a) / NANOSECONDS_A_YEAR for a, b in pairwise(stamps)]
        self.split, self.dividend = (
            table_of(market, "split", 1.0),
            table_of(market, "dividend", 0.0),
        )
        self.halted = table_of(market, "halted", False)
        factor = table_of(market, "unadjusted", 1.0)
        self.open, self.high, self.low, self.close = (
            times(getattr(market, name).tolist(), factor) for name in PRICES
        )
        adjusted = columns(market.close.tolist())
        money = [
            money_traded(c, v)
            for c, v in zip(adjusted, columns(market.volume.tolist()), strict=True)
        ]
        self.half_spread = half_spreads(market, rules, estimate)
        impact = rules.costs.impact
        self.impact = columns(impacts(c, m, impact) for c, m in zip(adjusted, money, strict=True))
        self.adv = columns(daily_values(m, self.session) for m in money)
        self.room = rooms_to_fill(columns(money), self.halted, rules.costs.participation)
        self.room = [
            [math.inf if math.isnan(close) else room for room, close in zip(*rows, strict=True)]
            for rows in zip(self.room, self.close, strict=True)
        ]
        self.age = columns(ages(c, h) for c, h in zip(adjusted, columns(self.halted), strict=True))
        self.borrow_rate = [
            [rules.costs.borrow_rate if math.isnan(rate) else rate for rate in row]
            for row in table_of(market, "borrow_rate", math.nan)
        ]
        self.risk = Risk(adjusted, self.session, rules.gates)
        self.day = session_days(stamps, self.session)
        self.iv = table_of(market, "iv", math.nan)

    def rebased_close(self, t: int, s: int) -> float:
        """Return the close of bar t as orders of bar t + 1 see it (section 5)."""
        return self.close[t][s] / self.split[t + 1][s] - self.dividend[t + 1][s]


def session_days(stamps: list[int], session: list[int]) -> list[int]:
    """Return the date on which the session of each bar began, in days since 1970."""
    began: dict[int, int] = {}
    for stamp, number in zip(stamps, session, strict=True):
        began.setdefault(number, (stamp - 1) // NANOSECONDS_A_DAY)
    return [began[number] for number in session]


def table_of(market: Market, name: str, neutral: float) -> Table:
    """Return a fact as rows; `neutral` everywhere in a market that does not have it."""
    fact = getattr(market, name, None)
    if fact is None:
        return [[neutral] * market.n_symbols for _ in range(market.n_bars)]
    rows: Table = fact.tolist()
    return rows


def columns(rows: Sequence[Sequence[float]]) -> Table:
    """Return rows as columns, and columns as rows."""
    return [list(column) for column in zip(*rows, strict=True)]


def times(a: Table, b: Table) -> Table:
    return [
        [x * y for x, y in zip(row, other, strict=True)] for row, other in zip(a, b, strict=True)
    ]


def money_traded(closes: Column, volumes: Column) -> Column:
    """Return close × volume of one symbol, NaN where its volume is unknown or it has no price."""
    money, ever = [], False
    for close, volume in zip(closes, volumes, strict=True):
        ever = ever or volume > 0.0
        money.append(close * volume if ever else math.nan)
    return money


def half_spreads(market: Market, rules: DeskRules, estimate: Table | None) -> Table:
    """Return half the quoted spread; where there is none, the estimate or the rules' own."""
    fixed = rules.costs.half_spread
    fallback = [[fixed] * market.n_symbols for _ in range(market.n_bars)]
    if rules.costs.spread == "estimated":
        if estimate is None:
            raise ValueError(
                "costs.spread: estimated needs the estimates of half spreads, was None"
            )
        fallback = columns(
            estimates_before(c, e, fixed)
            for c, e in zip(columns(market.close.tolist()), columns(estimate), strict=True)
        )
    return [
        [other if math.isnan(quoted) else 0.5 * quoted for quoted, other in zip(*rows, strict=True)]
        for rows in zip(market.spread.tolist(), fallback, strict=True)
    ]


def estimates_before(closes: Column, estimates: Column, fixed: float) -> Column:
    """Return the estimate of the traded bar before each bar, `fixed` where there is none."""
    known, before = fixed, []
    for close, estimate in zip(closes, estimates, strict=True):
        before.append(fixed if math.isnan(close) else known)
        if not math.isnan(close):
            known = fixed if math.isnan(estimate) else estimate
    return before


def impacts(closes: Column, money: Column, y: float) -> Column:
    """Return Y σ / √V of each bar of one symbol, from its traded bars before it."""
    found = []
    variance = last = math.nan
    traded: deque[float] = deque(maxlen=DAYS)
    for close, paid in zip(closes, money, strict=True):
        value = sum(traded) / len(traded) if traded else 0.0
        known = value > 0.0 and not math.isnan(variance) and not math.isnan(close)
        found.append(y * math.sqrt(variance) / math.sqrt(value) if known else 0.0)
        if math.isnan(close):
            continue
        if not math.isnan(last):
            square = math.log(close / last) ** 2
            older = square if math.isnan(variance) else variance
            variance = IMPACT_MEMORY * older + (1.0 - IMPACT_MEMORY) * square
        last = close
        traded.append(0.0 if math.isnan(paid) else paid)
    return found


def daily_values(money: Column, session: list[int]) -> Column:
    """Return ADV at the close of each bar of one symbol, from the sessions before its own."""
    values = []
    days: deque[float] = deque(maxlen=DAYS)
    today, known = 0.0, False
    for t, paid in enumerate(money):
        if t and session[t] != session[t - 1]:
            if known:
                days.append(today)
            today, known = 0.0, False
        if not math.isnan(paid):
            today, known = today + paid, True
        values.append(sum(days) / len(days) if days else math.inf)
    return values


def rooms_to_fill(money: Table, halted: Table, participation: float) -> Table:
    """Return the money that an order may fill in each bar."""
    return [
        [
            0.0 if stopped else math.inf if math.isnan(paid) else participation * paid
            for paid, stopped in zip(*rows, strict=True)
        ]
        for rows in zip(money, halted, strict=True)
    ]


def ages(closes: Column, halted: Column) -> Column:
    """Return the bars since one symbol last had a price, infinite where it cannot be traded."""
    found, age = [], math.inf
    for close, stopped in zip(closes, halted, strict=True):
        age = age + 1.0 if math.isnan(close) else 0.0
        found.append(math.inf if stopped else age)
    return found
