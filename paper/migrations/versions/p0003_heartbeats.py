"""What the last cycle did, and the regime in which was decided."""

import sqlalchemy as sa
from alembic import op

revision = "p0003"
down_revision = "p0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of heartbeats, and room for the regime of a decision."""
    op.create_table(
        "heartbeats",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("statuses", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("progress", sa.String(16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("stale_quotes", sa.Integer(), nullable=False),
        sa.Column("skew", sa.Float(53), nullable=True),
        sa.Column("duration", sa.Float(53), nullable=False),
    )
    op.add_column("decisions", sa.Column("regime", sa.Integer(), nullable=True))
