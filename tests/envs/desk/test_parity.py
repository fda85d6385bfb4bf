"""The kernel and the slow oracle, which know nothing of each other, tell the same story."""

from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benbot.envs.arrays import Record
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.portfolio import symbol_budgets
from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.liquidity import estimated_half_spread
from benbot.envs.market.regime import detect_regime
from benbot.strategies.catalogue import RULES
from benbot.strategies.hearing import collect
from tests.envs.desk.option_worlds import EVENTFUL, option_world
from tests.envs.desk.worlds import FIRST, World, random_world
from tests.reference import Story, trade_market

N_WORLDS = 40
N_NIGHTLY = 2_000
N_OPTIONS = 500
SEEDS_OF_TIES = (12, 58, 82, 88, 106)  # a strategy holds what another, of the same score, wins


def trade_kernel(
    world: World, watch: Callable[[Record], None] = lambda account: None
) -> tuple[Desk, list[float]]:
    """Return the desk at the end, and the equity at every close; `watch` sees the account there."""
    tape = record_tape(world.market, world.signals, world.regime, world.rules)
    n_decisions, n_strategies = len(world.weights), world.signals.n_strategies
    book = open_book(1, n_strategies, world.rules.limits.max_positions)
    room = n_decisions * (world.market.n_symbols + 1) * 4
    ledger = open_ledger(1, fills=room, trades=room, decisions=room, options=room)
    desk = Desk(book, tape, world.rules.record(), ledger)
    account = book.accounts[0]
    open_account(book, 0, world.rules.capital, tape.session[FIRST])
    floor, equity, growth = lend(desk), [float(account["equity"])], np.zeros(1)
    for i, weights in enumerate(world.weights):
        book.sleeves["weight"][0], account["cash_weight"] = weights[:-1], weights[-1]
        account["api_failures"], account["stale_quotes"] = world.venue[i]
        trade_bars(floor, np.array([FIRST + i]), growth)
        equity.append(float(account["equity"]))
        watch(account)
    return desk, equity


def tell(world: World) -> Story:
    estimated = world.rules.costs.spread == "estimated"
    estimate = estimated_half_spread(world.market) if estimated else None
    return trade_market(
        world.market,
        world.signals,
        world.regime.astype(np.int64),
        world.rules,
        symbol_budgets(world.market, world.rules.portfolio).multiplier,
        world.weights,
        FIRST,
        venue=world.venue,
        estimate=estimate,
    )


def assert_same_story(world: World) -> Counter[str]:
    """Compare trades, reasons and equity; return how often each reason occurred."""
    health: list[tuple[bool, bool, Breaker]] = []
    desk, equity = trade_kernel(world, lambda account: health.append(health_of(account)))
    story, seen = tell(world), Counter[str]()
    n_symbols = world.market.n_symbols
    assert_allclose(desk.tape.value[:, :, :n_symbols], np.array(story.values), rtol=1e-6)
    assert_allclose(desk.tape.sleeve_return, np.array(story.sleeve_returns), atol=1e-9)
    for kind in ("decisions", "options", "fills", "trades"):
        own = getattr(desk.ledger, kind)[0, : getattr(desk.ledger, f"n_{kind}")[0]]
        told = getattr(story, kind)
        if kind == "decisions":  # those of one close stand in no particular order
            own = np.sort(own, order=["bar", "enlarges", "symbol"])
            told = sorted(told, key=lambda one: (one.bar, one.enlarges, one.symbol))
        names = [field.name for field in fields(told[0])] if told else []
        for i, (row, other) in enumerate(zip(own, told, strict=False)):
            for name in names:
                expected = float(getattr(other, name))
                same = np.isclose(float(row[name]), expected, rtol=1e-9, atol=1e-9, equal_nan=True)
                assert same, f"{kind} {i}: {name} was {row}, the oracle says {other}"
        assert len(own) == len(told), f"{kind}: {len(own)} and {len(told)}"
        if kind == "decisions":
            seen.update(Verdict(code).name for code in own["verdict"])
            seen.update(f"limit {Verdict(code).name}" for code in own["limit"])
        else:
            seen.update(f"{kind} {Exit(code).name}" for code in own["reason"])
    assert_allclose(equity, story.equity, rtol=1e-9)
    assert health == story.health
    return seen


