"""An experiment is one frozen value, read from layers of YAML and logged with every run."""

from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from benbot.agents.oracle import OracleSettings
from benbot.agents.roster import BASELINES, ON_REQUEST
from benbot.agents.settings import AgentSettings
from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import BadConfig, UnknownName
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.market.selection import check_known
from benbot.envs.market.sources import MarketSource
from benbot.envs.settings import Settings
from benbot.envs.vector import EnvironmentSettings
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.evolution.settings import EvolutionSettings
from benbot.experiments.overrides import parse_overrides
from benbot.experiments.tracking.tracker import TrackingSettings
from benbot.experiments.training.folds import FoldSettings
from benbot.experiments.training.mixture import TrainingSettings, check_informed, shared_accounts
from benbot.experiments.training.segments import SegmentSettings
from benbot.experiments.tuning.search_space import Dimension
from benbot.experiments.validation import build
from benbot.experiments.yaml_files import SUFFIXES, read_layers
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.catalogue import build as build_strategy
from benbot.strategies.learning.settings import DEFAULT as NOTHING_LEARNED
from benbot.strategies.learning.settings import LearningSettings
from benbot.strategies.scanner import ScanSettings
from benbot.strategies.tournament.settings import TournamentSettings

PACKAGED = Path(str(files("benbot.experiments.configs")))
COMPARED = "equal_weight"  # what an oracle is measured from


