"""The parameters of a synthetic market, and what they fix for all time.

Volatilities and drifts are per year, half-lives and durations in bars (a bar is a trading day).
"""

from datetime import date
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.settings import Settings

# One stream of random numbers for each purpose, so that a longer market begins with the shorter
# one and a new purpose (append it) leaves the others as they are.
STREAMS = (
    "universe",
    "regime",
    "overnight",
    "intraday",
    "tail",
    "jump_time",
    "jump_size",
    "fast_drift",
    "slow_drift",
    "high",
    "low",
    "volume",
    "news",
    "news_words",
)


class HiddenRegime(Settings):
    """One hidden state of the market: how it looks, and what can be earned in it."""

    name: str = Field(min_length=1)
    mean_bars: float = Field(ge=2, le=5_000, description="mean duration, bars")
    drift: float = Field(ge=-2, le=2, description="of the market factor, per year")
    volatility: float = Field(gt=0, le=2, description="of the market factor, per year")
    trend: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="standard deviation of a symbol's own persistent drift, "
        "fraction of its idiosyncratic volatility",
    )
    reversion: float = Field(
        default=0.0, ge=0, le=1, description="share of an idiosyncratic shock that is taken back"
    )

    @property
    def daily_drift(self) -> float:
        return self.drift / TRADING_DAYS_PER_YEAR

    @property
    def daily_variance(self) -> float:
        return self.volatility**2 / TRADING_DAYS_PER_YEAR

    def without_edge(self) -> "HiddenRegime":
        """Return the same regime with nothing to be earned in it."""
        return self.model_copy(update={"drift": 0.0, "trend": 0.0, "reversion": 0.0})


REGIMES = (
    HiddenRegime(name="advance", mean_bars=150, drift=0.26, volatility=0.07, trend=0.13),
    HiddenRegime(name="range", mean_bars=150, drift=0.0, volatility=0.14, reversion=0.9),
    HiddenRegime(name="decline", mean_bars=100, drift=-0.50, volatility=0.30, trend=0.13),
)
SUCCESSORS = ((0.0, 0.7, 0.3), (0.6, 0.0, 0.4), (0.4, 0.6, 0.0))


class SyntheticSource(Settings):
    """A market that is drawn from a process whose every parameter is known."""

    source: Literal["synthetic"] = "synthetic"
    variant: Literal["planted", "no_edge"] = Field(
        default="planted", description="whether the regimes' drift, trend and reversion are there"
    )
    seed: int = Field(default=7, ge=0, lt=2**63)
    n_bars: int = Field(default=5_040, ge=2, le=50_000, description="trading days; 252 are a year")
    n_symbols: int = Field(default=30, ge=2, le=1_000)
    n_sectors: int = Field(default=6, ge=1, le=100, description="each with two symbols or more")
    start: date = Field(
        default=date(2000, 1, 3),
        ge=date(1900, 1, 1),
        le=date(2060, 1, 1),
        description="first bar's day",
    )

    regimes: tuple[HiddenRegime, ...] = Field(
        default=REGIMES, min_length=1, max_length=20, description="hidden states of the market"
    )
    successors: tuple[tuple[float, ...], ...] = Field(
        default=SUCCESSORS, description="row: the regime that ends; column: probability of the next"
    )

    sector_volatility: float = Field(default=0.06, ge=0, le=1, description="per year")
    idiosyncratic_volatility: float = Field(
        default=0.20, gt=0, le=1, description="per year, of the median symbol"
    )
    overnight_share: float = Field(
        default=0.2, gt=0, lt=1, description="of the variance and the drift of a bar"
    )
    garch_shock: float = Field(default=0.05, ge=0, lt=1, description="alpha of the GARCH(1,1)")
    garch_memory: float = Field(default=0.90, ge=0, lt=1, description="beta of the GARCH(1,1)")
    tail_freedom: float = Field(
        default=6.0, gt=2, le=1_000, description="degrees of freedom of the Student-t shocks"
    )
    jumps_per_year: float = Field(
        default=4.0, ge=0, le=100, description="for each symbol, overnight"
    )
    jump_size: float = Field(
        default=0.03, ge=0, le=0.2, description="standard deviation, of the price"
    )

    fast_half_life: float = Field(default=30.0, gt=0, description="bars, of a symbol's fast drift")
    slow_half_life: float = Field(default=500.0, gt=0, description="bars, of a symbol's slow drift")
    slow_share: float = Field(default=0.15, ge=0, le=1, description="of the variance of the drift")
    reversion_half_life: float = Field(default=6.0, gt=0, description="bars, of what is taken back")

    spread: float = Field(
        default=0.0004,
        ge=0,
        le=0.02,
        description="quoted, fraction of the price, of the median symbol",
    )
    dollar_volume: float = Field(
        default=2e8, gt=0, description="a day, account currency, of the median symbol"
    )
    news: SyntheticNews | None = Field(
        default=None, description="headlines, some of which say what is to come; default none"
    )

    @model_validator(mode="after")
    def _consistent(self) -> "SyntheticSource":
        if self.n_symbols < 2 * self.n_sectors:
            raise InvalidParameter(
                f"need two symbols a sector or more, was n_symbols={self.n_symbols} for "
                f"n_sectors={self.n_sectors}"
            )
        if not self.garch_shock + self.garch_memory < 1.0:
            raise InvalidParameter(
                "garch_shock + garch_memory must be below 1 for a volatility that comes back, "
                f"was {self.garch_shock} + {self.garch_memory}"
            )
        names = [regime.name for regime in self.regimes]
        if len(set(names)) != len(names):
            raise InvalidParameter(f"regimes need names of their own, was {', '.join(names)}")
        _check_successors(self.successors, names)
        return self

    @property
    def effective_regimes(self) -> tuple[HiddenRegime, ...]:
        """The regimes as this variant has them."""
        if self.variant == "planted":
            return self.regimes
        return tuple(regime.without_edge() for regime in self.regimes)

    @property
    def transition(self) -> FloatArray:
        """Probability [R, R] that the regime of the row is followed by that of the column."""
        if len(self.regimes) == 1:
            return np.ones((1, 1))
        leave = np.array([1.0 / regime.mean_bars for regime in self.regimes])
        change: FloatArray = leave[:, None] * np.array(self.successors)
        return np.diag(1.0 - leave) + change

    @property
    def stationary(self) -> FloatArray:
        """Share of all bars that each regime has in the long run, (R,)."""
        n_regimes = len(self.regimes)
        # p Π = p and Σ p = 1, solved together.
        balance = np.vstack([self.transition.T - np.eye(n_regimes), np.ones(n_regimes)])
        share = np.linalg.lstsq(balance, np.append(np.zeros(n_regimes), 1.0), rcond=None)[0]
        share = np.maximum(share, 0.0)  # rounding may leave -1e-17
        stationary: FloatArray = share / share.sum()
        return stationary


