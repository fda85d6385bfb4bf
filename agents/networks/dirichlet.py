"""The Dirichlet distribution of Stable-Baselines3 policies: an action is a point of the simplex.

concentrations   (B, N), each at least `body.FLOOR`
actions          (B, N), not negative, with sum 1
"""

from typing import Any, Self

from stable_baselines3.common.distributions import Distribution
from torch import Tensor, nn
from torch.distributions import Dirichlet

LEAST_SHARE = 1e-7  # what a share counts as at least in a logarithm


class AllocationDirichlet(Distribution):
    """A Dirichlet distribution whose deterministic action is its mode.

    log p(x) = Σ (α_i - 1) log x_i + log Γ(Σ α_i) - Σ log Γ(α_i); Ng, Tian and Tang 2011, Dirichlet
    and Related Distributions, section 2.1. The density is that of the executed action itself:
    nothing is squashed or divided after it was drawn.
    """

    concentrations: Tensor

    def proba_distribution_net(self, *args: Any, **kwargs: Any) -> nn.Module:  # noqa: ANN401
        """Return a network that changes nothing: the policy's own network ends in this one."""
        return nn.Identity()

    def proba_distribution(self, concentrations: Tensor) -> Self:
        """Become the distribution with these concentrations."""
        self.concentrations = concentrations
        return self

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log density (B,); finite at the border of the simplex, too."""
        alpha = self.concentrations
        logs = actions.clamp(LEAST_SHARE, 1.0).log()
        normaliser = alpha.sum(-1).lgamma() - alpha.lgamma().sum(-1)
        return ((alpha - 1.0) * logs).sum(-1) + normaliser

    def entropy(self) -> Tensor:
        """Return the differential entropy (B,); 0 at most, when every share is as likely."""
        alpha = self.concentrations
        total, n_entries = alpha.sum(-1), alpha.shape[-1]
        spread = (total - n_entries) * total.digamma()
        inner = ((alpha - 1.0) * alpha.digamma()).sum(-1)
        return alpha.lgamma().sum(-1) - total.lgamma() + spread - inner

    def sample(self) -> Tensor:
        drawn: Tensor = Dirichlet(self.concentrations, validate_args=False).sample()
        return drawn

    def mode(self) -> Tensor:
        """Return the most likely action, (α - 1) / Σ(α - 1); some α must be above 1.

        The mean would be drawn towards equal weight, the more so the more is tried out.
        """
        above = self.concentrations - 1.0
        return above / above.sum(-1, keepdim=True)

    def actions_from_params(self, concentrations: Tensor, deterministic: bool = False) -> Tensor:
        return self.proba_distribution(concentrations).get_actions(deterministic=deterministic)

    def log_prob_from_params(self, concentrations: Tensor) -> tuple[Tensor, Tensor]:
        actions = self.actions_from_params(concentrations)
        return actions, self.log_prob(actions)