class ExperimentConfig(Settings):
    """Everything that decides what a run does."""

    name: str = Field(min_length=1, description="what reports and runs are called")
    market: MarketSource = Field(description="where prices come from")
    strategies: tuple[StrategyChoice, ...] = Field(
        min_length=1, description="rules of the catalogue: a name, or a name with parameters"
    )
    discovery: ScanSettings | None = Field(
        default=None,
        description="let only the best of each close be opened, as the scanner ranks them",
    )
    learning: LearningSettings = Field(
        default=NOTHING_LEARNED,
        description="what is learned from what the strategies earned; every method has a switch",
    )
    desk: DeskRules = Field(default=DeskRules(), description="sizing, gates, costs, exits")
    regime: RegimeSettings = Field(
        default=RegimeSettings(), description="what counts as bull, bear and volatile"
    )
    environment: EnvironmentSettings = Field(
        default=EnvironmentSettings(), description="what an episode is"
    )
    agent: AgentSettings = Field(default=AgentSettings(), description="algorithm and budget")
    training: TrainingSettings | None = Field(
        default=None, description="several markets to learn on; default: `fit` alone"
    )
    segments: SegmentSettings | None = Field(
        default=None, description="where the agent learns and is judged, once"
    )
    folds: FoldSettings | None = Field(
        default=None, description="the same again and again, instead of segments"
    )
    oracle: OracleSettings | None = Field(
        default=None,
        description="search for the best allocation, too, which only a synthetic market allows",
    )
    baselines: tuple[str, ...] = Field(
        default=BASELINES,
        min_length=1,
        description="what the agent is compared with; placebo, which is trained like the agent and "
        "costs as much, only if it is named",
    )
    evolution: EvolutionSettings | None = Field(
        default=None, description="what `benbot evolve` breeds, and how"
    )
    tournament: TournamentSettings | None = Field(
        default=None, description="what `benbot tournament` asks for; default: the defaults of each"
    )
    orchestrator: OrchestratorSettings | None = Field(
        default=None, description="how `benbot orchestrate` keeps a population; default: as it is"
    )
    bred_until: date | None = Field(
        default=None,
        description="last day of the bars on which strategies among these were bred or chosen; "
        "test must begin after it. `benbot evolve` and `benbot adopt` write it",
    )
    seeds: tuple[int, ...] = Field(
        default=(0,), min_length=1, description="one agent is trained for each"
    )
    tuning: dict[str, Dimension] | None = Field(
        default=None,
        description="what benbot tune tries, by dotted key: {low, high, log} or {choices}",
    )
    tracking: TrackingSettings = Field(
        default=TrackingSettings(), description="where runs are recorded"
    )

    @field_validator("strategies")
    @classmethod
    def _in_catalogue(cls, chosen: tuple[StrategyChoice, ...]) -> tuple[StrategyChoice, ...]:
        """Build each once, so that a name or parameter that does not exist is refused here."""
        try:
            names = [build_strategy(choice).name for choice in chosen]
        except UnknownName as error:
            raise ValueError(str(error)) from error
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"every strategy needs a name of its own, was twice: {', '.join(twice)}. Give one "
                "of them a label"
            )
        return chosen

    @model_validator(mode="after")
    def _placed(self) -> Self:
        given = [name for name in ("segments", "folds") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"either segments or folds are needed, was {' and '.join(given) or 'neither'}. "
                "What another file gives goes away by `segments: null` or `folds: null`"
            )
        return self

    @model_validator(mode="after")
    def _knowable(self) -> Self:
        if self.oracle is not None and self.market.source != "synthetic":
            raise ValueError(
                f"oracle needs a market whose parameters are known, market.source: synthetic, was "
                f"{self.market.source}. Remove it"
            )
        if self.oracle is not None and COMPARED not in self.baselines:
            raise ValueError(
                f"oracle needs {COMPARED} among the baselines, which it is measured from, was "
                f"{', '.join(self.baselines)}. Add it"
            )
        if self.oracle is not None and getattr(self.market, "news", None) is not None:
            raise ValueError(
                "oracle knows the hidden regimes and no news, so it is the best of no market that "
                "has some; was both. Remove oracle or market.news"
            )
        return self

    @model_validator(mode="after")
    def _informed(self) -> Self:
        """Refuse a rule about news on a market without any, on which it would be silent."""
        if getattr(self.market, "news", None) is not None:
            return self
        built = [build_strategy(choice) for choice in self.strategies]
        needing = [strategy.name for strategy in built if strategy.needs_news]
        if needing:
            raise ValueError(
                f"{', '.join(needing)} needs news in the market config, was a market without. Set "
                "market.news, as {path: news.jsonl} beside files or {} in a synthetic market"
            )
        return self

    @model_validator(mode="after")
    def _mixed(self) -> Self:
        """Refuse markets to learn on that lack what the strategies or the accounts need."""
        if self.training is not None:
            built = [build_strategy(choice) for choice in self.strategies]
            check_informed(self.training, [each.name for each in built if each.needs_news])
            shared_accounts(self.training, self.agent.n_envs)
        return self

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is younger than digests where there is none, so that they stay."""
        written: dict[str, Any] = write(self)
        for younger in ("training", "tournament", "orchestrator", "bred_until"):
            if getattr(self, younger) is None:
                written.pop(younger, None)
        return written

    @field_validator("baselines")
    @classmethod
    def _on_the_roster(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"must be distinct, was {', '.join(names)}")
        try:
            check_known("baseline", names, (*BASELINES, *ON_REQUEST))
        except UnknownName as error:
            raise ValueError(str(error)) from error
        return names

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds) or min(seeds) < 0:
            raise ValueError(f"must be distinct and not negative, was {list(seeds)}")
        return seeds


def load_config(source: str | Path, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Return the experiment of a file, or of the packaged one with a bare name, after overrides."""
    layers = read_layers(find_config(source), PACKAGED)
    return build(ExperimentConfig, [*layers, parse_overrides(overrides)])


def find_config(source: str | Path) -> Path:
    """Return the file that is meant: one that exists, or a packaged one by its bare name."""
    path = Path(source)
    if path.is_file():
        return path
    if path.suffix in SUFFIXES or len(path.parts) != 1:
        raise BadConfig(f"a configuration must be a file that exists, was {path}")
    check_known("configuration", [str(source)], packaged_configs())
    return PACKAGED / f"{source}.yaml"


def packaged_configs() -> list[str]:
    """Return the names of the configurations that come with the project."""
    return sorted(path.stem for path in PACKAGED.glob("*.yaml"))
