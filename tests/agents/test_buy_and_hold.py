"""The universe, bought once: against a computation by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.buy_and_hold import INVESTED, buy_and_hold
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings

RATE = 0.0015  # of the notional: half the spread and the commission
RULES = DeskRules(
    capital=10_000.0, costs=Costs(half_spread=0.001, commission_rate=0.0005, impact=0.0)
)
SETTINGS = EnvironmentSettings(episode_bars=5, ruin=0.5)


@pytest.fixture
def held(
    plain_market: Callable[[FloatArray, FloatArray], Market], quick_regime: RegimeSettings
) -> Callable[..., History]:
    """Return a maker of histories in which the regime is known at every bar but a few."""

    def make(
        close: FloatArray,
        opened: FloatArray,
        unknown: int = 0,
        known: int = 4,
        rules: DeskRules = RULES,
    ) -> History:
        market = plain_market(close, opened)
        market = replace(market, volume=np.where(market.tradable, 1.0, np.nan))  # hardly any
        nothing = np.zeros((market.n_bars, 1, market.n_symbols))
        signals = Signals(("idle",), (0,), nothing, nothing, nothing)
        history = prepare(market, signals, rules, quick_regime)
        regime = np.where(np.arange(market.n_bars) < unknown, -1, known).astype(np.int8)
        return replace(history, tape=history.tape._replace(regime=regime))

    return make


def test_equal_parts_are_bought_at_the_first_open_and_held(held: Callable[..., History]) -> None:
    close = np.array([[10, 20], [11, 20], [13, 18], [12, 10], [20, 4.0]])
    opened = np.array([[10, 20], [10.5, 21], [11, 20], [13, 18], [12, 10.0]])
    result = buy_and_hold(held(close, opened), Span(0, 4), SETTINGS)

    units = INVESTED / 2 * 10_000.0 / close[0]
    cash = 10_000.0 - (1.0 + RATE) * units @ opened[1]
    np.testing.assert_allclose(result.equity[0], 10_000.0)
    np.testing.assert_allclose(result.equity[1:], cash + close[1:] @ units, rtol=1e-12)
    np.testing.assert_allclose(result.fills["units"], units, rtol=1e-12)
    np.testing.assert_allclose(result.fills["cost"], RATE * units * opened[1], rtol=1e-12)
    assert result.fills["bar"].tolist() == [1, 1]
    assert (result.turnover[1:] == 0.0).all()
    assert len(result.trades) == 0


def test_what_is_listed_later_is_never_bought(held: Callable[..., History]) -> None:
    close = np.full((8, 3), 10.0)
    close[:3, 1] = np.nan
    result = buy_and_hold(held(close, close.copy()), Span(1, 7), SETTINGS)
    assert result.fills["symbol"].tolist() == [0, 2]
    assert result.exposure[-1] == pytest.approx(INVESTED, rel=5e-3)


def test_the_money_of_what_was_delisted_buys_nothing_new(held: Callable[..., History]) -> None:
    close = np.full((40, 3), 10.0)
    close[10:, 0] = np.nan
    close[:5, 1] = np.nan
    result = buy_and_hold(held(close, close.copy()), Span(0, 39), SETTINGS)
    assert result.trades["symbol"].tolist() == [0]
    assert set(result.fills["symbol"].tolist()) == {0, 2}


def test_what_is_delisted_becomes_cash_and_nothing_else_is_ever_sold(
    held: Callable[..., History],
) -> None:
    close = np.full((40, 3), 10.0)
    close[10:, 0] = np.nan
    result = buy_and_hold(held(close, close.copy()), Span(0, 39), SETTINGS)
    assert result.trades["symbol"].tolist() == [0]
    assert result.trades["reason"].tolist() == [Exit.DELISTED]
    assert result.exposure[-1] == pytest.approx(INVESTED * 2 / 3, rel=1e-2)


def test_it_waits_until_the_regime_is_known(held: Callable[..., History]) -> None:
    close = np.full((10, 2), 10.0)
    result = buy_and_hold(held(close, close.copy(), unknown=4), Span(1, 9), SETTINGS)
    assert result.fills["bar"].tolist() == [5, 5]


def test_nothing_makes_it_sell_not_even_a_fall_that_ruins_others(
    held: Callable[..., History],
) -> None:
    close = np.repeat(np.array([[10.0], [10.0], [6.0], [1.0], [0.5], [30.0], [40.0]]), 2, axis=1)
    result = buy_and_hold(held(close, close.copy()), Span(0, 6), SETTINGS)
    assert len(result.trades) == 0
    assert result.equity[4] < 1_000.0
    assert result.equity[-1] == pytest.approx(4.0 * INVESTED * 10_000.0, rel=0.01)
    assert not result.breaker.any()


def test_more_symbols_than_an_account_may_hold_are_all_bought(
    held: Callable[..., History],
) -> None:
    close = np.full((6, 60), 10.0)
    result = buy_and_hold(held(close, close.copy()), Span(0, 5), SETTINGS)
    assert sorted(result.fills["symbol"].tolist()) == list(range(60))
    assert result.name == "buy_and_hold"


STRICT: dict[str, dict[str, Any]] = {
    "sizing": {"method": "kelly", "smallest_order": 1_000.0},
    "limits": dict.fromkeys(("gross", "net", "sector", "strategy", "beta"), 0.01),
    "gates": {"spread": 1e-6, "var": 1e-6, "participation": 1e-6, "correlation": 0.01},
    "costs": {**RULES.costs.model_dump(), "participation": 1e-6},
    "portfolio": {"method": "inverse_volatility"},
    "execution": {"style": "vwap", "large": 0.0, "lot": 1_000.0},
    "exits": {"partial": 0.1, "target": 0.2, "diamond_time_stop": 1},
    "day_trading": {"enabled": True, "day_trades": 0},
}


@pytest.mark.parametrize("section", STRICT)
def test_no_rule_of_the_desk_keeps_it_from_buying(
    held: Callable[..., History], section: str
) -> None:
    rules = DeskRules.model_validate(
        RULES.model_dump() | {section: getattr(RULES, section).model_dump() | STRICT[section]}
    )
    rng = np.random.default_rng(0)
    close = 10.0 * np.exp(np.cumsum(rng.normal(0.0, 0.1, (60, 3)), axis=0))
    results = [
        buy_and_hold(held(close, close.copy(), known=regime, rules=each), Span(40, 59), SETTINGS)
        for regime, each in ((4, RULES), (2, rules))
    ]
    assert len(results[0].fills) == 3
    np.testing.assert_array_equal(results[1].fills, results[0].fills)
    np.testing.assert_array_equal(results[1].equity, results[0].equity)
