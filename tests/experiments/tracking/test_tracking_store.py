"""A store that cannot be used says so at once, and artifacts go where they are found again."""

import os
import socket
from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig, TrackingUnavailable
from benbot.experiments.tracking.store import (
    artifact_location,
    check_kind,
    check_reachable,
    quiet_environment,
    reaching,
    sqlite_path,
)
from benbot.experiments.tracking.tracker import TrackingSettings, open_tracker
from benbot.experiments.tracking.view import runs_page


def test_a_path_below_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    settings = TrackingSettings(uri=f"sqlite:///{tmp_path}/file/mlflow.db")
    with pytest.raises(TrackingUnavailable) as caught:
        open_tracker(settings)
    said = str(caught.value)
    assert "tracking needs a database that it can write, was" in said
    assert f"{tmp_path}/file/mlflow.db" in said
    assert "Set tracking.uri to a file in a folder of yours" in said


def test_a_folder_and_a_file_that_is_no_database_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrackingUnavailable, match="unable to open database file"):
        check_reachable(f"sqlite:///{tmp_path}")
    (tmp_path / "notes.txt").write_text("these are notes, and long enough to be no database" * 9)
    with pytest.raises(TrackingUnavailable, match="file is not a database"):
        check_reachable(f"sqlite:///{tmp_path / 'notes.txt'}")
    assert (tmp_path / "notes.txt").read_text().startswith("these are notes")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_is_read_only_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(TrackingUnavailable, match="unable to open database file"):
        check_reachable(f"sqlite:///{tmp_path / 'mlflow.db'}")


def test_a_store_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    check_reachable(f"sqlite:///{tmp_path}/new/mlflow.db")
    check_reachable(f"sqlite:///{tmp_path}/new/mlflow.db")
    assert (tmp_path / "new").is_dir()


def test_a_server_that_does_not_answer_is_refused_at_once() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # taken, but nobody listens
        port = listener.getsockname()[1]
        with pytest.raises(TrackingUnavailable, match=f"MLflow server at http://127.0.0.1:{port}"):
            check_reachable(f"http://127.0.0.1:{port}")


def test_artifacts_lie_beside_an_sqlite_database_unless_a_place_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert artifact_location("sqlite:///mlflow.db", None) == (tmp_path / "mlartifacts").as_uri()
    absolute = artifact_location(f"sqlite:///{tmp_path}/deep/mlflow.db", None)
    assert absolute == (tmp_path / "deep" / "mlartifacts").as_uri()
    assert artifact_location("sqlite:///mlflow.db", "files") == (tmp_path / "files").as_uri()
    assert artifact_location("sqlite:///mlflow.db", "s3://bucket/x") == "s3://bucket/x"
    for server in ("http://host:5000", "postgresql://host/db", "sqlite:///:memory:"):
        assert artifact_location(server, None) is None


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_store_that_ends_with_the_process_is_refused(uri: str) -> None:
    with pytest.raises(BadConfig, match=r"must outlive the process, was .*Name a file"):
        check_kind(uri)


def test_a_missing_driver_is_named() -> None:
    said = r"needs the Python package psycopg.*pip install 'benbot\[postgres\]'"
    with pytest.raises(TrackingUnavailable, match=said), reaching("postgresql://host/db"):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")


def test_the_file_of_a_database_is_known() -> None:
    assert sqlite_path("sqlite:///a/b.db?timeout=3") == Path("a/b.db")
    assert sqlite_path("sqlite:////tmp/b.db") == Path("/tmp/b.db")  # noqa: S108
    assert sqlite_path("postgresql+psycopg://host/db") is None


def test_a_child_process_is_quiet_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENBOT_TEST", "kept")
    environment = quiet_environment()
    assert environment["BENBOT_TEST"] == "kept"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["DO_NOT_TRACK"] == "true"


def test_the_page_of_an_experiment_opens_with_the_results() -> None:
    assert runs_page("http://127.0.0.1:5000/", "7") == (
        "http://127.0.0.1:5000/#/experiments/7/runs"
        "?viewStateShareKey=results&workflowType=machine_learning"
    )
