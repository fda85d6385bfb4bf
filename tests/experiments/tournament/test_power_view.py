"""The tables of `benbot tournament power`, and that its group plays a configuration by default."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from benbot.envs.errors import BadConfig, UnknownName
from benbot.experiments.cli import app
from benbot.experiments.tournament.power_view import Simulated, show_power
from benbot.strategies.tournament.power import changed
from benbot.strategies.tournament.settings import TournamentSettings

BRIEF = changed(TournamentSettings(), retirement={"sessions": 60})


def shown(settings: TournamentSettings) -> str:
    console = Console(file=io.StringIO(), width=80)
    show_power(settings, Simulated(n=20, volatility=0.08, trades=6, seed=0), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_power_is_printed_for_the_thresholds_alone_and_for_each_way_to_count_evidence() -> None:
    text = shown(BRIEF)
    assert text.count("half within") == 3
    assert "thresholds alone, looked at every session" in text
    assert "as the first of 50 that is found, with 20% false discoveries" in " ".join(text.split())
    assert "…" not in text
    assert "100 [83–100]" in text  # all twenty leave R1 by thresholds
    assert "never" in text


def test_without_a_gate_there_is_nothing_but_the_thresholds() -> None:
    assert shown(changed(BRIEF, gate={"enabled": False})).count("half within") == 1


def test_a_word_that_is_no_command_is_a_configuration_to_play() -> None:
    runner = CliRunner()
    failed = runner.invoke(app, ["tournament", "quickstar"])
    assert isinstance(failed.exception, UnknownName)
    assert "configuration must be one that exists, was 'quickstar'" in str(failed.exception)
    failed = runner.invoke(app, ["tournament", "power", "quickstart", "tournament.r2.days=1"])
    assert isinstance(failed.exception, BadConfig)
    assert "days of R2 must be as much or more than that of R1, 7, was 1" in str(failed.exception)


@pytest.mark.parametrize("words", [["play", "--help"], ["power", "--help"], ["--help"]])
def test_every_command_has_help(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["tournament", *words]).exit_code == 0
