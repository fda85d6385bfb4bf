"""Train one policy wherever there is time for it: the same in this process and in any other."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benbot.agents.learner import Lesson
from benbot.agents.training import Progress, Trained, train
from benbot.envs.errors import RunMismatch
from benbot.envs.mixture import Part
from benbot.envs.work.executor import Tell
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.progress import Display
from benbot.experiments.tracking.provenance import installed_versions
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.preparation import Prepared, prepare_experiment

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Unit:
    """One policy that is to be trained; `fold` is the number of its fold.

    checkpoint   where its checkpoints are kept; None where that path means nothing
    kept         content of the last one, if the path means nothing and there is one
    """

    seed: int
    fold: int
    checkpoint: Path | None
    kept: bytes | None = None


@dataclass(frozen=True)
class Begun:
    """Told before anything else."""


@dataclass(frozen=True)
class Kept:
    """Told away from the files of the run: the content of a checkpoint."""

    content: bytes


class Teacher:
    """Trains units of one experiment.

    What is sent to another process is the configuration, from which everything is prepared anew
    there, once. It must come out the same, by the same versions of the packages.
    """

    def __init__(self, prepared: Prepared, mixtures: Mixtures) -> None:
        self._config = prepared.config.model_dump_json()
        self._digest, self._versions = prepared.history.digest, installed_versions()
        self._prepared: Prepared | None = prepared
        self._mixtures: Mixtures | None = mixtures

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_prepared": None, "_mixtures": None}

    @property
    def prepared(self) -> Prepared:
        if self._prepared is None:
            self._prepared = self._prepare()
        return self._prepared

    @property
    def mixtures(self) -> Mixtures:
        if self._mixtures is None:
            self._mixtures = Mixtures(self.prepared, Display(Console(quiet=True)))
        return self._mixtures

    def __call__(self, unit: Unit, tell: Tell) -> Trained:
        """Train a unit; what is told is `Begun`, then `Progress` and `Kept`."""
        tell(Begun())
        (fold,) = (one for one in self.prepared.stretches if one.number == unit.fold)
        lesson = lesson_of(self.prepared, unit.seed, fold, self.mixtures.of(fold).parts)
        if unit.checkpoint is not None:
            return train(lesson, unit.checkpoint, tell)
        with TemporaryDirectory() as folder:
            post = _Post(Path(folder) / CHECKPOINT, tell, unit.kept)
            try:
                return train(lesson, post.path, post.listen)
            finally:
                post.send()

    def _prepare(self) -> Prepared:
        versions = installed_versions()
        odd = [
            f"{name} was {versions.get(name, 'missing')}, {here} where it began"
            for name, here in self._versions.items()
            if versions.get(name) != here
        ]
        if odd:
            raise RunMismatch(
                f"whoever trains must have the versions of whoever began the run; {'; '.join(odd)}."
                f" Install the same ones"
            )
        prepared = prepare_experiment(ExperimentConfig.model_validate_json(self._config))
        if prepared.history.digest != self._digest:
            raise RunMismatch(
                f"whoever trains must see the history that the run began with, digest "
                f"{self._digest}, was {prepared.history.digest}. Bring the same files to every "
                f"machine, and use machines of one kind"
            )
        return prepared


class _Post:
    """Sends a checkpoint home whenever there is a new one."""

    def __init__(self, path: Path, tell: Tell, kept: bytes | None) -> None:
        self.path, self.tell = path, tell
        if kept is not None:
            path.write_bytes(kept)
        self._sent = self._mark()

    def listen(self, progress: Progress) -> None:
        self.tell(progress)
        self.send()

    def send(self) -> None:
        if self._mark() != self._sent:
            self._sent = self._mark()
            self.tell(Kept(self.path.read_bytes()))

    def _mark(self) -> tuple[int, int] | None:
        """Return what changes with every checkpoint, each of which is a new file."""
        if not self.path.is_file():
            return None
        found = self.path.stat()
        return found.st_ino, found.st_mtime_ns


def lesson_of(prepared: Prepared, seed: int, fold: Fold, parts: tuple[Part, ...] = ()) -> Lesson:
    """Return what an agent learns in a fold, from `parts` if there are other markets than `fit`."""
    config = prepared.config
    return Lesson(
        prepared.history,
        fold.spans["fit"],
        fold.spans["valid"],
        config.environment,
        config.agent,
        seed,
        parts,
    )
