"""What is said of a verdict: the words, what would decide, and what takes from its worth."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from benbot.envs.history import Span
from benbot.experiments.training.fold_table import FoldRow
from benbot.experiments.training.folds import Fold
from benbot.experiments.verdict.interquartile import Interval
from benbot.experiments.verdict.standing import Standing
from benbot.experiments.verdict.statistics import Spread
from benbot.experiments.verdict.verdict import Ruling, RunVerdict, Word, needs
from benbot.experiments.verdict.view import (
    fold_table,
    verdict_note,
    verdict_sentences,
    verdict_table,
    verdict_tags,
)

NAN, INFINITE = float("nan"), float("inf")
RULINGS = (
    Ruling("cash", Word.BEATS, 0.1, 0.05, 0.15, 0.001, NAN, NAN),
    Ruling("hedge", Word.UNDECIDED, 0.02, -0.01, 0.05, 0.3, 2520.0, 6.2),
    Ruling("olmar", Word.DOES_NOT_BEAT, -0.1, -0.15, -0.05, 1.0, NAN, NAN),
)
VERDICT = RunVerdict(
    rulings=RULINGS,
    first="2016-01-04",
    last="2017-12-29",
    n_bars=504,
    n_seeds=3,
    n_folds=2,
    bars_per_year=252.0,
    block=9.0,
    growth=Interval(0.05, 0.04, 0.06),
    sharpe_ratio=0.8,
    probabilistic=0.9,
    deflated=0.5,
    bars_for_sharpe=1000.4,
    overfitting=0.4,
    n_compared=7,
    n_trials=12,
    openings=3,
)


def printed(table: object) -> str:
    page = io.StringIO()
    Console(file=page, width=80).print(table)
    return page.getvalue()


def test_a_row_has_the_word_the_interval_and_what_would_decide() -> None:
    shown = [line for line in printed(verdict_table(VERDICT)).splitlines() if line.strip()]
    lines = {line.split()[0]: line for line in shown}
    assert "+10.0 [+5.0, +15.0] 0.001 BEATS" in lines["cash"]
    assert "UNDECIDED" in lines["hedge"]
    assert "10.0 years or 7 seeds" in lines["hedge"]
    assert "DOES NOT BEAT" in lines["olmar"]


@pytest.mark.parametrize(
    ("bars", "seeds", "said"),
    [
        (2520.0, INFINITE, "10.0 years"),
        (INFINITE, 6.2, "7 seeds"),
        (252.0 * 5000, INFINITE, "more of both"),
        (INFINITE, INFINITE, "more of both"),
        (NAN, NAN, ""),
    ],
)
def test_what_would_decide_is_said_in_years_and_seeds(bars: float, seeds: float, said: str) -> None:
    assert needs(replace(RULINGS[1], bars_needed=bars, seeds_needed=seeds), VERDICT) == said


def test_what_takes_from_its_worth_is_said() -> None:
    told = "\n".join(verdict_sentences(VERDICT))
    assert "5.0 % a year [4.0 %, 6.0 %], middle half of 3 seeds x 2 folds" in told
    assert "50.0 %, the same above the best of 12 trials by luck" in told
    assert "504 bars; to tell this ratio from 0 takes 1,001" in told
    assert "the best of 7 agents misleads with probability 40.0 %" in told
    assert "asked 3 times: it flatters" in told
    assert "Seeds" not in told
    alone = replace(VERDICT, n_seeds=1, n_folds=1, growth=Interval(0.05, NAN, NAN))
    alone = replace(alone, openings=1, overfitting=NAN, bars_for_sharpe=INFINITE)
    told = "\n".join(verdict_sentences(alone))
    assert "5.0 % a year, middle half of 1 seed" in told
    assert "Seeds     1: no interval over seeds" in told
    assert "a ratio that is not above 0" in told
    assert "asked" not in told
    assert "misleads" not in told


def test_a_ratio_that_is_not_known_is_not_said_to_be_below_zero() -> None:
    told = "\n".join(verdict_sentences(replace(VERDICT, bars_for_sharpe=NAN)))
    assert "504 bars; a ratio that is not known cannot be told from 0" in told
    assert "not above 0" not in told


def test_who_lost_everything_is_named_and_its_growth_is_infinitely_low() -> None:
    lost = Ruling("cash", Word.DOES_NOT_BEAT, -INFINITE, -INFINITE, -INFINITE, 1.0, NAN, NAN)
    verdict = replace(VERDICT, rulings=(lost,), ruined=(1, 2))
    assert "Ruin      seeds 1, 2 lost everything" in "\n".join(verdict_sentences(verdict))
    assert "cash −∞ [−∞, −∞] 1.000 DOES NOT BEAT" in " ".join(
        printed(verdict_table(verdict)).split()
    )
    alone = "\n".join(verdict_sentences(replace(verdict, ruined=(1,))))
    assert "Ruin      seed 1 lost everything" in alone
    assert "Ruin" not in "\n".join(verdict_sentences(VERDICT))


def test_where_all_that_was_tried_stands_is_said() -> None:
    told = "\n".join(verdict_sentences(replace(VERDICT, elsewhere=5)))
    assert "the best of 12 trials by luck; 5 more were not judged on these bars" in told
    assert "Superior" not in told
    known = Standing("hedge", 0.23, ("agent", "hedge"))
    told = "\n".join(verdict_sentences(replace(VERDICT, standing=known)))
    assert (
        "Superior  p = 0.230 that none of 7 agents is better than hedge, the best baseline" in told
    )
    assert "Remaining agent, hedge: who cannot be told from the best" in told
    assert "more were not judged" not in told


def test_what_is_needed_is_rounded_up() -> None:
    """505 bars are 2.004 years, and there are 2.0."""
    assert needs(replace(RULINGS[1], bars_needed=505.0, seeds_needed=4.0), VERDICT) == (
        "2.1 years or 4 seeds"
    )


def test_tags_and_markdown_carry_the_words() -> None:
    assert verdict_tags(VERDICT) == {
        "verdict/cash": "BEATS",
        "verdict/hedge": "UNDECIDED",
        "verdict/olmar": "DOES NOT BEAT",
    }
    note = verdict_note(VERDICT)
    assert "| hedge | +2.0 [-1.0, +5.0] | 0.300 | UNDECIDED | 10.0 years or 7 seeds |" in note


def test_a_fold_says_how_many_baselines_it_was_ahead_of() -> None:
    days = {"fit": "a to b", "valid": "c to d", "test": "e to f"}
    growth = {"cash": 0.0, "hedge": 0.05, "olmar": NAN, "best_fixed_weights": 0.03}
    row = FoldRow(2, days, Spread(0.04, 0.01), growth)  # who has hindsight does not count
    (line,) = [line for line in printed(fold_table([row])).splitlines() if "e to f" in line]
    assert " ".join(line.split()) == "2 a to b e to f 4.0 ± 1.0 % 1 of 3"
    assert Fold(0, {"fit": Span(0, 1)}).named("seed 3") == "seed 3"
    assert Fold(2, {"fit": Span(0, 1)}).named("seed 3") == "seed 3 fold 2"
