"""Where a store is: SQLite in a file or PostgreSQL, and what is said when it does not answer.

SQLite is opened so that a committed change outlives a loss of power: a write-ahead log, synchronous
FULL. Only the user may read the file. A password is never said.
"""

import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from benbot.envs.errors import BadConfig, RecordsDamaged, RecordsUnavailable
from benbot.strategies.records.private import make_private

PATIENCE = 5.0  # seconds that a database may keep us waiting
PRIVATE_FOLDER = stat.S_IRWXU  # of one that is made; what is there keeps its mode
SQLITE, POSTGRESQL = "sqlite", "postgresql"
DRIVER = "postgresql+psycopg"
HIDDEN = ("password", "sslpassword", "passfile")  # of a URL's query
BINARY = 1  # as psycopg.pq.Format says it; psycopg need not be installed
CACHE = 65536  # KiB of an SQLite database that are kept in memory
AS_BYTES = {"as_bytes": True}  # option of a query: PostgreSQL is to send no number as text
FOREIGN = "file is not a database"  # as SQLite says it


def address_of(text: str) -> URL:
    """Return the URL of a store; refuse a kind of database in which none is kept."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # What could not be read is not repeated: a password may be in it.
        raise BadConfig(
            "records need a URL such as sqlite:///records.db or "
            "postgresql://user@host/database, was one that cannot be read"
        ) from None
    kind = url.get_backend_name()
    if kind == POSTGRESQL:
        return url.set(drivername=DRIVER)
    if kind != SQLITE:
        raise BadConfig(
            f"records need a URL that begins with sqlite:/// or postgresql://, was {kind}"
        )
    if url.database in {None, "", ":memory:"}:
        raise BadConfig(
            "records must outlive the process, was a database in memory. Name a file, such as "
            "sqlite:///records.db"
        )
    return url


def shown(url: URL) -> str:
    """Return a URL that may be printed: without a password, wherever it stands."""
    return url.difference_update_query(HIDDEN).render_as_string(hide_password=True)


@contextmanager
def answering(url: URL) -> Iterator[None]:
    """Turn what the database raises into `RecordsUnavailable`, without a password."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _translated(url, error) from None


def open_writer(url: URL, patience: float) -> Engine:
    """Return an engine whose transactions hold the write lock from their start."""
    if url.get_backend_name() == SQLITE:
        _make_private(url)
        return _sqlite_engine(url, patience, "BEGIN IMMEDIATE")
    return _postgresql_engine(url, patience)


def open_reader(url: URL, patience: float) -> Engine:
    """Return an engine that cannot write, and whose transactions see one moment."""
    if url.get_backend_name() == SQLITE:
        if not _path(url).is_file():
            raise RecordsUnavailable(
                f"records to read must exist, there is no file {_path(url)}; whoever writes them "
                "makes it"
            )
        return _sqlite_engine(_read_only(url), patience, "BEGIN")
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return _postgresql_engine(url, patience).execution_options(**options)


def check_intact(connection: Connection, url: URL) -> None:
    """Refuse an SQLite file whose pages or references are broken; PostgreSQL checks its own."""
    if connection.dialect.name != SQLITE:
        return
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise _damage(url, str(found))
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise _damage(url, "rows that refer to rows which are gone")


def reason_of(url: URL, error: SQLAlchemyError) -> str:
    """Return the first line of what the database said, without what was bound and any password."""
    reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    for secret in (url.password, *(url.query.get(name) for name in HIDDEN)):
        reason = reason.replace(str(secret), "***") if secret else reason
    return reason


def _damage(url: URL, what: str) -> RecordsDamaged:
    return RecordsDamaged(
        f"records must be intact, {shown(url)} was not: {what}. Go back to a copy, and keep this "
        "file for whoever looks into it"
    )


def _translated(url: URL, error: SQLAlchemyError) -> RecordsUnavailable | RecordsDamaged:
    """Return our error for one of the database."""
    reason = reason_of(url, error)
    if FOREIGN in reason or "malformed" in reason:
        return _damage(url, reason)
    return RecordsUnavailable(
        f"the records at {shown(url)} must answer, was: {reason}{_fix(reason)}"
    )


def _fix(reason: str) -> str:
    """Return what to do about it, where that can be told."""
    fixes = {
        "database is locked": "another program holds it: wait for it, or stop it",
        "lock timeout": "another program holds it: wait for it, or stop it",
        "readonly": "make the file and its folder writable",
        "unable to open": "make the folder, and make it writable",
        "disk is full": "make room on the disk",
        "connection": "start the server, and check host, port and user of the URL",
    }
    return next((f". Likely fix: {fix}" for key, fix in fixes.items() if key in reason), "")


def _path(url: URL) -> Path:
    return Path(str(url.database))


def _read_only(url: URL) -> URL:
    location = _path(url).resolve().as_uri()
    return url.set(database=location, query={"mode": "ro", "uri": "true"})


def _make_private(url: URL) -> None:
    """Make the file if there is none, and let only its owner read and write it."""
    path = _path(url)
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        make_private(path)
    except OSError as error:
        raise RecordsUnavailable(
            f"records need a file that can be written, was {path}: {error.strerror}. Make the "
            "file and its folder writable, or name another"
        ) from None


def _sqlite_engine(url: URL, patience: float, begin: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": patience}, hide_parameters=True)
    writes = begin != "BEGIN"

    @event.listens_for(engine, "connect")
    def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute("PRAGMA trusted_schema = OFF")
            cursor.execute(f"PRAGMA cache_size = -{CACHE}")
            if writes:
                cursor.execute("PRAGMA journal_mode = WAL")
                cursor.execute("PRAGMA synchronous = FULL")
            else:
                cursor.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: URL, patience: float) -> Engine:
    """Return an engine that waits no longer than this, and notices a connection that is gone."""
    seconds = max(1, round(patience))
    asked = url.query.get("options", "")
    options = f"{asked if isinstance(asked, str) else ' '.join(asked)} -c lock_timeout={seconds}s"
    arguments = {"connect_timeout": seconds, "options": options.strip()}
    try:
        engine = create_engine(
            url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True
        )
    except ModuleNotFoundError as error:
        raise RecordsUnavailable(
            f"records at {shown(url)} need the Python package {error.name}, which is not "
            "installed: pip install 'benbot[postgres]'"
        ) from None
    event.listen(engine, "before_cursor_execute", _choose_format)
    return engine


def _choose_format(*asked: Any) -> None:  # noqa: ANN401 - as SQLAlchemy calls it
    """Let psycopg ask for the bytes of numbers where a query is marked so."""
    _, cursor, _, _, context, _ = asked
    if context is not None and context.execution_options.get("as_bytes"):
        cursor.format = BINARY
