"""What may be sent at most, whoever asks, and limits that only tighten."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import RunMismatch, VenueUnavailable
from benbot.paper.caps import Caps, Meter
from benbot.paper.limits import AccountLimits
from benbot.paper.replayed import Stretch, replay
from benbot.strategies.records.moments import moment_of
from tests.paper.replays import everything, heard_stretch
from tests.paper.walks import N_BARS, walking

MANY = 20
NIGHTLY = pytest.mark.nightly


def limited(**limits: object) -> Stretch:
    return replace(heard_stretch()[0], limits=AccountLimits(**limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("caps", "words"),
    [
        ({"entries_per_day": 1}, "1 entries of a day"),
        pytest.param({"entries_per_cycle": 0}, "0 entries of a cycle", marks=NIGHTLY),
        pytest.param({"entries_per_symbol": 0}, "0 entries in S", marks=NIGHTLY),
        pytest.param({"entry": 0.01}, "an entry of 0.01 times equity", marks=NIGHTLY),
        pytest.param({"entries": 0.05}, "entries of 0.05 times equity a day", marks=NIGHTLY),
    ],
)
def test_what_is_beyond_a_cap_is_dropped_and_told(
    caps: dict[str, float], words: str, folder: Path
) -> None:
    with walking(folder, limited(caps=Caps(**caps))) as walk:  # type: ignore[arg-type]
        walk.bars(N_BARS + 4)
        intents = walk.table("intents")
        dropped = intents[intents["status"] == "dropped"]
        assert len(dropped) > 0
        assert dropped["note"].str.contains(f"beyond the cap of {words}").all()
        assert set(dropped["reason"]) == {"NONE"}
        sent = {one.client_order_id for one in walk.venue.sent}
        assert not sent & set(dropped["client_order_id"])
        days = intents[intents["status"] == "dropped"]["planned"] // 86_400_000_000
        assert set(walk.alarms()) == {"orders"}
        assert len(walk.alarms()) >= days.nunique()


def test_caps_let_through_all_that_the_gates_do() -> None:
    """Twenty times the trades of a day that the desk allows, and more than a position may be."""
    rules, caps = DeskRules(), Caps()
    assert caps.entries_per_day >= MANY * rules.limits.daily_trades
    assert caps.entry >= MANY * rules.sizing.position_cap
    assert caps.entries >= MANY * rules.limits.gross
    assert caps.exits_per_day > caps.entries_per_day
    assert caps.exits_per_symbol > caps.entries_per_symbol


@pytest.mark.nightly
def test_exits_leave_whatever_is_capped_and_have_a_cap_of_their_own(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.on.loop.trader._obey(AccountLimits(caps=Caps(entries_per_day=0, entry=0.0)))
        walk.bars(12)
        intents = walk.table("intents")
        assert set(intents[intents["reason"] != "NONE"]["status"]) == {"done"}
        walk.on.loop.trader._obey(AccountLimits(caps=Caps(exits_per_symbol=0)))
        walk.on.loop.trader._limits = replace(
            walk.on.loop.trader._limits, next=AccountLimits(caps=Caps(exits_per_symbol=0))
        )
        walk.bars(8)
        exits = walk.table("intents").query("reason != 'NONE' and status == 'dropped'")
        assert len(exits) > 0
        assert exits["note"].str.contains("beyond the cap of 0 exits in S").all()
        assert "orders" in walk.alarms()


def test_a_restart_resets_no_count(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        store, intents = walk.on.store, walk.table("intents")
        day = intents["planned"] // 86_400_000_000
        sent = intents[(day == day.iloc[-1]) & (intents["status"] != "dropped")]
        entries = sent[sent["reason"] == "NONE"]
        assert len(entries) > 0
        last = store.intents(int(entries["bar"].iloc[-1]), int(entries["stage"].iloc[-1]))[-1]
        n_today = len(entries)
        asked = replace(last, reason=0)
        moment = entries["planned"].iloc[-1].item()
        walk.on.clock._now = moment_of(moment)
        meter = Meter(store)  # as after a restart
        caps = Caps(entries_per_day=n_today)
        assert "entries of a day" in meter.why_not(asked, caps, 1e9)
        assert meter.why_not(asked, Caps(entries_per_day=n_today + 1), 1e9) == ""


@pytest.mark.nightly
def test_equity_that_is_not_a_number_lets_nothing_in(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        entry = walk.table("intents").query("reason == 'NONE'").iloc[0]
        intent = walk.on.store.intents(int(entry["bar"]), int(entry["stage"]))[0]
        meter = Meter(walk.on.store)
        assert "times equity" in meter.why_not(intent, Caps(), float("nan"))


# Limits that tighten.


@pytest.mark.nightly
def test_a_closed_symbol_is_left_and_never_opened_again(folder: Path) -> None:
    stretch = heard_stretch()[0]
    with walking(folder, stretch) as walk:
        walk.bars(N_BARS)
        held = {walk.table("positions")["symbol"].iloc[0]}
    tighter = limited(closed=tuple(sorted(held)))
    with walking(folder, tighter) as walk:
        n_before = len(walk.table("intents"))
        walk.bars(20)
        after = walk.table("intents").iloc[n_before:]
        ours = after[after["symbol"].isin(held)]
        assert set(ours["reason"]) - {"NONE"}
        assert "NONE" not in set(ours["reason"])
        assert "NONE" in set(after["reason"])
        assert not held & set(walk.table("positions")["symbol"])


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        ({"max_positions": 1}, "n_positions"),
        ({"gross": 0.08}, "gross"),
        ({"position_cap": 0.02}, "gross"),
    ],
)
def test_limits_that_were_cut_hold_for_what_opens_and_close_nothing(
    limits: dict[str, float], reached: str, folder: Path
) -> None:
    stretch = heard_stretch()[0]
    replay(stretch, folder / "free")
    free = everything(stretch, folder / "free")["equity"]
    with walking(folder / "cut", limited(**limits)) as walk:
        walk.bars(24)
        cut, intents = walk.table("equity"), walk.table("intents")
        assert set(intents[intents["status"] == "done"]["reason"]) > {"NONE"}
    share = {"max_positions": 1, "gross": 0.10, "position_cap": 0.13}[next(iter(limits))]
    scale = 1.0 if reached == "n_positions" else cut["equity"]
    assert (cut[reached] / scale <= share).all()
    assert (free[reached] / (1.0 if reached == "n_positions" else free["equity"])).max() > share


def test_limits_stay_when_nobody_names_them_and_loosening_is_refused(folder: Path) -> None:
    with walking(folder, limited(gross=0.5, closed=("S1",), caps=Caps(entries_per_day=9))) as walk:
        walk.bars(2)
    with walking(folder) as walk:
        walk.bars(1)
        assert walk.on.loop.trader._obeyed.gross == 0.5
        assert walk.table("events")["kind"].tolist().count("limits") == 1
    for limits, words in (
        ({}, "S1 was closed and would be opened"),
        ({"closed": ("S1",)}, "gross was 0.5 and would be that of the rules"),
        ({"closed": ("S1",), "gross": 0.6}, "gross was 0.5 and would be 0.6"),
        ({"closed": ("S1",), "gross": 0.4}, "entries_per_day was 9 and would be 2000"),
        ({"closed": ("S1", "XX"), "gross": 0.4}, "XX is none of them"),
    ):
        with pytest.raises(RunMismatch, match=words), walking(folder, limited(**limits)):
            pass
    tighter = limited(gross=0.4, closed=("S0", "S1"), caps=Caps(entries_per_day=8))
    with walking(folder, tighter) as walk:
        assert walk.table("events")["kind"].tolist().count("limits") == 2


def test_an_opening_that_is_under_way_ends_under_the_limits_it_began_with(folder: Path) -> None:
    """They are kept at once all the same: whoever starts again in between has not lost them."""
    stretch = heard_stretch()[0]
    with walking(folder, stretch) as walk:
        walk.bars(N_BARS)
        walk.venue.raises["order"] = walk.venue.raises["submit"] = VenueUnavailable("no answer")
        while walk.on.loop.trader.standing.phase.value != "opening":
            walk.cycle()
        walk.venue.raises.clear()
    with walking(folder, limited(gross=0.01)) as walk:
        assert walk.on.loop.trader._obeyed.gross is None
    with pytest.raises(RunMismatch, match=r"gross was 0\.01"), walking(folder, limited(gross=0.5)):
        pass
    with walking(folder) as walk:
        assert walk.on.loop.trader._obeyed.gross is None
        walk.bars(2)
        assert walk.on.loop.trader._obeyed.gross == 0.01


def test_limits_are_numbers_with_names() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        AccountLimits(gros=0.5)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        AccountLimits(gross=-0.5)
    with pytest.raises(ValidationError, match="finite number"):
        AccountLimits(gross=float("nan"))
    record = AccountLimits(gross=9.0, position_cap=0.05).within(DeskRules())
    assert (record["limits_gross"][0], record["sizing_position_cap"][0]) == (1.5, 0.05)
