"""Where the strategies of an account stood on the ladder at each decision, and who moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from benbot.envs.arrays import Int8Array
from benbot.paper.overview.rows import Row, parsed
from benbot.paper.stage_moves import MOVE
from benbot.paper.tables import EVENTS
from benbot.strategies.tournament.stages import Stage

NOT_KEPT = -2  # in place of a `Stage`: it was decided before stages were kept
FROM_THE_TOP = (Stage.LIVE, Stage.R3, Stage.R2, Stage.R1, Stage.WAITING, Stage.RETIRED)
ASIDE = "what the tournament says of the sleeves; it does not bind this account"
BINDS = "LIVE alone has money of this account"


@dataclass(frozen=True)
class StageMove:
    """A strategy that moved: at the close of `bar`, told at `moment`, microseconds since 1970."""

    moment: int
    bar: int
    strategy: str
    source: str
    target: str
    why: str
    note: str

    @property
    def is_up(self) -> bool:
        return stage_code(self.target) > stage_code(self.source)

    def __str__(self) -> str:
        why = f"{self.why}{': ' if self.note else ''}{self.note}"
        return f"{self.strategy} {self.source} -> {self.target} ({why})"


def binds(identity: Mapping[str, Any]) -> bool:
    """Return whether a tournament decides who has the money of an account of this identity."""
    return "tournament" in identity


def codes_of(kept: Sequence[bytes | None], n_strategies: int) -> Int8Array:
    """Return the stages of so many decisions, (N, K); NOT_KEPT where nobody kept them."""
    codes = np.full((len(kept), n_strategies), NOT_KEPT, np.int8)
    for i, row in enumerate(kept):
        if row is not None and len(row) == n_strategies:
            codes[i] = np.frombuffer(row, np.int8)
    return codes


def stage_name(code: int) -> str | None:
    """Return a stage in words; None where it was not kept."""
    return None if code == NOT_KEPT else Stage(code).name


def stage_code(name: str) -> int:
    """Return the code of a stage by its name; NOT_KEPT of what is none."""
    return int(Stage.__members__.get(name, NOT_KEPT))


def in_words(codes: Int8Array, *, is_bound: bool) -> str:
    """Return how many stand on each stage, (K,), the highest first, and what that means."""
    if not codes.size or (codes == NOT_KEPT).all():
        return "not kept"
    counts = [(stage.name, int(np.count_nonzero(codes == stage))) for stage in FROM_THE_TOP]
    told = ", ".join(f"{name}: {n}" for name, n in counts if n)
    return f"{told} ({BINDS if is_bound else ASIDE})"


def stage_moves(connection: Connection, account: str, n: int) -> list[StageMove]:
    """Return the last `n` moves, the newest first."""
    own = (EVENTS.c.account == account, EVENTS.c.kind == MOVE)
    query = EVENTS.select().where(*own).order_by(EVENTS.c.number.desc()).limit(n)
    return [move_of(dict(row)) for row in connection.execute(query).mappings()]


def move_of(event: Row) -> StageMove:
    """Return the move that an event tells of."""
    reasons = parsed(event["reasons"], "the reasons of an event")
    names = ("source", "target", "why", "note")
    told = {name: str(reasons[name]) for name in names}
    return StageMove(int(event["moment"]), int(reasons["bar"]), event["subject"], **told)
