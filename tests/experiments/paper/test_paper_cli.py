"""`benbot paper` from the command line: replay, look, halt, go on, and what it refuses."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from benbot.agents.bundle import Expectations, save_bundle
from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.agents.policy import Allocator, Layer
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.cli import app
from benbot.experiments.config import load_config
from benbot.experiments.resolved import config_digest
from benbot.experiments.training.preparation import prepare_experiment

TINY = """
name: paper
market: {source: synthetic, seed: 3, n_bars: 170, n_symbols: 5, n_sectors: 2}
strategies: [{name: rsi_reversion, window: 2}, {name: ma_crossover, fast: 3, slow: 8}]
regime: {trend_window: 10, volatility_window: 5, volatility_history: 20}
segments:
  fit: {start: 2000-01-02, end: 2000-06-29}
  valid: {start: 2000-07-02, end: 2000-08-10}
  test: {start: 2000-08-13, end: 2000-08-24}
environment: {episode_bars: 20}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def bundle(config: Path) -> Path:
    """A policy with random numbers everywhere, saved beside its configuration."""
    loaded = load_config(config)
    history = prepare_experiment(loaded).history
    rng = np.random.default_rng(2)
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
    choices = [choice.model_dump() for choice in loaded.strategies]
    expectations = Expectations.of(history, choices, config_digest(loaded))
    save_bundle(config.parent / "bundle", policy, expectations, {})
    return config.parent / "bundle"


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["paper", *map(str, words)], env={"COLUMNS": "200"})


def test_a_replay_prints_that_nothing_differs(config: Path) -> None:
    result = run("replay", config, "--bars", "15")
    assert result.exit_code == 0, result.output
    assert "Differences: none, to the last digit" in result.output
    assert "15 bars, policy equal_weight" in result.output


def test_a_policy_is_run_looked_at_halted_and_goes_on(bundle: Path, tmp_path: Path) -> None:
    folder, store = tmp_path / "account", f"sqlite:///{tmp_path / 'account' / 'paper.db'}"
    options = ("--policy", bundle, "--venue", "replay", "--folder", folder)
    assert run(*options, "--bars", 8).exit_code == 0
    status = run("status", "--store", store).output
    assert "kill switch  off" in status
    assert "traded by    nobody now" in status
    assert "the chain is whole" in status
    assert "strategy" in run("positions", "--store", store).output
    assert "profit" in run("trades", "--store", store).output
    assert "no order is sent" in run("halt", "--store", store).output
    assert "kill switch  ON" in run("status", "--store", store).output
    run("resume", "--store", store)
    assert run(*options, "--bars", 15).exit_code == 0
    replayed = run("replay", bundle, "--bars", 15, "--folder", folder)
    assert "Differences: none" in replayed.output


def test_a_policy_of_other_rules_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(TINY + "desk: {limits: {max_positions: 3}}\n")
    error = run("replay", bundle, "--config", other).exception
    assert isinstance(error, RunMismatch)
    assert "limits.max_positions expected 10, was 3" in str(error)


def test_an_account_goes_on_with_what_it_began_with_alone(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "account"
    options = ("--policy", config, "--venue", "replay", "--folder", folder, "--bars", 5)
    assert run(*options).exit_code == 0
    error = run(*options, "--baseline", "cash").exception
    assert isinstance(error, RunMismatch)
    assert "must go on with the policy it began with" in str(error)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (("--segment", "test"), RunMismatch, "Results on test are asked for with benbot evaluate"),
        (("--baseline", "guess"), UnknownName, "a baseline must be one of cash"),
    ],
)
def test_what_cannot_be_traded_is_refused(
    words: tuple[str, ...], kind: type[Exception], message: str, config: Path
) -> None:
    error = run("replay", config, *words).exception
    assert isinstance(error, kind)
    assert message in str(error)


