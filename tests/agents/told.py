"""A policy that is asked at every close of a span, and told what is known there."""

import numpy as np

from benbot.agents.past import ask, past_of
from benbot.agents.policy import Policy
from benbot.envs.history import History, Span


def told_weights(policy: Policy, history: History, span: Span) -> np.ndarray:
    """Return what a policy chooses at every decision of a span, (N, K + 1); it sees static rows."""
    tape, features = history.tape, history.features
    policy.reset()
    return np.array(
        [
            ask(policy, past_of(tape, features, t), features.rows[t])
            for t in range(span.first, span.last)
        ]
    )
