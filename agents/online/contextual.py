"""A linear contextual learner: what each strategy grows by, as a line in what is known before.

K strategies, P features of the context, the first of them 1. Growth is log growth over one bar.
"""

import numpy as np

from benbot.envs.arrays import FloatArray

COMMON_SHARPE = 1.0  # a year: what the whole context is thought to say of all strategies at once
OWN_SHARPE = 0.7  # the same of how one differs from the others
STILL = 1e-4  # a strategy that holds nothing has no volatility to divide by


class LinearContextual:
    """Ridge regressions of the next growth on the context, learned bar by bar.

    The coefficients of strategy k are those of the mean of all strategies plus its own:

        θ_k = θ + δ_k,   θ = (λ I + Σ x xᵀ)⁻¹ Σ x ḡ,   δ_k = (μ I + Σ x xᵀ)⁻¹ Σ x (g_k - ḡ)

    with g_k the growth of strategy k over a bar, ḡ the mean over strategies, x the context at the
    close before it. These are the posterior means under normal noise and normal priors: a prior in
    which P features of order 1 together are worth a Sharpe ratio of h a year has λ = P Y / h², Y
    bars a year. Where there is nothing to find, no score of θ comes out above h / 2, however long
    it is looked for, on average over contexts.

        score_k = √Y xᵀθ_k / (σ_k √(1 + xᵀ(λ I + Σ x xᵀ)⁻¹x)),   weights = softmax(scores; cash: 0)

    The score is the expected growth over the error of the prediction, as a Sharpe ratio a year; σ_k
    is the root mean square of g_k. The form is that of LinUCB with disjoint models (Li, Chu,
    Langford and Schapire 2010, WWW, algorithm 1), with one difference: every strategy's growth is
    seen whatever was chosen, so nothing has to be explored and no bonus is added for doubt.
    """

    def __init__(self, n_strategies: int, n_features: int, bars_per_year: float) -> None:
        worth = n_features * bars_per_year
        self._yearly = float(np.sqrt(bars_per_year))
        self._common, self._own = worth / COMMON_SHARPE**2, worth / OWN_SHARPE**2
        self._squares = np.zeros((n_features, n_features))  # Σ x xᵀ
        self._products = np.zeros((n_features, n_strategies))  # Σ x g_k
        self._energy = np.zeros(n_strategies)  # Σ g_k²
        self._n_bars = 0

    def learn_one(self, context: FloatArray, growth: FloatArray) -> None:
        """Learn what every strategy grew by (K,) over the bar after a context (P,)."""
        self._squares += np.outer(context, context)
        self._products += np.outer(context, growth)
        self._energy += growth**2
        self._n_bars += 1

    def weights(self, context: FloatArray) -> FloatArray:
        """Return the weights (K + 1,), cash last; asking changes nothing."""
        scores = np.append(self.scores(context), 0.0)
        share = np.exp(scores - scores.max())
        weights: FloatArray = share / share.sum()
        return weights

    def scores(self, context: FloatArray) -> FloatArray:
        """Return the expected growth of each strategy (K,) as a Sharpe ratio a year."""
        ridge = np.eye(context.size)
        mean = self._products.mean(axis=1, keepdims=True)
        common = np.linalg.solve(self._common * ridge + self._squares, np.c_[mean, context])
        own = np.linalg.solve(self._own * ridge + self._squares, self._products - mean)
        expected = context @ (common[:, :1] + own)
        spread = np.maximum(np.sqrt(self._energy / max(self._n_bars, 1)), STILL)
        doubt = np.sqrt(1.0 + context @ common[:, 1])
        scores: FloatArray = self._yearly * expected / (spread * doubt)
        return scores
