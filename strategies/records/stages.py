"""Where a strategy stands, and where a record of it comes from."""

from enum import StrEnum

from benbot.envs.errors import UnknownName


class Stage(StrEnum):
    """The rungs of the ladder, from the lowest."""

    R1 = "R1"
    R2 = "R2"
    R3 = "R3"
    LIVE = "LIVE"
    RETIRED = "RETIRED"


class Source(StrEnum):
    """Who filled the orders of a trade."""

    SIMULATION = "simulation"
    PAPER = "paper"


def stage_of(name: str) -> str:
    """Return the name of a stage; refuse any other."""
    return _known("a stage", name, Stage)


def source_of(name: str) -> str:
    """Return the name of a source; refuse any other."""
    return _known("a source", name, Source)


def _known(what: str, name: str, names: type[StrEnum]) -> str:
    if name not in list(names):
        raise UnknownName(f"{what} must be one of {', '.join(names)}, was {name!r}")
    return str(name)
