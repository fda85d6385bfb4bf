"""Moves on the ladder as the store of records takes them, whoever made the tournament advance."""

from collections.abc import Iterable, Sequence

from benbot.strategies.records.change import Change
from benbot.strategies.tournament.stages import Stage, Transition


def tell(moves: Iterable[Transition], names: Sequence[str], change: Change) -> None:
    """Record moves of the strategies of these names; who waits for a place stands nowhere yet."""
    for move in moves:
        source = None if move.source == Stage.WAITING else move.source.name
        reasons = {"reason": str(move.reason), "note": move.note}
        change.stage(names[move.strategy], source, move.target.name, reasons)
