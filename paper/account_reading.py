"""The file of a simulated account, read as it lies there: nothing in it moves, nobody is kept out.

The venue itself brings the account up to now whenever it is asked, which changes it; whoever only
wants to look must not.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from benbot.envs.errors import RunMismatch, UnknownName, VenueUnavailable
from benbot.paper.account_file import VERSION, WAIT, AccountFile
from benbot.paper.venue import AccountFacts, VenueFill, VenueOrder, VenuePosition


class AccountReading(AccountFile):
    """What the embedded broker knew when it was asked last; it answers like a venue that asks."""

    name = "simulated"

    def __init__(self, path: Path) -> None:
        """Open a file that is there, to read alone; refuse one that somebody trades with."""
        if not path.is_file():
            raise UnknownName(
                f"the account of the embedded broker must be a file, was {path}, which is not "
                "there. Say --folder"
            )
        self._path = path
        self._connection = sqlite3.connect(
            f"file:{quote(str(path.resolve()))}?mode=ro",
            timeout=WAIT,
            isolation_level=None,
            uri=True,
        )
        try:
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise RunMismatch(
                    f"the account {path} must have version {VERSION}, was {version}. Read it with "
                    "the program that wrote it"
                )
            self.state = self.load()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise VenueUnavailable(
                f"the account {path} must be free to be read, was not: {error}. Whoever trades "
                "with it holds it: benbot paper stop, then ask again. If it was killed while it "
                "wrote, its next start mends the file"
            ) from error
        except RunMismatch:
            self._connection.close()
            raise

    def account(self) -> AccountFacts:
        """Return what it was worth at its last prices; buying power is not told."""
        return AccountFacts("simulated", self.state.equity, self.state.cash, 0.0)

    def positions(self) -> Sequence[VenuePosition]:
        """Return what is held."""
        return [
            VenuePosition(symbol, one.units, one.entry_price, one.last_price)
            for symbol, one in sorted(self.state.holdings.items())
        ]

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the orders that may fill still."""
        return [order.to_order() for order in self.state.orders.values()]

    def fills(self, since: datetime) -> list[VenueFill]:
        """Return the fills at a time or later, in the order in which they happened."""
        try:
            return super().fills(since)
        except sqlite3.DatabaseError as error:
            raise VenueUnavailable(f"the account {self._path} cannot be read: {error}") from error
