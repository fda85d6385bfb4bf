"""What comes after the last seed of a training: judgement, verdict, report, and what is said."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benbot.agents.bundle import load_bundle
from benbot.agents.evaluation import Evaluation
from benbot.agents.oracle import Plan
from benbot.experiments.report.curves import CURVES_FILE, curves_as_parquet, curves_of
from benbot.experiments.report.figures import draw
from benbot.experiments.report.page import RunReport, SegmentResult, write_report
from benbot.experiments.resolved import resolved_yaml
from benbot.experiments.tracking.tracker import NOTE, TrackingSettings
from benbot.experiments.training.challenger import ALIAS, MODEL, objection, policy_line
from benbot.experiments.training.fold_table import FoldResult, FoldRow, all_folds, fold_rows
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.placebo import placebos_of
from benbot.experiments.training.seeds import JUDGED, SeedResult
from benbot.experiments.verdict.family import NOBODY, family_now
from benbot.experiments.verdict.judgement import (
    evaluate_baselines,
    examined,
    results_note,
    results_table,
    with_seeds,
)
from benbot.experiments.verdict.known_answer import found_sentence, share_found
from benbot.experiments.verdict.statistics import growth_difference, metrics, over_seeds
from benbot.experiments.verdict.verdict import VERDICT_FILE, RunVerdict, judge, verdict_as_json
from benbot.experiments.verdict.view import (
    fold_table,
    verdict_note,
    verdict_sentences,
    verdict_table,
    verdict_tags,
)

if TYPE_CHECKING:
    from benbot.experiments.training.training import Training


def conclude(training: "Training", results: Sequence[SeedResult], plan: Plan | None) -> None:
    """Judge the seeds of all folds beside the baselines, and write down and say what came of it.

    With folds, `test` is that of all of them as one account. Each fold's `valid` may overlap with
    that of the next, so `valid` is that of the newest fold, whose policy would trade from now on.
    """
    with training.display.step("Judging against the baselines"):
        judged = {name: _judged(training, name, results, plan) for name in JUDGED}
        segments = [_segment(name, judged[name]) for name in JUDGED]
        _record_baselines(training, {one.name: one.baselines for one in segments})
    newest = training.prepared.stretches[-1].number
    of_newest = [result for result in results if result.fold.number == newest]
    with training.display.step("Examining gates, costs, risk and features"):
        policies = [load_bundle(result.bundle).policy for result in of_newest]
        segments[-1] = examined(training.prepared, segments[-1], policies)
    with training.display.step("Reaching a verdict"):
        verdict = _reach_verdict(training, judged["test"])
        segments[-1] = with_seeds(segments[-1], verdict)
    rows = tuple(fold_rows(judged["test"], training.prepared.market))
    _record(training, segments, verdict)
    _report(training, tuple(segments), verdict, rows)
    best = max(of_newest, key=lambda result: result.evaluations["valid"].annual_growth)
    against = objection(best.evaluations["test"], verdict)
    version = training.parent.register_policy(best.bundle, MODEL, None if against else ALIAS)
    say: Callable[..., None] = training.launch.console.print
    if rows:
        say(fold_table(rows))
    say(results_table(segments[-1]))
    say(verdict_table(verdict))
    for sentence in verdict_sentences(verdict):
        say(sentence, highlight=False)
    _say_where(training, segments[-1], policy_line(version, against))


def say_sealed(training: "Training", results: Sequence[SeedResult]) -> None:
    """Show what can be shown while `test` is sealed, and say how it is opened.

    With folds that is `valid` of the newest whose bars lie before the first `test`.
    """
    say: Callable[..., None] = training.launch.console.print
    shown = training.seal.newest_seen(training.prepared.stretches, "valid")
    if shown is not None:
        with training.display.step("Judging against the baselines on valid"):
            judged = _judged(training, "valid", results, None, (shown,))
            agents, baselines, _ = all_folds(judged)
        say(results_table(SegmentResult(shown.named("valid"), agents, baselines)))
    say(f"Run       {training.parent.id}")
    say(f"Sealed    test; open it, once, with benbot open {training.parent.id}", highlight=False)


def _judged(
    training: "Training",
    name: str,
    results: Sequence[SeedResult],
    plan: Plan | None,
    chosen: Sequence[Fold] = (),
) -> list[FoldResult]:
    """Return what happened in the chosen folds: all for `test`, the newest for the rest."""
    prepared = training.prepared
    folds = chosen or (prepared.stretches if name == "test" else prepared.stretches[-1:])
    return [
        FoldResult(
            fold,
            {one.seed: one.evaluations[name] for one in results if one.fold.number == fold.number},
            evaluate_baselines(
                prepared.in_fold(fold), fold.spans[name], plan, placebos_of(training.folder, fold)
            ),
        )
        for fold in folds
    ]


def _segment(name: str, judged: Sequence[FoldResult]) -> SegmentResult:
    agents, baselines, _ = all_folds(judged)
    return SegmentResult(name, agents, baselines, draw(agents, baselines))


def _record_baselines(training: "Training", baselines: dict[str, Sequence[Evaluation]]) -> None:
    folds = training.prepared.stretches
    for i, evaluation in enumerate(baselines["test"]):
        with training.child(evaluation.name, evaluation.name, NOBODY, folds) as run:
            for segment in JUDGED:
                run.log_metrics(prefixed(segment, metrics(baselines[segment][i])))
        training.parent.log_metrics(prefixed(f"baseline/{evaluation.name}", metrics(evaluation)))


def _reach_verdict(training: "Training", judged: Sequence[FoldResult]) -> RunVerdict:
    """Keep the accounts bar by bar, and judge them by all that the experiment has tried."""
    parent, curves = training.parent, curves_of(*all_folds(judged))
    parent.log_file(CURVES_FILE, curves_as_parquet(curves))
    verdict = judge(curves, family_now(training.tracker.uri, parent, curves))
    text = verdict_as_json(verdict)
    (training.folder / VERDICT_FILE).write_text(text, encoding="utf-8")
    parent.log_file(VERDICT_FILE, text)
    parent.set_tags(verdict_tags(verdict))
    # Apart from `test/`: they depend on what else was tried, and on when that was counted.
    parent.log_metrics(
        {
            "verdict/probabilistic_sharpe_ratio": verdict.probabilistic,
            "verdict/deflated_sharpe_ratio": verdict.deflated,
            "verdict/probability_of_overfitting": verdict.overfitting,
        }
    )
    return verdict


def _record(training: "Training", segments: Sequence[SegmentResult], verdict: RunVerdict) -> None:
    test, parent = segments[-1], training.parent
    for segment in segments:
        measured = over_seeds([metrics(one) for one in segment.agents.values()])
        parent.log_metrics(
            {f"{segment.name}/{name}": spread.mean for name, spread in measured.items()}
        )
    shares = [share_found(one, test.baselines) for one in test.agents.values()]
    if np.isfinite(shares).all():
        parent.log_metrics({"test/share_of_oracle": float(np.mean(shares))})
    for baseline in test.baselines:
        difference = growth_difference(list(test.agents.values()), baseline, seed=0)
        parent.log_metrics({f"test/growth_over/{baseline.name}": difference.mean})
    parent.set_tags({NOTE: f"{results_note(test)}\n\n{verdict_note(verdict)}"})
    for name, picture in test.figures.items():
        parent.log_file(f"figures/{name}.png", picture)


def _report(
    training: "Training",
    segments: tuple[SegmentResult, ...],
    verdict: RunVerdict,
    rows: tuple[FoldRow, ...],
) -> None:
    config = training.prepared.config
    path = training.folder / "report.html"
    write_report(
        path,
        RunReport(
            name=config.name,
            segments=segments,
            market=training.prepared.market,
            config_yaml=resolved_yaml(config),
            provenance=training.provenance,
            bootstrap_seed=0,
            verdict=verdict,
            folds=rows,
        ),
    )
    training.parent.log_file("report.html", path.read_text(encoding="utf-8"))


def _say_where(training: "Training", test: SegmentResult, policy: str) -> None:
    say: Callable[..., None] = training.launch.console.print
    found = found_sentence(list(test.agents.values()), test.baselines)
    if found:
        say(f"Found     {found}")
    uri = training.prepared.config.tracking.uri
    store = "" if uri == TrackingSettings().uri else f" --store {uri}"
    say(f"Report    {training.folder / 'report.html'}")
    say(f"Policy    {policy}", highlight=False, soft_wrap=True)
    say(f"Run       {training.parent.id}")
    say(f"Compare   benbot ui{store}", highlight=False)


def prefixed(prefix: str, values: dict[str, float]) -> dict[str, float]:
    """Return the values with their names below a prefix."""
    return {f"{prefix}/{name}": value for name, value in values.items()}
