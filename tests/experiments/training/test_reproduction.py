"""A run is trained again without a trace, and whatever differs is named."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.agents.training import Trained, train
from benbot.envs.errors import UnknownName
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.training import reproduction_view as view_module
from benbot.experiments.training import teacher as teacher_module
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.training.reproduction_view import Request, reproduce
from benbot.experiments.verdict.opening import openings_of


def again(workshop: Any, run_id: str, **how: Any) -> tuple[bool, str]:  # noqa: ANN401
    said = io.StringIO()
    console = Console(file=said, width=110)
    same = reproduce(Request(run_id, workshop.runs, workshop.store, **how), console)
    return same, said.getvalue()


def every_file(workshop: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the digest and the time of everything that a training has left."""
    found = {}
    for path in sorted(workshop.folder.rglob("*")):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = f"{digest} {path.stat().st_mtime_ns}"
    return found


def test_a_run_is_reproduced_bit_for_bit_and_nothing_of_it_is_touched(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    before, openings = every_file(workshop), openings_of(workshop.tracker.find_run(trained.id))
    before = every_file(workshop)
    same, said = again(workshop, trained.id)
    assert same, said
    assert said.splitlines()[-1] == "REPRODUCED"
    rows = [line.split() for line in said.splitlines()]
    for what in ("seed 0, weights", "seed 1 on valid", "seed 1 on test", "best_single on test"):
        (row,) = (row for row in rows if " ".join(row).startswith(what))
        assert row[-1] == "same"
    assert "DIFFERS" not in said
    assert every_file(workshop) == before
    assert openings_of(workshop.tracker.find_run(trained.id)) == openings


def test_one_seed_can_be_trained_alone_or_none(workshop: Any, trained: Any) -> None:  # noqa: ANN401
    same, said = again(workshop, trained.id, baselines_only=True)
    assert same
    assert "Training" not in said
    assert "random on valid" in said
    with pytest.raises(UnknownName, match="--seed must be one of the run, 0, 1, was 7"):
        again(workshop, trained.id, seed=7)


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    """Let training come to a policy of which one weight differs in its last bit."""

    def moved(*how: Any) -> Trained:  # noqa: ANN401
        trained = train(*how)
        policy = trained.policy
        tensor = policy.tensors["layer.1.weight"]
        tensor[1, 2] = np.nextafter(tensor[1, 2], np.float32(9.0))
        return trained

    monkeypatch.setattr(teacher_module, "train", moved)


@pytest.mark.usefixtures("others")
def test_one_bit_of_one_weight_is_found(workshop: Any, trained: Any) -> None:  # noqa: ANN401
    same, said = again(workshop, trained.id, seed=1)
    assert not same
    assert "DIFFERS, first in seed 1, weights" in said
    assert "seed 1, weights: layer.1.weight[1, 2] was " in said
    assert "seed 0" not in said


def test_other_data_are_told_at_once_with_symbol_and_year(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def changed(config: ExperimentConfig, display: object) -> Prepared:
        prepared = prepare_experiment(config)
        market = prepared.market
        close = market.close.copy()
        close[100, 2] = np.nextafter(close[100, 2], 0.0)
        other = replace(market, close=close)
        return replace(prepared, history=replace(prepared.history, market=other))

    monkeypatch.setattr(view_module, "prepare_shown", changed)
    same, said = again(workshop, trained.id)
    assert not same
    assert "The data are others than they were; nothing was trained." in said
    symbol = prepare_experiment(load_config(workshop.config)).market.symbols[2]
    assert f"data: symbols {symbol}; years 2000" in said
    assert "Training" not in said


def test_other_versions_are_told_and_do_not_decide(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "benbot.experiments.training.reproduction.installed_versions", lambda: {"torch": "1.0"}
    )
    same, said = again(workshop, trained.id, baselines_only=True)
    assert same
    (row,) = (line.split() for line in said.splitlines() if line.split()[:1] == ["torch"])
    assert row[2:] == ["1.0", "differs"]


def test_a_test_that_nobody_has_opened_stays_closed(workshop: Any) -> None:  # noqa: ANN401
    changes = ("agent.total_steps=256", "seeds=[0]", "baselines=[cash]", "name=shut")
    said = workshop.train(*changes, sealed=True)
    run_id = said.partition("Run       ")[2].split()[0]
    before = every_file(workshop)
    same, said = again(workshop, run_id)
    assert same
    assert "seed 0 on valid" in said
    assert "on test" not in said
    assert "test was not looked at, for nobody has opened it" in said
    assert every_file(workshop) == before


def test_a_run_that_is_not_there_is_refused_and_no_store_is_made(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'none.db'}"
    with pytest.raises(UnknownName, match=r"the store where it was recorded, was sqlite.*--store"):
        reproduce(Request("abc", tmp_path, store), Console(file=io.StringIO()))
    assert not (tmp_path / "none.db").exists()


def test_ctrl_c_leaves_everything_as_it_was(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*how: Any) -> Trained:  # noqa: ANN401
        raise KeyboardInterrupt

    before = every_file(workshop)
    monkeypatch.setattr(teacher_module, "train", stopped)
    with pytest.raises(SystemExit) as caught:
        again(workshop, trained.id)
    assert caught.value.code == 130
    assert every_file(workshop) == before
