"""The version of the records."""

from pathlib import Path

from benbot.strategies.records.tables import METADATA
from benbot.strategies.records.versions import Schema, Words

VERSION_TABLE = "records_version"
OUR_LOCK = 0x62656E626F74  # the letters of benbot, as PostgreSQL's advisory lock

RECORDS = Schema(
    table=VERSION_TABLE,
    migrations=Path(__file__).parent / "migrations",
    metadata=METADATA,
    lock=OUR_LOCK,
    words=Words(
        name="records",
        needs="records need a database of their own",
        remedy="whoever writes them brings them forward by opening them",
    ),
)
migrate, check_current = RECORDS.migrate, RECORDS.check_current
newest, version_of = RECORDS.newest, RECORDS.version_of
