"""What was recorded is found again, complete, where the UI looks for it."""

import io
import json
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.envs.errors import RunMismatch, UnknownName
from benbot.envs.market.market import Market, Origin, market_from_prices
from benbot.experiments.tracking.registry import fetched
from benbot.experiments.tracking.tracker import (
    Run,
    Status,
    Tracker,
    TrackingSettings,
    newest_experiment,
    open_tracker,
)


class Clock:
    """Time that moves only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Store:
    """A database that all tests share, since making one takes seconds."""

    settings: TrackingSettings
    said: str  # what opening it for the first time printed


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    settings = TrackingSettings(uri=f"sqlite:///{folder / 'inner' / 'mlflow.db'}")
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        open_tracker(settings)
    return Store(settings, said.getvalue())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracker(store: Store, clock: Clock, request: pytest.FixtureRequest) -> Tracker:
    """Return a tracker on an experiment of the test's own."""
    settings = store.settings.model_copy(update={"experiment": request.node.name})
    return open_tracker(settings, clock=clock)


def record(tracker: Tracker, run: Run) -> Any:  # noqa: ANN401
    """Return what MLflow itself knows of a run."""
    return tracker._client.get_run(run.id)


def days(n_bars: int, notes: tuple[str, ...] = ()) -> Market:
    times = np.datetime64("2020-01-01T21:00", "ns") + np.arange(n_bars) * np.timedelta64(1, "D")
    close = np.linspace(1.0, 2.0, n_bars * 2).reshape(n_bars, 2)
    origin = Origin("data/stocks.csv", "splits", notes)
    return market_from_prices(times, ("AAA", "BBB"), {"close": close}, origin=origin)


def test_a_new_store_is_made_in_silence_and_tells_nobody(store: Store) -> None:
    from mlflow.telemetry import get_telemetry_client

    assert store.said == ""
    assert get_telemetry_client() is None


def test_children_are_listed_below_their_parent_in_order(tracker: Tracker, clock: Clock) -> None:
    parent = tracker.start_run("training", {"algo": "ppo"})
    names = ["seed 0", "seed 1", "equal_weight"]
    for name in names:
        clock.now += 1.0
        tracker.start_run(name, {"seed": 3}, parent=parent)
    tracker.start_run("somebody else's")
    found = tracker.children(parent)
    assert [child.name for child in found] == names
    assert found[0].tags["mlflow.parentRunId"] == parent.id
    assert found[0].tags["seed"] == "3"
    assert parent.tags["algo"] == "ppo"


def test_a_child_has_no_children(tracker: Tracker) -> None:
    child = tracker.start_run("child", parent=tracker.start_run("parent"))
    with pytest.raises(RunMismatch, match="must not be a child itself, was child"):
        tracker.start_run("grandchild", parent=child)


def test_metrics_wait_and_then_arrive_complete(tracker: Tracker, clock: Clock) -> None:
    run = tracker.start_run("run")
    for step in range(3):
        run.log_metrics({"loss": 1.0 / (1 + step)}, step=step * 10)
    assert run.metrics == {}
    clock.now += 6.0
    run.log_metrics({"loss": 0.125}, step=30)
    history = tracker._client.get_metric_history(run.id, "loss")
    assert [(point.step, point.value) for point in history] == [
        (0, 1.0),
        (10, 0.5),
        (20, 1.0 / 3.0),
        (30, 0.125),
    ]
    assert {point.timestamp for point in history[:3]} == {1_700_000_000_000}


def test_more_than_one_call_can_carry_still_arrives(tracker: Tracker) -> None:
    run = tracker.start_run("run")
    run.log_metrics({f"m{i}": float(i) for i in range(2_345)})
    assert len(run.metrics) == 2_345
    run.log_params({f"p{i}": i for i in range(234)})
    assert len(run.params) == 234
    run.set_tags({f"t{i}": i for i in range(123)})
    assert run.tags["t122"] == "122"


def test_what_is_not_finite_is_left_out_and_named(tracker: Tracker) -> None:
    run = tracker.start_run("run")
    run.log_metrics({"sharpe": np.nan, "growth": -np.inf, "volatility": 0.0})
    run.finish()
    assert run.metrics == {"volatility": 0.0}
    assert run.tags["undefined_metrics"] == "growth, sharpe"


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (ValueError("bad"), "FAILED"), (KeyboardInterrupt(), "KILLED")],
)
def test_a_run_ends_as_its_block_ends(
    tracker: Tracker, error: BaseException | None, status: str
) -> None:
    run = tracker.start_run("run")
    assert run.status is Status.RUNNING
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, run:
        run.log_metrics({"loss": 1.0})
        if error is not None:
            raise error
    assert run.status == status
    assert run.metrics == {"loss": 1.0}  # nothing that waited was lost


def test_a_run_that_ended_can_go_on(tracker: Tracker) -> None:
    run = tracker.start_run("run")
    run.finish(Status.KILLED)
    again = tracker.find_run(run.id)
    again.resume()
    assert again.status is Status.RUNNING
    assert again.name == "run"


def test_a_run_that_does_not_exist_is_refused(tracker: Tracker) -> None:
    with pytest.raises(UnknownName, match="must be the id of a recorded one, was 'nothing'"):
        tracker.find_run("nothing")


