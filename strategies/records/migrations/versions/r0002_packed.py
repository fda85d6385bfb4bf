"""The numbers of each cell a second time, as bytes that are read at once."""

import struct
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

KEY = ("level", "strategy_id", "source", "stage", "regime", "symbol")
NUMBERS = (
    "trades", "wins", "losses", "gains", "lost", "costs",
    "return_1", "return_2", "return_3", "return_4", "slippages", "slippage",
    "profit", "peak", "trough", "drawdown", "first", "last",
)  # fmt: skip
PACKING = struct.Struct(f"<{len(NUMBERS)}d")
CHUNK = 5000  # cells at a time

CELLS = sa.table("cells", *(sa.column(name) for name in (*KEY, *NUMBERS)), sa.column("packed"))


def upgrade() -> None:
    """Add the column, and fill it from those that it repeats."""
    empty = sa.text("''") if _is_postgresql() else sa.text("x''")
    op.add_column(
        "cells", sa.Column("packed", sa.LargeBinary(), nullable=False, server_default=empty)
    )
    columns = [CELLS.c[name] for name in (*KEY, *NUMBERS)]
    kept = op.get_bind().execute(sa.select(*columns)).all()
    for first in range(0, len(kept), CHUNK):
        _fill(kept[first : first + CHUNK])
    if _is_postgresql():  # SQLite takes no default away, and every row names its bytes
        op.alter_column("cells", "packed", server_default=None)


def _fill(rows: Any) -> None:  # noqa: ANN401 - a sequence of rows
    same = [CELLS.c[name] == sa.bindparam(f"this_{name}") for name in KEY]
    packed = sa.bindparam("bytes", type_=sa.LargeBinary())
    filling = sa.update(CELLS).where(*same).values(packed=packed)
    values = []
    for row in rows:
        key = {f"this_{name}": value for name, value in zip(KEY, row, strict=False)}
        values.append(key | {"bytes": PACKING.pack(*(number + 0.0 for number in row[len(KEY) :]))})
    op.get_bind().execute(filling, values)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
