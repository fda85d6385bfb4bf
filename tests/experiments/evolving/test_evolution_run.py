"""`benbot evolve` as a whole: tracked, interrupted and resumed, opened once, plain in refusals."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import evaluate
from benbot.envs.errors import BadConfig, ClusterUnavailable, RunMismatch, TradingError, WorkFailed
from benbot.evolution.search import Generation, Search
from benbot.evolution.workers import Workers
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.evolving import run as evolving_run
from benbot.experiments.evolving.run import (
    Order,
    is_search,
    open_evolution,
    report_search,
    resume_evolution,
    start_evolution,
)
from benbot.experiments.resolved import config_digest
from benbot.experiments.tracking.recorded import recorded
from benbot.experiments.tracking.tracker import NOTE, Run, Status, Tracker, open_tracker
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.training.training import DATA
from benbot.experiments.verdict.family import find_case
from benbot.experiments.verdict.opening import openings_of, share_bars, stretch_of_test

QUICKSTART = "aa93a74fc2419a61"  # its digest before there was such a section
TINY = """
name: bred
market: {source: synthetic, seed: 3, n_bars: 900, n_symbols: 6, n_sectors: 2}
strategies: [rsi_reversion, {name: ma_crossover, fast: 4}]
segments:
  fit: {start: 2001-06-01, end: 2002-02-28}
  valid: {start: 2002-03-01, end: 2002-09-30}
  test: {start: 2002-10-01, end: 2003-05-30}
  embargo_bars: 5
evolution:
  genome: programs
  population: 12
  generations: 3
  folds: 2
  least_trades: 2
  programs: {windows: [2, 5, 10], depth: 4, size: 12}
  pool: {every: 2, certainty: 0}
