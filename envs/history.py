"""Everything an account can trade on and a policy can see, prepared once for a market."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.tape import Tape
from benbot.envs.errors import InvalidParameter
from benbot.envs.features import static_features
from benbot.envs.market.market import Market
from benbot.envs.market.regime import DEFAULT, RegimeSettings, detect_regime
from benbot.envs.observation import LIVE_STRATEGY, STAGE, STATIC_STRATEGY, Features, Layout
from benbot.envs.signals import Signals


@dataclass(frozen=True, eq=False)
class History:
    """A market with its signals, its sleeves and its features, under the rules of one desk."""

    market: Market
    signals: Signals
    rules: DeskRules
    regime: RegimeSettings
    tape: Tape
    features: Features
    shows_stage: bool = False  # see `standing`

    @cached_property
    def layout(self) -> Layout:
        if self.shows_stage:
            return Layout(self.signals.strategies, STATIC_STRATEGY + LIVE_STRATEGY + (STAGE,))
        return Layout(self.signals.strategies)

    @property
    def n_bars(self) -> int:
        return self.market.n_bars

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of what a policy learns from: prices, values and features."""
        sha = hashlib.sha256(self.market.digest.encode())
        arrays = (self.tape.bars, self.tape.value, self.features.rows)
        for array in arrays + ((self.features.allowed,) if self.shows_stage else ()):
            sha.update(np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()[:16]


@dataclass(frozen=True)
class Span:
    """The bars of a segment: the first decision is made at the close of `first`.

    The last bar is only traded in and marked; no decision is made at its close.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last:
            raise InvalidParameter(
                f"a span needs 0 <= first < last, was first={self.first} last={self.last}"
            )

    @property
    def n_decisions(self) -> int:
        return self.last - self.first


def prepare(
    market: Market, signals: Signals, rules: DeskRules, regime: RegimeSettings = DEFAULT
) -> History:
    """Run the sleeves over a market and compute what a policy sees at every close."""
    tape = record_tape(market, signals, detect_regime(market, regime), rules)
    return History(
        market, signals, rules, regime, tape, static_features(market, signals, tape, regime)
    )
