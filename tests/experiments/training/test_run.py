"""A training from its configuration to the store: complete, repeatable, and safe from Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.artifacts import download_artifacts

from benbot.agents.bundle import load_bundle, policy_digest
from benbot.agents.evaluation import evaluate
from benbot.envs.errors import BadConfig, RunMismatch
from benbot.experiments.audit.audit import Effort
from benbot.experiments.audit.audit import audit as real_audit
from benbot.experiments.audit.result import AuditResult, AuditRow
from benbot.experiments.config import load_config
from benbot.experiments.report.captions import KINDS
from benbot.experiments.tracking.tracker import COMMIT, NOTE, SOURCE, Run, Status
from benbot.experiments.training import run as run_module
from benbot.experiments.training.challenger import ALIAS, MODEL
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.verdict.statistics import metrics

ORDER = (
    "cash",
    "equal_weight",
    "inverse_volatility",
    "best_single",
    "regime_record",
    "random",
    "buy_and_hold",
)
BASELINES = set(ORDER)
LABELS = {
    "algo",
    "seed",
    "fold",
    "strategy_set",
    "reward",
    "data_digest",
    "config_digest",
    "git_commit",
}


def judged(run: Run) -> dict[str, float]:
    """Return what a run was judged by, without the curves of its training."""
    return {
        name: value
        for name, value in run.metrics.items()
        if name.startswith(("valid/", "test/", "baseline/"))
    }


def files_of(workshop: Any, run_id: str, below: str | None = None) -> set[str]:  # noqa: ANN401
    client = workshop.tracker._client
    return {found.path for found in client.list_artifacts(run_id, below)}


def test_a_training_is_a_finished_parent_with_a_child_for_each_seed_and_baseline(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    parent = workshop.tracker.find_run(trained.id)
    children = workshop.children(trained.id)
    assert parent.name == "tiny"
    assert parent.status is Status.FINISHED
    assert set(children) == {"seed 0", "seed 1", *BASELINES}
    assert {child.status for child in children.values()} == {Status.FINISHED}


def test_every_child_carries_its_labels_as_tags_and_as_parameters(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    for name, child in workshop.children(trained.id).items():
        tags, params = child.tags, child.params
        assert tags.keys() >= LABELS, name
        assert {key: params[key] for key in LABELS} == {key: tags[key] for key in LABELS}, name
        assert tags[SOURCE] == "benbot train tiny.yaml"
        assert tags[COMMIT] == tags["git_commit"]
        assert tags["strategy_set"] == "rsi_reversion,ma_crossover,bollinger_reversion"
        assert params["agent.total_steps"] == "2048"
    seeds = {name: child.tags["seed"] for name, child in workshop.children(trained.id).items()}
    assert (seeds["seed 0"], seeds["seed 1"], seeds["cash"]) == ("0", "1", "none")


def test_metrics_are_in_their_places(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    children = workshop.children(trained.id)
    for child in children.values():
        assert {"test/annual_return", "test/max_drawdown", "valid/annual_return"} <= set(
            child.metrics
        )
    parent = workshop.tracker.find_run(trained.id).metrics
    seeds = [children[f"seed {seed}"].metrics["test/total_return"] for seed in (0, 1)]
    assert parent["test/total_return"] == pytest.approx(sum(seeds) / 2)
    assert {f"test/growth_over/{name}" for name in BASELINES} <= parent.keys()
    for name in BASELINES:
        child = children[name].metrics
        own = {key: value for key, value in child.items() if key.startswith("test/")}
        kept = {f"test/{key.split('/')[2]}": v for key, v in parent.items() if f"/{name}/" in key}
        assert kept == own
    assert parent["baseline/cash/total_return"] == 0.0
    assert parent["baseline/equal_weight/n_trades"] > 0


def test_a_training_is_audited_before_anything_is_learned(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    parent = workshop.tracker.find_run(trained.id)
    assert parent.metrics["audit/leaks"] == 0.0
    audited = json.loads(parent.read_file("audit.json"))
    assert audited["leaks"] == 0
    assert len(audited["rows"]) > 100
    assert trained.said.index("Auditing for look-ahead") < trained.said.index("Training seed 0")
    assert "leak." not in trained.said


def test_a_leak_stops_nothing_and_is_said_loudly(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leak = AuditRow("signal", "rsi_reversion", "direction", "change", 900, "2003-06-16", 1.0)

    def audit(prepared: Prepared, effort: Effort) -> AuditResult:
        return replace(real_audit(prepared, Effort(1, 1, 1)), rows=(leak,))

    monkeypatch.setattr("benbot.experiments.training.training.audit", audit)
    said = workshop.train("seeds=[0]", "agent.total_steps=256", "name=leaky")
    assert "1 of 1 columns leak" in said
    assert leak.sentence in said
    run = workshop.tracker.find_run(said.partition("Run       ")[2].split()[0])
    assert run.metrics["audit/leaks"] == 1.0
    assert run.status is Status.FINISHED


def test_the_page_of_a_run_begins_with_the_table_that_was_printed(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    note, verdict = workshop.tracker.find_run(trained.id).tags[NOTE].split("Verdict. ")
    written = [line.strip("| ").split(" | ") for line in note.splitlines() if line[:1] == "|"]
    assert [row[0] for row in written[2:]] == ["agent, 2 seeds", *ORDER]
    assert {len(row) for row in written[:2]} == {7}
    printed = trained.said.split()
    for row in written[2:]:
        assert [cell for cell in " ".join(row).split() if cell not in printed] == []
    for name in ORDER:
        assert f"| {name} |" in verdict


def test_the_curves_of_training_are_kept_step_by_step(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    child = workshop.children(trained.id)["seed 0"]
    history = workshop.tracker._client.get_metric_history(child.id, "train/valid_log_growth")
    assert [point.step for point in history] == [256 * update for update in range(1, 9)]
    assert any((workshop.runs / trained.id / "seed-0" / "tensorboard").iterdir())


def test_figures_report_configuration_and_bundles_are_artifacts(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    assert {"config.yaml", "report.html", "figures"} <= files_of(workshop, trained.id)
    figures = files_of(workshop, trained.id, "figures")
    assert "figures/equity.png" in figures
    assert {path.partition("/")[2].removesuffix(".png") for path in figures} == set(KINDS)
    parent = workshop.tracker.find_run(trained.id)
    assert parent.read_file("figures/equity.png").startswith(b"\x89PNG")
    page = parent.read_file("report.html").decode()
    assert trained.id in page
    assert page == (workshop.runs / trained.id / "report.html").read_text()
    child = workshop.children(trained.id)["seed 1"]
    assert files_of(workshop, child.id, "bundle") == {
        "bundle/bundle.json",
        "bundle/policy.safetensors",
    }


def test_what_a_child_shows_is_the_chosen_policy_and_not_the_last_one(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    prepared = prepare_experiment(load_config(workshop.config))
    for seed in (0, 1):
        kept = load_bundle(workshop.runs / trained.id / f"seed-{seed}" / "bundle")
        shown = workshop.children(trained.id)[f"seed {seed}"].metrics
        for segment in ("valid", "test"):
            again = evaluate(
                kept.policy,
                prepared.history,
                prepared.spans[segment],
                prepared.config.environment,
            )
            expected = {f"{segment}/{key}": value for key, value in metrics(again).items()}
            assert {key: shown[key] for key in expected if key in shown} == {
                key: value for key, value in expected.items() if np.isfinite(value)
            }


def test_the_bundle_is_the_policy_that_was_judged(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    for seed in (0, 1):
        kept = load_bundle(workshop.runs / trained.id / f"seed-{seed}" / "bundle")
        child = workshop.children(trained.id)[f"seed {seed}"]
        assert child.tags["policy_digest"] == policy_digest(kept.policy)
        assert child.tags["config_digest"] == kept.expectations.config_digest


def test_the_data_of_each_segment_is_an_input_of_its_own(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    prepared = prepare_experiment(load_config(workshop.config))
    expected = {
        name: prepared.market.between(span.first, span.last + 1).digest
        for name, span in prepared.spans.items()
    }
    assert set(expected) == {"fit", "valid", "test"}
    assert len(set(expected.values())) == 3
    client = workshop.tracker._client
    for run_id in (trained.id, workshop.children(trained.id)["cash"].id):
        inputs = client.get_run(run_id).inputs.dataset_inputs
        assert {used.tags[0].value: used.dataset.digest for used in inputs} == expected


def test_the_best_seed_on_valid_is_registered_and_does_not_challenge_unless_it_beats_cash(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    client = workshop.tracker._client
    versions = client.search_model_versions(f"run_id = '{trained.id}'")
    assert [version.name for version in versions] == [MODEL]
    run = workshop.tracker.find_run(trained.id)
    word = run.tags["verdict/cash"]
    assert word != "BEATS"
    why = f"/{versions[0].version}, not @{ALIAS}: against cash the verdict is {word}"
    assert f"models:/{MODEL}{why}" in trained.said
    assert not versions[0].aliases
    where = client.get_model_version_download_uri(MODEL, versions[0].version)
    found = Path(download_artifacts(where, dst_path=str(tmp_path / "own")))
    children = workshop.children(trained.id)
    seeds = [children[f"seed {seed}"] for seed in (0, 1)]
    best = max(seeds, key=lambda child: child.metrics["valid/log_growth"])
    assert policy_digest(load_bundle(found).policy) == best.tags["policy_digest"]


def test_the_resolved_configuration_is_the_one_that_ran(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    ran = load_config(workshop.config)
    assert load_config(workshop.runs / trained.id / "config.yaml") == ran
    stored = tmp_path / "stored.yaml"
    stored.write_bytes(workshop.tracker.find_run(trained.id).read_file("config.yaml"))
    assert load_config(stored) == ran


def test_what_is_said_at_the_end_is_what_one_needs_next(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    assert "agent, 2 seeds" in trained.said
    for name in BASELINES:
        assert f"\n {name} " in trained.said
    joined = trained.said.replace("\n", "")
    assert f"benbot ui --store {workshop.store}" in joined
    assert str(workshop.runs / trained.id / "report.html") in joined


def test_a_seed_is_the_same_alone_and_another_seed_is_another(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    said = workshop.train("seeds=[1]")
    again = workshop.children(said.partition("Run       ")[2].split()[0])["seed 1"]
    first = workshop.children(trained.id)
    assert "agent, 1 seed " in said
    assert again.tags["policy_digest"] == first["seed 1"].tags["policy_digest"]
    assert judged(again) == judged(first["seed 1"])
    assert first["seed 0"].tags["policy_digest"] != first["seed 1"].tags["policy_digest"]
    assert judged(first["seed 0"]) != judged(first["seed 1"])


@dataclass(frozen=True)
class Stopped:
    """A training that Ctrl-C ended in the middle of its first seed."""

    id: str
    code: int
    said: str
    statuses: dict[str, Status]  # of the parent and its children, right after


@pytest.fixture(scope="module")
def stopped(workshop: Any) -> Stopped:  # noqa: ANN401
    """Interrupt the command itself, as a person would, once its first checkpoint is there."""
    command = [sys.executable, "-c", "from benbot.experiments.cli import main; main()"]
    command += ["train", "tiny.yaml", "agent.total_steps=2048"]
    process = subprocess.Popen(  # noqa: S603
        command,
        cwd=workshop.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"COLUMNS": "100"},
    )
    before = set(workshop.runs.glob("*")) if workshop.runs.is_dir() else set()
    deadline = time.monotonic() + 300.0
    while process.poll() is None and time.monotonic() < deadline:
        fresh = set(workshop.runs.glob("*")) - before
        if any((folder / "seed-0" / "checkpoint.safetensors").is_file() for folder in fresh):
            process.send_signal(signal.SIGINT)
            break
    said, _ = process.communicate(timeout=300.0)
    (folder,) = set(workshop.runs.glob("*")) - before
    parent = workshop.tracker.find_run(folder.name)
    children = workshop.children(folder.name)
    statuses = {name: child.status for name, child in children.items()}
    return Stopped(folder.name, process.returncode, said, statuses | {"parent": parent.status})


def test_interrupting_leaves_a_killed_run_and_says_how_to_go_on(stopped: Stopped) -> None:
    assert stopped.code == 130
    assert f"benbot train --resume {stopped.id}\n" in stopped.said
    assert "Traceback" not in stopped.said
    assert stopped.statuses == {"parent": Status.KILLED, "seed 0": Status.KILLED}


def test_a_run_does_not_go_on_with_another_configuration(
    workshop: Any,  # noqa: ANN401
    stopped: Stopped,
) -> None:
    with pytest.raises(RunMismatch, match=r"agent.gamma was 0.97, is now 0.95\. Undo the change"):
        workshop.resume(stopped.id, "agent.gamma=0.95")
    with pytest.raises(RunMismatch, match=r"seeds was 0, 1, is now 0, 1, 2\."):
        workshop.resume(stopped.id, "seeds=[0, 1, 2]")
    assert workshop.tracker.find_run(stopped.id).status is Status.KILLED


def test_a_run_does_not_go_on_with_a_configuration_that_differs_beyond_what_a_store_keeps(
    workshop: Any,  # noqa: ANN401
    stopped: Stopped,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a long parameter the store keeps the beginning alone."""
    monkeypatch.setattr(Run, "require_params", lambda self, params: None)
    with pytest.raises(RunMismatch, match="the configuration it began with, digest"):
        workshop.resume(stopped.id, "agent.gamma=0.95")


