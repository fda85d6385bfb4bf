"""What every strategy is: a causal rule from closed bars to an opinion on every symbol.

T bars, S symbols. A symbol's bars are those at which it is tradable; others do not exist for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import ClassVar, Literal, TypeVar, get_args

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, frozen
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.signals import Overlay
from benbot.strategies.stops import STOP_WINDOW, stop_distance

NEGLIGIBLE = 1e-6  # evidence this weak may be rounding, so it is none
STILL = 1e-5  # a deviation this small, as a fraction of the price, is rounding and not movement
MARGIN = 1e-9  # a threshold is crossed only by more than this, so that rounding cannot cross it

Side = Literal["both", "long"]
SIDES: tuple[Side, ...] = get_args(Side)
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Parameter:
    """A number of a rule, with the range in which it means anything, both ends included."""

    default: float
    low: float
    high: float
    meaning: str

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are allowed."""
        return isinstance(self.default, int)

    def accepts(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, Real):
            return False
        right_kind = isinstance(value, Integral) or not self.whole
        return right_kind and self.low <= float(value) <= self.high


def parameter(default: Number, *, low: Number, high: Number, meaning: str) -> Number:
    """Return the field of a strategy that holds a number with a range; its default fixes the kind.

    `meaning` says what the number is and its unit: it is what an editor shows.
    """
    described = Parameter(default, low, high, meaning)
    return field(default=default, metadata={"parameter": described})


@dataclass(frozen=True, eq=False)
class Opinion:
    """What one strategy wants at each close; each array is [T, S] and read-only.

    direction      +1 would be long now, -1 short, 0 no opinion
    confidence     in [0, 1]; 0 asks for nothing
    stop_distance  fraction of the price, in (0, 1) wherever the direction is not 0
    partner        symbol of the other leg where it asks as one of a pair, -1 elsewhere
    share          of the size of the pair that a leg has, see `Signals`; 0 elsewhere

    Who trades no pairs leaves the last two out; they have no rows then.
    """

    direction: Int8Array
    confidence: Float32Array
    stop_distance: Float32Array
    partner: IntArray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    share: Float32Array = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        object.__setattr__(self, "partner", frozen(self.partner.astype(np.int32)))
        object.__setattr__(self, "direction", frozen(self.direction.astype(np.int8)))
        for name in ("confidence", "stop_distance", "share"):
            object.__setattr__(self, name, frozen(getattr(self, name).astype(np.float32)))

    @property
    def last(self) -> "Opinion":
        """Return the opinion of the last bar alone, [1, S]."""
        parts = (getattr(self, field.name) for field in fields(self))
        return Opinion(*(part[-1:] for part in parts))


