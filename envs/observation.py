"""What a policy sees: a block of features per strategy, then the context, all by name.

Most of it is the same for every account and is computed once per market (`static`); the rest is
about the account itself and is filled in by `observe` (`live`). Features are scaled by design to
be of order one and are clipped at ±5; row t uses nothing later than the close of bar t.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, frozen
from benbot.envs.desk.breakers import drawdown
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.prefetch import LINE, prefetch
from benbot.envs.desk.reasons import Breaker
from benbot.envs.desk.sizing import size_scale

CLIP = 5.0

STATIC_STRATEGY = (
    "return_5",  # log growth of the sleeve less the mean of all sleeves, in standard deviations
    "return_21",
    "return_63",
    "volatility_21",  # log of the volatility of the sleeve, a bar, over half a percent
    "volatility_63",
    "record_mean",  # mean growth in the present regime, shrunk, as a Sharpe ratio of 252 bars
    "record_t",  # its t-statistic
    "record_count",  # log of one plus the bars on record in this regime
    "forecast",  # growth expected after this close, as a Sharpe ratio; see `forecast`
    "drawdown",  # of the sleeve, negative
    "hit_rate",  # share of the sleeve's bars that grew, less a half
    "confidence",  # mean confidence of today's signals
    "signals",  # share of the symbols with a signal today
    "direction",  # longs less shorts, as a share of the symbols
)
LIVE_STRATEGY = ("correlation", "weight", "exposure")
STAGE = "stage"  # code over 4, the last of a strategy's; only where there are `standing.Standings`

STATIC_CONTEXT = (
    "bear",
    "neutral",
    "bull",
    "low_volatility",
    "normal_volatility",
    "high_volatility",
    "market_trend",
    "market_volatility",
    "breadth",
    "dispersion",
    "persistence_5",  # whether symbols that led over so many bars go on leading, or fall back
    "persistence_21",
    "spread",
    "year_sine",
    "year_cosine",
)
LIVE_CONTEXT = (
    "account_drawdown",
    "cash",
    "open_positions",
    "gross",
    "net",
    "trades_today",
    "day_halted",
    "drawdown_halted",
    "recovering",
    "size_scale",
    "refused",
    "last_growth",
)

N_STATIC_STRATEGY, N_LIVE_CONTEXT = len(STATIC_STRATEGY), len(LIVE_CONTEXT)
N_CONTEXT = len(STATIC_CONTEXT) + N_LIVE_CONTEXT


@dataclass(frozen=True)
class Layout:
    """Where each feature stands: strategy k's feature f at `k * F + f`, the context behind them."""

    strategies: tuple[str, ...]
    strategy_features: tuple[str, ...] = STATIC_STRATEGY + LIVE_STRATEGY
    context_features: tuple[str, ...] = STATIC_CONTEXT + LIVE_CONTEXT

    @property
    def size(self) -> int:
        return len(self.strategies) * len(self.strategy_features) + len(self.context_features)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every entry, as `strategy/feature` or `context/feature`."""
        own = tuple(f"{k}/{f}" for k in self.strategies for f in self.strategy_features)
        return own + tuple(f"context/{f}" for f in self.context_features)

    def by_strategy(self, observation: Float32Array, feature: str) -> Float32Array:
        """Return one feature of every strategy, [..., K]."""
        n_features = len(self.strategy_features)
        end = len(self.strategies) * n_features
        return observation[..., self.strategy_features.index(feature) : end : n_features]

    def context(self, observation: Float32Array, feature: str) -> Float32Array:
        """Return one feature of the context, [...]."""
        return observation[..., self.size - len(self.context_features) :][
            ..., self.context_features.index(feature)
        ]


class Features(NamedTuple):
    """What is the same for every account, at every bar."""

    rows: Float32Array  # (T, D), whole observations with zeros where the live features go
    sleeve_precision: Float32Array  # (T, K), 1 / volatility, weighted like the account's; or 0
    # (T, K), whether a strategy may use the account's money; (0, 0) where everybody may
    allowed: BoolArray = frozen(np.zeros((0, 0), np.bool_))


@compiled
def fetch_row(features: Features, t: int) -> None:
    """Ask for what every account can see at the close of bar `t`."""
    row = features.rows.shape[1] * features.rows.itemsize
    for offset in range(t * row, (t + 1) * row, LINE):
        prefetch(features.rows, offset)


@compiled
def observe(desk: Desk, features: Features, b: int, t: int, out: Float32Array) -> None:
    """Write the observation of account `b` at the close of bar `t` into row `b` of `out`."""
    size = features.rows.shape[1]
    for i in range(size):
        out[b, i] = features.rows[t, i]
    observe_sleeves(desk, features, b, t, out)
    observe_account(desk, b, size - N_LIVE_CONTEXT, out)


@compiled
def observe_sleeves(desk: Desk, features: Features, b: int, t: int, out: Float32Array) -> None:
    """Write what each strategy means to the account."""
    sleeves, variance = desk.book.sleeves, desk.book.accounts[b].variance
    precision = 1.0 / np.sqrt(variance) if variance > 0.0 else 0.0
    n_features = (features.rows.shape[1] - N_CONTEXT) // sleeves.shape[1]
    at = N_STATIC_STRATEGY
    for k in range(sleeves.shape[1]):
        correlation = sleeves[b, k].covariance * precision * features.sleeve_precision[t, k]
        out[b, at] = clipped(correlation)
        out[b, at + 1] = sleeves[b, k].weight
        out[b, at + 2] = clipped(sleeves[b, k].exposure)
        at += n_features


@compiled
def observe_account(desk: Desk, b: int, at: int, out: Float32Array) -> None:
    """Write what the policy may know of the account itself."""
    account, rules = desk.book.accounts[b], desk.rules[0]
    growth = np.log(account.equity / account.previous_equity)
    refused = 1.0 if account.blocked else account.n_refused / max(account.n_winners, 1)
    out[b, at] = clipped(-10.0 * drawdown(account.equity, account.peak))
    out[b, at + 1] = clipped(account.cash / account.equity)
    out[b, at + 2] = account.n_positions / desk.book.positions.shape[1]
    out[b, at + 3] = clipped(account.gross / account.equity)
    out[b, at + 4] = clipped(account.net / account.equity)
    out[b, at + 5] = account.trades_today / max(rules.limits_daily_trades, 1)
    out[b, at + 6] = account.day_halted
    out[b, at + 7] = account.drawdown_state == Breaker.DRAWDOWN
    out[b, at + 8] = account.drawdown_state == Breaker.RECOVERING
    out[b, at + 9] = size_scale(account, rules)
    out[b, at + 10] = refused
    out[b, at + 11] = clipped(100.0 * growth)


@compiled
def clipped(value: float) -> float:
    """Return the value within the observation space; what is not a number becomes 0."""
    if not np.isfinite(value):
        return 0.0
    return min(max(value, -CLIP), CLIP)
