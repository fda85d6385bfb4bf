"""The tables of the first version, as they were then; later steps change them."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

Kind: TypeAlias = sa.types.TypeEngine[Any]

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT, WHOLE, SMALL = sa.Text(), sa.BigInteger(), sa.SmallInteger()
REAL: Kind = sa.Double()
HASH, DAY = sa.String(64), sa.String(10)


def upgrade() -> None:
    """Make every table, and the row of a lease that nobody holds."""
    _make_ledger_tables()
    _make_strategies()
    _make_trades()
    _make_days()
    op.execute("INSERT INTO lease (id, token, owner, acquired, expires) VALUES (1, 0, '', 0, 0)")
    _make_append_only("events")


def _make_ledger_tables() -> None:
    op.create_table(
        "lease",
        _column("id", sa.Integer(), autoincrement=False),
        *_columns({"token": WHOLE, "owner": TEXT, "acquired": WHOLE, "expires": WHOLE}),
        sa.CheckConstraint("id = 1", name="lease_single_ck"),
        sa.PrimaryKeyConstraint("id", name="lease_pk"),
    )
    op.create_table(
        "changes",
        _column("id", ROW, autoincrement=False),
        *_columns({"moment": WHOLE, "token": WHOLE, "owner": TEXT, "n_events": WHOLE}),
        _column("head", HASH),
        sa.PrimaryKeyConstraint("id", name="changes_pk"),
    )
    op.create_table(
        "events",
        _column("id", ROW, autoincrement=False),
        *_columns({"moment": WHOLE, "kind": TEXT, "subject": TEXT, "reasons": TEXT}),
        *_columns({"previous": HASH, "hash": HASH}),
        *_change("events"),
        sa.PrimaryKeyConstraint("id", name="events_pk"),
    )
    op.create_index("events_kind", "events", ["kind", "id"])
    op.create_index("events_subject", "events", ["subject", "id"])
    op.create_table(
        "states",
        *_columns({"name": TEXT, "document": TEXT}),
        *_change("states"),
        sa.PrimaryKeyConstraint("name", name="states_pk"),
    )


def _make_strategies() -> None:
    op.create_table(
        "strategies",
        _column("id", sa.Integer(), autoincrement=False),
        *_columns(dict.fromkeys(("name", "family", "origin", "parameters", "digest"), TEXT)),
        _column("parents", TEXT),
        sa.Column("stage", TEXT),
        sa.Column("since", WHOLE),
        *_change("strategies"),
        sa.PrimaryKeyConstraint("id", name="strategies_pk"),
        sa.UniqueConstraint("name", name="strategies_name_uq"),
    )


def _make_trades() -> None:
    op.create_table(
        "trades",
        _column("id", ROW, autoincrement=False),
        _column("key", TEXT),
        *_strategy("trades"),
        *_columns({"symbol": TEXT, "side": SMALL, "opened": WHOLE, "closed": WHOLE}),
        *_columns(dict.fromkeys(("entry_price", "exit_price", "units", "profit"), REAL)),
        *_columns(dict.fromkeys(("return", "costs"), REAL)),
        sa.Column("slippage", REAL),
        *_columns({"reason": TEXT, "regime": TEXT}),
        *(sa.Column(name, REAL) for name in ("news", "spread", "confidence", "expected_value")),
        _column("stage", TEXT),
        sa.Column("weight", REAL),
        _column("source", TEXT),
        *_change("trades"),
        sa.PrimaryKeyConstraint("id", name="trades_pk"),
        sa.UniqueConstraint("key", name="trades_key_uq"),
    )
    op.create_index("trades_closed", "trades", ["closed"])
    op.create_index("trades_strategy_closed", "trades", ["strategy_id", "closed"])
    op.create_index("trades_strategy_id", "trades", ["strategy_id", "id"])
    op.create_table(
        "cells",
        _column("level", SMALL, autoincrement=False),
        *_strategy("cells"),
        *_columns(dict.fromkeys(("source", "stage", "regime", "symbol"), TEXT)),
        *_columns(dict.fromkeys(("trades", "wins", "losses"), WHOLE)),
        *_columns(dict.fromkeys(("gains", "lost", "costs"), REAL)),
        *_columns(dict.fromkeys(("return_1", "return_2", "return_3", "return_4"), REAL)),
        *_columns({"slippages": WHOLE, "slippage": REAL}),
        *_columns(dict.fromkeys(("profit", "peak", "trough", "drawdown"), REAL)),
        *_columns({"first": WHOLE, "last": WHOLE, "sketch": sa.LargeBinary()}),
        sa.PrimaryKeyConstraint(
            *("level", "strategy_id", "source", "stage", "regime", "symbol"), name="cells_pk"
        ),
        sqlite_with_rowid=False,
    )


def _make_days() -> None:
    op.create_table(
        "days",
        _column("id", ROW, autoincrement=False),
        *_strategy("days"),
        *_columns({"source": TEXT, "session": DAY, "stage": TEXT}),
        *_columns({"return": REAL, "equity": REAL, "n_trades": WHOLE, "breaches": WHOLE}),
        *_change("days"),
        sa.PrimaryKeyConstraint("id", name="days_pk"),
        sa.UniqueConstraint("strategy_id", "source", "session", name="days_strategy_id_uq"),
    )
    op.create_index("days_session", "days", ["session"])
    op.create_table(
        "day_cells",
        _column("level", SMALL, autoincrement=False),
        *_strategy("day_cells"),
        *_columns({"source": TEXT, "stage": TEXT}),
        *_columns(dict.fromkeys(("days", "n_trades", "breaches"), WHOLE)),
        *_columns(dict.fromkeys(("return_1", "return_2", "return_3", "return_4"), REAL)),
        *_columns(dict.fromkeys(("peak", "trough", "drawdown"), REAL)),
        *_columns({"first": WHOLE, "last": WHOLE}),
        sa.PrimaryKeyConstraint("level", "strategy_id", "source", "stage", name="day_cells_pk"),
        sqlite_with_rowid=False,
    )


def _make_append_only(table: str) -> None:
    """Let the database refuse to change or delete a row; a slip of the hand is no tampering."""
    refusal = f"{table} are only added to"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def _column(name: str, kind: Kind, *, autoincrement: bool = True) -> sa.Column[Any]:
    automatic: Literal["auto", False] = "auto" if autoincrement else False
    return sa.Column(name, kind, nullable=False, autoincrement=automatic)


def _columns(kinds: Mapping[str, Kind]) -> list[sa.Column[Any]]:
    return [_column(name, kind) for name, kind in kinds.items()]


def _change(table: str) -> tuple[sa.Column[Any], sa.ForeignKeyConstraint]:
    name = f"{table}_change_id_fk"
    return _column("change_id", ROW), sa.ForeignKeyConstraint(
        ["change_id"], ["changes.id"], name=name
    )


def _strategy(table: str) -> tuple[sa.Column[Any], sa.ForeignKeyConstraint]:
    name = f"{table}_strategy_id_fk"
    return _column("strategy_id", sa.Integer()), sa.ForeignKeyConstraint(
        ["strategy_id"], ["strategies.id"], name=name
    )
