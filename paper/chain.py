"""What happened to an account and why, as a chain: each event holds the hash of the one before."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from benbot.paper.tables import EVENTS
from benbot.strategies.records.chain import ORIGINAL, Chain, Event, Head


def append(
    connection: Connection, account: str, moment: int, event: tuple[str, str, Mapping[str, Any]]
) -> int:
    """Append (kind, subject, reasons) and return the number of the event."""
    kind, subject, reasons = event
    text = json.dumps(reasons, sort_keys=True, separators=(",", ":"), default=str)
    chain = _chain(account)
    told = Event(moment, kind, subject[:64], text)
    return chain.append(connection, chain.head(connection), told).n_events


def verify(connection: Connection, account: str) -> int:
    """Walk the chain and return how many events it has; say at which it is broken."""
    return verified(connection, account, ORIGINAL).n_events


def verified(connection: Connection, account: str, head: Head) -> Head:
    """Walk the chain from behind a head that is verified, and return the new one."""
    last = deque(_chain(account).walk(connection, head), maxlen=1)
    return last[0] if last else head


def has(connection: Connection, account: str, head: Head) -> bool:
    """Return whether the chain has an event as it was when it was the last."""
    return _chain(account).has(connection, head)


def _chain(account: str) -> Chain:
    refusal = (
        f"every event of {account} must be as it was written, event {{number}} was not. Somebody "
        "changed the database; go back to a copy from before"
    )
    return Chain(EVENTS, "number", refusal, {"account": account})
