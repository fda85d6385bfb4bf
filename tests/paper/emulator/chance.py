"""A fault that strikes by chance, as long as it is there."""

import random
from collections import Counter
from collections.abc import Sequence

from tests.paper.emulator.faults import LOSSES, Fault


class Chance(Fault):
    """Strikes a share of the requests, each in one of several ways; `counts` says in which."""

    def __init__(
        self,
        share: float,
        seed: int,
        actions: Sequence[str] = LOSSES,
        method: str = ".*",
        path: str = ".*",
    ) -> None:
        super().__init__(actions[0], method, path, times=0, status=504)
        self.share, self.actions = share, tuple(actions)
        self.random = random.Random(seed)  # noqa: S311
        self.counts: Counter[str] = Counter()

    def strikes(self, method: str, path: str) -> bool:
        """Say whether a request is hit, and choose how."""
        matching = self.seen
        super().strikes(method, path)
        if self.seen == matching or not self.random.random() < self.share:
            return False
        self.action = self.random.choice(self.actions)
        self.counts[self.action] += 1
        return True
