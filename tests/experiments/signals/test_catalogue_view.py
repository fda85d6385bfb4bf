"""The catalogue for a person: every strategy in a line, and all about one."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from benbot.envs.errors import UnknownName
from benbot.experiments.signals.catalogue_view import (
    headline_of,
    show_catalogue,
    show_rule,
    story_of,
)
from benbot.strategies.catalogue import CATALOGUE


def said(show: Callable[..., None], *arguments: object) -> str:
    page = io.StringIO()
    show(*arguments, Console(file=page, width=100))
    return page.getvalue()


def test_every_strategy_has_a_line() -> None:
    text = said(show_catalogue)
    for name in CATALOGUE:
        assert f" {name} " in text
    assert "252 bars" in text


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_strategy_says_when_it_earns_and_when_it_loses_and_where_it_is_from(
    name: str,
) -> None:
    story = story_of(CATALOGUE[name]).lower()
    for word in ("makes money", "loses", "source"):
        assert word in story
    assert 10 < len(headline_of(CATALOGUE[name])) < 120
    assert "\n" not in headline_of(CATALOGUE[name])


@pytest.mark.parametrize("name", CATALOGUE)
def test_all_parameters_of_one_are_told_with_their_ranges(name: str) -> None:
    text = said(show_rule, name)
    for parameter, wanted in CATALOGUE[name].parameters().items():
        (line,) = (line for line in text.splitlines() if line.startswith(f" {parameter} "))
        assert [float(word) for word in line.split()[1:4]] == [
            wanted.default,
            wanted.low,
            wanted.high,
        ]


def test_a_name_that_is_nearly_one_is_answered_with_it() -> None:
    with pytest.raises(UnknownName, match="Did you mean volatility_breakout"):
        said(show_rule, "volatility_brekout")


def test_the_strategies_of_a_configuration_are_listed_and_programs_by_their_formulas(
    tmp_path: Path,
) -> None:
    program = '{"version": 1, "signal": ["negate", ["place", "return_20"]]}'
    path = tmp_path / "evolved.yaml"
    path.write_text(
        "extends: quickstart\nname: evolved\nstrategies: [rsi_reversion, "
        f"{{label: evolved_1, program: '{program}'}}]\n"
    )
    lines = said(show_rule, str(path)).splitlines()
    (bred,) = (line for line in lines if line.startswith(" evolved_1 "))
    assert bred.split() == ["evolved_1", "−place(return_20)", "20", "bars"]
    assert any(line.startswith(" rsi_reversion ") for line in lines)
