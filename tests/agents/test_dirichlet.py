"""The Dirichlet distribution of the policy is the textbook's, and finite where that is not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from torch.distributions import Dirichlet

from benbot.agents.networks.body import FLOOR
from benbot.agents.networks.dirichlet import AllocationDirichlet
from benbot.envs.arrays import FloatArray

concentrations = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(2, 8)), elements=st.floats(FLOOR, 80.0)
)


def of(alpha: FloatArray) -> AllocationDirichlet:
    return AllocationDirichlet().proba_distribution(torch.from_numpy(alpha))


@given(alpha=concentrations, seed=st.integers(0, 99))
def test_density_and_entropy_are_those_of_torch_and_scipy(alpha: FloatArray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Nowhere near the border, where the density of a share below the least is another.
    actions = np.stack([rng.dirichlet(np.full(alpha.shape[1], 20.0)) for _ in alpha])
    ours, torches = of(alpha), Dirichlet(torch.from_numpy(alpha))
    density = ours.log_prob(torch.from_numpy(actions)).numpy()
    expected = torches.log_prob(torch.from_numpy(actions)).numpy()
    np.testing.assert_allclose(density, expected, rtol=1e-9, atol=1e-9)
    scipys = [stats.dirichlet(row) for row in alpha]
    logs = [each.logpdf(action) for each, action in zip(scipys, actions, strict=True)]
    np.testing.assert_allclose(density, logs, rtol=1e-7, atol=1e-7)
    entropy = [each.entropy() for each in scipys]
    np.testing.assert_allclose(ours.entropy().numpy(), entropy, rtol=1e-7, atol=1e-6)


def test_numbers_by_hand() -> None:
    # Over three shares the flat density is 2! everywhere, and α = (2, 1, 1) makes it 3! × x_1.
    action = torch.tensor([[0.5, 0.3, 0.2]])
    flat, leaning = of(np.array([[1.0, 1.0, 1.0]])), of(np.array([[2.0, 1.0, 1.0]]))
    assert flat.log_prob(action).item() == pytest.approx(np.log(2.0))
    assert leaning.log_prob(action).item() == pytest.approx(np.log(6.0 * 0.5))
    assert flat.entropy().item() == pytest.approx(-np.log(2.0))
    mode = of(np.array([[4.0, 2.0, 1.0]])).get_actions(deterministic=True)
    assert mode.tolist() == [[0.75, 0.25, 0.0]]


def test_density_and_gradient_are_finite_at_the_border_of_the_simplex() -> None:
    actions = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [1.0 - 1e-12, 1e-12, 0.0]])
    alpha = torch.tensor([[FLOOR, FLOOR, FLOOR], [1.5, 30.0, 2.0], [60.0, 1.1, 9.0]])
    alpha.requires_grad_()
    distribution = AllocationDirichlet().proba_distribution(alpha)
    density, entropy = distribution.log_prob(actions), distribution.entropy()
    (density.sum() + entropy.sum()).backward()
    assert density.isfinite().all()
    assert alpha.grad is not None
    assert alpha.grad.isfinite().all()


@given(alpha=concentrations, seed=st.integers(0, 99))
def test_a_sample_is_a_point_of_the_simplex_and_the_seed_s(alpha: FloatArray, seed: int) -> None:
    def drawn() -> FloatArray:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            sample: FloatArray = of(alpha).get_actions().numpy()
        return sample

    sample = drawn()
    assert (sample >= 0.0).all()
    np.testing.assert_allclose(sample.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_array_equal(drawn(), sample)


def test_samples_have_the_mean_that_is_the_deterministic_action() -> None:
    alpha = np.tile([1.0, 4.0, 15.0], (20_000, 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        samples, density = of(alpha).log_prob_from_params(torch.from_numpy(alpha))
    np.testing.assert_allclose(samples.mean(dim=0), [0.05, 0.2, 0.75], atol=0.003)
    assert density.mean().item() == pytest.approx(-of(alpha[:1]).entropy().item(), abs=0.03)
