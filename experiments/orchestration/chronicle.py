"""What a store tells of an orchestrated run: who stood where, and what was decided.

D sessions, N strategies in the order in which they were registered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benbot.envs.arrays import IntArray, TimeArray
from benbot.strategies.records import Reader
from benbot.strategies.tournament.stages import Stage

MOVED, REGISTERED = "stage", "registered"
PAGE = 1000


@dataclass(frozen=True, eq=False)
class Chronicle:
    """One run.

    moments  (D,)    at which it was known that the sessions were over
    stages   (D, N)  `Stage` of each from that close on; WAITING also before it came
    names    (N,)    of the strategies
    origins  (N,)    where each comes from
    events   every decision but the moves: moment, kind, subject and reasons
    moves    every move: moment, subject, from, to, reason and note
    """

    moments: TimeArray
    stages: IntArray
    names: tuple[str, ...]
    origins: tuple[str, ...]
    events: pd.DataFrame
    moves: pd.DataFrame

    def count(self, stage: Stage) -> IntArray:
        """Return how many stood on a stage, (D,)."""
        counted: IntArray = (self.stages == stage).sum(axis=1)
        return counted


def read_chronicle(records: Reader, moments: TimeArray) -> Chronicle:
    """Return what a store tells; `moments` (D,) are those of the sessions."""
    events = all_events(records)
    registered = events[events["kind"] == REGISTERED]
    names = tuple(registered["subject"])
    origins = tuple(told["origin"] for told in registered["reasons"])
    moves = _moves(events[events["kind"] == MOVED])
    stages = np.full((moments.size, len(names)), int(Stage.WAITING), np.int64)
    closes = moments.astype("datetime64[us]")
    column = {name: n for n, name in enumerate(names)}
    for move in moves.to_dict("records"):
        first = int(np.searchsorted(closes, np.datetime64(move["moment"].to_datetime64(), "us")))
        stages[first:, column[str(move["subject"])]] = Stage[str(move["to"])]
    rest = events[~events["kind"].isin([MOVED, REGISTERED])].reset_index(drop=True)
    return Chronicle(moments, stages, names, origins, rest, moves)


def all_events(records: Reader) -> pd.DataFrame:
    """Return every event of a store, the first one first; reasons as they were told."""
    pages, after = [], 0
    while True:
        page = records.events(after=after)
        if page.empty:
            break
        pages.append(page)
        after = int(page["id"].iloc[-1])
    if not pages:
        return pd.DataFrame(columns=["id", "moment", "kind", "subject", "reasons"])
    events = pd.concat(pages, ignore_index=True)
    told = [_told(each) for each in events["reasons"]]
    return events.assign(reasons=pd.Series(told, dtype=object))


def _told(reasons: object) -> Mapping[str, Any]:
    told: Mapping[str, Any] = reasons if isinstance(reasons, Mapping) else json.loads(str(reasons))
    return told


def _moves(events: pd.DataFrame) -> pd.DataFrame:
    told = events["reasons"]
    return pd.DataFrame(
        {
            "moment": events["moment"],
            "subject": events["subject"],
            "from": [each["from"] or "" for each in told],
            "to": [each["to"] for each in told],
            "reason": [each["reasons"]["reason"] for each in told],
            "note": [each["reasons"]["note"] for each in told],
        }
    ).reset_index(drop=True)
