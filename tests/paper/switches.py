"""What a test does to the throws of an account, and what is left of them."""

from sqlalchemy import create_engine, select, text

from benbot.paper.chain import verify
from benbot.paper.store import reading
from benbot.paper.tables import EVENTS, SWITCHES, THROWS
from benbot.strategies.records.database import address_of


def execute(url: str, *statements: str) -> None:
    """Change a store behind the back of everybody."""
    engine = create_engine(address_of(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def forget_throws(url: str) -> None:
    """Let it be as where a switch could be thrown and nobody could keep by whom."""
    execute(url, "DELETE FROM throws")


def told(url: str) -> list[tuple[str, str]]:
    """Return kind and reasons of all events, from a chain that is whole."""
    with reading(url) as connection:
        rows = connection.execute(select(EVENTS).order_by(EVENTS.c.number)).all()
        assert verify(connection, "main") == len(rows)
    return [(row.kind, row.reasons) for row in rows]


def switched(url: str) -> tuple[list[tuple[bool, bool]], int]:
    """Return the switches of the account, and how many throws are kept."""
    with reading(url) as connection:
        rows = connection.execute(select(SWITCHES)).all()
        n_throws = len(connection.execute(select(THROWS.c.id)).all())
    return [(bool(row.is_halted), bool(row.must_stop)) for row in rows], n_throws
