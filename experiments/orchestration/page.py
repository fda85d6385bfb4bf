"""The page of an orchestrated run, one HTML file that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benbot.evolution.orchestration.orchestrator import Orchestrator
from benbot.experiments.orchestration.accounts import Account
from benbot.experiments.orchestration.chronicle import Chronicle
from benbot.experiments.orchestration.figures import account_figure, population_figure
from benbot.experiments.report.figures import to_png
from benbot.experiments.report.page import environment
from benbot.experiments.verdict.statistics import log_returns, metrics
from benbot.strategies.sharpe import FEWEST, standard_error, track_of
from benbot.strategies.tournament.stages import Stage

TEMPLATE = "orchestration.html.j2"
REGIME = "regime"  # what the event of a change is called
DIGITS = 4


@dataclass(frozen=True, eq=False)
class Story:
    """Everything that the page tells."""

    name: str
    orchestrator: Orchestrator
    chronicle: Chronicle
    accounts: Sequence[Account]


def render_story(story: Story) -> str:
    """Return the page as text; the same run gives the same text."""
    orchestrator, chronicle = story.orchestrator, story.chronicle
    market, span = orchestrator.order.land.market, orchestrator.order.span
    days = market.days[[span.first, span.last]]
    regime = orchestrator.regime[span.first : span.last + 1]
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            name=story.name,
            span=f"{days[0]} to {days[1]}",
            notes=list(market.origin.notes),
            chronicle=chronicle,
            n_new=sum(origin != chronicle.origins[0] for origin in chronicle.origins),
            tried=orchestrator.now.budget.total,
            searches=orchestrator.now.asked,
            lookback=orchestrator.settings.lookback,
            accounts=[_account(one, market.bars_per_year) for one in story.accounts],
            members=list(_members(story)),
            services=_services(orchestrator),
            decided=_decided(chronicle),
            moves=_moves(chronicle),
            figures={
                "population": to_png(population_figure(chronicle)),
                "accounts": to_png(account_figure(story.accounts, regime)),
            },
        )
    )


def _account(one: Account, bars_per_year: float) -> dict[str, Any]:
    told: dict[str, Any] = {"name": one.name, "what": one.what, "result": None, "error": np.nan}
    if one.evaluation is not None:
        returns = log_returns(one.evaluation.equity)
        told["result"] = metrics(one.evaluation)
        if returns.size >= FEWEST and returns.std() > 0.0:
            told["error"] = standard_error(track_of(returns)) * np.sqrt(bars_per_year)
    return told


def _members(story: Story) -> list[dict[str, Any]]:
    """Return a row for each strategy, the highest stage first."""
    stages = story.chronicle.stages
    rows = []
    for n, member in enumerate(story.orchestrator.population):
        own = stages[:, n]
        highest = int(own.max())
        rows.append(
            {
                "name": member.name,
                "origin": str(member.origin),
                "stage": Stage(int(own[-1])).name,
                "highest": Stage(highest).name,
                "sessions": int((own >= Stage.R1).sum()),
                "parents": member.parents,
                "order": (-int(own[-1]), -highest, n),
            }
        )
    return sorted(rows, key=lambda row: row["order"])


def _services(orchestrator: Orchestrator) -> list[dict[str, Any]]:
    names = orchestrator.population.names
    return [
        {
            "regime": one.reasons["regime"],
            "sessions": one.n_sessions,
            "best": names[one.best] if one.best >= 0 else "nobody",
            "sure": one.sure,
            "luck": one.luck,
            "poor": one.is_poor,
        }
        for one in orchestrator.services().values()
    ]


def _decided(chronicle: Chronicle) -> list[dict[str, Any]]:
    events = chronicle.events[chronicle.events["kind"] != REGIME]
    return [
        {
            "moment": _minute(event["moment"]),
            "kind": event["kind"],
            "subject": event["subject"],
            "words": in_words(event["reasons"]),
        }
        for event in events.to_dict("records")
    ]


def _moves(chronicle: Chronicle) -> list[dict[str, Any]]:
    return [
        {
            "moment": _minute(move["moment"]),
            "subject": move["subject"],
            "source": move["from"],
            "target": move["to"],
            "words": f"{move['reason']}: {move['note']}" if move["note"] else move["reason"],
        }
        for move in chronicle.moves.to_dict("records")
    ]


def in_words(reasons: Mapping[str, Any]) -> str:
    """Return reasons as a line; those that say nothing are left out."""
    told = []
    for name, value in reasons.items():
        if isinstance(value, list):
            value = ", ".join(map(str, value))
        if value not in ("", None):
            told.append(f"{name} {value}")
    return "; ".join(told)


def _minute(moment: Any) -> str:  # noqa: ANN401 - a pandas timestamp
    return str(moment)[:16]
