"""Records of stages that are over, until they are kept together with what comes next."""

from benbot.paper.change import Change, Names
from benbot.paper.desk import Traded

MOST = 1000  # records of a kind that a stage may have


class Pending:
    """What the desk wrote down and nobody has kept yet."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._stages: list[tuple[Traded, int]] = []

    def add(self, traded: Traded, stage: int) -> None:
        """Take the records of a stage that is over."""
        self._stages.append((traded, stage))

    def write(self, change: Change) -> None:
        """Write all of them, once."""
        for traded, stage in self._stages:
            first = stage * MOST
            change.bookings(traded.fills, first, self._names)
            change.trades(traded.trades, first, self._names)
            change.verdicts(traded.decisions, first, self._names)
        self._stages = []
