"""An evaluation of strategies that write options: every cent of it, and what it rests on."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.desk.ledger import OPTION_FILL
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Overlay
from benbot.envs.vector import EnvironmentSettings

SPAN = Span(30, 220)
OVERLAYS = np.array([Overlay.COVERED_CALL, Overlay.SECURED_PUT, Overlay.NONE], np.int8)


@pytest.fixture(scope="module")
def evaluated(
    history: History, environment: EnvironmentSettings, quick_regime: RegimeSettings
) -> tuple[History, Evaluation]:
    """Return what equal weights did where two of the three strategies write options."""
    rules = history.rules.model_dump() | {"capital": 3e6}
    rules["options"] |= {"expiries": "weekly", "close_days": 2, "min_days": 10}
    made = prepare(
        history.market,
        replace(history.signals, overlay=OVERLAYS),
        DeskRules.model_validate(rules),
        quick_regime,
    )
    return made, evaluate(equal_weight(made.layout), made, SPAN, environment)


def last_close(market: Market, bar: int, s: int) -> float:
    known = market.close[: bar + 1, s]
    return float(known[np.isfinite(known)][-1])


def test_options_are_on_record_and_their_prices_told_to_be_synthetic(
    evaluated: tuple[History, Evaluation],
) -> None:
    _, one = evaluated
    assert one.options.dtype == OPTION_FILL
    assert set(one.options["overlay"].tolist()) == {Overlay.COVERED_CALL, Overlay.SECURED_PUT}
    assert one.notes == ("option prices are synthetic: trailing volatility + 2 points a year",)


def test_round_trips_and_what_is_still_open_are_all_that_was_earned(
    evaluated: tuple[History, Evaluation],
) -> None:
    made, one = evaluated
    earned = one.trades["profit"].sum() + one.open_trades["profit"].sum()
    assert one.equity[-1] - made.rules.capital == pytest.approx(earned, abs=1e-6 * one.equity[-1])
    costs = one.fills["cost"].sum() + one.options["cost"].sum()
    paid = one.trades["costs"].sum() + one.open_trades["costs"].sum()
    assert paid == pytest.approx(costs)


def test_where_volatilities_are_implied_nothing_is_synthetic(
    evaluated: tuple[History, Evaluation],
    environment: EnvironmentSettings,
    quick_regime: RegimeSettings,
) -> None:
    made, _ = evaluated
    market = replace(made.market, iv=np.array(0.3))
    known = prepare(market, made.signals, made.rules, quick_regime)
    one = evaluate(equal_weight(known.layout), known, SPAN, environment)
    assert one.options.size > 10
    assert one.notes == ()
    assert (one.options["volatility"] == 0.3).all()
