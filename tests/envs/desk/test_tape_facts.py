"""What the desk knows of symbols at each close, by numbers that can be counted."""

from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import Float32Array
from benbot.envs.covariance.rows import bounds, tied_symbols
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape, covariance_at
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals

INF, NAN = np.inf, np.nan


def market_of(**facts: Any) -> Market:  # noqa: ANN401
    """Return a market of one symbol, or of the columns that are given; a bar is a day."""
    named = {name: facts.pop(name) for name in ("session", "sectors") if name in facts}
    columns = {name: np.asarray(fact).T for name, fact in facts.items()}
    columns = {n: c[:, None] if c.ndim == 1 else c for n, c in columns.items()}
    n_bars, n_symbols = columns["close"].shape
    stamps = np.arange(n_bars).astype("datetime64[D]")
    if "session" in named:
        named["session"] = np.array(named["session"])
    return market_from_prices(stamps, tuple(f"S{s}" for s in range(n_symbols)), columns, **named)


def tape_of(market: Market, n_strategies: int = 1, **sections: dict[str, Any]) -> Tape:
    shape = (market.n_bars, n_strategies, market.n_symbols)
    names = tuple(f"k{k}" for k in range(n_strategies))
    nothing = np.zeros(shape)
    signals = Signals(names, (0,) * n_strategies, np.zeros(shape, np.int8), nothing, nothing)
    rules = DeskRules.model_validate(sections)
    return blank_tape(market, signals, np.zeros(market.n_bars, np.int8), rules)


# Prices and costs.


def test_the_desk_trades_at_the_prices_that_were_traded() -> None:
    market = market_of(
        open=[10.0, 11.0],
        high=[12.0, 13.0],
        low=[8.0, 9.0],
        close=[11.0, 12.0],
        unadjusted=[4.0, 2.0],
    )
    bars = tape_of(market).bars[:, 0]
    assert bars["open"].tolist() == [40.0, 22.0]
    assert bars["high"].tolist() == [48.0, 26.0]
    assert bars["low"].tolist() == [32.0, 18.0]
    assert bars["close"].tolist() == [44.0, 24.0]


def test_a_borrow_rate_is_the_market_s_and_the_default_where_it_knows_none() -> None:
    market = market_of(close=[1.0] * 4, borrow_rate=[NAN, 0.0, 0.4, INF])
    rates = tape_of(market, costs={"borrow_rate": 0.07}).bars["borrow_rate"][:, 0]
    assert rates.tolist() == [0.07, 0.0, 0.4, INF]


def test_the_room_to_fill_is_a_share_of_what_the_bar_trades() -> None:
    market = market_of(
        close=[10.0, 10.0, NAN, 20.0, 20.0, 20.0],
        volume=[100.0, NAN, NAN, 50.0, 0.0, 80.0],
        halted=[False, False, True, False, False, True],
    )
    room = tape_of(market, costs={"participation": 0.25}).bars["room"][:, 0]
    # 1,000 × 1/4; unknown; no price, though halted; 1,000 × 1/4; nothing trades; halted
    assert room.tolist() == [250.0, INF, INF, 250.0, 0.0, 0.0]


def test_a_volume_that_was_never_above_zero_is_not_known() -> None:
    market = market_of(close=[[10.0] * 4, [10.0] * 4], volume=[[0.0, 0.0, 7.0, 0.0], [0.0] * 4])
    room = tape_of(market, costs={"participation": 1.0}).bars["room"]
    assert room.T.tolist() == [[INF, INF, 70.0, 0.0], [INF] * 4]


@pytest.mark.parametrize(("n_bars", "n_symbols"), [(1, 1), (3, 2), (2, 5), (7, 3)])
def test_bars_lie_in_whole_lines_of_the_cache(n_bars: int, n_symbols: int) -> None:
    bars = tape_of(market_of(close=np.ones((n_symbols, n_bars)))).bars
    assert bars.shape == (n_bars, n_symbols)
    assert bars.itemsize == 64
    assert bars.ctypes.data % 64 == 0


@pytest.mark.parametrize(("n_symbols", "width"), [(1, 8), (8, 8), (9, 16), (16, 16)])
def test_values_have_room_for_whole_vectors_of_symbols(n_symbols: int, width: int) -> None:
    tape = tape_of(market_of(close=np.ones((n_symbols, 2))), n_strategies=3)
    assert tape.value.shape == (2, 3, width)
    assert not tape.value.any()


# Facts.


def test_an_age_counts_bars_since_the_last_price_and_has_no_end_before_the_first() -> None:
    market = market_of(
        close=[NAN, 1.0, NAN, NAN, 1.0, 1.0], halted=[False, False, False, False, False, True]
    )
    assert tape_of(market).facts["age"][:, 0].tolist() == [INF, 0.0, 1.0, 2.0, 0.0, INF]


def test_sectors_are_numbered_in_the_order_of_their_names_and_the_unknown_one_is_none() -> None:
    market = market_of(close=np.ones((4, 2)), sectors=("water", "unknown", "air", "water"))
    assert tape_of(market).facts["sector"].tolist() == [[1, -1, 0, 1]] * 2


