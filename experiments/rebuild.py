"""A run looked at again from its own files: its policies judged anew, its report written anew."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.bundle import Expectations, load_bundle
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.errors import UnknownName
from benbot.experiments.config import config_digest, load_config, resolved_yaml
from benbot.experiments.figures import draw
from benbot.experiments.judgement import evaluate_baselines, examined
from benbot.experiments.known_answer import PLAN_FILE, read_plan
from benbot.experiments.preparation import Prepared
from benbot.experiments.progress import Display
from benbot.experiments.provenance import Provenance, git_commit, installed_versions
from benbot.experiments.report import RunReport, SegmentResult, write_report
from benbot.experiments.run import prepare_shown
from benbot.experiments.seeds import BUNDLE, JUDGED

if TYPE_CHECKING:
    from rich.console import Console


def rebuild_report(run_id: str, runs: Path, out: Path, console: "Console") -> None:
    """Write the report of a run from its own files, with what this version has to say of it."""
    folder = run_folder(run_id, runs)
    with Display(console) as display:
        prepared = prepare_shown(load_config(config_of(folder)), display)
        with display.step("Judging, and examining gates, costs and exposures"):
            judged = [judge_again(folder, prepared, name, with_plan=True) for name in JUDGED]
            drawn = [_with_figures(segment) for segment in judged]
            segments = (*drawn[:-1], examined(prepared, drawn[-1]))
    config = prepared.config
    provenance = Provenance(
        command=f"benbot report {run_id} --rebuild",
        git_commit=git_commit(Path(__file__).parent),
        config_digest=config_digest(config),
        created=datetime.now(UTC),
        versions=installed_versions(),
        run_id=folder.name,
    )
    write_report(
        out,
        RunReport(config.name, segments, prepared.market, resolved_yaml(config), provenance, 0),
    )
    console.print(f"Report    {out}")


def judge_again(
    folder: Path, prepared: Prepared, segment: str, *, with_plan: bool
) -> SegmentResult:
    """Run the policies of a run over a segment, beside the baselines."""
    span, plan = prepared.span(segment), folder / PLAN_FILE
    oracle = read_plan(plan, prepared) if with_plan and plan.is_file() else None
    agents = {seed: _again(path, prepared, segment) for seed, path in _bundles(folder).items()}
    return SegmentResult(segment, agents, evaluate_baselines(prepared, span, oracle))


def _again(bundle: Path, prepared: Prepared, segment: str) -> Evaluation:
    config, kept = prepared.config, load_bundle(bundle)
    choices = [choice.model_dump() for choice in config.strategies]
    discovery = config.discovery.model_dump() if config.discovery else None
    met = Expectations.of(prepared.history, choices, config_digest(config), discovery)
    kept.require_fit(met)
    return evaluate(kept.policy, prepared.history, prepared.spans[segment], config.environment)


def _with_figures(segment: SegmentResult) -> SegmentResult:
    figures = draw(segment.agents, segment.baselines)
    return SegmentResult(segment.name, segment.agents, segment.baselines, figures)


def run_folder(run: str, runs: Path) -> Path:
    for folder in (runs / run, Path(run)):
        if folder.is_dir():
            return folder
    raise UnknownName(
        f"run must be the id of a run below {runs} or the folder of a bundle, was {run!r}"
    )


def config_of(folder: Path) -> Path:
    for holder in (folder, *folder.parents[:2]):
        if (holder / "config.yaml").is_file():
            return holder / "config.yaml"
    raise UnknownName(f"{folder} has no config.yaml; name the configuration with --config")


def _bundles(folder: Path) -> dict[int, Path]:
    """Return the bundle of every seed of a run, or the one bundle the folder is."""
    if (folder / "bundle.json").is_file():
        return {0: folder}
    found = {int(path.parent.name[5:]): path for path in folder.glob(f"seed-*/{BUNDLE}")}
    if not found:
        raise UnknownName(f"{folder} must hold a trained policy, was none; train it to the end")
    return dict(sorted(found.items()))
