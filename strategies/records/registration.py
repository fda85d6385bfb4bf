"""Which strategies there are: each registered once, with what it is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from benbot.envs.errors import BadRecord, UnknownName
from benbot.strategies.records.columns import EVERY
from benbot.strategies.records.events import canonical
from benbot.strategies.records.rows import add, next_id
from benbot.strategies.records.tables import STRATEGIES

FACTS = ("family", "origin", "parameters", "digest", "parents")


@dataclass(frozen=True)
class Registered:
    """A strategy as it is recorded.

    name        of this one; everything about it is recorded by this name
    family      the rule that it is an instance of, or the species that it was bred as
    origin      where it comes from: the catalogue, a search, a person
    parameters  plain JSON, the whole program where it is one
    digest      of what it computes, by whoever made it
    parents     names or digests of those that it was bred from
    """

    name: str
    family: str
    origin: str
    parameters: Mapping[str, Any]
    digest: str
    parents: tuple[str, ...] = field(default=())


def register(connection: Connection, strategy: Registered, change_id: int) -> bool:
    """Write a strategy and return whether it is new; refuse one of that name that differs."""
    _check_name(strategy.name)
    said = {
        "family": strategy.family,
        "origin": strategy.origin,
        "parameters": canonical(f"the parameters of {strategy.name}", dict(strategy.parameters)),
        "digest": strategy.digest,
        "parents": canonical(f"the parents of {strategy.name}", list(strategy.parents)),
    }
    columns = [STRATEGIES.c[name] for name in FACTS]
    kept = connection.execute(
        select(*columns).where(STRATEGIES.c.name == strategy.name)
    ).one_or_none()
    if kept is None:
        row = {"id": next_id(connection, STRATEGIES), "name": strategy.name, **said}
        add(connection, STRATEGIES, [{**row, "change_id": change_id}])
        return True
    changed = [name for name in FACTS if getattr(kept, name) != said[name]]
    if changed:
        name = changed[0]
        raise BadRecord(
            f"a strategy must be registered again as it was, {strategy.name} was not: its {name} "
            f"was {getattr(kept, name)}, is {said[name]} now. Give the new one another name"
        )
    return False


def ids_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the numbers of strategies; refuse one that is not registered."""
    wanted = set(names)
    rows = connection.execute(select(STRATEGIES.c.name, STRATEGIES.c.id)).all()
    known = {row.name: int(row.id) for row in rows}
    missing = sorted(wanted - set(known))
    if missing:
        raise UnknownName(
            f"a strategy must be registered before anything about it is recorded, was not: "
            f"{', '.join(missing)}"
        )
    return {name: known[name] for name in wanted}


def _check_name(name: str) -> None:
    if not name or not name.isprintable() or name == EVERY:
        raise BadRecord(f"a strategy needs a printable name that is not '*', was {name!r}")
