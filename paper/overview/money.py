"""What an account has now, by its book, and where its profit comes from.

The book is kept whenever a stage of a bar is over, with what was booked and what is held, in one
change. Its marks are the last prices that the desk saw: within a bar they are newer than the last
close. Account currency throughout.

    profit = equity - capital - flows
           = realised + parts + open_profit + entry_costs + carried + otherwise

Dividends and borrowing are no fills, so they are found as what the fills leave over:

    cash = capital + flows - sum of (units x price + cost) of bookings + carried in all
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from benbot.envs.arrays import Record
from benbot.envs.desk.book import Book, open_book
from benbot.envs.desk.reasons import Exit
from benbot.envs.errors import RunMismatch
from benbot.paper.adoption import is_same_money
from benbot.paper.images import restore, shapes_of
from benbot.paper.overview.results import flows_of
from benbot.paper.overview.rows import begun, only
from benbot.paper.tables import BOOKINGS, INTENTS, STANDINGS, TRADES


@dataclass(frozen=True)
class Sources:
    """Where the profit of an account comes from; costs are negative.

    realised       of round trips, with their dividends, after all their costs
    parts          of what was closed of positions that are open still, before costs
    open_profit    of what is held, at the marks, before costs
    entry_costs    of the fills of what is held
    carried        dividends and borrowing of what is held; a short pays both
    otherwise      what is none of these: of positions that somebody else closed
    carried_in_all dividends and borrowing since the account began, those of round trips, too
    """

    realised: float
    parts: float
    open_profit: float
    entry_costs: float
    carried: float
    otherwise: float
    carried_in_all: float

    @property
    def lines(self) -> list[tuple[str, float]]:
        """All that adds up to the profit in words; what is otherwise, only where there is any."""
        known = [
            ("realised in round trips", self.realised),
            ("parts of open positions", self.parts),
            ("not realised", self.open_profit),
            ("entry costs of what is open", self.entry_costs),
            ("dividends and borrowing of what is open", self.carried),
        ]
        rest = [] if is_same_money(self.otherwise, 0.0) else [("otherwise", self.otherwise)]
        return known + rest

    @property
    def total(self) -> float:
        """Profit in all."""
        known = self.realised + self.parts + self.open_profit
        return known + self.entry_costs + self.carried + self.otherwise


@dataclass(frozen=True)
class Money:
    """An account by its book.

    moment   of the change that kept it, microseconds since 1970
    put_in   capital and flows
    """

    moment: int
    equity: float
    cash: float
    gross: float
    net: float
    n_positions: int
    put_in: float
    sources: Sources

    @property
    def profit(self) -> float:
        """What trading has earned since the account began."""
        return self.equity - self.put_in

    @property
    def profit_share(self) -> float:
        """The same as a share of what was put in; NaN where that is nothing."""
        return self.profit / self.put_in if self.put_in > 0.0 else float("nan")


def money(
    connection: Connection, account: str, flows: Sequence[tuple[int, float]] | None = None
) -> Money | None:
    """Return what an account has now; None where its book cannot be read.

    `flows` are asked of the store where they are not known.
    """
    standing = only(connection, STANDINGS, account)
    book = None if standing is None else _book(standing["book"])
    if standing is None or book is None:
        return None
    held = _held(connection, account, book)
    worths = [float(one["units"] * one["last_price"]) for one in held.values()]
    cash, net = float(book.accounts[0]["cash"]), sum(worths)
    put_in = float(begun(connection, account)["capital"])
    known = flows_of(connection, account) if flows is None else flows
    put_in += sum(flow for _, flow in known)
    return Money(
        moment=int(standing["moment"]),
        equity=cash + net,
        cash=cash,
        gross=sum(map(abs, worths)),
        net=net,
        n_positions=len(worths),
        put_in=put_in,
        sources=_sources(connection, account, held, cash + net - put_in),
    )


def _book(image: bytes) -> Book | None:
    """Return the book of an image; None where another version wrote it, or somebody else."""
    try:
        _, (_, most), (_, n_strategies), _ = shapes_of(image)
        if not max(most, n_strategies) < len(image):
            return None
        book = open_book(1, n_strategies, most)
        restore(image, book)
    except (RunMismatch, ValueError):
        return None
    return book


def _held(connection: Connection, account: str, book: Book) -> dict[str, Record]:
    """Return the positions by symbol; the desk holds each once, and ordered it."""
    taken = book.positions[0, : book.accounts[0]["n_positions"]]
    query = select(INTENTS.c.symbol_number, INTENTS.c.symbol).distinct()
    known = connection.execute(query.where(INTENTS.c.account == account))
    names = {row.symbol_number: row.symbol for row in known}
    return {names.get(int(one["symbol"]), f"symbol {one['symbol']}"): one for one in taken}


def _sources(
    connection: Connection, account: str, held: Mapping[str, Record], profit: float
) -> Sources:
    own = (BOOKINGS.c.account == account, TRADES.c.account == account)
    fills = _sum(connection, own[0], BOOKINGS.c.cost)
    realised, income, costs = (
        _sum(connection, own[1], TRADES.c[name]) for name in ("profit", "income", "costs")
    )
    entries = _entry_costs(connection, account, held)
    parts, received, paid = (
        sum(float(one[name]) for one in held.values()) for name in ("realised", "income", "costs")
    )
    open_profit = sum(
        float(one["units"] * (one["last_price"] - one["entry_price"])) for one in held.values()
    )
    carried = received - (paid - entries)
    known = realised + parts + open_profit - entries + carried
    return Sources(
        realised=realised,
        parts=parts,
        open_profit=open_profit,
        entry_costs=-entries,
        carried=carried,
        otherwise=profit - known,
        carried_in_all=income + received - (costs + paid - fills),
    )


def _entry_costs(connection: Connection, account: str, held: Mapping[str, Record]) -> float:
    """Return the costs of all fills of what is held; the fills of whoever was before are none."""
    opened = {symbol: int(one["opened"]) for symbol, one in held.items()}
    if not opened:
        return 0.0
    columns = [BOOKINGS.c[name] for name in ("bar", "symbol", "reason", "cost")]
    query = select(*columns).where(
        BOOKINGS.c.account == account,
        BOOKINGS.c.bar >= min(opened.values()),
        BOOKINGS.c.symbol.in_(sorted(opened)),
    )
    begun_here, found, enters = set(), 0.0, Exit.NONE.name
    for row in connection.execute(query.order_by(BOOKINGS.c.bar, BOOKINGS.c.number)):
        if row.bar < opened.get(row.symbol, row.bar + 1):
            continue
        if row.reason == enters:  # an exit before it, in the same bar, was of another
            begun_here.add(row.symbol)
        found += row.cost if row.symbol in begun_here else 0.0
    return found


def _sum(connection: Connection, own: ColumnElement[bool], column: ColumnElement[float]) -> float:
    return float(connection.execute(select(func.sum(column)).where(own)).scalar() or 0.0)
