"""A lawful subject of an audit, and how a test makes it unlawful."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, prepare
from benbot.envs.market.market import FACTS, Market
from benbot.envs.market.regime import RegimeSettings
from benbot.experiments.audit.audit import Effort
from benbot.experiments.audit.result import AuditResult
from benbot.experiments.audit.subject import Subject
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover

REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
RULES = (MovingAverageCrossover(fast=2, slow=10), BollingerReversion(window=10, width=1.0))
EFFORT = Effort(cuts=8, starts=2, orders=4)


def closes_only(market: Market) -> Market:
    prices = dict.fromkeys(("open", "high", "low"), market.close)
    return replace(market, **prices, has_range=False)


def with_gaps(market: Market) -> Market:
    """Return a market with a late start, a delisting, a halt and a bar that is missing."""
    missing = np.zeros(market.close.shape, np.bool_)
    missing[:120, 0] = missing[300:, 1] = missing[200:215, 2] = missing[250, 3] = True
    facts: dict[str, Any] = {
        name: np.where(missing, np.nan, getattr(market, name)) for name in FACTS
    }
    return replace(market, **facts, tradable=~missing)


def lawful_history(market: Market, strategies: tuple[Strategy, ...] = RULES) -> History:
    return prepare(market, collect(strategies, market), DeskRules(), REGIME)


def subject_with(**changed: Any) -> Subject:  # noqa: ANN401
    """Return a lawful subject, changed where the test says so."""
    return replace(Subject("planted", RULES, lawful_history, regime=REGIME), **changed)


def with_bars(history: History, **fields: FloatArray) -> History:
    """Return a history whose desk reads other fields of its bars."""
    bars = history.tape.bars.copy()
    for name, values in fields.items():
        bars[name] = values
    return replace(history, tape=history.tape._replace(bars=bars))


def with_feature(history: History, name: str, values: FloatArray) -> History:
    rows = history.features.rows.copy()
    rows[:, history.layout.names.index(name)] = values
    return replace(history, features=history.features._replace(rows=rows))


def leaking(result: AuditResult) -> set[str]:
    return {row.text for row in result.leaks}


def shown(show: Callable[[AuditResult, Console], None], result: AuditResult) -> str:
    said = io.StringIO()
    show(result, Console(file=said, width=80))
    return said.getvalue()
