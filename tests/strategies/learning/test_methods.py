"""What single lessons come to, by hand, against an oracle, or on a market with a known answer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.covariance import ledoit_wolf

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeve_trades import sleeve_trades
from benbot.envs.market.market import market_from_prices
from benbot.envs.market.news_features import INTENSITY, MOOD
from benbot.strategies.learning.affinity import affinity_multiplier
from benbot.strategies.learning.calibration import (
    IDENTITY,
    brier,
    calibration_multiplier,
    calibrations,
    fit,
    logit,
    right_before,
)
from benbot.strategies.learning.correlation import (
    FEWEST_BARS,
    Uniqueness,
    correlations,
    crowd,
    uniqueness,
)
from benbot.strategies.learning.expectation import expectations
from benbot.strategies.learning.experience import live_through, refit_bars, tally
from benbot.strategies.learning.news_patterns import UNKNOWN, news_kinds, news_multiplier
from benbot.strategies.learning.settings import LearningSettings
from benbot.strategies.learning.stops import (
    AS_STATED,
    MULTIPLES,
    best_multiples,
    second_lives,
    stop_multiplier,
)
from tests.strategies.learning.lived import (
    REGIME,
    RULES,
    cut,
    experience,
    lived,
    random_world,
    stated,
    still_market,
)

FEW = LearningSettings(shrinkage=2.0, refit=1)


def test_all_trades_of_the_sleeves_are_those_that_the_desk_learned_from() -> None:
    whole = experience(*random_world(5))
    shrinkage, prior = RULES.value.shrinkage, RULES.sizing.kelly_deviation**2
    trades = sleeve_trades(whole.tape, RULES)
    assert (np.diff(trades["closed"]) >= 0).all()
    place, shape = (trades["strategy"],), whole.shape[:2]
    squares = tally(trades["closed"], np.square(whole.outcome), place, shape)
    np.testing.assert_allclose(squares.mean(prior, shrinkage), whole.tape.variance, rtol=1e-12)


def test_there_is_room_for_every_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = experience(*random_world(5))
    monkeypatch.setattr("benbot.envs.desk.sleeve_trades.FIRST_ROOM", 3)
    np.testing.assert_array_equal(sleeve_trades(whole.tape, RULES), whole.trades)


def test_a_symbol_on_which_more_was_earned_counts_for_more() -> None:
    # Bar 4: two trades of +10 % on the first symbol, two of -10 % on the other; the mean is 0.
    rows = [(0, 0, 1, 4, 0.1), (0, 1, 1, 4, -0.1), (0, 0, 2, 4, 0.1), (0, 1, 2, 4, -0.1)]
    found = affinity_multiplier(lived(rows), FEW)[:, 0]
    np.testing.assert_array_equal(found[:4], 1.0)
    # The edge is 0.2 / (2 + 2), the deviation √((2 × 0.05² + 4 × 0.1²) / 6) = √0.0075, and a
    # quarter of that doubles: more than enough.
    np.testing.assert_allclose(found[4:], [[2.0, 0.5]] * 8)
    slow = affinity_multiplier(lived(rows), LearningSettings(shrinkage=98.0))[-1, 0]
    deviation = np.sqrt((98.0 * 0.05**2 + 4 * 0.1**2) / 102.0)
    np.testing.assert_allclose(slow, 2.0 ** (np.array([0.2, -0.2]) / 100.0 / (0.25 * deviation)))


def test_the_desk_s_expected_value_is_the_one_that_the_desk_has() -> None:
    whole = experience(*random_world(4))
    desk = expectations(whole, 50.0).desk
    heard = whole.signals.confidence * np.maximum(desk, RULES.value.floor)
    known = whole.market.tradable[:, None] & (heard > 0.0)
    value = np.where(known, whole.signals.direction * heard, 0.0)
    there = whole.tape.value[:, :, : whole.shape[2]]
    open_for_trade = np.broadcast_to(whole.market.tradable[:, None], value.shape)
    np.testing.assert_allclose(there[open_for_trade], value[open_for_trade], rtol=1e-6, atol=1e-12)


def test_a_strategy_without_trades_is_expected_to_do_as_all_did_there() -> None:
    rows = [(0, 0, 1, 4, 0.1), (0, 0, 2, 4, 0.1)]
    cell = expectations(lived(rows, n_strategies=2), 2.0).cell[-1]
    prior = RULES.value.prior
    everybody = (2.0 * prior + 0.2) / 4.0
    of_symbol = (2.0 * everybody + 0.2) / 4.0  # the regime has the same trades
    assert cell[1, 0] == pytest.approx(everybody + 2.0 * (of_symbol - everybody))
    assert cell[1, 1] == pytest.approx(of_symbol)  # no trade on it: the regime alone
    assert cell[0, 0] > cell[1, 0] > cell[1, 1] > prior


def planted_confidence(
    rng: np.random.Generator, n: int, level: float, slope: float
) -> tuple[FloatArray, BoolArray]:
    """Return stated log-odds, and outcomes by a calibration that is known."""
    said = logit((1.0 + rng.uniform(0.05, 0.95, n)) / 2.0)
    return said, rng.random(n) < 1.0 / (1.0 + np.exp(-(level + slope * said)))


def test_a_calibration_is_found_where_its_posterior_is_highest() -> None:
    said, won = planted_confidence(np.random.default_rng(0), 60, -0.8, 0.3)

    def loss(parameters: FloatArray) -> float:
        odds = parameters[0] + parameters[1] * said
        likelihood = np.where(won, -np.logaddexp(0.0, -odds), -np.logaddexp(0.0, odds)).sum()
        prior = np.square((parameters - IDENTITY) / 0.5).sum() / 2.0
        return float(prior - likelihood)

    best = minimize(loss, IDENTITY, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    np.testing.assert_allclose(fit(said, won), best.x, atol=1e-5)
    np.testing.assert_array_equal(fit(said[:0], won[:0]), IDENTITY)


@pytest.mark.parametrize(("level", "slope"), [(-0.8, 0.2), (1.2, 1.0), (0.0, -0.5)])
def test_calibrating_lowers_the_brier_score_of_trades_to_come(level: float, slope: float) -> None:
    rng = np.random.default_rng(2)
    said, won = planted_confidence(rng, 300, level, slope)
    whole = with_outcomes(said, won)
    stated_chance = 1.0 / (1.0 + np.exp(-said))
    calibrated = right_before(whole, every=21)
    later = whole.decided > 100
    assert brier(calibrated[later], won[later]) < brier(stated_chance[later], won[later]) - 0.005


def test_who_was_calibrated_all_along_is_left_alone() -> None:
    said, won = planted_confidence(np.random.default_rng(3), 300, 0.0, 1.0)
    whole = with_outcomes(said, won)
    loss = brier(right_before(whole, 21), won) - brier(1.0 / (1.0 + np.exp(-said)), won)
    assert abs(loss) < 0.003


def with_outcomes(said: FloatArray, won: BoolArray):  # noqa: ANN201
    """Return an experience of a trade a bar, each closed in the bar after it was opened."""
    n = said.size
    rows = [(0, 0, t + 1, t + 2, 0.02 if won[t] else -0.02) for t in range(n)]
    whole = lived(rows, n_bars=n + 3, n_symbols=1)
    confidence = whole.signals.confidence.copy()
    confidence[:n, 0, 0] = np.tanh(said / 2.0)
    return replace(whole, signals=replace(whole.signals, confidence=confidence))


def test_confidence_that_means_nothing_comes_to_the_same_for_all() -> None:
    rng = np.random.default_rng(4)
    said, won = planted_confidence(rng, 600, -0.4, 0.0)
    whole = with_outcomes(said, won)
    surer = calibration_multiplier(whole, LearningSettings(refit=21))[:, 0, 0]
    before = whole.signals.confidence[:, 0, 0]
    after = before * surer
    inside = (surer > 0.5) & (surer < 2.0) & (np.arange(before.size) > 500)
    assert after[inside].std() < 0.4 * before[inside].std()


def test_calibrations_are_made_at_fixed_sessions() -> None:
    whole = with_outcomes(*planted_confidence(np.random.default_rng(5), 60, 0.0, 0.0))
    fitted = calibrations(whole, 21)
    np.testing.assert_array_equal(fitted.bars, [0, 21, 42])
    np.testing.assert_array_equal(fitted.parameters[0, 0], IDENTITY)
    np.testing.assert_array_equal(refit_bars(whole.market, 100), [0])


def test_kinds_of_news_are_by_side_and_by_number() -> None:
    market = still_market(1, 5)
    mood = np.array([[0.5, -0.5, 0.05, 0.5, np.nan]])
    intensity = np.array([[0.0, 0.7, 1.5, 2.0, 1.0]])
    informed = replace(market, features={MOOD: mood, INTENSITY: intensity})
    long = stated(1, 1, 5)
    np.testing.assert_array_equal(news_kinds(informed, long)[0, 0], [6, 1, 5, 8, UNKNOWN])
    short = replace(long, direction=-long.direction)
    np.testing.assert_array_equal(news_kinds(informed, short)[0, 0], [0, 7, 5, 2, UNKNOWN])


def test_news_after_which_trades_lost_halve_the_confidence() -> None:
    rows = [(0, 0, 1, 3, 0.1), (0, 1, 1, 3, -0.1), (0, 0, 2, 3, 0.1), (0, 1, 2, 3, -0.1)]
    whole = lived(rows)
    mood = np.tile([0.8, -0.8], (12, 1))
    mood[8:] = mood[8:, ::-1]  # now the other symbol has the good news
    features = {MOOD: mood, INTENSITY: np.ones((12, 2))}
    informed = replace(whole, market=replace(whole.market, features=features))
    found = news_multiplier(informed, FEW)[:, 0]
    np.testing.assert_allclose(
        found[[2, 3, 7, 8]], [[1.0, 1.0], [2.0, 0.5], [2.0, 0.5], [0.5, 2.0]]
    )


def test_a_second_life_with_the_stated_stop_is_the_life_that_was() -> None:
    market, signals = random_world(6)
    free = RULES.model_copy(update={"costs": RULES.costs.model_copy(update={"impact": 0.0})})
    whole = live_through(market, signals, free, REGIME)
    gain, known = second_lives(whole)
    own = (known >= 0) & (whole.trades["reason"] != Exit.WEIGHT)
    stop = whole.then(whole.tape.stop)
    size = np.minimum(0.01 / stop, 0.1) / 0.1
    same = np.isclose(gain[own, AS_STATED], (whole.outcome * size)[own], atol=1e-9)
    assert own.sum() > 100
    assert same.mean() > 0.95  # the others were trimmed or grew while they were held
    assert (known[own] >= whole.trades["closed"][own]).all()


def test_second_lives_that_are_over_by_a_bar_are_those_of_the_prefix() -> None:
    market, signals = random_world(6)
    gain, known = second_lives(experience(market, signals))
    n_open = 0
    for n_bars in range(80, 120, 5):
        own, over = second_lives(experience(market.until(n_bars), cut(signals, n_bars)))
        n = over.size
        by_then = (known[:n] >= 0) & (known[:n] < n_bars)
        np.testing.assert_array_equal(over >= 0, by_then)
        np.testing.assert_array_equal(own[by_then], gain[:n][by_then])
        n_open += int((~by_then).sum())
    assert n_open > 0


def test_stops_move_to_where_they_are_not_touched_before_the_rise() -> None:
    """Every fifth bar falls 6 % and the next rises 10 %: a stop at 5 % is always hit first."""
    n_bars = 300
    close = 100.0 * np.cumprod(np.where(np.arange(n_bars) % 5 == 3, 0.94, 1.0))
    close *= np.cumprod(np.where(np.arange(n_bars) % 5 == 4, 1.10, 1.0))
    days = np.arange(n_bars).astype("datetime64[D]").astype("datetime64[ns]")
    market = market_from_prices(days, ("S0",), {"close": close[:, None]})
    rules = DeskRules.model_validate({"exits": {"time_stop": 3}, "gates": {"var": 1.0}})
    found = stop_multiplier(live_through(market, stated(n_bars, 1, 1), rules, REGIME), FEW)
    np.testing.assert_array_equal(found[:30], 1.0)
    assert (found[-100:] > 1.0).all()


def test_the_best_multiple_must_be_better_by_its_error() -> None:
    better = np.zeros((4, 5))
    better[:, 4] = [0.03, 0.01, 0.02, 0.02]
    better[:, 0] = [0.09, -0.05, 0.0, 0.0]  # the mean is the half of it, the error above it
    known = np.array([3, 5, 5, -1])
    bars = np.arange(7)
    chosen = best_multiples(better, known, bars)
    # At bar 3 one trade is known, whose sum is as large as its error: nothing is better by more.
    np.testing.assert_array_equal(chosen, [2, 2, 2, 2, 2, 4, 4])
    assert MULTIPLES[AS_STATED] == 1.0


def test_one_bet_that_is_made_twice_has_one_weight() -> None:
    rng = np.random.default_rng(0)
    bet, other = rng.normal(0.0, 0.01, (2, 200))
    returns = np.column_stack([bet, bet, other, np.zeros(200)])
    np.testing.assert_allclose(crowd(returns), [2.0, 2.0, 1.0, 1.0], atol=0.1)
    assert (uniqueness(returns[:FEWEST_BARS]) == 1.0).all()  # the first bar has no return
    assert (uniqueness(returns[: FEWEST_BARS + 1]) != 1.0).any()
    np.testing.assert_allclose(uniqueness(returns), np.array([0.5, 0.5, 1, 1]) / 0.75, atol=0.1)


def test_correlations_are_those_of_ledoit_and_wolf() -> None:
    returns = np.random.default_rng(1).normal(size=(80, 5)) * [1.0, 2.0, 3.0, 4.0, 5.0]
    covariance, shrinkage = ledoit_wolf(returns / returns.std(axis=0))
    assert shrinkage > 0.1
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(correlations(returns), covariance / np.outer(scale, scale))


def test_a_crowd_is_known_by_returns_of_before_and_anew_every_so_many_sessions() -> None:
    rng = np.random.default_rng(2)
    returns = rng.normal(0.0, 0.01, (160, 4))
    returns[:, 1] += returns[:, 0]
    session = 3 + np.cumsum(rng.random(160) < 0.4)
    begun = np.flatnonzero(np.diff((session - session[0]) // 5, prepend=-1))
    carried, seen = Uniqueness(5), set()
    for t in range(160):
        past = returns[: t + 1], session[: t + 1]
        answer = uniqueness(returns[: begun[begun <= t][-1] + 1])
        np.testing.assert_array_equal(carried.at_close(*past), answer)
        np.testing.assert_array_equal(Uniqueness(5).at_close(*past), answer)
        seen.add(answer.tobytes())
    assert len(seen) == 1 + (begun > FEWEST_BARS).sum() > 5
