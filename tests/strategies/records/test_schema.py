"""A store is of one version: brought forward, or refused where it is newer."""

from typing import cast

import numpy as np
import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, make_url, select, text

from benbot.envs.errors import RecordsUnavailable
from benbot.strategies.records import read_records
from benbot.strategies.records.schema import VERSION_TABLE, newest
from benbot.strategies.records.tables import CELLS, METADATA, PATH, SUMS
from tests.strategies.records.made import NOON, many_trades, opened, register_all


def test_migrations_end_at_the_tables_of_this_version(url: str) -> None:
    with opened(url) as records, records._writing.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert cast(list[object], compare_metadata(context, METADATA)) == []


def test_a_newer_store_is_refused(url: str) -> None:
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
    change_behind_its_back(url, "UPDATE records_version SET version_num = 'r9999'")
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


def test_a_store_of_the_first_version_is_brought_forward(url: str) -> None:
    cube = ("strategy", "regime", "symbol")
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
            change.trades(many_trades(np.random.default_rng(5), 200))
        before, rows = records.summary(cube), cells_of(records._writing)
    change_behind_its_back(
        url,
        "ALTER TABLE cells DROP COLUMN packed",
        "UPDATE records_version SET version_num = 'r0001'",
    )
    with pytest.raises(RecordsUnavailable, match=f"must be of version {newest()}"):
        read_records(url)
    with opened(url) as records:
        pd.testing.assert_frame_equal(records.summary(cube), before)
        assert cells_of(records._writing) == rows


def test_what_is_packed_is_what_stands_beside_it(url: str) -> None:
    with opened(url) as records:
        for step in range(3):
            with records.change(NOON) as change:
                register_all(change)
                change.trades(many_trades(np.random.default_rng(step), 60, f"{step}-"))
        for row in cells_of(records._writing):
            numbers = [float(str(row[name])) for name in (*SUMS, *PATH)]
            assert np.frombuffer(row["packed"], "<f8").tolist() == numbers


def cells_of(engine: Engine) -> list[dict[str, object]]:
    with engine.connect() as connection:
        rows = connection.execute(select(CELLS).order_by(*CELLS.primary_key)).all()
    return [dict(row._mapping) for row in rows]


def change_behind_its_back(url: str, *statements: str) -> None:
    name = "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"
    engine = create_engine(make_url(url).set(drivername=name))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
