"""Section 8: gates and rooms."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Verdict
from tests.reference import Story
from tests.reference.gates import larger_root
from tests.reference.scenes import FLAT, GONE, closes, market_of, rules_of, story_of, wants


@pytest.mark.parametrize(
    ("verdict", "scene"),
    [
        (Verdict.UNKNOWN_REGIME, {"regime": [-1, -1]}),
        (Verdict.DAILY_TRADES, {"limits": {"daily_trades": 0}}),
        (Verdict.DAY_TRADING, {"day_trading": {"enabled": True, "below": 1e9, "day_trades": 0}}),
        (Verdict.CAPACITY, {"limits": {"max_positions": 0}}),
        (Verdict.CAPITAL, {"weights": [[0.5, 1.0]]}),
        (Verdict.CLOSE_CALL, {"wanted": ([1], [-1])}),
        (Verdict.NOT_TRADABLE, {"bars": [FLAT, GONE]}),
        (Verdict.NOT_TRADABLE, {"facts": {"halted": [False, True]}}),
        (Verdict.BAD_NUMBER, {"budget": math.nan}),
        (Verdict.SYMBOL_HALTED, {"facts": {"halted": [True, False]}}),
        (Verdict.SPREAD, {"facts": {"spread": [0.006, 0.0]}}),
        (Verdict.STRESS, {"regime": [2, 2]}),
        (Verdict.BORROW, {"wanted": ([-1],), "facts": {"borrow_rate": [math.inf, 0.0]}}),
        (Verdict.GROSS, {"limits": {"gross": 0.0}}),
        (Verdict.NET, {"limits": {"net": 0.0}}),
        (Verdict.SECTOR, {"limits": {"sector": 0.0}, "facts": {"sectors": ("banks",)}}),
        (Verdict.CONCENTRATION, {"limits": {"strategy": 0.0}}),
        (Verdict.BETA, {"limits": {"beta": 1.5}}),
        (
            Verdict.LIQUIDITY,
            {
                "bars": [FLAT] * 3,
                "wanted": ([0, 1],),
                "gates": {"participation": 0.05},
                "facts": {"volume": [10.0] * 3},
            },
        ),
        (Verdict.VALUE_AT_RISK, {"gates": {"var": 0.03}}),
        (Verdict.OPEN_RISK, {"poor": {"below": 1e9, "open_risk": 0.0}}),
        (Verdict.TOO_SMALL, {"execution": {"lot": 101.0}}),
        (Verdict.TOO_SMALL, {"sizing": {"risk_per_trade": 0.00001}}),
    ],
)
def test_a_gate_refuses_and_says_which(verdict: Verdict, scene: dict[str, Any]) -> None:
    scene = dict(scene)
    market = market_of(scene.pop("bars", [FLAT, FLAT]), **scene.pop("facts", {}))
    signals, n_bars = wants(market, *scene.pop("wanted", ([1],))), market.n_bars
    story = story_of(
        market,
        signals=signals,
        weights=scene.pop("weights", [[0.5] * signals.n_strategies + [0.0]] * (n_bars - 1)),
        regime=np.array(scene.pop("regime", [0] * n_bars)),
        budgets=np.full((n_bars, 1), scene.pop("budget", 1.0), np.float32),
        rules=rules_of(**scene),
    )
    (decision,) = story.decisions
    assert decision.verdict == verdict
    assert decision.allowed == 0.0
    assert not story.fills


def test_a_strategy_that_means_to_is_heard_in_stress() -> None:
    market = market_of([FLAT, FLAT])
    signals = wants(market, [1])
    object.__setattr__(signals, "stress", np.array([True]))
    story = story_of(market, signals=signals, regime=np.array([2, 2]))
    assert story.decisions[0].verdict == Verdict.PASSED


def test_a_symbol_that_another_strategy_holds_is_a_duplicate() -> None:
    market = market_of([FLAT] * 3)
    story = story_of(market, signals=wants(market, [1, 0], [0, 1]), weights=[[0.5, 0.5, 0.0]] * 2)
    assert [d.verdict for d in story.decisions] == [Verdict.PASSED, Verdict.DUPLICATE]


def test_capital_has_to_last_for_the_costs() -> None:
    rules = rules_of(costs={"half_spread": 0.002, "commission_rate": 0.008})
    story = story_of(market_of([FLAT, FLAT]), rules, weights=[[1.0, 0.95]])
    # What a fill of all of the free 5,000 would cost is kept back; what is bought costs less.
    assert story.fills[0].units == pytest.approx((5_000.0 - 50.0) / 100.0)
    assert story.account.cash == pytest.approx(95_000.0 + 50.0 - 49.5)


def two_symbols(side: int = 1, **sections: Any) -> Story:  # noqa: ANN401
    """Want symbol 0, long, at bar 3, and at bar 4 symbol 1, which did the same until then."""
    moves = closes(100.0, 110.0, 100.0, 100.0, 100.0, 100.0)
    market = market_of(moves, moves, sectors=("banks", "banks"))
    signals = wants(market, [0, 0, 0, 1])
    direction = signals.direction.copy()
    direction[4, 0, 1] = side
    loose = {"position_cap": 1.0, "risk_per_trade": 0.025}
    limits = {"sector": 10.0} | sections.pop("limits", {})
    rules = rules_of(sizing=loose, limits=limits, **sections)
    return story_of(market, rules, replace(signals, direction=direction))


def test_a_twin_of_a_held_symbol_is_correlated() -> None:
    assert two_symbols(gates={"correlation": 0.75}).decisions[1].verdict == Verdict.CORRELATION


def test_a_hedge_may_be_correlated_and_has_more_room() -> None:
    story = two_symbols(
        -1, gates={"correlation": 0.75, "var": 0.02}, limits={"net": 0.1, "beta": 0.1}
    )
    # The first one was clipped, so it asks for the rest at the next close, in vain.
    assert [d.allowed for d in story.decisions] == pytest.approx([0.1, 0.0, -0.2])


@pytest.mark.parametrize(
    ("limit", "rules", "allowed"),
    [
        (Verdict.CAPITAL, {"limits": {"cash_buffer": 0.7}}, 0.1),
        (Verdict.GROSS, {"limits": {"gross": 0.35}}, 0.15),
        (Verdict.NET, {"limits": {"net": 0.33}}, 0.13),
        (Verdict.SECTOR, {"limits": {"sector": 0.25}}, 0.05),
        (Verdict.CONCENTRATION, {"limits": {"strategy": 0.3}}, 0.1),
        (Verdict.BETA, {"limits": {"beta": 0.38}}, 0.18),
        (Verdict.VALUE_AT_RISK, {"gates": {"var": 0.03, "memory": 0.5}}, None),
        # The stop of the first risks 2.5 %, and 1.25 % more is a tenth of the equity.
        (
            Verdict.OPEN_RISK,
            {
                "poor": {
                    "below": 1e9,
                    "open_risk": 0.0375,
                    "position_cap": 1.0,
                    "risk_per_trade": 0.1,
                }
            },
            0.1,
        ),
    ],
)
def test_a_room_clips_what_is_wanted(
    limit: Verdict, rules: dict[str, Any], allowed: float | None
) -> None:
    story = two_symbols(**rules)
    decision = story.decisions[1]
    if allowed is None:
        # ±log 1.1 in sessions 1 and 2, then nothing: the variance was a when the first one was
        # clipped, and is 0.75 a / 1.75 now. It is v (held + x)², as both symbols are twins.
        limit_of_deviation, a = 0.03 / 1.6448536269514722, math.log(1.1) ** 2
        held = limit_of_deviation / math.sqrt(a)
        allowed = limit_of_deviation / math.sqrt(0.75 * a / 1.75) - held
    assert (decision.verdict, decision.limit) == (Verdict.CLIPPED, limit)
    assert decision.wanted == pytest.approx(0.2)
    assert decision.allowed == pytest.approx(allowed, rel=1e-5)


def test_the_larger_root_is_out_of_reach_of_a_small_hedge() -> None:
    # (x − 3)² = 1 at 2 and 4; above that limit before, and still so with less than 2.
    assert larger_root(1.0, -3.0, 8.0, wanted=1.9) == 0.0
    assert larger_root(1.0, -3.0, 8.0, wanted=2.1) == 4.0
    assert larger_root(1.0, 3.0, 9.1, wanted=2.1) == 0.0
