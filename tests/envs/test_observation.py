"""What a policy sees stands where its name says, is bounded, and means what it says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.allocation import AllocationEnv
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.cycle import CORRELATION_MEMORY
from benbot.envs.features import (
    LEAST_VOLATILITY,
    RECORD_HALF_LIFE,
    RECORD_SHRINKAGE,
    STATE,
    USUAL_SLEEVE_VOLATILITY,
    check_names,
    static_features,
)
from benbot.envs.forecast import forecasts
from benbot.envs.history import History, Span
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import market_trend, market_volatility
from benbot.envs.observation import (
    CLIP,
    LIVE_CONTEXT,
    LIVE_STRATEGY,
    STATIC_CONTEXT,
    STATIC_STRATEGY,
    Layout,
)
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings

HistoryOf = Callable[..., History]


def env_of(history: History, span: Span) -> AllocationEnv:
    return AllocationEnv(history, span, EnvironmentSettings(episode_bars=span.n_decisions))


def test_every_entry_has_a_name_and_the_names_are_unique(history: History) -> None:
    layout = history.layout
    assert len(layout.names) == layout.size == history.features.rows.shape[1]
    assert len(set(layout.names)) == layout.size
    assert layout.names[0] == "k0/return_5"
    assert layout.names[-1] == "context/last_growth"


def test_a_feature_is_found_by_its_name() -> None:
    layout = Layout(("a", "b"))
    observation = np.arange(layout.size, dtype=np.float32)
    weights = [layout.names.index(f"{k}/weight") for k in ("a", "b")]
    assert layout.by_strategy(observation, "weight").tolist() == weights
    for feature in layout.context_features:
        assert layout.context(observation, feature) == layout.names.index(f"context/{feature}")
    batch = np.stack([observation, observation + 1.0])
    assert layout.by_strategy(batch, "weight").shape == (2, 2)
    assert layout.context(batch, "cash").shape == (2,)


def test_an_unknown_feature_is_refused() -> None:
    layout = Layout(("a",))
    with pytest.raises(ValueError, match="not in tuple"):
        layout.context(np.zeros(layout.size, np.float32), "weather")


def test_a_feature_without_a_name_is_refused() -> None:
    with pytest.raises(AssertionError, match="match one to one"):
        check_names(np.zeros((2, 1, len(STATIC_STRATEGY) + 1)), np.zeros((2, len(STATIC_CONTEXT))))


def test_static_features_are_the_same_for_every_account(history: History, span: Span) -> None:
    env = env_of(history, span)
    observation, _ = env.reset(options={"first": 50, "last": 60})
    rng = np.random.default_rng(0)
    for bar in range(50, 60):
        static = [
            i
            for i, name in enumerate(env.layout.names)
            if name.split("/")[1] not in LIVE_STRATEGY + LIVE_CONTEXT
        ]
        np.testing.assert_array_equal(observation[static], history.features.rows[bar, static])
        observation, *_ = env.step(rng.random(5).astype(np.float32))


def test_a_new_account_is_all_cash(history: History, span: Span) -> None:
    env = env_of(history, span)
    observation, _ = env.reset(seed=1)
    seen = {name: float(env.layout.context(observation, name)) for name in LIVE_CONTEXT}
    assert seen == dict.fromkeys(LIVE_CONTEXT, 0.0) | {"cash": 1.0, "size_scale": 1.0}
    for name in LIVE_STRATEGY:
        assert not env.layout.by_strategy(observation, name).any()


def test_live_features_tell_the_state_of_the_account(history: History, span: Span) -> None:
    env = env_of(history, span)
    env.reset(options={"first": 60, "last": 120})
    rng = np.random.default_rng(4)
    layout, account = env.layout, env.arena.desk.book.accounts[0]
    refused = 0
    for _ in range(60):
        observation, _, _, _, info = env.step(rng.random(5).astype(np.float32))
        equity = account["equity"]
        growth = np.log(equity / account["previous_equity"])
        expected = {
            "account_drawdown": -10.0 * (1.0 - equity / account["peak"]),
            "cash": account["cash"] / equity,
            "open_positions": account["n_positions"] / 10,
            "gross": account["gross"] / equity,
            "net": account["net"] / equity,
            "trades_today": account["trades_today"] / 50,
            "day_halted": account["day_halted"],
            "refused": account["n_refused"] / max(account["n_winners"], 1),
            "last_growth": 100.0 * growth,
        }
        refused += account["n_refused"]
        for name, value in expected.items():
            assert layout.context(observation, name) == pytest.approx(value, abs=1e-6), name
        np.testing.assert_array_equal(
            layout.by_strategy(observation, "weight"), info["weights"][:-1]
        )
        exposure = layout.by_strategy(observation, "exposure").sum()
        assert exposure == pytest.approx(account["gross"] / equity, abs=1e-6)
    assert refused > 0


def test_the_correlation_is_that_of_sleeve_and_account_growth(history: History, span: Span) -> None:
    env = env_of(history, span)
    env.reset(options={"first": 100, "last": 160})
    growth, sleeves = [], history.tape.sleeve_return
    for _ in range(60):
        observation, reward, *_ = env.step(np.array([0.9, 0.1, 0.0, 0.0, 0.0], np.float32))
        growth.append(reward)
    age = np.arange(60)[::-1]
    weight = (1.0 - CORRELATION_MEMORY) * CORRELATION_MEMORY**age
    own = np.array(growth)
    seen = env.layout.by_strategy(observation, "correlation")
    ages = np.arange(160)[::-1]
    for k in range(4):
        covariance = (weight * own * sleeves[101:161, k]).sum()
        variance = (weight * own**2).sum()
        of_sleeve = ((1.0 - CORRELATION_MEMORY) * CORRELATION_MEMORY**ages) @ sleeves[1:161, k] ** 2
        assert seen[k] == pytest.approx(covariance / np.sqrt(variance * of_sleeve), abs=1e-4)
    assert seen[0] > 0.3


def test_every_observation_lies_within_the_space(history: History, span: Span) -> None:
    env = env_of(history, span)
    rng = np.random.default_rng(2)
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            assert env.observation_space.contains(observation)
            observation, _, terminated, truncated, _ = env.step(
                rng.dirichlet(np.full(5, 0.3)).astype(np.float32)
            )
            ended = terminated or truncated
        assert env.observation_space.contains(observation)


def test_even_a_ruined_account_is_seen_within_the_space(history: History, span: Span) -> None:
    env = env_of(history, span)
    for equity in (0.0, -5.0, 1e-300):
        env.reset(seed=0)
        account = env.arena.desk.book.accounts[0]
        account["cash"] = account["equity"] = equity
        observation, reward, terminated, _, _ = env.step(env.action_space.sample())
        assert terminated
        assert np.isfinite(reward)
        assert env.observation_space.contains(observation)


def static_of(growth: FloatArray, regime: list[int] | None = None) -> dict[str, Any]:
    """Return static features by name for sleeves that grew so, in a market that stands still."""
    n_bars, n_strategies = growth.shape
    stamps = np.datetime64("2020-01-01") + np.arange(n_bars)
    market = market_from_prices(stamps, ("A", "B"), {"close": np.full((n_bars, 2), 10.0)})
    direction = np.zeros((n_bars, n_strategies, 2), np.int8)
    direction[-1, 0] = (1, -1)
    direction[-1, 1:, 0] = -1
    confidence = np.full(direction.shape, 0.25)
    confidence[..., 1] = 0.75
    signals = Signals(
        tuple(f"k{k}" for k in range(n_strategies)),
        (0,) * n_strategies,
        direction,
        confidence,
        np.full(direction.shape, 0.5),
    )
    codes = np.full(n_bars, 4, np.int8) if regime is None else np.array(regime, np.int8)
    return {"market": market, "signals": signals, "growth": growth, "regime": codes}


def seen_last(history: History, parts: dict[str, Any]) -> Callable[[str], Float32Array]:
    """Return a look at the features of the last bar: by strategy, or of the context."""
    market: Market = parts["market"]
    tape = history.tape._replace(
        sleeve_return=parts["growth"],
        regime=parts["regime"],
        bars=np.zeros((market.n_bars, market.n_symbols), history.tape.bars.dtype),
    )
    features = static_features(market, parts["signals"], tape)
    layout = Layout(parts["signals"].strategies)

    def look(name: str) -> Float32Array:
        row = features.rows[-1]
        if name in layout.strategy_features:
            return layout.by_strategy(row, name)
        return layout.context(row, name)

    return look


def test_sleeve_returns_are_relative_to_the_others_and_in_deviations(history: History) -> None:
    growth = np.zeros((31, 2))
    growth[1:, 0] = 0.002
    look = seen_last(history, static_of(growth))
    deviation = np.sqrt(0.002**2 * (1.0 - CORRELATION_MEMORY**30))
    for window, n_seen in ((5, 5), (21, 21), (63, 31)):
        mean = 0.001 * min(n_seen, 30) / n_seen
        expected = mean * np.sqrt(window) / deviation
        seen = look(f"return_{window}").tolist()
        assert seen == pytest.approx([expected, -CLIP], rel=1e-5)  # no volatility to divide by
    volatility = np.log(0.002 / USUAL_SLEEVE_VOLATILITY)
    least = np.log(LEAST_VOLATILITY / USUAL_SLEEVE_VOLATILITY)
    assert look("volatility_21").tolist() == pytest.approx([volatility, least], rel=1e-5)


def test_the_record_is_kept_by_the_regime_of_the_decision(history: History) -> None:
    growth = np.array([0.0, 0.01, 0.02, -0.05, 0.03])[:, None]
    look = seen_last(history, static_of(growth, regime=[4, 8, 4, -1, 4]))
    # Decided in regime 4: bars 1 and 3. Bar 2 was decided in regime 8, bar 4 in an unknown one.
    keep = 0.5 ** (1.0 / RECORD_HALF_LIFE)
    count, total = keep + 1.0, keep * 0.01 - 0.05
    spread = np.sqrt((keep * 0.01**2 + 0.05**2) / count)
    mean = total / (count + RECORD_SHRINKAGE) / spread * np.sqrt(252.0)
    assert look("record_mean")[0] == pytest.approx(mean, rel=1e-5)
    assert look("record_t")[0] == pytest.approx(total / (spread * np.sqrt(count)) / 2.0, rel=1e-5)
    assert look("record_count")[0] == pytest.approx(np.log1p(count) / 5.0, rel=1e-5)


def test_a_forecast_is_made_of_the_state_that_is_seen(history: History) -> None:
    layout, rows = history.layout, history.features.rows
    state = np.stack([layout.context(rows, name) for name in STATE], axis=1)
    expected = forecasts(state.astype(np.float64), history.tape.sleeve_return)
    told = layout.by_strategy(rows, "forecast")
    np.testing.assert_allclose(told, np.clip(expected, -CLIP, CLIP), rtol=1e-3, atol=1e-4)
    assert np.ptp(told) > 0.0


def test_an_unknown_regime_has_no_record_and_no_name(history: History) -> None:
    growth = np.full((4, 1), 0.01)
    look = seen_last(history, static_of(growth, regime=[4, 4, 4, -1]))
    assert look("record_count")[0] == 0.0
    assert [float(look(name)) for name in STATIC_CONTEXT[:6]] == [0.0] * 6


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (0, {"bear", "low_volatility"}),
        (8, {"bull", "high_volatility"}),
        (4, {"neutral", "normal_volatility"}),
    ],
)
def test_a_regime_is_seen_as_its_trend_and_its_volatility(
    history: History, code: int, names: set[str]
) -> None:
    look = seen_last(history, static_of(np.zeros((2, 1)), regime=[4, code]))
    assert {name for name in STATIC_CONTEXT[:6] if look(name)} == names


def test_a_sleeve_is_seen_with_its_drawdown_and_its_hit_rate(history: History) -> None:
    growth = np.array([0.0, 0.05, 0.0, -0.03, 0.01])[:, None]
    look = seen_last(history, static_of(growth))
    assert look("drawdown")[0] == pytest.approx(-0.2, rel=1e-5)
    memory = CORRELATION_MEMORY
    rose = memory**3 + 1.0
    assert look("hit_rate")[0] == pytest.approx(4.0 * (rose / (rose + memory) - 0.5), rel=1e-5)


def test_signals_are_counted_and_averaged(history: History) -> None:
    look = seen_last(history, static_of(np.zeros((3, 2))))
    assert look("confidence").tolist() == [0.5, 0.25]
    assert look("signals").tolist() == [1.0, 0.5]
    assert look("direction").tolist() == [0.0, -0.5]


def test_the_context_describes_the_market(history: History, quick_regime: Any) -> None:  # noqa: ANN401
    market, rows, layout = history.market, history.features.rows, history.layout
    trend = np.nan_to_num(market_trend(market, quick_regime) / 2.0)
    volatility = np.nan_to_num(2.0 * market_volatility(market, quick_regime))
    np.testing.assert_allclose(layout.context(rows, "market_trend"), trend, atol=1e-6)
    np.testing.assert_allclose(layout.context(rows, "market_volatility"), volatility, atol=1e-6)
    half = np.where(market.tradable, history.tape.bars["half_spread"], np.nan)
    spread = 1e3 * np.nanmean(half, axis=1)
    np.testing.assert_allclose(layout.context(rows, "spread"), spread, atol=1e-6)
    sine, cosine = layout.context(rows, "year_sine"), layout.context(rows, "year_cosine")
    np.testing.assert_allclose(sine**2 + cosine**2, 1.0, atol=1e-6)
    assert np.argmax(cosine[1:]) < 2  # new year
    assert abs(int(np.argmax(sine)) - 91) < 2  # the end of the first quarter


def test_breadth_goes_from_minus_one_to_one(history: History) -> None:
    rising = np.linspace(10.0, 20.0, 60)
    close = np.column_stack([rising, rising[::-1], rising, rising])
    stamps = np.datetime64("2020-01-01") + np.arange(60)
    parts = static_of(np.zeros((60, 1)))
    parts["market"] = market_from_prices(stamps, ("A", "B", "C", "D"), {"close": close})
    assert seen_last(history, parts)("breadth") == pytest.approx(0.5)


def test_dispersion_is_zero_where_returns_lie_apart_as_usual(history: History) -> None:
    signs = np.where(np.arange(600) % 2, 1.0, -1.0)
    moves = 0.015 * np.column_stack([signs, -signs])
    stamps = np.datetime64("2020-01-01") + np.arange(600)
    parts = static_of(np.zeros((600, 1)))
    parts["market"] = market_from_prices(
        stamps, ("A", "B"), {"close": np.exp(np.cumsum(moves, axis=0))}
    )
    assert seen_last(history, parts)("dispersion") == pytest.approx(0.0, abs=1e-3)


def relative_moves(moves: FloatArray) -> dict[str, Any]:
    """Return parts whose symbols earn these log returns, which sum to zero at every bar."""
    parts = static_of(np.zeros((len(moves), 1)))
    stamps = np.datetime64("2020-01-01") + np.arange(len(moves))
    names = tuple(f"S{s}" for s in range(moves.shape[1]))
    close = np.exp(np.cumsum(moves, axis=0))
    return parts | {"market": market_from_prices(stamps, names, {"close": close})}


@pytest.mark.parametrize(
    ("leads", "seen"),
    [
        ([1, 1, 1], 1.9),  # leaders lead at bars 2 and 3, which count 0.09 and 0.1
        ([1, -1, 1], -0.9),  # they fall back at bar 2; at bar 3 nobody has led
    ],
)
def test_persistence_is_positive_where_leaders_lead_and_negative_where_they_fall_back(
    history: History, leads: list[int], seen: float
) -> None:
    apart = 0.01 * np.array([0, *leads])
    parts = relative_moves(np.column_stack([apart, -apart]))
    assert seen_last(history, parts)("persistence_5") == pytest.approx(seen, rel=1e-5)


def test_after_a_standstill_nobody_has_led(history: History) -> None:
    moves = np.zeros((72, 3))
    moves[:40, :2] = 0.01 * np.random.default_rng(0).standard_normal((40, 1)) * (1.0, -1.0)
    moves[71] = (0.01, -0.01, 0.0)
    before = seen_last(history, relative_moves(moves[:71]))("persistence_21")
    after = seen_last(history, relative_moves(moves))("persistence_21")
    assert before != 0.0
    assert after == pytest.approx(0.9 * before, rel=1e-4)
