"""A seeded market with a known answer: where the edge lies is planted, or there is none.

Planted: in some hidden regimes the symbols' own returns persist and those who follow trends earn,
in others they revert and those who bet on reversion earn; each loses where the other wins. Whoever
reads the regime from prices and switches beats any fixed mixture.

No edge: every price is a martingale in money, E[P(t+1) / P(t) | past] = 1, so that no rule has an
expected gross profit, whether it fills at an open, a close or a stop. This is exact, because

- returns are arithmetic. With log returns it could not be had: the exponential moment of a
  Student-t does not exist;
- whatever the past, the hidden regime, the volatility and the tail of the bar, the overnight return
  is symmetric about 0 and bounded, and so is the intraday return given the overnight one. Their
  means are 0, and E[(1 + overnight)(1 + intraday)] = 1;
- inside a bar the price is an arithmetic Brownian motion from open to close, and the extremes come
  from the law of its bridge. A stopped martingale is a martingale. (High and low are each exact but
  drawn independently of one another given open and close; jumps come overnight, as gaps.)

In the logarithm there is still something to learn: that risk and costs without reward shrink an
account, so that cash is best.

Both variants of a seed share every random number: regimes, volatilities, tails and jumps agree.
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray, Int8Array, TimeArray, frozen
from benbot.envs.market.market import (
    TRADING_DAYS_PER_YEAR,
    Market,
    Origin,
    market_from_prices,
)
from benbot.envs.market.news import NewsFeed, with_news
from benbot.envs.market.regime_filter import filter_regimes
from benbot.envs.market.synthetic_moves import (
    Moves,
    Streams,
    draw_moves,
    draw_regimes,
    recur,
)
from benbot.envs.market.synthetic_news import announced_drift, draw_items, feed_of_items
from benbot.envs.market.synthetic_source import (
    HiddenRegime,
    SyntheticSource,
    Universe,
    draw_universe,
    open_streams,
    symbol_name,
)

__all__ = ["HiddenRegime", "SyntheticMarket", "SyntheticSource", "generate", "load_synthetic"]

CLOSE = np.timedelta64(21, "h")  # UTC
LOWEST = 0.25  # of the open: where an extreme day's low ends at the latest
VOLUME_NOISE = 0.3  # of the logarithm
VOLUME_FROM_MOVE = 0.25  # of the logarithm, for a move of one standard deviation
TAPE_MEMORY = 0.94  # of the variance that market makers see, a bar
WIDEST_SPREAD = 0.05


@dataclass(frozen=True, eq=False)
class SyntheticMarket:
    """A market, and what only its maker knows.

    hidden_regime  (T,)    number of the regime in `SyntheticSource.regimes`
    filtered       [T, R]  probability of each regime given the closes up to t
    """

    market: Market
    hidden_regime: Int8Array
    filtered: FloatArray

    def __post_init__(self) -> None:
        for name in ("hidden_regime", "filtered"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


def generate(source: SyntheticSource) -> SyntheticMarket:
    """Draw the market; the same source gives the same one, and more bars continue it."""
    streams = open_streams(source.seed)
    regime = draw_regimes(source, streams)
    market = _draw_market(source, regime, streams)
    return SyntheticMarket(market, regime, filter_regimes(source, market.close))


def load_synthetic(source: SyntheticSource) -> Market:
    """Return the market alone, as anybody sees it."""
    streams = open_streams(source.seed)
    return _draw_market(source, draw_regimes(source, streams), streams)


def synthetic_feed(source: SyntheticSource) -> NewsFeed:
    """Return the news of the market of this source, which must have some."""
    items = draw_items(source, open_streams(source.seed))
    return feed_of_items(source, items, _business_days(source))


def _draw_market(source: SyntheticSource, regime: Int8Array, streams: Streams) -> Market:
    universe = draw_universe(source, streams)
    announced = None
    if source.news is not None:
        announced = announced_drift(source, universe, draw_items(source, streams))
    moves = draw_moves(source, universe, regime, streams, announced)
    prices = _draw_prices(universe, moves, streams)
    market = market_from_prices(
        _business_days(source),
        tuple(symbol_name(s) for s in range(source.n_symbols)),
        prices | _draw_liquidity(source, universe, prices["close"], streams),
        sectors=tuple(f"sector {i}" for i in universe.sector),
        origin=Origin(f"synthetic, {source.variant}, seed {source.seed}"),
    )
    return market if source.news is None else with_news(market, synthetic_feed(source))


def _business_days(source: SyntheticSource) -> TimeArray:
    """Return the closes, 21:00 UTC on Mondays to Fridays, without holidays."""
    number = np.arange(source.n_bars)
    days = np.busday_offset(np.datetime64(source.start), number, roll="forward")
    return (days + CLOSE).astype("datetime64[ns]")


def _draw_prices(universe: Universe, moves: Moves, streams: Streams) -> dict[str, FloatArray]:
    close = universe.price * np.cumprod((1.0 + moves.overnight) * (1.0 + moves.intraday), axis=0)
    opens = close / (1.0 + moves.intraday)
    high = opens * (1.0 + _draw_highest(moves.intraday, moves.deviation, streams["high"]))
    low = opens * (1.0 - _draw_highest(-moves.intraday, moves.deviation, streams["low"]))
    return {
        "open": opens,
        "high": np.maximum(high, np.maximum(opens, close)),  # rounding may have crossed them
        "low": np.minimum(np.maximum(low, LOWEST * opens), np.minimum(opens, close)),
        "close": close,
    }


def _draw_highest(
    move: FloatArray, deviation: FloatArray, stream: np.random.Generator
) -> FloatArray:
    """Draw the highest point of a Brownian motion that starts at 0 and ends at `move`.

    P(highest > m | move) = exp(-2 m (m - move) / deviation²), solved for m. Source: Asmussen,
    Glynn and Pitman (1995), Annals of Applied Probability 5.
    """
    exponential = stream.standard_exponential(move.shape)
    highest: FloatArray = 0.5 * (move + np.sqrt(move**2 + 2.0 * deviation**2 * exponential))
    return highest


def _draw_liquidity(
    source: SyntheticSource, universe: Universe, close: FloatArray, streams: Streams
) -> dict[str, FloatArray]:
    """Return spreads that widen with volatility and volumes that rise with the size of a move.

    Volatility is what the tape has shown before the bar, not what the process knows: else the
    spread would give the hidden regime away.
    """
    usual = _usual_variance(source, universe)
    square = (close / np.vstack([universe.price, close[:-1]]) - 1.0) ** 2
    seen = recur(np.full((len(close), 1), TAPE_MEMORY), (1.0 - TAPE_MEMORY) * square, usual)
    surprise = np.sqrt(square / seen) - 1.0
    noise = VOLUME_NOISE * streams["volume"].standard_normal(close.shape)
    dollars = universe.dollar_volume * np.exp(VOLUME_FROM_MOVE * surprise + noise)
    return {
        "spread": np.minimum(universe.spread * np.sqrt(seen / usual), WIDEST_SPREAD),
        "volume": dollars / close,
    }


def _usual_variance(source: SyntheticSource, universe: Universe) -> FloatArray:
    """Return the mean variance of a symbol's return over a bar, without jumps and drifts, (S,)."""
    of_market = source.stationary @ np.array([each.daily_variance for each in source.regimes])
    of_sector = source.sector_volatility**2 / TRADING_DAYS_PER_YEAR
    usual: FloatArray = universe.beta**2 * of_market + of_sector + universe.volatility**2
    return usual
