"""What an account holds since the last stage was over, and what each has earned at its mark."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from benbot.paper.change import EXTERNAL
from benbot.paper.overview.rows import Row
from benbot.paper.tables import POSITIONS


@dataclass(frozen=True)
class Holding:
    """A position.

    units       signed: negative is short
    entry, mark account currency per unit; None: not known, as of what others bought
    stop        price at which it is left; None: has none
    opened      bar
    """

    symbol: str
    strategy: str
    units: float
    entry: float | None
    mark: float | None
    stop: float | None
    target: float | None
    opened: int

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else bought it."""
        return self.strategy == EXTERNAL

    @property
    def side(self) -> str:
        """Return long or short."""
        return "long" if self.units > 0.0 else "short"

    @property
    def worth(self) -> float | None:
        """Signed worth at the mark."""
        return None if self.mark is None else self.units * self.mark

    @property
    def profit(self) -> float | None:
        """What it has earned at the mark, before costs: units x (mark - entry), long or short."""
        if self.mark is None or self.entry is None:
            return None
        return self.units * (self.mark - self.entry)

    @property
    def room(self) -> float | None:
        """How far the mark is from the stop, a fraction of the mark."""
        if self.stop is None or self.mark is None or not self.mark > 0.0:
            return None
        return abs(self.mark - self.stop) / self.mark


def holdings(connection: Connection, account: str) -> list[Holding]:
    """Return all that is held, by symbol."""
    query = select(POSITIONS).where(POSITIONS.c.account == account)
    query = query.order_by(POSITIONS.c.symbol, POSITIONS.c.strategy)
    return [_holding(dict(row)) for row in connection.execute(query).mappings()]


def _holding(row: Row) -> Holding:
    return Holding(
        symbol=row["symbol"],
        strategy=row["strategy"],
        units=row["units"],
        entry=row["entry_price"],
        mark=row["last_price"],
        stop=row["stop"] or None,  # the desk writes 0 where there is none
        target=row["target"] or None,
        opened=row["opened"],
    )
