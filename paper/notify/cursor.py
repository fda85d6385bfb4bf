"""How far was told: a file beside the account, written after each message was taken.

A process that is killed between the two tells that one message again; none is lost.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benbot.paper.account_file import OWNER_ONLY

NOTHING = (-1, -1, -1)  # before the first order


@dataclass(frozen=True)
class Cursor:
    """What of an account was told.

    began    microseconds since 1970 of the account that it is of
    event    number of the last event
    order    (bar, stage, sequence) of the last order, all before it are told
    marked   bar whose breaker was looked at last
    summed   bar with which the last day ended that was summarised
    breaker  as it was told
    switch   (is_halted, must_stop) likewise
    thrown   number of the last throw of a switch
    recent   seconds since 1970 at which a text was told, by its digest
    repeats  how often any of them came again since
    stale    by kind, what was too old to tell since
    """

    began: int = 0
    event: int = 0
    order: tuple[int, int, int] = NOTHING
    marked: int = -1
    summed: int = -1
    breaker: str = "NORMAL"
    switch: tuple[bool, bool] = (False, False)
    recent: Mapping[str, float] = field(default_factory=dict)
    repeats: int = 0
    stale: Mapping[str, int] = field(default_factory=dict)
    thrown: int = 0


def read_cursor(path: Path) -> Cursor | None:
    """Return what was kept, None where nothing that can be read was."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        cursor = Cursor(**kept)
        return replace(cursor, order=_three(cursor.order), switch=_two(cursor.switch))
    except (OSError, ValueError, TypeError):
        return None


def write_cursor(path: Path, cursor: Cursor) -> None:
    """Keep a cursor: all of it, or what was there before; only its owner can read it."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(cursor), file, sort_keys=True)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)


def _three(order: Any) -> tuple[int, int, int]:  # noqa: ANN401 - as JSON gives it
    bar, stage, sequence = (int(one) for one in order)
    return bar, stage, sequence


def _two(switch: Any) -> tuple[bool, bool]:  # noqa: ANN401
    is_halted, must_stop = (bool(one) for one in switch)
    return is_halted, must_stop
