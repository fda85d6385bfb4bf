"""What an orchestrator knows between two looks, as JSON keeps it exactly."""

from dataclasses import dataclass, field
from typing import Any, Self

from benbot.envs.errors import RunMismatch
from benbot.evolution.orchestration.budget import Budget
from benbot.evolution.orchestration.members import Member, Population
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.tournament import Tournament


@dataclass
class Standing:
    """Where a run stands.

    bar    of the last look
    done   sessions that were told to the tournament
    asked  searches so far
    last   session at which something was done last, by what it is called
    """

    tournament: Tournament
    budget: Budget
    bar: int
    population: Population = field(default_factory=Population)
    done: int = 0
    asked: int = 0
    last: dict[str, int] = field(default_factory=dict)

    def is_due(self, key: str, every: int) -> bool:
        """Say whether something was never done, or not in so many sessions."""
        return self.done - self.last.get(key, -every) >= every

    def note(self, key: str) -> None:
        """Note that something is done now."""
        self.last[key] = self.done

    def plain(self, identity: dict[str, str]) -> dict[str, Any]:
        """Return everything as JSON; `identity` is what the next one must have in common."""
        return {
            "identity": identity,
            "bar": self.bar,
            "done": self.done,
            "asked": self.asked,
            "last": dict(self.last),
            "spent": [list(each) for each in self.budget.spent],
            "members": [member.plain() for member in self.population],
            "litters": list(self.population.sizes),
            "tournament": self.tournament.state(),
        }

    @classmethod
    def of_plain(
        cls,
        kept: dict[str, Any],
        identity: dict[str, str],
        tournament: TournamentSettings,
        evaluations: int,
    ) -> Self:
        """Return the standing that was written; refuse that of another run."""
        for name, now in identity.items():
            was = kept["identity"].get(name)
            if was != now:
                raise RunMismatch(
                    f"an orchestrated run can only go on with the {name} that it began with, "
                    f"{was}, was {now}. Undo the change, or choose another store"
                )
        spent = [(int(at), int(n)) for at, n in kept["spent"]]
        return cls(
            Tournament.resume(kept["tournament"], tournament),
            Budget(evaluations, spent),
            int(kept["bar"]),
            Population(
                [Member.of_plain(each) for each in kept["members"]], kept.get("litters", [])
            ),
            int(kept["done"]),
            int(kept["asked"]),
            {str(key): int(at) for key, at in kept["last"].items()},
        )
