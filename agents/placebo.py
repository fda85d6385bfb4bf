"""The placebo of an agent: the same training, with market features that say nothing.

An agent that does not beat its placebo has learned nothing from what it saw, whatever it earned: a
network that is trained at all ends somewhere, and what is chosen on `valid` is chosen for its luck.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import Policy
from benbot.agents.pooling import pooled
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

NAME = "placebo"
SHUFFLE = (1,)  # spawn key: a stream that the learner of the same seed does not draw from


def blinded(history: History, fit: Span, seed: int) -> History:
    """Return the same history with the features of each bar taken from another bar of `fit`.

    Within `fit` they are its own, in one random order that stays: as many different observations as
    before, with the same distribution, that can be learned by heart just as well and say nothing of
    what follows. Each later bar has those of a bar that is drawn from `fit`, so that nothing later
    than itself is ever seen after `fit`. Before it there are none; they are zero.

    Only what is the same for every account is shuffled, the strategies' and the market's. What an
    account knows of itself (weights, exposure, drawdown, cash) stays true: nobody could shuffle it,
    for it depends on what is done next. So the placebo knows its account and nothing else.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=SHUFFLE))
    own = np.arange(fit.first, fit.last + 1)
    rows = np.zeros_like(history.features.rows)
    rows[own] = history.features.rows[generator.permutation(own)]
    later = np.arange(fit.last + 1, history.n_bars)
    rows[later] = history.features.rows[generator.choice(own, later.size)]
    return replace(history, features=history.features._replace(rows=rows))


def evaluate_placebo(
    policies: Mapping[int, Policy],
    history: History,
    fit: Span,
    span: Span,
    settings: EnvironmentSettings,
) -> Evaluation:
    """Trade the placebo of every seed through a span, as one account of which each has a part."""
    parts = [
        evaluate(policy, blinded(history, fit, seed), span, settings)
        for seed, policy in policies.items()
    ]
    return pooled(parts, NAME)
