"""A chronicle from a store, weights by hand, where a run begins and ends, and who trades alone."""

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import BadConfig, RunMismatch
from benbot.envs.history import Span
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.evolution.orchestration.asking import first_bar
from benbot.evolution.orchestration.members import Member, Origin
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.orchestration import run
from benbot.experiments.orchestration.accounts import LIVE, Account, live_weights
from benbot.experiments.orchestration.chronicle import read_chronicle
from benbot.experiments.orchestration.following import Follower, filled_up
from benbot.experiments.orchestration.page import in_words
from benbot.experiments.orchestration.run import Asked, span_of
from benbot.experiments.orchestration.view import accounts_table, population_table
from benbot.experiments.tracking.kept import tagged_runs
from benbot.experiments.verdict.opening import (
    JUDGED_ON,
    OPENED,
    openings_in,
    share_bars,
    stretch_of,
)
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.hearing import collect
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage
from tests.evolution.orchestration.fakes import (
    FIRST,
    REGIME,
    FakeSearch,
    found_by,
    market_of,
    member,
    opened,
    world,
)

SOURCE = SyntheticSource(n_bars=420, n_symbols=2, n_sectors=1)
SMALL = {"fit": 60, "valid": 20, "embargo": 0}


@pytest.mark.parametrize("bars_a_session", [1, 4])
def test_a_chronicle_says_where_everybody_stood(
    bars_a_session: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found_by(FakeSearch(), monkeypatch)
    orchestrator = world(tmp_path, market_of(bars_a_session=bars_a_session))
    market, known = orchestrator.order.land.market, orchestrator.watch.known
    stood = {}
    with opened(f"sqlite:///{tmp_path}/a.db") as records:
        for look in orchestrator.run(records):
            stood[look.bar] = orchestrator.tournament.stages
        moments = market.timestamps[np.minimum(known, market.n_bars - 1)]
        chronicle = read_chronicle(records, moments)
    assert chronicle.names == tuple(orchestrator.population.names)
    assert chronicle.origins == tuple(str(each.origin) for each in orchestrator.population)
    assert {"bred", "catalogue"} <= set(chronicle.origins)
    for i, bar in enumerate(known[:-1]):
        stages = np.zeros(len(chronicle.names), np.int64)  # WAITING before it came
        stages[: stood[int(bar)].size] = stood[int(bar)]
        np.testing.assert_array_equal(chronicle.stages[i], stages)
    assert chronicle.count(Stage.LIVE)[-1] == (orchestrator.tournament.stages == Stage.LIVE).sum()
    assert not {"stage", "registered"} & set(chronicle.events["kind"])
    assert population_table(orchestrator, chronicle).row_count == 2 * len(set(chronicle.origins))


def test_live_is_given_its_share_from_the_close_at_which_that_is_known() -> None:
    """Two sessions of two bars; one strategy is on LIVE after the first, both after the second."""
    settings = TournamentSettings()
    calm, wild = 4, 5
    orchestrator: Any = SimpleNamespace(
        order=SimpleNamespace(
            tournament=settings,
            span=SimpleNamespace(first=10, last=16, n_decisions=6),
        ),
        watch=SimpleNamespace(known=np.array([12, 14])),
        regime=np.array([calm] * 15 + [wild] * 2),
    )
    stages = np.array([[Stage.LIVE, Stage.R3], [Stage.LIVE, Stage.LIVE]])
    share = settings.live.capital[0] / settings.live.cap
    expected = np.zeros((6, 2))
    expected[2:, 0], expected[4:, 1] = share, share
    expected[5] *= settings.capital.cautious
    n_live, n_more = settings.live.slots, 2 * settings.live.slots
    weights = live_weights(orchestrator, stages, n_live)
    np.testing.assert_allclose(weights[:, :2], expected, rtol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-6)
    # Risk is weight times n: it does not depend on how many will ever stand there.
    more = live_weights(orchestrator, stages, n_more)
    np.testing.assert_allclose(more[:, :2] * n_more, weights[:, :2] * n_live, rtol=1e-6)


def config_with(**changed: Any) -> ExperimentConfig:  # noqa: ANN401
    days = load_synthetic(SOURCE).days.astype(str)
    ends = {"fit": (0, 299), "valid": (300, 359), "test": (360, 419)}
    segments = {k: {"start": days[a], "end": days[b]} for k, (a, b) in ends.items()}
    tree = {
        "name": "small",
        "market": {"source": "synthetic", "n_bars": 420, "n_symbols": 2, "n_sectors": 1},
        "strategies": ["ma_crossover"],
        "segments": segments,
        "orchestrator": SMALL,
        "regime": REGIME.model_dump(),
    }
    return ExperimentConfig.model_validate(tree | changed)


def asked_for(**changed: Any) -> Asked:  # noqa: ANN401
    given: Any = {"runs": Path(), "command": "benbot orchestrate", "console": None} | changed
    return Asked(**given)


def test_a_run_begins_where_one_could_breed_and_ends_before_test() -> None:
    market, config = load_synthetic(SOURCE), config_with()
    span = span_of(market, config, asked_for())
    assert span.first == first_bar(OrchestratorSettings.model_validate(SMALL), REGIME) == 92
    assert (span.last, run.test_begins(market, config)) == (359, 360)
    folded: Any = SimpleNamespace(segments=None)
    assert run.test_begins(market, folded) == 420
    chosen = asked_for(first=market.days[100].astype(date), last=market.days[200].astype(date))
    span = span_of(market, config, chosen)
    assert (span.first, span.last) == (100, 200)


def test_a_stretch_of_less_than_two_bars_is_refused() -> None:
    market, config = load_synthetic(SOURCE), config_with()
    day = market.days[100].astype(date)
    for chosen in ({"first": day, "last": day}, {"first": date(2200, 1, 1)}):
        with pytest.raises(BadConfig, match="a run needs two bars or more of the market, which"):
            span_of(market, config, asked_for(**chosen))


def test_ledgers_of_every_run_on_a_store_are_kept_the_last_of_a_number(tmp_path: Path) -> None:
    for name, number, text in (("a", 0, "old"), ("a", 1, "broken off"), ("b", 1, "whole")):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / f"search-{number}.jsonl").write_text(text, encoding="utf-8")
    market, url = market_of(), f"sqlite:///{tmp_path}/a.db"
    with opened(url) as records:
        for name in ("a", "b", "b"):
            runs = run.noted(records, market, FIRST, name)
    assert runs == ["a", "b"]
    found = run.ledgers_of(tmp_path, runs)
    assert [path.read_text(encoding="utf-8") for path in found] == ["old", "whole"]


