"""The leaves of programs: facts of a market, scaled so that symbols can be compared.

T bars, S symbols. No feature is a price. Returns, ranges and distances are in deviations: over the
volatility of the symbol's last 20 log returns, for as many bars as they span. Everything of bar t
is known at its close and comes from the last `lookback` bars and it; one that the symbol missed
makes it NaN, as does a fact that nobody knows. Features are rounded to about a millionth, so that
the rounding of their arithmetic cannot be told from nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, IntArray, frozen
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.indicators import RSI_MEMORY, relative_strength_index
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import INTENSITY, MOOD, NOVELTY
from benbot.envs.market.regime import RegimeSettings, market_trend, market_volatility
from benbot.envs.market.selection import check_known
from benbot.strategies.base import in_deviations
from benbot.strategies.programs.across import across
from benbot.strategies.programs.primitives import GRAIN, Code

SHORT, MONTH, LONG = 5, 20, 60  # bars
RSI_WINDOW = 14  # Wilder's
LARGEST = 1e4  # of either sign; what is beyond is cut
REGIME = RegimeSettings()


@dataclass(frozen=True)
class Feature:
    """A leaf.

    compute   makes it of a market, [T, S]
    lookback  bars before the present one that it is made of
    meaning   what it is, for people
    needs     fact without which a market does not have it: "range", "volume", "spread", or the name
              of a feature of the market
    """

    compute: Callable[[Market], FloatArray]
    lookback: int
    meaning: str
    needs: str = ""

    def is_in(self, market: Market) -> bool:
        if self.needs == "range":
            return market.has_range
        if self.needs in ("volume", "spread"):
            return bool(np.isfinite(getattr(market, self.needs)).any())
        return not self.needs or self.needs in market.features


def before(values: FloatArray, bars: int) -> FloatArray:
    """Return what it was so many bars ago, NaN before the first."""
    moved = np.full(values.shape, np.nan)
    moved[bars:] = values[: max(len(values) - bars, 0)]
    return moved


def windows(values: FloatArray, bars: int) -> FloatArray:
    """Return the windows that end at each bar, [T, S, bars], with NaN before the first bar."""
    padded = np.concatenate([np.full((bars - 1, values.shape[1]), np.nan), values])
    return sliding_window_view(padded, bars, axis=0)


def log_return(market: Market, bars: int) -> FloatArray:
    close = _own(market, market.close)
    return np.log(close / before(close, bars))


def volatility(market: Market, bars: int = MONTH) -> FloatArray:
    """Return the root mean square of the last log returns."""
    return np.sqrt((windows(log_return(market, 1), bars) ** 2).mean(axis=-1))


def scaled_return(market: Market, bars: int) -> FloatArray:
    return in_deviations(log_return(market, bars), volatility(market) * np.sqrt(bars))


def distance(market: Market, bars: int) -> FloatArray:
    """Return how far the close is from its mean, in deviations of as many bars."""
    close = _own(market, market.close)
    gap = np.log(close / windows(close, bars).mean(axis=-1))
    return in_deviations(gap, volatility(market) * np.sqrt(bars))


def channel(market: Market, bars: int) -> FloatArray:
    """Return where the close lies between the lowest and the highest one, -1 to 1."""
    close = _own(market, market.close)
    seen = windows(close, bars)
    low, high = seen.min(axis=-1), seen.max(axis=-1)
    width = np.where(high > low, high - low, 1.0)
    return np.where(high > low, (2.0 * close - low - high) / width, 0.0 * close)


def volatility_ratio(market: Market) -> FloatArray:
    present, usual = volatility(market, SHORT), volatility(market, LONG)
    return np.log(np.maximum(in_deviations(present, usual), 1.0 / LARGEST))


def relative_volume(market: Market) -> FloatArray:
    """Return the log of the volume over its mean in the 20 bars before; unknown where nothing."""
    volume = _own(market, market.volume)
    usual = before(windows(volume, MONTH).mean(axis=-1), 1)
    known = (volume > 0.0) & (usual > 0.0)
    return np.where(known, np.log(np.where(known, volume / usual, 1.0)), np.nan)


def within_bar(market: Market, upper: FloatArray, lower: FloatArray) -> FloatArray:
    """Return the log of one price of a bar over another, in deviations of a bar."""
    ratio = np.log(_own(market, upper) / _own(market, lower))
    return in_deviations(ratio, volatility(market))


def strength(market: Market) -> FloatArray:
    """Return the RSI as -1 to 1, unknown until the symbol has traded at all bars of its memory."""
    rsi = (relative_strength_index(market.close, RSI_WINDOW) - 50.0) / 50.0
    return np.where(_unbroken(market, RSI_MEMORY * RSI_WINDOW + 1), rsi, np.nan)


def of_market(market: Market, series: FloatArray) -> FloatArray:
    """Return what is the same for all symbols, for those that trade."""
    return np.where(market.tradable, series[:, None], np.nan)


def place_of(values: FloatArray) -> FloatArray:
    """Return where a symbol stands among the others at this bar, -1 to 1."""
    grained = (np.round(values * GRAIN) / GRAIN).T.astype(np.float32, order="C")
    place = np.empty(grained.shape, np.float32)
    across(grained, np.ones(grained.shape, np.float32), int(Code.PLACE), place)
    return place.T.astype(np.float64)


def _own(market: Market, values: FloatArray) -> FloatArray:
    return np.where(market.tradable, values, np.nan)


def _unbroken(market: Market, bars: int) -> BoolArray:
    padded = np.concatenate([np.zeros((bars - 1, market.n_symbols), np.bool_), market.tradable])
    return np.asarray(sliding_window_view(padded, bars, axis=0).all(axis=-1))


def _news(name: str) -> Callable[[Market], FloatArray]:
    return lambda market: _own(market, market.features[name])


def _table() -> dict[str, Feature]:
    table = {
        f"return_{bars}": Feature(
            partial(scaled_return, bars=bars),
            max(bars, MONTH),
            f"log return of {bars} bars",
        )
        for bars in (1, SHORT, MONTH, LONG)
    }
    table |= {
        f"distance_{bars}": Feature(
            partial(distance, bars=bars),
            max(bars - 1, MONTH),
            f"log of the close over its mean of {bars} bars",
        )
        for bars in (MONTH, LONG)
    }
    table |= {
        f"channel_{bars}": Feature(
            partial(channel, bars=bars),
            bars - 1,
            f"place between the lowest and the highest close of {bars} bars",
        )
        for bars in (MONTH, LONG)
    }
    return table | {
        "volatility": Feature(
            lambda market: 100.0 * volatility(market),
            MONTH,
            "root mean square log return, per cent",
        ),
        "volatility_ratio": Feature(
            volatility_ratio, LONG, "log of the volatility of 5 bars over that of 60"
        ),
        "rsi": Feature(strength, RSI_MEMORY * RSI_WINDOW, "RSI of 14 bars less 50, over 50"),
        "gap": Feature(
            lambda m: within_bar(m, m.open, before(_own(m, m.close), 1)),
            MONTH,
            "log of the open over the last close",
            "range",
        ),
        "range": Feature(
            lambda m: within_bar(m, m.high, m.low), MONTH, "log of high over low", "range"
        ),
        "body": Feature(
            lambda m: within_bar(m, m.close, m.open), MONTH, "log of close over open", "range"
        ),
        "volume": Feature(
            relative_volume,
            MONTH,
            "log of the volume over its mean of the 20 bars before",
            "volume",
        ),
        "spread": Feature(
            lambda m: in_deviations(_own(m, m.spread), volatility(m)),
            MONTH,
            "quoted spread over the volatility of a bar",
            "spread",
        ),
        "mood": Feature(_news(MOOD), 0, "mood of the news, -1 to 1", MOOD),
        "novelty": Feature(_news(NOVELTY), 0, "how new the news are, 0 to 1", NOVELTY),
        "intensity": Feature(_news(INTENSITY), 0, "number of news over the usual", INTENSITY),
        "market_trend": Feature(
            lambda m: of_market(m, market_trend(m, REGIME)),
            REGIME.trend_window,
            "t-statistic of the mean return of all symbols over 63 bars",
        ),
        "market_volatility": Feature(
            lambda m: of_market(m, market_volatility(m, REGIME)),
            REGIME.volatility_window + REGIME.volatility_history - 1,
            "log of the volatility of all symbols over its usual level",
        ),
        "place_return_5": Feature(
            lambda m: place_of(scaled_return(m, SHORT)), MONTH, "place among all by return_5"
        ),
        "place_return_60": Feature(
            lambda m: place_of(scaled_return(m, LONG)), LONG, "place among all by return_60"
        ),
        "place_volatility": Feature(
            lambda m: place_of(100.0 * volatility(m)), MONTH, "place among all by volatility"
        ),
    }


FEATURES: Mapping[str, Feature] = MappingProxyType(_table())
_MADE: WeakKeyDictionary[Market, dict[str, Float32Array]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Features:
    """F features of a market, read-only.

    names      (F,)      unique
    values     (F, S, T) float32, one symbol's bars after the other's, NaN where unknown
    lookbacks  (F,)      bars before the present one that each is made of
    trades     (S, T)    1 where the symbol trades and NaN where not
    """

    names: tuple[str, ...]
    values: Float32Array
    lookbacks: IntArray
    trades: Float32Array

    def __post_init__(self) -> None:
        n_features = len(self.names)
        if self.values.ndim != 3 or len(self.values) != n_features or not n_features:
            raise InvalidParameter(
                f"features must be [F, S, T] with a name each, was {self.values.shape} with "
                f"{n_features} names"
            )
        for name, dtype in (
            ("values", np.float32),
            ("lookbacks", np.int64),
            ("trades", np.float32),
        ):
            object.__setattr__(self, name, frozen(getattr(self, name).astype(dtype, copy=False)))

    @classmethod
    def of(cls, market: Market, names: Sequence[str] | None = None) -> Self:
        """Return these features of a market, or all that it has; refuse one that it has not."""
        chosen = available(market) if names is None else tuple(names)
        check_features(market, chosen)
        values = np.stack([_made(market, name) for name in chosen])
        trades = np.where(market.tradable.T, 1.0, np.nan).astype(np.float32)
        lookbacks = np.array([FEATURES[name].lookback for name in chosen])
        return cls(chosen, values, lookbacks, trades)

    @property
    def n_symbols(self) -> int:
        return int(self.values.shape[1])

    @property
    def n_bars(self) -> int:
        return int(self.values.shape[2])

    @property
    def has_gaps(self) -> bool:
        return bool(np.isnan(self.trades).any())

    def check_has(self, names: Sequence[str]) -> None:
        """Refuse features that are not among these."""
        check_known("feature of these programs", names, self.names)

    def numbers_of(self, names: Sequence[str]) -> FloatArray:
        """Return the number that each of these features has here, NaN for those that are not."""
        here = {name: float(number) for number, name in enumerate(self.names)}
        return np.array([here.get(name, np.nan) for name in names])


def available(market: Market) -> tuple[str, ...]:
    """Return the features that a market has."""
    return tuple(name for name, feature in FEATURES.items() if feature.is_in(market))


def check_features(market: Market, names: Sequence[str]) -> None:
    """Refuse features that nobody knows or that a market does not have, with what it lacks."""
    check_known("feature", names, FEATURES)
    for name in names:
        if not FEATURES[name].is_in(market):
            raise InvalidParameter(
                f"the feature {name} needs {FEATURES[name].needs}, which this market lacks. "
                "Choose a market that has it or a program without it"
            )


def _made(market: Market, name: str) -> Float32Array:
    """Return a feature [S, T]; programs ask for the same ones, so a market remembers them."""
    made = _MADE.setdefault(market, {})
    if name not in made:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = FEATURES[name].compute(market)
        grained = np.round(np.clip(values, -LARGEST, LARGEST) * GRAIN) / GRAIN
        made[name] = frozen(np.ascontiguousarray(grained.T).astype(np.float32))
    return made[name]
