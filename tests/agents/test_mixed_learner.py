"""A learner on several markets can be interrupted, and does not care how they are listed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.training import train
from benbot.envs.history import History, Span, prepare
from benbot.envs.mixture import Part

TMP = pytest.TempPathFactory


@pytest.fixture(scope="module")
def mixture(history: History) -> tuple[Part, ...]:
    """The history, and its first 120 bars under another name, as if they were another market."""
    signals = replace(
        history.signals,
        **{
            name: getattr(history.signals, name)[:120]
            for name in ("direction", "confidence", "stop_distance", "diamond")
        },
    )
    shorter = prepare(history.market.until(120), signals, history.rules, history.regime)
    return (
        Part("fit", history, Span(30, 150), 4),
        Part("bootstrap 1", shorter, Span(40, 110), 2),
    )


def test_a_restored_learner_goes_on_as_if_nothing_had_happened(
    lesson_of: Callable[..., Lesson], mixture: tuple[Part, ...]
) -> None:
    with torch_apart(1):
        learner = Learner(lesson_of(mixture=mixture))
        learner.update()
        kept = learner.state()
        figures, expected = [learner.update() for _ in range(2)], learner.state()
        other = Learner(lesson_of(mixture=mixture))
        other.restore(kept)
        assert [other.update() for _ in range(2)] == figures
        state = other.state()
    assert state.numbers == expected.numbers
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(state.arrays[name], array, err_msg=name)


def test_the_markets_matter_and_their_order_does_not(
    lesson_of: Callable[..., Lesson], mixture: tuple[Part, ...], tmp_path_factory: TMP
) -> None:
    digests = []
    for i, given in enumerate((mixture, mixture[::-1], ())):
        path = tmp_path_factory.mktemp("mixed") / f"{i}.safetensors"
        policy = train(lesson_of(mixture=given), path, lambda progress: None).policy
        digests.append(b"".join(tensor.tobytes() for tensor in policy.tensors.values()))
    assert digests[0] == digests[1] != digests[2]
