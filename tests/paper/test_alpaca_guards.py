"""The guards of an account hold at Alpaca as they do at the embedded broker."""

from dataclasses import replace
from pathlib import Path

import pytest

from benbot.envs.market.market import Market
from benbot.paper.holding import Holding
from benbot.paper.isolation import Isolated
from benbot.paper.limits import AccountLimits
from benbot.strategies.base import Opinion
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.paper.conftest import ALPACA
from tests.paper.markets_at_alpaca import N_KNOWN, STRATEGIES, SYMBOLS, winter
from tests.paper.test_alpaca_loop import kept

pytest.importorskip("alpaca", reason=ALPACA)

DAYS = range(N_KNOWN, N_KNOWN + 4)


class Broken(RsiReversion):
    """A rule that raises."""

    def opinion(self, market: Market) -> Opinion:
        raise ZeroDivisionError


def test_limits_that_are_named_hold_and_are_kept(folder: Path) -> None:
    with winter(folder) as scene:
        scene.one = replace(scene.one, limits=AccountLimits(closed=SYMBOLS))
        with scene.trading() as on:
            scene.live(on, DAYS)
        assert "limits" in set(kept(scene, "events")["kind"])
        assert not scene.emulator.broker.orders


def test_a_strategy_that_fails_is_told_of_and_asked_no_more(folder: Path) -> None:
    with winter(folder) as scene:
        hear = Isolated([Broken(window=2), *STRATEGIES[1:]])
        scene.one = replace(scene.one, hear=hear)
        with scene.trading() as on:
            scene.live(on, DAYS)
        kinds = kept(scene, "events")["kind"].tolist()
        assert kinds.count("unheard") >= 4
        assert kinds.count("disabled") == 1


def test_exits_only_manages_an_account_whose_policy_is_gone(folder: Path) -> None:
    with winter(folder) as scene:
        with scene.trading() as on:
            scene.live(on, DAYS[:2])
        n_orders = len(kept(scene, "intents").query("reason == 'NONE' and status != 'dropped'"))
        scene.one = replace(scene.one, policy=Holding(), identity={"policy": "exits only"})
        with scene.trading() as on:
            scene.live(on, DAYS[2:])
        entries = kept(scene, "intents").query("reason == 'NONE' and status != 'dropped'")
        assert len(entries) == n_orders > 0
        assert "held" in set(kept(scene, "events")["kind"])
