"""Order books and trades as a venue published them.

N events, L levels of depth.

time     datetime64[ns], UTC, when an event was known here; never earlier than the event before it
price    quote currency per unit
size     units
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import BoolArray, FloatArray, TimeArray, frozen
from benbot.envs.errors import BadMarketData

SIDES = ("bid_price", "bid_size", "ask_price", "ask_size")


@dataclass(frozen=True, eq=False)
class Depth:
    """The best L levels of a book after each of its N updates.

    time         (N,)
    bid_price    (N, L)  from the highest down; NaN beyond the first where a level is empty
    bid_size     (N, L)  zero or more; 0 where a level is empty
    ask_price    (N, L)  from the lowest up; NaN likewise
    ask_size     (N, L)
    source               where it came from, for errors to say so
    """

    time: TimeArray
    bid_price: FloatArray
    bid_size: FloatArray
    ask_price: FloatArray
    ask_size: FloatArray
    source: str = "given depth"

    def __post_init__(self) -> None:
        _freeze(self, time="datetime64[ns]")
        _check_depth(self)

    @property
    def mid(self) -> FloatArray:
        """Half way between the best bid and the best ask, (N,)."""
        mid: FloatArray = (self.bid_price[:, 0] + self.ask_price[:, 0]) / 2.0
        return mid

    def until(self, time: np.datetime64) -> "Depth":
        """Return what was known at `time`."""
        return replace(self, **_rows_until(self, time))


@dataclass(frozen=True, eq=False)
class Trades:
    """N trades in order of time.

    time             (N,)
    price            (N,)
    size             (N,)  more than zero
    buyer_is_maker   (N,)  whether the buyer's order was in the book and the seller came to it
    source                 where they came from, for errors to say so
    """

    time: TimeArray
    price: FloatArray
    size: FloatArray
    buyer_is_maker: BoolArray
    source: str = "given trades"

    def __post_init__(self) -> None:
        _freeze(self, time="datetime64[ns]", buyer_is_maker=np.bool_)
        _check_trades(self)

    @property
    def sign(self) -> FloatArray:
        """Side of who crossed the spread, (N,): 1 a buyer, -1 a seller."""
        return np.where(self.buyer_is_maker, -1.0, 1.0)

    def until(self, time: np.datetime64) -> "Trades":
        """Return what was known at `time`."""
        return replace(self, **_rows_until(self, time))


def _freeze(events: Depth | Trades, **dtypes: Any) -> None:  # noqa: ANN401
    for each in fields(events):
        if each.name != "source":
            value = np.asarray(getattr(events, each.name), dtype=dtypes.get(each.name, np.float64))
            owned = value.copy() if value.flags.writeable else value
            object.__setattr__(events, each.name, frozen(owned))


def _rows_until(events: Depth | Trades, time: np.datetime64) -> dict[str, Any]:
    n_events = int(np.searchsorted(events.time, time, side="right"))
    names = [each.name for each in fields(events) if each.name != "source"]
    return {name: getattr(events, name)[:n_events] for name in names}


def _check_depth(depth: Depth) -> None:
    shapes = {getattr(depth, name).shape for name in SIDES}
    shape = depth.bid_price.shape
    if len(shapes) > 1 or len(shape) != 2 or shape[0] != len(depth.time) or not shape[1]:
        raise BadMarketData(
            f"{depth.source}: prices and sizes of both sides need one row per update and one "
            f"column per level, was {sorted(shapes)} for {len(depth.time)} updates"
        )
    if not len(depth.time):
        raise BadMarketData(f"{depth.source}: at least one update of the book is needed, was none")
    _check_times(depth)
    for side, away in (("bid", -1.0), ("ask", 1.0)):
        price, size = getattr(depth, f"{side}_price"), getattr(depth, f"{side}_size")
        best = np.isfinite(price[:, 0])
        _refuse(depth, ~best, price[:, 0], f"the best {side} must be a price")
        lawful = np.isnan(price) | (np.isfinite(price) & (price > 0.0))
        _refuse_any(depth, ~lawful, price, f"{side} prices must be positive")
        _refuse_any(depth, ~(np.isfinite(size) & (size >= 0.0)), size, f"{side} sizes must be >= 0")
        unsorted = away * np.diff(price, axis=1, prepend=price[:, :1] - away) <= 0.0
        order = "fall" if side == "bid" else "rise"
        _refuse_any(depth, unsorted, price, f"{side} prices must {order} from level to level")
    crossed: BoolArray = depth.bid_price[:, 0] >= depth.ask_price[:, 0]
    _refuse(depth, crossed, depth.bid_price[:, 0], "a crossed book: the bid must be below the ask")


def _check_trades(trades: Trades) -> None:
    shapes = {getattr(trades, name).shape for name in ("price", "size", "buyer_is_maker")}
    if shapes != {trades.time.shape}:
        raise BadMarketData(
            f"{trades.source}: every trade needs a time, a price, a size and a side, was "
            f"{sorted(shapes)} for {len(trades.time)} times"
        )
    _check_times(trades)
    for name in ("price", "size"):
        value = getattr(trades, name)
        _refuse(trades, ~(np.isfinite(value) & (value > 0.0)), value, f"{name} must be positive")


def _check_times(events: Depth | Trades) -> None:
    _refuse(events, np.isnat(events.time), events.time, "every event needs a time")
    late = np.diff(events.time, prepend=events.time[:1]) < np.timedelta64(0, "ns")
    _refuse(events, late, events.time, "events must be in order of time; sort them")


def _refuse_any(depth: Depth, bad: BoolArray, value: FloatArray, needed: str) -> None:
    """Refuse the first bad level of the first update that has one."""
    first = np.take_along_axis(value, bad.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    _refuse(depth, np.any(bad, axis=1), first, needed)


def _refuse(events: Depth | Trades, bad: BoolArray, value: NDArray[Any], needed: str) -> None:
    if not bad.any():
        return
    row = int(np.flatnonzero(bad)[0])
    raise BadMarketData(
        f"{events.source}, row {row + 1}: {needed}, was {value[row]} at {events.time[row]}, "
        f"and {int(bad.sum()) - 1} more"
    )
