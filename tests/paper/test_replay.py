"""A market that is played: when its bars are, how fast it goes, and that nothing is shown early."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.paper.hours import NEVER, hours_of, to_datetime, to_stamp
from benbot.paper.replay import Pace, Playback
from tests.paper.emulator.calendar import NEW_YORK, VirtualClock
from tests.paper.scenes import FREE, HALF_HOUR, MONDAY, market_of, step_times

MINUTE = timedelta(minutes=1)


def closes_at(*times: datetime, session: list[int] | None = None) -> Market:
    stamps = np.array([to_stamp(time) for time in times])
    close = 100.0 + np.arange(len(times))[:, None]
    prices = {"open": close - 0.5, "high": close + 1.0, "low": close - 1.0, "close": close}
    return market_from_prices(
        stamps, ("A",), prices, session=None if session is None else np.array(session)
    )


def new_york(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK)


def test_bars_within_a_session_follow_each_other() -> None:
    times = step_times(13)
    hours = hours_of(market_of(times))
    assert [to_datetime(start) for start in hours.starts] == [begin for begin, _ in times]
    assert [to_datetime(end) for end in hours.ends] == [end for _, end in times]
    assert hours.is_first.sum() == hours.is_last.sum() == 6


def test_a_bar_of_a_day_lasts_as_long_as_a_session() -> None:
    hours = hours_of(closes_at(new_york(5, 16), new_york(6, 16), new_york(7, 16)))
    assert to_datetime(hours.starts[1]) == new_york(6, 9, 30)
    assert hours.is_open(new_york(6, 10))
    assert not hours.is_open(new_york(6, 9))
    assert hours.next_open(new_york(5, 17)) == new_york(6, 9, 30)
    assert hours.next_close(new_york(5, 17)) == new_york(6, 16)


def test_a_short_day_ends_early() -> None:
    hours = hours_of(closes_at(new_york(25, 16, 0, 11), new_york(27, 13, 0, 11)))
    assert not hours.is_open(new_york(27, 13, 0, 11))
    assert hours.is_open(new_york(27, 12, 59, 11))


@pytest.mark.parametrize(("month", "day", "before", "after"), [(3, 9, 21, 20), (11, 2, 20, 21)])
def test_a_session_is_where_the_market_says_when_clocks_change(
    month: int, day: int, before: int, after: int
) -> None:
    friday, monday = new_york(day, 16, 0, month) - timedelta(days=3), new_york(day, 16, 0, month)
    hours = hours_of(closes_at(friday, monday))
    assert [to_datetime(end).hour for end in hours.ends] == [before, after]
    assert hours.next_open(friday) == new_york(day, 9, 30, month)


def test_a_market_that_never_closes_is_always_open() -> None:
    midnights = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9)]
    hours = hours_of(closes_at(*midnights, session=list(range(8))))
    assert hours.is_open(midnights[3] + MINUTE)
    assert hours.is_open(midnights[3])


def test_moments_are_counted_at_their_time_and_not_before() -> None:
    hours = hours_of(closes_at(new_york(5, 16), new_york(6, 16)))
    instant = timedelta(microseconds=1)
    assert hours.n_moments(new_york(6, 9, 30) - instant) == 2
    assert hours.n_moments(new_york(6, 9, 30)) == 3
    assert hours.n_moments(new_york(6, 16)) == 4
    assert hours.time_of(3) == new_york(6, 16)


def test_a_market_that_has_ended_never_opens() -> None:
    now = new_york(6, 16)
    playback = Playback(closes_at(new_york(5, 16), now), FREE, lambda: now)
    clock = playback.clock()
    assert (clock.is_open, clock.next_open, clock.next_close) == (False, NEVER, NEVER)


def test_times_of_numpy_and_of_python_are_the_same() -> None:
    assert to_datetime(to_stamp(MONDAY)) == MONDAY


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0, 23_400.0])
def test_a_market_goes_as_fast_as_it_is_told(speed: float) -> None:
    clock = VirtualClock(datetime(2030, 5, 5, tzinfo=UTC))
    pace = Pace(MONDAY, clock.now, speed)
    playback = Playback(market_of(step_times(13)), FREE, clock, pace)
    assert playback.now() == MONDAY
    clock.advance(seconds=1800.0 / speed)
    assert abs(playback.now() - (MONDAY + HALF_HOUR)) < timedelta(milliseconds=20)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), 1e8])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    with pytest.raises(InvalidParameter, match="speed must be above 0 and at most"):
        Pace(MONDAY, MONDAY, speed)


def test_a_clock_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 5)  # noqa: DTZ001
    playback = Playback(market_of(step_times(13)), FREE, lambda: naive)
    with pytest.raises(InvalidParameter, match="the clock's time must be a time with a zone"):
        playback.now()


def test_a_quote_shows_the_open_within_a_bar_and_the_close_after_it() -> None:
    clock = VirtualClock(new_york(6, 9, 29))
    playback = Playback(closes_at(new_york(5, 16), new_york(6, 16)), FREE, clock)
    assert playback.quotes(["A"])["A"].mid == 100.0
    assert playback.quotes(["A"])["A"].time == new_york(5, 16)
    clock.now = new_york(6, 12)
    assert playback.quotes(["A"])["A"].mid == 100.5
    assert playback.quotes(["A"])["A"].time == clock.now
    clock.now = new_york(6, 16)
    assert playback.quotes(["A"])["A"].mid == 101.0
    assert playback.quotes(["NOWHERE"]) == {}


def test_nothing_that_is_shown_depends_on_what_comes_later() -> None:
    times = step_times(13)
    whole = market_of(times)
    clock = VirtualClock(MONDAY)
    for k in (1, 5, 13, 20):
        changed = np.array(whole.close)
        changed[k + 1 :] *= 3.0
        opened, highest = np.array(whole.open), np.array(whole.close)
        opened[k + 1 :] *= 3.0
        highest[k + 1 :] *= 3.0
        changed[k], highest[k] = 500.0, 600.0  # the bar that is on: only its open is known
        prices = {"open": opened, "close": changed, "low": np.minimum(opened, changed)}
        prices["high"] = np.maximum(highest, np.maximum(opened, changed))
        other = market_from_prices(whole.timestamps, whole.symbols, prices, session=whole.session)
        clock.now = times[k][0] + MINUTE
        shown = [Playback(market, FREE, clock).quotes(whole.symbols) for market in (whole, other)]
        assert shown[0] == shown[1]


def test_a_halted_symbol_is_quoted_as_of_its_last_bar() -> None:
    market = closes_at(new_york(5, 16), new_york(6, 16))
    halted = np.array([[False], [True]])
    market = replace(market, halted=halted)
    playback = Playback(market, FREE, lambda: new_york(6, 12))
    assert playback.quotes(["A"])["A"].age(new_york(6, 12)) == 2.5 * 3600
