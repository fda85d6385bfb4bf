"""A candidate alone on the desk: exactly a sleeve, and blind to what comes after the stretch."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.regime import detect_regime
from benbot.evolution.ground import Division, Ground, lay_ground, traits_of
from benbot.strategies.catalogue import CATALOGUE
from benbot.strategies.hearing import collect
from tests.evolution.conftest import FIT, REGIME

RULES = {
    "rsi_reversion": {},
    "gap_fade": {},
    "pairs_trading": {"formation": 60, "significance": 0.1, "entry": 1.0},
    "cash_secured_put": {},
}


@pytest.mark.parametrize("rule", RULES)
def test_alone_is_the_sleeve_of_a_world_with_one_strategy(market: Market, rule: str) -> None:
    strategy = CATALOGUE[rule](**RULES[rule])
    whole = lay_ground(market, Span(0, market.n_bars - 1), DeskRules(), REGIME)
    outcome = whole.try_alone(strategy.opinion(market), traits_of(strategy))
    regime = detect_regime(market, REGIME)
    tape = record_tape(market, collect([strategy], market), regime, DeskRules())
    assert np.abs(outcome.growth).sum() > 0.0
    assert np.array_equal(outcome.growth, tape.sleeve_return[1:, 0])


def test_the_future_of_a_stretch_changes_nothing(market: Market, fit: Ground) -> None:
    strategy = CATALOGUE["rsi_reversion"]()
    doubled = market.close.copy()
    doubled[FIT.last + 1 :] *= np.linspace(1.0, 2.0, market.n_bars - FIT.last - 1)[:, None]
    facts = dict.fromkeys(("open", "high", "low", "close"), doubled)
    other = replace(
        market,
        **{
            name: np.where(
                np.arange(market.n_bars)[:, None] > FIT.last, fact, getattr(market, name)
            )
            for name, fact in facts.items()
        },
    )
    changed = lay_ground(other, FIT, DeskRules(), REGIME, Division(3, 2))
    first, second = (
        ground.try_alone(strategy.opinion(ground.market), traits_of(strategy))
        for ground in (fit, changed)
    )
    assert first.n_trades > 0
    assert np.array_equal(first.growth, second.growth)
    assert np.array_equal(first.cases, second.cases)


def test_nothing_behind_the_stretch_is_there(fit: Ground) -> None:
    assert fit.market.n_bars == FIT.last + 1
    assert fit.tape.bars.shape[0] == FIT.n_decisions + 1


def test_cases_hold_the_profit_of_all_round_trips_and_no_more(fit: Ground) -> None:
    strategy = CATALOGUE["ma_crossover"](side="long")
    outcome = fit.try_alone(strategy.opinion(fit.market), traits_of(strategy))
    assert outcome.cases.shape == (3, 2, 9)
    closed = outcome.cases.sum()
    assert closed != 0.0
    assert abs(closed - outcome.growth.sum()) < 0.05  # what is open at the end, and logarithms


def test_folds_and_groups_are_equal_parts(fit: Ground) -> None:
    assert np.bincount(fit.fold).tolist() == [54, 53, 53]
    assert np.bincount(fit.group).tolist() == [3, 3]
