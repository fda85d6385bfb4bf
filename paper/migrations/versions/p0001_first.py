"""The tables of the first version, as they were then; later steps change them."""

import sqlalchemy as sa
from alembic import op

revision = "p0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _make_accounts()
    _make_leases()
    _make_switches()
    _make_bookings()
    _make_decisions()
    _make_equity()
    _make_events()
    _make_fills()
    _make_intents()
    _make_orders()
    _make_positions()
    _make_standings()
    _make_trades()
    _make_verdicts()


def _make_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("first_bar", sa.Integer(), nullable=False),
        sa.Column("capital", sa.Float(53), nullable=False),
        sa.Column("growth", sa.LargeBinary(), nullable=False),
    )


def _make_leases() -> None:
    op.create_table(
        "leases",
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("acquired", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
    )


def _make_switches() -> None:
    op.create_table(
        "switches",
        sa.Column("account", sa.String(32), primary_key=True),
        sa.Column("is_halted", sa.Boolean(), nullable=False),
        sa.Column("must_stop", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
    )


def _make_bookings() -> None:
    op.create_table(
        "bookings",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("bar", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("units", sa.Float(53), nullable=False),
        sa.Column("price", sa.Float(53), nullable=False),
        sa.Column("cost", sa.Float(53), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
    )


def _make_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("bar", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("observation", sa.LargeBinary(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("growth", sa.LargeBinary(), nullable=False),
    )


def _make_equity() -> None:
    op.create_table(
        "equity",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("bar", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("equity", sa.Float(53), nullable=False),
        sa.Column("cash", sa.Float(53), nullable=False),
        sa.Column("gross", sa.Float(53), nullable=False),
        sa.Column("net", sa.Float(53), nullable=False),
        sa.Column("n_positions", sa.Integer(), nullable=False),
        sa.Column("breaker", sa.String(16), nullable=False),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _make_fills() -> None:
    op.create_table(
        "fills",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("execution_id", sa.String(128), primary_key=True),
        sa.Column("client_order_id", sa.String(128), nullable=True),
        sa.Column("venue_order_id", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("units", sa.Float(53), nullable=False),
        sa.Column("price", sa.Float(53), nullable=False),
        sa.Column("cost", sa.Float(53), nullable=False),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
    )


def _make_intents() -> None:
    op.create_table(
        "intents",
        sa.Column("client_order_id", sa.String(48), primary_key=True),
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), nullable=True),
        sa.Column("bar", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("symbol_number", sa.Integer(), nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("strategy_number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("units", sa.Float(53), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("limit_price", sa.Float(53), nullable=True),
        sa.Column("price", sa.Float(53), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("filled", sa.Float(53), nullable=False),
        sa.Column("fill_price", sa.Float(53), nullable=True),
        sa.Column("cost", sa.Float(53), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account", "bar", "stage", "sequence"),
    )


def _make_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("venue_order_id", sa.String(64), primary_key=True),
        sa.Column("client_order_id", sa.String(128), nullable=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("units", sa.Float(53), nullable=True),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("filled", sa.Float(53), nullable=False),
        sa.Column("fill_price", sa.Float(53), nullable=True),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
    )


def _make_positions() -> None:
    op.create_table(
        "positions",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("symbol", sa.String(32), primary_key=True),
        sa.Column("strategy", sa.String(64), primary_key=True),
        sa.Column("units", sa.Float(53), nullable=False),
        sa.Column("entry_price", sa.Float(53), nullable=True),
        sa.Column("last_price", sa.Float(53), nullable=True),
        sa.Column("stop", sa.Float(53), nullable=True),
        sa.Column("target", sa.Float(53), nullable=True),
        sa.Column("opened", sa.Integer(), nullable=False),
    )


def _make_standings() -> None:
    op.create_table(
        "standings",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("bar", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("book", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("sleeves", sa.LargeBinary(), nullable=False),
        sa.Column("foreign", sa.Text(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
    )


def _make_trades() -> None:
    op.create_table(
        "trades",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("closed", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.Column("entry_price", sa.Float(53), nullable=False),
        sa.Column("exit_price", sa.Float(53), nullable=False),
        sa.Column("notional", sa.Float(53), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("regime", sa.Integer(), nullable=False),
        sa.Column("diamond", sa.Boolean(), nullable=False),
        sa.Column("income", sa.Float(53), nullable=False),
        sa.Column("costs", sa.Float(53), nullable=False),
        sa.Column("profit", sa.Float(53), nullable=False),
    )


def _make_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("account", sa.String(32), sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("bar", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("wanted", sa.Float(53), nullable=True),
        sa.Column("allowed", sa.Float(53), nullable=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("limit", sa.String(16), nullable=False),
        sa.Column("enlarges", sa.Boolean(), nullable=False),
    )
