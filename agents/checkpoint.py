"""A training between two updates, in one file: tensors, and numbers as JSON. No pickle."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benbot.agents.learner import LearnerState
from benbot.agents.policy import TrainedPolicy
from benbot.agents.rebuilding import rebuilt
from benbot.envs.errors import RunMismatch

FORMAT = 4
BEST, STATE = "best/", "state/"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a training stands, and the best policy it has come by."""

    state: LearnerState
    best: TrainedPolicy
    best_growth: float  # log growth a year on the valid segment
    best_steps: int


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the one before stays whole until the new one is."""
    from safetensors.numpy import save_file

    best, state = checkpoint.best, checkpoint.state
    arrays: dict[str, np.ndarray[Any, Any]] = {
        f"{STATE}{name}": np.asarray(array, order="C") for name, array in state.arrays.items()
    }
    arrays |= {f"{BEST}{name}": np.asarray(each, order="C") for name, each in best.tensors.items()}
    numbers = {
        "format": FORMAT,
        "sha256": _sha256(arrays),
        "state": state.numbers,
        "best": {
            "growth": checkpoint.best_growth,
            "steps": checkpoint.best_steps,
            "architecture": best.architecture,
            "normaliser": best.normaliser.to_numbers(),
            "tensors": list(best.tensors),
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    save_file(arrays, fresh, metadata={"numbers": json.dumps(numbers)})
    fresh.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; refuse a file that is damaged or of another format."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            numbers = json.loads(file.metadata()["numbers"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if numbers["format"] != FORMAT:
            raise RunMismatch(f"{path} must be of format {FORMAT}, was {numbers['format']}")
        if numbers["sha256"] != _sha256(arrays):
            raise _damaged(path, "its tensors have another digest")
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise _damaged(path, str(error)) from error
    best = numbers["best"]
    own = {name[len(STATE) :]: each for name, each in arrays.items() if name.startswith(STATE)}
    tensors = {name: arrays[f"{BEST}{name}"] for name in best["tensors"]}
    policy = rebuilt(best["architecture"], tensors, best["normaliser"])
    return Checkpoint(LearnerState(own, numbers["state"]), policy, best["growth"], best["steps"])


def _damaged(path: Path, why: str) -> RunMismatch:
    return RunMismatch(
        f"a checkpoint must be a whole file of ours, {path} was damaged ({why}). Delete it to "
        f"train this seed from the beginning"
    )


def _sha256(arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(name.encode() + arrays[name].tobytes())
    return sha.hexdigest()
