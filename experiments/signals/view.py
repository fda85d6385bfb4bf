"""Why it did not buy that day: what strategies saw and wanted of a symbol, and what came of it."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.desk.reasons import Breaker
from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.selection import check_known
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.progress import Display
from benbot.experiments.report.breakdown import readable
from benbot.experiments.report.page import MISSING, write_number
from benbot.experiments.signals.explanation import Explanation, Wish, explain, strongest
from benbot.experiments.signals.moment import (
    Moment,
    check_traded,
    find_moment,
    several_bars,
    written_bar,
)
from benbot.experiments.training.preparation import Prepared, check_segment
from benbot.experiments.training.run import prepare_shown
from benbot.experiments.verdict.opening import warn_of_look

SIDES = {1: "long", -1: "short", 0: MISSING}
BASIS_POINTS = 1e4
COLUMNS_NOTE = (
    "expected: return of a trade after costs, from the record of the strategy\n"
    "score: weight × confidence × expected, in hundredths of a per cent"
)
WHOLE_FROM = 1000.0  # prices from here on are told without decimals


class Shown(NamedTuple):
    """What was told, and what a figure of it is drawn from."""

    prepared: Prepared
    account: Evaluation
    told: Explanation


def show_signals(
    config: ExperimentConfig, symbol: str | None, when: str | None, segment: str, console: Console
) -> Shown:
    """Print what every strategy saw, wanted and was told, for one symbol at one close."""
    check_segment(segment)
    warn_of_look(segment, "benbot signals", console)
    with Display(console) as display:
        prepared = prepare_shown(config, display)
        if symbol is not None:
            check_known("symbol", [symbol], prepared.market.symbols)
        moment = find_moment(prepared, segment, when)
        s = _place_of(prepared, symbol, moment.bar)
        check_traded(prepared.market, moment.bar, s)
        with display.step(f"Trading {segment} until then with equal weights"):
            account = account_until(prepared, segment, moment.bar)
    told = explain(prepared, account, moment.bar, s)
    for line in headlines(told, prepared, moment, segment):
        console.print(line, highlight=False, soft_wrap=True)
    if symbol is None:
        console.print("No --symbol was named: this one has the most valued candidate.")
    console.print(wishes_table(told))
    console.print(_listed(told, {"saw": seen_text}))
    console.print(_listed(told, {"answer": _answer, "why": _reason}))
    return Shown(prepared, account, told)


def draw_signals(shown: Shown, path: Path, console: Console) -> None:
    """Write the figure of the bars until the close that was told of, and the one that followed."""
    from benbot.experiments.report.chart import chart, window
    from benbot.experiments.report.figures import to_png

    market, account, told = shown.prepared.market, shown.account, shown.told
    bars = window(Span(told.first_bar, told.bar + 1))
    picture = chart(market, account, market.symbols.index(told.symbol), bars, told.bar)
    try:
        path.write_bytes(to_png(picture))
    except OSError as error:
        raise BadConfig(
            f"--figure needs a file that can be written, was {path}: {error}"
        ) from error
    console.print(f"Figure    {path}", highlight=False)


def account_until(prepared: Prepared, segment: str, t: int) -> Evaluation:
    """Return what an account with equal weights did from the start of a segment to bar `t` + 1."""
    span = Span(prepared.span(segment).first, t + 1)
    policy = equal_weight(prepared.history.layout)
    return evaluate(policy, prepared.history, span, prepared.config.environment)


def headlines(
    told: Explanation, prepared: Prepared, moment: Moment, segment: str
) -> tuple[str, ...]:
    """Return what a reader has to know before the tables."""
    market, most = prepared.market, prepared.config.desk.limits.max_positions
    traded = "" if told.price == told.traded_price else f", as traded {_plain(told.traded_price)}"
    held = (
        f"{told.symbol} is held by {told.holder}." if told.holder else f"{told.symbol} is not held."
    )
    breaker = "" if told.breaker is Breaker.NORMAL else f"; breaker: {readable(told.breaker.name)}"
    return (
        f"{told.symbol} at the close of {written_bar(market, told.bar)}, bar {told.bar}, in "
        f"{segment}: {_plain(told.price)}{traded}.{several_bars(moment)}",
        f"Regime: {told.regime}. Account: {readable(told.policy)}s since "
        f"{written_bar(market, told.first_bar)}, equity {told.equity:,.0f}, {told.n_positions} of "
        f"{most} positions{breaker}. {held}",
    )


def wishes_table(told: Explanation) -> Table:
    """Return one row a strategy: what it wanted, in numbers."""
    table = _table(caption=COLUMNS_NOTE)
    for heading in ("wants", "conf.", "expected", "score", "stop", "stop at"):
        table.add_column(heading, justify="right", no_wrap=True)
    for k, wish in enumerate(told.wishes):
        table.add_row(f"{k + 1} {wish.strategy}", *_numbers(wish))
    return table


def seen_text(wish: Wish) -> str:
    """Return what a strategy saw in one line."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in wish.seen.items())


def _numbers(wish: Wish) -> tuple[str, ...]:
    asks = wish.confidence > 0.0
    return (
        SIDES[wish.direction],
        write_number(wish.confidence, "d") if asks else MISSING,
        write_number(wish.expected, "P"),
        write_number(BASIS_POINTS * wish.score if asks else math.nan, "d"),
        write_number(wish.stop_distance, "p"),
        _plain(wish.stop_price),
    )


def _plain(value: float) -> str:
    """Return a number with the four digits that people read, a dash for NaN."""
    if math.isnan(value):
        return MISSING
    is_whole = value == int(value) or abs(value) >= WHOLE_FROM
    text = f"{value:,.0f}" if is_whole else f"{value:#.4g}"
    return text.replace("-", "−", 1)


def _listed(told: Explanation, columns: Mapping[str, Callable[[Wish], str]]) -> Table:
    table = _table()
    for heading in columns:
        table.add_column(heading)
    for k, wish in enumerate(told.wishes):
        table.add_row(f"{k + 1} {wish.strategy}", *(write(wish) for write in columns.values()))
    return table


def _answer(wish: Wish) -> str:
    return wish.outcome.short


def _reason(wish: Wish) -> str:
    return wish.outcome.sentence


def _table(caption: str | None = None) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        caption=caption,
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    return table


def _place_of(prepared: Prepared, symbol: str | None, t: int) -> int:
    market: Market = prepared.market
    return strongest(prepared, t) if symbol is None else market.symbols.index(symbol)
