"""The last state of what is running, as JSON: what it goes on from after a crash."""

import json

from sqlalchemy import Connection, select

from benbot.strategies.records.events import Json, canonical
from benbot.strategies.records.rows import put
from benbot.strategies.records.tables import STATES


def write_state(connection: Connection, name: str, document: Json, change_id: int) -> None:
    """Write a state in place of the last of this name."""
    text = canonical(f"the state {name}", document)
    put(connection, STATES, [{"name": name, "document": text, "change_id": change_id}])


def read_state(connection: Connection, name: str) -> Json:
    """Return the state of this name, None where none was written."""
    text = connection.execute(
        select(STATES.c.document).where(STATES.c.name == name)
    ).scalar_one_or_none()
    return None if text is None else json.loads(text)
