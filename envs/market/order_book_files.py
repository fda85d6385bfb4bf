"""Order books and trades from CSV and Parquet files.

A book has columns bid_px1, bid_sz1, ask_px1, ask_sz1 and so on, as deep as they go; trades have
price, qty (or size) and buyer_is_maker. Times are whole numbers since 1970, UTC: local_ns, or
exch_ms where nobody wrote down when an event was known here.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.order_book import Depth, Trades

if TYPE_CHECKING:
    import pandas as pd

# The clock of who received an event comes first: only then could anybody here act on it.
CLOCKS: dict[str, Literal["ns", "ms"]] = {"local_ns": "ns", "exch_ms": "ms"}
LEVEL = re.compile(r"(bid|ask)_(px|sz)(\d+)")
COLUMNS = {"bid_price": "bid_px", "bid_size": "bid_sz", "ask_price": "ask_px", "ask_size": "ask_sz"}
SIZES = ("qty", "size")
FLAGS = {"0": False, "false": False, "1": True, "true": True}


def read_depth(path: Path) -> Depth:
    """Return the book that a file holds; a level whose price is empty is empty."""
    frame = _read(path)
    levels = _levels(path, list(frame.columns))
    sides = {
        side: _numbers(path, frame, [f"{column}{level}" for level in range(1, levels + 1)])
        for side, column in COLUMNS.items()
    }
    for side in ("bid", "ask"):
        empty = np.isnan(sides[f"{side}_price"])
        sides[f"{side}_size"] = np.where(empty, 0.0, sides[f"{side}_size"])
    return Depth(time=_times(path, frame), **sides, source=str(path))


def read_trades(path: Path) -> Trades:
    """Return the trades that a file holds."""
    frame = _read(path)
    size = next((name for name in SIZES if name in frame), SIZES[0])
    _need(path, frame, ["price", size, "buyer_is_maker"])
    flags = frame["buyer_is_maker"].astype(str).str.strip().str.lower().map(FLAGS)
    if flags.isna().any():
        row = int(np.flatnonzero(flags.isna())[0])
        raise BadMarketData(
            f"{path}, row {row + 1}: buyer_is_maker must be true or false, was "
            f"{frame['buyer_is_maker'].iloc[row]!r}"
        )
    return Trades(
        time=_times(path, frame),
        price=_numbers(path, frame, ["price"])[:, 0],
        size=_numbers(path, frame, [size])[:, 0],
        buyer_is_maker=flags.to_numpy(dtype=np.bool_),
        source=str(path),
    )


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise BadMarketData(f"order books and trades must be .csv or .parquet, was {path}")
    try:
        frame = pd.read_csv(path) if kind == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise BadMarketData(f"{path}: must be a whole file that can be read: {error}") from error
    if frame.empty:
        raise BadMarketData(f"{path}: at least one event is needed, the file has none")
    return frame


def _need(path: Path, frame: "pd.DataFrame", names: list[str]) -> None:
    missing = [name for name in names if name not in frame]
    if missing:
        raise BadMarketData(
            f"{path}: columns {', '.join(names)} are needed, {', '.join(missing)} is missing; "
            f"there is {', '.join(frame.columns)}"
        )


def _levels(path: Path, columns: list[str]) -> int:
    """Return how many levels there are; all four columns of each are needed."""
    found = [match for match in map(LEVEL.fullmatch, columns) if match]
    deepest = max((int(match[3]) for match in found), default=1)
    needed = [f"{column}{level}" for level in range(1, deepest + 1) for column in COLUMNS.values()]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise BadMarketData(
            f"{path}: every level of a book needs its price and size on both sides, missing "
            f"is {', '.join(missing)}. Name them bid_px1, bid_sz1, ask_px1, ask_sz1 and so on"
        )
    return deepest


def _times(path: Path, frame: "pd.DataFrame") -> TimeArray:
    import pandas as pd

    clock = next((name for name in CLOCKS if name in frame), None)
    if clock is None:
        raise BadMarketData(
            f"{path}: a column {' or '.join(CLOCKS)} is needed for the time, there is "
            f"{', '.join(frame.columns)}"
        )
    needed = f"{path}: {clock} must be whole {CLOCKS[clock]} since 1970"
    if frame[clock].dtype.kind not in "iu":
        raise BadMarketData(f"{needed}, was {frame[clock].dtype}")
    try:
        return pd.to_datetime(frame[clock], unit=CLOCKS[clock]).dt.as_unit("ns").to_numpy()
    except ValueError as error:
        raise BadMarketData(f"{needed}: {error}") from error


def _numbers(path: Path, frame: "pd.DataFrame", names: list[str]) -> FloatArray:
    try:
        return frame[names].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadMarketData(f"{path}: {', '.join(names)} must be numbers: {error}") from error
