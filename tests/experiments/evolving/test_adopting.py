"""`benbot adopt`: trained policies trade programs that they have never met, and it is recorded."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import evaluate
from benbot.envs.desk.ledger import TRADE
from benbot.envs.errors import RunMismatch, TradingError
from benbot.experiments.config import load_config
from benbot.experiments.evolving.adopting import ADOPTED_FILE, POLICY, adopt
from benbot.experiments.evolving.adoption import Adoption, growth_by_strategy, shares_of
from benbot.experiments.signals.view import show_signals
from benbot.experiments.sleeves import trade_alone
from benbot.experiments.tracking.tracker import find_run
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.training.review import Question
from benbot.experiments.verdict.opening import openings_of
from benbot.strategies.catalogue import build
from benbot.strategies.checks import CHECKS

EQUIVARIANT = (
    "agent.policy.network=equivariant",
    "agent.total_steps=512",
    "baselines=[cash]",
    "environment.episode_bars=30",
)
# Ten formulas as a search writes them.
FOUND = (
    '["negate", "return_5"]',
    '["place", "return_20"]',
    '["negate", ["place", ["mean", "return_1", 3]]]',
    '["tanh", "distance_20"]',
    '["zscore", "rsi", 20]',
    '["multiply", "return_60", ["subtract", 1, "place_volatility"]]',
    '["if", ["above", "volume", 0], "return_5", ["negate", "return_5"]]',
    '["ema", "body", 5]',
    '["subtract", "channel_60", "channel_20"]',
    '["demean", ["delta", "rsi", 5]]',
)


@dataclass(frozen=True)
class Place:
    """A workshop with one trained run of two seeds, and a search's folder beside it."""

    workshop: Any
    run: str
    programs: Path

    def adopt(
        self, segment: str = "valid", programs: str = "", *, again: bool = False
    ) -> tuple[Adoption, str]:
        said = io.StringIO()
        question = Question(self.run, None, segment, "benbot adopt", again)
        named = programs or str(self.programs)
        found = adopt(question, named, self.workshop.runs, Console(file=said, width=100))
        return found, said.getvalue()

    def search(self, name: str, strategies: str, *changed: tuple[str, str]) -> str:
        """Write what a search leaves behind, with these strategies and what else was changed."""
        text = self.workshop.config.read_text()
        start, end = text.index("strategies:"), text.index("segments:")
        text = f"{text[:start]}strategies:\n{strategies}{text[end:]}"
        for old, new in changed:
            text = text.replace(old, new)
        folder = self.workshop.runs / name / "seed-0"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evolved.yaml").write_text(text)
        return name


def bred(formulas: tuple[str, ...]) -> str:
    lines = (
        f"""  - {{label: evolved_{k}, program: '{{"version": 1, "signal": {formula}}}'}}\n"""
        for k, formula in enumerate(formulas)
    )
    return "  - rsi_reversion\n" + "".join(lines)


@pytest.fixture(scope="module")
def place(workshop: Any, tmp_path_factory: pytest.TempPathFactory) -> Place:  # noqa: ANN401
    folder = tmp_path_factory.mktemp("adopting")
    config = folder / "tiny.yaml"
    config.write_text(workshop.config.read_text().replace(str(workshop.folder), str(folder)))
    own = replace(workshop, folder=folder, config=config)
    said = own.train(*EQUIVARIANT)
    run = said.partition("Run       ")[2].split()[0]
    there = Place(own, run, folder / "runs" / "bred" / "seed-0" / "evolved.yaml")
    there.search("bred", bred(FOUND))
    return there


@pytest.fixture(scope="module")
def adopted(place: Place) -> tuple[Adoption, str]:
    """The one adoption that most tests look at, and what it said."""
    return place.adopt()


def test_ten_programs_are_given_weight_and_traded_by_a_policy_that_was_not_trained_on_them(
    place: Place, adopted: tuple[Adoption, str]
) -> None:
    adoption, said = adopted
    new = [share for share in adoption.shares if share.is_new]
    assert [share.name for share in new] == [f"evolved_{k}" for k in range(len(FOUND))]
    assert adoption.n_traded == len(FOUND)
    assert all(share.after > 0.0 and np.isnan(share.before) for share in new)
    assert adoption.given == pytest.approx(sum(share.after for share in new))
    for words in ("agent, before", "agent, after", "+ evolved_9", "nothing was trained"):
        assert words in said
    assert adoption.before[0].strategies == tuple(share.name for share in adoption.shares[:3])


def test_the_weights_before_are_those_of_the_run_itself(
    place: Place, adopted: tuple[Adoption, str]
) -> None:
    recorded = [
        run.metrics["valid/annual_return"]
        for name, run in place.workshop.children(place.run).items()
        if name.startswith("seed")
    ]
    grown = [
        (one.equity[-1] / one.equity[0]) ** (one.bars_per_year / (len(one.equity) - 1)) - 1.0
        for one in adopted[0].before
    ]
    assert sorted(grown) == pytest.approx(sorted(recorded))


def test_what_all_strategies_earn_is_nearly_the_growth_of_the_account(
    adopted: tuple[Adoption, str],
) -> None:
    adoption = adopted[0]
    grown = np.mean([one.annual_growth for one in adoption.after])
    assert sum(share.growth for share in adoption.shares) == pytest.approx(grown, abs=0.005)


