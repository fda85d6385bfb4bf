"""Markets to try strategies on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray
from benbot.envs.market.datasets import DatasetSource, load_dataset
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market, market_from_prices

MakeMarket = Callable[..., Market]


def days(n_bars: int) -> np.ndarray:
    return np.arange(n_bars).astype("datetime64[D]").astype("datetime64[ns]")


@pytest.fixture(scope="session")
def market_of() -> Callable[..., Market]:
    """Make a market of closes from one sequence per symbol."""

    def make(*closes: FloatArray) -> Market:
        close = np.column_stack([np.asarray(c, dtype=np.float64) for c in closes])
        names = tuple(f"S{s}" for s in range(close.shape[1]))
        return market_from_prices(days(close.shape[0]), names, {"close": close})

    return make


@pytest.fixture(scope="session")
def random_market() -> MakeMarket:
    """Make a market with trends, jumps, a penny stock in whole cents and a price that stands still.

    Unless it is whole, symbols start late, miss bars here and there, are halted for a while, and
    one is delisted.
    """

    def make(
        seed: int, n_symbols: int, n_bars: int = 330, *, has_range: bool, whole: bool = False
    ) -> Market:
        rng = np.random.default_rng(seed)
        close = _closes(rng, n_bars, n_symbols)
        close[~(np.ones(close.shape, bool) if whole else _traded(rng, close.shape))] = np.nan
        names = tuple(f"S{s}" for s in range(n_symbols))
        prices = _with_range(rng, close) if has_range else {"close": close}
        return market_from_prices(days(n_bars), names, prices)

    return make


@pytest.fixture(scope="session")
def session_market() -> MakeMarket:
    """Make a market of half-hour bars with jumps overnight, days that close early, and volume.

    A regular session is 12 bars long. Symbols and whole rows miss bars, and some volumes are
    unknown or nothing.
    """

    def make(seed: int, n_symbols: int, n_sessions: int = 26, *, has_range: bool) -> Market:
        rng = np.random.default_rng(seed)
        lengths = rng.choice([12, 12, 12, 7], n_sessions)
        session = np.repeat(np.arange(n_sessions), lengths)
        bar = np.concatenate([np.arange(1, length + 1) for length in lengths])
        moves = rng.normal(0.0, 0.003, (session.size, n_symbols))
        moves[bar == 1] += rng.standard_t(3, (n_sessions, n_symbols)) * 0.01
        close = 40.0 * np.exp(moves.cumsum(axis=0))
        close[rng.random(close.shape) < rng.choice([0.0, 0.05, 0.3], n_symbols)] = np.nan
        kept = (rng.random(session.size) > 0.02) & np.isfinite(close).any(axis=1)
        volume = rng.gamma(1.0, 1e4, close.shape).round()
        volume[rng.random(close.shape) < 0.01] = np.nan
        volume[rng.random(close.shape) < 0.05] = 0.0
        prices = _with_range(rng, close) if has_range else {"close": close}
        facts = {name: fact[kept] for name, fact in (prices | {"volume": volume}).items()}
        names = tuple(f"S{s}" for s in range(n_symbols))
        times = half_hours(session, bar)[kept]
        return market_from_prices(times, names, facts, session=session[kept])

    return make


def half_hours(session: IntArray, bar: IntArray) -> TimeArray:
    """Return when the n-th half hour of each day closed, if the exchange opens at 14:30."""
    start = session.astype("datetime64[D]") + np.timedelta64(870, "m")
    times: TimeArray = (start + bar * np.timedelta64(30, "m")).astype("datetime64[ns]")
    return times


def _closes(rng: np.random.Generator, n_bars: int, n_symbols: int) -> FloatArray:
    shape = (n_bars, n_symbols)
    drift = np.repeat(rng.normal(0.0, 0.003, (n_bars // 30 + 1, n_symbols)), 30, axis=0)[:n_bars]
    noise = rng.standard_t(4, shape) * rng.uniform(0.001, 0.03, n_symbols)
    start = np.exp(rng.uniform(0.0, 6.0, n_symbols))
    close: FloatArray = start * np.exp((drift + noise).cumsum(axis=0))
    close[:, 0] = np.maximum(np.round(close[:, 0] / start[0], 2), 0.01)  # ties
    close[n_bars // 2 : n_bars // 2 + 60, n_symbols - 1] = close[n_bars // 2, n_symbols - 1]
    return close


def _traded(rng: np.random.Generator, shape: tuple[int, int]) -> BoolArray:
    n_bars, n_symbols = shape
    traded = rng.random(shape) >= rng.choice([0.0, 0.02, 0.2], n_symbols)
    for s in range(1, n_symbols, 3):
        traded[: rng.integers(1, n_bars // 2), s] = False
    halt = rng.integers(n_bars // 3, n_bars // 2)
    traded[halt : halt + 25, 0] = False
    traded[rng.integers(n_bars // 2, n_bars) :, n_symbols // 2] = False
    return traded


def _with_range(rng: np.random.Generator, close: FloatArray) -> dict[str, FloatArray]:
    opened = close * np.exp(rng.normal(0.0, 0.005, close.shape))
    above, below = 1.0 + rng.uniform(0.0, 0.02, (2, *close.shape))
    return {
        "open": opened,
        "high": np.maximum(opened, close) * above,
        "low": np.minimum(opened, close) / below,
        "close": close,
    }


@pytest.fixture(scope="session")
def sp500_market() -> Market:
    """Two and a half years of 20 real stocks, closes only."""
    return load_dataset(DatasetSource(start="2018-07-02", end="2020-12-31"))


@pytest.fixture(scope="session")
def stocks_market(shared_data: Path) -> Market:
    """88 real stocks with ranges, late starts and missing bars, from 2016 on."""
    path = shared_data / "us_stocks_88_daily_2012_2017.parquet"
    return load_files(FilesSource(path=path, start="2016-01-04"))
