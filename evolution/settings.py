"""The section `evolution` of a configuration: what is bred, how, and what is kept."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from benbot.envs.market.selection import check_known
from benbot.envs.settings import Settings
from benbot.evolution.objectives import OBJECTIVES
from benbot.strategies.catalogue import CATALOGUE
from benbot.strategies.programs.features import FEATURES
from benbot.strategies.programs.language import Form, Language
from benbot.strategies.programs.primitives import BY_NAME, DEEPEST, MOST_NODES, WINDOWS

CERTAINTY = "probabilistic_sharpe"


class PoolSettings(Settings):
    """Who is kept for the pool, and how many may be."""

    limit: int = Field(default=10, ge=1, le=1000, description="most members")
    correlation: float = Field(
        default=0.7, gt=0, le=1, description="with any member, of the returns on fit, either sign"
    )
    certainty: float = Field(
        default=1.0, ge=0, description="standard errors by which the ratio on fit lies above 0"
    )
    gain: float = Field(
        default=0.0,
        ge=0,
        description="a year, by which the pool's Sharpe ratio on valid must rise with a member",
    )
    every: int = Field(default=5, ge=1, description="generations between two rounds of admission")
    offers: int = Field(default=10, ge=1, description="candidates that a round looks at")
    confidence: float = Field(
        default=0.95,
        gt=0,
        lt=1,
        description="deflated Sharpe ratio on fit that a member needs to count as found",
    )


class ProgramSettings(Settings):
    """What programs are made of, and how large they may be."""

    features: tuple[str, ...] = Field(
        default=(), description="leaves; all that the market has if none is named"
    )
    primitives: tuple[str, ...] = Field(
        default=tuple(BY_NAME), min_length=1, description="functions that they may use"
    )
    windows: tuple[int, ...] = Field(default=WINDOWS, min_length=1, description="bars")
    form: Form = Field(
        default="signal", description="signal: one expression; parts: entry, exit and size"
    )
    depth: int = Field(default=6, ge=1, le=DEEPEST, description="levels below the root, at most")
    size: int = Field(default=30, ge=1, le=MOST_NODES, description="nodes, at most")
    constant: float = Field(default=3.0, gt=0, description="largest, of either sign")

    @field_validator("features")
    @classmethod
    def _known_features(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _checked("feature", names, tuple(FEATURES))

    @field_validator("primitives")
    @classmethod
    def _known_primitives(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _checked("primitive", names, tuple(BY_NAME))

    @model_validator(mode="after")
    def _spoken(self) -> Self:
        """Make the language once, so that what it refuses is refused here."""
        self.language(self.features or tuple(FEATURES))
        return self

    def language(self, features: tuple[str, ...]) -> Language:
        """Return the language over these features."""
        return Language(
            features,
            self.primitives,
            self.windows,
            self.form,
            self.constant,
            self.depth,
            self.size,
        )


class EvolutionSettings(Settings):
    """How candidates are bred and judged; all of it happens on fit, the pool also sees valid."""

    genome: Literal["programs", "parameters"] = Field(
        default="parameters",
        description="what is bred: formulas, or the parameters of rules",
    )
    rules: tuple[str, ...] = Field(
        default=(),
        description="whose parameters are bred; those of `strategies` if none is named",
    )
    programs: ProgramSettings = Field(
        default=ProgramSettings(), description="what programs are made of"
    )
    population: int = Field(default=200, ge=4, le=100_000, description="candidates, all islands")
    generations: int = Field(default=20, ge=1, le=100_000)
    islands: int = Field(default=2, ge=1, le=1000, description="populations that breed apart")
    migrate_every: int = Field(default=5, ge=1, description="generations")
    migrants: float = Field(
        default=0.05, ge=0, le=0.5, description="of an island, its best, that also live on the next"
    )
    selection: Literal["nsga2", "lexicase"] = Field(
        default="nsga2", description="who has children, and who lives on"
    )
    objectives: tuple[str, ...] = Field(
        default=(CERTAINTY, "worst_fold", "size", "correlation"),
        min_length=1,
        description="what a candidate is judged by",
    )
    folds: int = Field(default=4, ge=1, le=100, description="parts of fit")
    groups: int = Field(default=4, ge=1, le=100, description="parts of the symbols, for lexicase")
    crossover: float = Field(
        default=0.6, ge=0, le=1, description="share of children of two parents"
    )
    newcomers: float = Field(default=0.1, ge=0, le=1, description="share drawn by chance")
    least_trades: int = Field(default=20, ge=2, description="round trips on fit")
    pool: PoolSettings = PoolSettings()

    @field_validator("objectives")
    @classmethod
    def _known_objectives(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _checked("objective", names, tuple(OBJECTIVES))

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _checked("rule to breed", names, tuple(CATALOGUE))

    @model_validator(mode="after")
    def _inhabited(self) -> Self:
        if self.population < 4 * self.islands:
            raise ValueError(
                f"population must be four for each of the {self.islands} islands or more, was "
                f"{self.population}"
            )
        return self

    @property
    def island_size(self) -> int:
        return self.population // self.islands


def _checked(what: str, names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError(f"must be distinct, was {', '.join(names)}")
    try:
        check_known(what, names, known)
    except LookupError as error:
        raise ValueError(str(error)) from error
    return names