def test_a_profit_is_over_the_equity_before_its_trade(make_evaluation: Any) -> None:  # noqa: ANN401
    trades = np.zeros(2, TRADE)
    trades["opened"], trades["strategy"], trades["profit"] = [1, 3], [1, 1], [50.0, 50.0]
    one = make_evaluation([100.0, 100.0, 200.0, 200.0, 250.0], trades=trades, bars_per_year=4.0)
    assert growth_by_strategy(one).tolist() == [0.0, 50.0 / 100.0 + 50.0 / 200.0]  # of one year


def test_the_difference_is_that_of_the_growth_of_both(adopted: tuple[Adoption, str]) -> None:
    adoption = adopted[0]
    before, after = (
        np.mean([one.annual_growth for one in accounts])
        for accounts in (adoption.before, adoption.after)
    )
    assert adoption.difference.mean == pytest.approx(after - before)
    assert adoption.difference.low <= adoption.difference.mean <= adoption.difference.high


def test_it_is_a_run_of_its_own_with_the_configuration_that_was_traded(
    place: Place, adopted: tuple[Adoption, str]
) -> None:
    adoption, said = adopted
    run = find_run(place.workshop.store, said.partition("Run       ")[2].split()[0])
    assert (run.tags["algo"], run.tags[POLICY]) == ("adoption", place.run)
    assert run.metrics["valid/given"] == pytest.approx(adoption.given)
    assert run.metrics["valid/strategy/evolved_3/after"] > 0.0
    assert "evolved_3" in run.read_file(ADOPTED_FILE).decode()
    config = load_config(place.workshop.runs / run.id / ADOPTED_FILE)
    names = [strategy.name for strategy in prepare_experiment(config).strategies]
    assert names == [share.name for share in adoption.shares]


def test_every_program_that_was_given_obeys_the_law_of_strategies(place: Place) -> None:
    config = load_config(place.programs)
    market = prepare_experiment(config).market.until(700)
    for choice in config.strategies:
        for check in CHECKS:
            check(build(choice), market)


def test_every_program_that_was_given_is_told_by_signals(place: Place) -> None:
    said = io.StringIO()
    console = Console(file=said, width=120)
    show_signals(load_config(place.programs), None, None, "valid", console)
    for k in range(len(FOUND)):
        assert said.getvalue().count(f" evolved_{k} ") >= len(("wants", "saw", "answer"))


def test_the_pools_of_a_search_are_found_by_its_id(place: Place) -> None:
    place.search("other", bred(FOUND[:2]))
    adoption, _ = place.adopt(programs="other")
    assert adoption.n_new == 2


def test_a_result_on_bars_that_the_programs_were_chosen_on_is_said_to_flatter(
    place: Place, adopted: tuple[Adoption, str]
) -> None:
    assert adopted[0].flattered
    assert "chosen on some of these bars" in adopted[1]
    place.search("early", bred(FOUND[:1]), ("2004-06-30", "2003-07-02"))
    adoption, said = place.adopt(programs="early")
    assert not adoption.flattered
    assert "chosen on some of these bars" not in said


def test_test_is_opened_by_the_rules_of_openings(place: Place) -> None:
    run = find_run(place.workshop.store, place.run)
    before = openings_of(run)  # the run itself has judged its agents there
    assert before == 1
    with pytest.raises(RunMismatch, match="test is opened once, was opened 1 time before"):
        place.adopt("test")
    place.adopt("test", again=True)
    assert openings_of(run) == before + 1


def test_programs_that_were_chosen_on_bars_of_test_are_not_judged_there(place: Place) -> None:
    run = find_run(place.workshop.store, place.run)
    before = openings_of(run)
    later = ("end: 2004-06-30", "end: 2004-07-09"), ("start: 2004-07-01", "start: 2004-07-12")
    late = place.search("late", bred(FOUND[:1]), *later)
    with pytest.raises(RunMismatch, match="must have been chosen before test begins on 2004-07-"):
        place.adopt("test", late, again=True)
    assert openings_of(run) == before


@pytest.mark.parametrize(
    ("programs", "message"),
    [
        ("nowhere", "must be the file of a configuration or the id of a search below"),
        ("needy", "news_diamond needs news in the market config, was a market without"),
        ("none", "can be given strategies that it does not have; none has 1 and it has all"),
    ],
)
def test_what_cannot_be_adopted_is_refused(place: Place, programs: str, message: str) -> None:
    place.search("none", "  - rsi_reversion\n")
    with_news = ("n_sectors: 2}", "n_sectors: 2, news: {}}")
    place.search("needy", "  - rsi_reversion\n  - news_diamond\n", with_news)
    with pytest.raises(TradingError, match=message):
        place.adopt(programs=programs)


@pytest.mark.nightly
def test_a_policy_with_a_place_for_each_strategy_cannot_adopt(
    place: Place,
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    question = Question(trained.id, None, "valid")
    with pytest.raises(RunMismatch, match="only a policy of network: equivariant can meet other"):
        adopt(question, str(place.programs), workshop.runs, Console(file=io.StringIO()))


def test_shares_of_equal_weights_are_equal(place: Place) -> None:
    prepared = prepare_experiment(load_config(place.programs))
    layout, span = prepared.history.layout, prepared.span("valid")
    traded: Callable[..., Any] = evaluate
    one = traded(equal_weight(layout), prepared.history, span, prepared.config.environment)
    shares = shares_of([one], [one], trade_alone(prepared, "valid"))
    assert [share.after for share in shares] == pytest.approx([1.0 / len(shares)] * len(shares))
    assert sum(share.n_trades for share in shares) == one.trades.size
