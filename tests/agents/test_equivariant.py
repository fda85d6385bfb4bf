"""The network scores strategies by one rule, in torch as in plain numbers."""

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from benbot.agents.designs import EquivariantDesign
from benbot.agents.networks.actor_critic import AllocationPolicy
from benbot.agents.settings import AgentSettings
from benbot.agents.shared_policy import SharedAllocator
from benbot.envs.arrays import Float32Array, IntArray
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.envs.observation import Layout

NAMES = tuple(f"k{i}" for i in range(6))
KINDS = [
    (exchange, distribution)
    for exchange in ("mean", "attention", "none")
    for distribution in ("dirichlet", "gaussian")
]


class Twin:
    """A network with opinions, in torch and as plain numbers."""

    def __init__(
        self, exchange: str, distribution: str, layout: Layout, prior: str = "forecast"
    ) -> None:
        chosen = {
            "network": "equivariant",
            "exchange": exchange,
            "distribution": distribution,
            "width": 8,
            "prior": prior,
        }
        self.layout = layout
        design = EquivariantDesign(AgentSettings.model_validate({"policy": chosen}), layout)
        low = 0.0 if design.action_scale is None else -1.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.torch = AllocationPolicy(
                gym.spaces.Box(-5.0, 5.0, (layout.size,), np.float32),
                gym.spaces.Box(low, 1.0, (len(layout.strategies) + 1,), np.float32),
                lambda _: 1e-3,
                **design.options(),
            )
            with torch.no_grad():
                for parameter in self.torch.parameters():
                    parameter.add_(0.5 * torch.randn(parameter.shape))
        normaliser = design.normaliser()
        normaliser.learn(observations_of(layout, 50, seed=9) * 2.0 + 0.3)
        tensors = {name: each.numpy() for name, each in design.acting(self.torch).items()}
        policy = design.policy(tensors, normaliser.frozen())
        assert isinstance(policy, SharedAllocator)
        self.plain = policy

    def __call__(self, observations: Float32Array) -> Float32Array:
        """Return what torch would do, (B, K+1): deterministic actions."""
        seen = torch.from_numpy(self.plain.normaliser.scaled(observations))
        with torch.no_grad():
            actions: Float32Array = self.torch(seen, deterministic=True)[0].numpy()
        return actions


def observations_of(layout: Layout, n: int, seed: int = 0) -> Float32Array:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 1.0, (n, layout.size)).astype(np.float32)


def permuted(observation: Float32Array, layout: Layout, order: IntArray) -> Float32Array:
    """Return the observation with the strategies in another order."""
    n_features = len(layout.strategy_features)
    end = len(layout.strategies) * n_features
    blocks = observation[:end].reshape(-1, n_features)[order]
    return np.concatenate([blocks.ravel(), observation[end:]])


@pytest.fixture(params=KINDS, ids="-".join)
def twin(request: pytest.FixtureRequest) -> Twin:
    return Twin(*request.param, Layout(NAMES))


def test_plain_numbers_do_what_torch_does(twin: Twin) -> None:
    rows = observations_of(twin.layout, 40)
    expected = twin(rows)
    if twin.plain.action_scale is None:
        actions = np.stack([twin.plain.weights(row) for row in rows])
    else:
        actions = np.stack([twin.plain.scores(row) for row in rows])
    np.testing.assert_allclose(actions, expected, rtol=1e-5, atol=1e-5)
    assert np.ptp(actions, axis=0).min() > 0.01


def test_permuted_strategies_have_permuted_weights(twin: Twin) -> None:
    order = np.array([3, 0, 5, 1, 4, 2])
    for row in observations_of(twin.layout, 20):
        before = twin.plain.weights(row)
        after = twin.plain.weights(permuted(row, twin.layout, order))
        np.testing.assert_allclose(after[:-1], before[:-1][order], atol=1e-6)
        assert after[-1] == pytest.approx(before[-1], abs=1e-6)
    both = np.stack([row, permuted(row, twin.layout, order)])
    one, other = twin(both)
    np.testing.assert_allclose(other[:-1], one[:-1][order], atol=1e-6)


def test_no_parameter_has_a_shape_that_depends_on_the_number_of_strategies(twin: Twin) -> None:
    distribution = "dirichlet" if twin.plain.action_scale is None else "gaussian"
    larger = Twin(twin.plain.body.exchange, distribution, Layout((*NAMES, "k6", "k7")))
    shapes = [
        {name: tuple(each.shape) for name, each in one.torch.named_parameters()}
        for one in (twin, larger)
    ]
    assert shapes[0] == shapes[1]
    larger.torch.load_state_dict(twin.torch.state_dict())
    row = observations_of(larger.layout, 1)
    moved = twin.plain.for_layout(larger.layout)
    seen = torch.from_numpy(moved.normaliser.scaled(row))
    with torch.no_grad():
        scores = larger.torch.network.scores(seen)[0].numpy()
    np.testing.assert_allclose(moved.scores(row[0]), scores, rtol=1e-5, atol=1e-5)
    assert moved.weights(row[0]).shape == (9,)


