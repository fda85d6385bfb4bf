"""Strategies that a trained agent is given without having met them, and what chose them."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benbot.envs.errors import BadConfig, RunMismatch, UnknownName
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.evolving.breeding import EVOLVED_FILE
from benbot.experiments.evolving.result import seen_until
from benbot.experiments.validation import build as check
from benbot.experiments.yaml_files import Layer
from benbot.strategies.catalogue import StrategyChoice, build


@dataclass(frozen=True)
class Newcomers:
    """Strategies that an agent does not have.

    choices  as a configuration names them, each name once
    seen     the last day that anybody looked at to choose them
    """

    choices: tuple[StrategyChoice, ...]
    seen: date

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(build(choice).name for choice in self.choices)

    def joining(self, own: ExperimentConfig, named: str) -> ExperimentConfig:
        """Return a configuration with them after its own strategies, checked as any is."""
        strategies = [choice.model_dump() for choice in (*own.strategies, *self.choices)]
        seen = self.seen if own.bred_until is None else max(self.seen, own.bred_until)
        new = Layer(named, {"strategies": strategies, "bred_until": seen})
        layers = [Layer(own.name, own.model_dump()), new]
        return check(ExperimentConfig, layers)

    def require_unseen(self, first: date) -> None:
        """Refuse to judge on bars, the first on this day, of which some chose the strategies."""
        if self.seen >= first:
            raise RunMismatch(
                f"strategies must have been chosen before test begins on {first}, were on bars "
                f"until {self.seen}. Breed them on earlier ones, with evolution's segments before "
                f"that day"
            )


def find_newcomers(named: str, runs: Path, own: ExperimentConfig) -> Newcomers:
    """Return the strategies of a configuration, or the pools of a search, that `own` lacks."""
    known = {build(choice).name for choice in own.strategies}
    found: dict[str, StrategyChoice] = {}
    configs = [load_config(path) for path in _files(named, runs)]
    for config in configs:
        found |= {build(choice).name: choice for choice in config.strategies}
    new = tuple(choice for name, choice in found.items() if name not in known)
    if not new:
        raise BadConfig(
            f"an agent can be given strategies that it does not have; {named} has {len(found)} and "
            f"it has all of them. Name the evolved.yaml of a search whose pool is not empty"
        )
    return Newcomers(new, max(seen_until(config) for config in configs))


def _files(named: str, runs: Path) -> list[Path]:
    if Path(named).is_file():
        return [Path(named)]
    found = sorted((runs / named).glob(f"seed-*/{EVOLVED_FILE}"))
    if not found:
        raise UnknownName(
            f"programs must be the file of a configuration or the id of a search below {runs} that "
            f"is over, was {named!r}"
        )
    return found
