"""A verdict as people read it: a table for a terminal of 80 columns, sentences, Markdown, tags."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benbot.agents.roster import HINDSIGHT
from benbot.experiments.report.page import write_number, write_spread
from benbot.experiments.training.fold_table import FoldRow
from benbot.experiments.verdict.resampling import FEWEST_SEEDS
from benbot.experiments.verdict.verdict import (
    LEVEL,
    SMALLEST_EFFECT,
    Ruling,
    RunVerdict,
    Word,
    needs,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STYLES = {Word.BEATS: "green", Word.DOES_NOT_BEAT: "red", Word.UNDECIDED: ""}
HEADINGS = ("agent against", "growth and interval", "p", "verdict", "decided after")
CAPTION = (
    "growth: agent less it, log growth, % a year, 95 % interval over time and seeds; "
    "p: corrected for all of them"
)


def verdict_table(verdict: RunVerdict) -> "Table":
    """Return the rulings for a terminal of 80 columns."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"verdict, {verdict.first} to {verdict.last}, {_counted(verdict)}",
        caption=CAPTION,
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    table.add_column(HEADINGS[0], overflow="ellipsis")
    for heading in HEADINGS[1:3]:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in HEADINGS[3:]:
        table.add_column(heading, no_wrap=True)
    for one in verdict.rulings:
        table.add_row(*_row(one, verdict), style=STYLES[one.word])
    return table


def verdict_sentences(verdict: RunVerdict) -> list[str]:
    """Return what else must be known to believe it, a sentence each."""
    growth, percent = verdict.growth, _percent
    ends = "" if math.isnan(growth.low) else f" [{percent(growth.low)}, {percent(growth.high)}]"
    trials = f"{verdict.n_trials} trial{'s' if verdict.n_trials > 1 else ''}"
    others = verdict.elsewhere
    elsewhere = f"; {others:,} more were not judged on these bars" if others else ""
    sentences = [
        f"Growth    {percent(growth.value)} a year{ends}, middle half of {_counted(verdict)}",
        f"Sharpe    {write_number(verdict.sharpe_ratio)} a year, above 0 with probability "
        f"{percent(verdict.probabilistic)}",
        f"Deflated  {percent(verdict.deflated)}, the same above the best of {trials} by luck"
        f"{elsewhere}",
        f"Length    {verdict.n_bars:,} bars; {_bars_for_sharpe(verdict)}",
    ]
    if not math.isnan(verdict.overfitting):
        sentences.append(
            f"Choosing  the best of {verdict.n_compared} agents misleads with probability "
            f"{percent(verdict.overfitting)}"
        )
    sentences += _standing(verdict)
    if verdict.ruined:
        sentences.append(
            f"Ruin      {_seeds(verdict.ruined)} lost everything, and beat nobody else"
        )
    if verdict.n_seeds < FEWEST_SEEDS:
        sentences.append("Seeds     1: no interval over seeds, a verdict on this policy alone")
    if verdict.openings > 1:
        times = verdict.openings
        sentences.append(f"Test      these bars, or some, were asked {times} times: it flatters")
    return sentences


def _standing(verdict: RunVerdict) -> list[str]:
    known = verdict.standing
    if not known.best_baseline:
        return []
    agents = f"{verdict.n_compared} agent{'s' if verdict.n_compared > 1 else ''}"
    return [
        f"Superior  p = {known.superiority:.3f} that none of {agents} is better than "
        f"{known.best_baseline}, the best baseline",
        f"Remaining {', '.join(known.remaining)}: who cannot be told from the best",
    ]


def _seeds(seeds: Sequence[int]) -> str:
    named = ", ".join(str(seed) for seed in seeds)
    return f"seeds {named}" if len(seeds) > 1 else f"seed {named}"


def verdict_note(verdict: RunVerdict) -> str:
    """Return a verdict as Markdown, for the page of a run."""
    lines: list[tuple[str, ...]] = [HEADINGS, (":--", "--:", "--:", ":--", ":--")]
    lines += [_row(one, verdict) for one in verdict.rulings]
    told = [f"- {sentence}" for sentence in verdict_sentences(verdict)]
    return "\n".join(
        [
            f"Verdict. {CAPTION[0].upper()}{CAPTION[1:]}.",
            "",
            *(f"| {' | '.join(line)} |" for line in lines),
            "",
            *told,
        ]
    )


def verdict_tags(verdict: RunVerdict) -> dict[str, str]:
    """Return the tags by which runs are filtered: a word for each baseline."""
    return {f"verdict/{one.baseline}": str(one.word) for one in verdict.rulings}


def fold_table(rows: Sequence[FoldRow]) -> "Table":
    """Return what the agent did in each fold, and how many baselines grew more slowly."""
    from rich import box
    from rich.table import Table

    table = Table(
        title="folds, log growth a year on test", box=box.SIMPLE_HEAD, padding=0, pad_edge=False
    )
    for heading in ("fold", "learned on", "judged on", "agent", "ahead of"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        fair = [growth for name, growth in row.baselines.items() if name not in HINDSIGHT]
        ahead = sum(row.agent.mean > growth for growth in fair)
        table.add_row(
            str(row.number),
            row.days["fit"],
            row.days["test"],
            write_spread(row.agent, "p"),
            f"{ahead} of {len(fair)}",
        )
    return table


def show_verdict(experiment_or_run: str, store: str, console: "Console") -> None:
    """Judge a run by what it keeps and by what its experiment has tried up to now, and print it."""
    from benbot.experiments.verdict.family import find_case
    from benbot.experiments.verdict.verdict import judge

    case = find_case(store, experiment_or_run)
    verdict = judge(case.curves, case.family)
    console.print(f"{case.name}, run {case.run_id}", highlight=False)
    console.print(verdict_table(verdict))
    for sentence in verdict_sentences(verdict):
        console.print(sentence, highlight=False)
    console.print(
        f"Rule      BEATS: p < {LEVEL} and interval > 0; DOES NOT BEAT: interval < "
        f"{_percent(SMALLEST_EFFECT)}",
        highlight=False,
    )


def _row(one: Ruling, verdict: RunVerdict) -> tuple[str, ...]:
    mean, low, high = (_hundredfold(value) for value in (one.growth, one.low, one.high))
    p_value = "–" if math.isnan(one.p_value) else f"{one.p_value:.3f}"
    return (one.baseline, f"{mean} [{low}, {high}]", p_value, str(one.word), needs(one, verdict))


def _counted(verdict: RunVerdict) -> str:
    seeds = f"{verdict.n_seeds} seed{'s' if verdict.n_seeds > 1 else ''}"
    return seeds if verdict.n_folds == 1 else f"{seeds} x {verdict.n_folds} folds"


def _bars_for_sharpe(verdict: RunVerdict) -> str:
    if math.isnan(verdict.bars_for_sharpe):
        return "a ratio that is not known cannot be told from 0"
    if not math.isfinite(verdict.bars_for_sharpe):
        return "a ratio that is not above 0 needs no length to be told from it"
    return f"to tell this ratio from 0 takes {math.ceil(verdict.bars_for_sharpe):,}"


def _hundredfold(value: float) -> str:
    return f"{100.0 * value:+.1f}" if math.isfinite(value) else write_number(value)


def _percent(value: float) -> str:
    return write_number(value, "p").replace("\u202f", " ")
