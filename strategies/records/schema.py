"""The version of a store: brought forward by alembic, refused where it is newer than this program.

The version is kept in a table of our own, for MLflow keeps one under alembic's usual name.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, inspect, text

from benbot.envs.errors import RecordsUnavailable
from benbot.strategies.records.database import POSTGRESQL, shown

VERSION_TABLE = "records_version"
MIGRATIONS = Path(__file__).parent / "migrations"
OUR_LOCK = 0x62656E626F74  # the letters of benbot, as PostgreSQL's advisory lock


def migrate(connection: Connection, url: URL) -> None:
    """Bring a store to this version within the transaction of the connection."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": OUR_LOCK})
    found = version_of(connection, url)
    if found != newest():
        command.upgrade(_config(connection), "head")


def check_current(connection: Connection, url: URL) -> None:
    """Refuse to read a store of another version."""
    found = version_of(connection, url)
    if found != newest():
        raise RecordsUnavailable(
            f"records to read must be of version {newest()}, {shown(url)} was of "
            f"{found or 'none'}; whoever writes them brings them forward by opening them"
        )


def newest() -> str:
    """Return the version that this program writes."""
    return str(_scripts().get_current_head())


def version_of(connection: Connection, url: URL) -> str | None:
    """Return the version of a store, None of an empty one; refuse a newer one and a stranger's."""
    names = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in names:
        if names:
            raise RecordsUnavailable(
                f"records need a database of their own, {shown(url)} holds other tables: "
                f"{', '.join(sorted(names)[:3])}. Name another file or another database"
            )
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    if found is not None:
        _check_known(str(found), url)
    return None if found is None else str(found)


def _check_known(version: str, url: URL) -> None:
    try:
        _scripts().get_revision(version)
    except CommandError:
        raise RecordsUnavailable(
            f"records must be of version {newest()} or older, {shown(url)} was of {version}, "
            "which this program does not know. Use the newer BenBot that wrote it"
        ) from None


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    return config
