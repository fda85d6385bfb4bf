"""What keeps an account from being traded is an alarm, once, and is said to be over."""

from dataclasses import replace
from pathlib import Path

import pytest

from benbot.envs.errors import NotAuthorised, VenueUnavailable
from benbot.paper.autoloop import PERIOD, Status
from benbot.paper.outage import LONGEST_REST, PATIENCE, Outage
from benbot.paper.store import set_switch
from benbot.paper.trader import Progress
from tests.paper.notify.receiver import Account
from tests.paper.replays import heard_stretch
from tests.paper.switches import told
from tests.paper.walks import N_BARS, Walk, Watch, is_exit, walking


def asked(walk: Walk, watch: Watch, n_cycles: int) -> int:
    """Let so many cycles of half a minute pass; return how often the venue was asked."""
    clock, n = walk.venue.clock, 0

    def counted() -> object:
        nonlocal n
        n += 1
        return clock()

    walk.venue.clock = counted  # type: ignore[method-assign,assignment]
    for _ in range(n_cycles):
        watch.seconds += PERIOD
        walk.on.loop.cycle()
    walk.venue.clock = clock  # type: ignore[method-assign]
    return n


def kinds(walk: Walk) -> list[tuple[str, str]]:
    events = walk.table("events")
    return list(zip(events["kind"], events["subject"], strict=True))[1:]


def test_keys_that_are_revoked_are_an_alarm_at_once_and_are_tried_at_a_decent_pace(
    folder: Path,
) -> None:
    watch = Watch()
    with walking(folder, watch=watch) as walk:
        walk.bars(N_BARS)
        n_sent = len(walk.venue.sent)
        walk.venue.raises["clock"] = NotAuthorised("Alpaca does not know these keys (status 401)")
        walk.tick()
        cycle = walk.on.loop.cycle()
        assert cycle.statuses == [Status.HEALTH]
        assert kinds(walk) == [("alarm", "keys")]
        n_hour = int(3600.0 / PERIOD)
        assert 5 < asked(walk, watch, n_hour) <= 3600.0 / LONGEST_REST + 3
        assert len(walk.venue.sent) == n_sent
        assert kinds(walk) == [("alarm", "keys")]
        why = walk.table("events").query("kind == 'alarm'")["reasons"].iloc[0]
        assert "status 401" in why
        assert "keys that were replaced need a restart" in why
        walk.venue.raises.clear()
        watch.seconds += LONGEST_REST
        walk.on.loop.cycle()
        assert kinds(walk) == [("alarm", "keys"), ("recovered", "keys")]
        walk.bars(12)
        assert {is_exit(one) for one in walk.venue.sent[n_sent:]} == {True, False}


@pytest.mark.nightly
def test_keys_of_the_market_s_data_that_are_revoked_are_an_alarm_and_exits_are_not_held_up(
    folder: Path,
) -> None:
    watch = Watch()
    with walking(folder, watch=watch) as walk:
        walk.bars(N_BARS)
        feed = walk.on.loop.trader._feed
        opening = feed.opening

        def refused(t: int) -> object:
            raise NotAuthorised("Alpaca does not know these keys (status 403)")

        feed.opening = refused  # type: ignore[method-assign,assignment]
        walk.bars(1)
        assert asked(walk, watch, 4) == 4
        assert kinds(walk) == [("alarm", "keys")]
        feed.opening = opening  # type: ignore[method-assign]
        asked(walk, watch, 1)
        assert kinds(walk)[-1] == ("recovered", "keys")


@pytest.mark.parametrize("how", ["silent", pytest.param("frozen", marks=pytest.mark.nightly)])
def test_a_venue_that_is_gone_or_an_account_that_may_not_trade_is_an_alarm_after_a_while(
    how: str, folder: Path
) -> None:
    watch = Watch()
    with walking(folder, watch=watch) as walk:
        walk.bars(1)
        if how == "silent":
            walk.venue.raises["clock"] = VenueUnavailable("no route")
        else:
            walk.venue.facts = {"may_trade": False, "note": "trading_blocked"}
        asked(walk, watch, int(PATIENCE / PERIOD))
        assert kinds(walk) == []
        asked(walk, watch, 40)
        assert kinds(walk) == [("alarm", "venue")]
        for is_halted in (True, False):  # meanwhile nobody asks how the account is
            set_switch(walk.url, "replay", walk.on.clock(), "", is_halted=is_halted)
            asked(walk, watch, 1)
        assert [kind for kind, _ in kinds(walk)] == ["alarm", "halted", "resumed"]
        walk.venue.raises.clear()
        walk.venue.facts = {}
        asked(walk, watch, 1)
        assert kinds(walk)[3:] == [("recovered", "venue")]


def test_what_is_over_after_a_restart_is_said_to_be_over(folder: Path) -> None:
    account = Account(folder).begin()
    for why in ("status 401", "status 403"):
        with account.opened() as store:
            Outage(store, lambda: 0.0).refuse(NotAuthorised(why), rests=True)
    for _ in range(2):
        with account.opened() as store:
            Outage(store, lambda: 0.0).note("")
    assert [kind for kind, _ in told(account.url)] == ["alarm", "alarm", "recovered"]


@pytest.mark.nightly
def test_an_account_that_is_ruined_is_an_alarm_once_for_all(folder: Path) -> None:
    stretch = replace(heard_stretch()[0], ruin=0.99999)
    for _ in range(2):
        with walking(folder, stretch) as walk:
            for _ in range(20):
                if walk.cycle().progress is Progress.ENDED:
                    break
            assert walk.on.loop.cycle().progress is Progress.ENDED
            assert walk.alarms() == ["account"]
            why = walk.table("events").query("kind == 'alarm'")["reasons"].iloc[0]
            assert "the account is ruined, and nobody manages it" in why
