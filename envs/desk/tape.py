"""The history that the desk reads, bar by bar: prices, costs and what every strategy wants.

Everything in row t was known at the close of bar t, except the prices and costs of `bars[t]`, which
fill the orders that were decided at the close of bar t - 1.

price      account currency per unit; NaN where the symbol did not trade
value      direction × confidence × expected value: signed, 0 asks for nothing
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, Int8Array, IntArray, RecordArray
from benbot.envs.desk.rules import Costs
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import CALENDAR_DAYS_PER_YEAR, Market
from benbot.envs.signals import Signals

BAR = np.dtype(
    [
        ("open", np.float64),
        ("high", np.float64),
        ("low", np.float64),
        ("close", np.float64),
        ("half_spread", np.float64),  # fraction of the price
        ("impact", np.float64),  # cost of a notional Q is impact × √Q, fraction of Q
    ],
    align=True,
)

VOLATILITY_MEMORY = 0.94  # RiskMetrics' daily decay
VOLUME_WINDOW = 20  # bars of the average traded value
VECTOR = 8  # numbers that the processor multiplies at once; symbols beyond whole vectors cost more


class Tape(NamedTuple):
    """T bars of S symbols under K strategies.

    bars           (T, S)     of BAR
    value          (T, K, S') filled in by the sleeves, which learn the expected values; S' is S
                              rounded up to whole vectors, what lies behind the symbols is 0
    stop           (T, K, S)  distance of the protective stop, fraction of the fill price
    diamond        (T, S)     whether a candidate in the symbol is a diamond
    session        (T,)       number of the trading day
    regime         (T,)       code of `market.regime`, -1 unknown
    sleeve_return  (T, K)     log growth of each sleeve over the bar
    year_share     (T,)       of a year, since the bar before; fees accrue with it
    """

    bars: RecordArray
    value: Float32Array
    stop: Float32Array
    diamond: BoolArray
    session: IntArray
    regime: Int8Array
    sleeve_return: FloatArray
    year_share: FloatArray


def blank_tape(market: Market, signals: Signals, regime: Int8Array, costs: Costs) -> Tape:
    """Return the tape before the sleeves have run: no values, no sleeve returns."""
    n_bars, n_strategies, n_symbols = signals.direction.shape
    if (n_bars, n_symbols) != (market.n_bars, market.n_symbols) or regime.shape != (n_bars,):
        raise InvalidParameter(
            f"signals and regime must cover the market's {market.n_bars} bars and "
            f"{market.n_symbols} symbols, was {n_bars} bars, {n_symbols} symbols and a regime of "
            f"shape {regime.shape}"
        )
    return Tape(
        bars=_bars(market, costs),
        value=np.zeros((n_bars, n_strategies, -(-n_symbols // VECTOR) * VECTOR), np.float32),
        stop=signals.stop_distance,
        diamond=signals.diamond,
        session=market.session,
        regime=regime,
        sleeve_return=np.zeros((n_bars, n_strategies)),
        year_share=_year_share(market),
    )


def _bars(market: Market, costs: Costs) -> RecordArray:
    bars = np.zeros((market.n_bars, market.n_symbols), BAR)
    for name in ("open", "high", "low", "close"):
        bars[name] = getattr(market, name)
    known = np.isfinite(market.spread)
    bars["half_spread"] = np.where(known, market.spread / 2.0, costs.half_spread)
    bars["impact"] = costs.impact * impact_per_root_money(market)
    return bars


def _year_share(market: Market) -> FloatArray:
    year = np.timedelta64(CALENDAR_DAYS_PER_YEAR, "D")
    share: FloatArray = np.diff(market.timestamps, prepend=market.timestamps[:1]) / year
    return share


def impact_per_root_money(market: Market) -> FloatArray:
    """Return σ / √ADV of each symbol as known before each bar, [T, S]; 0 where no volume is known.

    Square-root law: a trade of notional Q moves the price by Y σ √(Q / ADV). σ is the exponentially
    weighted volatility, ADV the mean value traded. Both are taken per bar, because n bars a day
    would multiply σ and √ADV alike, by √n.
    """
    rate = np.zeros((market.n_bars, market.n_symbols))
    for s in range(market.n_symbols):
        traded = np.flatnonzero(market.tradable[:, s])
        close = market.close[traded, s]
        value = np.nan_to_num(close * market.volume[traded, s])
        volatility = np.sqrt(_weighted_mean(np.diff(np.log(close), prepend=np.nan) ** 2))
        volume = _trailing_mean(value, VOLUME_WINDOW)
        known = (volume > 0.0) & np.isfinite(volatility)
        ratio = np.where(known, volatility / np.sqrt(np.where(known, volume, 1.0)), 0.0)
        rate[traded[1:], s] = ratio[:-1]  # what was known one traded bar earlier
    return rate


def _weighted_mean(squares: FloatArray) -> FloatArray:
    """Return the exponentially weighted mean so far; the first entry, a NaN, is left out."""
    mean = np.full(squares.shape, np.nan)
    for t in range(1, squares.size):
        before = squares[t] if t == 1 else mean[t - 1]
        mean[t] = VOLATILITY_MEMORY * before + (1.0 - VOLATILITY_MEMORY) * squares[t]
    return mean


def _trailing_mean(values: FloatArray, window: int) -> FloatArray:
    total = np.cumsum(values)
    total[window:] = total[window:] - total[:-window]
    return total / np.minimum(np.arange(1, values.size + 1), window)
