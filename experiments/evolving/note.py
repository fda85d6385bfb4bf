"""What a run's own page in MLflow says of a search: numbers to list runs by, and Markdown."""

from collections.abc import Sequence

from benbot.experiments.evolving.record import SearchRecord
from benbot.experiments.report.page import write_number

HEADINGS = (
    "seed",
    "trials",
    "luck alone",
    "pool",
    "more than luck",
    "pool on valid",
    "random",
    "held",
)
GROUPS = ("pool", "random candidates", "buy and hold")


def search_metrics(records: Sequence[SearchRecord]) -> dict[str, float]:
    """Return what a parent is listed by: sums over its seeds, and means of what was earned."""
    found = {
        "evolution/trials": float(sum(each.trials.n for each in records)),
        "evolution/found": float(sum(each.found for each in records)),
        "evolution/pool": float(sum(len(each.winners) for each in records)),
    }
    for name in GROUPS:
        ratios = [_ratio(each, name) for each in records]
        known = [ratio for ratio in ratios if ratio == ratio]
        if known:
            found[f"valid/{name.replace(' ', '_')}/sharpe_ratio"] = sum(known) / len(known)
    return found


def search_note(records: Sequence[SearchRecord]) -> str:
    """Return the results on valid as Markdown, with the formula of every member."""
    lines = [HEADINGS, ("--:",) * len(HEADINGS), *map(_row, records)]
    formulas = [f"- `{w.formula}`" for each in records for w in each.winners]
    told = ["**Pool**", "", *formulas] if formulas else ["The pool is empty."]
    return "\n".join(
        [
            "Sharpe ratios a year; valid chose the pool, which flatters it. The page is among the "
            "artifacts: `report.html`.",
            "",
            *(f"| {' | '.join(line)} |" for line in lines),
            "",
            *told,
        ]
    )


def _row(record: SearchRecord) -> tuple[str, ...]:
    return (
        str(record.seed),
        f"{record.trials.n:,}",
        write_number(record.luck),
        str(len(record.winners)),
        str(record.found),
        *(write_number(_ratio(record, name)) for name in GROUPS),
    )


def _ratio(record: SearchRecord, name: str) -> float:
    group = record.stretches["valid"].group(name)
    return group.sharpe_ratio if group else float("nan")
