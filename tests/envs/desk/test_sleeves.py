"""What every strategy alone earns, and what that says about its next trade."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, Int8Array
from benbot.envs.desk.cycle import RUIN_GROWTH
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.tape import Tape
from benbot.envs.market.market import market_from_prices
from benbot.envs.signals import Signals

Rules = Callable[..., DeskRules]

NORMAL = 4
LEARNING = {"value": {"prior": 0.002, "shrinkage": 20.0, "floor": 0.0001}}


def sleeves_of(
    price: FloatArray,
    direction: Int8Array,
    rules: DeskRules,
    regime: Int8Array | None = None,
    confidence: float = 1.0,
) -> Tape:
    """Record a market that opens, trades and closes each bar at one price; stops are 1/8 away."""
    names = tuple(f"S{s}" for s in range(price.shape[1]))
    stamps = np.arange(len(price)).astype("datetime64[D]")
    prices = dict.fromkeys(("open", "high", "low", "close"), price)
    market = market_from_prices(stamps, names, prices)
    shape = direction.shape
    signals = Signals(
        tuple(f"k{k}" for k in range(shape[1])),
        (0,) * shape[1],
        direction,
        np.full(shape, confidence),
        np.full(shape, 0.125),
    )
    known = np.full(len(price), NORMAL, np.int8) if regime is None else regime
    return record_tape(market, signals, known, rules)


def steps(*prices: float) -> FloatArray:
    return np.array(prices)[:, None]


def asking(n_bars: int, *bars: int) -> Int8Array:
    """Return long opinions of one strategy on one symbol at these closes."""
    direction = np.zeros((n_bars, 1, 1), np.int8)
    direction[list(bars)] = 1
    return direction


def test_a_sleeve_earns_what_its_strategy_would_alone(rules: Rules) -> None:
    tape = sleeves_of(steps(100, 100, 110, 99), asking(4, 0), rules())
    held = 80.0  # the weight is 1 of 1, so one standard risk: 8,000
    equity = 100_000.0 + held * np.array([0.0, 0.0, 10.0, -1.0])
    np.testing.assert_allclose(tape.sleeve_return[1:, 0], np.diff(np.log(equity)), atol=1e-15)
    assert tape.sleeve_return[0, 0] == 0.0


def test_a_sleeve_takes_the_whole_risk_budget_up_to_the_cap(rules: Rules) -> None:
    direction = np.zeros((3, 4, 1), np.int8)
    direction[0, 2] = 1
    tape = sleeves_of(steps(100, 100, 110), direction, rules(sizing={"position_cap": 1.0}))
    expected = [0.0, 0.0, np.log(1.0 + 0.1 * 0.24), 0.0]  # three standard risks, 24,000
    assert tape.sleeve_return[2].tolist() == pytest.approx(expected)


def test_without_a_record_a_candidate_is_worth_the_prior(rules: Rules) -> None:
    tape = sleeves_of(steps(100, 100, 100), asking(3, 0), rules(**LEARNING), confidence=0.5)
    assert tape.value[:, 0, 0].tolist() == pytest.approx([0.001, 0.0, 0.0])


def test_a_round_trip_teaches_the_value_from_the_close_that_follows_it(rules: Rules) -> None:
    price = steps(100, 100, 110, 110, 110, 110)
    tape = sleeves_of(
        price, asking(6, *range(6)), rules(**LEARNING, exits={"time_stop": 2})
    )  # bought at 100 in bar 1, sold at 110 in bar 3
    prior, gained = 0.002, 0.1
    overall = (20 * prior + gained) / 21
    here = own = (20 * overall + gained) / 21
    expected = [prior, prior, prior, here + own - overall]
    assert tape.value[:4, 0, 0].tolist() == pytest.approx(expected, rel=1e-6)


def test_a_value_is_learned_for_the_regime_in_which_the_trade_was_decided(rules: Rules) -> None:
    price = steps(100, 100, 110, 110, 110, 110, 110)
    regime = np.array([3, 5, 5, 3, 5, 3, 5], np.int8)
    direction = asking(7, 0, 3, 4, 5, 6)
    tape = sleeves_of(price, direction, rules(**LEARNING, exits={"time_stop": 2}), regime)
    overall = (20 * 0.002 + 0.1) / 21
    own = (20 * overall + 0.1) / 21
    in_three = (20 * overall + 0.1) / 21
    values = tape.value[3:5, 0, 0].tolist()
    assert values == pytest.approx([in_three + own - overall, own], rel=1e-6)


def test_a_losing_strategy_keeps_the_least_value_so_that_weights_still_decide(
    rules: Rules,
) -> None:
    price = steps(100, 100, 50, 50, 50)
    tape = sleeves_of(price, asking(5, 0, 3), rules(**LEARNING))
    assert tape.value[3, 0, 0] == pytest.approx(0.0001)


def test_costs_lower_the_value(rules: Rules) -> None:
    price = steps(100, 100, 110, 110, 110)
    values = []
    for half_spread in (0.0, 0.01):
        desk = rules(**LEARNING, costs={"half_spread": half_spread}, exits={"time_stop": 2})
        values.append(sleeves_of(price, asking(5, 0, 3), desk).value[3, 0, 0])
    overall = (0.04 + 0.1 - 0.01 * 2.1) / 21
    assert values[1] == pytest.approx(2 * (20 * overall + 0.079) / 21 - overall, rel=1e-6)
    assert values[1] < values[0]


def test_a_direction_without_confidence_closes_a_position_and_opens_none(rules: Rules) -> None:
    price = steps(100, 100, 110, 120, 130)
    direction = asking(5, 0)
    direction[2] = -1
    confidence = np.ones(direction.shape)
    confidence[2] = 0.0
    stamps = np.arange(5).astype("datetime64[D]")
    market = market_from_prices(
        stamps, ("S",), dict.fromkeys(("open", "high", "low", "close"), price)
    )
    signals = Signals(("k",), (0,), direction, confidence, np.full(direction.shape, 0.125))
    tape = record_tape(market, signals, np.full(5, NORMAL, np.int8), rules())
    growth = np.log([1.0, 1.0, 1.008, 1.016, 1.016])  # in at 100, out at 120, nothing after
    np.testing.assert_allclose(np.cumsum(tape.sleeve_return[:, 0]), growth, atol=1e-15)


def test_a_symbol_without_a_price_has_no_candidates(rules: Rules) -> None:
    price = steps(100, np.nan, 100, 100)
    tape = sleeves_of(price, asking(4, 0, 1, 2), rules(**LEARNING))
    assert tape.value[1, 0, 0] == 0.0
    assert tape.value[2, 0, 0] != 0.0


def test_breakers_do_not_silence_a_sleeve(rules: Rules) -> None:
    price = steps(100, 100, 10, 10, 10, 20)
    halting = rules(
        breakers={"drawdown": 0.05, "daily_loss": 0.02}, poor={"below": 1e6}, capital=100_000.0
    )
    calm, strict = (sleeves_of(price, asking(6, 0, 3), desk) for desk in (rules(), halting))
    assert calm.sleeve_return[5, 0] > 0.0
    np.testing.assert_array_equal(strict.sleeve_return, calm.sleeve_return)


RECKLESS = {"position_cap": 1.0, "risk_per_trade": 0.1, "smallest_order": 6_000.0}


def test_a_sleeve_that_lost_nearly_everything_goes_on_with_new_capital(rules: Rules) -> None:
    price = steps(100, 100, 5, 5, 5, 5.5)
    direction = np.repeat(asking(6, 0, 3), 2, axis=1)  # two standard risks: all of the equity
    tape = sleeves_of(price, direction, rules(sizing=RECKLESS))
    assert tape.sleeve_return[2, 0] == pytest.approx(np.log(0.05))
    assert tape.sleeve_return[5, 0] == pytest.approx(np.log(1.1))


def test_a_sleeve_that_is_ruined_has_a_return_all_the_same(rules: Rules) -> None:
    price = steps(100, 100, 1000, 1000, 1000, 1100)
    direction = asking(6, 3)
    direction[0] = -1
    tape = sleeves_of(price, direction, rules(sizing=RECKLESS))
    growth = tape.sleeve_return[:, 0].tolist()
    assert growth == pytest.approx([0.0, 0.0, RUIN_GROWTH, 0.0, 0.0, np.log(1.08)])
    assert np.isfinite(tape.value).all()


@pytest.mark.parametrize(("price", "is_opened_anew"), [(10.0, True), (10.01, False), (15.0, False)])
def test_a_sleeve_opens_anew_at_a_tenth_of_its_capital_and_not_above_it(
    rules: Rules, price: float, is_opened_anew: bool
) -> None:
    """A thousand units at 100 are sold at `price`; what is left is below the smallest order."""
    direction = np.repeat(asking(6, 0, 3), 2, axis=1)  # two standard risks: all of the equity
    reckless = rules(sizing=RECKLESS | {"smallest_order": 20_000.0})
    tape = sleeves_of(steps(100, 100, price, 10, 10, 11), direction, reckless)
    assert tape.sleeve_return[2, 0] == pytest.approx(np.log(price / 100.0))
    assert tape.sleeve_return[5, 0] == (pytest.approx(np.log(1.1)) if is_opened_anew else 0.0)


def test_a_sleeve_may_lose_everything_in_the_last_bar(rules: Rules) -> None:
    direction = np.repeat(asking(3, 0), 2, axis=1)
    tape = sleeves_of(steps(100, 100, 5), direction, rules(sizing=RECKLESS))
    assert tape.sleeve_return[:, 0].tolist() == pytest.approx([0.0, 0.0, np.log(0.05)])


def test_a_market_of_one_bar_has_values_and_no_returns(rules: Rules) -> None:
    tape = sleeves_of(steps(100), asking(1, 0), rules(**LEARNING))
    assert tape.value[0, 0, 0] == pytest.approx(0.002)
    assert tape.sleeve_return.tolist() == [[0.0]]


# What is learned, and of what.

GAINED = 0.1  # bought at 100 in bar 1, sold at 110 in bar 3
OVERALL = (20 * 0.002 + GAINED) / 21
SEEN = (20 * OVERALL + GAINED) / 21  # of a regime, or a symbol, that had the trade


@pytest.mark.parametrize("decided", [0, 4, 8])
@pytest.mark.parametrize("later", [-1, 0, 4, 8])
def test_every_regime_has_a_record_of_its_own_and_the_unknown_one_that_of_all(
    rules: Rules, decided: int, later: int
) -> None:
    regime = np.array([decided, 4, 4, later, 4], np.int8)
    quick = rules(**LEARNING, exits={"time_stop": 2})
    tape = sleeves_of(steps(100, 100, 110, 110, 110), asking(5, 0, 3), quick, regime)
    here = SEEN if later == decided else OVERALL
    assert tape.value[3, 0, 0] == pytest.approx(here + SEEN - OVERALL, rel=1e-6)


def test_every_strategy_and_every_symbol_has_a_record_of_its_own(rules: Rules) -> None:
    price = np.repeat(steps(100, 100, 110, 110, 110), 2, axis=1)
    direction = np.zeros((5, 2, 2), np.int8)
    direction[0, 1, 1] = 1
    direction[3] = 1
    tape = sleeves_of(price, direction, rules(**LEARNING, exits={"time_stop": 2}))
    learned = [[0.002, 0.002], [SEEN, 2.0 * SEEN - OVERALL]]
    np.testing.assert_allclose(tape.value[3, :, :2], learned, rtol=1e-6)
    assert tape.variance[3].tolist() == pytest.approx([0.05**2, (20 * 0.05**2 + GAINED**2) / 21])


def test_a_direction_without_confidence_is_worth_next_to_nothing(rules: Rules) -> None:
    tape = sleeves_of(steps(100, 100), asking(2, 0), rules(**LEARNING), confidence=0.0)
    assert float(tape.value[0, 0, 0]) == pytest.approx(1e-30, rel=1e-6, abs=0.0)


def test_a_price_below_one_has_candidates(rules: Rules) -> None:
    tape = sleeves_of(steps(0.5, 0.5), asking(2, 0), rules(**LEARNING))
    assert tape.value[0, 0, 0] == pytest.approx(0.002)


def test_a_sleeve_learns_from_every_round_trip_of_a_bar(rules: Rules) -> None:
    """One position is sold by time, the next is bought in its place and stopped out at once."""
    n_bars, n_symbols = 4, 2
    price = np.full((n_bars, n_symbols), 100.0)
    price[2:, 0] = 110.0
    low = price.copy()
    low[2, 1] = 87.5
    stamps = np.arange(n_bars).astype("datetime64[D]")
    prices = {"open": price, "high": price, "low": low, "close": price}
    market = market_from_prices(stamps, ("A", "B"), prices)
    direction = np.zeros((n_bars, 1, n_symbols), np.int8)
    direction[0, 0, 0] = direction[1, 0, 1] = 1
    shape = direction.shape
    signals = Signals(("k",), (0,), direction, np.ones(shape), np.full(shape, 0.125))
    alone = rules(**LEARNING, limits={"max_positions": 1}, exits={"time_stop": 1})
    tape = record_tape(market, signals, np.full(n_bars, NORMAL, np.int8), alone)
    assert tape.sleeve_return[2, 0] == pytest.approx(np.log(0.998))  # + 800 - 1,000
    squares = 0.1**2 + 0.125**2
    assert tape.variance[:, 0].tolist() == pytest.approx(
        [0.05**2] * 2 + [(20 * 0.05**2 + squares) / 22] * 2
    )
