"""Moves of strategies between stages, as an account keeps and tells them."""

from typing import TYPE_CHECKING

from benbot.envs.arrays import Int8Array
from benbot.paper.change import Change
from benbot.strategies.tournament.stages import Stage

if TYPE_CHECKING:
    from benbot.paper.ladder import Ladder

MOVE = "stage"  # kind of the events that tell of one


def keep_stages(change: Change, ladder: "Ladder | None", t: int) -> Int8Array | None:
    """Keep the ladder as it stands at the close of bar `t`, and tell who moved; return the stages.

    A trial in R1 that begins anew is no move.
    """
    if ladder is None:
        return None
    stood, kept = ladder.at(t), ladder.kept()
    if kept is not None:
        change.ladder(t, kept.state, kept.accounts)
    for move in stood.moves:
        if move.source != move.target:
            why = {"why": str(move.reason), "note": move.note, "binds": ladder.binds, "bar": t}
            change.event(
                MOVE,
                ladder.names[move.strategy],
                source=Stage(move.source).name,
                target=Stage(move.target).name,
                **why,
            )
    return stood.stages
