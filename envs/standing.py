"""Where each strategy stands on a ladder outside: shown to the policy, and binding for the account.

Whoever promotes strategies decides at a close who may use the account's money from then on. Others
go on in their sleeves, on paper; in the account their weight is cash. A history without standings
lets everybody trade and shows no stage.
"""

from dataclasses import dataclass, replace

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, Int8Array, frozen
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History
from benbot.envs.observation import N_CONTEXT

HIGHEST = 4.0  # code of the highest stage, which is shown as 1


@dataclass(frozen=True, eq=False)
class Standings:
    """Facts of T bars and K strategies, each as known at the close of its bar.

    stage    (T, K)  code: 1 to 4 from the lowest to the highest, 0 not yet there, -1 retired
    allowed  (T, K)  whether it may use the account's money
    """

    stage: Int8Array
    allowed: BoolArray

    def __post_init__(self) -> None:
        for name, kind in (("stage", np.int8), ("allowed", np.bool_)):
            object.__setattr__(self, name, frozen(np.asarray(getattr(self, name), kind)))


def with_standings(history: History, standings: Standings) -> History:
    """Return a history whose accounts see the stages and are bound by them."""
    shape = (history.n_bars, history.signals.n_strategies)
    for name in ("stage", "allowed"):
        was = getattr(standings, name).shape
        if was != shape:
            raise InvalidParameter(
                f"{name} must have a value for every bar and strategy, shape {shape}, was {was}"
            )
    if history.shows_stage:
        raise InvalidParameter("a history must have no standings yet, was one that has")
    rows = _with_stage(history.features.rows, standings.stage)
    features = history.features._replace(rows=frozen(rows), allowed=standings.allowed)
    return replace(history, features=features, shows_stage=True)


def _with_stage(rows: Float32Array, stage: Int8Array) -> Float32Array:
    """Return observations (T, D + K): each strategy has its stage behind its other features."""
    n_bars, n_strategies = stage.shape
    own = rows[:, :-N_CONTEXT].reshape(n_bars, n_strategies, -1)
    shown = (stage / HIGHEST).astype(np.float32)[:, :, None]
    blocks = np.concatenate([own, shown], axis=2).reshape(n_bars, -1)
    return np.concatenate([blocks, rows[:, -N_CONTEXT:]], axis=1)
