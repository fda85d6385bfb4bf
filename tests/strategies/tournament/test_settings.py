"""A ladder on which a higher stage asks for less is none."""

import pytest
from pydantic import ValidationError

from benbot.envs.errors import UnknownName
from benbot.strategies.tournament.settings import GateSettings, TournamentSettings
from benbot.strategies.tournament.stages import Stage, stage_named


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        ("r2", {"sharpe": 0.5}, "sharpe of R2 must be as much or more than that of R1, 0.9, was"),
        ("r3", {"days": 9}, "days of R3 must be as much or more than that of R2, 10, was 9"),
        ("r2", {"drawdown": 0.2}, "drawdown of R2 must be as little or less than that of R1"),
        ("r3", {"slots": 21}, "slots of R3 must be as little or less than that of R2, 20, was 21"),
        ("r3", {"slippage": None}, "slippage of R3 must be as little or less than that of R2"),
        ("r3", {"level": 0.3}, "level of R3 must be as little or less than that of R2, 0.2"),
        ("r3", {"capital": (100.0, 5000.0)}, "capital of R3 must be as much as that of R2"),
        ("live", {"capital": (9.0, 9.0)}, "capital of LIVE must be as much as that of R3"),
        ("r1", {"capital": (200.0, 100.0)}, "capital needs 0 < lowest <= highest"),
    ],
)
def test_a_ladder_that_is_not_monotone_is_refused(
    stage: str, change: dict[str, object], message: str
) -> None:
    tree = TournamentSettings().model_dump()
    tree[stage] |= change
    with pytest.raises(ValidationError, match=message):
        TournamentSettings.model_validate(tree)


def test_a_stage_takes_what_it_leaves_out_from_its_default() -> None:
    settings = TournamentSettings.model_validate({"r2": {"days": 12}})
    assert settings.r2 == TournamentSettings().r2.model_copy(update={"days": 12})
    assert settings.r1 == TournamentSettings().r1


def test_a_bet_on_no_more_than_the_benchmark_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"must be above the benchmark, 1\.0, was"):
        GateSettings(benchmark=1.0, sought=(1.0, 2.0))


def test_stages_are_found_by_name_and_unknown_ones_refused() -> None:
    assert stage_named("R2") is Stage.R2
    with pytest.raises(UnknownName, match=r"must be one that exists, was .R4.\. Did you mean"):
        stage_named("R4")
