"""The daily reports of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "p0002"
down_revision = "p0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of reports."""
    op.create_table(
        "reports",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
    )
