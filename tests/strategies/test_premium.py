"""Strategies that write options, on prices short enough to check by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.signals import Overlay, Signals
from benbot.strategies.hearing import collect
from benbot.strategies.premium import PremiumSeller
from benbot.strategies.rules.cash_secured_put import CashSecuredPut
from benbot.strategies.rules.covered_call import CoveredCall
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover

MarketOf = Callable[..., Market]
N_BARS = 40
STEP = 0.01


def prices(up: int, last: int = 21) -> np.ndarray:
    """Return closes that go up and down by turns, and in the last bars up so many times."""
    steps = np.where(np.arange(N_BARS) % 2, STEP, -STEP)
    steps[-last:] = np.repeat([STEP, -STEP], [up, last - up])
    return 100.0 * np.exp(np.cumsum(steps))


def evidence(strategy: PremiumSeller, market: Market) -> float:
    return float(strategy.evidence(market)[-1, 0])


@pytest.mark.parametrize("up", [9, 10, 11, 12])
def test_a_call_suits_what_rises_a_little(market_of: MarketOf, up: int) -> None:
    trend = (2 * up - 21) / np.sqrt(21.0)  # each step is one deviation
    expected = 1.0 - abs(trend - 0.5) / 1.5
    assert evidence(CoveredCall(), market_of(prices(up))) == pytest.approx(expected)


def test_options_that_imply_twice_the_movement_are_worth_twice_as_much(market_of: MarketOf) -> None:
    market = market_of(prices(11))
    plain = evidence(CoveredCall(), market)
    realised = STEP * np.sqrt(252.0)
    for times, counted in ((2.0, 2.0), (0.5, 0.5), (9.0, 3.0), (0.01, 1.0 / 3.0)):
        dear = replace(market, iv=np.full((N_BARS, 1), times * realised))
        assert evidence(CoveredCall(), dear) == pytest.approx(counted * plain)


def test_a_fall_ends_what_is_held_and_opens_nothing(market_of: MarketOf) -> None:
    market = market_of(prices(3))
    trend = (6 - 21) / np.sqrt(21.0)
    assert evidence(CoveredCall(), market) == pytest.approx(trend + 2.0)
    opinion = CoveredCall().opinion(market)
    assert opinion.direction[-1, 0] == -1
    assert opinion.confidence[-1, 0] == 0.0


def test_a_put_suits_what_is_a_little_down(market_of: MarketOf) -> None:
    down, up = market_of(prices(10)), market_of(prices(13))
    assert evidence(CashSecuredPut(), down) > evidence(CashSecuredPut(), up)
    assert evidence(CoveredCall(), up) > evidence(CoveredCall(), down)


def test_the_desk_hears_which_options_a_strategy_writes(market_of: MarketOf) -> None:
    strategies = [CoveredCall(), MovingAverageCrossover(), CashSecuredPut()]
    signals = collect(strategies, market_of(prices(11)))
    assert signals.overlay.tolist() == [Overlay.COVERED_CALL, Overlay.NONE, Overlay.SECURED_PUT]
    assert not signals.overlay.flags.writeable


def test_an_overlay_that_nobody_knows_is_refused(market_of: MarketOf) -> None:
    signals = collect([CoveredCall()], market_of(prices(11)))
    with pytest.raises(InvalidParameter, match=r"overlay must be one of 0 NONE, .* was \[7\]"):
        replace(signals, overlay=np.array([7], np.int8))
    with pytest.raises(InvalidParameter, match="for each of the 1 strategies"):
        replace(signals, overlay=np.array([1, 1], np.int8))


def test_a_rule_that_would_open_what_it_gives_up_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="covered_call needs best - width at or above -fall"):
        CoveredCall(best=-1.0, fall=1.0)


def test_a_strategy_of_pairs_writes_no_options() -> None:
    nothing = np.zeros((3, 1, 2))
    with pytest.raises(InvalidParameter, match="pairs must have no overlay, pairs has one"):
        Signals(
            ("pairs",),
            (0,),
            nothing,
            nothing,
            nothing,
            pairing=np.array([0]),
            partner=nothing,
            share=nothing,
            overlay=np.array([Overlay.COVERED_CALL]),
        )
