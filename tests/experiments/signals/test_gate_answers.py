"""Every answer of the gates has words, and names settings that there are."""

from pathlib import Path

import pytest

from benbot.envs.desk.reasons import Verdict
from benbot.experiments.config import load_config
from benbot.experiments.signals.gate_answers import MEANINGS, setting_of, with_settings

PAGE = Path(__file__).parents[3] / "docs" / "signals.md"


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_says_what_it_means_and_which_setting_decides(verdict: Verdict) -> None:
    meaning, config = MEANINGS[verdict], load_config("quickstart")
    assert len(meaning.words) > 10
    for name in meaning.settings:
        assert setting_of(config, name) is not None


@pytest.mark.parametrize("verdict", Verdict)
def test_the_page_tells_of_every_verdict_what_the_command_does(verdict: Verdict) -> None:
    words = verdict.name.replace("_", " ").lower()
    section = PAGE.read_text(encoding="utf-8").partition("## What the gates say")[2]
    (row,) = (
        line
        for line in section.partition("\n## ")[0].splitlines()
        if line.startswith(f"| {words} |")
    )
    assert MEANINGS[verdict].words in row
    for name in MEANINGS[verdict].settings:
        assert f"`{name}`" in row


def test_a_meaning_is_told_with_the_values_of_its_settings() -> None:
    config = load_config("quickstart", ["desk.limits.gross=1.25"])
    meaning = MEANINGS[Verdict.GROSS]
    told = with_settings(meaning.words, meaning.settings, config)
    assert told == "no room for longs plus shorts (desk.limits.gross=1.25)"
    assert with_settings("it is held", (), config) == "it is held"
