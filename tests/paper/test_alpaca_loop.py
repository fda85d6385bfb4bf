"""The whole loop at the emulated Alpaca: what it believes is what the emulator's own books say."""

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.past import past_of
from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.paper.store import reading
from benbot.paper.tables import METADATA
from benbot.strategies.hearing import collect
from tests.paper.conftest import ALPACA
from tests.paper.emulator.faults import seeded_troubles
from tests.paper.learners import panel_of
from tests.paper.markets_at_alpaca import (
    N_KNOWN,
    N_LIVE,
    REGIME,
    STRATEGIES,
    Winter,
    minutes_of_winter,
    policy,
    winter,
)
from tests.paper.replays import SETTINGS

pytest.importorskip("alpaca", reason=ALPACA)

LIVE = range(N_KNOWN, N_KNOWN + N_LIVE)
FREE = DeskRules(costs=Costs(half_spread=0.0, commission_rate=0.0, impact=0.0, borrow_rate=0.0))


def kept(scene: Winter, table: str) -> pd.DataFrame:
    with reading(scene.one.url) as connection:
        rows = connection.execute(select(METADATA.tables[table])).mappings()
        columns = [column.name for column in METADATA.tables[table].columns]
        return pd.DataFrame(list(map(dict, rows)), columns=columns)


def assert_same_books(scene: Winter) -> None:
    """Compare what the account believes with what the emulator did."""
    broker, positions = scene.emulator.broker, kept(scene, "positions")
    ours = dict(zip(positions["symbol"], positions["units"], strict=True))
    theirs = {symbol: float(held.qty) for symbol, held in broker.positions.items()}
    assert ours == pytest.approx(theirs, abs=1e-8)
    last = kept(scene, "equity").sort_values("bar").iloc[-1]
    assert last["bar"] == scene.exchange.market.n_bars - 1
    assert last["cash"] == pytest.approx(float(broker.cash), abs=1e-6)
    assert last["equity"] == pytest.approx(float(broker.equity), abs=1e-6)
    assert_nothing_twice(scene)


def assert_nothing_twice(scene: Winter) -> None:
    """Compare orders and fills, one by one."""
    broker, intents, fills = scene.emulator.broker, kept(scene, "intents"), kept(scene, "fills")
    sent = [order.client_order_id for order in broker.orders]
    assert len(sent) == len(set(sent))
    assert set(sent) <= set(intents["client_order_id"])
    assert len({identifier.split("-")[1] for identifier in sent}) == 1  # of one account
    assert {(order.type, order.time_in_force) for order in broker.orders} <= {("market", "day")}
    assert sorted(fills["execution_id"]) == sorted(fill.id for fill in broker.fills)
    meant = intents.set_index("client_order_id")
    for order in broker.orders:
        assert meant.loc[order.client_order_id, "status"] == "done"
        filled = float(order.filled) * order.sign
        assert meant.loc[order.client_order_id, "filled"] == pytest.approx(filled, abs=1e-8)


def test_ten_days_end_as_the_emulator_says_though_it_was_restarted(folder: Path) -> None:
    """A split comes between the two halves, and corrections of what was told."""
    with winter(folder, seed=9, change=partial(split, ratio=4.0)) as scene:
        with scene.trading() as on:
            scene.live(on, LIVE[:5])
            before = on.bars.until(N_KNOWN + 5)
        scene.exchange.distort = lambda rows: {
            symbol: [row | {"c": row["c"] * 1.001, "h": row["h"] * 1.01} for row in listed]
            for symbol, listed in rows.items()
        }
        with scene.trading() as on:
            assert on.bars.until(N_KNOWN + 5).digest == before.digest
            scene.exchange.distort = lambda rows: rows
            scene.live(on, LIVE[5:])
        assert_same_books(scene)
        assert len(scene.emulator.broker.orders) > 30
        statuses = Counter(str(cycle.statuses[-1]) for cycle in scene.cycles)
        assert set(statuses) <= {"COMPLETED", "EXECUTING"}
        assert "STOP" in set(kept(scene, "intents")["reason"])
        assert any(order.qty % 1 for order in scene.emulator.broker.orders)
        assert any(held.qty < 0 for held in scene.emulator.broker.positions.values())


def test_days_full_of_faults_end_as_the_emulator_says(folder: Path) -> None:
    with winter(folder, seed=6) as scene, scene.trading() as on:
        scene.emulator.faults += seeded_troubles(1, 2_000, 0.05)
        scene.live(on, LIVE)
        n_struck = sum(fault.seen >= fault.nth for fault in scene.emulator.faults)
        scene.emulator.faults.clear()
        scene.settle(on)
        assert n_struck > 30
        assert_same_books(scene)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(20))