def test_a_retired_strategy_is_as_if_it_were_not_there(twin: Twin) -> None:
    retired = twin.plain.for_layout(twin.layout, retired=["k1", "k4"])
    kept = np.array([0, 2, 3, 5])
    smaller = twin.plain.for_layout(Layout(tuple(NAMES[k] for k in kept)))
    for row in observations_of(twin.layout, 20):
        weights = retired.weights(row)
        assert weights[[1, 4]].tolist() == [0.0, 0.0]
        assert weights.sum() == pytest.approx(1.0, abs=1e-6)
        alone = smaller.weights(permuted(row, twin.layout, kept))
        np.testing.assert_allclose(weights[[*kept, -1]], alone, atol=1e-6)


def test_who_is_retired_stays_so_among_others_until_it_is_said_otherwise(twin: Twin) -> None:
    retired = twin.plain.for_layout(twin.layout, retired=["k1"])
    others = Layout(("k5", "k1", "k0"))
    assert retired.for_layout(others).retired == {"k1"}
    assert retired.for_layout(Layout(("k0", "k5"))).retired == frozenset()
    assert retired.for_layout(others, retired=[]).retired == frozenset()


def test_when_everybody_has_retired_it_is_all_in_cash(twin: Twin) -> None:
    nobody = twin.plain.for_layout(twin.layout, retired=NAMES)
    weights = nobody.weights(observations_of(twin.layout, 1)[0])
    assert weights.tolist() == [0.0] * 6 + [1.0]


def test_an_observation_that_is_no_number_has_no_weights(twin: Twin) -> None:
    row = observations_of(twin.layout, 1)[0]
    row[3] = np.nan
    assert np.isnan(twin.plain.weights(row)).all()


@pytest.fixture
def plain() -> SharedAllocator:
    return Twin("mean", "dirichlet", Layout(NAMES)).plain


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"strategy_features": Layout(NAMES).strategy_features[1:]},
            r"strategy_features must be those .* the difference was \['return_5'\]. Train it anew",
        ),
        (
            {"context_features": Layout(NAMES).context_features[::-1]},
            "context_features must be those .* the difference was another order",
        ),
    ],
)
def test_other_features_are_refused(
    plain: SharedAllocator, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunMismatch, match=message):
        plain.for_layout(replace(Layout(NAMES), **change))


def test_a_strategy_that_there_is_not_cannot_retire(plain: SharedAllocator) -> None:
    with pytest.raises(UnknownName, match=r"must be some of k0, .*k5, was k6, k7"):
        plain.for_layout(Layout(NAMES), retired=["k7", "k0", "k6"])


@pytest.mark.parametrize("feature", ["forecast", "record_mean"])
def test_the_prior_adds_a_multiple_of_a_feature_to_the_scores(feature: str) -> None:
    plain = Twin("mean", "dirichlet", Layout(NAMES), prior=feature).plain
    row = observations_of(plain.layout, 1)[0]
    parameters = dict(plain.parameters)
    strong = replace(plain, parameters=parameters | {"prior": np.array([2.0], np.float32)})
    without = replace(plain, body=plain.body._replace(prior="none"))
    told = plain.layout.by_strategy(plain.normaliser.scaled(row), feature)
    added = strong.scores(row) - without.scores(row)
    np.testing.assert_allclose(added[:-1], 2.0 * told, atol=1e-5)
    assert added[-1] == 0.0


def test_a_forecast_reaches_the_network_as_it_was_told(plain: SharedAllocator) -> None:
    row = observations_of(plain.layout, 1, seed=4)[0]
    told = plain.layout.by_strategy(row, "forecast")
    seen = plain.layout.by_strategy(plain.normaliser.scaled(row), "forecast")
    np.testing.assert_allclose(seen, told, rtol=1e-6)


def test_an_untrained_network_follows_forecasts_and_has_no_opinion_without_any() -> None:
    layout = Layout(NAMES)
    design = EquivariantDesign(
        AgentSettings.model_validate({"policy": {"network": "equivariant"}}), layout
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untrained = AllocationPolicy(
            gym.spaces.Box(-5.0, 5.0, (layout.size,), np.float32),
            gym.spaces.Box(0.0, 1.0, (len(NAMES) + 1,), np.float32),
            lambda _: 1e-3,
            **design.options(),
        )
    tensors = {name: each.numpy() for name, each in design.acting(untrained).items()}
    policy = design.policy(tensors, design.normaliser().frozen())
    row = observations_of(layout, 1)[0]
    layout.by_strategy(row, "forecast")[:] = 0.0
    np.testing.assert_allclose(policy.weights(row), 1.0 / 7.0, atol=0.03)
    layout.by_strategy(row, "forecast")[:] = [0.0, 0.0, 1.0, 0.5, -1.0, 0.0]
    weights = policy.weights(row)
    assert weights[2] > 0.9
    assert weights[-1] < 0.01


def test_the_spread_of_actions_is_one_number_for_all() -> None:
    gaussian, dirichlet = (Twin("none", kind, Layout(NAMES)) for kind in ("gaussian", "dirichlet"))
    assert gaussian.torch.log_std.shape == (1,)
    assert dirichlet.torch.log_spread.shape == (1,)
