"""What K strategies want at each close, for every symbol.

T bars, K strategies, S symbols. Row t holds what is wanted at the close of bar t.

direction      +1 long, -1 short, 0 no opinion
confidence     in [0, 1]: how sure the strategy is; 0 asks for nothing
stop_distance  how far from the fill the protective stop lies, as a fraction of the price
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, Int8Array, frozen
from benbot.envs.errors import InvalidParameter


class Overlay(IntEnum):
    """Which options a strategy writes, that is sells, when it is long."""

    NONE = 0
    COVERED_CALL = 1  # on the shares that it holds
    SECURED_PUT = 2  # instead of buying them, with the cash that would


@dataclass(frozen=True, eq=False)
class Signals:
    """Opinions of K strategies; each array is [T, K, S] and read-only.

    strategies     (K,)    names, unique
    warmup         (K,)    bars each strategy needs before its first opinion
    diamond        (T, S)  whether the symbol's candidates are diamonds: high value, driven by news
    stress         (K,)    whether a strategy means to buy in a bear market of high volatility
    overlay        (K,)    `Overlay` of each strategy, NONE by default
    """

    strategies: tuple[str, ...]
    warmup: tuple[int, ...]
    direction: Int8Array
    confidence: Float32Array
    stop_distance: Float32Array
    diamond: BoolArray = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    stress: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
    overlay: Int8Array = field(default_factory=lambda: np.zeros(0, np.int8))

    def __post_init__(self) -> None:
        object.__setattr__(self, "direction", frozen(self.direction.astype(np.int8)))
        for name in ("confidence", "stop_distance"):
            object.__setattr__(self, name, frozen(getattr(self, name).astype(np.float32)))
        n_bars, _, n_symbols = self.direction.shape
        diamond = self.diamond if self.diamond.size else np.zeros((n_bars, n_symbols), np.bool_)
        object.__setattr__(self, "diamond", frozen(diamond))
        stress = self.stress if self.stress.size else np.zeros(self.n_strategies, np.bool_)
        object.__setattr__(self, "stress", frozen(stress))
        overlay = self.overlay if self.overlay.size else np.zeros(self.n_strategies, np.int8)
        object.__setattr__(self, "overlay", frozen(overlay.astype(np.int8)))
        check_signals(self)

    @property
    def n_strategies(self) -> int:
        return len(self.strategies)


def check_signals(signals: Signals) -> None:
    """Refuse opinions that are not bounded, naming the strategy."""
    n_bars, _, n_symbols = signals.direction.shape
    shape = (n_bars, signals.n_strategies, n_symbols)
    for name in ("direction", "confidence", "stop_distance"):
        was = getattr(signals, name).shape
        if was != shape:
            raise InvalidParameter(f"{name} must be [bars, strategies, symbols] {shape}, was {was}")
    known = np.isin(signals.overlay, list(Overlay))
    if signals.overlay.shape != (signals.n_strategies,) or not known.all():
        names = ", ".join(f"{one:d} {one.name}" for one in Overlay)
        raise InvalidParameter(
            f"overlay must be one of {names} for each of the "
            f"{signals.n_strategies} strategies, was {signals.overlay.tolist()}"
        )
    asked = signals.direction != 0
    _refuse(signals, np.abs(signals.direction) > 1, "direction", "-1, 0 or 1")
    unsure = ~((signals.confidence >= 0.0) & (signals.confidence <= 1.0))
    _refuse(signals, asked & unsure, "confidence", "in [0, 1]")
    no_stop = ~((signals.stop_distance > 0.0) & (signals.stop_distance < 1.0))
    _refuse(signals, asked & no_stop, "stop_distance", "a fraction of the price in (0, 1)")


def _refuse(signals: Signals, bad: BoolArray, name: str, needed: str) -> None:
    if not bad.any():
        return
    t, k, s = (int(i) for i in np.argwhere(bad)[0])
    raise InvalidParameter(
        f"{name} must be {needed}, was {getattr(signals, name)[t, k, s]} "
        f"from {signals.strategies[k]} at bar {t}, symbol {s}"
    )
