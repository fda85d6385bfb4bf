"""An account in a market that goes on: inside bars, through restarts, after bars it missed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, RunMismatch
from benbot.envs.market.market import Market
from benbot.envs.signals import Signals
from benbot.paper import live
from benbot.paper.autoloop import Cycle, Status
from benbot.paper.known import known_of
from benbot.paper.live import Timing, Underway
from benbot.paper.overview.money import money
from benbot.paper.price_path import price_at
from benbot.paper.standing import Phase
from benbot.paper.store import PaperStore, open_store, reading
from tests.paper.live_accounts import BAR, BEGUN, PERIOD, Hands, account_in, run_cycles, tables_of
from tests.paper.replays import venue_of

CYCLES_A_BAR = int(BAR / PERIOD)
N_CYCLES = 8 * CYCLES_A_BAR


def test_orders_of_an_opening_fill_at_what_is_quoted_then(folder: Path) -> None:
    one, hands, expected = account_in(folder), Hands(), {}

    def note(on: Underway, cycle: Cycle) -> None:
        t = on.loop.trader.standing.bar + 1
        for s, symbol in enumerate(on.market.symbols):
            if on.loop.trader.standing.phase is Phase.INSIDE:
                share = on.market.share_of(t, on.clock())
                expected[t, symbol, on.clock()] = price_at(on.market.path(t, s), share)

    run_cycles(one, hands, N_CYCLES, note)
    tables = tables_of(one, folder)
    intents, fills = tables["intents"], tables["fills"]
    assert set(intents["status"]) == {"done"}
    assert len(fills) == len(intents) > 15
    quoted = {(symbol, price) for (_, symbol, _), price in expected.items()}
    assert all((row["symbol"], row["price"]) in quoted for _, row in fills.iterrows())
    assert set(tables["events"]["kind"]) == {"began"}
    bars = tables["equity"]["bar"].tolist()
    assert bars == list(range(bars[0], bars[0] + len(bars)))
    assert len(bars) == N_CYCLES // CYCLES_A_BAR


def test_somebody_leaves_inside_a_bar_at_a_stop_that_was_seen(folder: Path) -> None:
    one = account_in(folder)
    run_cycles(one, Hands(), 20 * CYCLES_A_BAR)
    inside = tables_of(one, folder)["intents"].query("stage > 0")
    assert {"STOP", "TRAILING_STOP"} & set(inside["reason"])
    assert set(inside["status"]) == {"done"}
    assert set(inside["kind"]) == {"market"}


def test_the_desk_and_the_venue_have_the_same_money_and_the_same_units(folder: Path) -> None:
    one, seen = account_in(folder), []

    def note(on: Underway, cycle: Cycle) -> None:
        desk, account = on.loop.trader.desk, on.venue.account()
        held = {on.market.symbols[row["symbol"]]: float(row["units"]) for row in desk.positions}
        assert held == pytest.approx({p.symbol: p.units for p in on.venue.positions()})
        assert account.cash == pytest.approx(float(desk.account["cash"]), abs=1e-6)
        worth = sum(p.units * (p.last_price or 0.0) for p in on.venue.positions())
        assert account.equity == pytest.approx(account.cash + worth)
        with reading(one.url) as connection:
            now = money(connection, one.account)  # as the page tells it
        assert now is not None
        if on.loop.trader.standing.phase is Phase.INSIDE:
            assert now.equity == pytest.approx(account.equity)
        seen.append(account.equity)

    run_cycles(one, Hands(), N_CYCLES, note)
    assert len(set(seen)) > N_CYCLES // 2  # what is held is valued inside bars, too


def test_an_account_is_marked_at_the_close_of_its_bar_whatever_was_quoted_before(
    folder: Path,
) -> None:
    one, marks = account_in(folder), []

    def note(on: Underway, cycle: Cycle) -> None:
        desk, market = on.loop.trader.desk, on.market.market
        if len(marks) == 0:
            close = desk.close

            def closed(t: int) -> float:
                growth = close(t)
                worth = sum(
                    float(row["units"]) * float(market.close[t, row["symbol"]])
                    for row in desk.positions
                )
                expected = float(desk.account["cash"]) + worth
                assert float(desk.account["equity"]) == pytest.approx(expected)
                marks.append(worth)
                return growth

            desk.close = closed  # type: ignore[method-assign]

    run_cycles(one, Hands(), 8 * CYCLES_A_BAR, note)
    assert np.count_nonzero(marks) > 3


@pytest.mark.parametrize("seed", [0])
def test_an_account_that_is_started_again_is_the_one_that_went_on(seed: int, folder: Path) -> None:
    assert_goes_on(seed, 14, folder)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 61))
def test_many_accounts_that_are_started_again_do(seed: int, folder: Path) -> None:
    assert_goes_on(seed, 60, folder)


def assert_goes_on(seed: int, total: int, folder: Path) -> None:
    """Run an account as a whole and, on the same clock, in parts that end after random cycles."""
    ends = np.random.default_rng(seed).choice(np.arange(1, total), 3, replace=False)
    whole, parts, hands = folder / "whole", folder / "parts", Hands()
    run_cycles(account_in(whole, seed), Hands(), total)
    for n in np.diff(np.sort(ends), prepend=0, append=total):
        run_cycles(account_in(parts, seed), hands, int(n))
    expected, was = (tables_of(account_in(each, seed), each) for each in (whole, parts))
    for name, table in expected.items():
        assert table.equals(was[name]), name
    assert venue_of(whole) == venue_of(parts)


def test_bars_that_were_missed_are_closed_in_order_and_nothing_is_traded_in_them(
    folder: Path,
) -> None:
    one, hands = account_in(folder), Hands()
    run_cycles(one, hands, 6 * CYCLES_A_BAR)
    before = tables_of(one, folder)
    hands.pause(5 * BAR)
    run_cycles(one, hands, 1)
    after = tables_of(one, folder)
    missed = after["equity"].iloc[len(before["equity"]) :]
    assert missed["bar"].tolist() == [before["equity"]["bar"].iloc[-1] + i for i in range(1, 7)]
    late = after["intents"].iloc[len(before["intents"]) :]
    present = late["bar"].max()
    past = late[late["bar"] < present]
    assert len(past) > 0
    assert set(past["status"]) == {"dropped"}
    assert set(past["note"]) == {"its bar is over"}
    assert set(late[late["bar"] == present]["status"]) <= {"done"}
    fills = after["fills"].iloc[len(before["fills"]) :]
    assert len(fills) == (late["status"] == "done").sum()


def test_the_market_goes_on_while_nobody_trades(folder: Path) -> None:
    one, hands = account_in(folder), Hands()
    times = []
    run_cycles(one, hands, 3, lambda on, _: times.append(on.clock()))
    hands.pause(BAR - 3 * PERIOD)
    run_cycles(one, hands, 2, lambda on, _: times.append(on.clock()))
    assert times == sorted(set(times))
    day = timedelta(days=1)  # a bar of this market
    assert [time - times[0] for time in times[:3]] == [0 * day, day / 4, day / 2]
    assert times[3] == times[0] + day


def test_in_real_time_an_hour_is_an_hour(folder: Path) -> None:
    one, hands, times = account_in(folder, bar=None), Hands(), []
    run_cycles(one, hands, 2, lambda on, _: times.append(on.clock()))
    hands.pause(3600.0)
    run_cycles(one, hands, 1, lambda on, _: times.append(on.clock()))
    passed = [(time - times[0]).total_seconds() for time in times]
    assert passed == [0.0, PERIOD, 2 * PERIOD + 3600.0]


def test_a_machine_whose_clock_goes_back_brings_no_bar_back(folder: Path) -> None:
    one, hands, times = account_in(folder), Hands(), []

    def note(on: Underway, cycle: Cycle) -> None:
        times.append(on.clock())
        if len(times) == 6:
            hands.now = BEGUN - timedelta(hours=1)

    run_cycles(one, hands, 12, note)
    assert times == sorted(times)
    assert set(tables_of(one, folder)["events"]["kind"]) == {"began"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"timing": Timing(30.0, PERIOD)}, "with the pace it began with"),
        ({"seed": 4}, "with the market it began with"),
        ({"identity": {"policy": "another"}}, "with the policy it began with"),
    ],
)
def test_an_account_goes_on_in_its_own_market(
    changed: dict[str, object], message: str, folder: Path
) -> None:
    one = account_in(folder)
    run_cycles(one, Hands(), 1)
    with pytest.raises(RunMismatch, match=message):
        run_cycles(replace(one, **changed), Hands(), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bar", "period", "message"),
    [
        (10.0, 5.0, "a bar must last at least 3 cycles of 5 seconds, was 10 seconds"),
        (float("nan"), 5.0, "a bar must last at least 3 cycles"),
        (None, 0.0, "a cycle must take more than 0 seconds, was 0.0"),
        (None, float("nan"), "a cycle must take more than 0 seconds, was nan"),
    ],
)
def test_a_pace_that_cannot_be_is_refused(bar: float | None, period: float, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        Timing(bar, period)


def test_quotes_that_are_gone_are_counted_and_halt_the_account(folder: Path) -> None:
    one, statuses = account_in(folder), []

    def silent(on: Underway, cycle: Cycle) -> None:
        on.market.quotes = lambda symbols: {}  # type: ignore[method-assign]
        statuses.extend(cycle.statuses)

    run_cycles(one, Hands(), 3 * CYCLES_A_BAR, silent)
    tables = tables_of(one, folder)
    assert "STALE_DATA" in set(tables["equity"]["breaker"])
    assert Status.CIRCUIT_BREAKER in statuses
    entries = tables["intents"].query("reason == 'NONE'")
    assert len(entries["bar"].unique()) == 1  # of the first opening
    assert np.isfinite(tables["equity"]["equity"]).all()


def test_all_is_prepared_before_an_account_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, order = account_in(folder), []

    def hear(market: Market) -> Signals:
        order.append("heard")
        return one.hear(market)

    def opening(*of_whom: Any) -> PaperStore:  # noqa: ANN401
        order.append("opened")
        return open_store(*of_whom)

    monkeypatch.setattr(live, "open_store", opening)
    hands = Hands()
    run_cycles(replace(one, hear=hear), hands, 1)
    assert order[:2] == ["heard", "opened"]
    assert order.count("heard") == 1  # and no bar passed meanwhile
    order.clear()
    run_cycles(replace(one, hear=hear), hands, 1)
    assert order[0] == "opened"
    known = known_of(one.url, one.account)
    assert (known.has_begun, known.is_alone, known.must_stop) == (True, True, False)
    assert not known_of(f"sqlite:///{folder / 'nowhere.db'}", "main").has_begun
