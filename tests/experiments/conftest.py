"""Evaluations made by hand, so that a test says only what it is about."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import DECISION, FILL, TRADE

STRATEGIES = ("trend", "reversion")
SYMBOLS = ("AAA", "BBB", "CCC")
Maker = Callable[..., Evaluation]


def _evaluation(equity: Sequence[float], **changed: Any) -> Evaluation:  # noqa: ANN401
    """Return a quiet evaluation on consecutive days, changed where the test says so."""
    marks = np.asarray(equity, dtype=np.float64)
    n = marks.size
    days = np.datetime64("2020-01-01", "ns") + np.arange(n) * np.timedelta64(1, "D")
    n_decisions = max(n - 1, 0)
    weights = np.full((n_decisions, len(STRATEGIES) + 1), 1.0 / (len(STRATEGIES) + 1))
    quiet = Evaluation(
        name="agent",
        strategies=STRATEGIES,
        symbols=SYMBOLS,
        bars_per_year=252.0,
        timestamps=days,
        bars=np.arange(n),
        equity=marks,
        weights=weights,
        exposure=np.zeros(n),
        turnover=np.zeros(n_decisions),
        regime=np.full(n, 4, np.int8),
        breaker=np.zeros(n, np.int64),
        fills=np.zeros(0, FILL),
        trades=np.zeros(0, TRADE),
        decisions=np.zeros(0, DECISION),
    )
    return replace(quiet, **changed)


@pytest.fixture
def make_evaluation() -> Maker:
    """Return the maker: equity first, then any field of `Evaluation` by name."""
    return _evaluation


def _walk(seed: int, n_bars: int = 600, drift: float = 3e-4, **changed: Any) -> Evaluation:  # noqa: ANN401
    """Return a random walk with weights, regimes, breakers, trades and decisions."""
    rng = np.random.default_rng(seed)
    equity = 1e5 * np.exp(np.concatenate([[0.0], np.cumsum(rng.normal(drift, 0.008, n_bars))]))
    trades = np.zeros(40, TRADE)
    trades["strategy"] = rng.integers(0, len(STRATEGIES), 40)
    trades["reason"] = rng.integers(1, 8, 40)
    trades["opened"] = rng.integers(0, n_bars - 20, 40)
    trades["closed"] = trades["opened"] + rng.integers(1, 20, 40)
    trades["profit"] = rng.normal(20.0, 200.0, 40)
    decisions = np.zeros(90, DECISION)
    decisions["bar"] = np.sort(rng.integers(0, n_bars, 90))
    decisions["strategy"] = rng.integers(0, len(STRATEGIES), 90)
    decisions["wanted"] = rng.uniform(-0.1, 0.1, 90)
    decisions["verdict"] = rng.choice([0, 1, 3, 5, 11], 90)
    decisions["allowed"] = np.where(decisions["verdict"] == 0, decisions["wanted"], 0.0)
    breaker = np.zeros(n_bars + 1, np.int64)
    breaker[200:220] = 2
    facts: dict[str, Any] = {
        "weights": rng.dirichlet(np.ones(len(STRATEGIES) + 1), n_bars),
        "regime": np.array([-1, 0, 4, 8, 6], np.int8)[np.arange(n_bars + 1) * 5 // (n_bars + 1)],
        "breaker": breaker,
        "trades": trades,
        "decisions": decisions,
        "turnover": rng.uniform(0.0, 0.1, n_bars),
        "exposure": rng.uniform(0.0, 1.0, n_bars + 1),
    }
    marks = changed.pop("equity", equity)
    return _evaluation(marks, **{**facts, **changed})


@pytest.fixture
def walk() -> Maker:
    """Return the maker of realistic evaluations: seed first, then fields by name."""
    return _walk
