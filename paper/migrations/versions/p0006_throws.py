"""Who threw the switches, until the chain of events tells it."""

import sqlalchemy as sa
from alembic import op

revision = "p0006"
down_revision = "p0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of throws."""
    op.create_table(
        "throws",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("account", sa.String(32), nullable=False, index=True),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("is_halted", sa.Boolean(), nullable=False),
        sa.Column("must_stop", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("event", sa.Integer(), nullable=True),
    )
