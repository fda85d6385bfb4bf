"""Turning what files write into days or into instants in UTC.

A file holds days when all its times are midnight: without an offset, in the exchange's own
zone, or in UTC. Otherwise it holds instants, which need an offset or a named time zone.
"""

from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.errors import BadMarketData
from benbot.envs.market.table import PriceTable

if TYPE_CHECKING:
    import pandas as pd

OFFSET = r"\d\d:\d\d.*?(?P<offset>Z|[+-]\d\d(?::?\d\d)?)$"
ISO = "must be written like 2020-01-31, or 2020-01-31 14:30:00+00:00 within the day"
YEARS = (1800, 2200)


def parse_times(table: PriceTable) -> PriceTable:
    """Return the table with `time` as datetimes, in UTC where the file tells the offset.

    A column `offset` is added where the file changes its offset on the way.
    """
    from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

    written = table.frame["time"]
    if is_numeric_dtype(written):
        table.refuse(written.notna(), f"the time {ISO}, was the number {{written}}")
    if is_datetime64_any_dtype(written):
        table.refuse(written.isna(), f"the time {ISO}, was empty")
        times = written.dt.tz_convert("UTC") if written.dt.tz is not None else written
        parsed = table.assign(time=times)
    else:
        parsed = _parse_text(table)
    year = parsed.frame["time"].dt.year
    parsed.refuse(
        (year < YEARS[0]) | (year > YEARS[1]),
        f"the year must lie between {YEARS[0]} and {YEARS[1]}. Correct the date",
    )
    return parsed.assign(time=parsed.frame["time"].dt.as_unit("ns"))


def settle_times(table: PriceTable, zone: str, timezone: str | None) -> tuple[PriceTable, bool]:
    """Return the table with `time` as naive days, or as instants in UTC, and whether it is days.

    zone       where the exchange lives
    timezone   what times without an offset mean; without it they are refused
    """
    times = table.frame["time"]
    if times.dt.tz is None:
        if _all_midnight(times):
            return table, True
        return table.assign(time=_localize(table, zone, timezone)), False
    _refuse_mixed_offsets(table, {zone, timezone or zone})
    for midnight in (zone, "UTC"):
        local = times.dt.tz_convert(midnight).dt.tz_localize(None)
        if _all_midnight(local):
            return table.assign(time=local), True
    return table, False


def _parse_text(table: PriceTable) -> PriceTable:
    import pandas as pd

    text = table.frame["time"].astype(str).str.strip()
    offset = _offsets(text)
    aware = offset.notna()
    if aware.any():
        first = "has an offset" if aware.iloc[0] else "has none"
        other = "lacks one" if aware.iloc[0] else "has one"
        table.refuse(
            aware != aware.iloc[0],
            f"mixed timezones: the first time {first}, {{written}} {other}. Write all in UTC",
        )
    times = pd.to_datetime(text, format="ISO8601", utc=bool(aware.any()), errors="coerce")
    table.refuse(times.isna(), f"the time {ISO}, was {{written!r}}")
    if len(offset.unique()) > 1:
        return table.assign(time=times, offset=_as_timedelta(offset))
    return table.assign(time=times)


def _offsets(text: "pd.Series[str]") -> "pd.Series[str]":
    """Return the offset that each time ends with, missing where it has none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.extract_regex(pa.array(text, type=pa.string()), OFFSET)
    offset: pd.Series[str] = pc.struct_field(found, "offset").to_pandas()
    return offset.set_axis(text.index)


def _as_timedelta(offset: "pd.Series[str]") -> "pd.Series[pd.Timedelta]":
    import pandas as pd

    plain = offset.replace("Z", "+00").str.replace(":", "").str.ljust(5, "0")
    minutes = plain.str[1:3].astype(int) * 60 + plain.str[3:5].astype(int)
    return pd.to_timedelta(minutes.where(plain.str[0] == "+", -minutes), unit="min")


def _refuse_mixed_offsets(table: PriceTable, zones: set[str]) -> None:
    """Several offsets are one time zone with summer time, or a mistake."""
    if "offset" not in table.frame:
        return
    times = table.frame["time"]
    wall = times.dt.tz_localize(None) + table.frame["offset"]
    foreign = [times.dt.tz_convert(zone).dt.tz_localize(None) != wall for zone in sorted(zones)]
    if all(wrong.any() for wrong in foreign):
        table.refuse(
            foreign[0],
            f"mixed timezones: the offsets are not those of {' or '.join(sorted(zones))}. "
            "Write all times in UTC",
        )


def _all_midnight(times: "pd.Series[pd.Timestamp]") -> bool:
    return bool((times == times.dt.normalize()).all())


def _localize(table: PriceTable, zone: str, timezone: str | None) -> "pd.Series[pd.Timestamp]":
    times = table.frame["time"]
    if timezone is None:
        table.refuse(
            np.ones(len(times), dtype=np.bool_),
            f"times within the day need a time zone. Set timezone, for example {zone} or UTC",
        )
    try:
        localized: pd.Series[pd.Timestamp] = times.dt.tz_localize(timezone).dt.tz_convert("UTC")
    except ValueError as error:
        raise BadMarketData(
            f"{table.paths[0]}: times must exist once in {timezone}: {error}. "
            "Write them with an offset"
        ) from error
    return localized
