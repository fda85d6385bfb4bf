"""The version of a paper store."""

from pathlib import Path

from benbot.paper.press.tables import NEWS
from benbot.strategies.records.versions import Schema, Words

VERSION_TABLE = "paper_version"
OUR_LOCK = 0x7061706572  # the letters of paper, as PostgreSQL's advisory lock

STORE = Schema(
    table=VERSION_TABLE,
    migrations=Path(__file__).parent / "migrations",
    metadata=NEWS.metadata,  # that of `paper.tables`, with the news
    lock=OUR_LOCK,
    words=Words(
        name="a paper store",
        needs="a paper store needs a database of its own",
        remedy="whoever trades with it brings it forward",
    ),
)
migrate, check_current = STORE.migrate, STORE.check_current
newest, version_of = STORE.newest, STORE.version_of
