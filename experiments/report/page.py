"""One HTML page that says what a run did: no other file, no network, readable on a phone."""

import base64
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benbot.agents.evaluation import Evaluation
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.market.summary import describe, iso_minute
from benbot.experiments.report.attribution import KEYS, Contribution, attribution, gain, total
from benbot.experiments.report.breakdown import (
    decisions_by_verdict,
    growth_by_regime,
    readable,
    titled,
    weights_by_regime,
)
from benbot.experiments.report.captions import CAPTIONS, KINDS, PLACED
from benbot.experiments.report.caveats import Caveat, Evidence, caveats
from benbot.experiments.report.examination import Examination
from benbot.experiments.tracking.provenance import Provenance
from benbot.experiments.training.fold_table import FoldRow
from benbot.experiments.verdict.known_answer import found_sentence
from benbot.experiments.verdict.statistics import Spread, growth_difference, metrics, over_seeds
from benbot.experiments.verdict.verdict import LEVEL, SMALLEST_EFFECT, RunVerdict, needs

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = "templates"
MISSING = "–"
PER_CENT = "\u202f%"  # a narrow space that does not break
# How each metric is written: p per cent, d two decimals, n whole number.
EARNED = {  # of an account, in a table of a terminal: heading, and how it is written
    "annual_return": ("a year", "p"),
    "volatility": ("volat.", "p"),
    "sharpe_ratio": ("Sharpe", "d"),
    "max_drawdown": ("max DD", "p"),
    "n_trades": ("trades", "n"),
}
PERFORMANCE = {
    "total_return": "p",
    "annual_return": "p",
    "log_growth": "p",
    "volatility": "p",
    "max_drawdown": "p",
    "sharpe_ratio": "d",
    "sortino_ratio": "d",
    "calmar_ratio": "d",
}
ACTIVITY = {
    "exposure": "p",
    "turnover": "d",
    "n_trades": "n",
    "win_rate": "p",
    "profit_factor": "d",
    "fees_paid": "n",
    "slippage_bps": "d",
}


@dataclass(frozen=True, eq=False)
class SegmentResult:
    """What happened over one segment: every seed of the agent, and every baseline.

    figures   PNG by name, as `figures.draw` returns them; may be empty
    examination   only of the segment that counts
    """

    name: str
    agents: Mapping[int, Evaluation]
    baselines: Sequence[Evaluation]
    figures: Mapping[str, bytes] = field(default_factory=dict)
    examination: Examination | None = None


@dataclass(frozen=True, eq=False)
class RunReport:
    """All that a report is made of.

    segments         the last one is the one that counts, and is told in full
    bootstrap_seed   of the intervals, so that the page can be made again
    verdict          stands at the top; None where nobody has judged
    folds            a row each; none for a configuration without folds
    """

    name: str
    segments: tuple[SegmentResult, ...]
    market: Market
    config_yaml: str
    provenance: Provenance
    bootstrap_seed: int
    verdict: RunVerdict | None = None
    folds: tuple[FoldRow, ...] = ()

    def __post_init__(self) -> None:
        if not self.segments:
            raise InvalidParameter("a report needs at least one segment, was none")
        for segment in self.segments:
            if not segment.agents:
                raise InvalidParameter(
                    f"segment {segment.name} needs the evaluation of at least one seed, was none"
                )


