"""The bars of a universe at Alpaca while it is traded (`paper.live_bars.LiveBars`).

A bar is believed when its end is past by a grace, so that none is used that still forms, and when
every symbol that traded in the bar before has it, or some patience is over: then what is missing
did not trade. What was told once is kept in a file and is told again whatever Alpaca corrects.

Bars are those of a schedule: the exchange's calendar, in which the venue's clock wins. Where it
says that it is closed while the calendar says otherwise, the session ends, begins later, or was
none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice, takewhile

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.tape import ACTION
from benbot.envs.errors import BadMarketData, InvalidParameter, RunMismatch
from benbot.envs.market.market import Market
from benbot.paper.alpaca.bar_file import BarFile
from benbot.paper.alpaca.bar_source import Action, BarSource, Rows
from benbot.paper.alpaca.schedule import Schedule, day_of
from benbot.paper.alpaca.timeframe import ScheduledBar, Session
from benbot.paper.alpaca.told import FIELDS, Told, Universe
from benbot.paper.autoloop import SKEW
from benbot.paper.hours import NEVER
from benbot.paper.live_bars import BarOpening, BarTimes
from benbot.paper.venue import Clock, VenueClock


@dataclass(frozen=True, slots=True)
class Belief:
    """When a bar is believed, and how often is asked.

    grace      after its end, before which it may still form
    patience   after its end, for symbols that traded in the bar before; at most half a bar
    apart      between two questions for the same bar, and between two looks at the venue's clock
    """

    grace: timedelta = timedelta(seconds=10)
    patience: timedelta = timedelta(minutes=10)
    apart: timedelta = timedelta(seconds=5)


class AlpacaBars:
    """The bars of one account; `begin` once, `close` at the end.

    universe   what is traded
    now        the time of this machine
    heed       the venue's clock
    """

    def __init__(
        self,
        universe: Universe,
        source: BarSource,
        file: BarFile,
        clocks: tuple[Clock, Callable[[], VenueClock]],
        belief: Belief | None = None,
    ) -> None:
        self.symbols, self.name = universe.symbols, universe.timeframe.name
        self._source, self._file, self._belief = source, file, belief or Belief()
        self._now, self._heed = clocks
        self._told = Told(universe)
        file.read(self._told)
        self._schedule = Schedule(universe.timeframe, file.sessions())
        self._asked_at: datetime | None = None
        self._heeded_at: datetime | None = None
        self._is_doubtful = False  # whether the venue said once that it is closed

    def begin(self, n_bars: int) -> None:
        """Hear the last `n_bars` bars, unless the account has begun already."""
        if len(self._told):
            return
        bars = self._schedule.last_bars(self._now() - self._belief.grace, n_bars)
        rows = self._asked(bars)
        heard = [(bar, self._prices(rows, bar)) for bar in bars]
        heard = [(bar, prices) for bar, prices in heard if not np.isnan(prices).all()]
        _require_all(self.symbols, [prices for _, prices in heard])
        self._tell(heard)

    def require(self, t: int) -> None:
        """Refuse bars among which bar `t`, at whose close the account stands, is not kept."""
        if t >= len(self._told):
            raise RunMismatch(
                f"an account must go on with the bars that it was told, it stands at bar {t} and "
                f"{len(self._told)} are kept. Bring back their file, or begin another account"
            )

    def last_close(self) -> datetime:
        """Return when the last bar closed that was told, without asking anybody."""
        return self._told.times(len(self._told) - 1).ends

    def n_closed(self) -> int:
        self._hear()
        return len(self._told)

    def until(self, n_bars: int) -> Market:
        if not 0 < n_bars <= len(self._told):
            raise InvalidParameter(
                f"a market must be of 1 to {len(self._told)} bars that have closed, was {n_bars}"
            )
        return self._told.market(n_bars)

    def times(self, t: int) -> BarTimes:
        if t < len(self._told):
            return self._told.times(t)
        self._look_at_venue()
        bar = self._coming(t)
        if bar is None or self._is_doubtful:
            return BarTimes(NEVER, NEVER)
        return BarTimes(bar.begins, bar.ends)

    def opening(self, t: int) -> BarOpening:
        bar = self._told.bars[t] if t < len(self._told) else self._coming(t)
        if bar is None:
            raise InvalidParameter(f"bar {t} must be in the calendar, which ends before it")
        actions = np.zeros(len(self.symbols), ACTION)
        actions["split"] = 1.0
        if self._is_first(t, bar):
            self._learn([bar.day])
            actions["split"] = self._told.splits(bar.day)
        return BarOpening(actions, self._session(t, bar))

    def close(self) -> None:
        """Let go of file and connections."""
        self._file.close()
        self._source.close()

    # What has closed.

    def _hear(self) -> None:
        """Ask for the bars that are due, and tell those that are believed."""
        self._look_at_venue()
        now = self._now()
        due = list(takewhile(lambda bar: bar.ends + self._belief.grace <= now, self._later()))
        if not due or not _is_over(self._asked_at, now, self._belief.apart):
            return
        self._asked_at = now
        rows = self._asked(due)
        heard: list[tuple[ScheduledBar, FloatArray]] = []
        for bar in due:
            prices = self._prices(rows, bar)
            before = heard[-1][1] if heard else self._told.prices[-1]
            if not self._is_believed(bar, prices, before, now):
                break
            if np.isnan(prices).all() and self._schedule.is_corrected(bar.day):
                self._correct(bar.day, self._without(bar))  # the venue was closed
                break
            heard.append((bar, prices))
        self._tell(heard)

    def _is_believed(
        self, bar: ScheduledBar, prices: FloatArray, before: FloatArray, now: datetime
    ) -> bool:
        is_missing = np.isnan(prices[:, 0]) & ~np.isnan(before[:, 0])
        patience = min(self._belief.patience, (bar.ends - bar.begins) / 2)
        return not is_missing.any() or now >= bar.ends + patience

    def _without(self, bar: ScheduledBar) -> Session | None:
        """Return what is left of a session whose bar `bar` never was, and none after it."""
        session = self._schedule.session(bar.day)
        if session is None or bar.begins <= session.opens:
            return None
        return Session(session.opens, bar.begins)

    def _asked(self, bars: list[ScheduledBar]) -> Rows:
        timeframe = self._schedule.timeframe
        first, last = timeframe.stamp(bars[0]), timeframe.stamp(bars[-1])
        return self._source.bars(self.symbols, timeframe, first, last)

    def _prices(self, rows: Rows, bar: ScheduledBar) -> FloatArray:
        """Return what is known of a bar, (S, 5); NaN where a symbol did not trade."""
        stamp = self._schedule.timeframe.stamp(bar)
        prices = np.full((len(self.symbols), len(FIELDS)), np.nan)
        for s, symbol in enumerate(self.symbols):
            row = rows.get((symbol, stamp))
            if row is not None:
                prices[s] = row
        return prices

    def _tell(self, heard: list[tuple[ScheduledBar, FloatArray]]) -> None:
        """Keep bars, then tell them."""
        if not heard:
            return
        self._learn(sorted({bar.day for bar, _ in heard}))
        self._file.add(len(self._told), heard)
        for bar, prices in heard:
            self._told.add(bar, prices)

    # Splits.

    def _learn(self, days: list[date]) -> None:
        """Ask for the splits and dividends of days, once; those of days to come are not kept."""
        today = day_of(self._now())
        unknown = [day for day in days if day not in self._told.known and day <= today]
        if not unknown:
            return
        found = _merged(self._source.actions(self.symbols, unknown[0], unknown[-1]))
        found = [one for one in found if one.day in set(unknown)]
        self._file.add_days(unknown, found)
        for day in unknown:
            self._told.note_day(day)
        for one in found:
            self._told.note_action(one)

    # What is to come.

    def _later(self) -> Iterable[ScheduledBar]:
        """Return the bars after those that were told."""
        return self._schedule.bars_from(self._told.bars[-1].ends)

    def _coming(self, t: int) -> ScheduledBar | None:
        return next(islice(self._later(), t - len(self._told), None), None)

    def _is_first(self, t: int, bar: ScheduledBar) -> bool:
        before = self._told.bars[t - 1] if 0 < t <= len(self._told) else self._coming(t - 1)
        return t == 0 or before is None or before.day != bar.day

    def _session(self, t: int, bar: ScheduledBar) -> int:
        if t < len(self._told):
            return self._told.sessions[t]
        days = {one.day for one in islice(self._later(), t - len(self._told) + 1)}
        return self._told.sessions[-1] + len(days - {self._told.bars[-1].day})

    def _look_at_venue(self) -> None:
        """Let the venue's clock correct the session that the calendar says is on.

        That it is closed is believed when it was seen twice; until then nothing is known of the
        session.
        """
        now = self._now()
        found = self._schedule.session_at(now)
        if found is None:
            self._is_doubtful = False
            return
        if not _is_over(self._heeded_at, now, self._belief.apart):
            return
        said = self._heed()
        self._heeded_at = now
        day, session = found
        told = _corrected(session, said, now)
        was_doubtful, self._is_doubtful = self._is_doubtful, told != session and not said.is_open
        if told != session and (said.is_open or was_doubtful):
            self._is_doubtful = False
            self._correct(day, told)

    def _correct(self, day: date, session: Session | None) -> None:
        self._file.put_session(day, session)
        self._schedule.correct(day, session)


def _corrected(session: Session, said: VenueClock, now: datetime) -> Session:
    """Return the session that the calendar says is on now as the venue has it."""
    if said.is_open:
        return session._replace(closes=min(session.closes, said.next_close))
    if said.next_open < session.closes:
        return session._replace(opens=max(session.opens, said.next_open))
    return session if session.closes - now <= SKEW else session._replace(closes=now)


def _is_over(then: datetime | None, now: datetime, wait: timedelta) -> bool:
    """Return whether a wait is over; a clock that went back ends it."""
    return then is None or not timedelta(0) <= now - then < wait


def _merged(actions: Iterable[Action]) -> list[Action]:
    """Return one action of each symbol and day: splits multiply, dividends add up."""
    merged: dict[tuple[date, str], Action] = {}
    for one in actions:
        before = merged.get((one.day, one.symbol), Action(one.symbol, one.day, 1.0, 0.0))
        both = before.split * one.split, before.dividend + one.dividend
        merged[one.day, one.symbol] = Action(one.symbol, one.day, *both)
    return list(merged.values())


def _require_all(symbols: tuple[str, ...], heard: list[FloatArray]) -> None:
    traded = np.zeros(len(symbols), np.bool_)
    for prices in heard:
        traded |= ~np.isnan(prices[:, 0])
    missing = [symbol for symbol, one in zip(symbols, traded, strict=True) if not one]
    if missing:
        raise BadMarketData(
            f"every symbol needs bars at Alpaca, {', '.join(missing)} had none. Leave them out of "
            "the configuration, or check how they are written"
        )
