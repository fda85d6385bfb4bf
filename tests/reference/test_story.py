"""Sections 6 and 13: candidates, sleeves and a whole story."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.signals import Signals
from tests.reference.book import Position
from tests.reference.record import Record
from tests.reference.scenes import FLAT, closes, market_of, rules_of, story_of, wants


@pytest.mark.parametrize(
    ("confidence", "heard"),
    [
        ([[0.3, 0.5], [0.5, 0.4]], [(0, 1), (1, 0)]),  # as strong: the first symbol is first
        ([[0.3, 0.5], [0.4, 0.4]], [(1, 0), (0, 1)]),
        ([[0.5, 0.5], [0.5, 0.5]], [(0, 0), (1, 0)]),  # as strong: the first strategy wins
    ],
)
def test_the_strongest_score_wins_its_symbol_and_is_heard_first(
    confidence: list[list[float]], heard: list[tuple[int, int]]
) -> None:
    market = market_of([FLAT, FLAT], [FLAT, FLAT])
    signals = wants(market, [1], [1])
    direction = np.ones_like(signals.direction)
    signals = replace(signals, direction=direction, confidence=np.array([confidence] * 2))
    story = story_of(market, signals=signals, weights=[[0.5, 0.5, 0.0]])
    assert [(d.symbol, d.strategy) for d in story.decisions] == heard


def test_expected_value_is_shrunk_to_what_is_known_of_the_strategy() -> None:
    record = Record()
    for value, regime, symbol in ((0.05, 1, 0), (-0.01, 1, 1), (0.02, 0, 0)):
        record.add(value, regime, symbol)
    overall = (20 * 0.002 + 0.06) / 23
    here, own = (20 * overall + 0.04) / 22, (20 * overall + 0.07) / 22
    rules = DeskRules()
    assert record.expected(rules, 1, 0) == pytest.approx(here + own - overall)
    assert record.expected(rules, -1, 0) == pytest.approx(own)
    assert record.expected(rules, 2, 3) == pytest.approx(overall)
    assert record.variance(rules) == pytest.approx((20 * 0.0025 + 0.0030) / 23)


def test_a_sleeve_trades_its_strategy_alone_and_teaches_its_value() -> None:
    market = market_of([FLAT, FLAT, (85.0, 95.0, 80.0, 95.0), FLAT, FLAT])
    signals = wants(market, [1, 0, 0, 1], [0, 0, 0, 1])
    story = story_of(market, signals=signals, weights=[[0.0, 0.0, 1.0]] * 4)
    assert story.equity == [100_000.0] * 5
    assert story.sleeve_returns[2] == [pytest.approx(math.log(0.985)), 0.0]
    # The only trade returned −15 %, decided in this regime and in this symbol.
    assert story.values[2] == [[0.0], [0.0]]
    assert story.values[3][0][0] == pytest.approx(0.0001, rel=1e-6)
    assert story.values[3][1][0] == pytest.approx(0.002, rel=1e-6)


def test_a_ruined_sleeve_is_opened_anew() -> None:
    crash = (0.1, 0.1, 0.1, 0.1)
    market = market_of([FLAT, FLAT, crash, crash, crash])
    rules = rules_of(
        sizing={"risk_per_trade": 0.125, "position_cap": 1.0},
        limits={"cash_buffer": 0.0},
        costs={"commission_minimum": 500.0},
    )
    signals = wants(market, [1, 0, 1])
    story = story_of(market, rules, signals, weights=[[0.0, 1.0]] * 4)
    assert story.sleeve_returns[2] == [-5.0]
    assert story.sleeve_returns[3] == [pytest.approx(math.log(0.995))]


def test_an_account_knows_nothing_of_the_bars_after() -> None:
    rng = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(0.03 * rng.standard_normal((40, 2)), axis=0))
    market = market_of(*(closes(*close[:, s].tolist()) for s in range(2)))
    direction = rng.choice([-1, 0, 1], (40, 2, 2))
    signals = replace(wants(market, [1], [1]), direction=direction)
    weights = rng.dirichlet(np.ones(3), 39)
    whole = story_of(market, rules_of(), signals, weights)
    short = Signals(
        signals.strategies,
        signals.warmup,
        direction[:30],
        signals.confidence[:30],
        signals.stop_distance[:30],
    )
    part = story_of(market.until(30), rules_of(), short, weights[:29])
    assert len(whole.fills) > 20
    assert part.equity == whole.equity[:30]
    assert part.values == whole.values[:30]
    assert part.fills == [fill for fill in whole.fills if fill.bar < 30]


def test_equity_is_what_was_earned() -> None:
    rng = np.random.default_rng(5)
    close = 50.0 * np.exp(np.cumsum(0.03 * rng.standard_normal((120, 3)), axis=0))
    opened = close * np.exp(0.01 * rng.standard_normal(close.shape))
    high, low = 1.01 * np.maximum(opened, close), 0.99 * np.minimum(opened, close)
    candles = np.stack([opened, high, low, close], axis=-1).transpose(1, 0, 2)
    market = market_of(
        *candles.tolist(),
        volume=rng.uniform(1e3, 1e5, close.shape),
        split=rng.choice([1.0] * 9 + [2.0], close.shape),
        dividend=rng.choice([0.0] * 9 + [0.5], close.shape),
    )
    direction = rng.choice([-1, 0, 1], (30, 2, 3)).repeat(4, axis=0)
    rules = DeskRules().model_copy(update={"breakers": rules_of().breakers})
    exits = rules.exits.model_copy(update={"partial": 0.5, "target": 2.0})
    story = story_of(
        market,
        rules.model_copy(update={"exits": exits}),
        replace(wants(market, [1], [1]), direction=direction),
        rng.dirichlet(np.ones(3), 119),
    )
    earned = sum(trade.profit for trade in story.trades)
    open_profit = sum(
        p.realised + p.income - p.costs + p.units * (p.last_price - p.entry_price)
        for p in story.positions
    )
    assert {trade.side for trade in story.trades} == {-1, 1}
    assert any(trade.income for trade in story.trades)
    assert story.equity[-1] == pytest.approx(100_000.0 + earned + open_profit, rel=1e-12)


def test_a_position_has_the_sign_of_its_side() -> None:
    position = Position(0, 0, False, 1, base_units=-5.0, last_price=10.0, units=-5.0)
    assert (position.side, position.worth) == (-1, -50.0)