@pytest.mark.nightly
def test_whoever_looks_at_test_says_so_and_is_counted(tmp_path: Path) -> None:
    config = config_with(tracking={"uri": f"sqlite:///{tmp_path}/mlflow.db", "experiment": "small"})
    market, said = load_synthetic(SOURCE), io.StringIO()
    first, last = (market.days[bar].astype(date) for bar in (340, 370))
    asked = asked_for(first=first, last=last, runs=tmp_path, console=Console(file=said, width=200))
    with pytest.raises(BadConfig, match=r"must end before test, which begins on .* or say --test"):
        run.orchestrate(config, asked)
    run.orchestrate(config, replace(asked, test=True))
    assert "Opened    test, time 1 of this run" in said.getvalue()
    (kept,) = tagged_runs(config.tracking.uri, OPENED)
    assert openings_in(kept.tags) == 1
    for judged, shared in (
        (Span(365, 419), True),
        (Span(380, 419), False),
        (Span(300, 359), False),
    ):
        other = stretch_of(market, judged, drawn=True) | {JUDGED_ON: "of those bars"}
        assert share_bars(kept.tags, other) == shared


def test_signals_are_filled_up_with_those_who_want_nothing() -> None:
    market = market_of()
    signals = collect([member(3).strategy, member(5).strategy], market)
    assert filled_up(signals, 2) is signals
    filled = filled_up(signals, 4)
    assert filled.strategies == ("ma_3", "ma_5", "nobody_1", "nobody_2")
    assert (filled.direction[:, 2:] == 0).all()
    for name in ("direction", "confidence", "stop_distance"):
        np.testing.assert_array_equal(getattr(filled, name)[:, :2], getattr(signals, name))


def test_a_member_does_alone_what_it_does_beside_others() -> None:
    market = load_synthetic(SOURCE)
    follow = Follower(market, DeskRules(), REGIME, 300)
    members = [
        Member(
            StrategyChoice(name="ma_crossover", label=f"{k}", parameters={"fast": k, "slow": 30}),
            Origin.CATALOGUE,
            FIRST,
        )
        for k in (2, 10)
    ]
    both, (one, other) = follow(members, FIRST), (follow([each], FIRST) for each in members)
    for k, alone in enumerate((one, other)):
        np.testing.assert_array_equal(both.returns[:, k], alone.returns[:, 0])
        np.testing.assert_array_equal(both.n_trades[:, k], alone.n_trades[:, 0])
    assert both.n_trades.sum() > 10
    assert both.returns.shape == (300 - FIRST, 2)
    later = Follower(market, DeskRules(), REGIME, 250)(members, FIRST)
    np.testing.assert_array_equal(both.returns[: 250 - FIRST], later.returns)


def test_reasons_are_told_in_a_line_and_what_says_nothing_is_left_out() -> None:
    reasons = {"regime": "bear", "parents": [], "newcomers": ["a", "b"], "why": "", "tried": 0}
    assert in_words(reasons) == "regime bear; newcomers a, b; tried 0"


def test_an_account_that_nobody_had_is_a_line() -> None:
    assert accounts_table([Account(LIVE, "nobody", None)]).row_count == 1


def test_a_run_ends_with_a_page_and_goes_on_from_where_it_is(tmp_path: Path) -> None:
    said = io.StringIO()
    asked = Asked(tmp_path / "runs", "benbot orchestrate", Console(file=said, width=100))
    config = config_with(tracking={"uri": f"sqlite:///{tmp_path}/mlflow.db", "experiment": "small"})
    run.orchestrate(config, asked)
    page = Path(said.getvalue().partition("Page      ")[2].strip())
    text = page.read_text(encoding="utf-8")
    for needed in ("What one unit became", "nobody was ever on LIVE", "ma_crossover", "entered"):
        assert needed in text
    run.orchestrate(config, replace(asked, resume=page.parent.name))
    assert page.read_text(encoding="utf-8") == text
    changed = config.model_copy(update={"seeds": (1,)})
    with pytest.raises(
        RunMismatch, match="can only go on with the seed that it began with, 0, was 1"
    ):
        run.orchestrate(changed, replace(asked, resume=page.parent.name))
