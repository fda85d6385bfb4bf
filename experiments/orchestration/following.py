"""Letting members of a population trade alone: the accounts of a season, from a bar on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import NO_PAIRS, Signals
from benbot.evolution.orchestration.members import Member
from benbot.experiments.tournament.frames import days_of, trades_of
from benbot.strategies.hearing import collect
from benbot.strategies.records import Change
from benbot.strategies.tournament.sleeves import SleeveSessions, sleeve_sessions
from benbot.strategies.tournament.stages import Stage

NOBODY = "nobody_{}"  # who fills a batch up, and never trades


@dataclass(frozen=True, eq=False)
class Litter:
    """Members that came together, each alone since then."""

    history: History
    sessions: SleeveSessions
    n_members: int

    @property
    def last_bars(self) -> IntArray:
        return self.sessions.last_bars

    @property
    def returns(self) -> FloatArray:
        return self.sessions.returns[:, : self.n_members]

    @property
    def n_trades(self) -> IntArray:
        return self.sessions.n_trades[:, : self.n_members]

    @property
    def breaches(self) -> IntArray:
        return self.sessions.breaches[:, : self.n_members]

    def tell(self, i: int, stages: IntArray, change: Change) -> None:
        """Record the round trips and the day of session `i`."""
        nobody = np.full(self.history.signals.n_strategies - self.n_members, Stage.RETIRED)
        everybody = np.concatenate([stages, nobody])
        change.trades(trades_of(self.history, self.sessions.trades[i], everybody))
        change.days(days_of(self.history, self.sessions, i, everybody))


@dataclass(frozen=True, eq=False)
class Follower:
    """Lets members trade alone in a market, until a last bar."""

    market: Market
    rules: DeskRules
    regime: RegimeSettings
    last: int

    def __call__(self, members: Sequence[Member], bar: int) -> Litter:
        """Return what each does from the close of `bar` on."""
        signals = collect([member.strategy for member in members], self.market)
        # How many risks an account takes that trusts one strategy alone depends on how many there
        # are, up to the cap; beyond it a litter of one and one of twenty are measured alike.
        filled = filled_up(signals, ceil(self.rules.sizing.weight_cap))
        history = prepare(self.market, filled, self.rules, self.regime)
        sessions = sleeve_sessions(history, Span(bar, self.last))
        return Litter(history, sessions, len(members))


def filled_up(signals: Signals, n: int) -> Signals:
    """Return the signals with strategies that want nothing, so that there are `n` or more."""
    missing = n - signals.n_strategies
    if missing <= 0:
        return signals
    n_bars, _, n_symbols = signals.direction.shape
    nothing = np.zeros((n_bars, missing, n_symbols))
    arrays = {
        name: np.concatenate([getattr(signals, name), nothing], axis=1)
        for name in ("direction", "confidence", "stop_distance")
    }
    return replace(
        signals,
        strategies=(*signals.strategies, *(NOBODY.format(i + 1) for i in range(missing))),
        warmup=(*signals.warmup, *[0] * missing),
        stress=np.concatenate([signals.stress, np.zeros(missing, np.bool_)]),
        pairing=np.concatenate([signals.pairing, np.full(missing, NO_PAIRS)]),
        overlay=np.concatenate([signals.overlay, np.zeros(missing, np.int8)]),
        **arrays,
    )
