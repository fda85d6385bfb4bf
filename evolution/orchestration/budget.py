"""What searches may cost: so many evaluations in any 252 sessions."""

from dataclasses import dataclass, field

YEAR = 252  # sessions


@dataclass
class Budget:
    """What was spent, as (session, evaluations), the oldest first."""

    limit: int
    spent: list[tuple[int, int]] = field(default_factory=list)

    def left(self, session: int) -> int:
        """Return how many evaluations may still be made at a session."""
        return self.limit - sum(n for at, n in self.spent if at > session - YEAR)

    def spend(self, session: int, n: int) -> None:
        """Note what a search cost."""
        self.spent.append((session, n))

    @property
    def total(self) -> int:
        """Evaluations since the beginning."""
        return sum(n for _, n in self.spent)