def test_whatever_goes_wrong_the_books_agree(seed: int, folder: Path) -> None:
    with winter(folder, seed=seed, partials=0.5) as scene:
        for part in (LIVE[:4], LIVE[4:8], LIVE[8:]):
            with scene.trading() as on:
                scene.emulator.faults += seeded_troubles(seed, 2_000, 0.1)
                scene.live(on, part)
                scene.emulator.faults.clear()
                scene.settle(on)
        assert_same_books(scene)
        assert scene.emulator.broker.orders


@pytest.mark.nightly
def test_a_session_of_half_hours_ends_as_the_emulator_says(folder: Path) -> None:
    with minutes_of_winter(folder, 30, n_days=30) as scene, scene.trading() as on:
        scene.live(on, range(scene.n_known, scene.exchange.market.n_bars))
        assert_same_books(scene)
        assert len(scene.emulator.broker.orders) > 10


@pytest.mark.nightly
@pytest.mark.parametrize(("minutes", "n_bars"), [(5, 78), (1, 100)])
def test_shorter_bars_end_as_the_emulator_says(minutes: int, n_bars: int, folder: Path) -> None:
    with minutes_of_winter(folder, minutes, 24, n_bars) as scene, scene.trading() as on:
        scene.live(on, range(scene.n_known, scene.exchange.market.n_bars))
        assert_same_books(scene)
        assert len(scene.emulator.broker.orders) > 10


@pytest.mark.nightly
def test_a_split_multiplies_what_is_held_and_changes_no_signal(folder: Path) -> None:
    plain = {}
    for ratio in (1.0, 4.0):
        with winter(folder / str(ratio), change=partial(split, ratio=ratio)) as scene:
            with scene.trading() as on:
                scene.live(on, LIVE)
            assert_same_books(scene)
            plain[ratio] = kept(scene, "equity").sort_values("bar")["equity"].to_numpy()
            assert "adopted" not in set(kept(scene, "events")["kind"])
    np.testing.assert_allclose(plain[4.0], plain[1.0], rtol=1e-4)  # shorts are of whole units


@pytest.mark.nightly
def test_what_is_learned_from_bars_that_were_told_goes_on_through_starts_and_a_split(
    folder: Path,
) -> None:
    with winter(folder, seed=9, change=partial(split, ratio=3.0)) as scene:
        known = history_of(scene.one.history)
        for part in (LIVE[:4], LIVE[4:8], LIVE[8:]):
            panel = panel_of(known)
            scene.one = replace(scene.one, policy=panel)
            with scene.trading() as on:
                scene.live(on, part)
                whole = history_of(on.bars.until(part.stop))
        told = panel_of(known)
        for _, row in kept(scene, "decisions").sort_values("bar").iterrows():
            told.inform(past_of(whole.tape, whole.features, row["bar"]))
            told.weights(np.frombuffer(row["observation"], np.float32))
        assert panel.bars == told.bars == [N_KNOWN - 1, *LIVE]
        assert panel.said == told.said


def history_of(market: Market) -> History:
    return prepare(market, collect(STRATEGIES, market), DeskRules(), REGIME)


def split(market: Market, ratio: float) -> Market:
    """Return the market with a split of every symbol before the sixth day that is traded."""
    t = N_KNOWN + 5
    splits = np.ones((market.n_bars, market.n_symbols))
    splits[t] = ratio
    later = np.where(np.arange(market.n_bars) >= t, 1.0, ratio)[:, None]
    unadjusted = np.broadcast_to(later, splits.shape) / ratio
    return replace(market, split=splits, unadjusted=np.array(unadjusted))


def environment(scene: Winter, rules: DeskRules) -> Evaluation:
    """Return what the environment makes of the same policy in the same market."""
    market = scene.exchange.market
    history = prepare(market, collect(STRATEGIES, market), rules, REGIME)
    return evaluate(policy(), history, Span(N_KNOWN - 1, market.n_bars - 1), SETTINGS)


@pytest.mark.nightly
def test_without_costs_it_comes_near_to_what_the_environment_makes_of_it(folder: Path) -> None:
    """Fills come twenty seconds after the opening, stops when they are seen, shorts are whole."""
    with winter(folder, seed=9, rules=FREE, partials=0.0) as scene:
        with scene.trading() as on:
            scene.live(on, LIVE)
        told = environment(scene, FREE)
        ours = kept(scene, "equity").sort_values("bar")["equity"].to_numpy()
        assert len(ours) == len(told.equity)
        apart = np.abs(ours / told.equity - 1.0)
        assert apart.max() < 1e-4
        bookings = kept(scene, "bookings")
        assert abs(len(bookings) - len(told.fills)) <= 2
