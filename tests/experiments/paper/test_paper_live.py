"""`benbot paper --venue simulated`: policies that trade as they were judged, or not at all."""

import json
import os
import signal
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Timer
from unittest.mock import patch

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from benbot.agents.advised import Advised
from benbot.agents.bundle import save_bundle
from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.agents.policy import Allocator, Layer
from benbot.agents.roster import GO_ON
from benbot.envs.errors import InvalidParameter, RunMismatch, UnknownName
from benbot.experiments.cli import app
from benbot.experiments.config import load_config
from benbot.experiments.paper import ending, running
from benbot.experiments.paper.daily_log import read_rows
from benbot.experiments.paper.ending import Left, asked_to_end
from benbot.experiments.paper.live import Place, undertaking_of
from benbot.experiments.paper.missed import Missed
from benbot.experiments.paper.subject import Asked, chosen, subject_of
from benbot.experiments.training.bundles import expectations_of
from benbot.experiments.training.preparation import prepare_experiment
from benbot.paper.autoloop import Cycle
from benbot.paper.live import Timing, Underway
from benbot.paper.setting import require_same
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import set_switch
from tests.experiments.paper.test_paper_cli import TINY

LEARNED = "learning: {correlation: true, online_share: 0.3, refit: 5}\n"
BINDING = "tournament: {binding: true}\n"
FEWER = "live: {slots: 2}"
RULE = '{"version": 1, "signal": ["negate", "return_5"]}'
PROGRAM = TINY.replace(
    "{name: ma_crossover, fast: 3, slow: 8}", f"{{name: program, program: '{RULE}'}}"
)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["paper", *map(str, words)], env={"COLUMNS": "200"})


def config_in(folder: Path, text: str = TINY) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def save_policy(config: Path, folder: Path, seed: int) -> None:
    """Save a policy with random numbers everywhere as one that was trained on a configuration."""
    prepared = prepare_experiment(load_config(config))
    history = prepared.history
    rng = np.random.default_rng(seed)
    sizes = (history.layout.size, 4, history.signals.n_strategies + 1)
    layers = tuple(
        Layer(
            rng.normal(0.0, 0.5, (n_out, n_in)).astype(np.float32),
            rng.normal(0.0, 0.5, n_out).astype(np.float32),
        )
        for n_in, n_out in pairwise(sizes)
    )
    moments = Moments(np.zeros(sizes[0]), np.ones(sizes[0]), 7.0)
    policy = Allocator(layers, ObservationNormaliser(moments, learning=False), 3.0)
    save_bundle(folder, policy, expectations_of(prepared), {})


def run_with(tmp_path: Path, text: str, *seeds: int) -> Path:
    """Return a run whose folder has a policy of each seed."""
    config = config_in(tmp_path / "run", text)
    for seed in seeds:
        save_policy(config, config.parent / f"seed-{seed}" / "bundle", seed)
    return config.parent


def traded(what: Path, tmp_path: Path, *words: object, cycles: int = 4) -> Result:
    """Trade in a market that goes on, and send SIGTERM after some cycles."""
    pace = ("--bar-seconds", 0.9, "--every", 0.3, "--folder", tmp_path / "account")
    line, left = running.line_of, iter(range(cycles - 1))

    def counted(on: Underway, cycle: Cycle) -> str:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGTERM)
        return line(on, cycle)

    with patch.object(running, "line_of", counted):
        return run("--policy", what, *pace, *words)


def test_a_policy_trades_until_it_is_asked_to_end_and_goes_on(tmp_path: Path) -> None:
    folder = run_with(tmp_path, TINY, 0, 7)
    first = traded(folder, tmp_path, "--seed", 7)
    assert first.exit_code == 0, first.output
    assert "policy agent of seed 7, one of 2" in first.output
    assert "0.9 seconds a bar" in first.output
    assert "benbot paper dashboard --store sqlite:///" in first.output
    assert first.output.count("equity") >= 1
    assert "Ended     simulated with" in first.output
    store = f"sqlite:///{tmp_path / 'account' / 'paper.db'}"
    status = run("status", "--store", store).output
    assert "account      simulated, began 2000-08-" in status
    assert "traded by    nobody now" in status
    assert "the chain is whole" in status
    assert first.output.index("Rehearsing a bar") < first.output.index("Trading   account")
    assert "it goes on when it is started" in first.output
    refused = traded(folder, tmp_path)  # the policy of another seed
    assert isinstance(refused.exception, RunMismatch)
    assert "with the policy it began with" in str(refused.exception)
    assert "Trading   account" not in refused.output
    assert traded(folder, tmp_path, "--seed", 7, cycles=2).exit_code == 0


