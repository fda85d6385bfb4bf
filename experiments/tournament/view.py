"""A season as a person sees it: the ladder, and who moved when and why."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
from rich import box
from rich.console import JustifyMethod
from rich.table import Table

from benbot.experiments.tournament.season import Season
from benbot.strategies.records import Reader
from benbot.strategies.tournament.capital import capital, performance
from benbot.strategies.tournament.evidence import log_evidence
from benbot.strategies.tournament.gate import probability, sessions_needed
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Tournament
from benbot.strategies.tournament.trial import sharpe

MOVED = "stage"  # what the store calls a move
SHOWN = 40  # moves, the latest
COLUMNS = (
    *("strategy", "stage", "since", "days", "Sharpe"),
    *("e-value", "PSR", "needs", "capital"),
)
FOLDED = {"strategy", "why"}
GAP = 2  # letters between two columns
NEVER = 99_999.0  # sessions
SPARED = ("needs", "since", "PSR")  # left out where a terminal is narrow, the first one first
NAME = 32  # letters of a name that are kept in one line, however narrow the terminal
LEFT = {"strategy", "stage", "since", "why", "move", "session"}


def moves_of(records: Reader) -> pd.DataFrame:
    """Return every move that a store has: moment, subject, from, to, reason and note."""
    pages, after = [], 0
    while True:
        page = records.events(MOVED, after=after)
        if page.empty:
            break
        pages.append(page)
        after = int(page["id"].iloc[-1])
    if not pages:
        return pd.DataFrame(columns=["moment", "subject", "from", "to", "reason", "note"])
    events = pd.concat(pages, ignore_index=True)
    told = [each if isinstance(each, dict) else json.loads(each) for each in events["reasons"]]
    events["from"] = [each["from"] or "" for each in told]
    events["to"] = [each["to"] for each in told]
    events["reason"] = [each["reasons"]["reason"] for each in told]
    events["note"] = [each["reasons"]["note"] for each in told]
    return events[["moment", "subject", "from", "to", "reason", "note"]]


def ladder_table(season: Season, tournament: Tournament, width: int) -> Table:
    """Return how every strategy stands at the end, the highest stage first.

    Where `width` letters are too few, some columns are left out, so that names stay whole.
    days, Sharpe, e-value and PSR are those of the attempt; needs is the least length of its record.
    """
    ladder, settings = tournament.ladder, season.settings
    rows = ladder.rows
    regime = int(season.prepared.history.tape.regime[season.sessions.last_bars[-1]])
    given = capital(tournament.stages, performance(rows, settings.capital), regime, settings)
    evidence = np.exp(np.minimum(log_evidence(rows), 50.0))
    year = settings.sessions_per_year
    ratio = sharpe(rows["sessions"], rows["power_1"], rows["power_2"], year)
    cells: list[tuple[str, ...]] = []
    for i in np.lexsort((-evidence, -rows["stage"])):
        stage = Stage(int(rows["stage"][i]))
        level = settings.at(stage).level if Stage.R1 <= stage <= Stage.R3 else settings.r3.level
        row = (
            ladder.names[i],
            stage.name,
            _day(int(rows["since"][i])),
            f"{rows['sessions'][i]}",
            _number(ratio[i]),
            f"{evidence[i]:.2g}",
            _number(probability(rows[i], settings)),
            _sessions(sessions_needed(rows[i], level, settings)),
            _number(given.paper[i] + given.live[i], 0),
        )
        cells.append(row)
    return _fitted("The ladder", cells, width)


def _fitted(title: str, cells: list[tuple[str, ...]], width: int) -> Table:
    """Return a table of `COLUMNS`, of which it lacks as many of `SPARED` as do not fit."""
    letters = [max(map(len, column)) + GAP for column in zip(COLUMNS, *cells, strict=True)]
    kept, left = list(range(len(COLUMNS))), []
    for name in SPARED:
        if sum(letters[i] for i in kept) > width:
            kept.remove(COLUMNS.index(name))
            left.append(name)
    wider = f"; in a wider terminal also {', '.join(left)}" if left else ""
    table = _table(title + wider, tuple(COLUMNS[i] for i in kept), letters[0] - GAP)
    for row in cells:
        table.add_row(*(row[i] for i in kept))
    return table


def events_table(moves: pd.DataFrame) -> Table:
    """Return the latest moves with their reasons."""
    left = max(len(moves) - SHOWN, 0)
    title = f"Moves, {left} earlier ones left out" if left else "Moves"
    longest = max(map(len, moves["subject"]), default=0)
    table = _table(title, ("session", "strategy", "move", "why"), longest)
    for move in moves.tail(SHOWN).to_dict("records"):
        step = f"{move['from'] or '·'} → {move['to']}"
        why = f"{move['reason']}: {move['note']}" if move["note"] else str(move["reason"])
        table.add_row(str(move["moment"])[:10], str(move["subject"]), step, why)
    return table


def stage_metrics(season: Season, moves: pd.DataFrame) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield how many strategies stood on each stage, at each day on which somebody moved."""
    stands: dict[str, str] = {}
    moments = moves["moment"].to_numpy(dtype="datetime64[ns]")
    days = moments.astype("datetime64[D]").astype(np.int64)
    for day in np.unique(days):
        group = moves[days == day]
        stands |= dict(zip(group["subject"], group["to"], strict=True))
        counts = {stage.name: 0.0 for stage in Stage if stage != Stage.WAITING}
        for name in stands.values():
            counts[name] += 1.0
        yield int(day), {f"tournament/{name}": count for name, count in counts.items()}


def _table(title: str, columns: tuple[str, ...], longest: int) -> Table:
    """Return an empty table; `longest` is the number of letters of the longest name."""
    table = Table(
        title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left"
    )
    for name in columns:
        side: JustifyMethod = "left" if name in LEFT else "right"
        least = min(longest, NAME) if name == "strategy" else None
        folded = name in FOLDED
        table.add_column(name, justify=side, no_wrap=not folded, overflow="fold", min_width=least)
    return table


def _sessions(needed: float) -> str:
    """Return how many sessions are needed; what takes four hundred years is not worth a number."""
    return "never" if needed > NEVER else _number(needed, 0)


def _day(session: int) -> str:
    return str(np.datetime64(session, "D")) if session > 0 else "–"


def _number(value: float, digits: int = 2) -> str:
    return "–" if not np.isfinite(value) else f"{value:,.{digits}f}"
