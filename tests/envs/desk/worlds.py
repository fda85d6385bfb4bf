"""Random markets, opinions, rules and weights, with everything that makes them awkward."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray, Int8Array, IntArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals

SECTORS = ("unknown", "energy", "health")
FIRST = 2  # the bar at whose close the account opens


@dataclass(frozen=True, eq=False)
class World:
    """A market of T bars and S symbols under K strategies, and what an account does in it.

    regime   (T,)        -1 unknown
    weights  (N, K + 1)  of each decision from bar `FIRST` on, the last is cash
    venue    (N, 2)      calls that failed in a row, and stale quotes
    """

    market: Market
    signals: Signals
    regime: Int8Array
    rules: DeskRules
    weights: FloatArray
    venue: IntArray


def random_world(seed: int, *, ties: bool = False) -> World:
    """Return a world in which every rule is on in one seed and off in another.

    With `ties` all strategies of positive weight have the same one, so that many score the same.
    """
    rng = np.random.default_rng(seed)
    n_bars, n_strategies, n_symbols = random_size(rng)
    market = random_market(rng, n_bars, n_symbols)
    weights = random_weights(rng, n_bars - 1 - FIRST, n_strategies)
    return World(
        market,
        random_signals(rng, n_bars, n_strategies, n_symbols),
        rng.choice([-1, 0, 2, 4, 6, 8], n_bars, p=[0.05, 0.2, 0.15, 0.2, 0.2, 0.2]).astype(np.int8),
        random_rules(rng),
        _equal(weights) if ties else weights,
        rng.choice([0, 3], (n_bars - 1 - FIRST, 2), p=[0.98, 0.02]),
    )


def random_size(rng: np.random.Generator) -> tuple[int, int, int]:
    """Return T, K and S; the larger a world is, the sooner it ends.

    The kernel hears four strategies at a time, so there are one, two and three times as many. It
    keeps 64 symbols in a word of bits, so that some worlds have two words.
    """
    n_strategies = int(rng.choice([1, 2, 3, 4, 5, 6, 9], p=[0.1, 0.1, 0.2, 0.15, 0.2, 0.2, 0.05]))
    wide = rng.random() < 0.05
    n_symbols = int(rng.integers(65, 72) if wide else rng.integers(2, 13))
    n_bars = 18 if wide else int(np.clip(1_200 // (n_strategies * n_symbols), 36, 60))
    return n_bars, n_strategies, n_symbols


def random_market(rng: np.random.Generator, n_bars: int, n_symbols: int) -> Market:
    """Return prices with gaps, jumps, halts, ragged symbols, splits, dividends and odd costs."""
    shape = (n_bars, n_symbols)
    common = rng.normal(0.0, rng.choice([0.002, 0.02]), (n_bars, 1))
    own = rng.choice([0.003, 0.01, 0.03]) * rng.standard_t(3, shape)
    level = rng.choice([0.5, 20.0, 300.0], n_symbols)
    close = level * np.exp(np.cumsum((common + own).clip(-0.5, 0.5), axis=0))
    opened = close * np.exp(rng.normal(0.0, rng.choice([0.0, 0.01, 0.03]), shape))
    wide = rng.choice([0.0, 0.01, 0.05])
    facts = {
        "open": opened,
        "high": np.maximum(opened, close) * (1.0 + wide * rng.random(shape)),
        "low": np.minimum(opened, close) * (1.0 - wide * rng.random(shape)),
        "close": close,
    }
    if rng.random() < 0.2:
        facts = {"close": close}
    missing = _missing(rng, shape)
    for name, prices in facts.items():
        facts[name] = np.where(missing, np.nan, prices)
    facts |= _liquidity(rng, shape, missing) | _actions(rng, missing)
    session = np.cumsum(rng.random(n_bars) < rng.choice([0.3, 1.0])) + rng.integers(0, 3)
    hours = np.cumsum(rng.integers(1, 40, n_bars))
    return market_from_prices(
        np.datetime64("2020-01-01T00", "h") + hours,
        tuple(f"S{s}" for s in range(n_symbols)),
        facts,
        session=session,
        sectors=tuple(rng.choice(SECTORS, n_symbols).tolist()),
    )


def _missing(rng: np.random.Generator, shape: tuple[int, int]) -> Any:  # noqa: ANN401
    n_bars, n_symbols = shape
    missing = rng.random(shape) < rng.choice([0.0, 0.08])
    late, gone = rng.integers(0, n_bars // 3), rng.integers(n_bars // 2, n_bars)
    missing[:late, 0] = True
    missing[gone:, n_symbols - 1] = True
    missing[FIRST, 1] = False  # somebody trades at some time
    return missing


def _liquidity(
    rng: np.random.Generator,
    shape: tuple[int, int],
    missing: Any,  # noqa: ANN401
) -> dict[str, Any]:
    volume = rng.choice([1e2, 1e4, 1e7], p=[0.1, 0.4, 0.5]) * rng.random(shape)
    volume[rng.random(shape) < 0.05] = np.nan
    volume[rng.random(shape) < 0.03] = 0.0
    spread = rng.choice([np.nan, 0.0, 0.0004, 0.01], shape, p=[0.3, 0.2, 0.45, 0.05])
    borrow = rng.choice([np.nan, 0.0, 0.03, 0.4, np.inf], shape, p=[0.4, 0.2, 0.3, 0.05, 0.05])
    facts: dict[str, Any] = {"borrow_rate": borrow}
    if rng.random() < 0.8:
        facts["volume"] = np.where(missing, np.nan, volume)
    if rng.random() < 0.7:
        facts["spread"] = np.where(missing, np.nan, spread)
    if rng.random() < 0.5:
        facts["halted"] = rng.random(shape) < 0.04
    return facts


def _actions(rng: np.random.Generator, missing: Any) -> dict[str, Any]:  # noqa: ANN401
    if rng.random() < 0.5:
        return {}
    shape = missing.shape
    split = rng.choice([1.0, 2.0, 0.1, 1.5], shape, p=[0.96, 0.02, 0.01, 0.01])
    split[missing] = 1.0
    dividend = np.where(rng.random(shape) < 0.04, 0.01 * rng.random(shape), 0.0)
    dividend[missing] = 0.0
    # The price as traded falls by the split; that dividends lower it is left to the prices.
    return {"split": split, "dividend": dividend, "unadjusted": 1.0 / np.cumprod(split, axis=0)}


def random_signals(
    rng: np.random.Generator, n_bars: int, n_strategies: int, n_symbols: int
) -> Signals:
    shape = (n_bars, n_strategies, n_symbols)
    asks = rng.choice([0.1, 0.2, 0.6])
    signals = Signals(
        tuple(f"k{k}" for k in range(n_strategies)),
        (0,) * n_strategies,
        rng.choice([-1, 0, 1], shape, p=[asks / 3, 1.0 - asks, 2 * asks / 3]).astype(np.int8),
        rng.choice([0.0, 0.3, 0.9, 1.0], shape, p=[0.1, 0.3, 0.3, 0.3]).astype(np.float32),
        rng.choice([0.005, 0.02, 0.1, 0.4], shape).astype(np.float32),
        rng.random((n_bars, n_symbols)) < 0.1,
        rng.random(n_strategies) < 0.3,
    )
    return with_pairs(signals, pairs) if (pairs := random_pairs(rng, signals)) else signals


def random_pairs(
    rng: np.random.Generator, signals: Signals
) -> dict[int, tuple[IntArray, FloatArray, Int8Array]]:
    """Return partners, shares and directions (T, S) of some strategies.

    Who is whose partner stays for a while, and only some pairs ask.
    """
    n_bars, n_strategies, n_symbols = signals.direction.shape
    pairs = {}
    for k in np.flatnonzero(rng.random(n_strategies) < 0.5):
        partner = np.full((n_bars, n_symbols), -1)
        share = np.zeros((n_bars, n_symbols))
        direction = np.zeros((n_bars, n_symbols), np.int8)
        for t in range(n_bars):
            if t % 10 == 0:
                order = rng.permutation(n_symbols)[: 2 * int(rng.integers(1, n_symbols // 2 + 1))]
            for i, j in order.reshape(-1, 2):
                if rng.random() < 0.5:
                    partner[t, [i, j]] = j, i
                    share[t, [i, j]] = 1.0, rng.choice([1.0, 0.5, 0.3])
                    direction[t, [i, j]] = rng.permutation([-1, 1])
        pairs[int(k)] = partner, share, direction
    return pairs


def with_pairs(
    signals: Signals, pairs: dict[int, tuple[IntArray, FloatArray, Int8Array]]
) -> Signals:
    """Return the signals with what some strategies want as pairs."""
    direction, confidence = signals.direction.copy(), signals.confidence.copy()
    pairing = np.full(signals.n_strategies, -1)
    for row, (k, (_, _, wanted)) in enumerate(pairs.items()):
        pairing[k], direction[:, k] = row, wanted
        confidence[:, k] = np.maximum(confidence[:, k], 0.3)
    return replace(
        signals,
        direction=direction,
        confidence=confidence,
        pairing=pairing,
        partner=np.stack([partner for partner, _, _ in pairs.values()], axis=1),
        share=np.stack([share for _, share, _ in pairs.values()], axis=1),
    )


def random_weights(rng: np.random.Generator, n_decisions: int, n_strategies: int) -> FloatArray:
    weights = rng.dirichlet(np.full(n_strategies + 1, 0.7), n_decisions)
    keep = rng.random(n_decisions) < 0.7
    for i in range(1, n_decisions):
        if keep[i]:
            weights[i] = weights[i - 1]
    weights[rng.random(weights.shape) < 0.1] = 0.0
    total: FloatArray = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), weights)


def _equal(weights: FloatArray) -> FloatArray:
    """Return the same share for each strategy that has any, and the rest as cash."""
    share = np.where(weights[:, :-1] > 0.0, 0.9 / (weights.shape[1] - 1), 0.0)
    return np.column_stack([share, 1.0 - share.sum(axis=1)])


def random_rules(rng: np.random.Generator) -> DeskRules:
    """Return rules of which each is at its default, at another value, or off.

    A limit that refuses nearly everything is rare, or all the others would have nothing to say.
    """

    def pick(*values: Any) -> Any:  # noqa: ANN401
        return values[int(rng.integers(len(values)))]

    def often(usual: Any, *others: Any) -> Any:  # noqa: ANN401
        return usual if rng.random() < 0.7 else pick(*others)

    drawdown = pick(1.0, 1.0, 0.05, 0.01)
    return DeskRules.model_validate(
        {
            "capital": pick(20_000.0, 100_000.0, 3e6),
            "sizing": {
                "method": pick("risk", "risk", "volatility", "kelly"),
                "risk_per_trade": pick(0.002, 0.01, 0.05),
                "risk_per_diamond": pick(0.01, 0.05),
                "volatility_per_trade": pick(0.02, 0.2),
                "kelly_fraction": pick(0.25, 1.0),
                "position_cap": pick(0.05, 0.1, 0.6),
                "weight_cap": pick(1.0, 3.0),
                "no_trade_band": pick(0.0, 0.25),
                "smallest_order": pick(0.0, 100.0, 500.0),
                "scale_after": pick(1, 10),
            },
            "limits": {
                "max_positions": pick(1, 3, 10, 20),
                "daily_trades": often(50, 1, 2, 5, 5, 5, 0),
                "cash_buffer": often(0.05, 0.0, 0.5, 0.9),
                "close_call": pick(0.5, 0.8, 1.0),
                "allow_short": pick(True, True, False),
                "short_margin": pick(0.5, 1.0, 1.5),
                "gross": often(1.5, 0.1, 0.3),
                "net": often(1.0, 0.05, 0.2),
                "sector": pick(10.0, 10.0, 0.05, 0.1),
                "strategy": often(1.0, 0.05, 0.2),
                "beta": often(100.0, 0.05, 0.5, 1.5),
            },
            "gates": {
                "stress": pick(True, False),
                "correlation": often(1.0, 0.3, 0.75),
                "var": often(1.0, 0.005, 0.03),
                "participation": pick(1.0, 1.0, 0.002, 0.05),
                "spread": pick(0.005, 0.01, 1.0),
                "age": pick(0.0, 0.0, 2.0),
                "borrow_rate": pick(0.03, 0.25),
                "memory": pick(0.8, 0.94),
                "beta_memory": pick(0.9, 0.98),
                "min_sessions": pick(2, 5),
                "refresh": pick(1, 3),
            },
            "portfolio": {
                "method": pick("independent", "independent", "independent", "inverse_volatility"),
                "window": pick(2, 4),
                "every": pick(1, 3),
            },
            "execution": {
                "style": pick("open", "open", "twap", "vwap", "almgren_chriss"),
                "slices": pick(1, 8),
                "urgency": pick(0.0, 1.0, 20.0),
                "large": pick(0.0, 0.01, 1.0),
                "lot": pick(0.0, 0.0, 1.0, 10.0),
                "tick": pick(0.0, 0.0, 0.01, 0.5),
            },
            "day_trading": {
                "enabled": pick(True, False),
                "below": pick(25_000.0, 150_000.0),
                "day_trades": often(1, 3, 3, 3, 0),
            },
            "poor": {
                "below": pick(25_000.0, 150_000.0),
                "risk_per_trade": pick(0.007, 0.03),
                "position_cap": pick(0.1, 0.5),
                "open_risk": pick(0.005, 0.015, 0.1),
                "daily_loss": pick(0.002, 0.01, 0.1),
            },
            "breakers": {
                "drawdown": drawdown,
                "recovered": drawdown * pick(0.1, 0.5, 0.9),
                "recovering_scale": pick(0.5, 1.0),
                "daily_loss": pick(1.0, 1.0, 0.002, 0.02),
                "cooldown": pick(1, 5),
            },
            "costs": {
                "half_spread": pick(0.0, 0.0005),
                "spread": pick("fixed", "fixed", "estimated"),
                "commission_rate": pick(0.0, 0.0001),
                "commission_per_unit": pick(0.0, 0.005),
                "commission_per_order": pick(0.0, 1.0),
                "commission_minimum": pick(0.0, 1.0),
                "impact": pick(0.0, 1.0),
                "participation": pick(0.02, 0.1, 1.0),
                "borrow_rate": pick(0.0, 0.05),
            },
            "exits": {
                "trailing_multiple": pick(0.5, 1.5),
                "target": pick(0.0, 2.0, 4.0),
                "partial": pick(0.0, 0.5, 1.0),
                "partial_share": pick(0.3, 0.5),
                "time_stop": pick(1, 5, 63),
                "diamond_time_stop": pick(1, 5),
                "delisted_after": pick(1, 3, 10),
            },
            "value": {"prior": pick(0.002, 0.02), "shrinkage": pick(1.0, 20.0)},
        }
    )