"""


@dataclass(frozen=True)
class Garden:
    """A folder with a configuration, a store and runs."""

    folder: Path

    def config(self, *overrides: str) -> ExperimentConfig:
        path = self.folder / "bred.yaml"
        path.write_text(TINY + f"tracking: {{uri: '{self.store}', experiment: bred}}\n")
        return load_config(path, overrides)

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def tracker(self) -> Tracker:
        return open_tracker(self.config().tracking)

    def order(self, said: io.StringIO, jobs: int = 1) -> Order:
        console = Console(file=said, width=100)
        return Order(self.folder / "runs", "benbot evolve bred.yaml", console, jobs)

    def evolve(self, *overrides: str) -> tuple[str, str]:
        """Search from the beginning; return the id of the run and what was said."""
        said = io.StringIO()
        start_evolution(self.config(*overrides), self.order(said))
        return said.getvalue().partition("Run       ")[2].split()[0], said.getvalue()

    def files(self, run_id: str) -> Path:
        return self.folder / "runs" / run_id / "seed-0"

    def child(self, run_id: str) -> Run:
        return self.tracker.children(self.tracker.find_run(run_id))[0]


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> Garden:
    return Garden(tmp_path_factory.mktemp("garden"))


@pytest.fixture(scope="module")
def bred(garden: Garden) -> tuple[str, str]:
    """The one search that most tests look at, and what it said."""
    return garden.evolve()


def test_a_search_says_what_its_numbers_are_worth(bred: tuple[str, str]) -> None:
    _, said = bred
    assert "generation   3: Sharpe best" in said
    assert "36 candidates were tried, as many as" in said
    assert "are more than luck, by a deflated ratio on fit of 95% or more" in said
    for group in ("random candidates", "all rules", "rsi_reversion", "buy and hold"):
        assert group in said
    assert "test is sealed" in said


def test_a_search_is_recorded_below_one_parent(garden: Garden, bred: tuple[str, str]) -> None:
    parent = garden.tracker.find_run(bred[0])
    (child,) = garden.tracker.children(parent)
    assert (parent.status, child.status) == (Status.FINISHED, Status.FINISHED)
    assert child.metrics["evolution/trials"] == 36.0
    assert child.metrics["evolution/tried"] == 36.0
    assert "valid/buy_and_hold/sharpe_ratio" in child.metrics
    assert parent.tags["sealed"] == "yes"
    assert parent.metrics["evolution/trials"] == 36.0
    assert "report.html" in parent.tags[NOTE]
    lines = child.read_file("search/ledger.jsonl").decode().splitlines()
    assert len(lines) == 37
    for name in ("front", "generations", "valid"):
        assert child.read_file(f"figures/{name}.png").startswith(b"\x89PNG")
    assert json.loads(child.read_file("genealogy.json")) is not None


def test_a_search_has_a_page_with_a_tree_of_each_member(
    garden: Garden, bred: tuple[str, str]
) -> None:
    run_id, said = bred
    pool = json.loads((garden.files(run_id) / "pool.json").read_text())
    page = garden.tracker.find_run(run_id).read_file("report.html").decode()
    own = garden.folder / "runs" / run_id / "report.html"
    assert own.read_text() == page
    assert f"Report    {own}" in said
    assert "Test is sealed" in page
    for member in pool["members"]:
        assert f"<h3>{member['name']}</h3>" in page
        tree = garden.child(run_id).read_file(f"trees/{member['name']}.svg").decode()
        assert tree in page
    console = Console(file=io.StringIO(), width=200)
    again = garden.folder / "again.html"
    report_search(run_id, garden.folder / "runs", again, garden.store, console)
    assert tree in again.read_text()


def test_a_verdict_on_a_search_says_what_to_ask_instead(
    garden: Garden, bred: tuple[str, str]
) -> None:
    for asked in (bred[0], "bred"):
        with pytest.raises(RunMismatch, match=f"is a search .* Read benbot report {bred[0]}"):
            find_case(garden.store, asked)


def test_winners_are_written_with_ancestors_that_were_tried(
    garden: Garden, bred: tuple[str, str]
) -> None:
    pool = json.loads((garden.files(bred[0]) / "pool.json").read_text())
    ledger = (garden.files(bred[0]) / "ledger.jsonl").read_text().splitlines()[1:]
    digests = {json.loads(line)["digest"] for line in ledger}
    assert pool["trials"]["n"] == 36
    for member in pool["members"]:
        assert member["ancestors"][0]["digest"] in digests
        assert {parent for each in member["ancestors"] for parent in each["parents"]} <= digests


def test_the_pool_is_a_configuration_whose_strategies_can_be_traded_at_once(
    garden: Garden, bred: tuple[str, str]
) -> None:
    pool = json.loads((garden.files(bred[0]) / "pool.json").read_text())
    assert pool["members"]
    config = load_config(garden.files(bred[0]) / "evolved.yaml")
    prepared = prepare_experiment(config)
    assert str(config.bred_until) == "2002-09-30"  # the last day of valid
    names = [strategy.name for strategy in prepared.strategies]
    assert names[2:] == [member["name"] for member in pool["members"]]
    policy = equal_weight(prepared.history.layout)
    traded = evaluate(policy, prepared.history, prepared.span("valid"), config.environment)
    assert set(traded.trades["strategy"]) >= {2}


def test_an_interrupted_search_goes_on_and_the_number_of_jobs_changes_nothing(
    garden: Garden, bred: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    advance: Callable[..., Generation] = Search.advance

    def stopped(search: Search[Any], workers: Workers) -> Generation:
        if search.number == 2:
            raise KeyboardInterrupt
        return advance(search, workers)

    said = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(Search, "advance", stopped)
        with pytest.raises(SystemExit) as ended:
            start_evolution(garden.config(), garden.order(said))
    assert ended.value.code == 130
    run_id = said.getvalue().partition("--resume ")[2].split()[0]
    assert garden.tracker.find_run(run_id).status is Status.KILLED
    resume_evolution(run_id, None, garden.order(said, jobs=2))
    for name in ("ledger.jsonl", "pool.json"):
        first, second = ((garden.files(run) / name).read_bytes() for run in (bred[0], run_id))
        assert first == second
    assert garden.tracker.find_run(run_id).status is Status.FINISHED


def test_work_that_fails_on_a_cluster_says_how_to_go_on(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(search: Search[Any], workers: Workers) -> Generation:
        raise WorkFailed("work on a cluster needs processes that live")

    monkeypatch.setattr(Search, "advance", fail)
    with pytest.raises(
        WorkFailed, match=r"that live\. No generation .* benbot evolve --resume \w+"
    ):
        garden.evolve()


def test_test_is_opened_once(garden: Garden, bred: tuple[str, str]) -> None:
    run_id, said = bred[0], io.StringIO()
    assert is_search(garden.folder / "runs" / run_id)
    open_evolution(run_id, garden.order(said))
    assert "seed 0, test, 2002-10-08" in said.getvalue()
    pool = json.loads((garden.files(run_id) / "pool.json").read_text())
    for words in ("turns", "corr.", "Sharpe test", "all 1 together", "of 1 pools without skill"):
        assert words in said.getvalue()
    assert all(member["name"] in said.getvalue() for member in pool["members"])
    recorded = garden.tracker.find_run(run_id).metrics
    assert recorded["test/pool/correlation"] == pytest.approx(1.0)
    assert recorded["test/pool/standard_error"] > 0.0
    assert recorded["test/pool/deflated"] == recorded["test/pool/probability"]  # one is no choice
    tags = garden.tracker.find_run(run_id).tags
    elsewhere = stretch_of_test(prepare_experiment(garden.config()))
    assert share_bars(tags, elsewhere)  # so that whoever is judged on these bars has it counted
    page = (garden.folder / "runs" / run_id / "report.html").read_text()
    assert "Test was opened, and it was asked for once" in page
    assert "Outside fit: test" in page
    with pytest.raises(RunMismatch, match=f"was opened before.* benbot report {run_id} --rebuild"):
        open_evolution(run_id, garden.order(said))


def test_who_opened_test_and_was_interrupted_goes_on_with_that_opening(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, _ = garden.evolve()
    said = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(evolving_run, "opened_pools", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_evolution(run_id, garden.order(said))
    parent = garden.tracker.find_run(run_id)
    assert openings_of(parent) == 1
    open_evolution(run_id, garden.order(said))
    assert openings_of(parent) == 1
    assert "seed 0, test, 2002-10-08" in said.getvalue()


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_search_is_no_training_that_could_be_reproduced(
    garden: Garden, bred: tuple[str, str]
) -> None:
    with pytest.raises(RunMismatch, match=r"a training can be made again, run .* is a search"):
        recorded(bred[0], garden.folder / "runs", garden.config().tracking.uri)


def test_a_cluster_that_does_not_answer_begins_no_run(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    order = replace(garden.order(io.StringIO()), cluster="127.0.0.1:1")
    runs = set((garden.folder / "runs").glob("*"))
    with pytest.raises(ClusterUnavailable, match=r"needs Ray, was not installed"):
        start_evolution(garden.config(), order)
    assert set((garden.folder / "runs").glob("*")) == runs


def test_what_has_finished_does_not_go_on(garden: Garden, bred: tuple[str, str]) -> None:
    with pytest.raises(RunMismatch, match="must have been stopped to go on, it has finished"):
        resume_evolution(bred[0], None, garden.order(io.StringIO()))


def test_another_configuration_does_not_go_on(garden: Garden, bred: tuple[str, str]) -> None:
    other = garden.config("evolution.generations=9")
    with pytest.raises(RunMismatch, match="can only go on with the configuration it began with"):
        resume_evolution(bred[0], other, garden.order(io.StringIO()))


def test_another_market_does_not_go_on(garden: Garden, bred: tuple[str, str]) -> None:
    parent = garden.tracker.find_run(bred[0])
    own = parent.tags[DATA]
    parent.set_tags({DATA: "another"})
    try:
        with pytest.raises(RunMismatch, match="the data it began with, digest another, was"):
            open_evolution(bred[0], garden.order(io.StringIO()))
    finally:
        parent.set_tags({DATA: own})


def test_a_run_whose_files_are_elsewhere_is_refused(garden: Garden) -> None:
    with pytest.raises(RunMismatch, match=r"config\.yaml is missing\. Say --runs FOLDER"):
        resume_evolution("nobody", None, garden.order(io.StringIO()))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["evolution=null"], "a search needs the section evolution, bred has none"),
        (["discovery={}"], "a search tries each candidate alone, on all symbols; bred has the"),
        (["evolution.least_trades=5000"], r"make 5000 round trips on fit, was 0 of 12"),
        (
            ["evolution.programs.features=[mood, rsi]"],
            "the feature mood needs .*, which this market",
        ),
        (["evolution.objectives=[sharp]"], "objective must be one that exists, was 'sharp'"),
        (["evolution.rules=[ma_cross]"], r"ma_cross'\. Did you mean ma_crossover"),
        (["evolution.population=4", "evolution.islands=3"], "population must be four for each"),
        (["evolution.programs.windows=[0]"], "windows of a language must be whole numbers"),
        (["evolution.programs.primitives=[exec]"], "primitive must be one that exists"),
        (["evolution.generations=0"], "evolution.generations must be greater than or equal to 1"),
    ],
)
def test_what_cannot_be_bred_is_refused_in_one_message(
    garden: Garden, overrides: list[str], message: str
) -> None:
    with pytest.raises(TradingError, match=message):
        garden.evolve(*overrides)


def test_folds_are_refused(garden: Garden) -> None:
    folds = "folds={n: 2, fit_bars: 200, valid_bars: 50, test_bars: 50}"
    with pytest.raises(BadConfig, match="a search needs segments, bred has folds"):
        garden.evolve("segments=null", folds, "environment.episode_bars=20")


def test_the_section_counts_only_where_there_is_one(garden: Garden) -> None:
    without, bred = garden.config("evolution=null"), garden.config()
    larger = garden.config("evolution.population=16")
    assert len({config_digest(each) for each in (without, bred, larger)}) == 3
    assert config_digest(load_config("quickstart")) == QUICKSTART
