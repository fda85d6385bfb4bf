"""The bars that an account was told, and the market that they make.

Bars are kept as they were traded. The market adjusts them for splits forward, in units of the first
bar: a price is multiplied by all splits until its bar, a volume divided by them. So a split that
comes changes no price before it, and what is told of a bar stays to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.market.market import Market, Origin, market_from_prices
from benbot.paper.alpaca.bar_source import Action, PriceRow
from benbot.paper.alpaca.timeframe import ScheduledBar, Timeframe
from benbot.paper.live_bars import BarTimes

FIELDS = PriceRow._fields
OPEN, CLOSE, VOLUME = FIELDS.index("open"), FIELDS.index("close"), FIELDS.index("volume")
RANGE = ("open", "high", "low")


@dataclass(frozen=True, eq=False)
class Universe:
    """What is traded, and how it is seen.

    has_range, has_volume   whether the configuration's market knows them: the policy was trained
                            on no more than that
    borrow_rate             (S,) a year: 0 where Alpaca lends, inf where it does not
    """

    symbols: tuple[str, ...]
    sectors: tuple[str, ...]
    timeframe: Timeframe
    borrow_rate: FloatArray
    has_range: bool = True
    has_volume: bool = True


@dataclass(eq=False)
class Told:
    """The bars so far, in order.

    bars     when they were
    prices   (S, 5) each, as traded, in the order of `FIELDS`; NaN where a symbol did not trade
    known    days of which splits and dividends are known
    """

    universe: Universe
    bars: list[ScheduledBar] = field(default_factory=list)
    prices: list[FloatArray] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    known: set[date] = field(default_factory=set)
    _actions: dict[date, dict[str, Action]] = field(default_factory=dict)
    _market: Market | None = None

    def __len__(self) -> int:
        return len(self.bars)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.universe.symbols

    def add(self, bar: ScheduledBar, prices: FloatArray) -> None:
        """Note the next bar."""
        self.sessions.append(self.session_of(bar))
        self.bars.append(bar)
        self.prices.append(prices)

    def session_of(self, bar: ScheduledBar) -> int:
        """Return the number of the session of a bar that comes after all that were told."""
        if not self.bars:
            return 0
        return self.sessions[-1] + int(bar.day != self.bars[-1].day)

    def note_day(self, day: date) -> None:
        """Note that the actions of a day are known."""
        self.known.add(day)

    def note_action(self, action: Action) -> None:
        """Note a split or a dividend."""
        self._actions.setdefault(action.day, {})[action.symbol] = action

    def splits(self, day: date) -> FloatArray:
        """Return the splits before the opening of a day, (S,)."""
        actions = self._actions.get(day, {})
        nothing = Action("", day, 1.0, 0.0)
        return np.array([actions.get(symbol, nothing).split for symbol in self.symbols])

    def times(self, t: int) -> BarTimes:
        """Return when bar `t` was."""
        return BarTimes(self.bars[t].begins, self.bars[t].ends)

    def market(self, n_bars: int) -> Market:
        """Return the market of the first `n_bars` bars."""
        if self._market is None or self._market.n_bars != n_bars:
            self._market = self._made(n_bars)
        return self._market

    def _made(self, n_bars: int) -> Market:
        universe, bars = self.universe, self.bars[:n_bars]
        traded = np.stack(self.prices[:n_bars])
        split = _moved(self._splits(bars), np.isfinite(traded[:, :, CLOSE]))
        units = np.cumprod(split, axis=0)
        volume = traded[:, :, VOLUME] / units if universe.has_volume else None
        facts = {name: traded[:, :, i] * units for i, name in enumerate(FIELDS[:VOLUME])}
        if not universe.has_range:
            facts = {"close": facts["close"]}
        facts |= {"unadjusted": 1.0 / units, "split": split}
        facts["borrow_rate"] = np.broadcast_to(universe.borrow_rate, split.shape)
        return market_from_prices(
            np.array(
                [bar.ends.astimezone(UTC).replace(tzinfo=None) for bar in bars], "datetime64[ns]"
            ),
            universe.symbols,
            facts if volume is None else facts | {"volume": volume},
            session=np.array(self.sessions[:n_bars]),
            sectors=universe.sectors,
            origin=Origin("alpaca", "actions", ("dividends are neither adjusted for nor paid",)),
        )

    def _splits(self, bars: Sequence[ScheduledBar]) -> FloatArray:
        """Return the splits of each bar, (T, S): those of a day before its first bar."""
        split = np.ones((len(bars), len(self.symbols)))
        for t, bar in enumerate(bars):
            if bar.day in self._actions and (t == 0 or bars[t - 1].day != bar.day):
                split[t] = self.splits(bar.day)
        return split


def _moved(split: FloatArray, tradable: BoolArray) -> FloatArray:
    """Return splits at the next bar in which their symbol trades, where it does not in its own."""
    moved = np.where(tradable, split, 1.0)
    for t, s in np.argwhere((split != 1.0) & ~tradable):
        later = np.flatnonzero(tradable[t:, s])
        if later.size:
            moved[t + later[0], s] *= split[t, s]
    return moved