def test_a_bar_has_an_action_if_any_symbol_splits_or_pays() -> None:
    split = np.ones((2, 5))
    dividend = np.zeros((2, 5))
    split[1, 2], dividend[0, 3] = 2.0, 0.01
    split[0, 4], dividend[1, 4] = 0.5, 0.02
    tape = tape_of(market_of(close=np.ones((2, 5)), split=split, dividend=dividend))
    assert tape.calendar["has_action"].tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_array_equal(tape.actions["split"], split.T)
    np.testing.assert_array_equal(tape.actions["dividend"], dividend.T)


def test_a_diamond_is_one_where_the_signals_say_so() -> None:
    shape = (3, 1, 2)
    diamond = np.array([[False, True], [True, False], [False, False]])
    zeros = np.zeros(shape)
    signals = Signals(("k",), (0,), np.zeros(shape, np.int8), zeros, zeros, diamond)
    market = market_of(close=np.ones((2, 3)))
    sizing = blank_tape(market, signals, np.zeros(3, np.int8), DeskRules()).sizing
    assert sizing["diamond"].tolist() == [[0, 1], [1, 0], [0, 0]]


def test_deviation_and_beta_are_those_of_the_sessions_before() -> None:
    market = market_of(close=np.exp([[0.0, 0.01, 0.03, 0.03], [0.0, 0.03, 0.09, 0.09]]))
    gates = {"min_sessions": 2, "memory": 0.5, "beta_memory": 0.5}
    tape = tape_of(market, gates=gates)
    assert tape.calendar["risk_row"].tolist() == [-1, 0, 1, 2]
    assert np.isnan(tape.sizing["deviation"][:3]).all()
    assert np.isnan(tape.facts["beta"][:3]).all()
    deviation = np.sqrt((0.5 * 0.01**2 + 0.02**2) / 1.5)  # bar 2, whose return is 2 %, weighs most
    assert tape.sizing["deviation"][3].tolist() == pytest.approx([deviation, 3.0 * deviation])
    assert tape.facts["beta"][3].tolist() == pytest.approx([0.5, 1.5])


def test_what_is_written_every_third_session_is_known_after_it_and_not_before() -> None:
    close = np.exp(np.cumsum([0.0, 0.01, 0.01, 0.01, 0.04, 0.01]))
    tape = tape_of(market_of(close=close), gates={"min_sessions": 2, "refresh": 3})
    assert tape.calendar["risk_row"].tolist() == [-1, 0, 0, 0, 1, 1]
    for fact, known in ((tape.sizing["deviation"], 0.01), (tape.facts["beta"], 1.0)):
        assert np.isnan(fact[:4]).all()
        assert fact[4:, 0].tolist() == pytest.approx([known, known])


def test_a_row_of_covariances_that_is_the_first_is_known_like_any_other() -> None:
    close = np.exp(np.array([[0.0, 0.01, 0.0, 0.01], [0.0, -0.02, 0.0, -0.02]]))
    tape = tape_of(market_of(close=close), gates={"min_sessions": 2})
    covariance = np.array([[[4.0, -2.0], [-2.0, 9.0]]], np.float32)
    known = tape._replace(covariance=covariance, calendar=tape.calendar.copy())
    known.calendar["risk_row"] = [-1, 0, 0, 0]
    assert np.isnan(covariance_at(known, 0, 0, 1))
    assert [covariance_at(known, 1, s, o) for s, o in ((0, 0), (0, 1), (1, 1))] == [4.0, -2.0, 9.0]


# The money that is traded a day.


def adv_of(market: Market) -> list[float]:
    adv: list[float] = tape_of(market).facts["adv"][:, 0].tolist()
    return adv


def test_of_two_sessions_the_second_knows_the_money_of_the_first() -> None:
    market = market_of(close=[10.0] * 4, volume=[3.0, 4.0, 1.0, 2.0], session=[0, 0, 1, 1])
    assert adv_of(market) == [INF, INF, 70.0, 70.0]


def test_the_money_of_a_session_is_the_sum_of_its_bars_and_that_of_a_day_their_mean() -> None:
    market = market_of(
        close=[10.0] * 6, volume=[1.0, 2.0, 4.0, 0.0, 5.0, 9.0], session=[3, 3, 7, 7, 8, 9]
    )
    assert adv_of(market) == [INF, INF, 30.0, 30.0, 35.0, 40.0]


def test_the_money_of_a_day_is_a_mean_over_twenty_sessions() -> None:
    volume = np.ones(24)
    volume[1] = 21.0
    adv = adv_of(market_of(close=[1.0] * 24, volume=volume))
    assert adv[:4] == [INF, 1.0, 11.0, pytest.approx(23.0 / 3.0)]
    assert adv[21] == pytest.approx(2.0)  # sessions 1 to 20
    assert adv[22:] == pytest.approx([1.0, 1.0])  # sessions 2 to 21, and 3 to 22


def test_a_session_without_any_known_volume_is_no_session_of_the_mean() -> None:
    market = market_of(
        close=[10.0] * 7,
        volume=[2.0, NAN, NAN, NAN, 4.0, 6.0, 1.0],
        session=[0, 1, 1, 2, 2, 3, 4],
    )
    assert adv_of(market) == pytest.approx([INF, 20.0, 20.0, 20.0, 20.0, 30.0, 40.0])


