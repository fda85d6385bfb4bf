"""What every strategy is: a causal rule from closed bars to an opinion on every symbol.

T bars, S symbols. A symbol's bars are those at which it is tradable; others do not exist for it.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import ClassVar, Literal, TypeVar, get_args
from weakref import WeakKeyDictionary

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, frozen
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.indicators import mean_true_range
from benbot.envs.market.market import Market
from benbot.envs.signals import NO_PAIRS, Overlay, Signals
from benbot.strategies.diamonds import VOLUME_WINDOW, diamonds

STOP_WINDOW = 14  # bars of the mean true range that a stop is measured in, Wilder's choice
NEAREST_STOP, FARTHEST_STOP = 0.002, 0.5  # fractions of the price
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
        return self._opinion_of(market, evidence, self.opens(market, evidence))

    def _opinion_of(self, market: Market, evidence: FloatArray, opens: BoolArray) -> Opinion:
        stop = self._stop_distance(market)
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

    def _stop_distance(self, market: Market) -> FloatArray:
        typical = typical_range(market)
        # Where only closes are known the true range is the move between two of them. The expected
        # range of a random walk is twice its expected move (Feller 1951; 1.9 times on 88 stocks).
        width = typical if market.has_range else 2.0 * typical
        return np.clip(self.stop_multiple * width / market.close, NEAREST_STOP, FARTHEST_STOP)


_RANGES: WeakKeyDictionary[Market, FloatArray] = WeakKeyDictionary()


def typical_range(market: Market) -> FloatArray:
    """Return the mean true range that stops are measured in, [T, S] and read-only.

    All strategies ask for it of the same market, so it is remembered for as long as the market is.
    """
    if market not in _RANGES:
        width = mean_true_range(market.high, market.low, market.close, STOP_WINDOW)
        _RANGES[market] = frozen(width)
    return _RANGES[market]


def in_deviations(move: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return `move / deviation`, both fractions of the price; NaN where nothing moved."""
    return move / np.where(deviation > STILL, deviation, np.nan)


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
        _RANGES[memory] = _ending_with(typical, memory.n_bars)  # none needs it but of the last bar
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


def _ending_with(recent: FloatArray, n_bars: int) -> FloatArray:
    """Return an array of `n_bars` rows that ends with these; what was before is not known."""
    longer = np.full((n_bars, recent.shape[1]), np.nan)
    rows = min(n_bars, len(recent))
    longer[n_bars - rows :] = recent[len(recent) - rows :]
    return frozen(longer)


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
