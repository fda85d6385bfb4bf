"""Which lessons are drawn from what strategies earned, and from how much of it."""

from typing import Any, Literal

from pydantic import Field

from benbot.envs.settings import Settings

Learner = Literal[
    "hedge", "exponentiated_gradient", "online_newton", "follow_the_leader", "pamr", "olmar"
]
MOST_ADVISED = 0.5  # share of the weights; an agent that is outvoted need not be trained


class LearningSettings(Settings):
    """A switch for each method; all are off where measuring has not shown that they help."""

    calibration: bool = Field(
        False, description="confidence follows how often a strategy as confident was right"
    )
    expected_value: bool = Field(
        False, description="confidence follows the record of strategy, regime and symbol together"
    )
    stops: bool = Field(
        False, description="stops lie where past trades would have earned most with them"
    )
    affinity: bool = Field(False, description="confidence follows what a strategy earned by symbol")
    news: bool = Field(False, description="confidence follows what it earned after such news")
    correlation: bool = Field(
        False, description="of the agent's weights, strategies that make one bet share one weight"
    )
    online_share: float = Field(
        0.0, ge=0, le=MOST_ADVISED, description="of the agent's weights, given to online_learner"
    )
    online_learner: Learner = Field(
        "hedge", description="who learns from the sleeves' returns bar by bar"
    )
    shrinkage: float = Field(
        200.0, gt=0, le=10_000, description="round trips that knowing nothing counts for"
    )
    refit: int = Field(
        21,
        ge=1,
        le=1000,
        description="sessions between two fits of calibration, stops, correlation",
    )

    @property
    def of_bundle(self) -> dict[str, Any] | None:
        """Return what a policy that was trained with it expects; none where nothing is learned."""
        return None if self == DEFAULT else self.model_dump()

    @property
    def changes_confidence(self) -> bool:
        return self.calibration or self.expected_value or self.affinity or self.news

    @property
    def changes(self) -> frozenset[str]:
        """Return which parts of the signals are learned, by name."""
        parts = {"confidence": self.changes_confidence, "stop_distance": self.stops}
        return frozenset(name for name, changed in parts.items() if changed)

    @property
    def changes_weights(self) -> bool:
        """Whether what the agent chose is changed."""
        return self.correlation or self.online_share > 0.0


DEFAULT = LearningSettings()
