"""Longer bars that cannot be made are refused, and the message says what would do."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from benbot.envs.market.files import FilesSource
from tests.envs.market.minutes import HAND, load, refusal, written


def test_a_finer_bar_than_the_file_has(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-02 09:{m},A,{m}\n" for m in range(30, 60, 5))
    path = written(tmp_path, "ts,symbol,close\n" + rows)
    assert refusal(path, resample="1min") == (
        f"{path}: resample must not be finer than the bars of the file, which last 5min, was 1min. "
        "Use a multiple of 5min or leave it out"
    )
    assert refusal(path, resample="13min") == (
        f"{path}: resample must be a multiple of the bars of the file, which last 5min, was 13min"
    )


def test_bars_that_do_not_divide_a_session(tmp_path: Path) -> None:
    path = written(tmp_path, HAND)
    assert refusal(path, resample="7min") == (
        f"{path}: resample must divide a session of XNYS, which lasts 390min, was 7min. "
        "Use 5min or 6min"
    )
    assert "Use 65min or 78min" in refusal(path, resample="1h")
    assert "Use 195min or 390min" in refusal(path, resample="780min")


def test_bars_that_lie_in_two_longer_ones_would_tell_the_future(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-02 {hour}:00,A,{hour}\n" for hour in range(10, 15))
    path = written(tmp_path, "ts,symbol,close\n" + rows)
    assert refusal(path, resample="195min") == (
        f"{path}: resample must be a multiple of the bars of the file, which last 60min, was 195min"
    )
    rows = "".join(f"2020-01-02 {hour}:{m},A,5\n" for hour in (10, 11) for m in ("07", "22"))
    path = written(tmp_path, "ts,symbol,close\n" + rows)
    assert refusal(path, resample="30min") == (
        f"{path}, line 3, A at 2020-01-02 10:22: a bar must lie within one of the 30min bars, "
        "which begin with the session, this one lies in two. Set resample to another length, or "
        "leave it out (1 more like it)"
    )


def test_days_are_not_made_longer(tmp_path: Path) -> None:
    path = written(tmp_path, "date,symbol,close\n2020-01-02,A,1\n2020-01-03,A,1\n")
    assert refusal(path, resample="15min") == (
        f"{path}: resample needs bars within the day, was 15min of days. Leave it out"
    )


@pytest.mark.parametrize("length", ["5", "0min", "5 min", "1d", "-5min", "1.5h", "5MIN", ""])
def test_a_length_must_be_written_as_minutes_or_hours(length: str) -> None:
    with pytest.raises(ValidationError, match="such as 5min or 1h"):
        FilesSource(path=Path("x.csv"), resample=length)


def test_minutes_without_a_zone_name_the_setting(tmp_path: Path) -> None:
    path = written(tmp_path, HAND)
    assert refusal(path, timezone=None, resample="5min") == (
        f"{path}, line 2, A at 2020-01-02 09:29: times within the day need a time zone. "
        "Set timezone, for example America/New_York or UTC (5 more like it)"
    )


def test_a_symbol_that_never_traded_in_regular_hours(tmp_path: Path) -> None:
    path = written(
        tmp_path, HAND + "2020-01-02 08:00,B,1,1,1,1,1,\n2020-01-02 16:00,B,1,1,1,1,1,\n"
    )
    assert refusal(path, symbols=("A", "B")) == (
        f"{path}: every symbol asked for needs a bar in the span and in the regular hours of XNYS, "
        "B had none. Change the span or the symbols, check timezone and stamp, or set hours: all"
    )
    market = load(path)
    assert market.symbols == ("A",)
    assert market.origin.notes[-1].endswith("left out: B (0)")