class Universe(NamedTuple):
    """What a symbol is for all time; each array is (S,)."""

    beta: FloatArray  # to the market factor
    sector: IntArray  # 0 to n_sectors - 1
    volatility: FloatArray  # idiosyncratic, per bar
    price: FloatArray  # before the first bar, account currency
    spread: FloatArray  # at ordinary volatility, fraction of the price
    dollar_volume: FloatArray  # on an ordinary day, account currency


def open_streams(seed: int) -> dict[str, np.random.Generator]:
    """Return a generator for each purpose, all of them children of the seed."""
    children = np.random.Generator(np.random.PCG64(seed)).spawn(len(STREAMS))
    return dict(zip(STREAMS, children, strict=True))


def draw_universe(source: SyntheticSource, streams: dict[str, np.random.Generator]) -> Universe:
    """Draw the symbols; the same seed and number of symbols give the same ones."""
    uniform = streams["universe"].random((5, source.n_symbols))
    daily_volatility = source.idiosyncratic_volatility / np.sqrt(TRADING_DAYS_PER_YEAR)
    return Universe(
        beta=0.6 + 0.8 * uniform[0],
        sector=np.arange(source.n_symbols) % source.n_sectors,
        volatility=daily_volatility * _around_one(uniform[1], 1.5),
        price=60.0 * _around_one(uniform[2], 3.0),
        spread=source.spread * _around_one(uniform[3], 2.0),
        dollar_volume=source.dollar_volume * _around_one(uniform[4], 4.0),
    )


def symbol_name(s: int) -> str:
    """Return the ticker of a synthetic symbol."""
    return f"SYN{s:03d}"


def decay(half_life: float) -> float:
    """Return what is left of a quantity after one bar."""
    left: float = 0.5 ** (1.0 / half_life)
    return left


def _around_one(uniform: FloatArray, factor: float) -> FloatArray:
    """Spread numbers of [0, 1) over [1 / factor, factor), evenly in their logarithm."""
    spread: FloatArray = factor ** (2.0 * uniform - 1.0)
    return spread


def _check_successors(successors: tuple[tuple[float, ...], ...], names: list[str]) -> None:
    n_regimes = len(names)
    if n_regimes == 1:
        return
    if [len(row) for row in successors] != [n_regimes] * n_regimes:
        raise InvalidParameter(
            f"successors needs {n_regimes} rows of {n_regimes} probabilities, one for each of "
            f"{', '.join(names)}; was {[len(row) for row in successors]}"
        )
    for i, row in enumerate(successors):
        if min(row) < 0.0 or row[i] != 0.0 or abs(sum(row) - 1.0) > 1e-9:
            raise InvalidParameter(
                f"successors of {names[i]} must be probabilities that sum to 1 with 0 for "
                f"{names[i]} itself (how long it lasts is mean_bars), was {row}"
            )
