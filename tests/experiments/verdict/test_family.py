"""How much was tried is counted from the store, whoever tried it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.config import load_config
from benbot.experiments.report.curves import CURVES_FILE, Curves, curves_as_parquet, curves_of
from benbot.experiments.tracking.tracker import Run, Tracker, TrackingSettings, open_tracker
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.verdict.family import family_now, find_case
from benbot.experiments.verdict.opening import (
    JUDGED_FROM,
    JUDGED_ON,
    JUDGED_SYMBOLS,
    JUDGED_UNTIL,
    OPENED,
    digest_of_test,
    open_test,
    openings_of,
    stretch_of_test,
)

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

    def one(
        self,
        digest: str,
        *children: tuple[dict[str, object], float | None],
        opened: int = 1,
        **tags: object,
    ) -> Run:
        known = {JUDGED_ON: digest, OPENED: opened} if digest else {}
        parent = self.tracker.start_run("run", {**known, **tags})
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


@pytest.fixture
def elsewhere(tracker: Tracker, walk: Maker) -> Parents:
    """Return an experiment of which nobody else knows."""
    settings = TrackingSettings(uri=tracker.uri, experiment="elsewhere")
    return Parents(open_tracker(settings), walk)


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
    assert found.n_trials == 1 + 2 + 2
    assert found.elsewhere == 1
    assert found.deviation == pytest.approx(np.std([0.5, 1.5, 0.5], ddof=1))
    assert found.openings == 2
    expected = np.concatenate([own.returns(), first.returns()], axis=1)
    np.testing.assert_allclose(found.returns, expected)


def test_seed_1_of_trial_12_is_not_seed_11_of_trial_2(parents: Parents) -> None:
    run = parents.one("collided", ({"seed": 1, "trial": 12}, 1.0), ({"seed": 11, "trial": 2}, 2.0))
    found = family_now(parents.tracker.uri, run, parents.curves(1))
    assert found.n_trials == 2
    assert found.deviation == pytest.approx(np.std([1.0, 2.0], ddof=1))


def test_trials_that_nobody_judged_count_where_they_learned_from_the_same_market(
    elsewhere: Parents,
) -> None:
    elsewhere.one("", ({"trial": 1}, None), ({"trial": 2}, None), data_digest="ours")
    elsewhere.one("", ({"trial": 1}, None), data_digest="theirs")
    elsewhere.one("", ({"seed": 0}, None))
    run = elsewhere.one("bars", ({"seed": 1}, 1.0), data_digest="ours")
    found = family_now(elsewhere.tracker.uri, run, elsewhere.curves(1))
    assert (found.n_trials, found.elsewhere) == (2 + 1 + 1, 1)


def test_what_is_the_same_to_the_last_digit_was_tried_once(parents: Parents) -> None:
    own = parents.curves(1, 2)
    twice = parents.finished(parents.one("twice", ({"seed": 1}, 1.0)), parents.curves(1, 3))
    run = parents.one("twice", ({"seed": 1}, 1.0), ({"seed": 2}, 1.0))
    found = family_now(parents.tracker.uri, run, own)
    expected = np.concatenate([own.returns(), parents.curves(3).returns()], axis=1)
    np.testing.assert_array_equal(found.returns, expected)
    assert twice.id != run.id


def test_openings_are_those_of_bars_that_overlap_in_any_experiment(parents: Parents) -> None:
    uri = parents.tracker.uri
    own = {JUDGED_FROM: "2020-01-01", JUDGED_UNTIL: "2020-12-31", JUDGED_SYMBOLS: "aa bb"}
    other = Parents(open_tracker(TrackingSettings(uri=uri, experiment="another")), parents.walk)
    other.one("x", opened=2, **own)  # another digest, for it has one more symbol
    other.one("x", opened=4, **(own | {JUDGED_FROM: "2020-12-31", JUDGED_UNTIL: "2021-06-30"}))
    other.one("x", opened=8, **(own | {JUDGED_FROM: "2021-01-01", JUDGED_UNTIL: "2021-06-30"}))
    other.one("x", opened=16, **(own | {JUDGED_SYMBOLS: "bb cc"}))
    other.one("x", opened=32, **(own | {JUDGED_SYMBOLS: "cc"}))
    other.one("own", opened=64)  # made before stretches were written down
    other.one("y", opened=128)
    run = parents.one("own", ({"seed": 1}, 1.0), **own)
    found = family_now(uri, run, parents.curves(1))
    assert found.openings == 1 + 2 + 4 + 16 + 64


def test_a_stretch_is_told_by_its_days_and_symbols(workshop: Any) -> None:  # noqa: ANN401
    prepared = prepare_experiment(load_config(workshop.config))
    tags = stretch_of_test(prepared)
    assert tags[JUDGED_ON] == digest_of_test(prepared)
    assert (tags[JUDGED_FROM], tags[JUDGED_UNTIL]) == ("2004-07-08", "2005-08-31")
    symbols = tags[JUDGED_SYMBOLS].split()
    assert len(set(symbols)) == prepared.market.n_symbols
    reseeded = prepare_experiment(load_config(workshop.config, ("market.seed=4",)))
    assert not set(symbols) & set(stretch_of_test(reseeded)[JUDGED_SYMBOLS].split())
    fewer = prepare_experiment(load_config(workshop.config, ("market.n_symbols=5",)))
    assert set(stretch_of_test(fewer)[JUDGED_SYMBOLS].split()) < set(symbols)


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
