"""What a training does: every seed, the baselines, then the judgement on `test`, all tracked."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.oracle import Plan
from benbot.envs.work.executor import HERE, Executor
from benbot.experiments.audit.audit import QUICK, audit
from benbot.experiments.audit.view import warn_of
from benbot.experiments.progress import Display
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.tracking.provenance import Provenance, git_commit, installed_versions
from benbot.experiments.tracking.tracker import (
    COMMIT,
    SOURCE,
    Run,
    Status,
    Tracker,
)
from benbot.experiments.training.conclusion import conclude, say_sealed
from benbot.experiments.training.data_digests import DATA_FILE, digests_of
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.placebo import train_placebos
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.training.seeds import JUDGED, train_seeds
from benbot.experiments.verdict.family import DATA as DATA
from benbot.experiments.verdict.known_answer import (
    PLAN_FILE,
    find_plan,
    read_plan,
    write_plan,
)
from benbot.experiments.verdict.opening import (
    Opening,
    is_sealed,
    open_test,
    openings_of,
    stretch_of_test,
)
from benbot.experiments.verdict.seal import Seal, close_files, open_files, seal_over

if TYPE_CHECKING:
    from rich.console import Console

CONFIG_FILE, AUDIT_FILE = "config.yaml", "audit.json"
RUNS = Path("runs")  # where a run keeps its files unless it is told otherwise
DIGEST = "config_digest"
VERSION = "version/"  # tags of a parent: what each package was it ran with
ALL = "all"  # tag `fold` of what was not made in one of several


@dataclass(frozen=True)
class Launch:
    """How a training was asked for."""

    runs: Path
    command: str
    console: "Console"
    sealed: bool = False  # whether `test` stays closed until somebody opens it
    opening: bool = False  # whether somebody does
    executor: Executor = HERE  # who trains


class Training:
    """A parent run with a child for every seed and every baseline."""

    def __init__(
        self, prepared: Prepared, tracker: Tracker, parent: Run, launch: Launch, display: Display
    ) -> None:
        self.prepared, self.tracker, self.parent = prepared, tracker, parent
        self.launch, self.display = launch, display
        self.folder = launch.runs / parent.id
        self.folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def mixtures(self) -> Mixtures:
        """The markets to learn on, by fold."""
        return Mixtures(self.prepared, self.display)

    @cached_property
    def provenance(self) -> Provenance:
        return Provenance(
            command=self.launch.command,
            git_commit=git_commit(Path(__file__).parent),
            config_digest=config_digest(self.prepared.config),
            created=datetime.now(UTC),
            versions=installed_versions(),
            run_id=self.parent.id,
        )

    def carry_out(self) -> None:
        """Train what is not yet trained, judge everything, and write it all down."""
        config = self.prepared.config
        text = resolved_yaml(config)
        # First what going on needs, so that it can be interrupted as early as anybody likes.
        (self.folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        self.parent.log_params(flat_config(config))
        self._introduce(self.parent, self.prepared.stretches)
        self.parent.log_file(CONFIG_FILE, text)
        self.parent.log_file(DATA_FILE, json.dumps(digests_of(self.prepared.market)))
        versions = self.provenance.versions.items()
        self.parent.set_tags({f"{VERSION}{name}": version for name, version in versions})
        self._seal()
        self._audit()
        results = train_seeds(self)
        train_placebos(self)
        if "test" in self.judged:
            conclude(self, results, self._plan())
        else:
            say_sealed(self, results)

    @cached_property
    def judged(self) -> tuple[str, ...]:
        """The segments on which anything may be judged: not on `test` while it is sealed."""
        return JUDGED[:-1] if is_sealed(self.parent) else JUDGED

    @cached_property
    def seal(self) -> Seal:
        """What may be told of a bar that a fold is judged on."""
        return seal_over(self.prepared) if is_sealed(self.parent) else Seal()

    def _seal(self) -> None:
        if "test" in self.judged:
            open_files(self.folder)
        else:
            close_files(self.folder, self.parent.id, self.prepared)

    def open_test(self, *, first: bool = False) -> None:
        """Record, before anything is judged, that this run asks for results on `test`.

        It does so once, however often it goes on; `first` refuses if it has done so.
        """
        if first or not openings_of(self.parent):
            made = self.provenance
            self.parent.set_tags(stretch_of_test(self.prepared))
            open_test(self.parent, Opening(made.command, made.git_commit, made.created))

    def labels(self, algorithm: str, seed: int | str, folds: Sequence[Fold]) -> dict[str, object]:
        """Return what every child says of itself, so that runs can be grouped and compared."""
        config = self.prepared.config
        return {
            "algo": algorithm,
            "seed": seed,
            "fold": folds[0].number if len(folds) == 1 else ALL,
            "strategy_set": ",".join(strategy.name for strategy in self.prepared.strategies),
            "reward": config.environment.reward.name,
            DATA: self.prepared.market.digest,
            DIGEST: self.provenance.config_digest,
            "git_commit": self.provenance.git_commit,
        }

    @cached_property
    def children(self) -> dict[str, Run]:
        """The children by name that a run which goes on already has."""
        return {run.name: run for run in self.tracker.children(self.parent)}

    def has_finished(self, name: str) -> bool:
        """Return whether a child was recorded to its end before this run went on."""
        return name in self.children and self.children[name].status is Status.FINISHED

    @contextmanager
    def child(
        self, name: str, algorithm: str, seed: int | str, folds: Sequence[Fold]
    ) -> Iterator[Run]:
        """Open a child, the interrupted one if there is one; its labels are tags and parameters."""
        labels = self.labels(algorithm, seed, folds)
        run = self.children.get(name)
        if run is None:
            run = self.tracker.start_run(name, labels, parent=self.parent)
        else:
            run.resume()
        with run:
            known = run.params  # they cannot change; the commit might have
            params = labels | flat_config(self.prepared.config)
            run.log_params({key: value for key, value in params.items() if key not in known})
            self._introduce(run, folds)
            yield run

    def _introduce(self, run: Run, folds: Sequence[Fold]) -> None:
        run.set_tags({SOURCE: self.launch.command, COMMIT: self.provenance.git_commit})
        for fold in folds:
            for name, span in fold.spans.items():
                used = self.prepared.market.between(span.first, span.last + 1)
                run.log_dataset(used, fold.named(name))

    def _audit(self) -> None:
        """Look for look-ahead before anything is learned; a leak stops nothing, and says so."""
        with self.display.step("Auditing for look-ahead"):
            result = audit(self.prepared, QUICK)
        if not result.leaks:
            clean = f"  no leak in {len(result.rows)} columns"
            self.launch.console.print(clean, highlight=False)
        warn_of(result, self.launch.console)
        self.parent.log_metrics({"audit/leaks": len(result.leaks)})
        self.parent.log_file(AUDIT_FILE, result.as_json())

    def _plan(self) -> Plan | None:
        """Return the oracle's plan, if the configuration asks for an oracle; search for it once."""
        settings, path = self.prepared.config.oracle, self.folder / PLAN_FILE
        if settings is None:
            return None
        if not path.is_file():
            task = self.display.begin("Searching for the oracle's plan", settings.rounds)
            plan = find_plan(
                self.prepared,
                settings,
                lambda done, best: self.display.move(task, done, f"best {best:+.2%} a year"),
            )
            write_plan(path, plan, self.prepared)
        self.parent.log_file(PLAN_FILE, path.read_text(encoding="utf-8"))
        return read_plan(path, self.prepared)