def test_a_loop_that_was_asked_to_stop_stays_stopped_and_says_why(tmp_path: Path) -> None:
    config = config_in(tmp_path / "run")
    assert traded(config, tmp_path, cycles=2).exit_code == 0
    run("stop", "--store", f"sqlite:///{tmp_path / 'account' / 'paper.db'}")
    again = traded(config, tmp_path)
    assert "Stopped   it was asked to stop; let it run: benbot paper resume" in again.output
    assert "Preparing" not in again.output
    assert again.exit_code == 0


def test_a_loop_that_is_asked_to_stop_says_how_it_goes_on(
    tmp_path: Path,
) -> None:
    config, store = config_in(tmp_path / "run"), f"sqlite:///{tmp_path / 'account' / 'paper.db'}"
    options = ("--policy", config, "--store", store, "--folder", tmp_path / "account")
    assert run(*options, "--account", "other", "--venue", "replay", "--bars", 1).exit_code == 0
    asked = (store, "simulated", datetime.now(UTC), "by hand")
    stopping = Timer(1.5, lambda: set_switch(*asked, must_stop=True))
    stopping.start()
    result = traded(config, tmp_path, "--store", store, cycles=100)
    stopping.join()
    assert "it goes on when it is started" not in result.output
    assert f"benbot paper resume --store {store} --account simulated" in result.output
    assert f"benbot paper halt --store {store} --account simulated" in result.output


def test_alpaca_without_keys_is_refused_before_anything_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = config_in(tmp_path / "run")
    result = run("--policy", config, "--venue", "alpaca", "--folder", tmp_path / "account")
    assert "APCA_API_KEY_ID" in str(result.exception)
    assert result.output == ""


def test_bars_that_nobody_traded_are_counted_once() -> None:
    def at(bar: int, phase: Phase = Phase.DECIDED) -> Standing:
        return Standing(bar, phase, 0, b"")

    missed = Missed(at(10))
    (said,) = missed.look(at(14))
    assert said == "Passed    4 bars passed while nobody traded; no order of theirs was sent"
    assert missed.look(at(14, Phase.INSIDE)) == ()
    assert missed.look(at(15)) == ()  # it was traded in
    (said,) = missed.look(at(16))
    assert said.startswith("Behind    1 bar passed while nobody traded")
    assert missed.look(at(16, Phase.INSIDE)) == ()
    (said,) = missed.look(at(18, Phase.INSIDE))
    assert said.startswith("Behind    1 bar ")


def test_a_seed_that_a_run_does_not_have_is_refused(tmp_path: Path) -> None:
    error = run("replay", run_with(tmp_path, TINY, 3, 4), "--bars", 3).exception
    assert error is None
    error = traded(tmp_path / "run", tmp_path, "--seed", 5).exception
    assert isinstance(error, UnknownName)
    assert "seed must be one of those of run, 3, 4, was 5" in str(error)


def test_thresholds_that_bind_are_a_part_of_what_an_account_is(tmp_path: Path) -> None:
    place = Place("main", tmp_path, None, 0, Timing())
    made = []
    for text in (BINDING, BINDING.replace("true", "false"), BINDING.replace("}", f", {FEWER}}}")):
        asked = Asked(str(config_in(tmp_path / str(len(made)), TINY + text)))
        with undertaking_of(asked, place) as (_, one):
            made.append(one)
    held, free, other = made
    assert [one.ladder().binds for one in made] == [True, False, True]
    assert "tournament" not in free.identity
    assert len(free.layout.names) < len(held.layout.names)  # nobody sees a stage
    with pytest.raises(RunMismatch, match="must go on with the tournament it began with"):
        require_same(json.dumps(dict(held.identity)), dict(other.identity))


@pytest.mark.nightly
def test_a_policy_that_a_tournament_binds_replays_truly_and_goes_on(tmp_path: Path) -> None:
    folder = run_with(tmp_path, TINY + BINDING, 1)
    replayed = run("replay", folder, "--bars", 15)
    assert "Differences: none, to the last digit" in replayed.output, replayed.output
    for _ in range(2):
        gone_on = traded(folder, tmp_path)
        assert gone_on.exit_code == 0
        assert "Stages    R1: " in gone_on.output
    status = run("status", "--store", f"sqlite:///{tmp_path / 'account' / 'paper.db'}").output
    assert "stages       R1: " in status
    assert "LIVE alone has money" in status


