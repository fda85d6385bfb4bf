"""A normaliser that knows no strategy by its place: a feature is scaled alike for all of them."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch
from benbot.envs.observation import Layout


class PooledNormaliser(ObservationNormaliser):
    """Permuted strategies stay permuted, and any number of them is scaled by the same numbers.

    strategies   moments of the features (F,) over all strategies together
    context      moments of the context (C,)
    moments      the same per entry of an observation (D,)
    as_told      columns of F that pass as they are: their moments stay 0 and 1
    """

    def __init__(
        self,
        strategies: Moments,
        context: Moments,
        n_strategies: int,
        *,
        as_told: Sequence[int] = (),
        learning: bool = True,
    ) -> None:
        self.strategies, self.context, self.n_strategies = strategies, context, n_strategies
        self.as_told = list(as_told)
        super().__init__(self._by_entry(), learning=learning)

    @classmethod
    def for_layout(cls, layout: Layout, as_told: Sequence[str] = ()) -> Self:
        features = layout.strategy_features
        parts = Moments.of(len(features)), Moments.of(len(layout.context_features))
        columns = [features.index(name) for name in as_told]
        return cls(*parts, len(layout.strategies), as_told=columns)

    def learn(self, observations: Float32Array) -> None:
        """Fold in a batch (B, D), unless frozen."""
        if not self.learning:
            return
        n_features = self.strategies.mean.size
        end = self.n_strategies * n_features
        self.strategies.fold(observations[:, :end].reshape(-1, n_features))
        self.strategies.mean[self.as_told] = 0.0
        self.strategies.variance[self.as_told] = 1.0
        self.context.fold(observations[:, end:])
        self.moments = self._by_entry()
        self._refresh()

    def frozen(self) -> "PooledNormaliser":
        return self.for_strategies(self.n_strategies)

    def for_strategies(self, n_strategies: int) -> "PooledNormaliser":
        """Return a frozen copy for another number of strategies."""
        strategies, context = (
            Moments(each.mean, each.variance, each.count)
            for each in (self.strategies, self.context)
        )
        return PooledNormaliser(
            strategies, context, n_strategies, as_told=self.as_told, learning=False
        )

    def to_numbers(self) -> dict[str, Any]:
        return {
            "strategies": self.strategies.to_numbers(),
            "context": self.context.to_numbers(),
            "n_strategies": self.n_strategies,
            "as_told": self.as_told,
        }

    @classmethod
    def from_numbers(cls, numbers: dict[str, Any], *, learning: bool = False) -> Self:
        """Return the normaliser that was written down; refuse what cannot be one."""
        try:
            parts = numbers["strategies"], numbers["context"]
            n_strategies = int(numbers["n_strategies"])
            as_told = [int(column) for column in numbers["as_told"]]
        except (KeyError, TypeError, ValueError) as error:
            raise RunMismatch(
                f"a stored normaliser needs strategies, a context and their number, was {error!r}. "
                f"The file is damaged"
            ) from error
        strategies, context = (Moments.from_numbers(each) for each in parts)
        return cls(strategies, context, n_strategies, as_told=as_told, learning=learning)

    def _by_entry(self) -> Moments:
        def spread(strategies: np.ndarray[Any, Any], context: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
            return np.concatenate([np.tile(strategies, self.n_strategies), context])

        one, other = self.strategies, self.context
        return Moments(
            spread(one.mean, other.mean), spread(one.variance, other.variance), other.count
        )
