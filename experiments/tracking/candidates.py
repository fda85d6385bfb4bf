"""The trained policies of a run, of which one may be deployed, and what is refused before that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benbot.agents.bundle import CARD, TENSORS, Bundle, load_bundle, policy_digest
from benbot.envs.errors import InvalidParameter, RunMismatch, UnknownName
from benbot.experiments.tracking.kept import PAPER, Kept, kept_runs
from benbot.experiments.tracking.recorded import BUNDLE
from benbot.experiments.tracking.runs import Run, Status
from benbot.experiments.tracking.tracker import PARENT, find_run
from benbot.experiments.training.resumable import is_trained

POLICY = "policy_digest"  # tag of a child: what its policy does
VALID = "valid/log_growth"  # metric of a child: what it earned a year on `valid`
ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}", re.ASCII)
TAKEN = re.compile(r"latest|v[0-9]+", re.ASCII | re.IGNORECASE)  # MLflow's own words
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A policy of a run that was trained to its end, whole and with its own digests.

    seed    whose policy it is
    why     in a few words, why this one of all the seeds
    files   the bundle, by name
    """

    run: Run
    seed: str
    why: str
    bundle: Bundle
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """Sixteen hex digits of what the policy does."""
        return policy_digest(self.bundle.policy)

    def write(self, folder: Path) -> None:
        """Write the bundle into a folder that is there."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def checked_alias(alias: str) -> str:
    """Return an alias that can be typed after an @ and that MLflow keeps for nobody."""
    if not ALIAS.fullmatch(alias) or TAKEN.fullmatch(alias):
        raise InvalidParameter(
            "an alias must be up to 63 letters, digits and ._- that begin with a letter, and not "
            f"latest or v1, which MLflow keeps for itself, was {alias!r}. Say champion"
        )
    return alias


def checked_name(name: str) -> str:
    """Return the name of a registered model that can be typed in a command."""
    if not NAME.fullmatch(name):
        raise InvalidParameter(
            "a registered policy must have a name of up to 63 letters, digits and ._- that begins "
            f"with one of the first two, was {name!r}"
        )
    return name


def require_finished(run: Run) -> Run:
    """Return a run that trained agents to its end; refuse any other."""
    tags = run.tags
    if PARENT in tags:
        raise RunMismatch(
            f"a policy is deployed by the run of its training, was {run.name} of it, {run.id}. "
            f"Say benbot deploy {tags[PARENT]} --seed {tags.get('seed', 'N')}"
        )
    if PAPER in tags:
        raise RunMismatch(
            f"a policy is deployed from a training, run {run.id} is of the paper account "
            f"{tags[PAPER]!r}. benbot deploy --list says what it trades"
        )
    if not is_trained(tags):
        raise RunMismatch(
            f"a policy is deployed from a training, run {run.id} is a search. Train what it found "
            "with benbot train, and deploy that"
        )
    if run.status is not Status.FINISHED:
        raise RunMismatch(
            f"a run is deployed once it is trained to its end, {run.id} was {run.status}. Go on "
            f"with benbot train --resume {run.id}"
        )
    return run


def candidate_of(uri: str, run: Run, seed: int | None) -> Candidate:
    """Return the policy of a seed, without one the best of `valid`, of the newest fold."""
    children = policies_of(kept_runs(uri, run.experiment_id), run.id)
    child, why = _chosen(children, run, seed)
    files = _files(find_run(uri, child.id), run)
    bundle = _whole(files)
    said, was = child.tags.get(POLICY), policy_digest(bundle.policy)
    if said not in (None, was):
        raise RunMismatch(
            f"the policy of seed {child.tags['seed']} of run {run.id} must be the one that was "
            f"trained, {said}, was {was}. Its bundle was exchanged; train it again with benbot "
            f"reproduce {run.id}"
        )
    return Candidate(run, child.tags["seed"], why, bundle, files)


def policies_of(kept: Sequence[Kept], run_id: str) -> list[Kept]:
    """Return the children of a run that trained a policy in its newest fold, by seed."""
    own = [
        one
        for one in kept
        if one.parent == run_id and one.tags.get("seed", "").isdigit() and POLICY in one.tags
    ]
    newest = max((int(one.tags["fold"]) for one in own), default=0)
    of_newest = [one for one in own if int(one.tags["fold"]) == newest]
    return sorted(of_newest, key=lambda one: int(one.tags["seed"]))


def _chosen(children: Sequence[Kept], run: Run, seed: int | None) -> tuple[Kept, str]:
    by_seed = {int(one.tags["seed"]): one for one in children}
    if not by_seed:
        raise UnknownName(f"run {run.id} must have a trained policy, was none; train it again")
    if seed is not None:
        if seed not in by_seed:
            there = ", ".join(map(str, by_seed))
            raise UnknownName(f"a seed must be one of run {run.id}, {there}, was {seed}")
        return by_seed[seed], "as asked for"
    if len(by_seed) == 1:
        return children[0], "the only seed"
    growth = {number: one.metrics.get(VALID, -float("inf")) for number, one in by_seed.items()}
    best = max(growth, key=lambda number: growth[number])
    told = ", ".join(f"{number}: {value:+.2%}" for number, value in growth.items())
    return by_seed[best], f"the best of {len(growth)} on valid, log growth a year {told}"


def _files(child: Run, run: Run) -> dict[str, bytes]:
    try:
        return {name: child.read_file(f"{BUNDLE}/{name}") for name in (CARD, TENSORS)}
    except UnknownName as error:
        raise UnknownName(
            f"the bundle of {child.name} of run {run.id} must be in the store of its run, was "
            f"not: {error}"
        ) from error


def _whole(files: dict[str, bytes]) -> Bundle:
    """Return the bundle of these files; `load_bundle` refuses what is damaged."""
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return load_bundle(Path(folder))
