"""A market of which bars arrive one by one is known as if all of it were computed at each close."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings, detect_regime
from benbot.envs.signals import Signals
from benbot.paper.growing import Growing
from benbot.paper.sleeves import ShadowSleeves
from benbot.strategies.hearing import collect
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion

N_BARS, N_SYMBOLS, BEGUN = 90, 6, 40
STRATEGIES = (RsiReversion(window=2), MovingAverageCrossover(fast=3, slow=8))
REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
RULES = DeskRules.model_validate({"gates": {"min_sessions": 5, "refresh": 2, "correlation": 0.3}})
Told = Callable[[dict[str, FloatArray], int], None]


def nothing(prices: dict[str, FloatArray], n_bars: int) -> None:
    """Tell all bars as they were told before."""


def corrected(prices: dict[str, FloatArray], n_bars: int) -> None:
    """Correct bar 30 by the last digit once bar 54 has closed, and bar 20 by a lot later."""
    close = prices["close"]
    if n_bars > 55:
        close[30, 1] = np.nextafter(close[30, 1], np.inf)
    if n_bars > 70:
        close[20, 2] *= 1.01


def split_late(prices: dict[str, FloatArray], n_bars: int) -> None:
    """Tell of a split of bar 50 when bar 58 has closed; until then the price has halved."""
    prices["close"][50:, 3] *= 0.5
    if n_bars > 58:
        prices["close"][50:, 3] *= 2.0
        prices["split"][50, 3] = 2.0
        prices["unadjusted"][50:, 3] = 0.5


def split_in_time(prices: dict[str, FloatArray], n_bars: int) -> None:
    """Tell of a split with its bar, in units of the first."""
    prices["split"][50, 3], prices["unadjusted"][50:, 3] = 2.0, 0.5


def found(prices: dict[str, FloatArray], n_bars: int) -> None:
    """Find bars of the past that were missing, and lose one that was there."""
    if n_bars <= 60:
        prices["close"][33:36, 4] = np.nan
    else:
        prices["close"][44, 0] = np.nan


def markets(told: Told, bars_per_session: int = 1) -> Callable[[int], Market]:
    """Return the markets of the first so many bars, as they were told when the last one closed."""
    rng = np.random.default_rng(11)
    shape = N_BARS, N_SYMBOLS
    common = 0.02 * rng.standard_normal((N_BARS, 1)) * (np.arange(N_SYMBOLS) < 3)
    close = 50.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(shape) + common, axis=0))
    close[:48, 5] = np.nan  # listed late
    close[66:, 0] = np.nan  # and no more
    close[rng.random(shape) < 0.02] = np.nan
    volume = rng.uniform(1e5, 1e6, shape)
    stamps = np.datetime64("2021-01-04T21", "h") + 24 // bars_per_session * np.arange(N_BARS)
    symbols = tuple(f"S{s}" for s in range(N_SYMBOLS))

    def until(n_bars: int) -> Market:
        facts: dict[str, Any] = {"close": close.copy(), "volume": volume.copy()}
        facts |= {"split": np.ones(shape), "unadjusted": np.ones(shape)}
        told(facts, n_bars)
        facts["volume"][np.isnan(facts["close"])] = np.nan
        facts = {name: fact[:n_bars] for name, fact in facts.items()}
        session = np.arange(n_bars) // bars_per_session
        return market_from_prices(stamps[:n_bars], symbols, facts, session=session)

    return until


def hear(market: Market) -> Signals:
    return collect(STRATEGIES, market)


def growing(known: Callable[[int], Market]) -> Growing:
    sleeves = ShadowSleeves(RULES, len(STRATEGIES), N_SYMBOLS)
    return Growing(known, hear, RULES, REGIME, sleeves)


def assert_same(tape: Tape, other: Tape, but: tuple[str, ...] = ()) -> None:
    for name, one, two in zip(Tape._fields, tape, other, strict=True):
        if name not in but:
            assert one.shape == two.shape, name
            assert one.tobytes() == two.tobytes(), name


@pytest.mark.parametrize(
    ("told", "bars_per_session"),
    [
        (corrected, 1),
        (found, 3),
        *(
            pytest.param(told, n, marks=pytest.mark.nightly)
            for told in (nothing, split_late, split_in_time, corrected, found)
            for n in (1, 3)
            if (told, n) not in ((corrected, 1), (found, 3))
        ),
    ],
)
def test_a_tape_that_grows_is_the_one_of_its_last_market(told: Told, bars_per_session: int) -> None:
    """What the sleeves write into it is left out: theirs is what they lived through."""
    known = markets(told, bars_per_session)
    chronicle = growing(known)
    for t in (BEGUN, *range(BEGUN, N_BARS), BEGUN + 1):
        tape, _ = chronicle.until(t) if t > BEGUN + 1 else growing(known).until(t)
        market = known(t + 1)
        anew = blank_tape(market, hear(market), detect_regime(market, REGIME), RULES)
        assert_same(tape, anew, but=("value", "variance", "sleeve_return"))


def test_what_grew_is_to_the_last_bit_what_is_computed_at_once_sleeves_and_features_too() -> None:
    known = markets(nothing)
    chronicle = growing(known)
    for t in range(BEGUN, N_BARS):
        tape, features = chronicle.until(t)
    at_once, features_at_once = growing(known).until(N_BARS - 1)
    assert_same(tape, at_once, but=("value", "variance"))  # of bars before, the sleeves wrote then
    assert tape.value[-1].tobytes() == at_once.value[-1].tobytes()
    for one, two in zip(features, features_at_once, strict=True):
        assert one.tobytes() == two.tobytes()


def test_a_revision_of_the_past_is_in_the_rows_of_the_next_close() -> None:
    late, never = growing(markets(corrected)), growing(markets(nothing))
    for t in (69, 70):
        one, two = (chronicle.until(t)[0].covariance for chronicle in (late, never))
        row = 20 // RULES.gates.risk.refresh + 1
        assert (one[row, 2, 2] != two[row, 2, 2]) == (t == 70)