def test_an_account_that_is_not_there_is_named(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "account"
    run("--policy", config, "--venue", "replay", "--folder", folder, "--bars", 1)
    store = f"sqlite:///{folder / 'paper.db'}"
    error = run("status", "--account", "mine", "--store", store).exception
    assert "the account must be one of the store, replay, was 'mine'" in str(error)


def test_an_account_whose_policy_is_damaged_goes_on_with_exits_alone(
    bundle: Path, tmp_path: Path
) -> None:
    folder, store = tmp_path / "account", f"sqlite:///{tmp_path / 'account' / 'paper.db'}"
    options = ("--policy", bundle, "--venue", "replay", "--folder", folder)
    assert run(*options, "--bars", 8).exit_code == 0
    tensors = bundle / "policy.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-4])
    refused = run(*options, "--bars", 12).exception
    assert isinstance(refused, RunMismatch)
    assert "must have the digest" in str(refused)
    assert "--exits-only manages what it holds by the rules" in str(refused)
    result = run(*options, "--bars", 12, "--exits-only")
    assert result.exit_code == 0, result.output
    assert "alarm policy" in run("status", "--store", store).output


def test_limits_of_an_account_are_a_file_and_only_tighten(bundle: Path, tmp_path: Path) -> None:
    folder, limits = tmp_path / "account", tmp_path / "limits.yaml"
    options = ("--policy", bundle, "--venue", "replay", "--folder", folder, "--limits", limits)
    limits.write_text("gross: 0.3\ncaps: {entries_per_day: 20}\n")
    assert run(*options, "--bars", 4).exit_code == 0
    limits.write_text("gross: 0.6\ncaps: {entries_per_day: 20}\n")
    refused = run(*options, "--bars", 8).exception
    assert isinstance(refused, RunMismatch)
    assert "only tighten, gross was 0.3 and would be 0.6" in str(refused)
    limits.write_text("gros: 0.3\n")
    assert "gros" in str(run(*options, "--bars", 8).exception)


@pytest.mark.parametrize("command", ["status", "positions", "trades", "halt", "stop", "reconcile"])
def test_without_an_account_one_is_told_how_to_begin(command: str, tmp_path: Path) -> None:
    error = run(command, "--store", f"sqlite:///{tmp_path / 'none.db'}").exception
    assert isinstance(error, UnknownName)
    assert "an account must have begun, there is none yet in sqlite:///" in str(error)
    assert "Begin one: benbot paper --policy" in str(error)


def test_what_is_no_policy_is_told_what_is(tmp_path: Path) -> None:
    error = run("--policy", "nonsense", "--folder", tmp_path / "account").exception
    assert isinstance(error, UnknownName)
    words = "the id of a run below runs, the folder of a bundle, models:/NAME@ALIAS or a config"
    assert words in str(error)
    assert "was 'nonsense'" in str(error)


def test_who_stops_what_nobody_trades_is_told_so(config: Path, tmp_path: Path) -> None:
    folder, store = tmp_path / "account", f"sqlite:///{tmp_path / 'account' / 'paper.db'}"
    run("--policy", config, "--venue", "replay", "--folder", folder, "--bars", 1)
    said = run("stop", "--store", store).output
    assert "Nobody trades it now; what is held stays held" in said
    assert "no more until benbot paper resume" in said
    assert "after its cycle" not in said


def test_a_replay_of_an_account_that_was_stopped_trades_nothing_and_says_so(
    config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "account"
    store = f"sqlite:///{folder / 'paper.db'}"
    options = ("--policy", config, "--venue", "replay", "--folder", folder)
    assert run(*options, "--bars", 2).exit_code == 0
    before = run("status", "--store", store).output
    run("stop", "--store", store)
    again = run(*options, "--bars", 4)
    assert again.exit_code == 0
    assert "Stopped   it was asked to stop; let it run: benbot paper resume" in again.output
    assert "Trading   account" not in again.output
    stands = [line for line in before.splitlines() if line.startswith("stands")]
    assert stands
    assert stands == [line for line in _status(store) if line.startswith("stands")]
    run("resume", "--store", store)
    assert "Stopped" not in run(*options, "--bars", 4).output


def _status(store: str) -> list[str]:
    return run("status", "--store", store).output.splitlines()
