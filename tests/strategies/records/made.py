"""Stores, trades and days to try the records on, and what they come to, counted slowly."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from benbot.strategies.records import Change, Records, Registered, Stage, open_records

NOON = datetime(2020, 6, 1, 12, tzinfo=UTC)
STRATEGIES = ("rsi", "ma", "gap")
SYMBOLS = ("AAA", "BBB", "CCC")
REGIMES = ("bull, low volatility", "bear, high volatility")
SOURCES = ("simulation", "paper")


class HandClock:
    """A clock that somebody sets by hand."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def opened(url: str, owner: str = "tests", **options: object) -> Records:
    return open_records(url, owner=owner, **{"clock": HandClock(), **options})


def registered(name: str, **changed: object) -> Registered:
    facts = {"family": "rule", "origin": "catalogue", "parameters": {"n": 14}, "digest": "d1"}
    return Registered(name, **{**facts, **changed})


def register_all(change: Change, names: Sequence[str] = STRATEGIES) -> None:
    for name in names:
        change.register(registered(name))


def trade(**changed: object) -> pd.DataFrame:
    """One trade that made 10, closed an hour before noon."""
    facts: dict[str, Any] = {
        "strategy": "rsi",
        "symbol": "AAA",
        "side": 1,
        "opened": NOON - timedelta(days=1),
        "closed": NOON - timedelta(hours=1),
        "entry_price": 100.0,
        "exit_price": 101.0,
        "units": 11.0,
        "profit": 10.0,
        "return": 0.01,
        "costs": 1.0,
        "slippage": 0.5,
        "reason": "TARGET",
        "regime": REGIMES[0],
        "news": 0.1,
        "spread": 2.0,
        "confidence": 0.6,
        "expected_value": 0.002,
        "stage": "R1",
        "weight": 0.2,
        "source": "simulation",
    }
    return pd.DataFrame([{**facts, **changed}])


def day(**changed: object) -> pd.DataFrame:
    facts: dict[str, Any] = {
        "strategy": "rsi",
        "session": "2020-05-29",
        "source": "simulation",
        "stage": "R1",
        "return": 0.01,
        "equity": 101.0,
        "n_trades": 2,
        "breaches": 0,
    }
    return pd.DataFrame([{**facts, **changed}])


def many_trades(rng: np.random.Generator, n: int, tag: str = "t") -> pd.DataFrame:
    """Return n trades of all strategies, some at the same time, some with unknown slippage."""
    hours = rng.integers(2, 60 * 24, n)
    profit = np.round(rng.normal(0.5, 20.0, n), 2) * (rng.random(n) > 0.1)
    return pd.DataFrame(
        {
            "strategy": rng.choice(STRATEGIES, n),
            "symbol": rng.choice(SYMBOLS, n),
            "side": rng.choice([-1, 1], n),
            "opened": [NOON - timedelta(hours=int(h) + 5) for h in hours],
            "closed": [NOON - timedelta(hours=int(h)) for h in hours],
            "entry_price": rng.uniform(50, 150, n),
            "exit_price": rng.uniform(50, 150, n),
            "units": rng.integers(1, 100, n).astype(float),
            "profit": profit,
            "return": profit / 1000.0,
            "costs": rng.uniform(0, 2, n),
            "slippage": np.where(rng.random(n) < 0.2, np.nan, rng.standard_t(3, n) * 5),
            "reason": rng.choice(["STOP", "TARGET"], n),
            "regime": rng.choice(REGIMES, n),
            "news": np.nan,
            "spread": rng.uniform(0, 5, n),
            "confidence": rng.random(n),
            "expected_value": rng.normal(0, 0.01, n),
            "stage": rng.choice([Stage.R1, Stage.R2], n),
            "weight": rng.random(n),
            "source": rng.choice(SOURCES, n, p=[0.8, 0.2]),
            "key": [f"{tag}{k}" for k in range(n)],
        }
    )


def many_days(rng: np.random.Generator, sessions: Sequence[str]) -> pd.DataFrame:
    """Return a day of each strategy for each session."""
    rows = [(name, session) for session in sessions for name in STRATEGIES]
    n = len(rows)
    return pd.DataFrame(rows, columns=["strategy", "session"]).assign(
        source="simulation",
        stage=rng.choice([Stage.R1, Stage.R2], n),
        equity=rng.uniform(80, 120, n),
        n_trades=rng.integers(0, 5, n),
        breaches=rng.integers(0, 2, n),
        **{"return": rng.normal(0, 0.02, n)},
    )


def counted(trades: pd.DataFrame, by: Sequence[str]) -> dict[tuple[str, ...], dict[str, float]]:
    """Return what trades in the order of their records come to, group by group, one at a time."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for row in trades.to_dict("records"):
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    return {key: _come_to(rows) for key, rows in groups.items()}


def _come_to(rows: list[dict[str, Any]]) -> dict[str, float]:
    profits = np.array([row["profit"] for row in rows])
    returns = np.array([row["return"] for row in rows])
    slips = np.array([row["slippage"] for row in rows if np.isfinite(row["slippage"])])
    gains, lost = profits[profits > 0].sum(), -profits[profits < 0].sum()
    several = len(rows) > 1 and returns.std() > 0
    return {
        "trades": len(rows),
        "win_rate": float((profits > 0).mean()),
        "profit_factor": gains / lost if lost else (np.inf if gains else np.nan),
        "profit": profits.sum(),
        "costs": sum(row["costs"] for row in rows),
        "mean": returns.mean(),
        "deviation": returns.std(ddof=1) if several else np.nan,
        "sharpe": returns.mean() / returns.std(ddof=1) if several else np.nan,
        "drawdown": _deepest(rows),
        "slippage_mean": slips.mean() if slips.size else np.nan,
        "slippage_p95": _tail(slips),
    }


def _deepest(rows: list[dict[str, Any]]) -> float:
    """Return the deepest fall of the sum of profits of any account among the trades."""
    totals: dict[tuple[str, str], tuple[float, float]] = {}
    deepest = 0.0
    for row in rows:
        account = (row["strategy"], row["source"])
        total, peak = totals.get(account, (0.0, 0.0))
        total += row["profit"]
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
        totals[account] = (total, peak)
    return deepest


def _tail(slips: np.ndarray) -> float:
    if not slips.size:
        return float("nan")
    return float(np.quantile(slips, 0.95, method="inverted_cdf"))


def counted_days(days: pd.DataFrame, by: Sequence[str]) -> dict[tuple[str, ...], dict[str, float]]:
    """Return what days in the order of their records come to, one at a time."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for row in days.to_dict("records"):
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    return {key: _days_come_to(rows) for key, rows in groups.items()}


def _days_come_to(rows: list[dict[str, Any]]) -> dict[str, float]:
    returns = np.array([row["return"] for row in rows])
    peaks: dict[tuple[str, str], float] = {}
    deepest = 0.0
    for row in rows:
        account = (row["strategy"], row["source"])
        start = row["equity"] / (1.0 + row["return"])
        peak = max(peaks.get(account, 0.0), start, row["equity"])
        deepest = max(deepest, 1.0 - row["equity"] / peak)
        peaks[account] = peak
    return {
        "days": len(rows),
        "breaches": sum(row["breaches"] for row in rows),
        "daily_mean": returns.mean(),
        "daily_deviation": returns.std(ddof=1) if len(rows) > 1 else np.nan,
        "equity_drawdown": deepest,
    }
