"""A recurrent policy in numpy: what it remembers, what it forgets, and what it refuses to be."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benbot.agents.bundle import CARD, TENSORS, Expectations, load_bundle, save_bundle
from benbot.agents.evaluation import evaluate
from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.agents.policy import Allocator, Layer
from benbot.agents.recurrent_policy import Memory, RecurrentAllocator
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

WIDTH = 4


def array(*values: float) -> Float32Array:
    return np.array(values, np.float32)


def test_a_cell_keeps_what_its_forget_gate_lets_it_and_adds_what_is_new() -> None:
    # One unit; its gates are those of the biases, its news is tanh of the observation.
    to_news = np.array([[0.0], [0.0], [1.0], [0.0]], np.float32)
    half, wide_open = 0.0, 100.0
    memory = Memory(
        to_news,
        np.zeros((4, 1), np.float32),
        array(wide_open, half, 0.0, wide_open),
        np.zeros(4, np.float32),
    )
    hidden, cell = array(0.0), array(0.0)
    expected = 0.0
    for seen in (1.0, 0.0, -2.0):
        hidden, cell = memory.step(array(seen), hidden, cell)
        expected = 0.5 * expected + np.tanh(seen)
        assert cell == pytest.approx([expected], abs=1e-6)
        assert hidden == pytest.approx([np.tanh(expected)], abs=1e-6)


def test_gates_that_are_far_open_or_shut_are_numbers() -> None:
    gates = array(-1e30, 1e30, 0.0, 1e30)
    memory = Memory(
        np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32), gates, np.zeros_like(gates)
    )
    with np.errstate(all="raise"):
        hidden, cell = memory.step(array(1.0), array(0.0), array(0.5))
    assert cell == pytest.approx([0.5])
    assert hidden == pytest.approx(np.tanh([0.5]))


def test_a_memory_is_torch_s(recurrent: RecurrentAllocator) -> None:
    memory, size = recurrent.memory, recurrent.normaliser.moments.mean.size
    lstm = torch.nn.LSTM(size, WIDTH)
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(lstm, f"{name}_l0")[:] = torch.from_numpy(getattr(memory, name))
        rows = np.random.default_rng(4).normal(size=(9, size)).astype(np.float32)
        expected = lstm(torch.from_numpy(rows))[0].numpy()
    hidden = cell = np.zeros(WIDTH, np.float32)
    for row, wanted in zip(rows, expected, strict=True):
        hidden, cell = memory.step(row, hidden, cell)
        np.testing.assert_allclose(hidden, wanted, rtol=0, atol=1e-6)


@pytest.fixture
def recurrent(history: History) -> RecurrentAllocator:
    """An allocator with random numbers everywhere, strong enough to have opinions."""
    rng = np.random.default_rng(2)
    size = history.layout.size

    def drawn(*shape: int) -> Float32Array:
        return rng.normal(0.0, 0.5, shape).astype(np.float32)

    memory = Memory(
        drawn(4 * WIDTH, size), drawn(4 * WIDTH, WIDTH), drawn(4 * WIDTH), drawn(4 * WIDTH)
    )
    sizes = (WIDTH, 6, history.signals.n_strategies + 1)
    layers = tuple(Layer(drawn(out, into), drawn(out)) for into, out in pairwise(sizes))
    moments = Moments(rng.normal(0.0, 0.3, size), rng.uniform(0.1, 2.0, size), 77.0)
    return RecurrentAllocator(memory, layers, ObservationNormaliser(moments, learning=False), 3.0)


def test_it_remembers_an_account_and_forgets_it_with_the_next(
    recurrent: RecurrentAllocator, history: History, environment: EnvironmentSettings
) -> None:
    row = np.full(history.layout.size, 0.1, np.float32)
    first, second = recurrent.weights(row), recurrent.weights(row)
    assert np.abs(first - second).max() > 0.001
    recurrent.reset()
    np.testing.assert_array_equal(recurrent.weights(row), first)
    one, two = (evaluate(recurrent, history, Span(30, 90), environment) for _ in range(2))
    np.testing.assert_array_equal(one.weights, two.weights)
    assert np.ptp(one.weights, axis=0).max() > 0.1


@pytest.fixture
def saved(tmp_path: Path, recurrent: RecurrentAllocator, history: History) -> Path:
    save_bundle(
        tmp_path,
        recurrent,
        Expectations.of(history, [{"name": name} for name in history.layout.strategies], "0" * 16),
        {},
    )
    return tmp_path


def test_a_bundle_acts_as_the_policy_did(
    saved: Path,
    recurrent: RecurrentAllocator,
    history: History,
    environment: EnvironmentSettings,
) -> None:
    loaded = load_bundle(saved).policy
    one, two = (evaluate(each, history, Span(30, 90), environment) for each in (recurrent, loaded))
    np.testing.assert_array_equal(one.weights, two.weights)
    card = json.loads((saved / CARD).read_text(encoding="utf-8"))
    assert card["architecture"] == {
        "network": "recurrent",
        "width": WIDTH,
        "net_arch": [6],
        "action_scale": 3.0,
    }


Tensors = dict[str, np.ndarray[Any, Any]]


def _without(name: str) -> Callable[[dict[str, Any], Tensors], None]:
    def change(card: dict[str, Any], tensors: Tensors) -> None:
        del tensors[name]
        card["tensors"].remove(name)

    return change


def _shorter(name: str) -> Callable[[dict[str, Any], Tensors], None]:
    def change(card: dict[str, Any], tensors: Tensors) -> None:
        tensors[name] = tensors[name][1:].copy()

    return change


def _wider(card: dict[str, Any], tensors: Tensors) -> None:
    card["architecture"]["width"] = WIDTH + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("lstm.bias_hh"), r"both whole; .* was not \('lstm.bias_hh'\)"),
        (_shorter("lstm.weight_ih"), "what differs: lstm.weight_ih. The file is damaged"),
        (_shorter("layer.0.bias"), "what differs: layer.0.weight, layer.1.weight, net_arch"),
        (_wider, "what differs: width. The file is damaged"),
    ],
)
def test_what_contradicts_itself_is_refused_even_with_right_digests(
    saved: Path, change: Callable[[dict[str, Any], Tensors], None], message: str
) -> None:
    from safetensors.numpy import load_file, save_file

    from benbot.agents.bundle import _card_sha256, _sha256

    card = json.loads((saved / CARD).read_text(encoding="utf-8"))
    tensors = load_file(saved / TENSORS)
    change(card, tensors)
    save_file(tensors, saved / TENSORS)
    card["tensors_sha256"] = _sha256(saved / TENSORS)
    del card["card_sha256"]
    card["card_sha256"] = _card_sha256(card)
    (saved / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
    with pytest.raises(RunMismatch, match=message):
        load_bundle(saved)


def test_no_bundle_needs_torch(saved: Path, policy: Allocator, history: History) -> None:
    squashed = saved.with_name("squashed")
    own = replace(policy, squashed=True)
    save_bundle(
        squashed,
        own,
        Expectations.of(history, [{"name": name} for name in history.layout.strategies], "0" * 16),
        {},
    )
    code = (
        "import sys; from pathlib import Path; from benbot.agents.bundle import load_bundle\n"
        "policies = [load_bundle(Path(each)).policy for each in sys.argv[1:]]\n"
        "names = [each.architecture['network'] for each in policies]\n"
        "print(*names, *({'torch', 'stable_baselines3'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(saved), str(squashed)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert answer.stdout.split() == ["recurrent", "squashed_mlp"]


def test_a_squashed_action_is_the_tanh_of_a_plain_one(policy: Allocator) -> None:
    row = np.full(policy.normaliser.moments.mean.size, 0.5, np.float32)
    squashed = replace(policy, squashed=True)
    np.testing.assert_array_equal(squashed.action(row), np.tanh(policy.action(row)))
    assert np.abs(policy.action(row)).max() > 1.0
