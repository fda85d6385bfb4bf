"""A test is opened once, and whoever opens it is counted, however many try at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from benbot.envs.errors import RunMismatch
from benbot.experiments.tracking.tracker import (
    Run,
    Tracker,
    TrackingSettings,
    find_run,
    open_tracker,
)
from benbot.experiments.verdict.opening import OPENED, Opening, open_test, openings_in, openings_of

N = 6


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    folder = tmp_path_factory.mktemp("openings")
    return open_tracker(TrackingSettings(uri=f"sqlite:///{folder / 'mlflow.db'}"))


@pytest.fixture
def run(tracker: Tracker) -> Run:
    return tracker.start_run("sealed")


def asked(number: int) -> Opening:
    return Opening(f"benbot open {number}", "abc", datetime(2026, 1, 2, tzinfo=UTC))


def all_at_once(uri: str, run: Run, *, again: bool) -> list[int]:
    """Open as often as there are threads; return the counts, 0 for who was refused."""
    barrier = Barrier(N)
    own = [find_run(uri, run.id) for _ in range(N)]

    def ask(number: int) -> int:
        barrier.wait()
        try:
            return open_test(own[number], asked(number), again=again)
        except RunMismatch:
            return 0

    with ThreadPoolExecutor(N) as pool:
        return list(pool.map(ask, range(N)))


def test_of_many_that_open_at_once_one_is_the_first_and_the_others_are_refused(
    tracker: Tracker, run: Run
) -> None:
    counts = all_at_once(tracker.uri, run, again=False)
    assert sorted(counts) == [0] * (N - 1) + [1]
    assert openings_of(run) == 1
    assert run.tags[f"{OPENED}.1"].endswith(f"by benbot open {counts.index(1)}, abc")


def test_of_many_that_open_again_at_once_each_is_counted(tracker: Tracker, run: Run) -> None:
    open_test(run, asked(9))
    counts = all_at_once(tracker.uri, run, again=True)
    assert sorted(counts) == list(range(2, N + 2))
    assert openings_of(run) == openings_in(run.tags) == N + 1
    for number, count in enumerate(counts):
        assert run.tags[f"{OPENED}.{count}"].endswith(f"by benbot open {number}, abc")


def test_the_second_time_is_refused_with_the_time_of_the_first(run: Run) -> None:
    open_test(run, asked(1))
    with pytest.raises(RunMismatch, match=r"opened 1 time before, last at 2026.*open 1, abc"):
        open_test(run, asked(2))
    assert openings_of(run) == 1


def test_who_was_interrupted_before_writing_it_down_is_counted(run: Run) -> None:
    run.claim(f"{OPENED}.1")
    assert openings_of(run) == 1
    with pytest.raises(RunMismatch, match="opened 1 time before, last at this very moment"):
        open_test(run, asked(2))
    assert open_test(run, asked(3), again=True) == 2


def test_what_is_claimed_is_no_parameter_of_the_run(run: Run) -> None:
    run.log_params({"seed": 7})
    assert run.claim("it")
    assert not run.claim("it")
    assert run.claims == {"it"}
    assert run.params == {"seed": "7"}
    run.require_params({"seed": 7})
