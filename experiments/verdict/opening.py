"""Who asked for results on `test`, and when: a stretch that is asked twice is no test any more."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.experiments.tracking.tracker import Run
from benbot.experiments.training.preparation import Prepared

if TYPE_CHECKING:
    from rich.console import Console

JUDGED_ON = "judged_on"  # tag of a parent: digest of the bars of `test`, those of all folds
# Tags of a parent by which stretches are found that share some of those bars.
JUDGED_FROM, JUDGED_UNTIL, JUDGED_SYMBOLS = "judged_from", "judged_until", "judged_symbols"
SEALED = "sealed"  # tag of a parent: whether its `test` stays closed for now, yes or no
OPENED = "test_openings"  # tag of a parent: how often its results on them were asked for

YES, NO = "yes", "no"
SHORT = 7  # hexadecimal digits by which a symbol is told from others
MOST_SYMBOLS = 600  # that a tag has room for
SEAL_FILE = "sealed"  # in the folder of such a run; says how it is opened


UNCOUNTED = (
    "{what} looks at test, and no run records it: whatever is chosen after it is chosen with the "
    "answer in hand, and no verdict can count it. Look at fit or valid until a run has opened test"
)


class LookAtTest(UserWarning):
    """Results on `test` were asked for where no run records that they were."""


@dataclass(frozen=True)
class Opening:
    """One request: the command, the code that answered it, and the time."""

    command: str
    git_commit: str
    time: datetime

    def __str__(self) -> str:
        return f"{self.time.isoformat(timespec='seconds')} by {self.command}, {self.git_commit}"


def openings_of(run: Run) -> int:
    """Return how often the results of a run on `test` were asked for.

    Who was interrupted between taking an opening and writing it down might have seen them.
    """
    taken = sum(name.startswith(f"{OPENED}.") for name in run.claims)
    return max(openings_in(run.tags), taken)


def openings_in(tags: Mapping[str, str]) -> int:
    """Return the same from the tags alone; of two at once, either may have counted last."""
    told = sum(name.startswith(f"{OPENED}.") for name in tags)
    return max(int(tags.get(OPENED, "0")), told)


def is_sealed(run: Run) -> bool:
    """Return whether a run leaves `test` closed until somebody opens it."""
    return run.tags.get(SEALED) == YES


def open_test(run: Run, opening: Opening, *, again: bool = False) -> int:
    """Record that results on `test` are asked for, before they are seen; return how often so far.

    The second time is refused unless it is asked for in so many words. Of two that ask at once one
    is the first; the other is refused, or counts as the second.
    """
    taken = False
    while not taken:
        count = openings_of(run)
        if count and not again:
            last = run.tags.get(f"{OPENED}.{count}", "this very moment")
            raise RunMismatch(
                f"test is opened once, was opened {count} time{'s' if count > 1 else ''} before, "
                f"last at {last}. Look at --segment valid, or say --again, which is recorded and "
                f"counted"
            )
        taken = run.claim(f"{OPENED}.{count + 1}")
    run.set_tags({OPENED: count + 1, f"{OPENED}.{count + 1}": opening})
    return count + 1


def digest_of_test(prepared: Prepared) -> str:
    """Return a digest of the bars on which agents are judged, of all folds together."""
    folds = prepared.stretches
    first, last = folds[0].spans["test"].first, folds[-1].spans["test"].last
    return prepared.market.between(first, last + 1).digest


def stretch_of_test(prepared: Prepared) -> dict[str, str]:
    """Return the tags that tell on which bars agents are judged: days, symbols, and a digest.

    A symbol is told by its name, whoever sells its prices and however they are adjusted; one of a
    synthetic market also by the variant and seed that made it. Of more than 600 symbols those with
    the smallest digests stand for all, so that two large markets still have many in common.
    """
    folds, market = prepared.stretches, prepared.market
    whole = Span(folds[0].spans["test"].first, folds[-1].spans["test"].last)
    drawn = prepared.config.market.source == "synthetic"
    return {JUDGED_ON: digest_of_test(prepared), **stretch_of(market, whole, drawn=drawn)}


def stretch_of(market: Market, span: Span, *, drawn: bool) -> dict[str, str]:
    """Return the days and the symbols of a span as tags; `drawn` is whether the market was."""
    ends = market.days[[span.first, span.last]]
    world = market.origin.source if drawn else ""
    named = (f"{world} {symbol}".encode() for symbol in market.symbols)
    short = sorted({sha256(name).hexdigest()[:SHORT] for name in named})[:MOST_SYMBOLS]
    return {
        JUDGED_FROM: str(ends[0]),
        JUDGED_UNTIL: str(ends[1]),
        JUDGED_SYMBOLS: " ".join(short),
    }


def share_bars(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Return whether the tags of two runs tell of bars in common: a day and a symbol of it.

    Runs that do not tell their stretch have them in common where the digests are equal.
    """
    if one.get(JUDGED_ON) == other.get(JUDGED_ON):
        return JUDGED_ON in one
    if not (JUDGED_SYMBOLS in one and JUDGED_SYMBOLS in other):
        return False
    # Days as text have the order of days.
    if one[JUDGED_FROM] > other[JUDGED_UNTIL] or other[JUDGED_FROM] > one[JUDGED_UNTIL]:
        return False
    return bool(set(one[JUDGED_SYMBOLS].split()) & set(other[JUDGED_SYMBOLS].split()))


def warn_of_look(segment: str, command: str, console: "Console") -> None:
    """Say on a console that a command without a run is asked for results on `test`."""
    if segment == "test":
        console.print(f"note: {UNCOUNTED.format(what=command)}.", highlight=False)


def warn_of_test(segment: str, what: str) -> None:
    """Warn whoever makes something of `test` that has no run, and no console either."""
    if segment == "test":
        warnings.warn(UNCOUNTED.format(what=what), LookAtTest, stacklevel=3)
