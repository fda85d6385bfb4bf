"""A run looked at again from its own files: its policies judged anew, its report written anew."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.advised import advised
from benbot.agents.bundle import load_bundle
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.experiments.config import load_config
from benbot.experiments.progress import Display
from benbot.experiments.report.figures import draw
from benbot.experiments.report.page import RunReport, SegmentResult, write_report
from benbot.experiments.resolved import config_digest, resolved_yaml
from benbot.experiments.tracking.provenance import Provenance, git_commit, installed_versions
from benbot.experiments.training.bundles import (
    bundles_in,
    config_of,
    expectations_of,
    run_folder,
)
from benbot.experiments.training.fold_table import FoldResult, all_folds, fold_rows
from benbot.experiments.training.placebo import placebos_of
from benbot.experiments.training.preparation import Prepared, check_segment
from benbot.experiments.training.run import prepare_shown
from benbot.experiments.training.seeds import JUDGED
from benbot.experiments.verdict.judgement import evaluate_baselines, examined, with_seeds
from benbot.experiments.verdict.known_answer import PLAN_FILE, read_plan
from benbot.experiments.verdict.seal import folds_to_judge
from benbot.experiments.verdict.verdict import VERDICT_FILE, RunVerdict, verdict_from_json

if TYPE_CHECKING:
    from rich.console import Console


def rebuild_report(run_id: str, runs: Path, out: Path, console: "Console") -> None:
    """Write the report of a run from its own files, with what this version has to say of it."""
    folder = run_folder(run_id, runs)
    with Display(console) as display:
        prepared = prepare_shown(load_config(config_of(folder)), display)
        with display.step("Judging, and examining gates, costs, risk and features"):
            judged = {name: _judge_folds(folder, prepared, name, True) for name in JUDGED}
            drawn = [_with_figures(_together(name, parts)) for name, parts in judged.items()]
            bundles = bundles_in(folder, prepared.stretches[-1])
            policies = [load_bundle(path).policy for path in bundles.values()]
            test = examined(prepared, drawn[-1], policies)
            segments = (*drawn[:-1], with_seeds(test, _verdict_of(folder)))
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
        RunReport(
            name=config.name,
            segments=segments,
            market=prepared.market,
            config_yaml=resolved_yaml(config),
            provenance=provenance,
            bootstrap_seed=0,
            verdict=_verdict_of(folder),
            folds=tuple(fold_rows(judged["test"], prepared.market)),
        ),
    )
    console.print(f"Report    {out}")


def judge_again(
    folder: Path, prepared: Prepared, segment: str, *, with_plan: bool
) -> SegmentResult:
    """Run the policies of a run over a segment, beside the baselines.

    With folds, `test` is that of all of them as one account, `fit` and `valid` those of the newest;
    one bundle alone is run over the newest fold, whatever it was trained on. What a seal hides is
    refused, or another fold stands for it; see `folds_to_judge`.
    """
    check_segment(segment)
    return _together(segment, _judge_folds(folder, prepared, segment, with_plan))


def _judge_folds(
    folder: Path, prepared: Prepared, segment: str, with_plan: bool
) -> list[FoldResult]:
    folds = folds_to_judge(folder, prepared, segment)
    plan = folder / PLAN_FILE
    oracle = read_plan(plan, prepared) if with_plan and plan.is_file() else None
    results = []
    for fold in folds:
        within = prepared.in_fold(fold)
        bundles = bundles_in(folder, fold)
        agents = {seed: _again(path, within, segment) for seed, path in bundles.items()}
        placebos = placebos_of(folder, fold)
        baselines = evaluate_baselines(within, fold.spans[segment], oracle, placebos)
        results.append(FoldResult(fold, agents, baselines))
    return results


def _together(segment: str, parts: list[FoldResult]) -> SegmentResult:
    agents, baselines, _ = all_folds(parts)
    return SegmentResult(segment, agents, baselines)


def _verdict_of(folder: Path) -> RunVerdict | None:
    """Return the verdict that the run was given when it ended."""
    path = folder / VERDICT_FILE
    return verdict_from_json(path.read_text(encoding="utf-8")) if path.is_file() else None


def _again(bundle: Path, prepared: Prepared, segment: str) -> Evaluation:
    config, kept = prepared.config, load_bundle(bundle)
    kept.require_fit(expectations_of(prepared))
    history, span = prepared.history, prepared.spans[segment]
    policy = advised(kept.policy, config.learning)
    return evaluate(policy, history, span, config.environment)


def _with_figures(segment: SegmentResult) -> SegmentResult:
    figures = draw(segment.agents, segment.baselines)
    return SegmentResult(segment.name, segment.agents, segment.baselines, figures)


def require_policies(folder: Path, prepared: Prepared, segment: str) -> None:
    """Refuse, before anything is asked of it, a segment or a folder that has nothing to judge."""
    check_segment(segment)
    bundles_in(folder, folds_to_judge(folder, prepared, segment)[-1])
