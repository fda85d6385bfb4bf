"""Longer bars made of the bars of a file: open first, high max, low min, close last, volume summed.

The bars of a session are counted from its opening, and the last one ends with the session, early
closes included, so that none lies in two sessions. A longer bar has the time of its end, like every
bar. It exists where a symbol has at least one bar in it, and only once it is over; what is missing
stays missing.
"""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from benbot.envs.arrays import TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.calendar import Sessions
from benbot.envs.market.table import PriceTable

if TYPE_CHECKING:
    import pandas as pd

WRITTEN = re.compile(r"([1-9]\d{0,3})(min|h)")
UNITS = {"min": np.timedelta64(1, "m"), "h": np.timedelta64(1, "h")}
NO_TIME = np.timedelta64(0, "ns")
# How each column of a longer bar comes from those within; `last` passes over empty cells.
MERGED = {
    **{"open": "first", "high": "max", "low": "min", "close": "last", "spread": "mean"},
    **{"halted": "max", "borrow_rate": "last", "sector": "last", "unadjusted": "last"},
    **{"session": "last", "iv": "last"},
}


def parse_length(written: str) -> np.timedelta64:
    """Return the length that `5min` or `1h` names.

    >>> parse_length("15min")
    np.timedelta64(15,'m')
    """
    found = WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError(f"must be a number of min or h, such as 5min or 1h, was {written!r}")
    return int(found[1]) * UNITS[found[2]]


def place_in_longer_bars(
    table: PriceTable,
    sessions: Sessions,
    own: np.timedelta64,
    wanted: np.timedelta64,
    known_until: np.datetime64,
) -> tuple[PriceTable, tuple[str, ...]]:
    """Return the bars with `bar`, the end of the longer bar that each lies in, and notes.

    table        placed bars: `start`, `time` and `session`
    own, wanted  how long these bars are, and how long the longer ones
    known_until  last moment that the files tell of; a longer bar that ends later is left out
    """
    _check_lengths(table, sessions, own, wanted)
    end = _ends(table, sessions, wanted)
    frame = table.frame
    table.refuse(
        frame["time"].to_numpy() > end,
        f"a bar must lie within one of the {_text(wanted)} bars, which begin with the session, "
        "this one lies in two. Set resample to another length, or leave it out",
    )
    over = end <= known_until
    if not over.any():
        last = np.datetime_as_string(known_until, unit="m")
        raise BadMarketData(
            f"{table.paths[0]}: a bar of {_text(wanted)} must be over by the end of the data, "
            f"{last} UTC, none is. Add data or set a shorter resample"
        )
    early = int(np.count_nonzero(~over))
    notes = (f"{early} bars at the end left out, because their {_text(wanted)} bar was not over",)
    return table.assign(bar=end).keep(over), notes if early else ()


def merge_bars(table: PriceTable) -> PriceTable:
    """Return one line per symbol and longer bar, from the traded bars within, prices adjusted.

    spread       mean of the known ones, each bar counting the same
    volume       sum; unknown where that of one bar within is
    halted       whether nobody could trade in one of them
    borrow_rate  the last known one, and so iv
    split        product; a dividend is counted in the units after all splits of the longer bar
    """
    frame = table.frame.sort_values(["symbol", "time"], kind="stable")
    same = [frame["symbol"], frame["bar"]]
    if "dividend" in frame:
        frame = frame.assign(dividend=_in_final_units(frame, same))
    how: dict[str, Any] = {name: rule for name, rule in MERGED.items() if name in frame}
    grouped = frame.groupby(["symbol", "bar"], sort=True)
    merged = grouped.agg(how | dict.fromkeys(("file", "row", "written"), "first"))
    for name in ("volume", "dividend"):
        if name in frame:
            merged[name] = grouped[name].sum()
    if "volume" in frame:
        known = frame["volume"].notna().groupby(same).all()
        merged["volume"] = merged["volume"].where(known)
    if "split" in frame:
        merged["split"] = grouped["split"].prod()
    return PriceTable(merged.reset_index().rename(columns={"bar": "time"}), table.paths)


def _in_final_units(frame: "pd.DataFrame", same: list["pd.Series[Any]"]) -> "pd.Series[float]":
    """Return dividends counted in the units after all splits of their longer bar."""
    so_far = frame["split"].groupby(same).cumprod()
    whole = so_far.groupby(same).transform("last")
    counted: pd.Series[float] = frame["dividend"] * (so_far / whole)
    return counted


def _check_lengths(
    table: PriceTable, sessions: Sessions, own: np.timedelta64, wanted: np.timedelta64
) -> None:
    path = table.paths[0]
    if wanted < own:
        raise BadMarketData(
            f"{path}: resample must not be finer than the bars of the file, which last "
            f"{_text(own)}, was {_text(wanted)}. Use a multiple of {_text(own)} or leave it out"
        )
    if wanted % own != NO_TIME:
        raise BadMarketData(
            f"{path}: resample must be a multiple of the bars of the file, which last "
            f"{_text(own)}, was {_text(wanted)}"
        )
    session = _usual_session(sessions)
    if session % wanted != NO_TIME:
        lengths = [n * own for n in range(1, session // own + 1) if session % (n * own) == NO_TIME]
        near = sorted(sorted(lengths, key=lambda length: abs(length - wanted))[:2])
        raise BadMarketData(
            f"{path}: resample must divide a session of {sessions.calendar}, which lasts "
            f"{_text(session)}, was {_text(wanted)}. Use {' or '.join(map(_text, near))}"
        )


def _usual_session(sessions: Sessions) -> np.timedelta64:
    """Return the most common length of a session; those with an early close are shorter."""
    lengths, counts = np.unique(sessions.closes - sessions.opens, return_counts=True)
    usual: np.timedelta64 = lengths[counts.argmax()]
    return usual


def _ends(table: PriceTable, sessions: Sessions, wanted: np.timedelta64) -> TimeArray:
    """Return the end of the longer bar in which each bar begins.

    Before the opening bars are counted back from it, after the close they are counted from there.
    """
    start, session = table.frame["start"].to_numpy(), table.frame["session"].to_numpy()
    opening, close = sessions.opens[session], sessions.closes[session]
    anchor = np.where(start < close, opening, close)
    end = anchor + ((start - anchor) // wanted + 1) * wanted
    ends: TimeArray = np.where(start < close, np.minimum(end, close), end)
    return ends


def _text(length: np.timedelta64) -> str:
    """Return a length the way a configuration writes it."""
    minutes = length / UNITS["min"]
    return f"{minutes:g}min"