def write_report(path: Path, report: RunReport) -> None:
    """Write the page; folders on the way to it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(report), encoding="utf-8")


def render_report(report: RunReport) -> str:
    """Return the page as text; the same report gives the same text."""
    main = report.segments[-1]
    own = list(main.agents.values())
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            verdict=report.verdict,
            level=LEVEL,
            smallest=SMALLEST_EFFECT,
            needs=needs,
            main=main,
            span=_span(own[0]),
            segments=[
                (segment, _span(_first(segment)), _table(segment)) for segment in report.segments
            ],
            differences=[
                growth_difference(own, one, seed=report.bootstrap_seed) for one in main.baselines
            ],
            found=found_sentence(own, main.baselines),
            regimes=_regime_table(main),
            regime_weights=weights_by_regime(own),
            caveats=_caveats(report),
            splits=_splits(own),
            total=total(own),
            gain=gain(own),
            verdicts=decisions_by_verdict(own),
            market=describe(report.market),
            notes=_notes(report),
            captions=CAPTIONS,
            kinds=KINDS,
            placed=PLACED,
            performance=PERFORMANCE,
            activity=ACTIVITY,
            definitions=inspect.getdoc(metrics) or "",
        )
    )


def _notes(report: RunReport) -> list[str]:
    """Return what a reader must know of the market, and of how any policy was traded on it."""
    traded = [
        note
        for segment in report.segments
        for one in (*segment.agents.values(), *segment.baselines)
        for note in one.notes
    ]
    return list(dict.fromkeys([*report.market.origin.notes, *traded]))


def _caveats(report: RunReport) -> list[Caveat]:
    main = report.segments[-1]
    costs = main.examination.costs[0] if main.examination and main.examination.costs else None
    own = list(main.agents.values())
    return caveats(Evidence(report.market, own, report.verdict, costs))


def _splits(own: Sequence[Evaluation]) -> dict[str, list[Contribution]]:
    return {key: attribution(own, key) for key in KEYS}


@dataclass(frozen=True)
class Row:
    """One policy of the headline table; `kind` is agent, seed or baseline."""

    name: str
    kind: str
    values: Mapping[str, Spread]


def _table(segment: SegmentResult) -> list[Row]:
    measured = {seed: metrics(one) for seed, one in segment.agents.items()}
    agent = Row(_first(segment).name, "agent", over_seeds(list(measured.values())))
    seeds = [Row(f"seed {seed}", "seed", over_seeds([own])) for seed, own in measured.items()]
    others = [Row(one.name, "baseline", over_seeds([metrics(one)])) for one in segment.baselines]
    return [agent, *(seeds if len(seeds) > 1 else []), *others]


def _regime_table(segment: SegmentResult) -> list[dict[str, Any]]:
    """Return one row per regime: its share of the bars and the growth of every policy in it."""
    policies = [list(segment.agents.values()), *([one] for one in segment.baselines)]
    groups = [{group.name: group for group in growth_by_regime(seeds)} for seeds in policies]
    return [
        {"name": name, "share": group.share, "growth": [own[name].growth for own in groups]}
        for name, group in groups[0].items()
    ]


def _first(segment: SegmentResult) -> Evaluation:
    return next(iter(segment.agents.values()))


def _span(evaluation: Evaluation) -> str:
    first, last = iso_minute(evaluation.timestamps[0]), iso_minute(evaluation.timestamps[-1])
    return f"{first[:10]} to {last[:10]}, {evaluation.equity.size - 1:,} bars"


def environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__, TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        written=write_number,
        spread=write_spread,
        readable=readable,
        titled=titled,
        base64=_base64,
        minute=iso_minute,
        between=_with_deviation,
        p_value=_p_value,
        lower_first=lambda text: text[:1].lower() + text[1:],
    )
    return environment


def write_number(value: float, style: str = "d", *, signed: bool = False) -> str:
    """Return a number as people read it; a dash for NaN.

    `p` per cent, `P` the same to a hundredth, `d` two decimals, `n` whole.
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0.0 else "−∞"
    sign = "+z" if signed else "z"  # z: no zero is negative
    shape = {"p": f"{sign},.1f", "P": f"{sign},.2f", "d": f"{sign},.2f", "n": f"{sign},.0f"}[style]
    is_share = style in {"p", "P"}
    text = format(100.0 * value if is_share else value, shape)
    return text.replace("-", "−") + (PER_CENT if is_share else "")


def write_spread(value: Spread, style: str = "d") -> str:
    """Return a mean with its deviation over seeds, where there is one."""
    mean = write_number(value.mean, style)
    if math.isnan(value.deviation):
        return mean
    return f"{mean.removesuffix(PER_CENT)} ± {write_number(value.deviation, style)}"


def _with_deviation(mean: float, deviation: float) -> str:
    return write_spread(Spread(float(mean), float(deviation)), "p")


def _p_value(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.3f}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
