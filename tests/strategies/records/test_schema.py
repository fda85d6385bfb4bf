"""A store is of one version: brought forward, or refused where it is newer."""

from typing import cast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

from benbot.envs.errors import RecordsUnavailable
from benbot.strategies.records import read_records
from benbot.strategies.records.schema import VERSION_TABLE, newest
from benbot.strategies.records.tables import METADATA
from tests.strategies.records.made import NOON, opened, register_all


def test_migrations_end_at_the_tables_of_this_version(url: str) -> None:
    with opened(url) as records, records._writing.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert cast(list[object], compare_metadata(context, METADATA)) == []


def test_a_newer_store_is_refused(url: str) -> None:
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
    name = "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"
    engine = create_engine(make_url(url).set(drivername=name))
    with engine.begin() as connection:
        connection.execute(text("UPDATE records_version SET version_num = 'r9999'"))
    engine.dispose()
    for opening in (opened, read_records):
        with pytest.raises(
            RecordsUnavailable,
            match=rf"must be of version {newest()} or older, .* was of r9999, which this program",
        ):
            opening(url)


def test_opening_again_changes_nothing(url: str) -> None:
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
    for _ in range(2):
        with opened(url) as records:
            assert len(records.ladder()) == 3
            assert records.verify().n_events == 3
