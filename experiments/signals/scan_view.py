"""The scanner's list of one close, for a person: who is on it, why, and which strategies ask."""

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benbot.envs.market.market import Market
from benbot.envs.signals import Signals
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.progress import Display
from benbot.experiments.report.page import write_number
from benbot.experiments.signals.moment import find_moment, several_bars, written_bar
from benbot.experiments.training.preparation import Prepared, check_segment
from benbot.experiments.training.run import prepare_shown
from benbot.experiments.verdict.opening import warn_of_look
from benbot.strategies.hearing import collect
from benbot.strategies.scanner import NEWS, PARTS, Scan, ScanSettings, scan

CAPTION = (
    "parts and score: 1 is the most, 0.5 usual; expected: Σ direction × confidence ×\n"
    "expected value, by the records of the strategies; asks: + long, − short"
)
HEADINGS = ("liquid.", "moves", "news", "signals")  # of `PARTS`
SIGNS = {1: "+", -1: "−"}


def show_scan(
    config: ExperimentConfig, when: str | None, segment: str, top: int, console: Console
) -> None:
    """Print the best candidates and diamonds of one close."""
    check_segment(segment)
    warn_of_look(segment, "benbot scan", console)
    with Display(console) as display:
        prepared = prepare_shown(config, display)
        moment = find_moment(prepared, segment, when)
    known = prepared.market.until(moment.bar + 1)
    signals = collect(prepared.strategies, known)
    found = scan(known, signals, replace_top(config.discovery, top))
    console.print(headline(known, found, segment) + several_bars(moment), highlight=False)
    console.print(scan_table(prepared, signals, found))
    names = (f"{k + 1} {name}" for k, name in enumerate(signals.strategies))
    console.print(f"Strategies: {', '.join(names)}.", highlight=False)


def replace_top(settings: ScanSettings | None, top: int) -> ScanSettings:
    """Return the settings of the configuration, or the default ones, with so many lines."""
    return (settings or ScanSettings()).model_copy(update={"top": top})


def headline(known: Market, found: Scan, segment: str) -> str:
    """Return what a reader has to know before the table; the close is the last that is known."""
    n_traded, t = int(known.tradable[-1].sum()), known.n_bars - 1
    news = ", ".join(name for name in NEWS if name in known.features) or "none"
    return (
        f"The close of {written_bar(known, t)}, bar {t}, in {segment}: {n_traded} symbols traded, "
        f"{found.candidate[-1].sum()} are candidates, {found.diamond[-1].sum()} of them diamonds. "
        f"News: {news}."
    )


def scan_table(prepared: Prepared, signals: Signals, found: Scan) -> Table:
    """Return one row a listed symbol, the best first."""
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        caption=CAPTION,
        caption_justify="left",
    )
    for heading in ("", "symbol", "kind", "score", *HEADINGS, "expected"):
        is_text = heading in ("symbol", "kind")
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=True)
    table.add_column("asks")
    rank = found.rank[-1]
    for s in sorted(np.flatnonzero(rank).tolist(), key=lambda s: rank[s]):
        kind = "diamond" if found.diamond[-1, s] else "candidate"
        parts = (getattr(found, name)[-1, s] for name in ("score", *PARTS))
        table.add_row(
            str(rank[s]),
            prepared.market.symbols[s],
            kind,
            *(write_number(float(part)) for part in parts),
            write_number(expected_of(prepared, len(found.rank) - 1, s), "P", signed=True),
            asks_of(signals, s),
        )
    return table


def expected_of(prepared: Prepared, t: int, s: int) -> float:
    """Return direction × confidence × expected value, as the desk has it, over all strategies."""
    return float(np.nansum(prepared.history.tape.value[t, :, s], dtype=np.float64))


def asks_of(signals: Signals, s: int) -> str:
    """Return the numbers of the strategies that ask for a symbol at the last bar, with a sign."""
    asking = np.flatnonzero(signals.confidence[-1, :, s] > 0.0)
    return " ".join(f"{SIGNS[int(signals.direction[-1, k, s])]}{k + 1}" for k in asking)
