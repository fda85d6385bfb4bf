"""What K strategies want at each close, for every symbol.

T bars, K strategies, S symbols. Row t holds what is wanted at the close of bar t.

direction      +1 long, -1 short, 0 no opinion
confidence     in [0, 1]: how sure the strategy is; 0 asks for nothing
stop_distance  how far from the fill the protective stop lies, as a fraction of the price
partner        symbol of the other leg where the candidate is one of a pair, -1 elsewhere
share          in (0, 1]: of the size of the pair that a leg has; of one of the two it is 1
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, Int8Array, IntArray, frozen
from benbot.envs.errors import InvalidParameter

NO_PAIRS = -1


class Overlay(IntEnum):
    """Which options a strategy writes, that is sells, when it is long."""

    NONE = 0
    COVERED_CALL = 1  # on the shares that it holds
    SECURED_PUT = 2  # instead of buying them, with the cash that would


@dataclass(frozen=True, eq=False)
class Signals:
    """Opinions of K strategies, P of which trade pairs; each array is [T, K, S] and read-only.

    strategies     (K,)    names, unique
    warmup         (K,)    bars each strategy needs before its first opinion
    diamond        (T, S)  whether the symbol's candidates are diamonds: high value, driven by news
    stress         (K,)    whether a strategy means to buy in a bear market of high volatility
    pairing        (K,)    row in the two arrays below of a strategy that trades pairs, -1 of others
    partner        (T, P, S)
    share          (T, P, S)
    overlay        (K,)    `Overlay` of each strategy, NONE by default
    """

    strategies: tuple[str, ...]
    warmup: tuple[int, ...]
    direction: Int8Array
    confidence: Float32Array
    stop_distance: Float32Array
    diamond: BoolArray = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    stress: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))
    pairing: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    partner: IntArray = field(default_factory=lambda: np.zeros((0, 0, 0), np.int32))
    share: Float32Array = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
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
        alone = np.full(self.n_strategies, NO_PAIRS, np.int64)
        pairing = self.pairing.astype(np.int64) if self.pairing.size else alone
        object.__setattr__(self, "pairing", frozen(pairing))
        rows = (n_bars, int((pairing != NO_PAIRS).sum()), n_symbols)
        for name, dtype in (("partner", np.int32), ("share", np.float32)):
            legs = getattr(self, name) if rows[1] else np.zeros(rows)
            object.__setattr__(self, name, frozen(legs.astype(dtype)))
        overlay = self.overlay if self.overlay.size else np.zeros(self.n_strategies, np.int8)
        object.__setattr__(self, "overlay", frozen(overlay.astype(np.int8)))
        check_signals(self)

    @property
    def n_strategies(self) -> int:
        return len(self.strategies)

    def owners_of(self, name: str) -> tuple[str, ...]:
        """Return whose the rows of an array of three dimensions are."""
        if name not in ("partner", "share"):
            return self.strategies
        trades_pairs = self.pairing != NO_PAIRS
        return tuple(np.array(self.strategies, object)[trades_pairs])


def check_signals(signals: Signals) -> None:
    """Refuse opinions that are not bounded, naming the strategy."""
    n_bars, _, n_symbols = signals.direction.shape
    shape = (n_bars, signals.n_strategies, n_symbols)
    for name in ("direction", "confidence", "stop_distance"):
        was = getattr(signals, name).shape
        if was != shape:
            raise InvalidParameter(f"{name} must be [bars, strategies, symbols] {shape}, was {was}")
    check_overlays(signals)
    asked = signals.direction != 0
    _refuse(signals, np.abs(signals.direction) > 1, "direction", "-1, 0 or 1")
    unsure = ~((signals.confidence >= 0.0) & (signals.confidence <= 1.0))
    _refuse(signals, asked & unsure, "confidence", "in [0, 1]")
    no_stop = ~((signals.stop_distance > 0.0) & (signals.stop_distance < 1.0))
    _refuse(signals, asked & no_stop, "stop_distance", "a fraction of the price in (0, 1)")
    for k in np.flatnonzero(signals.pairing != NO_PAIRS):
        check_pairs(signals, int(k))


def check_overlays(signals: Signals) -> None:
    """Refuse overlays that nobody knows, and those of strategies that trade pairs."""
    known = np.isin(signals.overlay, list(Overlay))
    if signals.overlay.shape != (signals.n_strategies,) or not known.all():
        names = ", ".join(f"{one:d} {one.name}" for one in Overlay)
        raise InvalidParameter(
            f"overlay must be one of {names} for each of the "
            f"{signals.n_strategies} strategies, was {signals.overlay.tolist()}"
        )
    both = (signals.overlay != Overlay.NONE) & (signals.pairing != NO_PAIRS)
    if both.any():
        raise InvalidParameter(
            f"a strategy that trades pairs must have no overlay, "
            f"{signals.strategies[int(np.argmax(both))]} has one"
        )


def check_pairs(signals: Signals, k: int) -> None:
    """Refuse pairs of strategy `k` that are none: each leg needs another that needs it.

    One is long and one short, and both ask.
    """
    row = int(signals.pairing[k])
    partner, share = signals.partner[:, row], signals.share[:, row]
    n_bars, n_symbols = partner.shape
    direction, confidence = signals.direction[:, k], signals.confidence[:, k]
    legs = (direction != 0) & (confidence > 0.0)
    known = (partner >= 0) & (partner < n_symbols)
    other = np.where(known, partner, 0)
    bars = np.arange(n_bars)[:, None]
    mutual = known & (partner[bars, other] == np.arange(n_symbols)) & legs[bars, other]
    opposite = direction[bars, other] == -direction
    larger = np.maximum(share, share[bars, other])
    sound = mutual & opposite & (share > 0.0) & (larger == 1.0)
    bad = legs & ~sound
    if bad.any():
        t, s = (int(i) for i in np.argwhere(bad)[0])
        raise InvalidParameter(
            f"a leg of a pair needs another one on the other side whose partner it is, and shares "
            f"in (0, 1] of which the larger is 1; was partner {partner[t, s]}, share "
            f"{share[t, s]} from {signals.strategies[k]} at bar {t}, symbol {s}"
        )


def _refuse(signals: Signals, bad: BoolArray, name: str, needed: str) -> None:
    if not bad.any():
        return
    t, k, s = (int(i) for i in np.argwhere(bad)[0])
    raise InvalidParameter(
        f"{name} must be {needed}, was {getattr(signals, name)[t, k, s]} "
        f"from {signals.strategies[k]} at bar {t}, symbol {s}"
    )
