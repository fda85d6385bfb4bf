"""A checkpoint holds a training to the last bit, or says that it does not."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from benbot.agents.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from benbot.agents.learner import LearnerState
from benbot.agents.policy import Allocator
from benbot.envs.errors import RunMismatch


@pytest.fixture
def checkpoint(policy: Allocator) -> Checkpoint:
    rng = np.random.default_rng(0)
    arrays = {
        "network/weight": rng.normal(size=(3, 2)).astype(np.float32),
        "optimiser/step": np.array(7.0, np.float32),
        "accounts/records": rng.integers(0, 255, 40).astype(np.uint8),
        "seen/episode_starts": np.array([True, False]),
    }
    numbers = {"n_updates": 3, "shuffler": rng.bit_generator.state, "third": 1 / 3}
    return Checkpoint(LearnerState(arrays, numbers), policy, 0.1 + 0.2, 192)


@pytest.fixture
def saved(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    path = tmp_path / "deep" / "checkpoint.safetensors"
    save_checkpoint(path, checkpoint)
    return path


def test_what_is_read_is_what_was_written(saved: Path, checkpoint: Checkpoint) -> None:
    read = load_checkpoint(saved)
    assert read.state.numbers == checkpoint.state.numbers
    assert read.state.arrays.keys() == checkpoint.state.arrays.keys()
    for name, array in checkpoint.state.arrays.items():
        again = read.state.arrays[name]
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(again, array)
    assert (read.best_growth, read.best_steps) == (0.1 + 0.2, 192)
    row = np.full(checkpoint.best.layers[0].weight.shape[1], 0.3, np.float32)
    np.testing.assert_array_equal(read.best.weights(row), checkpoint.best.weights(row))


def test_a_growth_of_minus_infinity_survives(tmp_path: Path, checkpoint: Checkpoint) -> None:
    ruined = Checkpoint(checkpoint.state, checkpoint.best, -np.inf, 0)
    save_checkpoint(tmp_path / "c", ruined)
    assert load_checkpoint(tmp_path / "c").best_growth == -np.inf


def test_the_one_before_is_replaced_and_nothing_else_is_left(
    saved: Path, checkpoint: Checkpoint
) -> None:
    later = Checkpoint(checkpoint.state, checkpoint.best, 9.0, 999)
    save_checkpoint(saved, later)
    assert load_checkpoint(saved).best_steps == 999
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_write_that_fails_leaves_the_one_before_whole(
    saved: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(arrays: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(saved, Checkpoint(checkpoint.state, checkpoint.best, 9.0, 999))
    assert load_checkpoint(saved).best_steps == 192


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused(saved: Path, kept: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(RunMismatch, match=r"was damaged .* Delete it to train this seed from the"):
        load_checkpoint(saved)


@pytest.mark.parametrize("from_the_end", [1, 30, 500])
def test_a_flipped_bit_in_a_tensor_is_refused(saved: Path, from_the_end: int) -> None:
    content = bytearray(saved.read_bytes())
    content[-from_the_end] ^= 1
    saved.write_bytes(content)
    with pytest.raises(RunMismatch, match="its tensors have another digest"):
        load_checkpoint(saved)


def test_a_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    save_file({"a": np.zeros(1)}, tmp_path / "bare")
    save_file({"a": np.zeros(1)}, tmp_path / "odd", metadata={"numbers": "{}"})
    for name in ("bare", "odd"):
        with pytest.raises(RunMismatch, match="must be a whole file of ours"):
            load_checkpoint(tmp_path / name)


def test_another_format_is_refused(tmp_path: Path) -> None:
    metadata = {"numbers": json.dumps({"format": 9})}
    save_file({"a": np.zeros(1)}, tmp_path / "later", metadata=metadata)
    with pytest.raises(RunMismatch, match="must be of format 4, was 9"):
        load_checkpoint(tmp_path / "later")
