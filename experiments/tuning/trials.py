"""The trials of a search: each trains on `fit` and is judged on `valid` alone.

With folds it is the first one's `valid`, since those of later folds overlap with tests of earlier
ones. A trial trains one agent for every seed of the configuration, and its growth is their mean;
each of these agents counts as a trial of the experiment (`family`).
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benbot.agents.learner import Lesson
from benbot.agents.training import Progress, train
from benbot.envs.errors import BadConfig
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.overrides import parse_overrides
from benbot.experiments.resolved import flat_config, resolved_yaml
from benbot.experiments.tracking.tracker import COMMIT, SOURCE, Run
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.training.training import CONFIG_FILE, Training
from benbot.experiments.tuning.search_space import overrides_of
from benbot.experiments.tuning.study import Asked, End, Study, Tried
from benbot.experiments.tuning.view import best_yaml, say_best, say_trial
from benbot.experiments.validation import build
from benbot.experiments.verdict.family import NOBODY
from benbot.experiments.yaml_files import Layer

TUNED, TUNING_SEED = "tuning", "tuning_seed"  # tags of a parent: trials in all, and their seed
TRIAL, END = "trial", "end"  # tags of a child: its number, and how it ended
TRIAL_FILE, BEST_FILE = "trial.json", "best.yaml"
SCORE = "valid/log_growth"


@dataclass(frozen=True)
class Search:
    """How much is tried, by which seed, and what the configuration was called."""

    trials: int
    seed: int
    source: str
    overrides: Sequence[str] = ()


class GivenUp(Exception):
    """A trial was worse than the middle of those before it."""


def with_overrides(config: ExperimentConfig, overrides: Sequence[str]) -> ExperimentConfig:
    """Return a configuration with other values, checked as the command line's are."""
    own = Layer(config.name, config.model_dump())
    return build(ExperimentConfig, [own, parse_overrides(overrides)])


class Trials:
    """A parent run with a child for every trial."""

    def __init__(self, training: Training, study: Study, search: Search) -> None:
        self.training, self.study, self.search = training, study, search
        self.prepared = training.prepared
        whole = self.prepared.stretches[0]
        seen = {name: whole.spans[name] for name in ("fit", "valid")}
        self.fold = Fold(whole.number, seen)  # without `test`, which no trial may look at
        self.mixtures = training.mixtures  # of the last trial
        config = self.prepared.config
        self.steps = config.agent.planned_steps * len(config.seeds)  # of a trial, about
        self.bar = training.display.begin("Trying", search.trials * self.steps)

    def carry_out(self) -> None:
        """Make the trials that are left, and write down which was best."""
        self._introduce()
        while len(self.study.tried) < self.search.trials:
            self._try()
        training, best = self.training, self.study.best
        if best is None:
            raise BadConfig(
                f"a search needs a trial that comes to its end, was none of "
                f"{len(self.study.tried)}. Narrow the space"
            )
        training.parent.log_metrics({SCORE: best.growth or 0.0, "best_trial": best.number})
        text, path = best_yaml(self.study, training.parent.id), training.folder / BEST_FILE
        path.write_text(text, encoding="utf-8")
        training.parent.log_file(BEST_FILE, text)
        command = ["benbot", "train", self.search.source, *self.search.overrides]
        say_best(self.study, command, path, training.launch.console)

    def _introduce(self) -> None:
        training, config = self.training, self.prepared.config
        made, text = training.provenance, resolved_yaml(config)
        training.parent.set_tags({SOURCE: made.command, COMMIT: made.git_commit})
        training.parent.log_params(flat_config(config))
        (training.folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        training.parent.log_file(CONFIG_FILE, text)

    def _try(self) -> None:
        asked = self.study.next()
        try:
            config = with_overrides(self.prepared.config, overrides_of(asked.values))
        except BadConfig as error:
            tried = self._impossible(asked, str(error))
        else:
            tried = self._trained(replace(self.prepared, config=config), asked)
        say_trial(tried, self.study.space, self.training.launch.console)
        self._move(0)

    def _trained(self, prepared: Prepared, asked: Asked) -> Tried:
        own = self.training
        training = Training(prepared, own.tracker, own.parent, own.launch, own.display)
        self._share_out(prepared)
        kind, seeds = prepared.config.agent.algorithm, prepared.config.seeds
        every = ",".join(str(seed) for seed in seeds)
        with training.child(_name(asked), kind, every, (self.fold,)) as run:
            run.set_tags({TRIAL: asked.number})
            try:
                growth = float(np.mean([self._growth(prepared, asked, run, s) for s in seeds]))
                tried = asked.end(End.COMPLETE, growth)
            except GivenUp:
                growth = asked.reports[len(asked.reports)]
                tried = asked.end(End.PRUNED, growth)
                run.set_tags({"seed": seeds[0]})
            run.log_metrics({SCORE: growth})
            _write_down(run, tried)
        return tried

    def _growth(self, prepared: Prepared, asked: Asked, run: Run, seed: int) -> float:
        """Return what the best policy of a seed grew on `valid`; the first may be given up."""
        config, spans = prepared.config, self.fold.spans
        first = seed == config.seeds[0]
        before = config.seeds.index(seed) * config.agent.planned_steps
        lesson = Lesson(
            prepared.history,
            spans["fit"],
            spans["valid"],
            config.environment,
            config.agent,
            seed,
            self.mixtures.of(self.fold).parts,
        )

        def listen(progress: Progress) -> None:
            self._move(before + progress.n_steps)
            if SCORE not in progress.figures:
                return
            curve = f"train/valid_log_growth/seed_{seed}"
            run.log_metrics({curve: progress.figures[SCORE]}, progress.n_steps)
            if first and asked.report(progress.best_growth):
                raise GivenUp

        with tempfile.TemporaryDirectory() as folder:
            return train(lesson, Path(folder) / "checkpoint", listen).valid_growth

    def _share_out(self, prepared: Prepared) -> None:
        """Share the accounts out over the markets anew where a trial has more or fewer of them."""
        if prepared.config.agent.n_envs != self.mixtures.prepared.config.agent.n_envs:
            self.mixtures = Mixtures(prepared, self.training.display)

    def _impossible(self, asked: Asked, why: str) -> Tried:
        """Write down a trial that trained nobody, so that it counts as none."""
        training, labels = self.training, {"seed": NOBODY, TRIAL: asked.number}
        tried = asked.end(End.FAIL, why=why)
        with training.tracker.start_run(_name(asked), labels, parent=training.parent) as run:
            _write_down(run, tried)
        return tried

    def _move(self, steps: int) -> None:
        best = self.study.best
        note = "" if best is None else f"best {best.growth:+.2%} a year"
        done = len(self.study.tried) * self.steps + min(steps, self.steps)
        self.training.display.move(self.bar, done, note)


def _name(asked: Asked) -> str:
    return f"trial {asked.number}"


def _write_down(run: Run, tried: Tried) -> None:
    run.log_file(TRIAL_FILE, tried.as_json())
    run.set_tags({END: tried.end})  # last of all, so that who has it has the file
