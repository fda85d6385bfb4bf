"""What may be asked of the loop, in words, and what it sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

BY = "the dashboard"
BY_HAND = "by hand"  # where no reason is given


@dataclass(frozen=True)
class Action:
    """A switch to throw: what the button says, and what comes of it."""

    name: str
    button: str
    effect: str
    sets: Mapping[str, bool]


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        one.name: one
        for one in (
            Action(
                "halt",
                "Halt",
                "No order is sent from now on, none that opens and none that closes, until "
                "somebody resumes. What is held stays held, without stops. Orders that the venue "
                "has stay there.",
                MappingProxyType({"is_halted": True}),
            ),
            Action(
                "resume",
                "Resume",
                "Orders are sent again, from the next cycle on. A stop that was asked for is taken "
                "back.",
                MappingProxyType({"is_halted": False, "must_stop": False}),
            ),
            Action(
                "stop",
                "Stop",
                "The loop ends after its cycle. What is held stays held, and nobody watches its "
                "stops until the loop is started again; before that, resume.",
                MappingProxyType({"must_stop": True}),
            ),
        )
    }
)
