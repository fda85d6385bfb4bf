"""Up and down the ladder: by hand, and the laws of a season."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, RunMismatch, UnknownName
from benbot.strategies.tournament.ascent import figures
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Reason, Stage, Transition
from benbot.strategies.tournament.tournament import Tournament

Settings = Callable[..., TournamentSettings]
Entered = Callable[[TournamentSettings, int], Tournament]
Play = Callable[..., list[Transition]]
GOOD = np.tile([0.01, 0.01, -0.005], 40)[:, None]  # a day; Sharpe above 1, nearly no drawdown
THRESHOLDS = {"enabled": False}
FEW = {"r2": {"slots": 2}, "r3": {"slots": 1}}
UP = [Stage.R2, Stage.R3, Stage.LIVE]


def season(n_sessions: int, n: int, seed: int = 0) -> np.ndarray:
    """Return returns of which some have an edge, some lose it, and some lose much."""
    rng = np.random.default_rng(seed)
    edge = np.linspace(-0.002, 0.004, n)
    returns = rng.normal(edge, 0.01, (n_sessions, n))
    returns[n_sessions // 2 :, -2:] -= 0.006
    returns[rng.random(returns.shape) < 0.02] = np.nan
    return returns


def test_thresholds_alone_are_passed_after_the_days_and_trades_that_they_ask_for(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    moves = play(entered(settings_of(gate=THRESHOLDS), 1), GOOD)
    assert [(m.session, m.target) for m in moves[:3]] == list(zip([6, 16, 31], UP, strict=True))


@pytest.mark.parametrize(("trades", "first"), [(4, 9), (1, 39)])
def test_too_few_trades_take_longer(
    trades: int, first: int, settings_of: Settings, entered: Entered, play: Play
) -> None:
    moves = play(entered(settings_of(gate=THRESHOLDS), 1), GOOD, trades=trades)
    assert moves[0].session == first


@pytest.mark.parametrize(("n", "said"), [(1, "1 trade in 1 session, "), (2, "2 trades in 2 ")])
def test_one_of_a_thing_is_said_as_one(
    n: int, said: str, settings_of: Settings, entered: Entered
) -> None:
    ladder = entered(settings_of(), 1).ladder
    ladder.rows["trades"], ladder.rows["days"] = n, n
    assert said in figures(ladder, 0, settings_of())


def test_the_gate_keeps_back_what_the_thresholds_let_through(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(), 1)
    moves = play(tournament, GOOD)
    assert all(m.target != Stage.LIVE for m in moves)
    assert tournament.stages[0] in (Stage.R2, Stage.R3)


def test_a_fall_brings_a_stage_down_and_begins_a_trial_anew_in_the_first(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(gate=THRESHOLDS), 1)
    play(tournament, GOOD[:20])
    assert tournament.stages[0] == Stage.R3
    (move,) = play(tournament, np.array([[-0.07]]), first=20)
    assert move[:5] == (20, 0, Stage.R3, Stage.R2, Reason.DRAWDOWN)
    assert move.note == "fell 7.0%, more than 6.0%"
    (move,) = play(tournament, np.array([[-0.08]]), first=21)
    assert move.target == Stage.R1
    play(tournament, np.vstack([GOOD[:3], [[-0.09]]]), first=22)
    assert tournament.ladder.rows["days"][0] == 0


def test_broken_limits_bring_a_stage_down(settings_of: Settings, entered: Entered) -> None:
    tournament = entered(settings_of(gate=THRESHOLDS), 1)
    tournament.ladder.rows["stage"] = Stage.R2
    (move,) = tournament.advance(
        0, np.array([0.01]), np.array([0]), np.array([np.nan]), np.array([1])
    )
    assert (move.target, move.reason) == (Stage.R1, Reason.BREACHES)


@pytest.mark.parametrize("stage", [Stage.R2, Stage.R3])
def test_whoever_is_given_up_and_falls_at_one_close_is_retired_and_no_more(
    stage: Stage, settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(), 1)
    tournament.ladder.rows["stage"], tournament.ladder.rows["doubt"] = stage, 10.0
    (move,) = play(tournament, np.array([[-0.2]]))
    assert (move.target, move.reason) == (Stage.RETIRED, Reason.HOPELESS)
    assert tournament.stages.tolist() == [Stage.RETIRED]


def test_two_broken_rules_take_live_capital_away_and_one_does_not(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(gate=THRESHOLDS, detector={"enabled": False}), 2)
    moves = play(tournament, np.tile(GOOD[:32], (1, 2)))
    assert tournament.stages.tolist() == [Stage.LIVE, Stage.LIVE]
    weak = np.tile([0.001, -0.001], 15)
    moves = play(tournament, np.column_stack([weak - 0.004, weak]), first=32)
    assert [(m.session, m.strategy, m.reason) for m in moves] == [(61, 0, Reason.PROBATION)]
    assert moves[0].note == "Sharpe ratio and drawdown over 30 sessions"
    assert tournament.stages.tolist() == [Stage.R1, Stage.LIVE]
    assert tournament.ladder.rows["attempt"].tolist() == [2, 1]
    assert tournament.ladder.attempts == 3


def test_the_best_take_the_places_that_there_are(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(gate=THRESHOLDS, live={"slots": 2}, **FEW), 9)
    returns, reasons = season(300, 9, seed=3), set()
    for t, row in enumerate(returns):
        reasons |= {move.reason for move in play(tournament, row[None], first=t)}
        stages = tournament.stages
        assert (stages == Stage.LIVE).sum() <= 2
        assert (stages == Stage.R3).sum() <= 1
    assert Reason.DISPLACED in reasons


def test_one_waits_while_the_first_stage_is_full(settings_of: Settings, entered: Entered) -> None:
    tournament = entered(settings_of(r1={"slots": 20}, **FEW), 21)
    assert tournament.stages[-1] == Stage.WAITING
    (out,) = tournament.withdraw("rule 3")
    assert out.target == Stage.RETIRED
    zeros = np.zeros(21, np.int64)
    (entry,) = tournament.advance(0, np.zeros(21), zeros, np.zeros(21), zeros)
    assert (entry.strategy, entry.source, entry.target) == (20, Stage.WAITING, Stage.R1)


def test_a_strategy_moves_once_a_session_and_one_rung_up(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(gate=THRESHOLDS), 12)
    stages, last = np.ones(12, int), -1
    for move in play(tournament, season(500, 12)):
        assert stages[move.strategy] == move.source
        assert move.target <= move.source + 1
        stages[move.strategy] = move.target
        assert move.session >= last
        last = move.session
    assert stages.tolist() == tournament.stages.tolist()


def test_the_future_changes_nothing(settings_of: Settings, entered: Entered, play: Play) -> None:
    settings, returns = settings_of(gate={"false_discoveries": None}), season(600, 12)
    whole = play(entered(settings, 12), returns)
    assert {m.reason for m in whole} >= {Reason.PASSED, Reason.DRAWDOWN, Reason.HOPELESS}
    for cut in (1, 333):
        changed = returns.copy()
        changed[cut:] = -0.5
        first = [m for m in play(entered(settings, 12), changed) if m.session < cut]
        assert first == [m for m in whole if m.session < cut]
        assert play(entered(settings, 12), returns[:cut]) == first


def test_it_goes_on_from_json_bit_for_bit(
    settings_of: Settings, entered: Entered, play: Play
) -> None:
    settings, returns = settings_of(gate={"false_discoveries": None}), season(400, 12)
    through = entered(settings, 12)
    whole = play(through, returns)
    tournament, moves = entered(settings, 12), []
    for first in range(0, 400, 50):
        moves += play(tournament, returns[first : first + 50], first)
        tournament = Tournament.resume(json.loads(json.dumps(tournament.state())), settings)
    assert moves == whole
    assert tournament.ladder.rows.tobytes() == through.ladder.rows.tobytes()
    assert tournament.state() == through.state()


def test_whoever_was_retired_begins_again_with_other_parameters_and_is_charged_for_it(
    settings_of: Settings, entered: Entered
) -> None:
    tournament = entered(settings_of(), 2)
    assert tournament.register("rule 0", "digest 0") == ()
    with pytest.raises(InvalidParameter, match="'rule 0' must keep its parameters while it takes"):
        tournament.register("rule 0", "other")
    tournament.withdraw("rule 0")
    with pytest.raises(InvalidParameter, match="needs parameters that were not retired before"):
        tournament.register("rule 0", "digest 0")
    (move,) = tournament.register("rule 0", "other")
    assert (move.target, move.note) == (Stage.R1, "attempt 2")
    assert tournament.ladder.rows["number"].tolist() == [2, 1]


def test_two_names_for_one_strategy_are_refused(settings_of: Settings, entered: Entered) -> None:
    tournament = entered(settings_of(), 2)
    with pytest.raises(InvalidParameter, match=r"was digest 1, which 'rule 1' has\. Two names"):
        tournament.register("new", "digest 1")
    with pytest.raises(InvalidParameter, match="needs a name and a digest"):
        tournament.register("", "x")
    with pytest.raises(UnknownName, match="strategy must be one that exists, was 'rul 1'"):
        tournament.withdraw("rul 1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"session": 4}, "must come in the order of time, after 4, was 4"),
        ({"returns": np.zeros(3)}, r"returns must have one value a strategy, shape \(2,\), was"),
        ({"returns": np.array([0.0, np.inf])}, "finite, or NaN where .* was inf of rule 1"),
        ({"trades": np.array([1, -1])}, "trades must be whole numbers of 0 or more"),
        ({"breaches": np.zeros(2)}, "breaches must be whole numbers of 0 or more"),
        ({"slippage": np.array([0.0, np.nan])}, "known where there were trades, was nan of rule 1"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    change: dict[str, object], message: str, settings_of: Settings, entered: Entered, play: Play
) -> None:
    tournament = entered(settings_of(), 2)
    play(tournament, np.zeros((5, 2)))
    told = {
        "session": 5,
        "returns": np.zeros(2),
        "trades": np.array([0, 1]),
        "slippage": np.zeros(2),
        "breaches": np.zeros(2, np.int64),
    }
    before = tournament.state()
    with pytest.raises(InvalidParameter, match=message):
        tournament.advance(**(told | change))
    assert tournament.state() == before


def test_a_state_of_other_settings_is_refused(settings_of: Settings, entered: Entered) -> None:
    state = entered(settings_of(), 2).state()
    with pytest.raises(RunMismatch, match="returns of the state must have the shape"):
        Tournament.resume(state, settings_of(live={"window": 20}))
    with pytest.raises(RunMismatch, match="must be of version 1, was 0"):
        Tournament.resume(state | {"version": 0}, settings_of())


def test_who_has_no_account_any_more_is_retired_from_any_stage() -> None:
    tournament = Tournament(TournamentSettings())
    for name in ("gone", "young", "sound"):
        tournament.register(name, name)
    zero, none = np.zeros(3), np.zeros(3, np.int64)
    tournament.advance(1, np.array([0.01, np.nan, 0.01]), none, zero, none)
    tournament.ladder.rows["stage"][0] = Stage.LIVE
    ruined = np.array([np.nan, np.nan, 0.01])
    tournament.advance(2, ruined, none, zero, none)
    (move,) = tournament.bury(ruined)
    assert (move.strategy, move.target, move.reason) == (0, Stage.RETIRED, Reason.RUINED)
    assert tournament.bury(ruined) == ()
