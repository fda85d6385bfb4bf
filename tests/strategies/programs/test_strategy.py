"""A program as a strategy: under the law, in a configuration, and told to people."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from benbot.envs.errors import BadProgram, InvalidParameter, UnknownName
from benbot.envs.market.market import Market
from benbot.experiments.signals.catalogue_view import show_catalogue, show_rule
from benbot.strategies import checks
from benbot.strategies.catalogue import StrategyChoice, build
from benbot.strategies.hearing import collect, latest
from benbot.strategies.programs.features import FEATURES, available
from benbot.strategies.programs.generation import Dice, random_program
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.strategy import ProgramStrategy
from tests.strategies.markets import Awkward, awkward_market

REVERSAL = '{"version": 1, "signal": ["negate", "return_5"]}'
PARTS = (
    '{"version": 1, "entry": ["above", "return_5", 1], "exit": ["below", "return_1", 0], "size": 2}'
)
LONG_LOOK = 120  # bars; features with more would leave little to say on short markets
PLACES = 6


def random_strategies(awkward: Awkward, seed: int, n: int) -> list[ProgramStrategy]:
    names = [each for each in available(awkward.market) if FEATURES[each].lookback < LONG_LOOK]
    dice = Dice(np.random.default_rng(seed))
    strategies = []
    for form in ("signal", "parts"):
        language = Language(features=tuple(names), windows=(1, 2, 3, 5, 10, 20), form=form)
        strategies += [ProgramStrategy.of(random_program(dice, language, 1, 4)) for _ in range(n)]
    return [each for each in strategies if each.warmup < 0.7 * awkward.market.n_bars]


def assert_lawful(strategy: ProgramStrategy, market: Market) -> int:
    """Put it through the law, and return at how many bars it speaks."""
    for check in checks.CHECKS:
        check(strategy, market)
    whole = strategy.opinion(market)
    spoken = np.flatnonzero((whole.direction != 0).any(axis=1))
    for t in spoken[:: max(spoken.size // PLACES, 1)][:PLACES]:
        checks.assert_remembered(strategy, market, whole, int(t))
    return int(spoken.size)


def test_random_programs_obey_the_law_on_awkward_markets() -> None:
    spoken = []
    for seed in range(6):
        awkward = awkward_market(seed)
        for strategy in random_strategies(awkward, seed, 1):
            spoken.append(assert_lawful(strategy, awkward.market))
    assert np.count_nonzero(spoken) > 8, "who is silent would obey any law"


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(6, 66))
def test_many_random_programs_obey_the_law_on_many_awkward_markets(seed: int) -> None:
    awkward = awkward_market(seed)
    for strategy in random_strategies(awkward, seed, 8):
        assert_lawful(strategy, awkward.market)


def test_random_programs_obey_the_law_on_real_closes(sp500_market: Market) -> None:
    for strategy in random_strategies(Awkward(sp500_market, 390, 1), 1, 1):
        assert_lawful(strategy, sp500_market)


def test_a_signal_is_evidence(random_market: Callable[..., Market]) -> None:
    market = random_market(1, 3, has_range=False, whole=True)
    strategy = ProgramStrategy(program=REVERSAL)
    seen, opinion = strategy.sees(market), strategy.opinion(market)
    assert list(seen) == ["return_5", "signal"]
    np.testing.assert_array_equal(seen["signal"], -seen["return_5"])
    spoken = opinion.direction != 0
    np.testing.assert_array_equal(opinion.direction[spoken], np.sign(seen["signal"][spoken]))
    np.testing.assert_allclose(
        opinion.confidence[spoken], np.tanh(np.abs(seen["signal"][spoken]) / 2.0), rtol=1e-6
    )


def test_an_entry_opens_and_an_exit_only_ends(random_market: Callable[..., Market]) -> None:
    market = random_market(2, 4, has_range=False, whole=True)
    strategy = ProgramStrategy(program=PARTS)
    opinion, seen = strategy.opinion(market), strategy.sees(market)
    late = np.arange(market.n_bars)[:, None] >= strategy.warmup
    known = late & (opinion.stop_distance >= 0.0)
    enters, leaves = seen["entry"] > 0.0, seen["exit"] > 0.0
    opened, ended = opinion.confidence > 0.0, (opinion.direction < 0)
    assert (opened == (known & enters & ~leaves & (opinion.direction == 1))).all()
    assert opened.any()
    assert ended.any()
    assert leaves[ended].all()
    assert not opinion.confidence[ended].any()


def test_a_program_that_may_only_be_long_still_ends_its_positions(
    random_market: Callable[..., Market],
) -> None:
    market = random_market(1, 3, has_range=False)
    opinion = ProgramStrategy(program=REVERSAL, side="long").opinion(market)
    assert not opinion.confidence[opinion.direction < 0].any()
    assert (opinion.direction < 0).any()


def test_its_name_is_its_digest_and_its_warm_up_is_computed() -> None:
    strategy = ProgramStrategy(program=REVERSAL)
    same = ProgramStrategy(program=REVERSAL.replace(" ", ""))
    assert strategy == same
    assert strategy.name == same.name
    assert strategy.name.startswith("program_")
    assert len(strategy.name) == len("program_") + 8
    assert ProgramStrategy(program=REVERSAL, label="back").name == "back"
    assert strategy.warmup == 20
    deep = '{"version": 1, "signal": ["mean", ["lag", "rsi", 10], 20]}'
    assert ProgramStrategy(program=deep).warmup == 112 + 10 + 19
    assert ProgramStrategy(program='{"version": 1, "signal": 1}').warmup == 14, "of its stop"


def test_programs_are_heard_beside_each_other(random_market: Callable[..., Market]) -> None:
    market = random_market(4, 3, has_range=True)
    strategies = [ProgramStrategy(program=REVERSAL), ProgramStrategy(program=PARTS)]
    signals, last = collect(strategies, market), latest(strategies, market)
    assert signals.strategies == tuple(each.name for each in strategies)
    np.testing.assert_array_equal(last.direction[0], signals.direction[-1])
    np.testing.assert_allclose(last.confidence[0], signals.confidence[-1], rtol=2e-7)


def test_a_configuration_names_the_file_and_keeps_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    file.write_text(PARTS)
    choice = StrategyChoice.model_validate({"program": str(file), "side": "long"})
    file.unlink()
    strategy = build(choice)
    assert strategy == ProgramStrategy(program=PARTS, side="long")
    written = choice.model_dump()
    assert written == {"name": "program", "side": "long", "program": PARTS}
    assert build(StrategyChoice.model_validate(written)) == strategy
    labelled = StrategyChoice.model_validate({"name": "program", "program": PARTS, "label": "x"})
    assert build(labelled).name == "x"


def test_a_choice_of_a_program_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="must be a file that can be read"):
        StrategyChoice.model_validate({"program": str(tmp_path / "none.json")})
    (tmp_path / "bad.json").write_text('{"version": 1, "signal": "os"}')
    with pytest.raises((ValidationError, BadProgram), match="feature must be one that exists"):
        StrategyChoice.model_validate({"program": str(tmp_path / "bad.json")})
    with pytest.raises(InvalidParameter, match="program of program must be JSON, or in a config"):
        build(StrategyChoice(name="program"))
    with pytest.raises(
        UnknownName, match=r"parameter of a program .* was 'sid'. Did you mean side"
    ):
        build(StrategyChoice.model_validate({"program": REVERSAL, "sid": "long"}))
    with pytest.raises(InvalidParameter, match="side of program must be one of both, long"):
        ProgramStrategy(program=REVERSAL, side="short")  # type: ignore[arg-type]


def test_a_program_over_news_is_refused_by_a_market_without(
    random_market: Callable[..., Market],
) -> None:
    strategy = ProgramStrategy(program='{"version": 1, "signal": "mood"}')
    with pytest.raises(InvalidParameter, match="mood needs news_mood, which this market lacks"):
        strategy.opinion(random_market(1, 3, has_range=False))


def test_a_program_is_listed_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    file.write_text(REVERSAL)
    console = Console(file=StringIO(), width=200)
    show_catalogue(console)
    show_rule(str(file), console)
    show_rule("program", console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for shown in (
        "program: FILE.json",
        "−return_5",
        "2 nodes, warm-up 20 bars",
        "└─ return_5",
        "Koza",
    ):
        assert shown in text
