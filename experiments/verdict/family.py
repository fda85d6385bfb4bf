"""What an experiment has tried so far: a verdict must know how many trials there were."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.evolving.bred import is_bred
from benbot.experiments.report.curves import CURVES_FILE, Curves, curves_from_parquet
from benbot.experiments.tracking.kept import Kept, kept_runs, named_experiment, tagged_runs
from benbot.experiments.tracking.runs import Status
from benbot.experiments.tracking.tracker import PARENT, Run, find_run
from benbot.experiments.verdict.opening import JUDGED_ON, OPENED, openings_in, share_bars
from benbot.experiments.verdict.verdict import Family

NOBODY = "none"  # tag `seed` of what has none: a baseline
SHARPE = "test/sharpe_ratio"
DATA = "data_digest"  # tag of a parent: of its whole market


@dataclass(frozen=True, eq=False)
class Case:
    """A run that is judged, and the family that it belongs to."""

    run_id: str
    name: str
    curves: Curves
    family: Family


def find_case(uri: str, experiment_or_run: str) -> Case:
    """Return the run of an id, or the newest of an experiment that has been judged."""
    experiment = named_experiment(uri, experiment_or_run)
    if experiment is None:
        run = find_run(uri, experiment_or_run)
        experiment, run_id = run.experiment_id, run.tags.get(PARENT, run.id)
    else:
        run_id = None
    kept = kept_runs(uri, experiment)
    parents = [one for one in kept if not one.parent and (run_id in {None, one.id})]
    _refuse_searches(parents)
    judged = [one for one in parents if JUDGED_ON in one.tags and one.status == Status.FINISHED]
    if not judged:
        raise UnknownName(
            f"a verdict needs a run that was trained to its end and keeps {CURVES_FILE}, was "
            f"{experiment_or_run!r} with {len(parents)} runs and none such. Train one with "
            f"benbot train"
        )
    chosen = judged[0]  # the newest
    curves = _curves(uri, chosen.id)
    return Case(chosen.id, chosen.name, curves, family_of(uri, kept, chosen, curves))


def _refuse_searches(parents: Sequence[Kept]) -> None:
    """Refuse what has nothing but searches for strategies, which no agent could be told from."""
    if not parents or not all(is_bred(one.tags) for one in parents):
        return
    own = parents[0].id
    raise RunMismatch(
        f"a verdict compares trained agents with baselines; run {own} is a search for strategies, "
        f"whose pool is deflated for its own trials. Read benbot report {own}, ask test with "
        f"benbot open {own}, or train an agent over what was found with benbot train "
        f"runs/{own}/seed-N/evolved.yaml"
    )


def family_now(uri: str, run: Run, curves: Curves) -> Family:
    """Return what the experiment of a run has tried up to now; the run may still be going on."""
    kept = kept_runs(uri, run.experiment_id)
    own = next(one for one in kept if one.id == run.id)
    return family_of(uri, kept, own, curves)


def family_of(uri: str, kept: Sequence[Kept], own: Kept, curves: Curves) -> Family:
    """Return all that an experiment has tried; `own` is the run that is judged, with its curves.

    A trial is an agent: the children of one run with the same seed, and the same trial of a search,
    are folds of one. Trained or not, chosen or not, each counts that was judged on the same bars,
    and each that was not judged and learned from the same market. Others are counted apart: how
    much ratios differ between markets says nothing of luck on one of them.
    """
    parents = {one.id: one for one in kept if not one.parent}
    ours = {key for key, one in parents.items() if _is_comparable(one, own)}
    ratios = _ratios([one for one in kept if one.parent in ours])
    elsewhere = _ratios([one for one in kept if one.parent not in ours])
    known = np.array([np.mean(each) for each in ratios.values() if each])
    digest = own.tags.get(JUDGED_ON)
    alike = [one for one in kept if digest and one.tags.get(JUDGED_ON) == digest]
    others = [one for one in alike if one.id != own.id and one.status == Status.FINISHED]
    opened = [one for one in tagged_runs(uri, OPENED) if share_bars(one.tags, own.tags)]
    return Family(
        n_trials=max(len(ratios), len(curves.agents)),
        deviation=float(known.std(ddof=1)) if known.size > 1 else float("nan"),
        returns=_returns(uri, others, curves),
        openings=sum(openings_in(one.tags) for one in opened),
        elsewhere=len(elsewhere),
    )


def _is_comparable(parent: Kept, own: Kept) -> bool:
    """Return whether agents of a run could have been taken for those that are judged."""
    judged, market = parent.tags.get(JUDGED_ON), parent.tags.get(DATA)
    if judged is not None:
        return judged == own.tags.get(JUDGED_ON)
    return market is None or market == own.tags.get(DATA, market)


def _ratios(kept: Sequence[Kept]) -> dict[tuple[str, str, str], list[float]]:
    """Return the Sharpe ratios of each trial, one a fold; none where it was not judged."""
    ratios: dict[tuple[str, str, str], list[float]] = {}
    for one in kept:
        if one.parent and one.tags.get("seed") != NOBODY:
            # A trial of a search may have trained several seeds, and has no ratio on `test`.
            for seed in one.tags.get("seed", one.id).split(","):
                key = (one.parent, seed, one.tags.get("trial", ""))
                found = ratios.setdefault(key, [])
                if SHARPE in one.metrics:
                    found.append(one.metrics[SHARPE])
    return ratios


def _returns(uri: str, others: Sequence[Kept], curves: Curves) -> FloatArray:
    """Return the returns (T, N) of all agents on the same bars, those that are judged first.

    A run that was made again is no other agent: of columns that are equal the first is kept.
    """
    together = [curves.returns()]
    for one in others:
        theirs = _curves(uri, one.id)
        if np.array_equal(theirs.timestamps, curves.timestamps):
            together.append(theirs.returns())
    columns = np.concatenate(together, axis=1).T
    return np.stack(list({column.tobytes(): column for column in columns}.values()), axis=1)


def _curves(uri: str, run_id: str) -> Curves:
    return curves_from_parquet(find_run(uri, run_id).read_file(CURVES_FILE))
