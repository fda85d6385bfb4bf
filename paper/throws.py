"""Who threw a switch of an account, kept beside the switch until the chain of events tells it.

Switches are thrown by anybody at any time; the chain has one writer, who holds the lease. So a
throw is kept in the transaction that throws, and whoever holds the lease next adds it to the chain
and marks it as told, in one change: none is lost and none is told twice, whoever is killed in
between. A switch of which no throw could be kept is told as it stands, of an unknown hand. A halt
never fails, and hardly waits, for the sake of this.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from benbot.paper import chain
from benbot.paper.tables import SWITCHES, THROWS
from benbot.strategies.records.database import POSTGRESQL
from benbot.strategies.records.moments import written

LOGGER = logging.getLogger(__name__)

HALTED, RESUMED, STOPPING = "halted", "resumed", "stopping"  # kinds of events
KINDS = {
    ("is_halted", True): HALTED,
    ("is_halted", False): RESUMED,
    ("must_stop", True): STOPPING,
    ("must_stop", False): RESUMED,
}
SUBJECTS = {HALTED: "kill switch", RESUMED: "switches", STOPPING: "loop"}
UNKNOWN = "an unknown hand"
LONGEST = 200  # characters of a name or a reason

Said = tuple[int, str, str]  # when, microseconds since 1970, by whom, and why


class Thrown(NamedTuple):
    """An event of the chain that tells of a switch."""

    kind: str
    subject: str
    reasons: dict[str, Any]


def switch_row(connection: Connection, account: str) -> Row[Any] | None:
    """Return the switches of an account as they are; None: nobody ever threw one."""
    return connection.execute(select(SWITCHES).where(SWITCHES.c.account == account)).first()


def throw(connection: Connection, account: str, said: Said, changed: Mapping[str, bool]) -> None:
    """Set switches of an account and keep who did it; what is not named stays."""
    row, (moment, who, reason) = switch_row(connection, account), said
    who, reason = _writable(who), _writable(reason)
    state = {"is_halted": False, "must_stop": False}
    if row is not None:
        state = {name: bool(getattr(row, name)) for name in state}
        connection.execute(SWITCHES.delete().where(SWITCHES.c.account == account))
    values = {"account": account, "moment": moment, "reason": reason}
    values |= state | dict(changed)
    connection.execute(SWITCHES.insert().values(**values))
    kinds = dict.fromkeys(KINDS[each] for each in changed.items())
    try:
        with connection.begin_nested():
            if connection.dialect.name == POSTGRESQL:
                # All that a halt waits for the table of throws.
                connection.exec_driver_sql("SET LOCAL lock_timeout = '250ms'")
            rows = [values | {"kind": kind, "who": who} for kind in kinds]
            connection.execute(insert(THROWS), rows)
    except SQLAlchemyError as error:  # the switch is thrown all the same
        LOGGER.warning("who threw a switch of %s is not kept: %s", account, type(error).__name__)


def is_untold(connection: Connection, account: str) -> bool:
    """Return whether a switch was thrown that the chain does not tell yet."""
    return _unkept(connection, account) is not None or bool(untold(connection, account))


def untold(connection: Connection, account: str) -> list[RowMapping]:
    """Return what was thrown and kept, and is not told yet, in order."""
    own = (THROWS.c.account == account, THROWS.c.event.is_(None))
    query = select(THROWS).where(*own).order_by(THROWS.c.id)
    return list(connection.execute(query).mappings())


def tell(connection: Connection, account: str, now: int) -> list[Thrown]:
    """Add what is not told yet to the chain, within a change under the lease; return it."""
    bare = _unkept(connection, account)
    if bare is not None:
        connection.execute(insert(THROWS), list(_as_it_stands(bare)))
    told = []
    for row in untold(connection, account):
        one = told_of(row)
        number = chain.append(connection, account, now, one)
        mark = update(THROWS).where(THROWS.c.id == row["id"]).values(event=number)
        connection.execute(mark)
        told.append(one)
    return told


def told_of(row: RowMapping | Mapping[str, Any]) -> Thrown:
    """Return what the chain says of a throw."""
    by = {"by": row["who"] or UNKNOWN, "reason": row["reason"], "thrown": written(row["moment"])}
    return Thrown(row["kind"], SUBJECTS[row["kind"]], by)


def _writable(text: str) -> str:
    """Return a text as both databases take it: a command's may hold bytes that are no character."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")[:LONGEST]


def _unkept(connection: Connection, account: str) -> Row[Any] | None:
    """Return the switches if no throw made them what they are: of before, or it was not kept."""
    row = switch_row(connection, account)
    if row is None:
        return None
    same: list[ColumnElement[bool]] = [
        THROWS.c[name] == getattr(row, name)
        for name in ("account", "moment", "is_halted", "must_stop")
    ]
    known = connection.execute(select(THROWS.c.id).where(*same).limit(1)).first()
    return row if known is None else None


def _as_it_stands(row: Row[Any]) -> Iterator[dict[str, Any]]:
    """Yield throws, by an unknown hand, that would have made switches what they are."""
    kinds = [KINDS[name, True] for name in ("is_halted", "must_stop") if getattr(row, name)]
    for kind in kinds or [RESUMED]:
        yield {**row._mapping, "kind": kind, "who": ""}
