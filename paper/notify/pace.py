"""How often may be told: a bucket of tokens that fills slowly; some are kept for what is urgent."""

from collections.abc import Callable
from dataclasses import dataclass

from benbot.envs.errors import BadConfig

SLOWEST, FASTEST = 0.1, 60.0  # messages a minute


@dataclass(frozen=True)
class Manner:
    """Messages that may be sent at once, how many come back in a minute, and how many are kept."""

    at_once: int = 10
    per_minute: float = 2.0
    kept: int = 3

    def __post_init__(self) -> None:
        if not SLOWEST <= self.per_minute <= FASTEST:
            raise BadConfig(
                f"messages a minute must be {SLOWEST:g} to {FASTEST:g}, was {self.per_minute:g}"
            )


class Bucket:
    """Tokens, one a message; `elapsed` gives seconds that only grow."""

    def __init__(self, manner: Manner, elapsed: Callable[[], float]) -> None:
        self._manner, self._elapsed = manner, elapsed
        self._tokens, self._at = float(manner.at_once), elapsed()

    def take(self, *, is_urgent: bool) -> float:
        """Take a token and return 0, or return the seconds until there is one to take."""
        self._fill()
        short = 1.0 + (0 if is_urgent else self._manner.kept) - self._tokens
        if short <= 0.0:
            self._tokens -= 1.0
            return 0.0
        return short * 60.0 / self._manner.per_minute

    def _fill(self) -> None:
        now, manner = self._elapsed(), self._manner
        gained = (now - self._at) * manner.per_minute / 60.0
        self._tokens, self._at = min(self._tokens + gained, float(manner.at_once)), now
