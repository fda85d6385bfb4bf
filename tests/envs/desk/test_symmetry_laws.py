"""What means nothing in random worlds: the order of symbols, other accounts, which way is up."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.desk.book import Book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals
from tests.envs.desk.comparison import assert_same_book, assert_same_records
from tests.envs.desk.steps import (
    FEW,
    PRICES,
    ROUNDING,
    law,
    open_desk,
    seeds,
    tape_of,
    trade_through,
    written,
)
from tests.envs.desk.worlds import FIRST, World, random_rules, random_weights, random_world

# The order of the symbols means nothing.


def shuffled_market(market: Market, order: Any) -> Market:  # noqa: ANN401
    facts = (*PRICES, "volume", "spread", "tradable", "halted", "borrow_rate", "unadjusted")
    columns = {name: getattr(market, name)[:, order] for name in (*facts, "split", "dividend")}
    names = {
        name: tuple(getattr(market, name)[s] for s in order) for name in ("symbols", "sectors")
    }
    return replace(market, **columns, **names)


def partners_in(order: IntArray, partner: IntArray) -> IntArray:
    """Return the places of the same partners after symbols were put in another order."""
    return np.where(partner >= 0, np.argsort(order)[partner], partner)


@FEW
@given(seed=seeds)
def test_the_order_of_the_symbols_means_nothing(seed: int) -> None:
    """Confidences are drawn without ties; betas are off, whose mean over symbols is rounded."""
    world, rng = random_world(seed), np.random.default_rng(seed)
    asked = world.signals.direction != 0
    sure = rng.uniform(0.1, 1.0, asked.shape).astype(np.float32)
    limits = world.rules.limits.model_copy(update={"beta": 100.0})
    world = replace(
        world,
        signals=replace(world.signals, confidence=sure),
        rules=world.rules.model_copy(update={"limits": limits}),
    )
    order = rng.permutation(world.market.n_symbols)
    signals = replace(
        world.signals,
        diamond=world.signals.diamond[:, order],
        share=world.signals.share[:, :, order],
        partner=partners_in(order, world.signals.partner[:, :, order]),
        **{
            name: getattr(world.signals, name)[:, :, order]
            for name in ("direction", "confidence", "stop_distance")
        },
    )
    other = replace(world, market=shuffled_market(world.market, order), signals=signals)
    (own, equity), (changed, other_equity) = trade_through(world), trade_through(other)
    np.testing.assert_array_equal(equity, other_equity)
    for kind in ("fills", "trades", "decisions"):
        records = written(changed, kind).copy()
        records["symbol"] = order[records["symbol"]]
        expected = written(own, kind)
        if kind == "decisions":  # those of one close stand in no particular order
            by = ["bar", "enlarges", "symbol"]
            expected, records = np.sort(expected, order=by), np.sort(records, order=by)
        assert_same_records(expected, records)


# Many accounts at once are each one alone.


@FEW
@given(seed=seeds)
def test_many_accounts_at_once_are_each_one_alone(seed: int) -> None:
    world, rng = random_world(seed), np.random.default_rng(seed)
    tape, n_accounts = tape_of(world), 3
    n_decisions, n_strategies = len(world.weights), world.signals.n_strategies
    weights = np.stack([random_weights(rng, n_decisions, n_strategies) for _ in range(n_accounts)])
    start = np.array([0, 7, 3])  # each stands at a bar of its own

    def trade(accounts: list[int]) -> Desk:
        desk = open_desk(tape, world.rules, len(accounts))
        floor, growth = lend(desk), np.zeros(len(accounts))
        for i in range(n_decisions - int(start.max())):
            at = start[accounts] + i
            desk.book.sleeves["weight"] = weights[accounts, at, :-1]
            desk.book.accounts["cash_weight"] = weights[accounts, at, -1]
            trade_bars(floor, FIRST + at, growth)
        return desk

    many = trade([0, 1, 2])
    for b in range(n_accounts):
        alone = trade([b])
        assert_same_book(Book(*(part[b : b + 1] for part in many.book)), alone.book)
        for kind in ("fills", "trades", "decisions"):
            assert_same_records(written(many, kind, b), written(alone, kind))


# Where the rules are symmetric, a mirrored market under mirrored opinions earns the same.

LEVEL = 128.0  # what every symbol trades for whenever somebody may enter


@dataclass
class Path:
    """Moves of S symbols around the level, (T, S), and where an opinion may open a position."""

    move: FloatArray
    home: BoolArray
    missing: BoolArray


def random_path(rng: np.random.Generator, n_bars: int, n_symbols: int) -> Path:
    """Return paths that leave the level and come back to it for two bars now and then."""
    move = rng.integers(-60, 61, (n_bars, n_symbols)) / 4.0
    rests = rng.random((n_bars, n_symbols)) < 0.35
    rests[1:] |= rests[:-1].copy()
    move[rests] = 0.0
    home = np.zeros(rests.shape, np.bool_)
    home[:-1] = rests[:-1] & rests[1:]
    missing = ~rests & (rng.random(rests.shape) < 0.1)
    return Path(move, home, missing)


def symmetric_rules(seed: int) -> DeskRules:
    """Return random rules of which none tells a long from a short, or looks at a price's level."""
    tree = random_rules(np.random.default_rng(seed)).model_dump()
    # Positions are small, for a cap counts money, of which a long has more when the price rises.
    tree["sizing"] |= {"no_trade_band": 0.99, "smallest_order": 0.0, "position_cap": 1.0}
    tree["sizing"] |= {"risk_per_trade": 0.001, "risk_per_diamond": 0.001, "kelly_fraction": 0.001}
    tree["sizing"]["method"] = "kelly" if tree["sizing"]["method"] == "kelly" else "risk"
    tree["limits"] |= {"allow_short": True, "short_margin": 1.0, "cash_buffer": 0.0, "gross": 10.0}
    tree["limits"] |= {"net": 10.0, "sector": 10.0, "strategy": 10.0, "beta": 100.0}
    tree["gates"] |= {"stress": False, "correlation": 1.0, "var": 1.0, "participation": 1.0}
    tree["costs"] |= dict.fromkeys(
        (
            "half_spread",
            "impact",
            "borrow_rate",
            "commission_rate",
            "commission_per_unit",
            "commission_per_order",
            "commission_minimum",
        ),
        0.0,
    )
    tree["costs"]["spread"] = "fixed"
    tree["execution"] |= {"tick": 0.0, "lot": 0.0}
    tree["portfolio"]["method"] = "independent"
    tree["poor"] |= {"open_risk": 1.0, "position_cap": 1.0, "risk_per_trade": 0.001}
    return DeskRules.model_validate(tree)


