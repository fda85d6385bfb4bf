"""A population that trades nothing: markets, members whose returns are drawn, and a search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import Span
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.evolution.orchestration.asking import Answer, Land, Wish
from benbot.evolution.orchestration.members import Member, Origin
from benbot.evolution.orchestration.orchestrator import Orchestrator
from benbot.evolution.orchestration.order import Order
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.evolution.orchestration.watching import session_ends
from benbot.evolution.settings import EvolutionSettings, PoolSettings
from benbot.evolution.workers import alone
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.records import Change, Reader, Records, open_records
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

REGIME = RegimeSettings(trend_window=8, volatility_window=4, volatility_history=8)
SEARCH = EvolutionSettings(population=10, generations=2, islands=1, pool=PoolSettings(every=1))
SETTINGS = OrchestratorSettings(
    fit=50,
    valid=20,
    embargo=2,
    lookback=60,
    least=5,
    patience=10,
    breed_every=15,
    newcomers=2,
    population=9,
    evaluations=100,
    decay={"recent": 20},
    search=SEARCH,
)
EASY = {"trades": 0, "sharpe": 0.0, "profit_factor": 0.0, "drawdown": 1.0, "breaches": 100}
TOURNAMENT = TournamentSettings.model_validate(
    {
        "r1": {"days": 5, **EASY},
        "r2": {"days": 8, **EASY},
        "r3": {"days": 10, **EASY},
        "gate": {"enabled": False},
    }
)
SEED = 3
FIRST = 85  # bar of the first look, at which there is nearly enough to breed on


def market_of(n_bars: int = 175, bars_a_session: int = 1, seed: int = 0) -> Market:
    """Return two symbols that wander; sessions of one bar a day, or of some an hour apart."""
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (n_bars, 2)), axis=0))
    session, hour = np.divmod(np.arange(n_bars), bars_a_session)
    times = np.datetime64("2001-01-01T15", "ns") + session * np.timedelta64(1, "D")
    times = times + hour * np.timedelta64(1, "h")
    return market_from_prices(times, ("A", "B"), {"close": close}, session=session)


def member(fast: int, origin: Origin = Origin.CATALOGUE, born: int = FIRST) -> Member:
    parameters = {"fast": fast, "slow": 200}
    choice = StrategyChoice(name="ma_crossover", label=f"ma_{fast}", parameters=parameters)
    return Member(choice, origin, born)


Drawn = Callable[[Member, int], FloatArray]  # a member and a number of sessions


def by_chance(one: Member, n: int) -> FloatArray:
    """Return returns that depend on the member alone, the first ones whatever comes later."""
    draw = np.random.default_rng(int(one.digest, 16)).standard_normal
    return np.array([0.01 * draw() + 0.001 for _ in range(n)])


def nothing(one: Member, n: int) -> FloatArray:
    return np.zeros(n)


@dataclass(frozen=True, eq=False)
class FakeLitter:
    """What members do that trade nothing."""

    market: Market
    members: Sequence[Member]
    last_bars: IntArray
    returns: FloatArray

    @property
    def n_trades(self) -> IntArray:
        return np.ones(self.returns.shape, np.int64)

    @property
    def breaches(self) -> IntArray:
        return (self.returns < -0.02).astype(np.int64)

    def tell(self, i: int, stages: IntArray, change: Change) -> None:
        """Record one session in five, which is enough to tell two stores apart."""
        if i % 5:
            return
        part = [k for k, stage in enumerate(stages) if stage >= Stage.R1]
        day = self.market.days[self.last_bars[i]]
        change.days(
            pd.DataFrame(
                {
                    "strategy": [self.members[k].name for k in part],
                    "session": [day] * len(part),
                    "source": "simulation",
                    "stage": [Stage(int(stages[k])).name for k in part],
                    "return": self.returns[i, part],
                    "equity": 1000.0,
                    "n_trades": 1,
                    "breaches": self.breaches[i, part],
                }
            )
        )


@dataclass(eq=False)
class FakeFollow:
    """Lets members trade nothing; remembers who was followed from where on."""

    market: Market
    span: Span
    drawn: Drawn = by_chance
    asked: list[tuple[tuple[str, ...], int]] = field(default_factory=list)

    def __call__(self, members: Sequence[Member], bar: int) -> FakeLitter:
        self.asked.append((tuple(each.name for each in members), bar))
        ends = session_ends(self.market.session, self.span)
        since = ends > bar
        returns = np.column_stack([self.drawn(each, ends.size) for each in members])
        return FakeLitter(self.market, members, ends[since], returns[since])


@dataclass
class FakeSearch:
    """Finds so many newcomers a time; `breaks_at` is the search that somebody ends."""

    n_found: int = 2
    breaks_at: int = -1
    wishes: list[Wish] = field(default_factory=list)

    def __call__(self, wish: Wish, land: Land, settings: OrchestratorSettings, seed: int) -> Answer:
        self.wishes.append(wish)
        if wish.number == self.breaks_at:
            self.breaks_at = -1
            raise KeyboardInterrupt
        origin = Origin.BRED if wish.parents else Origin.DISCOVERED
        first = 20 + 3 * wish.number
        found = [member(first + n, origin, wish.bar) for n in range(self.n_found)]
        return Answer(tuple(found), settings.price, "" if found else "nobody")


def world(
    folder: Path,
    market: Market | None = None,
    settings: OrchestratorSettings = SETTINGS,
    drawn: Drawn = by_chance,
    tournament: TournamentSettings = TOURNAMENT,
) -> Orchestrator:
    """Return an orchestrator of three strategies of the catalogue."""
    market = market_of() if market is None else market
    span = Span(FIRST, market.n_bars - 1)
    land = Land(market, DeskRules(), REGIME, alone, folder)
    order = Order(settings, tournament, land, span, SEED, {"config": "as it was"})
    return Orchestrator(order, FakeFollow(market, span, drawn), [member(k) for k in (3, 5, 7)])


def opened(url: str, **options: Any) -> Records:  # noqa: ANN401
    clock = lambda: datetime(2020, 6, 1, tzinfo=UTC)  # noqa: E731 - one line says it
    return open_records(url, owner="tests", **{"clock": clock, **options})


def content(records: Reader) -> dict[str, Any]:
    """Return everything that a store has of a run, but for the hashes of its events."""
    events = records.events(limit=10**6)
    columns = [events[name] for name in ("moment", "kind", "subject", "reasons")]
    told = list(zip(*columns, strict=True))
    ladder, days = records.ladder(), records.days(limit=10**6)
    return {
        "events": told,
        "ladder": ladder.to_csv(index=False),
        "days": days.to_csv(index=False),
        "state": records.state("orchestrator"),
    }


def lived(orchestrator: Orchestrator, folder: Path, name: str = "whole") -> dict[str, Any]:
    """Let a population live to the end, and return what its store has."""
    with opened(f"sqlite:///{folder}/{name}.db") as records:
        for _ in orchestrator.run(records):
            pass
        return content(records)


def found_by(search: FakeSearch, patch: pytest.MonkeyPatch) -> FakeSearch:
    """Let orchestrators search like this."""
    patch.setattr("benbot.evolution.orchestration.orchestrator.ask", search)
    return search


def changed(settings: OrchestratorSettings, **parts: Any) -> OrchestratorSettings:  # noqa: ANN401
    return OrchestratorSettings.model_validate(settings.model_dump() | parts)
