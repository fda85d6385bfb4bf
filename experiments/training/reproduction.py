"""Train a recorded run again in a folder of its own, and compare everything that comes out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benbot.agents.advised import advised
from benbot.agents.bundle import policy_digest
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import TrainedPolicy
from benbot.agents.training import Progress
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import UnknownName
from benbot.envs.work.executor import Executor
from benbot.experiments.progress import Display
from benbot.experiments.report.curves import equity_digest
from benbot.experiments.resolved import config_digest
from benbot.experiments.tracking.provenance import git_commit, installed_versions
from benbot.experiments.tracking.recorded import Recorded
from benbot.experiments.tracking.tracker import COMMIT
from benbot.experiments.training.data_digests import digests_of, where_they_differ
from benbot.experiments.training.fold_table import FoldResult, all_folds
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.training.pupil import ACCOUNT, JUDGED
from benbot.experiments.training.teacher import CHECKPOINT, Begun, Teacher, Unit
from benbot.experiments.training.training import DATA, DIGEST, VERSION
from benbot.experiments.verdict.judgement import evaluate_baselines
from benbot.experiments.verdict.seal import Seal, seal_over
from benbot.experiments.verdict.statistics import metrics

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Row:
    """One thing that was compared.

    decides      whether the run was not reproduced where it differs
    difference   the first one, where it can be told
    """

    what: str
    then: str
    now: str
    decides: bool = True
    difference: str = ""

    @property
    def same(self) -> bool:
        return self.then == self.now

    @property
    def fails(self) -> bool:
        return self.decides and not self.same


def compare_origins(old: Recorded, prepared: Prepared) -> list[Row]:
    """Return what can be compared before anything is trained, the data first."""
    tags, market = old.run.tags, prepared.market
    data = Row("data", tags.get(DATA, NOT_RECORDED), market.digest)
    if not data.same:
        kept = old.data_digests()
        where = where_they_differ(kept, digests_of(market)) if kept else "it kept no parts"
        data = Row(data.what, data.then, data.now, difference=where)
    rows = [data, Row("config", tags.get(DIGEST, NOT_RECORDED), config_digest(old.config))]
    now = installed_versions()
    names = sorted(
        {name.removeprefix(VERSION) for name in tags if name.startswith(VERSION)} | now.keys()
    )
    rows += [
        Row(name, tags.get(f"{VERSION}{name}", NOT_RECORDED), now.get(name, "missing"), False)
        for name in names
    ]
    commit = git_commit(Path(__file__).parent)
    return [*rows, Row("commit", tags.get(COMMIT, NOT_RECORDED)[:16], commit[:16], False)]


def compare_seeds(
    old: Recorded,
    prepared: Prepared,
    seeds: Sequence[int],
    executor: Executor,
    folder: Path,
    display: Display,
) -> Iterator[Row]:
    """Train seeds again, in a folder that may be thrown away, and yield what they are and did."""
    units, folds = {}, {}
    for fold in prepared.stretches:
        for seed in seeds:
            name = fold.named(f"seed {seed}")
            path = folder / f"{fold.prefix}seed-{seed}" / CHECKPOINT
            units[name] = Unit(seed, fold.number, path if executor.shares_files else None)
            folds[name] = fold
    planned, tasks = prepared.config.agent.planned_steps, {}

    def hear(name: str, message: object) -> None:
        if isinstance(message, Begun):
            tasks[name] = display.begin(f"Training {name}", planned)
        elif isinstance(message, Progress):
            display.move(tasks[name], message.n_steps)

    teacher = Teacher(prepared, Mixtures(prepared, display))
    with closing(executor.map(teacher, units, hear)) as work:  # type: ignore[type-var]
        for name, trained in work:
            yield from _compare_policy(old, prepared, folds[name], name, trained.policy)


def compare_baselines(old: Recorded, prepared: Prepared) -> Iterator[Row]:
    """Run the baselines again, and yield whether they are measured as they were."""
    seal = Seal() if old.opened else seal_over(prepared)
    seen = seal.newest_seen(prepared.stretches, "valid")
    judged = {"valid": (seen,) if seen else (), "test": prepared.stretches if old.opened else ()}
    for segment, folds in ((name, folds) for name, folds in judged.items() if folds):
        parts = [
            FoldResult(fold, {}, evaluate_baselines(prepared.in_fold(fold), fold.spans[segment]))
            for fold in folds
        ]
        for evaluation in all_folds(parts)[1]:
            child = old.children.get(evaluation.name)
            if child is not None:
                what = f"{evaluation.name} on {segment}"
                yield _measured(what, child.metrics, evaluation, segment)


def require_seed(old: Recorded, seed: int | None) -> tuple[int, ...]:
    """Return the seeds that are meant: one, or all of them."""
    if seed is None:
        return old.config.seeds
    if seed not in old.config.seeds:
        raise UnknownName(
            f"--seed must be one of the run, {', '.join(map(str, old.config.seeds))}, was {seed}"
        )
    return (seed,)


def _compare_policy(
    old: Recorded, prepared: Prepared, fold: Fold, name: str, policy: TrainedPolicy
) -> Iterator[Row]:
    child = old.children.get(name)
    if child is None:
        raise UnknownName(
            f"run {old.run.id} must have a child {name}, had none. Train it to the end"
        )
    kept = old.policy(name)
    then, now = child.tags.get("policy_digest", NOT_RECORDED), policy_digest(policy)
    yield Row(f"{name}, weights", then, now, difference=_first_weight(kept, policy))
    seal = Seal() if old.opened else seal_over(prepared)
    for segment in seal.seen(fold, JUDGED):
        history, settings = prepared.history, prepared.config.environment
        span, what = fold.spans[segment], f"{name} on {segment}"
        learning = prepared.config.learning
        account = evaluate(advised(policy, learning), history, span, settings)
        digest = child.tags.get(f"{ACCOUNT}/{segment}")
        if digest is None:  # an older run
            yield _measured(what, child.metrics, account, segment)
            continue
        difference = ""
        if digest != equity_digest(account.equity) and kept is not None:
            own = evaluate(advised(kept, learning), history, span, settings)
            difference = _first_mark(own, account.equity)
            if digest != equity_digest(own.equity):
                difference = "the recorded policy itself trades otherwise now"
        yield Row(what, digest, equity_digest(account.equity), difference=difference)


def _measured(what: str, then: Mapping[str, float], evaluation: Evaluation, segment: str) -> Row:
    """Compare all that was measured, to the last bit."""
    now = {f"{segment}/{k}": v for k, v in metrics(evaluation).items() if np.isfinite(v)}
    known = {name: value for name, value in then.items() if name.startswith(f"{segment}/")}
    odd = sorted(k for k in now.keys() | known.keys() if now.get(k) != known.get(k))
    if not odd:
        return Row(what, f"{len(now)} measures", f"{len(now)} measures")
    name = odd[0]
    told = f"{name} was {known.get(name)}, is {now.get(name)}"
    return Row(what, f"{len(known)} measures", f"{len(odd)} differ", difference=told)


def _first_weight(then: TrainedPolicy | None, now: TrainedPolicy) -> str:
    """Return the first number of two policies that differs, with its place."""
    if then is None:
        return "its bundle is gone"
    before, after = then.tensors, now.tensors
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one is None or other is None or one.shape != other.shape:
            return f"{name} has another shape"
        places = np.argwhere(one != other)
        if places.size:
            place = tuple(int(i) for i in places[0])
            return f"{name}{list(place)} was {one[place]!r}, is {other[place]!r}"
    same = then.normaliser.to_numbers() == now.normaliser.to_numbers()
    return "" if same else "the normaliser has other numbers"


def _first_mark(then: Evaluation, now: FloatArray) -> str:
    """Return the first mark at which an account was worth something else."""
    if then.equity.shape != now.shape:
        return f"it had {then.equity.size} marks, has {now.size}"
    places = np.flatnonzero(then.equity != now)
    if not places.size:
        return ""
    i = int(places[0])
    day = then.timestamps[i].astype("datetime64[m]")
    return f"at {day} it was worth {float(then.equity[i])!r}, is {float(now[i])!r}"
