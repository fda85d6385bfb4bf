"""A search by trial and error, which can be told what was tried before.

Points are drawn by the tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24) with a
generator of each trial's own, so that a trial depends on the seed, its number and what was tried
before, and not on whether the search was interrupted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from benbot.envs.errors import BadConfig
from benbot.experiments.tuning.search_space import Range, Space

WORST = -100.0  # log growth a year of an account with nothing left, which has none
GRACE = 0.25  # of its evaluations that a trial has before it may be given up
UNJUDGED = 5  # trials that end, before any may be given up


class End(StrEnum):
    """How a trial ended."""

    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"  # worse than the middle of those before it
    FAIL = "FAIL"  # no such configuration is possible


@dataclass(frozen=True)
class Tried:
    """A trial that is over.

    points    what was drawn, by dotted key: a number, or the number of a choice
    growth    log growth a year on `valid`; of a trial that was given up, so far
    reports   the best so far after each evaluation, by its number
    why       it failed
    """

    number: int
    points: Mapping[str, int | float]
    end: End
    growth: float | None = None
    reports: Mapping[int, float] | None = None
    why: str = ""

    def as_json(self) -> str:
        """Return the text from which `tried_from_json` makes the same."""
        return TypeAdapter(dict[str, Any]).dump_json(asdict(self), indent=1).decode()


def tried_from_json(text: str | bytes) -> Tried:
    """Return a trial that was written down."""
    return TypeAdapter(Tried).validate_json(text)


def require_optuna() -> None:
    """Refuse to search where the library for it is missing."""
    if find_spec("optuna") is None:
        raise BadConfig(
            "benbot tune needs the library optuna, which is not installed. Install it with "
            "pip install 'benbot[tune]'"
        )


class Study:
    """The trials so far, and the next one; higher growth is better."""

    def __init__(self, space: Space, seed: int, evaluations: int) -> None:
        require_optuna()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self.seed = space, seed
        self.tried: list[Tried] = []
        self._optuna = optuna
        graced = int(GRACE * evaluations)  # their numbers begin at 1
        pruner = optuna.pruners.MedianPruner(UNJUDGED, n_warmup_steps=graced + 1)
        self._study = optuna.create_study(direction="maximize", pruner=pruner)
        self._distributions = {key: self._distribution(each) for key, each in space.items()}

    def add(self, tried: Tried) -> None:
        """Take in a trial that was made before; they come in the order of their numbers."""
        self.tried.append(tried)
        complete = tried.end is End.COMPLETE
        self._study.add_trial(
            self._optuna.trial.create_trial(
                state=self._optuna.trial.TrialState[tried.end],
                value=tried.growth if complete else None,
                params=dict(tried.points),
                distributions=self._distributions,
                intermediate_values=dict(tried.reports or {}),
            )
        )

    def next(self) -> "Asked":
        """Return the trial whose turn it is."""
        entropy = [self.seed, len(self.tried)]
        (own,) = np.random.SeedSequence(entropy).generate_state(1)
        self._study.sampler = self._optuna.samplers.TPESampler(seed=int(own))
        return Asked(self, self._study.ask(self._distributions))

    @property
    def best(self) -> Tried | None:
        """The trial that grew most, the first of equals; none if none came to its end."""
        ended = [each for each in self.tried if each.end is End.COMPLETE]
        return max(ended, key=lambda each: each.growth or 0.0, default=None)

    def _distribution(self, dimension: Any) -> Any:  # noqa: ANN401
        made = self._optuna.distributions
        if not isinstance(dimension, Range):
            return made.CategoricalDistribution(tuple(range(len(dimension.choices))))
        kind = made.IntDistribution if dimension.is_whole else made.FloatDistribution
        return kind(dimension.low, dimension.high, log=dimension.log)


class Asked:
    """A trial under way."""

    def __init__(self, study: Study, trial: Any) -> None:  # noqa: ANN401
        self.study, self._trial = study, trial
        self.number: int = trial.number
        self.points: dict[str, int | float] = dict(trial.params)
        self.reports: dict[int, float] = {}

    @property
    def values(self) -> dict[str, Any]:
        """What it tries, by dotted key."""
        return {key: each.value(self.points[key]) for key, each in self.study.space.items()}

    def report(self, growth: float) -> bool:
        """Take in the best growth after a further evaluation; return whether to give up."""
        step = len(self.reports) + 1
        self.reports[step] = max(growth, WORST)
        self._trial.report(self.reports[step], step)
        return bool(self._trial.should_prune())

    def end(self, how: End, growth: float | None = None, why: str = "") -> Tried:
        """End it, and return what is to be written down."""
        bounded = None if growth is None else max(growth, WORST)
        tried = Tried(self.number, self.points, how, bounded, self.reports, why)
        self.study.tried.append(tried)
        if how is End.COMPLETE:
            self.study._study.tell(self._trial, bounded)
        else:
            self.study._study.tell(self._trial, state=self.study._optuna.trial.TrialState[how])
        return tried
