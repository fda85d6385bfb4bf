"""Moments as the store keeps them: microseconds since 1970 in UTC, the same in every database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from benbot.envs.arrays import AnyArray, IntArray
from benbot.envs.errors import BadRecord

Clock = Callable[[], datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000  # microseconds


def microseconds(moment: datetime) -> int:
    """Return a moment as the store keeps it; refuse one without a time zone."""
    if moment.tzinfo is None:
        raise BadRecord(f"a moment must name its time zone, was {moment.isoformat()}; say UTC")
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment_of(kept: int) -> datetime:
    """Return the moment, in UTC, that the store keeps as so many microseconds."""
    return EPOCH + timedelta(microseconds=kept)


def moment_at(stamp: np.datetime64) -> datetime:
    """Return a time of a market, which is in UTC, as a moment that says so."""
    return moment_of(int(stamp.astype("datetime64[us]").astype(np.int64)))


def written(kept: int) -> str:
    """Return a kept moment in words, to the second."""
    return moment_of(kept).isoformat(timespec="seconds")


def many_microseconds(name: str, moments: AnyArray | pd.Series) -> IntArray:
    """Return moments as the store keeps them; those of a zone are converted, others are UTC."""
    times = pd.to_datetime(
        pd.Series(np.asarray(moments) if isinstance(moments, np.ndarray) else moments), utc=True
    )
    if bool(times.isna().any()):
        raise BadRecord(f"{name} must be a time in every row, was missing in row {_first(times)}")
    return times.dt.as_unit("us").to_numpy(dtype="datetime64[us]").astype(np.int64)


def times_of(kept: IntArray) -> pd.Series:
    """Return kept moments as times in UTC."""
    return pd.Series(pd.to_datetime(np.asarray(kept, np.int64), unit="us", utc=True)).dt.as_unit(
        "us"
    )


def _first(times: pd.Series) -> int:
    return int(np.flatnonzero(times.isna().to_numpy())[0])
