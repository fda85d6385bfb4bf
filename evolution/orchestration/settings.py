"""The section `orchestrator` of a configuration: when it looks, and what it may ask for."""

from typing import Self

from pydantic import Field, model_validator

from benbot.envs.settings import Settings
from benbot.evolution.settings import EvolutionSettings, PoolSettings, ProgramSettings

SMALL = EvolutionSettings(
    genome="programs",
    population=120,
    generations=6,
    islands=2,
    least_trades=20,
    programs=ProgramSettings(size=20, depth=5),
    pool=PoolSettings(limit=5, every=2),
)


class DecaySettings(Settings):
    """When a strategy has become worse than it was."""

    recent: int = Field(default=126, ge=20, description="sessions that are held against the rest")
    level: float = Field(
        default=0.01, gt=0, lt=1, description="chance that any is retired without cause, each time"
    )


class OrchestratorSettings(Settings):
    """How a population is kept. A session is a trading day, a bar is one of the market."""

    every: int = Field(
        default=15, ge=1, description="minutes of market time between two looks; and each session"
    )
    fit: int = Field(default=750, ge=50, description="bars that newcomers are bred on")
    valid: int = Field(default=250, ge=20, description="bars behind them that choose among these")
    embargo: int = Field(default=5, ge=0, description="bars left out between the two")
    lookback: int = Field(default=504, ge=20, description="sessions that tell who serves a regime")
    least: int = Field(
        default=40, ge=5, description="sessions of a regime below which nothing is said of it"
    )
    level: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="chance, within the lookback, that luck alone is taken to serve a regime",
    )
    patience: int = Field(
        default=63, ge=1, description="sessions until the same is looked at or asked for again"
    )
    breed_every: int = Field(
        default=126, ge=1, description="sessions between two litters of the successful"
    )
    newcomers: int = Field(default=3, ge=1, le=100, description="most that one search may bring")
    population: int = Field(
        default=60, ge=1, description="most strategies that take part or wait for a place"
    )
    evaluations: int = Field(
        default=10_000, ge=0, description="candidates that may be tried in 252 sessions"
    )
    decay: DecaySettings = Field(
        default=DecaySettings(), description="when a strategy of R3 or LIVE is worse than it was"
    )
    search: EvolutionSettings = Field(default=SMALL, description="how newcomers are bred")

    @model_validator(mode="after")
    def _affordable(self) -> Self:
        if 0 < self.evaluations < self.price:
            raise ValueError(
                f"evaluations must pay for one search of {self.price} (population times "
                f"generations) or be 0, was {self.evaluations}"
            )
        return self

    @property
    def level_each(self) -> float:
        """Chance of a false answer each time, of as many as are asked within the lookback."""
        return self.level / max(1.0, self.lookback / self.patience)

    @property
    def price(self) -> int:
        """Candidates that one search tries at most."""
        return self.search.population * self.search.generations
