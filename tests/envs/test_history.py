"""Everything that is prepared for a bar is made of what was known at its close."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.allocation import AllocationEnv
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import FACTS, Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings
from benbot.strategies.base import Strategy
from benbot.strategies.checks import with_another_future
from benbot.strategies.hearing import collect
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.cross_sectional_momentum import CrossSectionalMomentum
from benbot.strategies.rules.gap_fade import GapFade
from benbot.strategies.rules.low_volatility import LowVolatility
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.macd_trend import MacdTrend
from benbot.strategies.rules.rsi_reversion import RsiReversion
from benbot.strategies.rules.time_series_momentum import TimeSeriesMomentum
from benbot.strategies.rules.volatility_breakout import VolatilityBreakout

HistoryOf = Callable[..., History]
MarketOf = Callable[..., Market]
SignalsOf = Callable[..., Signals]
Prefix = Callable[[Signals, int], Signals]

PLACES = (0, 1, 35, 120, 201, 238)
QUICK_STRATEGIES: Sequence[Strategy] = (
    RsiReversion(window=5),
    MovingAverageCrossover(fast=3, slow=8),
    TimeSeriesMomentum(window=20),
    CrossSectionalMomentum(window=20, skip=2),
    VolatilityBreakout(window=8),
    BollingerReversion(window=8, width=1.0),
    MacdTrend(fast=2, slow=4, signal=3, trend_above=15.0, trend_window=2),
    GapFade(sessions=5, width=1.0),
    LowVolatility(window=20),
)


def assert_same_until(whole: History, part: History, t: int) -> None:
    """What is known at bar `t` and before of everything prepared is the same, bit for bit."""
    rows = whole.tape.calendar["risk_row"][: t + 1].max() + 1  # the covariances known until then
    for group in ("tape", "features"):
        for name, array in getattr(whole, group)._asdict().items():
            other = getattr(getattr(part, group), name)
            if name in ("stress", "pairing"):  # of the strategies, not of the bars
                np.testing.assert_array_equal(other, array)
                continue
            n = {"covariance": rows, "tied": rows + 1}.get(name, t + 1)
            for field in array.dtype.names or (...,):
                place = f"{group}.{name} {field}"
                np.testing.assert_array_equal(other[field][:n], array[field][:n], err_msg=place)


@pytest.mark.parametrize("t", PLACES)
def test_the_history_of_a_prefix_is_the_prefix_of_the_history(
    history: History, history_of: HistoryOf, prefix_of: Prefix, t: int
) -> None:
    part = history_of(history.market.until(t + 1), prefix_of(history.signals, t + 1))
    assert_same_until(history, part, t)


@pytest.mark.parametrize("t", PLACES)
def test_another_future_changes_nothing_until_it_begins(
    history: History, history_of: HistoryOf, t: int
) -> None:
    other = history_of(with_another_future(history.market, t + 1), history.signals)
    assert_same_until(history, other, t)
    if t < 230:
        assert (other.tape.sleeve_return[t + 1 :] != history.tape.sleeve_return[t + 1 :]).any()


@pytest.mark.parametrize("t", [60, 150, 238])
def test_real_strategies_keep_the_history_causal(
    history: History, quick_regime: RegimeSettings, t: int
) -> None:
    def history_of(market: Market) -> History:
        return prepare(market, collect(QUICK_STRATEGIES, market), DeskRules(), quick_regime)

    whole = history_of(history.market)
    assert (whole.tape.sleeve_return != 0.0).any(axis=0).all()
    assert_same_until(whole, history_of(history.market.until(t + 1)), t)
    assert_same_until(whole, history_of(with_another_future(history.market, t + 1)), t)


def played(history: History, first: int, last: int) -> tuple[list[Float32Array], list[float]]:
    """Return what an account sees and earns from bar to bar under fixed random actions."""
    env = AllocationEnv(history, Span(first, last), EnvironmentSettings(episode_bars=1))
    actions = np.random.default_rng(3).random((last, history.signals.n_strategies + 1))
    observation, _ = env.reset(seed=0, options={"first": first, "last": last})
    observations, rewards = [observation], []
    for bar in range(first, last):
        observation, reward, terminated, _, _ = env.step(actions[bar].astype(np.float32))
        assert not terminated
        observations.append(observation)
        rewards.append(reward)
    return observations, rewards


@pytest.mark.parametrize("t", [60, 150])
def test_observations_and_rewards_know_nothing_of_the_future(
    history: History, history_of: HistoryOf, prefix_of: Prefix, t: int
) -> None:
    seen, earned = played(history, 30, t)
    assert len(set(earned)) > 10
    cut = history_of(history.market.until(t + 1), prefix_of(history.signals, t + 1))
    other = history_of(with_another_future(history.market, t + 1), history.signals)
    for changed in (cut, other):
        seen_there, earned_there = played(changed, 30, t)
        np.testing.assert_array_equal(seen_there, seen)
        assert earned_there == earned


def alone(history: History, k: int, rules: DeskRules) -> FloatArray:
    """Return the log growth of an account of the desk whose weights are one-hot, bar by bar."""
    book = open_book(1, history.signals.n_strategies, rules.limits.max_positions)
    open_account(book, 0, rules.capital, history.tape.session[0])
    book.sleeves["weight"][0, k] = 1.0
    book.accounts["cash_weight"] = 0.0
    desk = Desk(book, history.tape, rules.record(), open_ledger(1))
    floor, growth, bar_growth = lend(desk), np.zeros(history.n_bars), np.zeros(1)
    for t in range(history.n_bars - 1):
        trade_bars(floor, np.array([t]), bar_growth)
        growth[t + 1] = bar_growth[0]
    return growth


def test_an_account_of_one_strategy_is_its_sleeve(history: History) -> None:
    for k in range(history.signals.n_strategies):
        growth = alone(history, k, history.rules.without_breakers())
        assert (growth != 0.0).sum() > 100
        np.testing.assert_array_equal(growth, history.tape.sleeve_return[:, k])


def test_breakers_make_an_account_differ_from_its_sleeve(history: History) -> None:
    differs = [
        (alone(history, k, history.rules) != history.tape.sleeve_return[:, k]).any()
        for k in range(history.signals.n_strategies)
    ]
    assert any(differs)


def test_a_share_split_with_its_volume_changes_no_return(
    history: History, history_of: HistoryOf
) -> None:
    market = history.market
    split = {name: getattr(market, name) / 4.0 for name in ("open", "high", "low", "close")}
    after = history_of(replace(market, **split, volume=market.volume * 4.0), history.signals)
    for group, name, tolerance in (
        ("tape", "sleeve_return", 1e-12),
        ("tape", "value", 1e-9),
        ("features", "rows", 1e-5),
    ):
        was, now = (getattr(getattr(h, group), name) for h in (history, after))
        np.testing.assert_allclose(now, was, rtol=0.0, atol=tolerance, err_msg=name)


def test_more_volume_alone_makes_trading_cheaper(history: History, history_of: HistoryOf) -> None:
    liquid = history_of(replace(history.market, volume=history.market.volume * 100.0))
    gained = liquid.tape.sleeve_return.sum() - history.tape.sleeve_return.sum()
    assert gained > 0.0


def test_the_same_history_has_the_same_digest_and_others_have_others(
    history: History, history_of: HistoryOf, signals_of: SignalsOf
) -> None:
    assert history_of().digest == history.digest
    moved = history.market.close.copy()
    moved[200, 3] *= 1.0001
    facts = {name: getattr(history.market, name) for name in FACTS} | {"close": moved}
    facts["high"] = np.fmax(facts["high"], moved)
    facts["low"] = np.fmin(facts["low"], moved)
    others = {
        history_of(replace(history.market, **facts)).digest,
        history_of(signals=signals_of(history.market, seed=2)).digest,
        history_of(rules=DeskRules(costs=Costs(half_spread=0.001))).digest,
    }
    assert len(others | {history.digest}) == 4


@pytest.mark.parametrize(("first", "last"), [(-1, 5), (5, 5), (6, 5)])
def test_a_span_needs_a_bar_to_trade_in(first: int, last: int) -> None:
    with pytest.raises(InvalidParameter, match=f"was first={first} last={last}"):
        Span(first, last)


def test_a_span_has_a_decision_at_every_bar_but_the_last() -> None:
    assert Span(10, 12).n_decisions == 2
