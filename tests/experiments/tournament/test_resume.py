"""A season that is broken off on the command line goes on there."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from benbot.experiments.cli import app
from benbot.experiments.tournament import season
from tests.experiments.tournament.test_season import config_with

BROKEN_OFF = 30  # session at which somebody ends it


def said_by(*words: str) -> str:
    done = CliRunner().invoke(app, ["tournament", *words])
    assert done.exit_code == 0, done.output
    return done.output[done.output.index("The ladder") : done.output.rindex("run ")]


@pytest.mark.nightly
def test_a_season_goes_on_by_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = {"uri": f"sqlite:///{tmp_path}/mlflow.db", "experiment": "small"}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(config_with(tracking=tracking).model_dump(mode="json")))
    whole = said_by(str(path), "--runs", f"{tmp_path}/whole")
    advance = season._advance

    def broken(told: season.Season, tournament: object, i: int) -> object:
        if i == BROKEN_OFF:
            raise KeyboardInterrupt
        return advance(told, tournament, i)

    runs = tmp_path / "runs"
    with monkeypatch.context() as patch:
        patch.setattr(season, "_advance", broken)
        assert CliRunner().invoke(app, ["tournament", str(path), "--runs", str(runs)]).exit_code
    (folder,) = runs.iterdir()
    again = said_by(str(path), "--runs", str(runs), "--resume", folder.name)
    assert again == whole
