"""What the paper store keeps, table by table; every row belongs to one account.

moment   microseconds since 1970, UTC
image    bytes of record arrays, see `paper.images`
bar      number of the bar in the market of the account
units    signed: bought, negative is sold
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()


def _account(*, is_key: bool = True) -> Column[Any]:
    return Column("account", String(32), ForeignKey("accounts.account"), primary_key=is_key)


def _moment(name: str = "moment") -> Column[Any]:
    return Column(name, BigInteger, nullable=False)


def _number(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Float(53), nullable=nullable)


def _count(name: str, *, is_key: bool = False) -> Column[Any]:
    return Column(name, Integer, nullable=False, primary_key=is_key, autoincrement=False)


def _text(name: str, length: int = 64, *, is_key: bool = False) -> Column[Any]:
    return Column(name, String(length), nullable=False, primary_key=is_key)


ACCOUNTS = Table(
    "accounts",
    METADATA,
    _text("account", 32, is_key=True),
    Column("identity", Text, nullable=False),  # JSON: policy, strategies, rules, market
    _moment("began"),
    _count("first_bar"),
    _number("capital"),
    Column("growth", LargeBinary, nullable=False),  # (first_bar + 1, K): sleeves until it began
)

LEASES = Table(
    "leases",
    METADATA,
    _text("account", 32, is_key=True),
    Column("token", BigInteger, nullable=False),  # grows with every holder
    _text("owner", 200),
    _moment("acquired"),
    _moment("expires"),
)

SWITCHES = Table(
    "switches",
    METADATA,
    _text("account", 32, is_key=True),
    Column("is_halted", Boolean, nullable=False),  # no order is sent
    Column("must_stop", Boolean, nullable=False),  # the loop ends after its cycle
    _text("reason", 200),
    _moment(),
)

THROWS = Table(
    "throws",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("account", String(32), nullable=False, index=True),  # also of one not begun, as above
    _moment(),  # of whoever threw
    _text("kind", 16),  # of the event
    Column("is_halted", Boolean, nullable=False),  # from then on
    Column("must_stop", Boolean, nullable=False),
    _text("who", 200),
    _text("reason", 200),
    Column("event", Integer, nullable=True),  # its number in the chain; NULL: not told yet
)

STANDINGS = Table(
    "standings",
    METADATA,
    _account(),
    _count("bar"),  # the last at whose close was decided
    _text("phase", 16),
    _count("stage"),  # of the bar after it: 0 is its opening
    Column("book", LargeBinary, nullable=False),  # image at the beginning of the stage
    Column("facts", LargeBinary, nullable=False),  # image of what the stage is traded on
    Column("sleeves", LargeBinary, nullable=False),  # image
    Column("foreign", Text, nullable=False),  # JSON: units by symbol that are not the desk's
    _moment(),
    Column("token", BigInteger, nullable=False),  # of the lease under which it was written
)

DECISIONS = Table(
    "decisions",
    METADATA,
    _account(),
    _count("bar", is_key=True),
    _moment(),
    Column("observation", LargeBinary, nullable=False),  # (D,) float32
    Column("weights", LargeBinary, nullable=False),  # (K + 1,) float32
    Column("growth", LargeBinary, nullable=False),  # (K,) float64: what the sleeves returned
    Column("regime", Integer, nullable=True),  # code of the bar; NULL: decided before it was kept
    Column("stages", LargeBinary, nullable=True),  # (K,) int8 of `Stage`; NULL likewise
)

LADDERS = Table(
    "ladders",
    METADATA,
    _account(),
    _count("bar"),  # at whose close it stands
    Column("state", Text, nullable=False),  # JSON: the tournament
    Column("accounts", LargeBinary, nullable=False),  # image: those that it judges
)

EQUITY = Table(
    "equity",
    METADATA,
    _account(),
    _count("bar", is_key=True),
    _moment(),  # of the close
    _number("equity"),
    _number("cash"),
    _number("gross"),
    _number("net"),
    _count("n_positions"),
    _text("breaker", 16),
)

VERDICTS = Table(
    "verdicts",
    METADATA,
    _account(),
    _count("bar", is_key=True),
    _count("number", is_key=True),
    _text("symbol", 32),
    _text("strategy"),
    _number("wanted", nullable=True),  # signed fraction of equity; NULL: not a number
    _number("allowed", nullable=True),
    _text("verdict", 16),
    _text("limit", 16),
    Column("enlarges", Boolean, nullable=False),
)

INTENTS = Table(
    "intents",
    METADATA,
    _text("client_order_id", 48, is_key=True),
    _account(is_key=False),
    _count("bar"),  # in which it is to fill
    _count("stage"),
    _count("sequence"),
    _text("symbol", 32),
    _count("symbol_number"),
    _text("strategy"),
    _count("strategy_number"),
    _text("reason", 16),  # NONE opens or enlarges a position
    _number("units"),
    _text("kind", 8),
    _number("limit_price", nullable=True),
    _number("price"),  # at which it should fill
    _text("status", 16),
    _count("attempts"),  # times that it may have been sent
    _number("filled"),
    _number("fill_price", nullable=True),
    _number("cost"),
    Column("note", Text, nullable=False),
    _moment("planned"),
    _moment("updated"),
    UniqueConstraint("account", "bar", "stage", "sequence"),
)

ORDERS = Table(
    "orders",
    METADATA,
    _account(),
    _text("venue_order_id", 64, is_key=True),
    _text("client_order_id", 128),
    _text("symbol", 32),
    _text("side", 8),
    _number("units", nullable=True),
    _text("status", 24),
    _number("filled"),
    _number("fill_price", nullable=True),
    Column("is_external", Boolean, nullable=False),
    _moment("updated"),
)

FILLS = Table(
    "fills",
    METADATA,
    _account(),
    _text("execution_id", 128, is_key=True),
    Column("client_order_id", String(128), nullable=True),
    _text("venue_order_id", 64),
    _text("symbol", 32),
    _number("units"),
    _number("price"),
    _number("cost"),
    Column("is_external", Boolean, nullable=False),
    _moment(),
)

BOOKINGS = Table(
    "bookings",
    METADATA,
    _account(),
    _count("bar", is_key=True),
    _count("number", is_key=True),
    _text("symbol", 32),
    _text("strategy"),
    _number("units"),
    _number("price"),
    _number("cost"),
    _text("reason", 16),
)

TRADES = Table(
    "trades",
    METADATA,
    _account(),
    _count("closed", is_key=True),  # bar
    _count("number", is_key=True),
    _count("opened"),  # bar
    _text("symbol", 32),
    _text("strategy"),
    _count("side"),
    _number("entry_price"),
    _number("exit_price"),
    _number("notional"),
    _text("reason", 16),
    _count("regime"),
    Column("diamond", Boolean, nullable=False),
    _number("income"),
    _number("costs"),
    _number("profit"),
)

POSITIONS = Table(
    "positions",
    METADATA,
    _account(),
    _text("symbol", 32, is_key=True),
    _text("strategy", is_key=True),  # EXTERNAL: nobody's here
    _number("units"),
    _number("entry_price", nullable=True),
    _number("last_price", nullable=True),
    _number("stop", nullable=True),
    _number("target", nullable=True),
    _count("opened"),  # bar
)

HEARTBEATS = Table(
    "heartbeats",
    METADATA,
    _account(),
    _count("cycle"),  # since the loop began
    _moment(),  # of what is recorded
    _moment("beat"),  # of the machine's clock
    _moment("started"),  # likewise: when the loop began
    Column("statuses", Text, nullable=False),  # JSON: in order
    Column("why", Text, nullable=False),
    _text("progress", 16),
    _count("failures"),  # calls of the venue, in a row
    _count("stale_quotes"),
    _number("skew", nullable=True),  # seconds
    _number("duration"),  # seconds
)

EVENTS = Table(
    "events",
    METADATA,
    _account(),
    _count("number", is_key=True),  # from 1, without gaps
    _moment(),
    _text("kind", 32),
    _text("subject", 64),
    Column("reasons", Text, nullable=False),  # JSON
    _text("previous", 64),  # hash of the event before
    _text("hash", 64),
)

REPORTS = Table(
    "reports",
    METADATA,
    _account(),
    _text("day", 10, is_key=True),  # such as 2020-01-31
    Column("report", Text, nullable=False),  # JSON, see `paper.report`
    _text("run"),  # of tracking, to which it was logged; empty: not yet
    _moment(),
)
