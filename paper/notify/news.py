"""What there is to tell: one line of plain text each, whatever was in it."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

LONGEST = 240  # characters of a line
ELLIPSIS = "…"
STRANGE = ("C", "Zl", "Zp")  # categories of characters that steer whoever shows them


class Kind(StrEnum):
    """What a line is about; settings choose among them. The most urgent come first."""

    ALARM = "alarm"
    HALT = "halt"  # kill switch and requests to stop
    BREAKER = "breaker"
    RUN = "run"  # the loop starts or stops
    EXTERNAL = "external"  # what somebody else did with the account
    ORDER = "order"  # refused, or never sent
    STAGE = "stage"  # a strategy moved on the ladder
    OTHER = "other"
    DAY = "day"  # summary of a day
    FILL = "fill"


URGENT = frozenset({Kind.ALARM, Kind.HALT, Kind.BREAKER, Kind.RUN})
RANK = {kind: i for i, kind in enumerate(Kind)}


@dataclass(frozen=True)
class News:
    """One line.

    ages      whether it is of no use an hour later; what still holds does not age
    age       seconds since it was written, or since whoever tells saw it
    is_ours   whether `moment` is of this machine whatever the market's time is
    market    when it was in a market with a time of its own; `moment` is this machine's then
    """

    kind: Kind
    moment: datetime
    text: str
    ages: bool = True
    age: float = 0.0
    market: datetime | None = None
    is_ours: bool = False

    def __str__(self) -> str:
        there = f" [market: {self.market:%Y-%m-%d %H:%M}]" if self.market else ""
        return f"{self.moment:%Y-%m-%d %H:%M:%S} {self.kind.upper()} {self.text}{there}"


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a text as one line without characters that steer: no controls, no hidden ones.

    An address of the web is broken, so that nobody follows one that a stranger wrote.
    """
    clean = "".join(" " if _is_strange(one) else one for one in text)
    line = " ".join(clean.split()).replace("://", ": //")
    return line if len(line) <= longest else line[: longest - 1] + ELLIPSIS


def _is_strange(character: str) -> bool:
    return unicodedata.category(character).startswith(STRANGE)