@dataclass(frozen=True, kw_only=True)
class Strategy(ABC):
    """Subclass as a frozen dataclass whose fields are the rule's parameters; see `parameter`.

    Laws, enforced for every strategy by `strategies.checks`:

    - bounded: direction is -1, 0 or 1; confidence lies in [0, 1]; everything is finite
    - causal: the opinions of the first t bars are those of the market cut after t bars
    - patient: none on a symbol in its first `warmup` bars, nor while it is not tradable
    - pure: the same market gives the same opinions, and is left untouched
    - finite memory: the last row needs the last `warmup` + 1 bars of each symbol and no others.
      From a market cut to them, direction is the same and the numbers agree to 1e-9 (or the last
      digit of their float32). What runs on a short history live is what ran in the test

    A rule says how strong its evidence is, on one yardstick for all rules: 1 is as much as a random
    walk shows by chance in one standard deviation, or as near to that as the rule can say. Read as
    log-odds, evidence z is right with probability p = 1 / (1 + exp(-|z|)), and confidence is
    2p - 1 = tanh(|z| / 2).

    A direction means "would open this now, and still wants to hold it". At 0 a position is left to
    its stops; the opposite direction ends it. An opinion that may not open a position keeps its
    direction and loses its confidence: it can end one of the other side, and asks for none. Such
    are the short ones with side "long", and those that a second indicator does not confirm.
    """

    rule: ClassVar[str]  # the name in the catalogue
    trades_stress: ClassVar[bool] = False  # means to buy in a bear market of high volatility
    trades_pairs: ClassVar[bool] = False  # its opinions say who is whose partner
    needs_news: ClassVar[bool] = False  # has no opinion on a market that was made without news
    overlay: ClassVar[Overlay] = Overlay.NONE  # which options it writes when it is long

    label: str = ""  # name of this one, where a rule is used twice
    side: Side = "both"
    stop_multiple: float = parameter(
        2.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        for name, wanted in self.parameters().items():
            value = getattr(self, name)
            if not wanted.accepts(value):
                number = "a whole number" if wanted.whole else "a number"
                raise InvalidParameter(
                    f"{name} of {self.rule} must be {number} from {wanted.low} to {wanted.high} "
                    f"({wanted.meaning}), was {value!r}"
                )
            object.__setattr__(self, name, int(value) if wanted.whole else float(value))
        for name, words in self.choices().items():
            if getattr(self, name) not in words:
                raise InvalidParameter(
                    f"{name} of {self.rule} must be one of {', '.join(words)}, "
                    f"was {getattr(self, name)!r}"
                )

    def _needs_order(self, smaller: str, larger: str) -> None:
        low, high = getattr(self, smaller), getattr(self, larger)
        if not low < high:
            raise InvalidParameter(
                f"{self.rule} needs {smaller} below {larger}, was {smaller}={low} {larger}={high}"
            )

    @classmethod
    def parameters(cls) -> Mapping[str, Parameter]:
        """Return the numbers that may be tuned, by name."""
        described = ((each.name, each.metadata.get("parameter")) for each in fields(cls))
        return {name: wanted for name, wanted in described if wanted is not None}

    @classmethod
    def choices(cls) -> Mapping[str, tuple[str, ...]]:
        """Return the words that may be chosen, by the name of the field."""
        return {"side": SIDES}

    @property
    def name(self) -> str:
        return self.label or self.rule

    @property
    @abstractmethod
    def lookback(self) -> int:
        """Bars before the present one that the evidence is made of."""

    @property
    def warmup(self) -> int:
        """Bars needed before the bar of the first opinion."""
        return max(self.lookback, STOP_WINDOW)

    @abstractmethod
    def evidence(self, market: Market) -> FloatArray:
        """Return the evidence [T, S]: positive for long, negative for short, NaN or 0 for none."""

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return what the evidence is made of, by names for people; each [T, S], NaN where unknown.

        A rule that overrides it makes its evidence of these very arrays, so that what is told to a
        person cannot differ from what was traded on.
        """
        return {"evidence": self.evidence(market)}

    def asks(self, market: Market) -> Mapping[str, FloatArray]:
        """Return what `opens` looks at beside the evidence, likewise; nothing unless overridden."""
        return {}

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        """Return which of these opinions may open a position [T, S]; others can only end one."""
        if self.side == "long":
            return evidence > 0.0
        return np.ones(evidence.shape, np.bool_)

    def opinion(self, market: Market) -> Opinion:
        """Return the opinions of every bar, made from the evidence in the one way there is."""
        evidence = self.evidence(market)
        return self.opinion_of(market, evidence, self.opens(market, evidence))

    def opinion_of(self, market: Market, evidence: FloatArray, opens: BoolArray) -> Opinion:
        """Return the opinions that evidence means; `opens` is which may open a position. [T, S]."""
        stop = stop_distance(market, self.stop_multiple)
        asked = self._ready(market) & (np.abs(evidence) > NEGLIGIBLE) & np.isfinite(stop)
        direction = np.where(asked, np.sign(evidence), 0.0)
        heard = asked & opens
        return Opinion(
            direction.astype(np.int8),
            np.where(heard, np.tanh(np.abs(evidence) / 2.0), 0.0).astype(np.float32),
            np.where(asked, stop, 0.0).astype(np.float32),
        )

    def _ready(self, market: Market) -> BoolArray:
        ready: BoolArray = market.tradable & (market.tradable.cumsum(axis=0) > self.warmup)
        return ready


def in_deviations(move: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return `move / deviation`, both fractions of the price; NaN where nothing moved."""
    return move / np.where(deviation > STILL, deviation, np.nan)
