"""The version of a database: brought forward by alembic, refused where it is newer than this.

The version is kept in a table of its own name, for MLflow keeps one under alembic's usual name.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, MetaData, column, inspect, select, table, text

from benbot.envs.errors import RecordsUnavailable
from benbot.strategies.records.database import POSTGRESQL, shown

ENVIRONMENT = Path(__file__).parent / "migrations"  # what alembic runs, whichever the database


@dataclass(frozen=True)
class Words:
    """How a database is spoken of when it is refused.

    name    such as "a paper store", of which a version is asked
    needs   such as "a paper store needs a database of its own"
    remedy  who brings it forward, and how
    """

    name: str
    needs: str
    remedy: str


@dataclass(frozen=True, eq=False)
class Schema:
    """The versions that a database can have.

    table       that keeps the version
    migrations  folder with a module for each version
    metadata    the tables of the newest
    lock        number of PostgreSQL's advisory lock, under which one process at a time migrates
    """

    table: str
    migrations: Path
    metadata: MetaData
    lock: int
    words: Words

    def migrate(self, connection: Connection, url: URL) -> None:
        """Bring a database to this version within the transaction of the connection."""
        if connection.dialect.name == POSTGRESQL:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": self.lock})
        if self.version_of(connection, url) != self.newest():
            config = self._config()
            config.attributes.update(
                connection=connection, version_table=self.table, metadata=self.metadata
            )
            command.upgrade(config, "head")

    def check_current(self, connection: Connection, url: URL) -> None:
        """Refuse to read a database of another version."""
        found = self.version_of(connection, url)
        if found != self.newest():
            raise RecordsUnavailable(
                f"{self.words.name} to read must be of version {self.newest()}, {shown(url)} was "
                f"of {found or 'none'}; {self.words.remedy}"
            )

    def newest(self) -> str:
        """Return the version that this program writes."""
        return str(self._scripts.get_current_head())

    def version_of(self, connection: Connection, url: URL) -> str | None:
        """Return the version, None of an empty database; refuse a newer one and a stranger's."""
        names = set(inspect(connection).get_table_names())
        if self.table not in names:
            if names:
                raise RecordsUnavailable(
                    f"{self.words.needs}, {shown(url)} holds other tables: "
                    f"{', '.join(sorted(names)[:3])}. Name another file or another database"
                )
            return None
        version = table(self.table, column("version_num")).c.version_num
        found = connection.execute(select(version)).scalar()
        if found is not None:
            self._check_known(str(found), url)
        return None if found is None else str(found)

    def _check_known(self, version: str, url: URL) -> None:
        try:
            self._scripts.get_revision(version)
        except CommandError:
            raise RecordsUnavailable(
                f"{self.words.name} must be of version {self.newest()} or older, {shown(url)} was "
                f"of {version}, which this program does not know. Use the newer BenBot that wrote "
                "it"
            ) from None

    @cached_property
    def _scripts(self) -> ScriptDirectory:  # each is a program that has to be compiled
        return ScriptDirectory.from_config(self._config())

    def _config(self) -> Config:
        config = Config()
        for name, folder in (
            ("script_location", ENVIRONMENT),
            ("version_locations", self.migrations / "versions"),
        ):
            config.set_main_option(name, str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        return config
