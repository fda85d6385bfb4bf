"""What no venue of ours can do is refused, and a history shows nothing before its time."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benbot.agents.baselines import equal_weight
from benbot.envs.errors import InvalidParameter, RunMismatch
from benbot.envs.history import History
from benbot.envs.signals import Overlay
from benbot.paper.intents import key_of
from benbot.paper.reel import Foreseen, opening_of, with_opening
from benbot.paper.rehearsal import is_rehearsed, rehearse
from benbot.paper.replayed import replay
from benbot.paper.setting import require_same, require_tradable
from tests.paper.replays import Scripted, everything, heard_stretch, random_stretch


def test_orders_that_are_sliced_and_options_are_refused() -> None:
    history = heard_stretch()[0].history
    execution = history.rules.execution.model_copy(update={"style": "twap"})
    sliced = history.rules.model_copy(update={"execution": execution})
    with pytest.raises(RunMismatch, match="whose orders fill at the open"):
        require_tradable(sliced, history.signals)
    overlay = np.array([Overlay.NONE, Overlay.COVERED_CALL, Overlay.NONE], np.int8)
    with pytest.raises(RunMismatch, match="ma_crossover writes options"):
        require_tradable(history.rules, replace(history.signals, overlay=overlay))


def test_a_history_shows_nothing_before_its_time() -> None:
    history = heard_stretch()[0].history
    foreseen = Foreseen(history)
    tape, features = foreseen.until(40)
    assert np.isnan(tape.bars["close"][41:]).all()
    assert np.isnan(tape.value[41:]).all()
    assert not features.rows[41:].any()
    np.testing.assert_array_equal(tape.value[:41], history.tape.value[:41])
    bars = history.tape.bars[41]
    opening = opening_of(bars["open"], bars["room"], history.tape.actions[41], 7)
    opened = with_opening(tape, opening, 41)
    assert (opened.bars["close"][41] == bars["open"]).all()
    assert np.isnan(opened.value[41:]).all()
    with pytest.raises(InvalidParameter, match="a chronicle shows bars forward, from 40"):
        foreseen.until(39)


def test_a_tape_that_ends_is_made_longer_for_what_opens() -> None:
    history = heard_stretch()[0].history
    bars, n_bars = history.tape.bars, history.n_bars
    actions = history.tape.actions[0].copy()
    actions["split"] = 2.0
    opening = opening_of(bars["open"][0], bars["room"][0], actions, 99)
    longer = with_opening(history.tape, opening, n_bars)
    assert longer.session[-1] == 99
    assert longer.calendar["has_action"][-1] == 1
    np.testing.assert_array_equal(longer.bars[:-1], bars)
    assert history.tape.session.size == n_bars


def test_an_account_goes_on_under_the_same_rules_alone() -> None:
    with pytest.raises(RunMismatch, match="must go on with the rules it began with"):
        require_same('{"policy": "a", "rules": {"x": 1}}', {"policy": "a", "rules": {"x": 2}})
    require_same('{"policy": "a"}', {"policy": "a"})


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        (
            {"pace": 20.0},
            {"pace": 5.0},
            "the pace it began with, 20 seconds a bar, was 5 seconds a bar. Name --bar-seconds 20, "
            "or begin another account with --account NAME",
        ),
        (
            {"policy": "a"},
            {"policy": "a", "learning": {"calibration": False, "online_share": 0.3, "refit": 21}},
            "the learning it began with, nothing, was online_share 0.3, refit 21. Name the",
        ),
        ({"pace": None}, {"pace": 5.0}, "real time, was 5 seconds a bar. Leave --bar-seconds out"),
        (
            {"market": "abc, drawn on from seed 3"},
            {"market": "abc, drawn on from seed 4"},
            "the market it began with, abc, drawn on from seed 3, was abc, drawn on from seed 4. "
            "Name --market-seed 3",
        ),
        (
            {"market": "abc"},
            {"market": "abc, drawn on from seed 4", "begun": ""},
            "Name --venue replay",
        ),
        (
            {"config_digest": "one", "rules": {"limits": {"gross": 1.0, "net": 0.5}}},
            {"config_digest": "two", "rules": {"limits": {"gross": 1.0, "net": 0.6}}},
            "the rules it began with, limits.net 0.5, was limits.net 0.6. Name the configuration "
            "or run it began with, or begin another account with --account NAME. To risk less",
        ),
        (
            {"config_digest": "one"},
            {"config_digest": "two"},
            "the configuration it began with, one, was two",
        ),
        (
            {"policy": "cash"},
            {"policy": "random"},
            "with the policy it began with, cash, was random. Name the policy it began with "
            "(--policy, --seed or --baseline)",
        ),
        (
            {"strategies": [{"name": "a", "window": 2}]},
            {"strategies": [{"name": "a", "window": 3}]},
            "the strategies it began with, [0].window 2, was [0].window 3",
        ),
        ({"symbols": ["A", "B"]}, {"symbols": ["A"]}, "with, 2 of them, was 1 of them"),
    ],
)
def test_a_refusal_names_what_it_was_and_how_to_go_on(
    then: dict[str, object], now: dict[str, object], message: str
) -> None:
    with pytest.raises(RunMismatch) as refused:
        require_same(json.dumps(then), now)
    assert message in str(refused.value)


def test_a_policy_that_chooses_otherwise_than_it_did_is_refused(folder: Path) -> None:
    stretch = random_stretch(2)
    replay(replace(stretch, span=replace(stretch.span, last=8)), folder)
    other = replace(stretch, policy=equal_weight(stretch.history.layout))
    with pytest.raises(RunMismatch, match="must choose again what it chose before"):
        replay(other, folder)


def test_a_replayed_account_does_not_go_on_in_another_history(folder: Path) -> None:
    stretch = random_stretch(2)
    replay(replace(stretch, span=replace(stretch.span, last=8)), folder)
    tape = stretch.history.tape
    changed = tape._replace(sleeve_return=tape.sleeve_return + 0.01)
    history: History = replace(stretch.history, tape=changed)
    with pytest.raises(RunMismatch, match="another market or others"):
        replay(replace(stretch, history=history), folder)


def test_nonsense_keeps_the_weights_and_is_written_down(folder: Path) -> None:
    stretch = random_stretch(2)
    script = np.array(stretch.policy.script[:8])  # type: ignore[attr-defined]
    script[3] = np.nan
    stretch = replace(
        stretch, policy=Scripted(script), span=replace(stretch.span, last=stretch.span.first + 6)
    )
    replay(stretch, folder)
    replay(stretch, folder)  # and going on is no other choice

    tables = everything(stretch, folder)
    kept = [np.frombuffer(row, np.float32) for row in tables["decisions"]["weights"]]
    assert tables["events"]["kind"].tolist() == ["began", "nonsense"]
    np.testing.assert_array_equal(kept[3], kept[2])


def test_an_account_that_begins_anew_has_other_identifiers() -> None:

    one, other = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)
    assert key_of("main", one) != key_of("main", other)
    assert key_of("main", one) != key_of("other", one)
    assert key_of("main", one) == key_of("main", one)


def test_a_rehearsal_leaves_a_history_as_it_is() -> None:
    history = heard_stretch()[0].history
    before = [np.array(each).tobytes() for each in (*history.tape, *history.features)]
    rehearse(history)
    assert before == [np.array(each).tobytes() for each in (*history.tape, *history.features)]
    assert is_rehearsed()
