"""Random tapes with other opinions, costs and facts at every bar, as no market has them.

And random rules, and how accounts trade through a tape.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, RecordArray, frozen
from benbot.envs.covariance.rows import bounds, tied_symbols
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import FloorLoan, lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import (
    ACTION,
    BAR,
    CALENDAR,
    FACTS,
    LEG,
    SIZING,
    UNKNOWN_SECTOR,
    VECTOR,
    Tape,
)

T, K, S = 48, 5, 5
PAIRING = 3  # the strategy that trades pairs
PRICES = ["open", "high", "low", "close"]
INF = np.inf


@dataclass
class World:
    """A random tape, and the weights that B accounts choose at each of its bars."""

    tape: Tape
    weights: FloatArray  # (T, B, K+1)

    @property
    def n_accounts(self) -> int:
        return self.weights.shape[1]


def random_world(seed: int, n_accounts: int = 1) -> World:
    rng = np.random.default_rng(seed)
    bars = random_bars(rng)
    missing = np.isnan(bars["close"])
    asked = rng.choice([-1.0, 0.0, 1.0], (T, K, S), p=[0.15, 0.7, 0.15])
    value = np.zeros((T, K, VECTOR), np.float32)
    value[:, :, :S] = asked * rng.uniform(0.0, 0.02, (T, K, S))
    stop = rng.choice([0.01, 0.03, 0.1, 0.5], (T, K, S))
    value[:, :, :S][rng.random((T, K, S)) < 0.02] = np.nan
    stop[rng.random(stop.shape) < 0.02] = np.nan
    legs = random_legs(rng, value)
    session = np.arange(T) // int(rng.integers(1, 5))
    covariance = random_covariances(rng)
    actions = random_actions(rng, bars, missing)
    facts, sizing = random_facts(rng, missing), random_sizing(rng)
    facts["swing"] = bounds(covariance)[session - 1]
    sizing["deviation"] = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))[session - 1]
    facts["beta"][np.isnan(sizing["deviation"])] = np.nan
    facts[["beta", "swing"]][session == 0] = np.nan
    sizing["deviation"][session == 0] = np.nan
    tape = Tape(
        bars=bars,
        actions=actions,
        facts=facts,
        sizing=sizing,
        value=value,
        stop=frozen(stop.astype(np.float32)),
        variance=rng.uniform(0.0005, 0.01, (T, K)),
        covariance=covariance,
        tied=tied_symbols(covariance, 0.75),
        calendar=calendar_of(actions, session),
        session=frozen(session),
        regime=rng.choice([-1, 0, 2, 4, 8], T, p=[0.1, 0.2, 0.1, 0.3, 0.3]).astype(np.int8),
        sleeve_return=rng.normal(0.0, 0.01, (T, K)),
        year_share=np.full(T, 0.01),
        stress=frozen(rng.random(K) < 0.3),
        pairing=frozen(np.where(np.arange(K) == PAIRING, 0, -1)),
        legs=legs,
    )
    weights = rng.dirichlet(np.full(K + 1, 0.5), (T, n_accounts))
    weights[rng.random(weights.shape) < 0.2] = 0.0
    return World(tape, weights)


def random_legs(rng: np.random.Generator, value: Float32Array) -> RecordArray:
    """Return the legs of the strategy that trades pairs, and let it want them or nothing."""
    legs = np.zeros((T, 1, S), LEG)
    legs["partner"] = -1
    value[:, PAIRING] = 0.0
    for t in range(T):
        order = rng.permutation(S)[: 2 * int(rng.integers(0, S // 2 + 1))]
        for i, j in order.reshape(-1, 2):
            legs[t, 0, i], legs[t, 0, j] = (j, 1.0), (i, rng.choice([1.0, 0.4]))
            value[t, PAIRING, [i, j]] = rng.uniform(0.0, 0.05, 2) * rng.permutation([-1.0, 1.0])
    return legs


def random_bars(rng: np.random.Generator) -> RecordArray:
    """Return bars with jumps; whole bars and the spread of others are missing."""
    close = 50.0 * np.exp(np.cumsum(0.03 * rng.standard_t(2.5, (T, S)).clip(-20.0, 20.0), axis=0))
    bars = np.zeros((T, S), BAR)
    bars["close"] = close
    bars["open"] = close * np.exp(rng.normal(0.0, 0.02, (T, S)))
    bars["high"] = np.maximum(bars["open"], close) * rng.uniform(1.0, 1.05, (T, S))
    bars["low"] = np.minimum(bars["open"], close) * rng.uniform(0.95, 1.0, (T, S))
    missing = rng.random((T, S)) < 0.1
    missing[rng.integers(5, T) :, 0] = True
    for name in PRICES:
        bars[name][missing] = np.nan
    bars["half_spread"] = rng.choice([0.0, 0.0005, 0.005], (T, S))
    bars["impact"] = rng.choice([0.0, 1e-5], (T, S))
    bars["room"] = rng.choice([INF, 5_000.0, 500.0, 0.0], (T, S), p=[0.7, 0.2, 0.05, 0.05])
    bars["borrow_rate"] = rng.choice([0.0, 0.05, 0.4, INF], (T, S), p=[0.4, 0.5, 0.05, 0.05])
    return bars


def random_actions(rng: np.random.Generator, bars: RecordArray, missing: BoolArray) -> RecordArray:
    """Return splits and dividends, or none, and let the prices of `bars` fall by the splits."""
    actions = np.zeros((T, S), ACTION)
    actions["split"] = 1.0
    if rng.random() < 0.5:
        actions["split"] = rng.choice([1.0, 2.0, 0.1, 1.5], (T, S), p=[0.94, 0.03, 0.01, 0.02])
        for name in PRICES:
            bars[name] /= np.cumprod(actions["split"], axis=0)
        pays = rng.random((T - 1, S)) < 0.05
        actions["dividend"][1:] = np.where(pays & ~missing[:-1], 0.02 * bars["close"][:-1], 0.0)
        actions["dividend"] /= actions["split"]
    return actions


def random_facts(rng: np.random.Generator, missing: BoolArray) -> RecordArray:
    facts = np.zeros((T, S), FACTS)
    facts["adv"] = rng.choice([INF, 1e6, 1e5], (T, S), p=[0.5, 0.4, 0.1])
    facts["age"] = age_of(missing)
    facts["age"][rng.random((T, S)) < 0.03] = INF
    facts["beta"] = rng.normal(1.0, 0.7, (T, S))
    facts["sector"] = rng.choice([UNKNOWN_SECTOR, 0, 1], S)
    return facts


def random_sizing(rng: np.random.Generator) -> RecordArray:
    sizing = np.zeros((T, S), SIZING)
    sizing["budget"] = rng.choice([1.0, 0.5, 2.0, 0.0], (T, S), p=[0.7, 0.1, 0.1, 0.1])
    sizing["diamond"] = rng.random((T, S)) < 0.1
    return sizing


def random_covariances(rng: np.random.Generator) -> FloatArray:
    """Return one row a session, of which some symbols are known only from a later one on."""
    moves = rng.choice([0.005, 0.02]) * rng.normal(size=(T, 2 * S, S))
    moves += 0.02 * rng.normal(size=(T, 2 * S, 1))
    rows = np.einsum("rfi,rfj->rij", moves, moves) / (2 * S)
    young = np.arange(T)[:, None] < rng.choice([0, 0, 0, 5], S)
    rows[young[:, :, None] | young[:, None, :]] = np.nan
    return rows.astype(np.float32)


def age_of(missing: BoolArray) -> FloatArray:
    bar = np.arange(T)[:, None]
    age: FloatArray = bar - np.maximum.accumulate(np.where(missing, -INF, bar), axis=0)
    return age


def calendar_of(actions: RecordArray, session: Any) -> RecordArray:  # noqa: ANN401
    """Return the calendar of a tape whose covariances have a row for every session."""
    calendar = np.zeros(T, CALENDAR)
    calendar["risk_row"] = session - 1
    calendar["has_action"] = ((actions["split"] != 1.0) | (actions["dividend"] != 0.0)).any(axis=1)
    return calendar


def spliced(tape: Tape, other: Tape, t: int, kept: tuple[str, ...] = ()) -> Tape:
    """Return a tape that is the other from the bar after `t` on, but for the arrays in `kept`.

    The covariances that are not known at bar `t` are the other's.
    """
    n_covariances = int(tape.calendar["risk_row"][t]) + 1
    known = {"covariance": n_covariances, "tied": n_covariances + 1}
    parts: dict[str, Any] = {}
    for name, array in tape._asdict().items():
        if name in ("stress", "pairing", *kept):
            continue
        n = known.get(name, t + 1)
        changed = np.concatenate([array[:n], getattr(other, name)[n:]])
        parts[name] = changed if array.flags.writeable else frozen(changed)
    return tape._replace(**parts)


# Rules.

fractions = st.sampled_from
rule_books = st.builds(
    lambda **sections: DeskRules.model_validate(sections),
    capital=fractions([20_000.0, 100_000.0]),
    sizing=st.fixed_dictionaries(
        {
            "risk_per_trade": fractions([0.002, 0.01, 0.05]),
            "position_cap": fractions([0.05, 0.1, 0.6]),
            "no_trade_band": fractions([0.0, 0.25]),
            "method": fractions(["risk", "risk", "volatility", "kelly"]),
            "smallest_order": fractions([0.0, 100.0]),
            "scale_after": fractions([1, 10]),
        }
    ),
    limits=st.fixed_dictionaries(
        {
            "max_positions": fractions([1, 3, 10]),
            "daily_trades": fractions([50, 50, 50, 2, 0]),
            "cash_buffer": fractions([0.0, 0.05]),
            "allow_short": st.booleans(),
            "gross": fractions([0.3, 1.5]),
            "net": fractions([0.2, 1.0]),
            "beta": fractions([0.3, 1.5, 100.0]),
        }
    ),
    gates=st.fixed_dictionaries(
        {
            "stress": st.booleans(),
            "correlation": fractions([0.75, 1.0]),
            "var": fractions([0.01, 0.03, 1.0]),
            "participation": fractions([0.05, 1.0]),
            "spread": fractions([0.005, 1.0]),
            "age": fractions([0.0, 2.0]),
        }
    ),
    execution=st.fixed_dictionaries(
        {
            "style": fractions(["open", "twap", "vwap", "almgren_chriss"]),
            "large": fractions([0.0, 0.01]),
            "lot": fractions([0.0, 1.0]),
            "tick": fractions([0.0, 0.01]),
        }
    ),
    day_trading=st.fixed_dictionaries({"enabled": st.booleans(), "day_trades": fractions([0, 3])}),
    breakers=st.fixed_dictionaries(
        {"drawdown": fractions([0.05, 1.0]), "daily_loss": fractions([0.02, 1.0])}
    ),
    costs=st.fixed_dictionaries(
        {
            "half_spread": fractions([0.0, 0.0005]),
            "commission_rate": fractions([0.0, 0.0001]),
            "commission_minimum": fractions([0.0, 1.0]),
        }
    ),
    exits=st.fixed_dictionaries(
        {
            "target": fractions([0.0, 2.0]),
            "partial": fractions([0.0, 1.0]),
            "time_stop": fractions([1, 5, 63]),
            "delisted_after": fractions([1, 10]),
        }
    ),
)
seeds = st.integers(0, 2**32 - 1)


# Trading.


def open_desk(world: World, rules: DeskRules, room: int = 0) -> Desk:
    n_accounts = world.n_accounts
    book = open_book(n_accounts, K, rules.limits.max_positions)
    for b in range(n_accounts):
        open_account(book, b, rules.capital, world.tape.session[0])
    ledger = open_ledger(n_accounts, fills=room, trades=room, decisions=room)
    return Desk(book, world.tape, rules.record(), ledger)


def trade(floor: FloorLoan, world: World, t: int) -> FloatArray:
    book = floor.lent.desk.book
    book.sleeves["weight"] = world.weights[t, :, :K]
    book.accounts["cash_weight"] = world.weights[t, :, K]
    growth = np.zeros(world.n_accounts)
    trade_bars(floor, np.full(world.n_accounts, t), growth)
    return growth


def trade_through(world: World, rules: DeskRules, room: int = 0, n_bars: int = T - 1) -> Desk:
    desk = open_desk(world, rules, room)
    floor = lend(desk)
    for t in range(n_bars):
        trade(floor, world, t)
    return desk


def with_section(rules: DeskRules, name: str, **changed: float | str) -> DeskRules:
    """Return the rules with some fields of a section changed."""
    section = getattr(rules, name).model_copy(update=changed)
    return rules.model_copy(update={name: section})
