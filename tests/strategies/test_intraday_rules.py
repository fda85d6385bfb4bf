"""The rules within the day, on sessions of half-hour bars that can be checked by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, IntArray, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.strategies.base import Strategy
from benbot.strategies.intraday import Intraday, in_usual_sizes, own_sessions
from benbot.strategies.rules.gap_fade import GapFade
from benbot.strategies.rules.time_of_day_momentum import TimeOfDayMomentum
from benbot.strategies.rules.vwap_reversion import VwapReversion

BARS = 8  # half hours in a regular session of these tests
SESSION = {"bar_minutes": 30, "session_minutes": 240, "exit_minutes": 10}
HOURS = {**SESSION, "part_minutes": 60}
RULES: tuple[Intraday, ...] = (
    VwapReversion(least_bars=3, width=0.5, **SESSION),
    TimeOfDayMomentum(sessions=2, **HOURS),
    GapFade(sessions=2, width=0.5, **SESSION),
)


def half_hours(sessions: list[list[float]]) -> tuple[TimeArray, IntArray]:
    """Return the close of every bar, from 14:30 UTC on, and its session."""
    number = np.concatenate([np.full(len(bars), day) for day, bars in enumerate(sessions)])
    bar = np.concatenate([np.arange(1, len(bars) + 1) for bars in sessions])
    start = number.astype("datetime64[D]") + np.timedelta64(870, "m")
    return (start + bar * np.timedelta64(30, "m")).astype("datetime64[ns]"), number


def market_of_sessions(
    sessions: list[list[float]], volume: FloatArray | None = None, opened: FloatArray | None = None
) -> Market:
    """Make a market of one symbol whose bars open at the close before, unless said otherwise.

    The first bar of a session opens at its own close: what happens overnight is a gap.
    """
    times, number = half_hours(sessions)
    close = np.concatenate(sessions)
    first = np.diff(number, prepend=-1) != 0
    start = np.where(first, close, np.append(close[0], close[:-1])) if opened is None else opened
    prices = {
        "open": start,
        "high": np.maximum(start, close),
        "low": np.minimum(start, close),
        "close": close,
        "volume": np.full(close.size, 100.0) if volume is None else volume,
    }
    facts = {name: fact[:, np.newaxis] for name, fact in prices.items()}
    return market_from_prices(times, ("ACME",), facts, session=number)


def flat(level: float = 100.0, n_bars: int = BARS) -> list[float]:
    return [level] * n_bars


def wave(n_bars: int = BARS) -> list[float]:
    return [100.0 + (-1.0) ** bar for bar in range(n_bars)]


def day_of(strategy: Strategy, market: Market, day: int) -> tuple[list[int], list[float]]:
    """Return direction and confidence of each bar of a session."""
    opinion, bars = strategy.opinion(market), market.session == day
    return opinion.direction[bars, 0].tolist(), opinion.confidence[bars, 0].tolist()


class TestVwapReversion:
    # Two quiet sessions, because the stop needs 15 bars; then 100, 101, 100, 101, 104, ...
    pushed = (100.0, 101.0, 100.0, 101.0, 104.0, 103.0, 100.0, 103.0)

    def test_it_sells_far_above_the_average_and_holds_until_the_price_is_back(self) -> None:
        strategy = VwapReversion(least_bars=3, width=1.0, **SESSION)
        market = market_of_sessions([wave(), wave(), list(self.pushed)])
        direction, confidence = day_of(strategy, market, 2)
        assert strategy.warmup == 14
        # The bar that closes at 210 minutes is the last whose orders fill within the session: from
        # there on whoever was short buys back, whether the price is back at the average or not.
        assert direction == [0, 0, 1, -1, -1, -1, 1, 1]
        assert [value > 0.0 for value in confidence] == [False] * 4 + [True] + [False] * 3

    def test_its_evidence_is_the_distance_in_deviations_of_a_random_walk(self) -> None:
        market = market_of_sessions(
            [wave(), wave(), [100.0, 101.0, 100.0, 104.0]],
            volume=np.append(np.full(16, 100.0), [300.0, 100.0, 0.0, 100.0]),
            opened=np.append(np.concatenate([wave(), wave()]), [100.0, 101.0, 100.0, 104.0]),
        )
        strategy = VwapReversion(least_bars=3, width=1.0, **SESSION)
        # Each bar stands still at its close. 300 units at 100, 100 at 101 and 100 at 104.
        vwap = (300.0 * 100.0 + 100.0 * 101.0 + 100.0 * 104.0) / 500.0
        # The first of the three moves came after 300 of the 500 units, the others after 400.
        lacking = np.sqrt(0.6**2 + 0.8**2 + 0.8**2)
        moves = np.log([1.01, 1.0 / 1.01, 1.04])
        deviation = lacking * np.sqrt(np.mean(moves**2))
        away = (104.0 - vwap) / 104.0 / deviation
        assert strategy.evidence(market)[-1, 0] == pytest.approx(-away, rel=1e-12)

    def test_once_volume_is_unknown_it_only_ends_before_the_close_what_it_may_hold(self) -> None:
        strategy = VwapReversion(least_bars=3, width=0.5, **SESSION)
        volume = np.full(3 * BARS, 100.0)
        volume[2 * BARS + 4] = np.nan
        market = market_of_sessions([wave(), wave(), list(self.pushed)], volume=volume)
        direction, confidence = day_of(strategy, market, 2)
        assert direction[2:] == [1, -1, 0, 0, 1, 1]
        assert not any(confidence[4:])

    def test_a_session_of_one_bar_is_no_day_to_trade_within(self) -> None:
        days = [[100.0 + day % 3] for day in range(500)]
        for strategy in (VwapReversion(), VwapReversion(bar_minutes=390)):
            assert not strategy.opinion(market_of_sessions(days)).direction.any()

    def test_its_evidence_deviates_by_one_on_random_walks(self) -> None:
        moves = np.random.default_rng(4).normal(0.0, 0.001, (200, 40))
        sessions = [(100.0 * np.exp(day.cumsum())).tolist() for day in moves]
        strategy = VwapReversion(bar_minutes=30, session_minutes=1200, exit_minutes=0)
        evidence = strategy.evidence(market_of_sessions(sessions))
        assert np.nanstd(evidence) == pytest.approx(1.0, abs=0.08)


class TestTimeOfDayMomentum:
    # First hours of 1 %, -1 %, 2 % and -3 %, each from the close before, and nothing else.
    levels = np.exp(np.cumsum([0.0, 0.01, -0.01, 0.02, -0.03]))

    def test_it_follows_the_first_part_in_the_last_one(self) -> None:
        strategy = TimeOfDayMomentum(sessions=2, **HOURS)
        market = market_of_sessions([flat(100.0 * level) for level in self.levels])
        assert strategy.warmup == 3 * BARS
        assert day_of(strategy, market, 2)[0] == [0] * 8  # needs two days, each with one before it
        # Usually 1 %, so 2 % are two sizes. The last hour begins with the bar that closes at 180
        # minutes; those that close at 210 and 240 end what was opened.
        direction, confidence = day_of(strategy, market, 3)
        assert direction == [0] * 5 + [1, -1, -1]
        assert confidence[5:] == pytest.approx([np.tanh(1.0), 0.0, 0.0], rel=1e-6)
        direction, confidence = day_of(strategy, market, 4)
        usual = np.sqrt((0.01**2 + 0.02**2) / 2.0)
        assert direction == [0] * 5 + [-1, 1, 1]
        assert confidence[5:] == pytest.approx([np.tanh(0.03 / usual / 2.0), 0.0, 0.0], rel=1e-6)

    def test_what_happens_after_the_first_part_does_not_count(self) -> None:
        sessions = [flat(100.0 * level) for level in self.levels]
        sessions[3][2:] = [90.0] * 6
        strategy = TimeOfDayMomentum(sessions=2, **HOURS)
        assert day_of(strategy, market_of_sessions(sessions), 3)[0] == [0] * 5 + [1, -1, -1]

    def test_on_a_day_that_closes_early_it_has_no_opinion(self) -> None:
        sessions = [flat(100.0 * level) for level in self.levels]
        sessions[3] = sessions[3][:5]
        market = market_of_sessions(sessions)
        strategy = TimeOfDayMomentum(sessions=2, **HOURS)
        assert not any(day_of(strategy, market, 3)[0])
        assert day_of(strategy, market, 4)[0] == [0] * 5 + [-1, 1, 1]

    def test_a_session_without_its_first_part_says_nothing_nor_what_is_usual(self) -> None:
        sessions = [flat(100.0 * level) for level in self.levels]
        whole = market_of_sessions(sessions)
        late = ~np.isin(np.arange(whole.n_bars), [2 * BARS, 2 * BARS + 1])  # of the third session
        facts = {name: np.where(late, getattr(whole, name)[:, 0], np.nan) for name in PRICES}
        both = {name: np.column_stack([fact, getattr(whole, name)]) for name, fact in facts.items()}
        market = market_from_prices(whole.timestamps, ("A", "B"), both, session=whole.session)
        direction = TimeOfDayMomentum(sessions=2, **HOURS).opinion(market).direction
        assert not direction[:, 0].any()
        assert direction[3 * BARS + 5].tolist() == [0, 1]

    def test_daily_bars_have_no_half_hours(self) -> None:
        days = [[100.0 + day % 3] for day in range(60)]
        assert not TimeOfDayMomentum().opinion(market_of_sessions(days)).direction.any()

    def test_the_two_parts_must_fit_into_the_session(self) -> None:
        with pytest.raises(InvalidParameter, match="part_minutes=30 session_minutes=50"):
            TimeOfDayMomentum(session_minutes=50)
        with pytest.raises(InvalidParameter, match="needs exit_minutes below part_minutes"):
            TimeOfDayMomentum(exit_minutes=30)
        with pytest.raises(InvalidParameter, match="needs bar_minutes below part_minutes"):
            TimeOfDayMomentum(bar_minutes=30)


PRICES = ("open", "high", "low", "close")


class TestGapFade:
    def daily(self, last: dict[str, float]) -> Market:
        """Make 25 days that open 1 % up and down by turns and close at 100, and a last one."""
        opened = np.append([101.0, 99.0] * 12 + [101.0], last["open"])
        close = np.append(np.full(25, 100.0), last["close"])
        facts = {
            "open": opened,
            "high": np.append(np.maximum(opened, close)[:-1], last["high"]),
            "low": np.append(np.minimum(opened, close)[:-1], last["low"]),
            "close": close,
        }
        days = np.arange(26).astype("datetime64[D]").astype("datetime64[ns]")
        columns = {name: fact[:, np.newaxis] for name, fact in facts.items()}
        return market_from_prices(days, ("ACME",), columns)

    def test_it_is_short_after_a_day_that_opened_high_and_did_not_come_back(self) -> None:
        market = self.daily({"open": 103.0, "high": 104.0, "low": 102.0, "close": 102.5})
        opinion = GapFade().opinion(market)
        usual = np.sqrt((np.log(1.01) ** 2 + np.log(0.99) ** 2) / 2.0)
        assert GapFade().warmup == 21
        assert not opinion.direction[:-1].any()  # a usual gap is not a large one
        assert opinion.direction[-1, 0] == -1
        expected = np.tanh(np.log(1.03) / usual / 2.0)
        assert opinion.confidence[-1, 0] == pytest.approx(expected, rel=1e-6)

    def test_a_gap_that_was_filled_within_the_day_opens_nothing(self) -> None:
        market = self.daily({"open": 97.0, "high": 100.0, "low": 96.0, "close": 97.0})
        opinion = GapFade().opinion(market)
        assert opinion.direction[-1, 0] == -1  # what was long on a gap downwards is over
        assert opinion.confidence[-1, 0] == 0.0

    def test_within_the_day_it_lasts_until_the_price_is_back_or_the_session_ends(self) -> None:
        quiet = [flat(level) for level in (100.0, 101.0, 100.0)]
        strategy = GapFade(sessions=2, width=1.5, **SESSION)
        stays = market_of_sessions([*quiet, flat(103.0)])
        assert day_of(strategy, stays, 3)[0] == [-1] * 6 + [1, 1]
        assert [value > 0.0 for value in day_of(strategy, stays, 3)[1]] == [True] * 6 + [False] * 2
        returns = market_of_sessions([*quiet, [103.0, 102.0, 99.9, 103.0, *flat(102.0, 4)]])
        direction, confidence = day_of(strategy, returns, 3)
        assert direction == [-1, -1, *[1] * 6]
        assert [value > 0.0 for value in confidence] == [True] * 2 + [False] * 6

    def test_a_market_of_closes_has_no_gaps(self) -> None:
        close = np.where(np.arange(60) % 7, 100.0, 110.0)[:, np.newaxis]
        days = np.arange(60).astype("datetime64[D]").astype("datetime64[ns]")
        market = market_from_prices(days, ("ACME",), {"close": close})
        assert not GapFade(sessions=2, width=0.5).opinion(market).direction.any()


@pytest.mark.parametrize("strategy", RULES, ids=lambda strategy: strategy.name)
def test_a_session_with_more_bars_than_stated_is_heard_only_as_far_as_memory_reaches(
    strategy: Intraday, session_market: Callable[..., Market]
) -> None:
    market = session_market(5, 1, 30, has_range=True)  # a regular session has 12 bars
    evidence = strategy.evidence(market)[:, 0]
    own = own_sessions(market, 0)
    heard = own.rows[strategy.remembered(own)]
    reach = np.arange(own.rows.size) - own.before(strategy.earlier_sessions)
    assert np.isin(np.flatnonzero(np.isfinite(evidence)), heard).all()
    assert reach[strategy.remembered(own)].max() == strategy.lookback
    assert not strategy.remembered(own).all()


def test_own_sessions_are_those_in_which_the_symbol_traded() -> None:
    whole = market_of_sessions([flat(100.0, 3), flat(101.0, 2), flat(102.0, 2)])
    traded = np.array([True, False, True, False, False, True, True])
    close = np.where(traded, whole.close[:, 0], np.nan)[:, np.newaxis]
    both = {"close": np.column_stack([close, whole.close])}
    market = market_from_prices(whole.timestamps, ("A", "B"), both, session=whole.session)
    own = own_sessions(market, 0)
    assert own.rows.tolist() == [0, 2, 5, 6]
    assert own.number.tolist() == [0, 0, 1, 1]
    assert (own.first.tolist(), own.last.tolist()) == ([0, 2], [1, 3])
    assert own.before(0).tolist() == [-1, -1, 1, 1]


def test_sizes_are_those_of_earlier_sessions_and_unknown_where_one_of_them_is() -> None:
    sizes = in_usual_sizes(np.array([np.nan, 0.03, -0.04, 0.05, 0.1, 0.0, 0.0, 0.2]), 2)
    usual = np.sqrt((0.03**2 + 0.04**2) / 2.0), np.sqrt((0.04**2 + 0.05**2) / 2.0)
    np.testing.assert_allclose(sizes[3:5], [0.05 / usual[0], 0.1 / usual[1]], rtol=1e-12)
    assert np.isnan(sizes[[0, 1, 2, 7]]).all()
    assert np.isnan(in_usual_sizes(np.array([0.1]), 2)).all()


def test_a_bar_must_fit_into_the_session() -> None:
    with pytest.raises(InvalidParameter, match="bar_minutes=60 session_minutes=30"):
        VwapReversion(bar_minutes=60, session_minutes=30)
