"""How much was tried is counted from the store, whoever tried it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.curves import CURVES_FILE, Curves, curves_as_parquet, curves_of
from benbot.experiments.family import family_now, find_case
from benbot.experiments.opening import JUDGED_ON, OPENED, open_test, openings_of
from benbot.experiments.tracking import Run, Tracker, TrackingSettings, open_tracker

Maker = Callable[..., Evaluation]
N_BARS = 60


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    folder: Path = tmp_path_factory.mktemp("family")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return open_tracker(TrackingSettings(uri=uri, experiment="family"))


class Parents:
    """Runs as trainings leave them."""

    def __init__(self, tracker: Tracker, walk: Maker) -> None:
        self.tracker, self.walk = tracker, walk

    def curves(self, *seeds: int) -> Curves:
        agents = {seed: self.walk(seed, N_BARS) for seed in seeds}
        return curves_of(agents, [self.walk(99, N_BARS, name="cash")])

    def one(self, digest: str, *children: tuple[dict[str, object], float | None]) -> Run:
        parent = self.tracker.start_run("run", {JUDGED_ON: digest, OPENED: 1})
        for i, (tags, ratio) in enumerate(children):
            with self.tracker.start_run(f"child {i}", tags, parent=parent) as child:
                if ratio is not None:
                    child.log_metrics({"test/sharpe_ratio": ratio})
        return parent

    def finished(self, parent: Run, curves: Curves) -> Run:
        parent.log_file(CURVES_FILE, curves_as_parquet(curves))
        parent.finish()
        return parent


@pytest.fixture
def parents(tracker: Tracker, walk: Maker) -> Parents:
    return Parents(tracker, walk)


def test_seeds_and_searches_are_trials_folds_of_a_seed_are_one_and_baselines_none(
    parents: Parents,
) -> None:
    own, first = parents.curves(1, 2), parents.curves(7)
    earlier = parents.one(
        "same bars",
        ({"seed": 7}, 0.5),
        ({"seed": "none"}, 9.0),
        ({"trial": 1}, None),
        ({"trial": 2}, None),
    )
    parents.finished(earlier, first)
    parents.finished(parents.one("other bars", ({"seed": 0}, 1.5)), parents.curves(5))
    run = parents.one(
        "same bars",
        ({"seed": 1, "fold": 1}, 1.0),
        ({"seed": 1, "fold": 2}, 2.0),
        ({"seed": 2, "fold": 1}, 0.0),
        ({"seed": 2, "fold": 2}, 1.0),
    )
    found = family_now(parents.tracker.uri, run, own)
    assert found.n_trials == 1 + 2 + 1 + 2
    assert found.deviation == pytest.approx(np.std([0.5, 1.5, 1.5, 0.5], ddof=1))
    assert found.openings == 2
    expected = np.concatenate([own.returns(), first.returns()], axis=1)
    np.testing.assert_allclose(found.returns, expected)


def test_a_run_is_found_by_its_id_by_its_child_and_as_the_newest_of_its_experiment(
    parents: Parents,
) -> None:
    uri = parents.tracker.uri
    run = parents.finished(parents.one("found", ({"seed": 1}, 1.0)), parents.curves(1))
    parents.one("not finished", ({"seed": 1}, 1.0))
    child = parents.tracker.children(run)[0]
    for name in (run.id, child.id, "family"):
        case = find_case(uri, name)
        assert case.run_id == run.id
        assert list(case.curves.agents) == [1]


def test_what_has_no_verdict_is_refused(parents: Parents) -> None:
    uri = parents.tracker.uri
    with pytest.raises(UnknownName, match="must be the id of a recorded one, was 'nothing'"):
        find_case(uri, "nothing")
    running = parents.one("still running")
    with pytest.raises(UnknownName, match=r"keeps curves.parquet, was .* with 1 runs and none"):
        find_case(uri, running.id)


def test_a_test_is_opened_once_and_again_only_when_it_is_said(parents: Parents) -> None:
    run = parents.tracker.start_run("run")
    assert openings_of(run) == 0
    assert open_test(run, "first") == 1
    with pytest.raises(RunMismatch, match=r"opened 1 time before, last at first\. Look at --seg"):
        open_test(run, "second")
    assert openings_of(run) == 1
    assert open_test(run, "second", again=True) == 2
    assert {key: value for key, value in run.tags.items() if OPENED in key} == {
        OPENED: "2",
        f"{OPENED}.1": "first",
        f"{OPENED}.2": "second",
    }