def test_a_policy_that_was_advised_when_it_was_judged_is_advised_in_a_replay(
    tmp_path: Path,
) -> None:
    asked = Asked(str(run_with(tmp_path, TINY + LEARNED, 1)), bars=3)
    with subject_of(asked) as subject:
        assert isinstance(subject.stretch.policy, Advised)


def test_a_policy_that_is_advised_goes_on_and_refuses_other_lessons(tmp_path: Path) -> None:
    folder = run_with(tmp_path, TINY + LEARNED, 1)
    assert "Differences: none, to the last digit" in run("replay", folder, "--bars", 15).output
    for _ in range(2):
        assert traded(folder, tmp_path, cycles=2).exit_code == 0
    store = f"sqlite:///{tmp_path / 'account' / 'paper.db'}"
    kept = read_rows(store, "simulated").account["identity"]
    assert json.loads(kept)["learning"]["online_share"] == 0.3
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("refit: 5", "refit: 6"))
    error = traded(folder, tmp_path).exception
    assert isinstance(error, RunMismatch)
    assert "the learning must be what the policy was trained on; refit expected 5" in str(error)


def test_a_policy_goes_on_with_the_lessons_of_its_account(tmp_path: Path) -> None:
    asked = Asked(str(config_in(tmp_path / "run", TINY + LEARNED)), baseline="hedge")
    with chosen(asked) as who:
        kept, own = json.dumps(who.identity), who.identity
    require_same(kept, own)
    with pytest.raises(RunMismatch, match="with the learning it began with"):
        require_same(kept, own | {"learning": None})


@pytest.mark.nightly
@pytest.mark.parametrize("baseline", GO_ON)
def test_every_baseline_goes_on_that_is_not_refused(baseline: str, tmp_path: Path) -> None:
    config = config_in(tmp_path / "run")
    words = ("--baseline", baseline)
    assert "Differences: none" in run("replay", config, "--bars", 30, *words).output
    for _ in range(2):
        assert traded(config, tmp_path, *words).exit_code == 0


def test_lessons_about_confidence_and_programs_trade_as_they_were_judged(tmp_path: Path) -> None:
    folder = run_with(tmp_path, PROGRAM + "learning: {calibration: true, stops: true}\n", 1)
    assert "Differences: none" in run("replay", folder, "--bars", 15).output
    assert traded(folder, tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (("--baseline", "oracle"), RunMismatch, "oracle is chosen with hindsight, from bars that"),
        (("--baseline", "best_fixed_weights"), RunMismatch, "_weights is chosen with hindsight"),
        (("--baseline", "buy_and_hold"), RunMismatch, "buys the universe under rules of its own"),
        (("--baseline", "placebo"), RunMismatch, "is trained with an agent, on features of other"),
        (("--baseline", "hodge"), UnknownName, "a baseline must be one of cash, equal_weight, "),
        (("--every", 5), InvalidParameter, "a bar must last at least 3 cycles of 5 seconds"),
        (("--segment", "test"), RunMismatch, "Results on test are asked for with benbot evaluate"),
    ],
)
def test_what_cannot_go_on_is_refused(
    words: tuple[object, ...], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    error = traded(config_in(tmp_path / "run"), tmp_path, *words).exception
    assert isinstance(error, kind)
    assert message in str(error)


def test_without_a_name_the_only_account_is_meant(tmp_path: Path) -> None:
    config, store = config_in(tmp_path / "run"), f"sqlite:///{tmp_path / 'paper.db'}"
    options = ("--policy", config, "--venue", "replay", "--folder", tmp_path, "--bars", 2)
    for account in ("one", "two"):
        assert run(*options, "--account", account, "--folder", tmp_path / account).exit_code == 0
    assert (
        "account      one" in run("status", "--store", f"sqlite:///{tmp_path}/one/paper.db").output
    )
    for account in ("one", "two"):
        words = ("--account", account, "--store", store, "--folder", tmp_path / f"{account}-new")
        assert run(*options, *words).exit_code == 0
    error = run("status", "--store", store).exception
    assert isinstance(error, UnknownName)
    assert "--account must say which, the store has one, two" in str(error)


def ask_and_wait(n: int, signal_number: int, seconds: float) -> None:
    with asked_to_end():
        for _ in range(n):
            os.kill(os.getpid(), signal_number)
        time.sleep(seconds)


def test_a_cycle_that_does_not_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "GRACE", 1)
    with pytest.raises(Left):
        ask_and_wait(1, signal.SIGTERM, 10.0)


def test_asked_twice_a_loop_ends_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Left):
        ask_and_wait(2, signal.SIGINT, 0.0)
    assert signal.getsignal(signal.SIGINT) is before
