"""A run as its store has it, read without a trace, so that it can be compared with another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benbot.agents.bundle import CARD, TENSORS, load_bundle
from benbot.agents.policy import TrainedPolicy
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.tracking.kept import Kept, kept_runs
from benbot.experiments.tracking.store import sqlite_path
from benbot.experiments.tracking.tracker import Run, TrackingSettings, find_run
from benbot.experiments.training.data_digests import DATA_FILE
from benbot.experiments.training.resumable import is_trained
from benbot.experiments.verdict.opening import is_sealed, openings_of

CONFIG_FILE = "config.yaml"
BUNDLE = "bundle"


@dataclass(frozen=True, eq=False)
class Recorded:
    """What a run left: its own labels, its children by name, and its configuration."""

    uri: str
    run: Run
    config: ExperimentConfig
    children: Mapping[str, Kept]

    @property
    def opened(self) -> bool:
        """Whether anybody has seen its results on `test`."""
        return openings_of(self.run) > 0 and not is_sealed(self.run)

    def policy(self, child: str) -> TrainedPolicy | None:
        """Return the policy that a child kept, if it is still there and whole."""
        run = find_run(self.uri, self.children[child].id)
        with TemporaryDirectory() as folder:
            try:
                for name in (CARD, TENSORS):
                    (Path(folder) / name).write_bytes(run.read_file(f"{BUNDLE}/{name}"))
                return load_bundle(Path(folder)).policy
            except (UnknownName, RunMismatch):
                return None

    def data_digests(self) -> dict[str, dict[str, str]] | None:
        """Return the digests of the parts of its market, which older runs did not keep."""
        try:
            digests: dict[str, dict[str, str]] = json.loads(self.run.read_file(DATA_FILE))
        except UnknownName:
            return None
        return digests


def recorded(run_id: str, runs: Path, store: str | None) -> Recorded:
    """Return a run; without a store it is looked for where its files say that it was recorded."""
    own = runs / run_id / CONFIG_FILE
    uri = store or (load_config(own).tracking.uri if own.is_file() else TrackingSettings().uri)
    path = sqlite_path(uri)
    if path is not None and not path.is_file():  # to look for it would make it
        raise UnknownName(
            f"a run is looked for in the store where it was recorded, was {uri}, which does not "
            f"exist. Say --store, or --runs with the folder that has {run_id}"
        )
    run = find_run(uri, run_id)
    if not is_trained(run.tags):
        raise RunMismatch(
            f"a training can be made again, run {run_id} is a search. Search again with the same "
            f"configuration: the same seed finds the same"
        )
    with TemporaryDirectory() as folder:
        copy = Path(folder) / CONFIG_FILE
        copy.write_bytes(run.read_file(CONFIG_FILE))
        config = load_config(copy)
    kept = kept_runs(uri, run.experiment_id)
    children = {one.name: one for one in kept if one.parent == run.id}
    return Recorded(uri, run, config, children)
