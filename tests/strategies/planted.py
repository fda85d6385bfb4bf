"""Markets in which one thing can be earned and nothing else, and markets in which nothing can.

Trend, reversion and drift are those of the synthetic market, each as a regime that lasts for ever.
What it cannot plant is planted here. Shocks are independent and normal unless something else is
said, so the plant is all there is to know.
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray, TimeArray
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import HiddenRegime, SyntheticSource

N_BARS, N_SYMBOLS = 2_400, 30
SESSION_BARS, BAR_MINUTES, N_SESSIONS = 36, 10, 150
INTRADAY_SYMBOLS = 8
MOVE = 0.01  # deviation of a day's own moves
FIRST_PART = LAST_PART = 3  # bars of half an hour


def synthetic(seed: int, **planted: float) -> Market:
    """Return a synthetic market of one regime, which has what is planted and nothing else."""
    regime = HiddenRegime(name="only", mean_bars=1_000, volatility=0.1, **{"drift": 0.0} | planted)
    return load_synthetic(
        SyntheticSource(
            seed=seed,
            regimes=(regime,),
            successors=((0.0,),),
            n_bars=N_BARS,
            n_symbols=N_SYMBOLS,
            slow_share=0.5,
        )
    )


def overnight_reversal(seed: int) -> Market:
    """Return days on which a part of the last gap is taken back.

    As much of the last session's move goes on, so that the return of a whole day says nothing of
    the next one: only who tells the night from the day can earn.
    """
    rng = np.random.default_rng(seed)
    gap, session = MOVE * rng.standard_normal((2, N_BARS, N_SYMBOLS))
    session[1:] += 0.3 * (session[:-1] - gap[:-1])
    return _daily(rng, gap, session)


def paid_calm(seed: int) -> Market:
    """Return days on which calm symbols rise and wild ones fall, a little.

    Who is calm changes every 60 days, before a past return could tell.
    """
    rng = np.random.default_rng(seed)
    n_spells = N_BARS // 60
    is_calm = np.repeat(rng.random((n_spells, N_SYMBOLS)) < 0.5, 60, axis=0)
    size = np.where(is_calm, MOVE, 2.0 * MOVE)
    drift = np.where(is_calm, 0.07, -0.07) * MOVE
    session = drift + size * rng.standard_normal(size.shape)
    return _daily(rng, np.zeros(size.shape), session)


def tied_pairs(seed: int) -> Market:
    """Return fifteen pairs of random walks, the spread of each of which comes back."""
    rng = np.random.default_rng(seed)
    n_pairs = N_SYMBOLS // 2
    common = MOVE * rng.standard_normal((N_BARS, n_pairs))
    spread = MOVE * rng.standard_normal((N_BARS, n_pairs))
    for t in range(1, N_BARS):
        spread[t] += 0.85 * spread[t - 1]
    own = np.diff(spread, axis=0, prepend=0.0)
    session = np.column_stack([common, common + own])
    return _daily(rng, np.zeros(session.shape), session)


def informed(seed: int) -> Market:
    """Return a synthetic market whose news come true, and in which nothing else is known."""
    regime = HiddenRegime(name="only", mean_bars=1_000, volatility=0.1, drift=0.0)
    return load_synthetic(
        SyntheticSource(
            seed=seed,
            regimes=(regime,),
            successors=((0.0,),),
            n_bars=N_BARS // 2,
            n_symbols=N_SYMBOLS,
            news=SyntheticNews(informative=1.0, items_per_year=40),
        )
    )


def return_to_the_average(seed: int) -> Market:
    """Return sessions in which the price swings around the level at which the day began."""
    rng = np.random.default_rng(seed)
    swings = 0.003 * rng.standard_normal((N_SESSIONS, SESSION_BARS, INTRADAY_SYMBOLS))
    for bar in range(1, SESSION_BARS):
        swings[:, bar] += 0.7 * swings[:, bar - 1]
    level = MOVE * rng.standard_normal((N_SESSIONS, 1, INTRADAY_SYMBOLS)).cumsum(axis=0)
    return _intraday(rng, level + swings)


def morning_goes_on(seed: int) -> Market:
    """Return sessions whose last half hour goes where the first one went."""
    rng = np.random.default_rng(seed)
    moves = 0.003 * rng.standard_normal((N_SESSIONS, SESSION_BARS, INTRADAY_SYMBOLS))
    morning = moves[:, :FIRST_PART].sum(axis=1, keepdims=True)
    moves[:, -LAST_PART:] += 0.2 * morning
    return _intraday(rng, _path(moves))


def gap_comes_back(seed: int) -> Market:
    """Return sessions in which half of the gap is taken back, but for the last half hour."""
    rng = np.random.default_rng(seed)
    moves = 0.002 * rng.standard_normal((N_SESSIONS, SESSION_BARS, INTRADAY_SYMBOLS))
    gap = MOVE * rng.standard_normal((N_SESSIONS, 1, INTRADAY_SYMBOLS))
    moves[:, 1:-LAST_PART] -= 0.5 * gap / (SESSION_BARS - LAST_PART - 1)
    moves[:, :1] += gap
    return _intraday(rng, _path(moves))


def nothing_within_the_day(seed: int) -> Market:
    """Return sessions of a random walk."""
    rng = np.random.default_rng(seed)
    shape = (N_SESSIONS, SESSION_BARS, INTRADAY_SYMBOLS)
    return _intraday(rng, _path(0.003 * rng.standard_normal(shape)))


def _path(moves: FloatArray) -> FloatArray:
    path: FloatArray = moves.reshape(-1, moves.shape[2]).cumsum(axis=0).reshape(moves.shape)
    return path


def _daily(rng: np.random.Generator, gap: FloatArray, session: FloatArray) -> Market:
    """Return days whose opening is away from the last close by a gap."""
    close = 50.0 * np.exp((gap + session).cumsum(axis=0))
    days = np.busday_offset("2000-01-03", np.arange(len(close)), roll="forward")
    times = (days + np.timedelta64(21, "h")).astype("datetime64[ns]")
    return _market(rng, times, close * np.exp(-session), close, np.arange(len(close)))


def _intraday(rng: np.random.Generator, path: FloatArray) -> Market:
    """Return sessions of ten-minute bars, each of which opens at the close before.

    The first bar of a session opens at its own close, which makes its move a gap.
    """
    close = 50.0 * np.exp(path.reshape(-1, path.shape[2]))
    session = np.repeat(np.arange(len(path)), SESSION_BARS)
    bar = np.tile(np.arange(1, SESSION_BARS + 1), len(path))
    days = np.busday_offset("2000-01-03", session, roll="forward")
    times = days + np.timedelta64(870, "m") + bar * np.timedelta64(BAR_MINUTES, "m")
    opened = np.where((bar == 1)[:, np.newaxis], close, np.roll(close, 1, axis=0))
    return _market(rng, times.astype("datetime64[ns]"), opened, close, session)


def _market(
    rng: np.random.Generator,
    times: TimeArray,
    opened: FloatArray,
    close: FloatArray,
    session: IntArray,
) -> Market:
    above, below = 1.0 + 0.001 * rng.random((2, *close.shape))
    facts = {
        "open": opened,
        "high": np.maximum(opened, close) * above,
        "low": np.minimum(opened, close) / below,
        "close": close,
        "volume": rng.gamma(4.0, 1e4, close.shape),
    }
    names = tuple(f"S{s}" for s in range(close.shape[1]))
    return market_from_prices(times, names, facts, session=session)
