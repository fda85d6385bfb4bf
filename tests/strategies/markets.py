"""Awkward markets by number: whatever real data do to a rule, here they do it sooner.

Symbols start late, are delisted, miss bars, are halted or never trade. Prices stand still for a
while or for good, jump a thousandfold, tie in whole cents, follow another symbol or are its own.
Volume is unknown, nothing, or unknown now and then. Some markets have news, some know closes only,
some trade on all days of the week, and some are made of minutes, with early closes and rows that
are missing.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.news_features import INTENSITY, MOOD, NOVELTY
from benbot.strategies.base import Strategy

OPENING = np.timedelta64(870, "m")  # 14:30 UTC
CLOSING = np.timedelta64(21, "h")
EARLY_CLOSE = 0.6  # share of a regular session
TRIES = 200  # draws of parameters before a rule is left at its defaults
LONGEST_WARMUP = 0.7  # of the bars of a market
CALENDARS = ("weekdays", "minutes", "weekdays", "all days", "weekdays", "minutes")


@dataclass(frozen=True)
class Awkward:
    """A market, and what a rule must be told of its bars.

    bar_minutes    length of a bar; a whole session where a bar is a day
    session_bars   most bars of a regular session
    """

    market: Market
    bar_minutes: int
    session_bars: int

    @property
    def told(self) -> dict[str, int]:
        """What rules ask about bars, by the name of the parameter."""
        return {
            "bar_minutes": self.bar_minutes,
            "session_minutes": self.bar_minutes * self.session_bars,
            "bars_per_day": self.session_bars,
        }


def awkward_market(seed: int) -> Awkward:
    """Draw the market of this number; six in a row have each calendar among them."""
    rng = np.random.default_rng([seed, 1])
    kind = CALENDARS[seed % len(CALENDARS)]
    if kind == "minutes":
        bar_minutes, session_bars = (10, 36) if rng.random() < 0.5 else (15, 24)
        times, session = _minutes(rng, int(rng.integers(380, 480)), bar_minutes, session_bars)
    else:
        bar_minutes, session_bars = 390, 1
        times, session = _days(rng, int(rng.integers(300, 480)), kind == "all days")
    n_symbols = int(rng.integers(2, 13))
    close = _closes(rng, session, n_symbols)
    extra = np.random.default_rng([seed, 3])
    if n_symbols > 3:
        close[:, 1] = close[:, 2] * np.exp(_spread(extra, len(close)))
    close[~_traded(rng, close.shape)] = np.nan
    prices = {"close": close} if seed % 4 == 3 else _with_range(rng, close)
    volume = _volume(rng, close, seed % 3)
    market = _market(rng, times, session, prices | volume)
    market = _informed(extra, market) if seed % 2 else market
    return Awkward(market, bar_minutes, session_bars)


def fitted(rule: type[Strategy], awkward: Awkward, seed: int) -> list[Strategy]:
    """Return a rule at its defaults, and one at parameters drawn from their ranges.

    Both are told the length of bars and sessions, where they ask and can be told so. A draw that
    contradicts itself or would wait for most of the market is drawn again.
    """
    told = {name: value for name, value in awkward.told.items() if name in rule.parameters()}
    plain = _made(rule, {"label": "plain"} | told) or rule(label="plain")
    rng = np.random.default_rng([seed, 2])
    for _ in range(TRIES):
        drawn = _made(rule, {"label": "drawn"} | _drawn(rule, rng) | told)
        if drawn and drawn.warmup < LONGEST_WARMUP * awkward.market.n_bars:
            return [plain, drawn]
    return [plain]


def _made(rule: type[Strategy], values: dict[str, Any]) -> Strategy | None:
    try:
        return rule(**values)
    except InvalidParameter:
        return None


def _drawn(rule: type[Strategy], rng: np.random.Generator) -> dict[str, Any]:
    """Draw small numbers as often as large ones, because windows are what there is most of."""
    values: dict[str, Any] = {}
    for name, wanted in rule.parameters().items():
        share = rng.random()
        if wanted.low < 0.0:
            value = wanted.low + share * (wanted.high - wanted.low)
        else:
            low, high = wanted.low + 1.0, wanted.high + 1.0
            value = float(np.clip(low * (high / low) ** share - 1.0, wanted.low, wanted.high))
        values[name] = round(value) if wanted.whole else value
    return values | {name: str(rng.choice(words)) for name, words in rule.choices().items()}


def _days(rng: np.random.Generator, n_bars: int, always_open: bool) -> tuple[TimeArray, IntArray]:
    """Return closes at midnight of every day, or in the evening of weekdays without holidays."""
    if always_open:
        days = np.datetime64("2012-01-02") + np.arange(n_bars)
        return days.astype("datetime64[ns]"), np.arange(n_bars)
    weekdays = np.busday_offset("2012-01-02", np.arange(2 * n_bars), roll="forward")
    kept = np.sort(rng.choice(int(1.05 * n_bars), n_bars, replace=False))
    return (weekdays[kept] + CLOSING).astype("datetime64[ns]"), np.arange(n_bars)


def _minutes(
    rng: np.random.Generator, n_bars: int, bar_minutes: int, session_bars: int
) -> tuple[TimeArray, IntArray]:
    """Return closes of bars within sessions, of which some close early and some lack bars."""
    n_sessions = 3 * n_bars // session_bars
    early = rng.random(n_sessions) < 0.15
    lengths = np.where(early, int(EARLY_CLOSE * session_bars), session_bars)
    session = np.repeat(np.arange(n_sessions), lengths)
    bar = np.concatenate([np.arange(1, length + 1) for length in lengths])
    kept = np.flatnonzero(rng.random(session.size) > rng.choice([0.0, 0.02]))[:n_bars]
    days = np.busday_offset("2012-01-02", session[kept], roll="forward")
    times = days + OPENING + bar[kept] * np.timedelta64(bar_minutes, "m")
    return times.astype("datetime64[ns]"), session[kept]


def _closes(rng: np.random.Generator, session: IntArray, n_symbols: int) -> FloatArray:
    """Return prices that share a factor, trend for a while, gap, jump, tie and stand still."""
    shape = (session.size, n_symbols)
    size = rng.uniform(0.001, 0.03, n_symbols)
    moves = rng.standard_t(3, shape) * size
    moves += 0.01 * rng.standard_normal((session.size, 1)) * rng.uniform(0.0, 1.5, n_symbols)
    moves += (
        np.repeat(rng.normal(0.0, 0.3, (session.size // 30 + 1, n_symbols)), 30, axis=0)[
            : session.size
        ]
        * size
    )
    begins = np.diff(session, prepend=-1) != 0
    moves[begins] += rng.standard_t(3, (int(begins.sum()), n_symbols)) * size
    moves[rng.random(shape) < rng.choice([0.0, 0.0, 0.003])] += np.log(10.0) * rng.uniform(-3, 3)
    for s in np.flatnonzero(rng.random(n_symbols) < 0.25):
        moves[slice(*np.sort(rng.integers(0, session.size, 2))), s] = 0.0
    path = np.clip(moves.cumsum(axis=0), -12.0, 12.0)
    close: FloatArray = np.exp(rng.uniform(0.0, 6.0, n_symbols) + path)
    cents = rng.random(n_symbols) < 0.3
    close[:, cents] = np.maximum(np.round(close[:, cents], 2), 0.01)
    if rng.random() < 0.2:
        close[:, 0] = 12.34
    if rng.random() < 0.2:
        close[:, -1] = close[:, 0]
    return close


def _spread(rng: np.random.Generator, n_bars: int) -> FloatArray:
    """Return a spread that comes back, at least for a while."""
    spread = rng.choice([0.003, 0.03]) * rng.standard_normal(n_bars)
    for t in range(1, n_bars):
        spread[t] += 0.7 * spread[t - 1]
    breaks = rng.integers(n_bars // 2, 2 * n_bars)
    spread[breaks:] += (0.02 * rng.standard_normal(spread[breaks:].size)).cumsum()
    return spread


def _informed(rng: np.random.Generator, market: Market) -> Market:
    """Return the market with facts of news, some of them unknown, and some spreads."""
    shape = market.close.shape
    features = {
        MOOD: rng.uniform(-1.0, 1.0, shape) * (rng.random(shape) < 0.5),
        NOVELTY: rng.random(shape) * (rng.random(shape) < 0.3),
        INTENSITY: rng.gamma(1.0, 1.0, shape),
    }
    for values in features.values():
        values[rng.random(shape) < 0.02] = np.nan
    spread = rng.choice([0.001, 0.004, 0.01, np.nan], shape)
    return replace(market, features=features, spread=spread)


def _traded(rng: np.random.Generator, shape: tuple[int, int]) -> BoolArray:
    """Return what trades: at least one symbol at every bar does so."""
    n_bars, n_symbols = shape
    traded = rng.random(shape) >= rng.choice([0.0, 0.0, 0.02, 0.2], n_symbols)
    for s in range(n_symbols):
        fate = rng.random()
        bar = int(rng.integers(1, n_bars))
        if fate < 0.15:
            traded[:bar, s] = False
        elif fate < 0.3:
            traded[bar:, s] = False
        elif fate < 0.45:
            traded[bar : bar + int(rng.integers(2, 60)), s] = False
        elif fate < 0.48:
            traded[:, s] = False
    traded[:, rng.integers(n_symbols)] = True
    return traded


def _with_range(rng: np.random.Generator, close: FloatArray) -> dict[str, FloatArray]:
    """Return bars of which some have no range at all, and some open far from the last close."""
    width = rng.choice([0.0, 0.002, 0.02], close.shape, p=[0.1, 0.5, 0.4])
    opened = close * np.exp(width * rng.standard_normal(close.shape))
    above, below = 1.0 + width * rng.random((2, *close.shape))
    return {
        "open": opened,
        "high": np.maximum(opened, close) * above,
        "low": np.minimum(opened, close) / below,
        "close": close,
    }


def _volume(rng: np.random.Generator, close: FloatArray, kind: int) -> dict[str, FloatArray]:
    """Return volumes: none known, none traded at times, or unknown at times as well."""
    if kind == 0:
        return {}
    volume = rng.gamma(1.0, 1e4, close.shape).round()
    volume[rng.random(close.shape) < 0.05] = 0.0
    if kind == 1:
        volume[rng.random(close.shape) < 0.02] = np.nan
    return {"volume": volume}


def _market(
    rng: np.random.Generator, times: TimeArray, session: IntArray, facts: dict[str, FloatArray]
) -> Market:
    """Return the market with splits, halts and dividends at some bars, in two sectors."""
    trades = np.isfinite(facts["close"])
    rare = rng.random((3, *trades.shape)) < 0.004
    split = np.where(trades & rare[0], rng.choice([0.1, 0.5, 2.0, 3.0], trades.shape), 1.0)
    later = np.cumprod(split[::-1], axis=0)[::-1]
    corporate: dict[str, Any] = {
        "split": split,
        "unadjusted": later / split,
        "dividend": np.where(trades & rare[1], 0.5, 0.0),
        "halted": trades & rare[2],
    }
    n_symbols = trades.shape[1]
    return market_from_prices(
        times,
        tuple(f"S{s}" for s in range(n_symbols)),
        facts | corporate,
        session=session,
        sectors=tuple("AB"[s % 2] for s in range(n_symbols)),
    )