def test_a_run_that_has_finished_does_not_go_on(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    client = workshop.tracker._client
    before = [one.version for one in client.search_model_versions(f"name = '{MODEL}'")]
    with pytest.raises(
        RunMismatch, match=f"has finished. Look at it with benbot report {trained.id}"
    ):
        workshop.resume(trained.id)
    assert [one.version for one in client.search_model_versions(f"name = '{MODEL}'")] == before


def test_a_run_does_not_go_on_with_a_configuration_that_was_edited_in_its_folder(
    workshop: Any,  # noqa: ANN401
    stopped: Stopped,
) -> None:
    own = workshop.runs / stopped.id / "config.yaml"
    text = own.read_text()
    own.write_text(text.replace("gamma: 0.97\n", "gamma: 0.8\n"))
    assert own.read_text() != text
    try:
        with pytest.raises(RunMismatch, match=r"agent.gamma was 0.97, is now 0.8"):
            workshop.resume(stopped.id)
    finally:
        own.write_text(text)


def test_a_run_does_not_go_on_with_other_data(
    workshop: Any,  # noqa: ANN401
    stopped: Stopped,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = prepare_experiment(load_config(workshop.config, ["market.seed=4"]))
    monkeypatch.setattr(run_module, "prepare_experiment", lambda config: other)
    with pytest.raises(RunMismatch, match=f"the data it began with.*was {other.market.digest}"):
        workshop.resume(stopped.id)


def test_a_resumed_run_ends_exactly_where_an_uninterrupted_one_does(
    workshop: Any,  # noqa: ANN401
    stopped: Stopped,
    trained: Any,  # noqa: ANN401
) -> None:
    said = workshop.resume(stopped.id, "name=tiny")
    resumed, whole = workshop.children(stopped.id), workshop.children(trained.id)
    assert set(resumed) == set(whole)
    assert workshop.tracker.find_run(stopped.id).status is Status.FINISHED
    for name, child in resumed.items():
        assert child.status is Status.FINISHED, name
        assert judged(child) == judged(whole[name]), name
        assert child.tags.get("policy_digest") == whole[name].tags.get("policy_digest"), name
    one, other = (workshop.tracker.find_run(each) for each in (stopped.id, trained.id))
    assert judged(one) == judged(other)
    # What follows depends on how much else was tried before.
    told = [each.partition("policy")[2].partition("Deflated")[0] for each in (said, trained.said)]
    assert told[0] == told[1]
    history = workshop.tracker._client.get_metric_history(resumed["seed 0"].id, "train/loss")
    assert [point.step for point in history] == [256 * update for update in range(1, 9)]


def test_a_run_goes_on_only_where_its_files_are(workshop: Any) -> None:  # noqa: ANN401
    with pytest.raises(RunMismatch, match=r"nothing/config.yaml is missing. Say --runs FOLDER"):
        workshop.resume("nothing")


def test_a_folder_for_runs_that_cannot_be_made_is_refused_before_anything_starts(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (workshop.folder / "file").write_text("not a folder")
    monkeypatch.setattr(
        type(workshop), "runs", property(lambda self: self.folder / "file" / "runs")
    )
    with pytest.raises(BadConfig, match="--runs needs a folder that can be made, was"):
        workshop.train()
