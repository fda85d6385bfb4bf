"""Where the policies of a run lie, and what they must meet; read without anything that trains.

Whoever trades one starts in seconds: what only a training needs takes longer to import than that.
"""

from pathlib import Path

from benbot.agents.bundle import CARD, Expectations
from benbot.envs.errors import UnknownName
from benbot.experiments.resolved import config_digest
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.preparation import Prepared

BUNDLE, CONFIG_FILE = "bundle", "config.yaml"  # of a seed; of a run


def run_folder(run: str, runs: Path) -> Path:
    """Return the folder of a run, or of a bundle."""
    for folder in (runs / run, Path(run)):
        if folder.is_dir():
            return folder
    raise UnknownName(
        f"run must be the id of a run below {runs} or the folder of a bundle, was {run!r}"
    )


def config_of(folder: Path) -> Path:
    """Return the configuration of the run whose folder, or bundle, this is."""
    for holder in (folder, *folder.parents[:3]):  # of a bundle: its seed, its fold, the run
        if (holder / CONFIG_FILE).is_file():
            return holder / CONFIG_FILE
    raise UnknownName(f"{folder} has no {CONFIG_FILE}; name the configuration with --config")


def bundles_in(folder: Path, fold: Fold) -> dict[int, Path]:
    """Return the bundle of every seed of a run's fold, or the one bundle the folder is."""
    if (folder / CARD).is_file():
        return {0: folder}
    paths = folder.glob(f"{fold.prefix}seed-*/{BUNDLE}")
    found = {int(path.parent.name[5:]): path for path in paths}
    if not found:
        raise UnknownName(f"{folder} must hold a trained policy, was none; train it to the end")
    return dict(sorted(found.items()))


def expectations_of(prepared: Prepared) -> Expectations:
    """Return what a policy meets here, by which it is refused or not."""
    config = prepared.config
    choices = [choice.model_dump() for choice in config.strategies]
    discovery = config.discovery.model_dump() if config.discovery else None
    digest, learning = config_digest(config), config.learning
    return Expectations.of(prepared.history, choices, digest, discovery, learning.of_bundle)
