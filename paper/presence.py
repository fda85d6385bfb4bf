"""That a loop begins to trade an account and how it ends, in the account's chain of events.

    with present(store, newcomer, where, how):
        loop.run(…)

Whoever is killed says nothing any more; whoever comes next says that for him. What can be said at
the end is said, and delays nobody: a store that was lost is not asked once more.
"""

import getpass
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from benbot.envs.errors import RecordsUnavailable, TradingError
from benbot.paper.plain_words import ENDED, STARTED, in_words
from benbot.paper.standing import Standing
from benbot.paper.store import PaperStore
from benbot.paper.throws import STOPPING

LOGGER = logging.getLogger(__name__)

LOOP = "loop"  # subject
SILENT = "the one before ended without a word"
LOST = "this process had lost its store"

Where = Callable[[], Standing]
How = Callable[[], str]


@dataclass(frozen=True)
class Newcomer:
    """Whoever is about to trade an account.

    policy     by the name under which it was asked for
    version    of the registry, such as models:/allocator/3; empty: it is of none
    digest     of all that decides what the policy does
    software   version of BenBot
    """

    policy: str
    version: str
    digest: str
    venue: str
    software: str


def user() -> str:
    """Return who runs this process and where, as user@host; a user without a name by number."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # as Python's versions say that it has none
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def note_switches(store: PaperStore) -> list[str]:
    """Add to the chain what was switched and is not in it yet, and return that in words.

    Nothing depends on it: what cannot be added now is added later.
    """
    try:
        if not store.has_untold():
            return []
        with store.change() as change:
            told = change.throws()
    except (TradingError, SQLAlchemyError, OSError) as error:
        LOGGER.warning("what was switched is not in the chain yet: %s", error)
        return []
    said = [in_words(one.kind, one.reasons) for one in told]
    for text in said:
        LOGGER.info("%s", text)
    return said


@contextmanager
def present(store: PaperStore, who: Newcomer, where: Where, how: How) -> Iterator[list[str]]:
    """Say in the chain that a loop begins and, after the block, how it ended.

    Yields what was switched before in words. `where` says where the account stands, and `how` why
    a loop ended of which the store knows no reason.
    """
    switched = note_switches(store)
    facts = {**vars(who), **_process(), "before": _before(store), **_place(where())}
    with store.change() as change:
        change.event(STARTED, LOOP, **facts)
    LOGGER.info("%s", in_words(STARTED, facts))
    try:
        yield switched
    except RecordsUnavailable:
        raise
    except BaseException as error:
        _end(store, where(), _what(error), is_error=True)
        raise
    _end(store, where(), how())


def _what(error: BaseException) -> str:
    """Return what ended a loop; an error by its kind alone, for its text may hold anything."""
    if isinstance(error, KeyboardInterrupt):
        return "Ctrl-C"
    return str(getattr(error, "how", type(error).__name__))


def _before(store: PaperStore) -> str:
    """Return what is to be said of the loop before; empty where it said so itself."""
    said = store.events(STARTED, ENDED)
    if not said or said[-1].kind == ENDED:
        return ""
    then = {name: said[-1].reasons.get(name) for name in _process()}
    return LOST if then == _process() else SILENT


def _end(store: PaperStore, standing: Standing, how: str, *, is_error: bool = False) -> None:
    """Say how the loop ended, if that can be said; an error is named, whoever had asked to stop."""
    note_switches(store)
    try:
        asked = store.events(STOPPING) if store.must_stop() and not is_error else []
        if asked:
            how = "asked to stop"
        facts = {"how": how, "by": asked[-1].reasons["by"] if asked else ""} | _place(standing)
        with store.change() as change:
            change.event(ENDED, LOOP, **facts)
    except (TradingError, SQLAlchemyError, OSError) as error:
        LOGGER.warning("that the loop ended is not in the chain: %s", error)
    else:
        LOGGER.info("%s", in_words(ENDED, facts))


def _process() -> dict[str, object]:
    return {"host": socket.gethostname(), "process": os.getpid()}


def _place(standing: Standing) -> dict[str, object]:
    return {"bar": standing.bar, "phase": standing.phase.value}
