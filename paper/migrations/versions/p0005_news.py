"""The news that accounts hear."""

import sqlalchemy as sa
from alembic import op

revision = "p0005"
down_revision = "p0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of items and of what was heard of each feed."""
    op.create_table(
        "news",
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("item", sa.String(64), primary_key=True),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("symbols", sa.Text(), nullable=False),
        sa.Column("headline", sa.Text(), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("mood", sa.Float(53), nullable=False),
    )
    op.create_index("news_by_moment", "news", ["account", "moment"])
    op.create_table(
        "news_feeds",
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
    )
