"""What a reader of a store remembers of its accounts, so that it reads what is new and no more.

Marks and events are written once and stay as they are. So whoever has read them reads those behind
them, as long as the last of them is where it was. Events are verified as they come, and all of them
from the first one on where the last that is known is gone, and once an hour. A chain of which
events were seen that are not in it any more was changed, however whole it is: that is told until
the reader ends.
"""

from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select

from benbot.envs.errors import RecordsDamaged
from benbot.paper.chain import has, verified
from benbot.paper.overview.results import NO_MARKS, Marks, are_kept, marks
from benbot.paper.overview.rows import Row, begun, count, parsed
from benbot.paper.plain_words import STARTED
from benbot.paper.tables import EVENTS
from benbot.strategies.records.chain import ORIGINAL, Head
from benbot.strategies.records.moments import SECOND, written

WHOLE = 3600 * SECOND  # after which all is read from its beginning again


@dataclass(frozen=True)
class Chain:
    """The events of an account, and whether they are as they were written.

    broken     what is wrong with it; empty where it is whole
    whole_at   when it was last verified from its first event on, microseconds since 1970
    """

    n_events: int
    broken: str = ""
    whole_at: int = 0


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of an account.

    began     microseconds since 1970: another account of its name has another
    head      the last event that is verified
    newcomer  what the last loop said of itself when it began, see `paper.presence`
    lost      what is said of events that were there before, and are not any more
    """

    began: int
    chain: Chain = field(default=Chain(0))
    head: Head = ORIGINAL
    newcomer: Row = field(default_factory=dict)
    lost: str = ""
    marks: Marks = NO_MARKS


class Memory:
    """Remembers accounts from look to look; one look at a time, each at a later state."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def marks(self, connection: Connection, account: str) -> Marks:
        """Read the marks that are new and return all; refuse an account that has not begun."""
        return self._read(connection, account, self._before(connection, account)).marks

    def look(self, connection: Connection, account: str, now: int) -> Known:
        """Read what is new of an account and verify it; refuse one that has not begun."""
        before = self._before(connection, account)
        is_new = not 0 <= now - before.chain.whole_at < WHOLE
        if not has(connection, account, before.head):
            before, is_new = replace(before, lost=before.lost or _loss(before)), True
        known = _verified(connection, account, before, now if is_new else None)
        if is_new:
            before, known = replace(before, head=ORIGINAL), replace(known, marks=NO_MARKS)
        newcomer = _newcomer(connection, account, before.head) or before.newcomer
        return self._read(connection, account, replace(known, newcomer=newcomer))

    def _before(self, connection: Connection, account: str) -> Known:
        """Return what is known of an account since before."""
        began = int(begun(connection, account)["began"])
        known = self._known.get(account)
        return Known(began) if known is None or known.began != began else known

    def _read(self, connection: Connection, account: str, known: Known) -> Known:
        """Read the marks behind those that are known; all of them if those are others now."""
        kept = known.marks if are_kept(connection, account, known.marks) else NO_MARKS
        self._known[account] = replace(known, marks=marks(connection, account, kept))
        return self._known[account]


def _loss(before: Known) -> str:
    """Return what is said of events that were there and are not any more, as they were."""
    return (
        f"the first {before.head.n_events} events must be those that were whole at "
        f"{written(before.chain.whole_at)}, or since; they are others now, or fewer. Somebody "
        "changed the database, or put a copy in its place"
    )


def _newcomer(connection: Connection, account: str, head: Head) -> Row:
    """Return what the last loop that began behind an event said of itself; nothing: none did."""
    of = (EVENTS.c.account == account, EVENTS.c.kind == STARTED, EVENTS.c.number > head.n_events)
    query = select(EVENTS.c.reasons).where(*of).order_by(EVENTS.c.number.desc()).limit(1)
    reasons = connection.execute(query).scalar()
    return {} if reasons is None else dict(parsed(reasons, "the reasons of an event"))


def _verified(connection: Connection, account: str, before: Known, now: int | None) -> Known:
    """Verify what is new, or the whole `now`; one that is broken is told, and refuses nothing."""
    whole_at = before.chain.whole_at if now is None else now
    try:
        head = verified(connection, account, before.head if now is None else ORIGINAL)
    except RecordsDamaged as error:
        n_events = count(connection, EVENTS, EVENTS.c.account == account)
        return replace(before, chain=Chain(n_events, before.lost or str(error), whole_at))
    return replace(before, chain=Chain(head.n_events, before.lost, whole_at), head=head)
