"""The store of strategies and of how they do; `docs/records.md` says what is in it."""

from benbot.strategies.records.change import Change
from benbot.strategies.records.reader import Reader, read_records
from benbot.strategies.records.registration import Registered
from benbot.strategies.records.stages import Source, Stage
from benbot.strategies.records.store import Records, open_records

__all__ = [
    "Change",
    "Reader",
    "Records",
    "Registered",
    "Source",
    "Stage",
    "open_records",
    "read_records",
]
