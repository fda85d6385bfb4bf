"""Where the strategies of an account stand on the ladder."""

import sqlalchemy as sa
from alembic import op

revision = "p0004"
down_revision = "p0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of ladders, and room for the stages of a decision."""
    op.create_table(
        "ladders",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("bar", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accounts", sa.LargeBinary(), nullable=False),
    )
    op.add_column("decisions", sa.Column("stages", sa.LargeBinary(), nullable=True))
