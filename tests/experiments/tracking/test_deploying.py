"""A policy is deployed by its run, goes back by its version, and is refused if it is not whole."""

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from mlflow import MlflowClient
from rich.console import Console

from benbot.agents.bundle import CARD, TENSORS
from benbot.envs.errors import InvalidParameter, RunMismatch, TradingError, UnknownName
from benbot.experiments import deploying
from benbot.experiments.deploying import Wanted, deploy_policy, show_registered
from benbot.experiments.tracking import candidates
from benbot.experiments.tracking.candidates import PAPER, checked_alias
from benbot.experiments.tracking.registry import find_version
from benbot.experiments.tracking.runs import Run

NOW = datetime(2026, 1, 5, tzinfo=UTC)
NAME = "desk"  # of these tests alone
Deploy = Callable[..., str]


@pytest.fixture
def uri(workshop: Any, trained: Any, tmp_path: Path) -> str:  # noqa: ANN401
    """A copy of the store of the workshop: versions that are made here trip nobody up."""
    copy = tmp_path / "mlflow.db"
    with (
        closing(sqlite3.connect(workshop.folder / "mlflow.db")) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return f"sqlite:///{copy}"


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture
def deploy(workshop: Any, uri: str) -> Deploy:  # noqa: ANN401
    def say(source: str, **how: Any) -> str:  # noqa: ANN401
        said = io.StringIO()
        wanted = replace(Wanted(source, name=NAME, runs=workshop.runs, store=uri), **how)
        deploy_policy(wanted, NOW, Console(file=said, width=100))
        return said.getvalue()

    return say


def versions(client: MlflowClient) -> list[Any]:
    return list(client.search_model_versions(f"name = '{NAME}'"))


def test_a_run_is_deployed_with_the_word_on_it(
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    uri: str,
) -> None:
    said = deploy(trained.id)
    assert "the best of 2 on valid, log growth a year 0: " in said
    assert "not proven: nothing says that it earns more than" in said
    assert "Replaces     nobody" in said
    assert f"Deployed     models:/{NAME}@champion is version 1" in said
    assert f"benbot paper --policy models:/{NAME}@champion" in said
    assert f"models:/{NAME}@champion --bar-seconds 20 --every 5" in said
    assert find_version(f"models:/{NAME}@champion", uri).run_id == trained.id


def test_the_best_of_valid_is_the_one_that_training_registers(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    uri: str,
) -> None:
    """Both choose by the same measure, or a person would deploy another one than was shown."""
    run = workshop.tracker.find_run(trained.id)
    own = candidates.candidate_of(uri, run, None)
    children = workshop.children(trained.id)
    growth = {s: children[f"seed {s}"].metrics["valid/log_growth"] for s in (0, 1)}
    assert int(own.seed) == max(growth, key=lambda s: growth[s])
    assert own.digest == children[f"seed {own.seed}"].tags["policy_digest"]


def test_the_same_again_changes_nothing(
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
) -> None:
    deploy(trained.id, seed=1)
    before = [dict(one) for one in versions(client)]
    said = deploy(trained.id, seed=1)
    assert "it was there already, nothing was changed" in said
    assert [dict(one) for one in versions(client)] == before


def test_another_seed_replaces_it_and_a_version_goes_back(
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
    uri: str,
) -> None:
    deploy(trained.id, seed=0)
    said = deploy(trained.id, seed=1)
    assert f"version 1 (tiny); back with benbot deploy models:/{NAME}/1" in said
    said = deploy(f"models:/{NAME}/1")
    assert "Replaces     version 2 (tiny)" in said
    assert len(versions(client)) == 2
    listed = io.StringIO()
    show_registered(uri, Console(file=listed, width=200))
    lines = [line for line in listed.getvalue().splitlines() if f"models:/{NAME}/" in line]
    assert "@champion" not in lines[0].split(";")[0]
    assert "@champion" in lines[1].split(";")[0]
    assert "after version 2" in lines[1]


def test_who_is_killed_before_the_alias_moved_says_it_again(
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deploying, "move_alias", dies)
    with pytest.raises(KeyboardInterrupt):
        deploy(trained.id)
    monkeypatch.undo()
    assert len(versions(client)) == 1
    deploy(trained.id)
    assert len(versions(client)) == 1


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ({"alias": "a b"}, InvalidParameter, "an alias must be up to 63 letters"),
        ({"alias": "latest"}, InvalidParameter, "which MLflow keeps for itself, was 'latest'"),
        ({"alias": "V12"}, InvalidParameter, "which MLflow keeps for itself"),
        ({"alias": ""}, InvalidParameter, "an alias must be"),
        ({"name": "../etc"}, InvalidParameter, r"must have a name .* was '\.\./etc'"),
        ({"seed": 7}, UnknownName, r"a seed must be one of run \w+, 0, 1, was 7"),
        ({"source": "f" * 32}, UnknownName, "run must be the id of a recorded one"),
        ({"source": "models:/desk/9"}, UnknownName, "a registered policy must exist"),
        ({"source": "models:/a@b", "seed": 1}, InvalidParameter, "--seed chooses a policy of a"),
        ({"store": "sqlite:////nowhere/x.db"}, UnknownName, "which does not exist. Say --store"),
    ],
)
def test_what_cannot_be_deployed_is_refused(
    how: dict[str, Any],
    kind: type[TradingError],
    message: str,
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
) -> None:
    with pytest.raises(kind, match=message):
        deploy(**{"source": trained.id, **how})
    assert versions(client) == []


