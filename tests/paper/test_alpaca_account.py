"""What an account at Alpaca may trade, and what is refused before it begins."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.errors import BadConfig, NotAuthorised, OrderRefused, RunMismatch
from benbot.envs.market.market import market_from_prices
from benbot.paper.alpaca.living import Terms, trading
from benbot.paper.alpaca.whole_units import WholeUnits
from benbot.paper.alpaca.wire import trading_wire
from benbot.paper.live import Machine
from benbot.paper.venue import Refusal
from tests.paper.conftest import ALPACA
from tests.paper.markets_at_alpaca import N_KNOWN, Winter, minutes_of_winter, winter
from tests.paper.scenes import KEYS, Emulated, buy, done, sell

pytest.importorskip("alpaca", reason=ALPACA)


def whole(alpaca: Emulated, *divisible: str) -> WholeUnits:
    venue = WholeUnits(trading_wire(KEYS, alpaca.emulator.url, alpaca.clock), divisible)
    alpaca.venue.close()
    alpaca.venue = venue
    return venue


def held(alpaca: Emulated) -> dict[str, float]:
    return {one.symbol: one.units for one in alpaca.venue.positions()}


def test_parts_of_a_unit_are_bought_and_sold_where_alpaca_divides_it(alpaca: Emulated) -> None:
    whole(alpaca, "FLAT")
    assert done(alpaca, buy("b-1", units=10.25)).filled_units == 10.25
    assert done(alpaca, sell("s-1", units=0.75)).filled_units == 0.75
    assert held(alpaca) == {"FLAT": 9.5}


def test_what_is_not_divided_is_ordered_in_whole_units(alpaca: Emulated) -> None:
    whole(alpaca, "FLAT")
    order = done(alpaca, buy("b-1", "UP", units=10.75))
    assert (order.units, order.filled_units) == (10.0, 10.0)


def test_what_is_sold_short_is_sold_and_bought_back_in_whole_units(alpaca: Emulated) -> None:
    whole(alpaca, "FLAT")
    done(alpaca, sell("s-1", units=10.75))
    assert held(alpaca) == {"FLAT": -10.0}
    done(alpaca, buy("b-1", units=4.5))
    assert held(alpaca) == {"FLAT": -6.0}
    done(alpaca, buy("b-2", units=6.0))
    assert held(alpaca) == {}


def test_less_than_a_unit_that_must_be_whole_is_not_even_sent(alpaca: Emulated) -> None:
    venue = whole(alpaca, "FLAT")
    with pytest.raises(OrderRefused, match=r"must be of whole units, was 0\.75") as refusal:
        venue.submit(sell("s-1", units=0.75))
    assert refusal.value.reason == Refusal.MALFORMED
    assert ("POST", "/v2/orders") not in alpaca.emulator.requests


def test_a_position_is_closed_for_what_is_held_whatever_was_rounded(alpaca: Emulated) -> None:
    whole(alpaca, "FLAT")
    done(alpaca, buy("b-1", units=0.1))
    done(alpaca, buy("b-2", units=0.2))
    done(alpaca, sell("s-1", units=0.3 + 2e-9))  # would be more than there is
    assert held(alpaca) == {}


# What is refused before an account begins.


def opened(scene: Winter, **changed: str) -> None:
    machine = Machine(scene.clock, lambda: 0.0, lambda seconds: None)
    with trading(scene.one, machine, Terms(scene.environment | changed, scene.n_known)):
        pass


def test_symbols_that_are_no_shares_are_refused(folder: Path) -> None:
    with winter(folder) as scene:
        history = scene.one.history
        symbols = ("BTC/USD", "BRK-B", *history.symbols[2:])
        scene.one = replace(scene.one, history=replace(history, symbols=symbols))
        with pytest.raises(BadConfig, match=r"such as AAPL or BRK\.B, was BTC/USD, BRK-B"):
            opened(scene)
        assert scene.emulator.requests == []


def test_a_policy_that_was_trained_to_see_more_is_refused(folder: Path) -> None:
    with winter(folder) as scene:
        history = scene.one.history
        mood = {"mood": np.zeros(history.close.shape)}
        scene.one = replace(scene.one, history=replace(history, features=mood))
        with pytest.raises(BadConfig, match="the market of the configuration has mood too"):
            opened(scene)


@pytest.mark.parametrize("fields", [{"tradable": False}, {"status": "inactive"}, {"class": "x"}])
def test_a_share_that_nobody_can_trade_is_refused(fields: dict[str, object], folder: Path) -> None:
    with winter(folder) as scene:
        scene.exchange.assets["CCC"] = fields
        with pytest.raises(BadConfig, match="must be tradable at Alpaca, CCC was not"):
            opened(scene)


def test_what_alpaca_does_not_lend_is_never_sold_short(folder: Path) -> None:
    with winter(folder) as scene:
        for symbol in scene.one.history.symbols:
            scene.exchange.assets[symbol] = {"easy_to_borrow": False}
        with scene.trading() as on:
            assert np.isinf(on.bars.until(N_KNOWN).borrow_rate).all()
            scene.live(on, range(N_KNOWN, N_KNOWN + 4))
        orders = scene.emulator.broker.orders
        assert orders
        assert all(held.qty > 0 for held in scene.emulator.broker.positions.values())


def test_keys_that_are_missing_are_asked_for(folder: Path) -> None:
    with winter(folder) as scene, pytest.raises(NotAuthorised, match="APCA_API_KEY_ID must be set"):
        opened(scene, APCA_API_KEY_ID="")


@pytest.mark.parametrize("name", ["ALPACA_PAPER_URL", "ALPACA_DATA_URL"])
def test_no_other_host_is_called(name: str, folder: Path) -> None:
    with winter(folder) as scene, pytest.raises(BadConfig, match="the address must be"):
        opened(scene, **{name: "https://api.alpaca.markets.example"})


def test_a_feed_that_there_is_not_is_refused(folder: Path) -> None:
    with winter(folder) as scene, pytest.raises(BadConfig, match="ALPACA_FEED must be iex or sip"):
        opened(scene, ALPACA_FEED="otc")


def test_bars_of_all_exchanges_come_too_late_within_the_day(folder: Path) -> None:
    with (
        minutes_of_winter(folder, 30, 3) as scene,
        pytest.raises(BadConfig, match="ALPACA_FEED must be iex for bars within the day, was sip"),
    ):
        opened(scene, ALPACA_FEED="sip")


def test_an_account_whose_bars_are_gone_is_refused(folder: Path) -> None:
    with winter(folder) as scene:
        opened(scene)
        (folder / "winter-bars.db").unlink()
        with pytest.raises(RunMismatch, match="it stands at bar 59 and 0 are kept"):
            opened(scene)


def test_without_its_client_library_alpaca_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "alpaca"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "alpaca", None)
    with winter(folder) as scene, pytest.raises(BadConfig, match=r"Install benbot\[alpaca\]"):
        opened(scene)


def test_markets_of_closes_stay_markets_of_closes(folder: Path) -> None:
    with winter(folder) as scene:
        history = scene.one.history
        closes = market_from_prices(
            history.timestamps, history.symbols, {"close": history.close}, session=history.session
        )
        scene.one = replace(scene.one, history=closes)
        with scene.trading() as on:
            told = on.bars.until(N_KNOWN)
        assert not told.has_range
        assert np.isnan(told.volume).all()
        np.testing.assert_array_equal(told.close, history.close)
