"""One CSV or Parquet file of bars as a table under our own column names.

time                 when the bar was: text or a date, with or without a time zone
symbol               ticker; a file without this column holds one symbol, named by the file
file, row, written   where a line came from and its time as written, for errors to say so
numbers              open, high, low, close, adj_close, volume, price_factor, split_factor, spread,
                     borrow_rate, iv; split and dividend are read only where they are wanted
halted               whether nobody could trade at the price of the bar
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import BoolArray
from benbot.envs.errors import BadMarketData

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = (
    *("open", "high", "low", "close", "adj_close"),
    *("volume", "price_factor", "split_factor", "spread", "borrow_rate", "iv"),
)
FACTORS = ("price_factor", "split_factor")
ACTIONS = ("split", "dividend")
CELLS = (*NUMBERS, *ACTIONS, "halted", "sector")
TEXTS = {"time", "symbol"}  # in which NA is no empty cell
NAMES = {
    **dict.fromkeys(("date", "ts", "timestamp", "datetime", "time"), "time"),
    **dict.fromkeys(("symbol", "ticker"), "symbol"),
    **dict.fromkeys(("adj_close", "adjclose", "adjusted_close"), "adj_close"),
    **{name: name for name in CELLS},
}
# Whoever has one of these for some bars only would mix adjusted with raw, or ranges with none.
ALL_OR_NONE = ("open", "high", "low", "adj_close", *FACTORS)
SUFFIXES = (".csv", ".csv.gz", ".parquet")
# Cells that mean "not known"; in a column of tickers NA and NAN are companies.
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A")


@dataclass(frozen=True, eq=False)
class PriceTable:
    """Bars of one or more files, one per line of `frame`, and the files they came from."""

    frame: "pd.DataFrame"
    paths: tuple[Path, ...]

    def keep(self, kept: "BoolArray | pd.Series[bool]") -> "PriceTable":
        return replace(self, frame=self.frame[kept])

    def assign(self, **columns: "NDArray[Any] | pd.Series[Any]") -> "PriceTable":
        return replace(self, frame=self.frame.assign(**columns))

    def drop(self, columns: Iterable[str]) -> "PriceTable":
        return replace(self, frame=self.frame.drop(columns=list(columns), errors="ignore"))

    def refuse(self, bad: "BoolArray | pd.Series[bool]", message: str) -> None:
        """Raise at the first bad line; `{close}` in the message stands for its close."""
        which = np.flatnonzero(np.asarray(bad, dtype=np.bool_))
        if not which.size:
            return
        line = self.frame.iloc[int(which[0])]
        path = self.paths[line["file"]]
        # An editor counts the header as line 1; a Parquet file has rows and no header.
        place = f"row {line['row'] + 1}" if _is_parquet(path) else f"line {line['row'] + 2}"
        more = f" ({which.size - 1} more like it)" if which.size > 1 else ""
        when = str(line["written"]).removesuffix(" 00:00:00")
        raise BadMarketData(
            f"{path}, {place}, {line['symbol']} at {when}: "
            f"{message.format_map(line.to_dict())}{more}"
        )


def find_files(path: Path) -> tuple[Path, ...]:
    """Return the file, or the CSV and Parquet files of the folder in order of name."""
    path = path.expanduser()
    if path.is_file() and not path.name.lower().endswith(SUFFIXES):
        raise BadMarketData(f"market data must be {' or '.join(SUFFIXES)}, was {path}")
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise BadMarketData(
            f"market data needs a file or a folder, nothing is at {path.absolute()}. Check the path"
        )
    found = sorted(f for f in path.iterdir() if f.name.lower().endswith(SUFFIXES))
    files = tuple(f for f in found if f.is_file() and not f.name.startswith("."))
    if not files:
        raise BadMarketData(
            f"a folder of market data needs one {' or '.join(SUFFIXES)} file per symbol, "
            f"{path} has none"
        )
    return files


def read_table(
    path: Path, names: dict[str, str] = NAMES, needed: tuple[str, ...] = ("time", "close")
) -> PriceTable:
    """Read one file and check that it has bars, what is needed and a symbol for each bar.

    names    our name for each column of use, by what a file may call it
    """
    frame = _read_parquet(path, names) if _is_parquet(path) else _read_csv(path, names)
    for one in needed:
        if one not in frame:
            accepted = [name for name, ours in names.items() if ours == one]
            raise BadMarketData(
                f"{path}: a column {' or '.join(accepted)} is needed, its columns of use are "
                f"{', '.join(frame.columns) or 'none'}. Rename the one that holds the {one}"
            )
    lacking = [name for name in ("open", "high", "low") if name not in frame]
    if len(lacking) in (1, 2):
        raise BadMarketData(
            f"{path}: open, high and low are needed together, or none of them, was without "
            f"{' and '.join(lacking)}. Add what is missing or remove the rest"
        )
    if frame.empty:
        raise BadMarketData(f"{path}: at least one bar is needed, the file has none")
    if "symbol" not in frame:
        frame = frame.assign(symbol=_stem(path))
    frame = frame.assign(file=0, row=np.arange(len(frame)), written=frame["time"])
    table = PriceTable(frame, (path,))
    symbol = frame["symbol"].astype(str).str.strip()
    unnamed = frame["symbol"].isna() | (symbol == "")
    table.refuse(unnamed, "every bar needs a symbol, this one has none")
    return table.assign(symbol=symbol)


def join(tables: Iterable[PriceTable], also: tuple[str, ...] = ()) -> PriceTable:
    """Return the bars of all tables as one; all must know the same prices and adjustments.

    also   further columns that all tables must have, or none
    """
    import pandas as pd

    tables = list(tables)
    first = tables[0]
    for table in tables:
        shared = (*ALL_OR_NONE, *also)
        differing = [c for c in shared if (c in table.frame) != (c in first.frame)]
        if differing:
            has, lacks = (table, first) if differing[0] in table.frame else (first, table)
            raise BadMarketData(
                f"all files need the same columns of prices: {has.paths[0]} has {differing[0]}, "
                f"{lacks.paths[0]} has not. Complete the one or remove the column from the other"
            )
    frames = [table.frame.assign(file=number) for number, table in enumerate(tables)]
    return PriceTable(
        pd.concat(frames, ignore_index=True), tuple(table.paths[0] for table in tables)
    )


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


def _stem(path: Path) -> str:
    suffix = max((s for s in SUFFIXES if path.name.lower().endswith(s)), key=len)
    return path.name[: -len(suffix)]


def _known_columns(path: Path, header: list[str], ours: dict[str, str]) -> dict[int, str]:
    """Map the position of each column of use to our name for it."""
    plain = ["_".join(name.strip().lower().replace("-", " ").split()) for name in header]
    known = {i: ours[name] for i, name in enumerate(plain) if name in ours}
    names = list(known.values())
    for name in names:
        if names.count(name) > 1:
            twice = [header[i] for i, own in known.items() if own == name]
            raise BadMarketData(
                f"{path}: one column for the {name} is needed, was {' and '.join(twice)}"
            )
    return known


def _read_csv(path: Path, names: dict[str, str]) -> "pd.DataFrame":
    import pandas as pd

    try:
        head = pd.read_csv(path, header=None, nrows=1, dtype=str)
        known = _known_columns(path, head.iloc[0].fillna("").tolist(), names)
        with catch_warnings():
            # By default pandas drops cells that stand beyond the header, and says so softly.
            simplefilter("error", pd.errors.ParserWarning)
            # All columns are read, because unread ones are not checked for length either.
            frame = pd.read_csv(
                path,
                header=0,
                names=[known.get(i, f"unused {i}") for i in range(head.shape[1])],
                dtype=dict.fromkeys(("time", "symbol", "sector"), str),
                na_values={name: list(MISSING) for name in set(names.values()) - TEXTS},
                keep_default_na=False,
                index_col=False,
                low_memory=False,
            )
    except pd.errors.EmptyDataError as error:
        raise BadMarketData(f"{path}: at least one bar is needed, the file is empty") from error
    except (OSError, EOFError) as error:
        raise BadMarketData(f"{path}: must be a whole file that can be read: {error}") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise BadMarketData(
            f"{path}: must be CSV in UTF-8 with as many cells in a line as the header has: {error}"
        ) from error
    return frame[list(known.values())]


def _read_parquet(path: Path, names: dict[str, str]) -> "pd.DataFrame":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        header = pq.read_schema(path).names
        known = _known_columns(path, header, names)
        arrow = pq.read_table(path, columns=[header[i] for i in known])
    except (pa.ArrowInvalid, OSError) as error:
        raise BadMarketData(f"{path}: must be a Parquet file: {error}") from error
    # An index that pandas stored is a column like any other here.
    frame: pd.DataFrame = arrow.to_pandas(ignore_metadata=True, date_as_object=False)
    return frame.rename(columns={header[i]: name for i, name in known.items()})