@pytest.mark.parametrize(
    ("status", "tags", "message"),
    [
        ("RUNNING", {}, "once it is trained to its end, .* was RUNNING. Go on with benbot train"),
        ("FINISHED", {PAPER: "replay"}, "is of the paper account 'replay'"),
    ],
)
def test_a_run_that_is_no_finished_training_is_refused(
    status: str,
    tags: dict[str, str],
    message: str,
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
) -> None:
    client.update_run(trained.id, status)
    for name, value in tags.items():
        client.set_tag(trained.id, name, value)
    with pytest.raises(RunMismatch, match=message):
        deploy(trained.id)


def test_a_child_is_refused_with_the_command_that_is_meant(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
) -> None:
    child = workshop.children(trained.id)["seed 1"]
    with pytest.raises(RunMismatch, match=f"Say benbot deploy {trained.id} --seed 1"):
        deploy(child.id)


@pytest.mark.parametrize("name", [CARD, TENSORS])
def test_a_bundle_that_was_changed_is_refused(
    name: str,
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Run.read_file

    def changed(self: Run, path: str) -> bytes:
        content = real(self, path)
        if not path.endswith(name):
            return content
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]

    monkeypatch.setattr(Run, "read_file", changed)
    with pytest.raises(RunMismatch):
        deploy(trained.id)
    assert versions(client) == []


def test_another_policy_in_its_place_is_refused(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    client: MlflowClient,
) -> None:
    child = workshop.children(trained.id)["seed 0"]
    client.set_tag(child.id, "policy_digest", "0" * 16)
    with pytest.raises(RunMismatch, match="Its bundle was exchanged"):
        deploy(trained.id, seed=0)


def test_a_registered_bundle_that_was_changed_is_refused(
    trained: Any,  # noqa: ANN401
    deploy: Deploy,
    tmp_path: Path,
    client: MlflowClient,
) -> None:
    deploy(trained.id)
    source = Path(versions(client)[0].source.removeprefix("file://"))
    whole = tmp_path / "whole"
    copytree(source, whole)
    try:
        (source / TENSORS).write_bytes(b"\0" + (whole / TENSORS).read_bytes()[1:])
        with pytest.raises(RunMismatch):
            deploy(f"models:/{NAME}/1", alias="other")
    finally:
        (source / TENSORS).write_bytes((whole / TENSORS).read_bytes())


def test_aliases_that_can_be_typed_are_taken() -> None:
    for alias in ("champion", "Shadow-2", "a.b_c"):
        assert checked_alias(alias) == alias
