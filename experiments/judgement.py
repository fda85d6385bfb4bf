"""The agent beside rules that must be beaten: the same segment, account, gates and costs."""

from typing import TYPE_CHECKING

from benbot.agents.baselines import (
    InverseVolatility,
    Random,
    RegimeRecord,
    best_single,
    cash,
    equal_weight,
)
from benbot.agents.buy_and_hold import buy_and_hold
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.oracle import Plan
from benbot.agents.policy import Policy
from benbot.envs.history import Span
from benbot.experiments.known_answer import oracle_of
from benbot.experiments.preparation import Prepared
from benbot.experiments.report import SegmentResult, write_number
from benbot.experiments.statistics import growth_difference, metrics, over_seeds

if TYPE_CHECKING:
    from rich.table import Table

RANDOM_SEED = 0
COLUMNS = {
    "annual_return": ("a year", "p"),
    "volatility": ("volat.", "p"),
    "sharpe_ratio": ("Sharpe", "d"),
    "max_drawdown": ("max DD", "p"),
    "n_trades": ("trades", "n"),
}


def evaluate_baselines(
    prepared: Prepared, span: Span, plan: Plan | None = None
) -> list[Evaluation]:
    """Run every baseline over a span; what a baseline chooses, it chooses on `valid`.

    With the oracle's plan, the oracle is the last of them.
    """
    history, settings = prepared.history, prepared.config.environment
    layout = history.layout
    policies: list[Policy] = [
        cash(layout),
        equal_weight(layout),
        InverseVolatility(layout),
        best_single(history, prepared.spans["valid"]),
        RegimeRecord(layout),
        Random(layout, RANDOM_SEED),
    ]
    evaluations = [evaluate(policy, history, span, settings) for policy in policies]
    evaluations.append(buy_and_hold(history, span, settings))
    if plan is not None:
        oracle = oracle_of(prepared, plan, span)
        evaluations.append(evaluate(oracle, history, span, settings))
    return evaluations


def results_table(segment: SegmentResult) -> "Table":
    """Return the results of a segment for a terminal of 80 columns."""
    from rich import box
    from rich.table import Table

    agents = list(segment.agents.values())
    first, last = agents[0].timestamps[[0, -1]].astype("datetime64[D]")
    table = Table(
        title=f"{segment.name}, {first} to {last}, after costs",
        caption="agent less it: log growth, % a year, with the 95 % interval of resampled time",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    table.add_column("policy", no_wrap=True)
    for heading, _ in COLUMNS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("agent less it", justify="right", no_wrap=True)
    measured = over_seeds([metrics(one) for one in agents])
    own = [write_number(measured[name].mean, style) for name, (_, style) in COLUMNS.items()]
    seeds = "1 seed" if len(agents) == 1 else f"{len(agents)} seeds"
    table.add_row(f"agent, {seeds}", *own, "", style="bold")
    for baseline in segment.baselines:
        values = metrics(baseline)
        cells = [write_number(values[name], style) for name, (_, style) in COLUMNS.items()]
        table.add_row(baseline.name, *cells, _difference(agents, baseline))
    return table


def _difference(agents: list[Evaluation], baseline: Evaluation) -> str:
    found = growth_difference(agents, baseline, seed=0)
    mean, low, high = (f"{100.0 * value:+.1f}" for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"
