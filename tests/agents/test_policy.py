"""What an action means, and a network as plain numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benbot.agents.baselines import Fixed
from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.policy import Allocator, Layer, checked_weights, layers_of, simplex
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import InvalidWeights

actions_of_four = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.just(4)),
    elements=st.floats(-1e6, 1e6, width=32),
)
scales = st.floats(0.1, 20.0)


@given(actions=actions_of_four, scale=scales)
def test_every_finite_action_is_a_point_inside_the_simplex(
    actions: Float32Array, scale: float
) -> None:
    weights = simplex(actions, scale)
    assert (weights.shape, weights.dtype) == (actions.shape, np.float32)
    assert (weights > 0.0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)


@given(actions=actions_of_four, scale=scales)
def test_weights_are_in_the_order_of_the_actions(actions: Float32Array, scale: float) -> None:
    weights, clipped = simplex(actions, scale), np.clip(actions, -1.0, 1.0)
    for row, action in zip(weights, clipped, strict=True):
        assert (np.diff(row[np.argsort(action, kind="stable")]) >= 0.0).all()


@given(actions=actions_of_four, scale=scales)
def test_a_batch_of_actions_is_its_rows_one_by_one(actions: Float32Array, scale: float) -> None:
    one_by_one = np.stack([simplex(action, scale) for action in actions])
    np.testing.assert_array_equal(simplex(actions, scale), one_by_one)


def test_indifference_is_equal_weight() -> None:
    assert simplex(np.zeros(4, np.float32), 3.0).tolist() == [0.25] * 4


def test_the_scale_says_how_far_apart_weights_can_be() -> None:
    weights = simplex(np.array([1.0, -1.0], np.float32), 3.0)
    assert weights[0] / weights[1] == pytest.approx(np.exp(6.0), rel=1e-5)


def test_an_action_that_is_no_number_stays_none_for_the_environment_to_refuse() -> None:
    assert np.isnan(simplex(np.array([0.1, np.nan, 0.3], np.float32), 3.0)).all()


def test_a_network_computes_what_it_does_by_hand() -> None:
    layers = layers_of(
        [
            np.array([[1.0, -2.0]], np.float32),
            np.array([0.5], np.float32),
            np.array([[2.0], [-1.0]], np.float32),
            np.array([0.0, 0.25], np.float32),
        ]
    )
    allocator = Allocator(layers, ObservationNormaliser.of(2).frozen(), 3.0)
    hidden = np.tanh(0.3 + 2.0 * 0.1 + 0.5)
    action = allocator.action(np.array([0.3, -0.1], np.float32))
    np.testing.assert_allclose(action, [2.0 * hidden, 0.25 - hidden], rtol=1e-6)
    assert allocator.net_arch == (1,)


def test_tensors_by_name_rebuild_the_network(policy: Allocator) -> None:
    again = layers_of(list(policy.tensors.values()))
    assert list(policy.tensors) == [f"layer.{i}.{p}" for i in (0, 1) for p in ("weight", "bias")]
    for layer, other in zip(policy.layers, again, strict=True):
        np.testing.assert_array_equal(layer.weight, other.weight)
        np.testing.assert_array_equal(layer.bias, other.bias)


def test_layers_are_copies_that_later_training_cannot_reach() -> None:
    weight, bias = np.ones((1, 1), np.float32), np.ones(1, np.float32)
    (layer,) = layers_of([weight, bias])
    weight[:] = bias[:] = 7.0
    assert isinstance(layer, Layer)
    assert (layer.weight.item(), layer.bias.item()) == (1.0, 1.0)


def test_a_policy_has_no_memory(policy: Allocator) -> None:
    rng = np.random.default_rng(0)
    observations = rng.normal(size=(5, policy.layers[0].weight.shape[1])).astype(np.float32)
    first = [policy.weights(each) for each in observations]
    policy.reset()
    backwards = [policy.weights(each) for each in observations[::-1]][::-1]
    np.testing.assert_array_equal(first, backwards)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([0.5, 0.5], r"that is \(3,\), was \(2,\)"),
        ([[0.5, 0.3, 0.2]], r"that is \(3,\), was \(1, 3\)"),
        (
            [0.5, np.nan, 0.5],
            r"finite, none of them negative and not all zero, was \[0.5 nan 0.5\]",
        ),
        ([0.5, np.inf, 0.5], r"not all zero, was \[0.5 inf 0.5\]"),
        ([1.2, -0.2, 0.0], r"not all zero, was \[ 1.2 -0.2  0. \]"),
        ([0.0, 0.0, 0.0], r"not all zero, was \[0. 0. 0.\]. All of it in cash is 1 in the last"),
    ],
)
def test_weights_that_no_account_can_be_managed_by_are_refused(
    weights: list[float], said: str
) -> None:
    policy = Fixed("mine", np.zeros(0, np.float32))
    with pytest.raises(InvalidWeights, match=f"weights of mine must .*{said}"):
        checked_weights(policy, np.array(weights, np.float32), 3)


def test_weights_that_are_sound_are_left_as_they_are() -> None:
    policy = Fixed("mine", np.zeros(0, np.float32))
    sound = np.array([0.2, 0.0, 1.3], np.float32)
    assert checked_weights(policy, sound, 3).tolist() == sound.tolist()
