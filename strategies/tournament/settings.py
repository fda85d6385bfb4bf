"""What each stage asks for, how sure promotion has to be, and what brings a strategy down again.

The thresholds are the user's; see `docs/tournament.md` for what they let through by themselves. The
gate stands beside them: what it promises is `evidence` and `discoveries`.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from benbot.envs.settings import Settings
from benbot.strategies.tournament.stages import TRIALS, Stage


class StageSettings(Settings):
    """A stage on paper: what a strategy is given there, and what it has to show to leave upwards.

    The record that is looked at begins when the strategy enters the stage.
    """

    capital: tuple[float, float] = Field(
        description="paper capital of one strategy, at its worst and its best performance"
    )
    cap: float = Field(gt=0, description="most paper capital of all strategies in the stage")
    slots: int = Field(ge=1, description="most strategies in the stage")
    days: int = Field(ge=1, description="least sessions in the stage")
    trades: int = Field(ge=0, description="least round trips in the stage")
    sharpe: float = Field(description="least Sharpe ratio a year")
    profit_factor: float = Field(ge=0, description="least gains over losses, of sessions")
    drawdown: float = Field(
        gt=0, le=1, description="largest fall from the peak; more of it brings a stage down"
    )
    slippage: float | None = Field(
        default=None, ge=0, description="most bps a trade above what the model said; null: any"
    )
    breaches: int = Field(
        default=0, ge=0, description="most broken limits; more of them bring a stage down"
    )
    level: float = Field(
        gt=0,
        le=1,
        description="most strategies without skill that ever leave the stage upwards, as a share",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0.0 < self.capital[0] <= self.capital[1]:
            raise ValueError(f"capital needs 0 < lowest <= highest, was {list(self.capital)}")
        return self


class LiveSettings(Settings):
    """Live capital, and the probation that never ends: rules about the last sessions."""

    capital: tuple[float, float] = Field(
        (2500.0, 5000.0), description="capital of one strategy, at its worst and best performance"
    )
    cap: float = Field(25_000.0, gt=0, description="most capital of all strategies together")
    slots: int = Field(10, ge=1, description="most strategies with live capital")
    window: int = Field(30, ge=2, le=500, description="sessions that the rules look back on")
    sharpe: float = Field(0.8, description="rule 1: a Sharpe ratio a year below this")
    drawdown: float = Field(0.06, gt=0, le=1, description="rule 2: a larger fall from the peak")
    breaches: float = Field(3.0, ge=0, description="rule 3: more broken limits a session")
    slippage: float = Field(8.0, ge=0, description="rule 4: more bps a trade above the model")
    broken: int = Field(
        2, ge=1, le=4, description="so many broken rules bring a strategy back to R1"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0.0 < self.capital[0] <= self.capital[1]:
            raise ValueError(f"capital needs 0 < lowest <= highest, was {list(self.capital)}")
        return self


class GateSettings(Settings):
    """How sure promotion has to be: a test that holds however often it is looked at."""

    enabled: bool = Field(default=True, description="false leaves the thresholds alone")
    benchmark: float = Field(
        default=0.0, description="Sharpe ratio a year that a strategy has to be better than"
    )
    sought: tuple[float, ...] = Field(
        default=(1.0, 2.0),
        min_length=1,
        description="Sharpe ratios a year that the test bets on, in equal parts",
    )
    false_discoveries: float | None = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="of all that were ever promoted to LIVE, the expected share without skill; "
        "null: only the level of each strategy counts",
    )
    planned: int = Field(
        default=50,
        ge=1,
        description="attempts that are expected; each later batch is twice as many",
    )

    @model_validator(mode="after")
    def _above(self) -> Self:
        if not min(self.sought) > self.benchmark:
            raise ValueError(
                f"every Sharpe ratio in sought must be above the benchmark, {self.benchmark}, "
                f"was {list(self.sought)}"
            )
        return self


class DetectorSettings(Settings):
    """When a strategy with live capital has lost what it was promoted for."""

    enabled: bool = Field(default=True, description="false leaves the rules of probation alone")
    run_length: float = Field(
        default=1260.0,
        ge=2,
        description="mean sessions until a strategy that goes on as before is brought down anyway",
    )
    least: float = Field(
        default=1.0, gt=0, description="least Sharpe ratio a year that it is held to"
    )


class RetirementSettings(Settings):
    """When a strategy is given up."""

    sharpe: float = Field(
        default=1.5, gt=0, description="Sharpe ratio a year whose refutation retires a strategy"
    )
    level: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="most strategies of that ratio or better that are ever given up, as a share",
    )
    sessions: int = Field(
        default=1260, ge=1, description="sessions on paper after which an attempt is over"
    )
    demotions: int = Field(
        default=3, ge=1, description="so many demotions from LIVE retire a strategy"
    )


class CapitalSettings(Settings):
    """How performance and the regime move capital between the ends that a stage has."""

    losing: float = Field(
        default=0.8, ge=0, description="profit factor at and below which the least is given"
    )
    winning: float = Field(
        default=1.5, description="profit factor at and above which the most is given"
    )
    cautious: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of it that is given in high volatility, or in an unknown regime",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.losing < self.winning:
            raise ValueError(f"losing must be below winning, was {self.losing} and {self.winning}")
        return self


R1 = StageSettings(
    capital=(100.0, 200.0),
    cap=5_000.0,
    slots=50,
    days=7,
    trades=40,
    sharpe=0.9,
    profit_factor=1.15,
    drawdown=0.08,
    level=0.5,
)
R2 = StageSettings(
    capital=(500.0, 800.0),
    cap=8_000.0,
    slots=20,
    days=10,
    trades=60,
    sharpe=1.1,
    profit_factor=1.25,
    drawdown=0.07,
    slippage=5.0,
    level=0.2,
)
R3 = StageSettings(
    capital=(1_500.0, 2_000.0),
    cap=7_000.0,
    slots=8,
    days=15,
    trades=80,
    sharpe=1.2,
    profit_factor=1.3,
    drawdown=0.06,
    slippage=5.0,
    level=0.05,
)

RISING = ("days", "trades", "sharpe", "profit_factor")
FALLING = ("slots", "drawdown", "slippage", "breaches", "level")


class TournamentSettings(Settings):
    """The ladder. Each stage gives more and asks for at least as much as the one below it."""

    r1: StageSettings = Field(default=R1, description="many strategies, little paper capital")
    r2: StageSettings = Field(default=R2, description="fewer, and slippage counts")
    r3: StageSettings = Field(default=R3, description="the soak before live capital")
    live: LiveSettings = Field(default=LiveSettings(), description="live capital, on probation")
    gate: GateSettings = Field(default=GateSettings(), description="how sure promotion has to be")
    detector: DetectorSettings = Field(
        default=DetectorSettings(), description="what notices that an edge is gone"
    )
    retirement: RetirementSettings = Field(
        default=RetirementSettings(), description="when a strategy is given up"
    )
    capital: CapitalSettings = Field(
        default=CapitalSettings(), description="what moves capital within a stage"
    )
    binding: bool = Field(
        default=False,
        description="in training and evaluation show the policy each strategy's stage, and give "
        "the account's money to LIVE alone",
    )
    sessions_per_year: float = Field(
        default=252.0, gt=0, description="by which ratios are annualised"
    )

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: object) -> object:
        """Take what a stage leaves out from the default of that stage."""
        if not isinstance(given, Mapping):
            return given
        own = {
            name: default.model_dump() | dict(given[name])
            for name, default in (("r1", R1), ("r2", R2), ("r3", R3))
            if isinstance(given.get(name), Mapping)
        }
        return {**given, **own}

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        """Refuse a ladder on which a higher stage asks for less, or gives less to each."""
        for low, high in pairwise(TRIALS):
            for field in (*RISING, *FALLING):
                check_order(field, low, high, self)
        ends = [(each.name, self.at(each).capital) for each in TRIALS]
        ends.append((Stage.LIVE.name, self.live.capital))
        for (low_name, low_ends), (high_name, high_ends) in pairwise(ends):
            if not (low_ends[0] <= high_ends[0] and low_ends[1] <= high_ends[1]):
                raise ValueError(
                    f"capital of {high_name} must be as much as that of {low_name} or more, "
                    f"{list(low_ends)}, was {list(high_ends)}. Raise it, or lower the other"
                )
        return self

    def at(self, stage: Stage) -> StageSettings:
        """Return what a stage on paper asks for."""
        return {Stage.R1: self.r1, Stage.R2: self.r2, Stage.R3: self.r3}[stage]


def check_order(field: str, low: Stage, high: Stage, ladder: TournamentSettings) -> None:
    """Refuse a pair of stages of which the higher one asks for less."""
    below, above = getattr(ladder.at(low), field), getattr(ladder.at(high), field)
    if field in RISING:
        fits, wanted = above >= below, "as much or more"
    else:
        loose = float("inf")  # no limit at all
        fits = (loose if above is None else above) <= (loose if below is None else below)
        wanted = "as little or less"
    if not fits:
        raise ValueError(
            f"{field} of {high.name} must be {wanted} than that of {low.name}, {below}, was "
            f"{above}: a higher stage never asks for less. Change one of the two"
        )
