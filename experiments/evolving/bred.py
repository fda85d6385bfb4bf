"""Which runs are searches for strategies."""

from collections.abc import Mapping

BRED = "evolution"  # tag `algo` of such a run


def is_bred(tags: Mapping[str, str]) -> bool:
    """Return whether a run searched for strategies."""
    return tags.get("algo") == BRED
