"""Small markets through the paper loop, beside the environment, and what both have to show."""

import sqlite3
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import Policy
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.features import static_features
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import market_from_prices
from benbot.envs.market.regime import DEFAULT, RegimeSettings
from benbot.envs.vector import EnvironmentSettings
from benbot.paper.replayed import VENUE, Stretch, replay
from benbot.paper.stage_moves import MOVE
from benbot.paper.store import reading
from benbot.paper.tables import METADATA
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.envs.desk.worlds import FIRST, random_world

SETTINGS = EnvironmentSettings(episode_bars=1)
N_HEARD = 66  # bars
OF_THE_MACHINE = {"heartbeats"}  # tables that tell of the process, and not of the account
NEVER_THE_SAME = {"attempts", "token", "acquired", "expires", "owner"}


@dataclass(frozen=True, eq=False)
class Scripted:
    """A policy that chooses what was written down, and remembers what it saw."""

    script: FloatArray  # (N, K + 1)
    name: str = "scripted"
    seen: list[Float32Array] = field(default_factory=list)

    def reset(self) -> None:
        self.seen.clear()

    def weights(self, observation: Float32Array) -> Float32Array:
        row = self.script[min(len(self.seen), len(self.script) - 1)]
        self.seen.append(observation.copy())
        return row.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Watched:
    """Another policy, of which is remembered what it saw."""

    policy: Policy
    seen: list[Float32Array] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.policy.name

    def reset(self) -> None:
        self.seen.clear()
        self.policy.reset()

    def weights(self, observation: Float32Array) -> Float32Array:
        self.seen.append(observation.copy())
        return self.policy.weights(observation)


def at_the_open(rules: DeskRules) -> DeskRules:
    """Return the rules with orders that all fill at the open, as paper trading needs."""
    execution = rules.execution.model_copy(update={"style": "open"})
    return rules.model_copy(update={"execution": execution})


@cache
def random_stretch(seed: int) -> Stretch:
    """Return a random world as a stretch that can be replayed."""
    world = random_world(seed)
    rules = at_the_open(world.rules)
    tape = record_tape(world.market, world.signals, world.regime, rules)
    features = static_features(world.market, world.signals, tape)
    history = History(world.market, world.signals, rules, DEFAULT, tape, features)
    weights = np.where(world.weights.any(axis=1, keepdims=True), world.weights, 1.0)
    span = Span(FIRST, world.market.n_bars - 1)
    return Stretch(history, span, Scripted(weights), SETTINGS.ruin)


@cache
def heard_stretch() -> tuple[Stretch, tuple[Strategy, ...]]:
    """Return a small market under rules of the catalogue, and the rules."""
    rng = np.random.default_rng(5)
    shape = (N_HEARD, 6)
    close = 50.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(shape), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.005, shape))
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.005,
        "low": np.minimum(opened, close) * 0.995,
        "close": close,
        "volume": rng.uniform(1e5, 1e6, shape),
    }
    stamps = np.datetime64("2021-01-04T21", "h") + 24 * np.arange(N_HEARD)
    market = market_from_prices(stamps, tuple(f"S{s}" for s in range(6)), prices)
    strategies = (
        RsiReversion(window=2),
        MovingAverageCrossover(fast=3, slow=8),
        BollingerReversion(window=8),
    )
    regime = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
    history = prepare(market, collect(strategies, market), DeskRules(), regime)
    script = rng.dirichlet(np.ones(4), N_HEARD)
    return (
        Stretch(history, Span(34, N_HEARD - 1), Scripted(script), SETTINGS.ruin),
        strategies,
    )


@dataclass(frozen=True, eq=False)
class Elsewhere(Stretch):
    """A stretch whose account is kept at an address."""

    address: str = ""

    def url(self, folder: Path) -> str:
        return self.address


def elsewhere(stretch: Stretch, address: str) -> Elsewhere:
    """Return the stretch with its account at an address."""
    fields = {one.name: getattr(stretch, one.name) for one in dataclass_fields(Stretch)}
    return Elsewhere(**fields, address=address)


def kept_at(stretch: Stretch, address: str) -> dict[str, pd.DataFrame]:
    """Return all tables of the account at an address."""
    return everything(elsewhere(stretch, address), Path())


def environment(stretch: Stretch) -> Evaluation:
    """Return what the environment makes of the same."""
    return evaluate(stretch.policy, stretch.history, stretch.span, SETTINGS)


def kept(connection: Connection, table: str) -> pd.DataFrame:
    """Return a table of the account, in the order of its key."""
    what = METADATA.tables[table]
    rows = connection.execute(select(what).order_by(*what.primary_key.columns)).mappings()
    frame = pd.DataFrame(list(map(dict, rows)), columns=[c.name for c in what.columns])
    return frame.drop(columns=[name for name in frame if name in NEVER_THE_SAME])


def everything(stretch: Stretch, folder: Path) -> dict[str, pd.DataFrame]:
    """Return all tables of the account."""
    names = METADATA.tables.keys() - OF_THE_MACHINE
    with reading(stretch.url(folder)) as connection:
        return {name: kept(connection, name) for name in sorted(names)}


def venue_of(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return everything the venue knows: its account, its orders and its fills."""
    connection = sqlite3.connect(folder / VENUE)
    tables = ("account", "holdings", "orders", "fills")
    return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608


def assert_parity(stretch: Stretch, folder: Path) -> dict[str, pd.DataFrame]:
    """Replay, and compare fills, round trips, verdicts, equity and what the policy saw.

    All of it to the last digit.
    """
    watched = replace(stretch, policy=Watched(stretch.policy))
    told = environment(watched)
    seen = list(watched.policy.seen)  # type: ignore[attr-defined]
    replay(stretch, folder)
    tables = everything(stretch, folder)
    np.testing.assert_array_equal(tables["equity"]["equity"], _until_ruin(told, tables))
    observations = [np.frombuffer(row, np.float32) for row in tables["decisions"]["observation"]]
    np.testing.assert_array_equal(observations[: len(seen)], seen[: len(observations)])
    names = {"symbol": told.symbols, "strategy": told.strategies}
    _same(tables["bookings"], told.fills, names)
    _same(tables["trades"], told.trades, names)
    _same(tables["verdicts"], told.decisions, names)
    assert not (set(tables["intents"]["status"]) - {"done", "booked"})
    is_ruined = len(tables["equity"]) < len(told.equity)
    kinds = [kind for kind in tables["events"]["kind"] if kind != MOVE]
    assert kinds == (["began", "alarm"] if is_ruined else ["began"])
    return tables


def _until_ruin(told: Evaluation, tables: dict[str, pd.DataFrame]) -> FloatArray:
    """Return the equity that there is to compare: a ruined account has no further bars."""
    return told.equity[: len(tables["equity"])]


def _same(frame: pd.DataFrame, records: Any, names: dict[str, tuple[str, ...]]) -> None:  # noqa: ANN401
    assert len(frame) == len(records)
    for name in set(frame.columns) & set(records.dtype.names):
        expected: Any = records[name]
        if name in names:
            expected = np.array(names[name])[expected]
        elif name in ("reason", "verdict", "limit"):
            of = Exit if name == "reason" else Verdict
            expected = np.array([of(code).name for code in expected], dtype=object)
        was = frame[name].to_numpy()
        if np.issubdtype(np.asarray(expected).dtype, np.floating):
            finite = np.where(np.isfinite(expected), expected, np.nan)
            np.testing.assert_array_equal(was.astype(float), finite, err_msg=name)
        else:
            assert list(was) == list(expected), name
