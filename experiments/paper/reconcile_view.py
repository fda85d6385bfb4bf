"""`benbot paper reconcile`: the venue's word beside the book, line by line, and who is right."""

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benbot.experiments.paper.daily_log import read_rows
from benbot.paper.account_reading import AccountReading
from benbot.paper.believed import believed_of
from benbot.paper.comparison import Compared, Truth, compare
from benbot.paper.plain_words import RECONCILING
from benbot.paper.presence import note_switches, user
from benbot.paper.replayed import VENUE
from benbot.paper.sitting import adopt
from benbot.paper.store import PaperStore, open_store
from benbot.paper.venue import Clock, Venue
from benbot.paper.venues import PLAYED, Surroundings, open_venue
from benbot.strategies.records.moments import moment_of

if TYPE_CHECKING:
    from rich.console import Console

MOST = 50  # differences that are named in the chain
DAYS = 7  # whose fills are asked for
LINE = "{sign} {what:40} {book:>16} {venue:>28}  {remedy}"


@dataclass(frozen=True)
class Asked:
    """What a command names.

    folder   of the account file, where the venue is the embedded broker
    days     before the last mark whose fills are asked for
    """

    url: str
    account: str
    venue: str
    folder: Path
    days: int = DAYS

    @property
    def file(self) -> Path:
        """The account of the embedded broker: of a market that goes on it has the account's name.

        That of a replay is called the same for all.
        """
        own = self.folder / f"{self.account}-venue.db"
        return own if own.is_file() else self.folder / VENUE


def show_reconciliation(asked: Asked, console: "Console", *, applies: bool = False) -> bool:
    """Print what both say, adopt what differs if that is asked for, and say whether all agrees."""
    with truth_of(asked) as truth:
        found = _show(asked, truth, console)
        differing = [one.what for one in found if not one.agrees]
        if not (differing and applies):
            return not differing
        # Nothing is ever sent, so that a venue that is only read will do.
        with open_store(asked.url, asked.account, _clock_of(asked)) as store:
            _say_who(store, differing, len(found))
            adopt(cast(Venue, truth), store, time.sleep)
        console.print("Adopted: the book says what the venue says now")
        return all(one.agrees for one in _show(asked, truth, console))


def _say_who(store: PaperStore, differing: list[str], compared: int) -> None:
    """Say in the chain by whom the venue is believed at once, before it is."""
    note_switches(store)
    with store.change() as change:
        facts = {"differ": len(differing), "compared": compared, "what": differing[:MOST]}
        change.event(RECONCILING, "account", by=user(), **facts)


@contextmanager
def truth_of(asked: Asked) -> Iterator[Truth]:
    """Open a venue to ask it; of the embedded broker, the file of the account is read alone."""
    if asked.venue in PLAYED:
        with closing(AccountReading(asked.file)) as reading:
            yield reading
        return
    with closing(open_venue(asked.venue, Surroundings(os.environ, lambda: datetime.now(UTC)))) as v:
        yield v


def _clock_of(asked: Asked) -> Clock:
    """Return the clock of what is recorded: in a market that is played, after all that it did.

    A close is marked some time after it was. So what was adopted after that is told with the next.
    """
    if asked.venue not in PLAYED:
        return lambda: datetime.now(UTC)
    rows = read_rows(asked.url, asked.account)
    kept = [rows.equity[-1], rows.decisions[-1], *([rows.standing] if rows.standing else [])]
    last = max(int(row["moment"]) for row in kept)
    return lambda: moment_of(last + 1)


def _show(asked: Asked, truth: Truth, console: "Console") -> list[Compared]:
    rows = read_rows(asked.url, asked.account)
    believed = believed_of(rows)
    since = moment_of(int(rows.equity[-1]["moment"])) - timedelta(days=asked.days)
    ours = [row["client_order_id"] for row in rows.intents]
    found = compare(believed, truth, since, ours)
    last = rows.equity[-1]
    console.print(
        f"account {asked.account}, {believed.phase} after bar {last['bar']}, "
        f"fills since {since.isoformat(timespec='minutes')}",
        highlight=False,
    )
    console.print(
        LINE.format(sign=" ", what="", book="book", venue="venue", remedy="what is done about it"),
        highlight=False,
        soft_wrap=True,
    )
    for one in found:
        console.print(_line(one), highlight=False, soft_wrap=True, markup=False)
    worth = truth.account().equity
    console.print(f"  equity at the last mark {last['equity']:,.2f}, at the venue {worth:,.2f}")
    differing = [one for one in found if not one.agrees]
    if believed.phase.is_stage or believed.waiting:
        console.print("  a stage is under way: what differs may be on its way")
    console.print(f"{len(differing)} of {len(found)} differ" if differing else "Nothing differs")
    return found


def _line(one: Compared) -> str:
    return LINE.format(
        sign="✓" if one.agrees else "✗",
        what=one.what,
        book=one.book,
        venue=one.venue,
        remedy=one.remedy,
    )
