"""Hearing strategies: the opinions of all of them on a market, at every close or at the last alone.

T bars, S symbols, P strategies that trade pairs.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, IntArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.signals import NO_PAIRS, Signals
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.diamonds import VOLUME_WINDOW, diamonds
from benbot.strategies.stops import STOP_WINDOW, remember_range, typical_range


def collect(strategies: Sequence[Strategy], market: Market) -> Signals:
    """Return the opinions of all strategies on a market, side by side."""
    opinions = [strategy.opinion(market) for strategy in strategies]
    return _side_by_side(strategies, opinions, diamonds(market))


def latest(strategies: Sequence[Strategy], market: Market) -> Signals:
    """Return what all strategies want at the last close of a market, as signals of that bar alone.

    Each is shown its own memory and no more, which by the law of finite memory is enough: it is
    what a new bar costs when the history before it has been heard.
    """
    end = market.n_bars
    typical = typical_range(market.between(memory_start(market, end - 1, STOP_WINDOW), end))
    opinions = []
    for strategy in strategies:
        memory = market.between(memory_start(market, end - 1, strategy.warmup), end)
        remember_range(memory, typical)  # none needs it but of the last bar
        opinions.append(strategy.opinion(memory).last)
    recent = market.between(memory_start(market, end - 1, VOLUME_WINDOW), end)
    return _side_by_side(strategies, opinions, diamonds(recent)[-1:])


def memory_start(market: Market, t: int, warmup: int) -> int:
    """Return the bar from which each symbol that trades at `t` has `warmup` + 1 bars until `t`.

    Symbols that are younger than that are left aside: they have no opinion in any case. Without
    gaps the answer is `t - warmup`.
    """
    so_far = market.tradable[: t + 1]
    if t >= warmup and so_far[t - warmup :].all():
        return t - warmup
    old_enough = so_far[t] & (so_far.sum(axis=0) > warmup)
    starts = [np.flatnonzero(so_far[:, s])[-warmup - 1] for s in np.flatnonzero(old_enough)]
    return int(min(starts, default=max(t - warmup, 0)))


def _side_by_side(
    strategies: Sequence[Strategy], opinions: Sequence[Opinion], diamond: BoolArray
) -> Signals:
    names = Counter(strategy.name for strategy in strategies)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice or not names:
        raise InvalidParameter(
            f"need at least one strategy, each with a name of its own, was "
            f"{', '.join(twice) + ' twice' if twice else 'none'}. Give them different labels"
        )
    pairs = np.array([strategy.trades_pairs for strategy in strategies])
    partner, share = _legs(opinions, np.flatnonzero(pairs))
    return Signals(
        strategies=tuple(names),
        warmup=tuple(strategy.warmup for strategy in strategies),
        direction=np.stack([opinion.direction for opinion in opinions], axis=1),
        confidence=np.stack([opinion.confidence for opinion in opinions], axis=1),
        stop_distance=np.stack([opinion.stop_distance for opinion in opinions], axis=1),
        diamond=diamond,
        stress=np.array([strategy.trades_stress for strategy in strategies]),
        pairing=np.where(pairs, np.cumsum(pairs) - 1, NO_PAIRS),
        partner=partner,
        share=share,
        overlay=np.array([strategy.overlay for strategy in strategies], np.int8),
    )


def _legs(opinions: Sequence[Opinion], traders: IntArray) -> tuple[IntArray, Float32Array]:
    """Return partners and shares (T, P, S) of those that trade pairs."""
    shape = (*opinions[0].direction.shape, traders.size)
    partner, share = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    for row, k in enumerate(traders):
        partner[..., row], share[..., row] = opinions[k].partner, opinions[k].share
    return partner.transpose(0, 2, 1), share.transpose(0, 2, 1)


def check_history(strategies: Sequence[Strategy], market: Market) -> None:
    """Refuse a market with a symbol that never has enough bars for one of the strategies."""
    most = max(strategies, key=lambda strategy: strategy.warmup)
    bars = market.tradable.sum(axis=0)
    short = np.flatnonzero(bars <= most.warmup)
    if short.size:
        s = int(short[np.argmin(bars[short])])
        raise BadMarketData(
            f"every symbol needs more bars than the warm-up of every strategy, that is "
            f"{most.warmup} of {most.name}, was {bars[s]} for {market.symbols[s]}, and "
            f"{short.size - 1} more like it. Exclude them, set min_bars to "
            f"{most.warmup + 1} so that such symbols are left out, or choose shorter windows"
        )
