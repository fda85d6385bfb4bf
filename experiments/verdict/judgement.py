"""The agent beside rules that must be beaten: the same segment, account, gates and costs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benbot.agents import placebo
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.oracle import Plan
from benbot.agents.policy import Policy
from benbot.agents.roster import HINDSIGHT, evaluate_baseline
from benbot.envs.history import Span
from benbot.experiments.report.cost_figure import cost_figure
from benbot.experiments.report.examination import examine
from benbot.experiments.report.figures import to_png
from benbot.experiments.report.importance_figure import importance_figure
from benbot.experiments.report.page import EARNED, SegmentResult, write_number
from benbot.experiments.report.risk_figure import risk_figure
from benbot.experiments.report.seed_figure import seeds_figure
from benbot.experiments.report.weight_figures import median_seed, regime_weights_figure
from benbot.experiments.training.placebo import NO_PLACEBOS, Placebos
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.verdict.known_answer import found_sentence, oracle_of
from benbot.experiments.verdict.statistics import growth_difference, metrics, over_seeds
from benbot.experiments.verdict.value_at_risk import forecasts
from benbot.experiments.verdict.verdict import RunVerdict

if TYPE_CHECKING:
    from rich.table import Table

HINDSIGHT_NOTE = "*: chosen with hindsight, a bound and no rival"
HEADINGS = (*(heading for heading, _ in EARNED.values()), "agent less it")
DIFFERENCE = (
    "agent less it: log growth, % a year, with the 95 % interval of resampled time alone; "
    "the verdict's has the chance of training, too"
)
CHOSEN_HERE = "the agent's policy was chosen on these very bars, no baseline was"


def evaluate_baselines(
    prepared: Prepared, span: Span, plan: Plan | None = None, placebos: Placebos = NO_PLACEBOS
) -> list[Evaluation]:
    """Run the baselines of the configuration over a span; what one chooses, it chooses before it.

    With the oracle's plan, the oracle is the last of them. A placebo that was not trained is left
    out.
    """
    history, settings = prepared.history, prepared.config.environment
    before, fit = _chosen_on(prepared, span), prepared.spans["fit"]
    evaluations = []
    for name in prepared.config.baselines:
        if name != placebo.NAME:
            evaluations.append(evaluate_baseline(name, history, span, before, settings))
        elif placebos:
            evaluations.append(placebo.evaluate_placebo(placebos, history, fit, span, settings))
    if plan is not None:
        oracle = oracle_of(prepared, plan, span)
        evaluations.append(evaluate(oracle, history, span, settings))
    return evaluations


def _chosen_on(prepared: Prepared, span: Span) -> Span:
    """Return where a choice is made: on `valid` of what trades later, on `fit` of the rest."""
    valid = prepared.spans["valid"]
    return valid if span.first > valid.last else prepared.spans["fit"]


def examined(
    prepared: Prepared, segment: SegmentResult, policies: Sequence[Policy] = ()
) -> SegmentResult:
    """Return `test` with its examination, and the figures of it among the others."""
    examination = examine(prepared, segment.agents, segment.baselines, policies)
    middle = median_seed(segment.agents)
    found = forecasts(segment.agents[middle], prepared.history)
    figures = {
        **segment.figures,
        "regime_weights": to_png(regime_weights_figure(segment.agents)),
        "costs": to_png(cost_figure(examination.costs)),
        "value_at_risk": to_png(risk_figure(found, middle)),
    }
    if examination.importances:
        figures["importance"] = to_png(importance_figure(examination.importances))
    return replace(segment, figures=figures, examination=examination)


def with_seeds(segment: SegmentResult, verdict: RunVerdict | None) -> SegmentResult:
    """Return a segment with the figure of its seeds; one seed has none, nor has no verdict."""
    if verdict is None or len(segment.agents) == 1:
        return segment
    figure = to_png(seeds_figure(segment.agents, verdict.growth))
    return replace(segment, figures={**segment.figures, "seeds": figure})


def results_table(segment: SegmentResult) -> "Table":
    """Return the results of a segment for a terminal of 80 columns."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=f"{segment.name}, {_days(segment)}, after costs",
        caption=_caption(segment),
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
    )
    table.add_column("policy", overflow="ellipsis")  # rather than a number
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for i, row in enumerate(_rows(segment)):
        table.add_row(*row, style="" if i else "bold")
    return table


def results_note(segment: SegmentResult) -> str:
    """Return the results of a segment as Markdown, for the top of a run's page."""
    lines = [("policy", *HEADINGS), (":--", *("--:" for _ in HEADINGS)), *_rows(segment)]
    found = found_sentence(list(segment.agents.values()), segment.baselines)
    return "\n".join(
        [
            f"Results on **{segment.name}**, {_days(segment)}, after costs. {DIFFERENCE[0].upper()}"
            f"{DIFFERENCE[1:]}. {HINDSIGHT_NOTE}.",
            "",
            *(f"| {' | '.join(line)} |" for line in lines),
            *(["", f"The agent found {found}."] if found else []),
            "",
            "The whole report is among the artifacts: `report.html`.",
        ]
    )


def _rows(segment: SegmentResult) -> list[tuple[str, ...]]:
    """Return a row for the agent and one for each baseline, all of them text."""
    agents = list(segment.agents.values())
    measured = over_seeds([metrics(one) for one in agents])
    own = [write_number(measured[name].mean, style) for name, (_, style) in EARNED.items()]
    seeds = "1 seed" if len(agents) == 1 else f"{len(agents)} seeds"
    rows: list[tuple[str, ...]] = [(f"agent, {seeds}", *own, "")]
    for baseline in segment.baselines:
        values = metrics(baseline)
        cells = [write_number(values[name], style) for name, (_, style) in EARNED.items()]
        mark = "*" if baseline.name in HINDSIGHT else ""
        rows.append((f"{baseline.name}{mark}", *cells, _difference(agents, baseline)))
    return rows


def _caption(segment: SegmentResult) -> str:
    with_hindsight = any(one.name in HINDSIGHT for one in segment.baselines)
    notes = (
        (HINDSIGHT_NOTE, with_hindsight),
        (CHOSEN_HERE, segment.name.startswith("valid")),
    )
    return "\n".join((DIFFERENCE, *(note for note, holds in notes if holds)))


def _days(segment: SegmentResult) -> str:
    timestamps = next(iter(segment.agents.values())).timestamps
    first, last = timestamps[[0, -1]].astype("datetime64[D]")
    return f"{first} to {last}"


def _difference(agents: list[Evaluation], baseline: Evaluation) -> str:
    found = growth_difference(agents, baseline, seed=0)
    mean, low, high = (f"{100.0 * value:+.1f}" for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"
