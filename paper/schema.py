"""The version of a paper store: brought forward by alembic, refused where it is newer than this."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, inspect, text

from benbot.envs.errors import RecordsUnavailable
from benbot.strategies.records.database import POSTGRESQL, shown

VERSION_TABLE = "paper_version"
MIGRATIONS = Path(__file__).parent / "migrations"
OUR_LOCK = 0x7061706572  # the letters of paper, as PostgreSQL's advisory lock


def migrate(connection: Connection, url: URL) -> None:
    """Bring a store to this version within the transaction of the connection."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": OUR_LOCK})
    if version_of(connection, url) != newest():
        command.upgrade(_config(connection), "head")


def check_current(connection: Connection, url: URL) -> None:
    """Refuse to read a store of another version."""
    found = version_of(connection, url)
    if found != newest():
        raise RecordsUnavailable(
            f"a paper store to read must be of version {newest()}, {shown(url)} was of "
            f"{found or 'none'}; whoever trades with it brings it forward"
        )


def newest() -> str:
    """Return the version that this program writes."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def version_of(connection: Connection, url: URL) -> str | None:
    """Return the version of a store, None of an empty one; refuse a newer one and a stranger's."""
    names = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in names:
        if names:
            raise RecordsUnavailable(
                f"a paper store needs a database of its own, {shown(url)} holds other tables: "
                f"{', '.join(sorted(names)[:3])}. Name another file or another database"
            )
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    if found is not None:
        _check_known(str(found), url)
    return None if found is None else str(found)


def _check_known(version: str, url: URL) -> None:
    try:
        ScriptDirectory(str(MIGRATIONS)).get_revision(version)
    except CommandError:
        raise RecordsUnavailable(
            f"a paper store must be of version {newest()} or older, {shown(url)} was of {version}, "
            "which this program does not know. Use the newer BenBot that wrote it"
        ) from None


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    return config
