"""Bars of Alpaca as an account hears them: closed ones alone, each of them once and for all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.errors import (
    BadConfig,
    BadMarketData,
    InvalidParameter,
    RunMismatch,
    VenueUnavailable,
)
from benbot.envs.market.market import Market, market_from_prices
from benbot.paper.alpaca.bar_file import BarFile
from benbot.paper.alpaca.bar_source import BarSource
from benbot.paper.alpaca.bars import AlpacaBars
from benbot.paper.alpaca.schedule import Schedule
from benbot.paper.alpaca.timeframe import Timeframe, timeframe_of
from benbot.paper.alpaca.told import Universe
from benbot.paper.venue import VenueClock
from tests.paper.emulator.broker import Broker
from tests.paper.emulator.calendar import NEW_YORK, Sessions, VirtualClock
from tests.paper.emulator.market import Exchange
from tests.paper.markets_at_alpaca import SYMBOLS, drawn_market, sessions

N_KNOWN, N_DAYS = 10, 14
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ABOUT: dict[str, object] = {"symbols": SYMBOLS, "timeframe": "1Day"}


class Scene:
    """What Alpaca knows, and an account that hears of it without a network in between."""

    def __init__(self, path: Path, market: Market, minutes: int | None = None) -> None:
        self.path, self.market, self.minutes = path, market, minutes
        self.clock = VirtualClock(datetime(2025, 12, 1, 12, tzinfo=UTC))
        self.broker = Broker(self.clock, sessions=sessions())
        self.exchange = Exchange(market, self.broker, minutes)
        self.source = BarSource(self, self, "iex")  # type: ignore[arg-type]
        self.is_down = False
        self.n_asked = 0
        self.bars = self.opened()

    def opened(self) -> AlpacaBars:
        timeframe = Timeframe(self.minutes)
        universe = Universe(SYMBOLS, ("unknown",) * len(SYMBOLS), timeframe, np.zeros(len(SYMBOLS)))
        file = BarFile(self.path, ABOUT)
        return AlpacaBars(universe, self.source, file, (self.clock, self.venue_clock))

    def get(self, path: str, fields: dict[str, object]) -> object:
        """Answer as a wire does."""
        if self.is_down:
            raise VenueUnavailable("connection refused")
        self.n_asked += 1
        version = "/v1" if path == "/corporate-actions" else "/v2"
        asked = {name: str(value) for name, value in fields.items()}
        return self.exchange.answer(version + path, asked)

    def close(self) -> None:
        """Do what a wire does at the end."""

    def venue_clock(self) -> VenueClock:
        said, now = self.broker.sessions.as_json(self.clock()), self.clock()
        times = (datetime.fromisoformat(str(said[name])) for name in ("next_open", "next_close"))
        return VenueClock(now, bool(said["is_open"]), *times)

    def at(self, t: int, after: timedelta) -> None:
        """Let it be so long after the end of bar `t`."""
        self.clock.now = self.exchange.ends[t] + after


@contextmanager
def heard(
    folder: Path, market: Market | None = None, minutes: int | None = None
) -> Iterator[Scene]:
    """Yield an account that has heard the first bars."""
    scene = Scene(folder / "bars.db", market or drawn_market(5, N_DAYS), minutes)
    scene.at(N_KNOWN - 1, timedelta(hours=2))
    scene.bars.begin(N_KNOWN)
    yield scene
    scene.bars.close()


def test_history_is_what_was_traded(folder: Path) -> None:
    with heard(folder) as scene:
        assert scene.bars.n_closed() == N_KNOWN
        told, market = scene.bars.until(N_KNOWN), scene.market.until(N_KNOWN)
        for name in ("timestamps", "session", "open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(getattr(told, name), getattr(market, name))
        assert told.origin.source == "alpaca"


def test_a_bar_that_forms_is_none_and_one_that_has_just_ended_neither(folder: Path) -> None:
    with heard(folder) as scene:
        for after in (-6 * timedelta(hours=1), -SECOND, SECOND, 9 * SECOND):
            scene.at(N_KNOWN, after)
            assert scene.bars.n_closed() == N_KNOWN
        scene.at(N_KNOWN, 10 * SECOND)
        assert scene.bars.n_closed() == N_KNOWN + 1
        expected = scene.market.close[N_KNOWN]
        np.testing.assert_array_equal(scene.bars.until(N_KNOWN + 1).close[-1], expected)
        with pytest.raises(InvalidParameter, match="1 to 11 bars that have closed, was 12"):
            scene.bars.until(N_KNOWN + 2)


def test_what_is_missing_is_waited_for_and_then_did_not_trade(folder: Path) -> None:
    with heard(folder) as scene:
        scene.exchange.unlisted.add(("CCC", N_KNOWN))
        scene.at(N_KNOWN, MINUTE)
        assert scene.bars.n_closed() == N_KNOWN
        scene.at(N_KNOWN, 10 * MINUTE)
        assert scene.bars.n_closed() == N_KNOWN + 1
        told = scene.bars.until(N_KNOWN + 1)
        assert list(told.tradable[-1]) == [symbol != "CCC" for symbol in SYMBOLS]
        assert np.isnan(told.close[-1, 2])
        scene.exchange.unlisted.clear()  # too late
        assert np.isnan(scene.bars.until(N_KNOWN + 1).close[-1, 2])
        scene.at(N_KNOWN + 1, MINUTE)  # it is missed no longer
        assert scene.bars.n_closed() == N_KNOWN + 2


def test_a_bar_that_comes_late_is_heard_when_it_comes(folder: Path) -> None:
    with heard(folder) as scene:
        scene.exchange.late = 3 * MINUTE
        scene.at(N_KNOWN, 2 * MINUTE)
        assert scene.bars.n_closed() == N_KNOWN
        scene.at(N_KNOWN, 4 * MINUTE)
        assert scene.bars.n_closed() == N_KNOWN + 1
        assert scene.bars.until(N_KNOWN + 1).tradable.all()


def test_rows_in_any_order_and_more_than_once_are_the_same_bars(folder: Path) -> None:
    def shuffled(rows: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
        rng = np.random.default_rng(0)
        return {
            symbol: [listed[i] for i in rng.permutation(np.repeat(np.arange(len(listed)), 3))]
            for symbol, listed in rows.items()
        }

    scene = Scene(folder / "bars.db", drawn_market(5, N_DAYS))
    scene.at(N_KNOWN - 1, timedelta(hours=2))
    scene.exchange.distort = shuffled
    scene.bars.begin(N_KNOWN)
    np.testing.assert_array_equal(scene.bars.until(N_KNOWN).close, scene.market.close[:N_KNOWN])
    assert scene.source.counts["twice"] == 2 * N_KNOWN * len(SYMBOLS)
    scene.bars.close()


@pytest.mark.parametrize(
    "broken",
    [
        *({"c": None}, {"c": -1.0}, {"c": "x"}, {"h": 1.0}, {"v": -3}, {"v": float("nan")}),
        *({"t": "yesterday"}, {"o": True}, {"l": float("inf")}, {"v": None}),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_is_left_out(broken: dict[str, object], folder: Path) -> None:
    with heard(folder) as scene:
        scene.exchange.distort = lambda rows: {
            symbol: [row | broken if symbol == "AAA" else row for row in listed]
            for symbol, listed in rows.items()
        }
        scene.at(N_KNOWN, 11 * MINUTE)
        assert scene.bars.n_closed() == N_KNOWN + 1
        assert list(scene.bars.until(N_KNOWN + 1).tradable[-1]) == [False] + 5 * [True]
        assert scene.source.counts["unread"] == 1


def test_what_was_told_stays_whatever_is_corrected(folder: Path) -> None:
    with heard(folder) as scene:
        before = scene.bars.until(N_KNOWN).digest
        scene.exchange.distort = lambda rows: {
            symbol: [{**row, "c": row["l"]} for row in listed] for symbol, listed in rows.items()
        }
        scene.bars.close()
        scene.bars = scene.opened()
        scene.bars.begin(N_KNOWN)
        assert scene.bars.until(N_KNOWN).digest == before
        scene.at(N_KNOWN + 2, MINUTE)  # three days later: all of them are heard at once
        assert scene.bars.n_closed() == N_KNOWN + 3
        assert scene.bars.until(N_KNOWN).digest == before


def test_who_does_not_answer_is_asked_again_and_nothing_is_lost(folder: Path) -> None:
    with heard(folder) as scene:
        scene.at(N_KNOWN, MINUTE)
        scene.is_down = True
        with pytest.raises(VenueUnavailable, match="connection refused"):
            scene.bars.n_closed()
        scene.is_down = False
        assert scene.bars.n_closed() == N_KNOWN  # asked a moment ago
        scene.clock.advance(seconds=5)
        assert scene.bars.n_closed() == N_KNOWN + 1


def test_history_comes_in_pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benbot.paper.alpaca.bar_source.ROWS_PER_PAGE", 7)
    with heard(folder) as scene:
        assert scene.n_asked == -(-N_KNOWN * len(SYMBOLS) // 7) + 1  # and once for splits
        np.testing.assert_array_equal(scene.bars.until(N_KNOWN).close, scene.market.close[:N_KNOWN])


# Splits and dividends.


def acted(market: Market, t: int, split: float, dividend: float) -> Market:
    """Return the market of the same traded prices with an action of the first symbol."""
    shape = market.close.shape
    splits, dividends = np.ones(shape), np.zeros(shape)
    splits[t, 0], dividends[t, 0] = split, dividend
    facts = {name: getattr(market, name) for name in ("open", "high", "low", "close", "volume")}
    return market_from_prices(
        market.timestamps,
        market.symbols,
        {name: np.array(fact) for name, fact in facts.items()}
        | {"split": splits, "dividend": dividends},
        session=market.session,
    )


def test_a_split_is_told_before_its_bar_opens_and_changes_no_price_before_it(folder: Path) -> None:
    market = acted(drawn_market(5, N_DAYS), N_KNOWN, 4.0, 0.5)
    with heard(folder, market) as scene:
        before = scene.bars.until(N_KNOWN)
        scene.clock.now = scene.exchange.begins[N_KNOWN]
        opening = scene.bars.opening(N_KNOWN)
        assert list(opening.actions["split"]) == [4.0] + 5 * [1.0]
        assert not opening.actions["dividend"].any()  # Alpaca's paper accounts are paid none
        scene.at(N_KNOWN, MINUTE)
        assert scene.bars.n_closed() == N_KNOWN + 1
        told = scene.bars.until(N_KNOWN + 1)
        assert told.until(N_KNOWN).digest == before.digest
        assert told.close[-1, 0] == 4.0 * market.close[N_KNOWN, 0]
        assert told.volume[-1, 0] == market.volume[N_KNOWN, 0] / 4.0
        traded = told.close[-1] * told.unadjusted[-1]
        np.testing.assert_array_equal(traded, market.close[N_KNOWN])
        assert told.split[-1, 0] == 4.0
        assert list(scene.bars.opening(N_KNOWN).actions["split"]) == [4.0] + 5 * [1.0]


def test_a_split_of_what_does_not_trade_that_day_comes_with_its_next_bar(folder: Path) -> None:
    market = acted(drawn_market(5, N_DAYS), N_KNOWN, 2.0, 0.0)
    with heard(folder, market) as scene:
        scene.exchange.unlisted.add(("AAA", N_KNOWN))
        scene.at(N_KNOWN + 1, 11 * MINUTE)
        assert scene.bars.n_closed() == N_KNOWN + 2
        assert list(scene.bars.until(N_KNOWN + 2).split[-2:, 0]) == [1.0, 2.0]


@pytest.mark.parametrize("broken", [{"new_rate": 0}, {"ex_date": "soon"}, {"old_rate": None}])
def test_a_split_that_cannot_be_read_lets_nothing_be_known(
    broken: dict[str, object], folder: Path
) -> None:
    market = acted(drawn_market(5, N_DAYS), N_KNOWN, 2.0, 0.0)
    with heard(folder, market) as scene:
        scene.exchange.distort = lambda rows: {
            kind: [row | broken for row in listed] for kind, listed in rows.items()
        }
        scene.clock.now = scene.exchange.begins[N_KNOWN]
        with pytest.raises(VenueUnavailable, match="one of its forward_splits"):
            scene.bars.opening(N_KNOWN)


# Sessions.


def begins(schedule: Schedule, day: date) -> list[str]:
    session = schedule.session(day)
    assert session is not None
    return [f"{bar.begins:%H:%M}" for bar in schedule.timeframe.bars(day, session)]


def test_half_days_and_changes_of_the_clocks_are_those_of_the_exchange() -> None:
    schedule = Schedule(Timeframe(30))
    assert begins(schedule, date(2025, 12, 24))[-1] == "17:30"  # closes at one in New York
    assert begins(schedule, date(2026, 3, 6))[0] == "14:30"
    assert begins(schedule, date(2026, 3, 9))[0] == "13:30"
    assert begins(schedule, date(2026, 10, 30))[0] == "13:30"
    assert begins(schedule, date(2026, 11, 2))[0] == "14:30"
    assert schedule.session(date(2026, 1, 19)) is None


@pytest.mark.parametrize(("day", "hour"), [(date(2026, 3, 6), 5), (date(2026, 3, 9), 4)])
def test_a_day_is_stamped_with_its_midnight_in_new_york(day: date, hour: int) -> None:
    timeframe = Timeframe(None)
    session = Schedule(timeframe).session(day)
    assert session is not None
    (bar,) = timeframe.bars(day, session)
    assert timeframe.stamp(bar) == datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_bars_before_and_after_a_moment_are_the_same_bars() -> None:
    schedule = Schedule(Timeframe(30))
    noon = datetime(2025, 12, 26, 12, tzinfo=NEW_YORK)
    last = schedule.last_bars(noon, 30)
    first = last[0].begins
    after = schedule.bars_from(first)
    assert [next(after) for _ in last] == last
    assert last[-1].ends == noon.astimezone(UTC)


def at_venue(scene: Scene, change: Callable[[Sessions], None]) -> None:
    change(scene.broker.sessions)


def test_a_session_that_the_venue_ends_early_is_over_then(folder: Path) -> None:
    with heard(folder) as scene:
        day = scene.exchange.days[N_KNOWN]
        at_venue(scene, lambda known: known.early.update({day: time(13)}))
        scene.clock.now = scene.exchange.begins[N_KNOWN] + MINUTE
        assert scene.bars.times(N_KNOWN).ends == datetime.combine(day, time(13), NEW_YORK)
        scene.bars.close()
        scene.bars = scene.opened()  # and it is kept
        scene.clock.now = datetime.combine(day, time(14), NEW_YORK)
        assert scene.bars.times(N_KNOWN).ends == datetime.combine(day, time(13), NEW_YORK)


def test_a_day_on_which_the_venue_stays_closed_is_no_bar(folder: Path) -> None:
    with heard(folder) as scene:
        day = scene.exchange.days[N_KNOWN]
        scene.exchange.unlisted |= {(symbol, N_KNOWN) for symbol in SYMBOLS}
        at_venue(scene, lambda known: known.closed.add(day))
        for minutes in range(0, 60, 10):
            scene.clock.now = scene.exchange.begins[N_KNOWN] + minutes * MINUTE
            times = scene.bars.times(N_KNOWN)
            assert not times.begins <= scene.clock.now < times.ends
            assert scene.bars.n_closed() == N_KNOWN
        assert scene.bars.times(N_KNOWN).begins == scene.exchange.begins[N_KNOWN + 1]
        scene.at(N_KNOWN + 1, MINUTE)
        assert scene.bars.n_closed() == N_KNOWN + 1
        told = scene.bars.until(N_KNOWN + 1)
        np.testing.assert_array_equal(told.close[-1], scene.market.close[N_KNOWN + 1])


def test_one_word_of_the_venue_that_it_is_closed_ends_no_session(folder: Path) -> None:
    with heard(folder) as scene:
        begin, day = scene.exchange.begins[N_KNOWN], scene.exchange.days[N_KNOWN]
        scene.clock.now = begin + MINUTE
        at_venue(scene, lambda known: known.closed.add(day))
        assert scene.bars.times(N_KNOWN).begins.year == 9999  # nothing is known of it
        at_venue(scene, lambda known: known.closed.clear())
        scene.clock.advance(seconds=30)
        times = scene.bars.times(N_KNOWN)
        assert (times.begins, times.ends) == (begin, scene.exchange.ends[N_KNOWN])


# What is refused.


def test_the_file_of_another_account_is_refused(folder: Path) -> None:
    with (
        heard(folder),
        pytest.raises(RunMismatch, match="the timeframe of its bars, 1Day, was 5Min"),
    ):
        BarFile(folder / "bars.db", {"timeframe": "5Min"})


def test_a_symbol_without_bars_is_refused(folder: Path) -> None:
    scene = Scene(folder / "bars.db", drawn_market(5, N_DAYS))
    scene.exchange.unlisted |= {("BBB", t) for t in range(N_DAYS)}
    scene.at(N_KNOWN - 1, timedelta(hours=2))
    with pytest.raises(BadMarketData, match="every symbol needs bars at Alpaca, BBB had none"):
        scene.bars.begin(N_KNOWN)
    scene.bars.close()


@pytest.mark.parametrize(("minutes", "name"), [(None, "1Day"), (30, "30Min"), (5, "5Min")])
def test_bars_are_as_long_as_those_of_the_configuration(minutes: int | None, name: str) -> None:
    assert timeframe_of(drawn_market(1, 3, minutes)).name == name


def test_bars_that_alpaca_cuts_elsewhere_are_refused() -> None:
    with pytest.raises(BadConfig, match=r"was 60 minutes\. Use resample: 30min or shorter"):
        timeframe_of(drawn_market(1, 3, 60))


def test_a_market_that_never_closes_is_refused() -> None:
    stamps = np.datetime64("2026-01-01") + np.arange(14)
    market = market_from_prices(stamps, ("AAA",), {"close": np.ones((14, 1))})
    with pytest.raises(BadConfig, match="a market that trades on all days of the week"):
        timeframe_of(market)
