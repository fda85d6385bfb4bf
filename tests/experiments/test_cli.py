"""The command: quick to help, plain in what it refuses, and true to what was recorded."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.market.market import Market
from benbot.experiments.cli import main
from benbot.experiments.config import load_config
from benbot.experiments.resolved import config_digest
from benbot.experiments.schema import json_schema
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover

HEAVY = (
    "torch",
    "mlflow",
    "numba",
    "pandas",
    "stable_baselines3",
    "matplotlib",
    "sqlalchemy",
    "gymnasium",
    "scipy",
)


class Answer(NamedTuple):
    """What a command said and how it ended."""

    code: int
    said: str
    complained: str


Command = Callable[..., Answer]


@pytest.fixture
def benbot(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Return the command as it runs in the folder of the workshop."""

    def call(*words: str) -> Answer:
        monkeypatch.chdir(workshop.folder)
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setattr(sys, "argv", ["benbot", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said, complained = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said, complained)

    return call


def refused(answer: Answer) -> str:
    """Return the one line with which a command was refused."""
    assert answer.code == 2, answer
    lines = answer.complained.splitlines()
    assert len(lines) == 1, answer.complained
    assert lines[0].startswith("benbot: ")
    return lines[0]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom benbot.experiments.cli import main\nsys.argv = ['benbot', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert answer.stdout.splitlines()[-1] == "loaded:"
    for name in ("train", "audit", "evaluate", "compare", "report", "ui", "config", "data"):
        assert f" {name} " in answer.stdout


def test_the_installed_command_is_this_one() -> None:
    program = Path(sys.executable).with_name("benbot")
    if not program.is_file():
        pytest.skip("the command is not installed beside this interpreter")
    answer = subprocess.run(  # noqa: S603
        [program, "config", "check", "quickstart"], capture_output=True, text=True, check=True
    )
    assert answer.stdout == (
        f"quickstart is sound, digest {config_digest(load_config('quickstart'))}\n"
    )


def test_the_version_is_that_of_the_package(benbot: Command) -> None:
    assert benbot("--version") == (0, f"benbot {version('benbot')}\n", "")


def test_config_show_prints_what_loads_as_the_same_configuration(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    answer = benbot("config", "show", "tiny.yaml", "agent.gamma=0.5", "seeds=[7]")
    shown = tmp_path / "shown.yaml"
    shown.write_text(answer.said)
    assert answer.code == 0
    assert load_config(shown) == load_config(workshop.config, ["agent.gamma=0.5", "seeds=[7]"])


def test_config_schema_prints_the_schema(benbot: Command) -> None:
    answer = benbot("config", "schema")
    assert answer.code == 0
    assert json.loads(answer.said) == json_schema()


def test_data_show_says_what_the_market_is(benbot: Command) -> None:
    answer = benbot("data", "show", "tiny.yaml", "market.n_bars=300")
    assert answer.code == 0
    assert "synthetic, planted, seed 3" in answer.said
    assert "2000-01-03 to 2001-02-23, 300 bars" in answer.said
    assert "digest" in answer.said
    assert all(f"SYN00{i}" in answer.said for i in range(6))


def test_an_audit_without_a_leak_ends_well(benbot: Command) -> None:
    answer = benbot("audit", "tiny.yaml", "strategies=[ma_crossover]")
    assert answer.code == 0
    assert "audit of tiny" in answer.said
    assert "No leak in " in answer.said
    assert "Looked at bars 763 to 1499, 2002-12-05 to 2005-09-30" in answer.said


def test_an_audit_that_finds_a_leak_ends_with_one(
    benbot: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SeesTomorrow(MovingAverageCrossover):
        def evidence(self, market: Market) -> FloatArray:
            return np.roll(super().evidence(market), -1, axis=0)

    monkeypatch.setattr(
        "benbot.experiments.training.preparation.build", lambda choice: SeesTomorrow()
    )
    answer = benbot("audit", "tiny.yaml", "strategies=[ma_crossover]")
    assert answer.code == 1
    assert "columns leak" in answer.said
    assert "signal/ma_crossover/direction leaks at bar " in answer.said
    assert "No leak" not in answer.said


def test_an_audit_of_what_is_no_configuration_is_refused(benbot: Command) -> None:
    assert "Did you mean quickstart or" in refused(benbot("audit", "quickstrat"))


def test_a_misspelt_key_is_one_line_with_the_right_one(benbot: Command) -> None:
    said = refused(benbot("train", "tiny.yaml", "agent.total_step=5"))
    assert said == "benbot: command line: agent.total_step is no key; did you mean 'total_steps'?"
    said = refused(benbot("config", "check", "quickstrat"))
    assert "Did you mean quickstart or" in said


def test_overlapping_segments_are_refused_before_anything_is_loaded(benbot: Command) -> None:
    said = refused(benbot("train", "tiny.yaml", "segments.valid.start=2003-06-30"))
    assert "valid must begin after fit ends" in said


@pytest.mark.parametrize("words", [("train", "tiny.yaml"), ("compare", "x"), ("report", "x")])
def test_a_store_that_cannot_be_written_is_one_line(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    words: tuple[str, ...],
) -> None:
    (workshop.folder / "taken").write_text("a file, no folder")
    said = refused(benbot(*words, "--store", "sqlite:///taken/mlflow.db"))
    if words[0] == "train":
        assert "tracking needs a database that it can write, was taken/mlflow.db" in said
        assert "Set tracking.uri to a file in a folder of yours" in said
    else:
        assert "a database that exists, was taken/mlflow.db, which does not. Say where" in said


@pytest.mark.parametrize(
    "words", [("train", "tiny.yaml"), ("compare", "x"), ("report", "x"), ("ui",)]
)
def test_a_store_of_a_kind_that_does_not_exist_is_one_line(
    benbot: Command, words: tuple[str, ...]
) -> None:
    said = refused(benbot(*words, "--store", "mlruns"))
    assert "a tracking store must begin with sqlite:///" in said
    assert "was 'mlruns'" in said


def test_training_nothing_is_refused(benbot: Command) -> None:
    answer = benbot("train")
    assert answer.code == 2
    assert "name a config, such as quickstart" in answer.complained


def test_a_run_that_does_not_exist_is_one_line(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    store = ("--store", workshop.store)
    for words in (("compare", trained.id, "nothing"), ("report", "nothing")):
        assert "must be the id of a recorded one, was 'nothing'" in refused(benbot(*words, *store))
    assert "nothing/config.yaml is missing" in refused(benbot("train", "--resume", "nothing"))
    assert "must be the id of a run below runs" in refused(benbot("evaluate", "nothing"))


def test_reading_a_store_makes_no_experiment_in_it(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    before = {found.name for found in workshop.tracker._client.search_experiments()}
    assert benbot("compare", trained.id, "--store", workshop.store).code == 0
    names = {found.name for found in workshop.tracker._client.search_experiments()}
    assert names == before


def test_a_fetched_report_is_the_one_of_the_run(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    written = (workshop.runs / trained.id / "report.html").read_bytes()
    answer = benbot("report", trained.id, "--store", workshop.store)
    assert answer == (0, f"Report    report-{trained.id[:8]}.html\n", "")
    assert (workshop.folder / f"report-{trained.id[:8]}.html").read_bytes() == written
    benbot("report", trained.id, "--store", workshop.store, "--out", "page.html")
    assert (workshop.folder / "page.html").read_bytes() == written


def test_a_store_on_the_command_line_is_where_a_run_is_recorded(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
    benbot: Command,
) -> None:
    seen: list[str] = []

    def start(config: Any, launch: Any) -> None:  # noqa: ANN401
        seen.extend([config.tracking.uri, launch.command, str(launch.runs)])

    monkeypatch.setattr("benbot.experiments.training.run.start_training", start)
    answer = benbot("train", "tiny.yaml", "--store", "sqlite:///other.db", "--runs", "elsewhere")
    assert answer.code == 0
    assert seen[0] == "sqlite:///other.db"
    assert seen[1] == "benbot train tiny.yaml --store sqlite:///other.db --runs elsewhere"
    assert seen[2] == "elsewhere"
    assert benbot("train", "tiny.yaml").code == 0
    assert seen[3] == workshop.store


def test_the_strategies_are_listed_and_one_is_told(benbot: Command) -> None:
    every, one = benbot("strategies"), benbot("strategies", "ma_crossover")
    assert (every.code, one.code) == (0, 0)
    assert "volatility_breakout" in every.said
    assert "Makes money" in one.said
    assert "trend_above" in one.said
    wrong = benbot("strategies", "ma_crosover")
    assert (wrong.code, wrong.said) == (2, "")
    assert "Did you mean ma_crossover" in wrong.complained


def test_the_sleeves_of_a_segment_are_told(workshop: Any, benbot: Command) -> None:  # noqa: ANN401
    answer = benbot("sleeves", str(workshop.config), "--segment", "valid")
    assert answer.code == 0
    assert "Each strategy alone, valid, 2003-07-0" in answer.said
    assert "3 bollinger_reversion" in answer.said


def test_why_a_symbol_was_bought_or_not_is_told_and_drawn(
    workshop: Any,  # noqa: ANN401
    benbot: Command,
) -> None:
    words = ("--symbol", "SYN002", "--date", "2003-03-03", "--figure", "why.png")
    answer = benbot("signals", "tiny.yaml", *words)
    assert answer.code == 0
    assert "SYN002 at the close of 2003-03-03" in answer.said
    assert "Figure    why.png" in answer.said
    assert (workshop.folder / "why.png").is_file()


def test_a_symbol_or_a_date_that_there_is_not_is_one_line(benbot: Command) -> None:
    wrong = benbot("signals", "tiny.yaml", "--symbol", "SYN02")
    assert "Did you mean SYN002" in wrong.complained
    late = benbot("signals", "tiny.yaml", "--date", "2050-01-03")
    assert "date must lie within the market, 2000-01-03 to 2005-09-30" in late.complained
    spent = benbot("scan", "tiny.yaml", "--date", "2004-08-02")
    assert "Say --segment test; who looks at test has no test any more" in spent.complained
    assert {wrong.code, late.code, spent.code} == {2}


def test_the_candidates_of_a_close_are_listed(benbot: Command) -> None:
    answer = benbot("scan", "tiny.yaml", "--top", "2", "discovery.weights.movement=0")
    assert answer.code == 0
    assert " 1  SYN00" in answer.said


@pytest.mark.nightly
def test_an_audit_of_a_discovery_finds_no_leak(benbot: Command) -> None:
    answer = benbot("audit", "tiny.yaml", "strategies=[ma_crossover]", "discovery.top=2")
    assert answer.code == 0
    assert "No leak in " in answer.said


def test_a_verdict_is_told_of_a_run_and_of_the_newest_of_an_experiment(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    answer = benbot("verdict", trained.id, "--store", workshop.store)
    assert answer.code == 0
    assert f"tiny, run {trained.id}" in answer.said
    rows = {line.split()[0]: line for line in answer.said.splitlines() if line.strip()}
    tags = workshop.tracker.find_run(trained.id).tags
    for name in ("cash", "equal_weight", "buy_and_hold"):
        assert f" {tags[f'verdict/{name}']}" in rows[name]
    assert "above 0 with probability" in answer.said
    rule = "Rule      BEATS: p < 0.05 and interval > 0; DOES NOT BEAT: interval < 1.0 %"
    assert rule in answer.said
    newest = benbot("verdict", "tiny", "--store", workshop.store)
    assert newest.code == 0
    assert ", run " in newest.said


def test_a_verdict_fits_a_terminal_of_eighty_columns(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setenv = monkeypatch.setenv
    monkeypatch.setattr(
        monkeypatch,
        "setenv",
        lambda name, value: setenv(name, "80" if name == "COLUMNS" else value),
    )
    answer = benbot("verdict", trained.id, "--store", workshop.store)
    assert answer.code == 0
    assert max(len(line) for line in answer.said.splitlines()) <= 80
    assert "…" not in answer.said


def test_a_verdict_on_what_was_never_recorded_is_refused(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    said = refused(benbot("verdict", "nothing", "--store", workshop.store))
    assert "must be the id of a recorded one, was 'nothing'" in said


def test_a_test_that_was_opened_is_opened_again_only_when_it_is_said(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    run = workshop.tracker.find_run(trained.id)
    before = int(run.tags["test_openings"])
    said = refused(benbot("evaluate", trained.id))
    assert f"test is opened once, was opened {before} time" in said
    assert "or say --again, which is recorded and counted" in said
    assert benbot("evaluate", trained.id, "--segment", "valid").code == 0
    assert int(run.tags["test_openings"]) == before
    answer = benbot("evaluate", trained.id, "--again")
    assert answer.code == 0
    assert f"Opened    test of run {trained.id}, time {before + 1}" in answer.said
    assert int(run.tags["test_openings"]) == before + 1
    opening = run.tags[f"test_openings.{before + 1}"]
    assert f"by benbot evaluate {trained.id} --again, " in opening
    assert opening[:2] == "20"


def test_a_run_that_was_not_sealed_has_nothing_to_open(
    benbot: Command,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    said = refused(benbot("open", trained.id))
    assert f"test is opened once, that of run {trained.id} was opened before" in said
    assert f"benbot evaluate {trained.id} --again" in said
    assert "nothing/config.yaml is missing" in refused(benbot("open", "nothing"))
