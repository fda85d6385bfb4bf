"""An adoption as people read it: tables for a terminal, sentences, Markdown, metrics."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benbot.agents.evaluation import Evaluation
from benbot.experiments.evolving.adoption import Adoption
from benbot.experiments.report.page import EARNED, write_number
from benbot.experiments.verdict.statistics import Spread, metrics, over_seeds

SHARES = {
    "before": ("before", "p"),
    "after": ("after", "p"),
    "n_trades": ("trades", "n"),
    "growth": ("growth", "p"),
    "alone": ("alone", "p"),
}
NEW = "+ "  # before the name of a new strategy
CAPTION = (
    "before, after: mean weight; growth: profit over the equity\n"
    "before each trade, a year; alone: log growth a year of an\n"
    "account with nothing else"
)
FLATTERED = (
    "The new strategies were chosen on some of these bars, so that the result with them flatters."
)


def show_adoption(adoption: Adoption, console: Console) -> None:
    """Print both tables and what they say."""
    console.print(accounts_table(adoption))
    console.print(shares_table(adoption))
    for line in sentences(adoption):
        console.print(line, highlight=False, soft_wrap=True)


def accounts_table(adoption: Adoption) -> Table:
    """Return the accounts before and after, of the agent and of its rivals."""
    first, last = adoption.after[0].timestamps[[0, -1]].astype("datetime64[D]")
    table = _table(f"Adoption, {adoption.segment}, {first} to {last}, after costs", EARNED)
    for name, measured in _accounts(adoption).items():
        cells = [write_number(measured[key].mean, style) for key, (_, style) in EARNED.items()]
        table.add_row(name, *cells)
    return table


def shares_table(adoption: Adoption) -> Table:
    """Return what each strategy was given and earned."""
    table = _table("What each strategy was given", SHARES)
    table.caption, table.caption_justify = CAPTION, "left"
    for share in adoption.shares:
        cells = [write_number(getattr(share, key), style) for key, (_, style) in SHARES.items()]
        table.add_row(f"{NEW if share.is_new else '  '}{share.name}", *cells)
    return table


def sentences(adoption: Adoption) -> list[str]:
    """Return what is to be known of the tables."""
    found = adoption.difference
    mean, low, high = (f"{100.0 * value:+.1f}" for value in (found.mean, found.low, found.high))
    lines = [
        f"Given     {write_number(adoption.given, 'p')} of the weight to {adoption.n_new} new "
        f"strategies, of which {adoption.n_traded} traded; nothing was trained",
        f"Growth    {mean} % a year with them, [{low}, {high}] by resampled time",
    ]
    return [*lines, FLATTERED] if adoption.flattered else lines


def adoption_note(adoption: Adoption) -> str:
    """Return the weights as Markdown, for the top of a run's page."""
    heads = ("strategy", *(heading for heading, _ in SHARES.values()))
    lines = [heads, (":--", *("--:" for _ in SHARES))]
    for share in adoption.shares:
        cells = [write_number(getattr(share, key), style) for key, (_, style) in SHARES.items()]
        lines.append((f"{NEW if share.is_new else ''}{share.name}", *cells))
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([f"On **{adoption.segment}**.", table, *sentences(adoption)])


def adoption_metrics(adoption: Adoption) -> dict[str, float]:
    """Return all numbers by the names under which they are tracked."""
    segment, found = adoption.segment, adoption.difference
    accounts = {
        f"{segment}/{name.replace(', ', '/')}/{key}": measured[key].mean
        for name, measured in _accounts(adoption).items()
        for key in EARNED
    }
    shares = {
        f"{segment}/strategy/{share.name}/{key}": float(getattr(share, key))
        for share in adoption.shares
        for key in SHARES
    }
    ends = {"mean": found.mean, "low": found.low, "high": found.high}
    return {
        **accounts,
        **shares,
        **{f"{segment}/difference/{name}": value for name, value in ends.items()},
        f"{segment}/given": adoption.given,
    }


def _accounts(adoption: Adoption) -> dict[str, dict[str, Spread]]:
    pairs: Mapping[str, tuple[Sequence[Evaluation], Sequence[Evaluation]]] = {
        "agent": (adoption.before, adoption.after),
        **{name: ([one], [other]) for name, (one, other) in adoption.rivals.items()},
    }
    return {
        f"{name}, {when}": over_seeds([metrics(one) for one in accounts])
        for name, pair in pairs.items()
        for when, accounts in zip(("before", "after"), pair, strict=True)
    }


def _table(title: str, columns: Mapping[str, tuple[str, str]]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False, title_justify="left")
    table.add_column("", no_wrap=True)
    for heading, _ in columns.values():
        table.add_column(heading, justify="right", no_wrap=True)
    return table