def test_every_symbol_has_its_own_money() -> None:
    market = market_of(
        close=[[10.0] * 4, [20.0] * 4, [30.0] * 4],
        volume=[[1.0] * 4, [NAN, 1.0, 2.0, 5.0], [NAN] * 4],
    )
    assert tape_of(market).facts["adv"].T.tolist() == [
        [INF, 10.0, 10.0, 10.0],
        [INF, INF, 20.0, 30.0],
        [INF] * 4,
    ]


# Symbols that move together.


def bits_of(tied: Any, row: int, side: int) -> list[list[int]]:  # noqa: ANN401
    """Return for each symbol those that it is tied to."""
    words = np.ascontiguousarray(tied[row, side]).view(np.uint8)
    return [
        np.flatnonzero(bits).tolist() for bits in np.unpackbits(words, axis=1, bitorder="little")
    ]


def correlated(*rows: list[float]) -> Float32Array:
    """Return one row of covariances of symbols with deviations of 1, 2 and 4."""
    deviation = np.array([1.0, 2.0, 4.0])[: len(rows)]
    covariance: Float32Array = (np.array(rows) * np.outer(deviation, deviation)).astype(np.float32)
    return covariance[None]


def test_symbols_are_tied_on_one_side_or_on_opposite_ones_from_the_limit_on() -> None:
    covariance = correlated([1.0, 0.5, -0.75], [0.5, 1.0, 0.25], [-0.75, 0.25, 1.0])
    tied = tied_symbols(covariance, 0.5)
    assert tied.shape == (2, 2, 3, 1)
    assert bits_of(tied, 1, 0) == [[1], [0], []]
    assert bits_of(tied, 1, 1) == [[2], [], [0]]
    assert bits_of(tied_symbols(covariance, 0.501), 1, 0) == [[], [], []]


def test_what_is_not_known_is_tied_to_everything_but_itself() -> None:
    covariance = correlated([1.0, 0.0, 0.0], [0.0, NAN, NAN], [0.0, NAN, 1.0])
    tied = tied_symbols(covariance, 0.5)
    for side in (0, 1):
        assert bits_of(tied, 0, side) == [[1, 2], [0, 2], [0, 1]]  # before the first session
        assert bits_of(tied, 1, side) == [[1], [0, 2], [1]]


def test_every_session_has_ties_of_its_own() -> None:
    near, far = [[1.0, 0.9], [0.9, 1.0]], [[1.0, 0.1], [0.1, 1.0]]
    tied = tied_symbols(np.concatenate([correlated(*far), correlated(*near)]), 0.5)
    assert [bits_of(tied, row, 0) for row in range(3)] == [[[1], [0]], [[], []], [[1], [0]]]


def test_a_limit_of_one_ties_nothing_and_one_just_below_it_does() -> None:
    covariance = correlated([1.0, 1.0], [1.0, 1.0])
    assert not tied_symbols(covariance, 1.0).any()
    assert not tied_symbols(covariance, 1.5).any()
    assert bits_of(tied_symbols(covariance, 0.999), 1, 0) == [[1], [0]]


@pytest.mark.parametrize(
    ("common", "swings"),
    [
        (0.0, [1.0, 2.0, 4.0]),
        (1.0, [1.0, 2.0, 4.0]),
        (-1.0, [1.0, 2.0, 4.0]),
        (1.001, [NAN, NAN, 4.0]),  # of pairs that were seen on different days
        (-1.001, [NAN, NAN, 4.0]),
        (NAN, [NAN, NAN, 4.0]),
    ],
)
def test_a_deviation_bounds_a_swing_where_it_bounds_every_covariance(
    common: float, swings: list[float]
) -> None:
    covariance = correlated([1.0, common, 0.0], [common, 1.0, 0.0], [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(bounds(covariance), [swings])


@pytest.mark.parametrize("own", [0.0, NAN])
def test_a_symbol_without_a_deviation_has_no_swing_and_takes_nobody_else_s(own: float) -> None:
    covariance = correlated([own, NAN, NAN], [NAN, 1.0, 0.5], [NAN, 0.5, 1.0])
    np.testing.assert_array_equal(bounds(covariance), [[NAN, 2.0, 4.0]])


@pytest.mark.parametrize(("n_symbols", "n_words"), [(1, 1), (64, 1), (65, 2), (130, 3)])
def test_a_word_holds_the_ties_of_64_symbols(n_symbols: int, n_words: int) -> None:
    covariance = np.eye(n_symbols, dtype=np.float32)
    covariance[0, -1] = covariance[-1, 0] = 0.9
    tied = tied_symbols(covariance[None], 0.5)
    assert (tied.shape, tied.dtype) == ((2, 2, n_symbols, n_words), np.uint64)
    expected: list[list[int]] = [[] for _ in range(n_symbols)]
    if n_symbols > 1:
        expected[0], expected[-1] = [n_symbols - 1], [0]
    assert bits_of(tied, 1, 0) == expected