def symmetric_world(seed: int, side: int) -> World:
    """Return a market of closes only, above and below the level, or its mirror image."""
    rng, (n_bars, n_strategies, n_symbols) = np.random.default_rng(seed), (60, 3, 5)
    path = random_path(rng, n_bars, n_symbols)
    close = np.where(path.missing, np.nan, LEVEL + side * path.move)
    shape = (n_bars, n_strategies, n_symbols)
    direction = rng.choice([-1, 0, 1], shape)
    # Away from the level an opinion has no confidence: it may close a position and opens none.
    confidence = rng.uniform(0.1, 1.0, shape) * path.home[:, None, :]
    signals = Signals(
        tuple(f"k{k}" for k in range(n_strategies)),
        (0,) * n_strategies,
        (side * direction).astype(np.int8),
        confidence.astype(np.float32),
        rng.choice([0.03125, 0.0625, 0.125], shape).astype(np.float32),
        rng.random((n_bars, n_symbols)) < 0.2,
    )
    market = market_from_prices(
        np.datetime64("2020-01-01") + np.arange(n_bars),
        tuple(f"S{s}" for s in range(n_symbols)),
        {"close": close},
        session=np.arange(n_bars) // 2,
    )
    weights = np.zeros((n_bars - 1 - FIRST, n_strategies + 1))
    weights[:, :-1] = rng.dirichlet(np.full(n_strategies, 2.0))
    return World(
        market,
        signals,
        rng.choice([-1, 0, 4, 8], n_bars, p=[0.1, 0.3, 0.3, 0.3]).astype(np.int8),
        symmetric_rules(seed),
        weights,
        np.zeros((n_bars - 1 - FIRST, 2), np.int64),
    )


def check_symmetry(seed: int) -> None:
    """The same units are bought and sold at prices as far from the level, so profits are equal."""
    (own, equity), (mirror, other_equity) = (
        trade_through(symmetric_world(seed, side)) for side in (1, -1)
    )
    np.testing.assert_allclose(equity, other_equity, rtol=ROUNDING)
    for kind, same, opposite, mirrored in (
        ("fills", ("bar", "symbol", "strategy", "reason"), ("units",), ("price",)),
        ("decisions", ("bar", "symbol", "verdict", "limit"), ("wanted", "allowed"), ()),
        ("trades", ("opened", "closed", "reason", "profit"), ("side",), ("exit_price",)),
    ):
        first, second = written(own, kind), written(mirror, kind)
        assert len(first) == len(second)
        for name in same:
            np.testing.assert_allclose(first[name], second[name], rtol=ROUNDING, atol=1e-6)
        for name in opposite:
            np.testing.assert_allclose(first[name], -second[name], rtol=ROUNDING)
        for name in mirrored:
            np.testing.assert_allclose(first[name] - LEVEL, LEVEL - second[name], atol=ROUNDING)


(
    test_a_mirrored_market_under_mirrored_opinions_earns_the_same,
    test_a_mirrored_market_earns_the_same_in_many_worlds,
) = law(check_symmetry)