def test_going_on_with_other_parameters_is_refused_naming_each(tracker: Tracker) -> None:
    run = tracker.start_run("run")
    long = "x" * 700
    run.log_params({"rate": 0.1, "envs": 64, "gone": 1, "long": long})
    assert len(run.params["long"]) == 500
    run.require_params({"rate": 0.1, "envs": 64, "gone": 1, "long": long})
    with pytest.raises(RunMismatch) as caught:
        run.require_params({"rate": 0.2, "envs": 64, "new": 2, "long": long})
    assert (
        "gone was 1, is now not set; new was not set, is now 2; rate was 0.1, is now 0.2."
        in str(caught.value)
    )


def test_data_is_recorded_by_name_and_digest_without_a_copy(tracker: Tracker) -> None:
    run, market = tracker.start_run("run"), days(20, ("survivorship bias: only the living",))
    run.log_dataset(market.between(0, 12), "fit")
    run.log_dataset(market.between(12, 20), "test")
    used = {i.tags[0].value: i.dataset for i in record(tracker, run).inputs.dataset_inputs}
    assert set(used) == {"fit", "test"}
    assert used["fit"].name == "stocks.csv"
    assert used["fit"].digest == market.between(0, 12).digest
    source = json.loads(used["test"].source)["tags"]
    assert (source["first"], source["symbols"]) == ("2020-01-13T21:00", "AAA, BBB")
    assert source["notes"] == "survivorship bias: only the living"
    assert json.loads(used["test"].profile)["features_shape"] == {"close": [8, 2]}
    assert tracker._client.list_artifacts(run.id) == []


def test_files_lie_beside_the_database(tracker: Tracker, store: Store, tmp_path: Path) -> None:
    run = tracker.start_run("run")
    run.log_file("figures/equity.png", b"\x89PNG")
    run.log_file("config.yaml", "name: ä\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.txt").write_text("one")
    run.log_artifacts(tmp_path, "bundle")
    assert run.read_file("figures/equity.png") == b"\x89PNG"
    assert run.read_file("config.yaml").decode() == "name: ä\n"
    home = Path(store.settings.uri.removeprefix("sqlite:///")).parent / "mlartifacts"
    written = {
        p.relative_to(home / run.id / "artifacts").as_posix()
        for p in home.rglob(f"{run.id}/**/*")
        if p.is_file()
    }
    assert written == {"figures/equity.png", "config.yaml", "bundle/sub/one.txt"}
    with pytest.raises(UnknownName, match=r"must be one that it has, was 'missing.txt'"):
        run.read_file("missing.txt")


def test_a_policy_is_registered_as_it_is_and_its_alias_moves(
    tracker: Tracker, tmp_path: Path
) -> None:
    run = tracker.start_run("run")
    for version, weights in (("1", b"first"), ("2", b"second")):
        bundle = tmp_path / version
        (bundle / "inner").mkdir(parents=True)
        (bundle / "policy.safetensors").write_bytes(weights)
        (bundle / "inner" / "spec.json").write_text("{}")
        assert run.register_policy(bundle, "allocator", "challenger") == version
    assert run.register_policy(tmp_path / "1", "allocator", None) == "3"
    run.log_file("config.yaml", "name: mine\n")
    with fetched("models:/allocator@challenger", tracker.uri) as out:
        found = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
        assert found == {"policy.safetensors", "inner/spec.json"}
        assert (out / "policy.safetensors").read_bytes() == b"second"
    for version, aliases in (("1", []), ("2", ["challenger"]), ("3", [])):
        model = tracker._client.get_model_version("allocator", version)
        assert (model.run_id, model.aliases) == (run.id, aliases)


def test_the_same_experiment_is_used_again_and_knows_its_columns(
    tracker: Tracker, store: Store, request: pytest.FixtureRequest
) -> None:
    settings = store.settings.model_copy(update={"experiment": request.node.name})
    assert open_tracker(settings).experiment_id == tracker.experiment_id
    tags = tracker._client.get_experiment(tracker.experiment_id).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    columns = json.loads(tags["mlflow.sharedViewState.results"])["selectedColumns"]
    assert {"tags.`seed`", "metrics.`test/sharpe_ratio`"} <= set(columns)


def test_the_newest_experiment_is_the_one_of_the_last_run(
    tracker: Tracker, store: Store, clock: Clock
) -> None:
    clock.now += 1e6
    tracker.start_run("last")
    other = store.settings.model_copy(update={"experiment": "without runs"})
    open_tracker(other)
    assert newest_experiment(store.settings.uri) == tracker.experiment_id


def test_a_deleted_experiment_is_not_written_to(
    tracker: Tracker, store: Store, request: pytest.FixtureRequest
) -> None:
    tracker._client.delete_experiment(tracker.experiment_id)
    with pytest.raises(UnknownName, match=r"must not be a deleted one.*restore --experiment-id"):
        open_tracker(store.settings.model_copy(update={"experiment": request.node.name}))


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns", "mlflow.db", ""])
def test_a_store_of_an_unknown_kind_is_refused(uri: str) -> None:
    with pytest.raises(ValidationError, match="must begin with sqlite:///"):
        TrackingSettings(uri=uri)


def test_a_password_has_no_place_in_a_configuration() -> None:
    with pytest.raises(ValidationError, match="must not hold a password") as caught:
        TrackingSettings(uri="postgresql://me:secret@host/db")
    assert "secret" not in caught.value.errors(include_input=False)[0]["msg"]
