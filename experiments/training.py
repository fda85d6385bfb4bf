"""What a training does: every seed, the baselines, then the judgement on `test`, all tracked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.agents.oracle import Plan
from benbot.experiments.audit import QUICK, audit
from benbot.experiments.audit_view import warn_of
from benbot.experiments.config import (
    config_digest,
    flat_config,
    resolved_yaml,
)
from benbot.experiments.figures import draw
from benbot.experiments.judgement import (
    evaluate_baselines,
    examined,
    results_note,
    results_table,
)
from benbot.experiments.known_answer import (
    PLAN_FILE,
    find_plan,
    found_sentence,
    read_plan,
    share_found,
    write_plan,
)
from benbot.experiments.preparation import Prepared
from benbot.experiments.progress import Display
from benbot.experiments.provenance import Provenance, git_commit, installed_versions
from benbot.experiments.report import RunReport, SegmentResult, write_report
from benbot.experiments.seeds import JUDGED, SeedResult, train_seed
from benbot.experiments.statistics import growth_difference, metrics, over_seeds
from benbot.experiments.tracking import (
    COMMIT,
    NOTE,
    SOURCE,
    Run,
    Status,
    Tracker,
    TrackingSettings,
)

if TYPE_CHECKING:
    from rich.console import Console

MODEL = "allocator"  # the registered model of all trained policies
ALIAS = "challenger"  # of the newest one; a champion is chosen by a person
CONFIG_FILE, AUDIT_FILE = "config.yaml", "audit.json"
RUNS = Path("runs")  # where a run keeps its files unless it is told otherwise
DATA, DIGEST = "data_digest", "config_digest"


@dataclass(frozen=True)
class Launch:
    """How a training was asked for."""

    runs: Path
    command: str
    console: "Console"


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
        self._introduce(self.parent)
        self.parent.log_params(flat_config(config))
        text = resolved_yaml(config)
        (self.folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        self.parent.log_file(CONFIG_FILE, text)
        self._audit()
        results = [train_seed(self, seed) for seed in config.seeds]
        plan = self._plan()
        with self.display.step("Judging against the baselines"):
            baselines = {
                name: evaluate_baselines(self.prepared, self.prepared.spans[name], plan)
                for name in JUDGED
            }
            self._record_baselines(baselines)
        segments = [self._segment(name, results, baselines[name]) for name in JUDGED]
        with self.display.step("Examining gates, costs and exposures"):
            segments[-1] = examined(self.prepared, segments[-1])
        self._conclude(results, tuple(segments))

    def labels(self, algorithm: str, seed: int | str) -> dict[str, object]:
        """Return what every child says of itself, so that runs can be grouped and compared."""
        config = self.prepared.config
        return {
            "algo": algorithm,
            "seed": seed,
            "fold": 0,
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
    def child(self, name: str, algorithm: str, seed: int | str) -> Iterator[Run]:
        """Open a child, the interrupted one if there is one; its labels are tags and parameters."""
        labels = self.labels(algorithm, seed)
        run = self.children.get(name)
        if run is None:
            run = self.tracker.start_run(name, labels, parent=self.parent)
        else:
            run.resume()
        with run:
            known = run.params  # they cannot change; the commit might have
            params = labels | flat_config(self.prepared.config)
            run.log_params({key: value for key, value in params.items() if key not in known})
            self._introduce(run)
            yield run

    def _introduce(self, run: Run) -> None:
        run.set_tags({SOURCE: self.launch.command, COMMIT: self.provenance.git_commit})
        for name, span in self.prepared.spans.items():
            run.log_dataset(self.prepared.market.between(span.first, span.last + 1), name)

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

    def _record_baselines(self, baselines: dict[str, list[Evaluation]]) -> None:
        for i, evaluation in enumerate(baselines["test"]):
            with self.child(evaluation.name, evaluation.name, "none") as run:
                for segment in JUDGED:
                    run.log_metrics(prefixed(segment, metrics(baselines[segment][i])))
            self.parent.log_metrics(prefixed(f"baseline/{evaluation.name}", metrics(evaluation)))

    def _segment(
        self, name: str, results: list[SeedResult], baselines: list[Evaluation]
    ) -> SegmentResult:
        agents = {result.seed: result.evaluations[name] for result in results}
        return SegmentResult(name, agents, baselines, draw(agents, baselines))

    def _conclude(self, results: list[SeedResult], segments: tuple[SegmentResult, ...]) -> None:
        test = segments[-1]
        for segment in segments:
            measured = over_seeds([metrics(one) for one in segment.agents.values()])
            self.parent.log_metrics(
                {f"{segment.name}/{name}": spread.mean for name, spread in measured.items()}
            )
        shares = [share_found(one, test.baselines) for one in test.agents.values()]
        if np.isfinite(shares).all():
            self.parent.log_metrics({"test/share_of_oracle": float(np.mean(shares))})
        for baseline in test.baselines:
            difference = growth_difference(list(test.agents.values()), baseline, seed=0)
            self.parent.log_metrics({f"test/growth_over/{baseline.name}": difference.mean})
        self.parent.set_tags({NOTE: results_note(test)})
        for name, picture in test.figures.items():
            self.parent.log_file(f"figures/{name}.png", picture)
        self._report(segments)
        best = max(results, key=lambda result: result.evaluations["valid"].annual_growth)
        version = self.parent.register_policy(best.bundle, MODEL, ALIAS)
        self._say(test, version)

    def _report(self, segments: tuple[SegmentResult, ...]) -> None:
        config = self.prepared.config
        path = self.folder / "report.html"
        write_report(
            path,
            RunReport(
                name=config.name,
                segments=segments,
                market=self.prepared.market,
                config_yaml=resolved_yaml(config),
                provenance=self.provenance,
                bootstrap_seed=0,
            ),
        )
        self.parent.log_file("report.html", path.read_text(encoding="utf-8"))

    def _say(self, test: SegmentResult, version: str) -> None:
        say: Callable[..., None] = self.launch.console.print
        say(results_table(test))
        found = found_sentence(list(test.agents.values()), test.baselines)
        if found:
            say(f"Found     {found}")
        uri = self.prepared.config.tracking.uri
        store = "" if uri == TrackingSettings().uri else f" --store {uri}"
        say(f"Report    {self.folder / 'report.html'}")
        say(f"Policy    models:/{MODEL}@{ALIAS}, version {version}")
        say(f"Run       {self.parent.id}")
        say(f"Compare   benbot ui{store}", highlight=False)


def prefixed(prefix: str, values: dict[str, float]) -> dict[str, float]:
    """Return the values with their names below a prefix."""
    return {f"{prefix}/{name}": value for name, value in values.items()}
