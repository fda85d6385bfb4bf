"""What the book of an account says, read from its store by whoever does not trade it.

In the middle of a stage the book is that of its beginning; what has filled since then is added, so
that it can be compared with what the venue says now.

units   by symbol, signed
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from benbot.envs.desk.book import Book, open_book
from benbot.envs.errors import RunMismatch
from benbot.paper.account_rows import AccountRows, StoreRow
from benbot.paper.images import restore
from benbot.paper.intents import IntentStatus
from benbot.paper.standing import Phase

UNDER_WAY = (IntentStatus.SENT, IntentStatus.WORKING, IntentStatus.LEFT)


@dataclass(frozen=True, eq=False)
class Believed:
    """An account as its book has it.

    book       the book at the beginning of the stage, or between two
    units      of the desk and of strangers together
    foreign    of strangers alone
    cash       account currency
    waiting    rows of INTENTS of which nobody knows the end yet
    booked     execution identifiers of the fills that are kept
    """

    phase: Phase
    book: Book
    symbols: tuple[str, ...]
    units: Mapping[str, float]
    foreign: Mapping[str, float]
    cash: float
    waiting: tuple[StoreRow, ...]
    booked: frozenset[str]


def believed_of(rows: AccountRows) -> Believed:
    """Return what is believed of an account that has begun."""
    if rows.standing is None:
        raise RunMismatch("an account must have begun to be compared, had not. Trade a bar first")
    identity = json.loads(rows.account["identity"])
    symbols = tuple(identity["symbols"])
    most = int(identity["rules"]["limits"]["max_positions"])
    book = open_book(1, len(identity["strategies"]), most)
    restore(rows.standing["book"], book)
    phase, foreign = Phase(rows.standing["phase"]), json.loads(rows.standing["foreign"])
    units, cash = dict(foreign), float(book.accounts[0]["cash"])
    for position in book.positions[0, : book.accounts[0]["n_positions"]]:
        symbol = symbols[position["symbol"]]
        units[symbol] = units.get(symbol, 0.0) + float(position["units"])
    for row in _of_stage(rows, phase):
        price = row["price"] if row["fill_price"] is None else row["fill_price"]
        units[row["symbol"]] = units.get(row["symbol"], 0.0) + row["filled"]
        cash -= row["filled"] * price + row["cost"]
    return Believed(
        phase=phase,
        book=book,
        symbols=symbols,
        units={symbol: held for symbol, held in units.items() if held},
        foreign=foreign,
        cash=cash,
        waiting=tuple(row for row in rows.intents if row["status"] in UNDER_WAY),
        booked=frozenset(row["execution_id"] for row in rows.fills),
    )


def _of_stage(rows: AccountRows, phase: Phase) -> list[StoreRow]:
    """Return the intents of the stage that is under way, of which the book knows nothing yet."""
    if not phase.is_stage or rows.standing is None:
        return []
    place = (rows.standing["bar"] + 1, rows.standing["stage"])
    return [row for row in rows.intents if (row["bar"], row["stage"]) == place]
