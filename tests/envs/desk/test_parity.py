"""The kernel and the slow oracle, which know nothing of each other, tell the same story."""

from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk, bare
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.portfolio import symbol_budgets
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.liquidity import estimated_half_spread
from benbot.envs.market.regime import detect_regime
from benbot.strategies.base import collect
from benbot.strategies.catalogue import RULES
from tests.envs.desk.worlds import FIRST, World, random_world
from tests.reference import Story, trade_market

N_WORLDS = 40
N_NIGHTLY = 2_000


def trade_kernel(world: World) -> tuple[Desk, list[float]]:
    """Return the desk at the end, and the equity at every close."""
    tape = record_tape(world.market, world.signals, world.regime, world.rules)
    n_decisions, n_strategies = len(world.weights), world.signals.n_strategies
    book = open_book(1, n_strategies, world.rules.limits.max_positions)
    room = n_decisions * (world.market.n_symbols + 1) * 4
    desk = Desk(
        book, tape, world.rules.record(), open_ledger(1, fills=room, trades=room, decisions=room)
    )
    account = book.accounts[0]
    open_account(book, 0, world.rules.capital, tape.session[FIRST])
    equity, growth = [float(account["equity"])], np.zeros(1)
    for i, weights in enumerate(world.weights):
        book.sleeves["weight"][0], account["cash_weight"] = weights[:-1], weights[-1]
        account["api_failures"], account["stale_quotes"] = world.venue[i]
        trade_bars(bare(desk), np.array([FIRST + i]), growth)
        equity.append(float(account["equity"]))
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
    desk, equity = trade_kernel(world)
    story, seen = tell(world), Counter[str]()
    n_symbols = world.market.n_symbols
    assert_allclose(desk.tape.value[:, :, :n_symbols], np.array(story.values), rtol=1e-6)
    assert_allclose(desk.tape.sleeve_return, np.array(story.sleeve_returns), atol=1e-9)
    for kind in ("decisions", "fills", "trades"):
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
    return seen


@pytest.mark.parametrize("seed", range(N_WORLDS))
def test_the_kernel_does_what_the_law_says(seed: int) -> None:
    assert_same_story(random_world(seed))


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(0, N_NIGHTLY, 100))
def test_the_kernel_does_what_the_law_says_in_many_worlds(first: int) -> None:
    for seed in range(first, first + 100):
        assert_same_story(random_world(seed))


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
