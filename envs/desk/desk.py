"""What the desk works on, handed from one step to the next."""

from typing import NamedTuple

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.book import Book
from benbot.envs.desk.ledger import Ledger
from benbot.envs.desk.tape import Tape


class Desk(NamedTuple):
    """Everything that is read and written; account b is row b of the book and the ledger."""

    book: Book
    tape: Tape
    rules: RecordArray  # (1,), from `DeskRules.record`
    ledger: Ledger
