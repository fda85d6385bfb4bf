"""What the paper store keeps of the news that an account heard.

They are no part of what an account has done: it hears of its history before it begins, so that
they belong to its name alone, as the lease does.

moment     microseconds since 1970, UTC: since when the account knows of an item
published  when its source says that everybody could first read it, likewise
"""

from sqlalchemy import BigInteger, Column, Float, Index, String, Table, Text

from benbot.paper.tables import METADATA

LONGEST_ID, LONGEST_SOURCE = 64, 64  # characters

NEWS = Table(
    "news",
    METADATA,
    Column("account", String(32), primary_key=True),
    Column("item", String(LONGEST_ID), primary_key=True),  # what its source calls it
    Column("moment", BigInteger, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("symbols", Text, nullable=False),  # of the account, with blanks between them
    Column("headline", Text, nullable=False),
    Column("source", String(LONGEST_SOURCE), nullable=False),
    Column("mood", Float(53), nullable=False),  # -1 to 1
    Index("news_by_moment", "account", "moment"),
)
NEWS_FEEDS = Table(
    "news_feeds",
    METADATA,
    Column("account", String(32), primary_key=True),
    Column("begins", BigInteger, nullable=False),  # since when all of them are known
    Column("heard", BigInteger, nullable=False),  # until when
    Column("trouble", Text, nullable=False),  # why they are not heard now; empty: they are
)
