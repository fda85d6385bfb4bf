"""Where an account stands between two calls of the loop: all that it needs to go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from benbot.envs.desk.tape import ACTION, BAR
from benbot.paper.images import image_of, is_image_of, restore
from benbot.paper.reel import Opening


class Phase(StrEnum):
    """What of the bar after the last decision is under way."""

    DECIDED = "decided"  # nothing: it has not opened
    OPENING = "opening"  # the orders of its opening
    INSIDE = "inside"  # nothing: its orders are done, and it has not closed
    WATCHING = "watching"  # exits, after something that was seen inside it
    CLOSING = "closing"  # exits, after the last of it
    CLOSED = "closed"  # nothing: all is done, and it is not marked yet

    @property
    def is_stage(self) -> bool:
        """Whether orders may be under way, from the book and the facts that are kept."""
        return self in (Phase.OPENING, Phase.WATCHING, Phase.CLOSING)


@dataclass(frozen=True)
class Standing:
    """The account at the beginning of a stage, or between two.

    bar       the last at whose close was decided
    stage     how many stages of the bar after it were begun before: 0 is its opening
    book      image of the book
    facts     image of what the stage is traded on; empty where none is under way
    sleeves   image of the shadow sleeves; empty where the chronicle keeps none
    foreign   units by symbol that the venue holds and the desk does not
    """

    bar: int
    phase: Phase
    stage: int
    book: bytes
    facts: bytes = b""
    sleeves: bytes = b""
    foreign: Mapping[str, float] = field(default_factory=dict)


def facts_of(opening: Opening) -> bytes:
    """Return what is known of a bar as bytes."""
    is_doubtful = np.zeros(opening.bars.size, np.bool_)
    is_doubtful[list(opening.doubtful)] = True
    return image_of([opening.bars, opening.actions, np.array([opening.session]), is_doubtful])


def opening_from(facts: bytes, n_symbols: int) -> Opening:
    """Return what was known of a bar; an older image says of no price that it is doubtful."""
    bars, actions = np.zeros(n_symbols, BAR), np.zeros(n_symbols, ACTION)
    session, is_doubtful = np.zeros(1, np.int64), np.zeros(n_symbols, np.bool_)
    kept = [bars, actions, session, is_doubtful]
    restore(facts, kept[:-1] if is_image_of(facts, kept[:-1]) else kept)
    return Opening(bars, actions, int(session[0]), tuple(np.flatnonzero(is_doubtful).tolist()))
