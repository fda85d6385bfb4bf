"""Hamilton's filter: how probable each hidden state is, given what was seen up to each bar.

Hamilton (1989), Econometrica 57, section 4:

    predicted_t = filtered_{t-1} × transition
    filtered_t  ∝ predicted_t × density(seen_t | state)

It runs forward only. Nothing here smooths: a smoothed probability knows the bars that follow.
T bars, K states.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray


class Filtered(NamedTuple):
    """What a filter has made of all bars.

    probability     (T, K)  of each state at t given the bars up to t
    log_likelihood          of all bars together
    """

    probability: FloatArray
    log_likelihood: float


def filter_states(log_density: FloatArray, transition: FloatArray, before: FloatArray) -> Filtered:
    """Filter bars whose log densities under each state are [T, K], NaN where nothing was seen.

    transition   (K, K) from the state of the row to that of the column
    before       (K,)   probability of each state one bar before the first
    """
    filtered = np.empty_like(log_density)
    probability, log_likelihood = before, 0.0
    seen: BoolArray = np.asarray(np.isfinite(log_density).all(axis=1))
    for t, fit in enumerate(log_density):
        if seen[t]:
            probability, evidence = learn_bar(probability, transition, fit)
            log_likelihood += evidence
        else:
            probability = probability @ transition
        filtered[t] = probability
    return Filtered(filtered, log_likelihood)


def learn_bar(
    probability: FloatArray, transition: FloatArray, log_density: FloatArray
) -> tuple[FloatArray, float]:
    """Return the filtered probability (K,) after one more bar, and the log density of that bar.

    Only states that can be reached count, so that a fit which is far better for one that cannot
    does not drown the others.
    """
    predicted = probability @ transition
    reachable = np.where(predicted > 0.0, log_density, -np.inf)
    best = reachable.max()
    likelihood = predicted * np.exp(reachable - best)
    total = likelihood.sum()
    return likelihood / total, float(best + np.log(total))


def stationary(transition: FloatArray) -> FloatArray:
    """Return the probability (K,) of each state in the long run."""
    n_states = len(transition)
    balance = np.vstack([transition.T - np.eye(n_states), np.ones(n_states)])
    solution: FloatArray = np.linalg.lstsq(balance, np.eye(n_states + 1)[-1], rcond=None)[0]
    positive = solution.clip(0.0)
    share: FloatArray = positive / positive.sum()
    return share