def health_of(account: Record) -> tuple[bool, bool, Breaker]:
    """Return whether the breakers of the day's loss and of the venue are on, and the drawdown's."""
    return (
        bool(account["day_halted"]),
        bool(account["venue_halted"]),
        Breaker(account["drawdown_state"]),
    )


@pytest.mark.parametrize("seed", range(N_WORLDS))
def test_the_kernel_does_what_the_law_says(seed: int) -> None:
    assert_same_story(random_world(seed))


@pytest.mark.parametrize("seed", SEEDS_OF_TIES)
def test_the_kernel_does_what_the_law_says_of_equal_scores(seed: int) -> None:
    assert_same_story(random_world(seed, ties=True))


@pytest.mark.parametrize("seed", EVENTFUL)
def test_the_kernel_does_what_the_law_says_of_options(seed: int) -> None:
    assert_same_story(option_world(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(0, N_OPTIONS, 50))
def test_the_kernel_does_what_the_law_says_of_options_in_many_worlds(first: int) -> None:
    for seed in range(first, first + 50):
        assert_same_story(option_world(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(0, N_NIGHTLY, 100))
def test_the_kernel_does_what_the_law_says_in_many_worlds(first: int) -> None:
    for seed in range(first, first + 100):
        assert_same_story(random_world(seed, ties=seed % 4 == 0))


def reasons_of(world: World) -> set[str]:
    """Return the names of all verdicts, exits and breakers of one world."""
    breakers: list[Breaker] = []
    desk, _ = trade_kernel(world, lambda account: breakers.append(breaker_of(account)))
    fills, options, decisions = (
        getattr(desk.ledger, kind)[0, : getattr(desk.ledger, f"n_{kind}")[0]]
        for kind in ("fills", "options", "decisions")
    )
    verdicts = map(Verdict, decisions["verdict"])
    exits = map(Exit, (*fills["reason"], *options["reason"]))
    return {name_of(one) for one in (*verdicts, *exits, *breakers)}


def name_of(reason: IntEnum) -> str:
    """Return a name that two enums do not share, as their members do that are the same number."""
    return f"{type(reason).__name__}.{reason.name}"


@pytest.mark.nightly
def test_every_reason_occurs_in_several_worlds_and_most_worlds_trade() -> None:
    worlds = (make(seed) for seed in range(200) for make in (random_world, option_world))
    counts = Counter(name for world in worlds for name in reasons_of(world))
    names = map(name_of, (*Verdict, *Exit, *Breaker))
    assert not {name: counts[name] for name in names if counts[name] < 5}
    assert counts["Exit.NONE"] > 300  # worlds in which something was bought


# Beside the defaults: everything that they leave off.
EVERYTHING = {
    "exits": {"target": 4.0, "partial": 2.0},
    "costs": {"commission_per_unit": 0.005, "commission_minimum": 1.0},
    "execution": {"lot": 1.0, "tick": 0.01, "style": "vwap"},
    "day_trading": {"enabled": True},
}


@pytest.mark.nightly
@pytest.mark.shared_data
@pytest.mark.parametrize("rules", [{}, EVERYTHING], ids=["defaults", "everything"])
@pytest.mark.parametrize(
    ("name", "adjust"),
    [
        ("us_stocks_88_daily_2012_2017.parquet", "adj_close"),
        ("us_etfs_stocks_11_daily_1998_2021.parquet", "actions"),
    ],
)
def test_the_kernel_does_what_the_law_says_on_real_prices(
    shared_data: Path, name: str, adjust: str, rules: dict[str, dict[str, object]]
) -> None:
    market = load_files(FilesSource.model_validate({"path": shared_data / name, "adjust": adjust}))
    signals = collect([rule() for rule in RULES], market)
    n_decisions = market.n_bars - 1 - FIRST
    shares = np.random.default_rng(5).dirichlet(np.ones(len(RULES) + 1), n_decisions // 20 + 1)
    world = World(
        market,
        signals,
        detect_regime(market),
        DeskRules.model_validate(rules),
        np.repeat(shares, 20, axis=0)[:n_decisions],
        np.zeros((n_decisions, 2), np.int64),
    )
    seen = assert_same_story(world)
    assert seen["trades STOP"] > 50
