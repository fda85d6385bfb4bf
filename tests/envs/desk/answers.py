"""What the gates of a trial account answered, and how it is asked.

The trial account has 100,000 and wants 8,000 behind a stop of 1/8: 80 units at 100.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]
Change = Callable[[Any], None]

NAN, INF = np.nan, np.inf
QUANTILE = 1.6448536269514722  # of the normal distribution, 95 %
SIGMA = 0.0625  # a day; its square is exact as a float32


def answers(account: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    """Return the names of the verdict and of the limit of every decision."""
    return [
        (Verdict(int(d["verdict"])).name, Verdict(int(d["limit"])).name) for d in account.decisions
    ]


def verdicts(account: Any) -> list[str]:  # noqa: ANN401
    return [verdict for verdict, _ in answers(account)]


def asked_once(trial: Trial, rules: DeskRules, change: Change, value: float = 0.01) -> str:
    """Return the verdict on one candidate of an empty account after a change of the market."""
    account = trial(3, rules=rules)
    change(account)
    account.want(0, value)
    account.run()
    (verdict,) = verdicts(account)
    assert len(account.fills) == (verdict in {"PASSED", "CLIPPED"})
    return verdict


def hold_another(account: Any) -> None:  # noqa: ANN401
    """Let strategy 0 hold symbol 1 from bar 1 on."""
    account.want(0, s=1)
