"""Kills writers of a store, over and over, and says whether it ends as one that nobody killed.

    python -m tests.strategies.records.crashes URL OTHER_URL SEED KILLS

A writer opens the store, reads its own last state and goes on from there. Every third is killed
from outside after a random time, the others kill themselves at a random statement or commit, in the
middle of the first migration as well as of a change. Writers are forked, because to start Python
takes longer than to write.
"""

import json
import os
import signal
import sys
import time
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine, event, select

from benbot.strategies.records import Records, Stage, open_records, read_records
from benbot.strategies.records.tables import METADATA
from tests.strategies.records.made import NOON, HandClock, many_days, many_trades, register_all

N_CHANGES = 30
LATEST = 0.15  # seconds after which a writer is killed from outside
# Before and after statements and at commits, of which one is the last; a change has 41.
MOMENTS = 120
OURS = {"lease": None, "changes": {"token", "owner"}}  # what tells one writer from another


def write(url: str, seed: int) -> None:
    """Go on from the state that the store is in, until everything is written."""
    with open_records(url, owner="writer", clock=HandClock(), takes_over=True) as records:
        while (step := (records.state("writer") or {"step": 0})["step"]) < N_CHANGES:
            write_step(records, step, np.random.default_rng([seed, step]))


def write_step(records: Records, step: int, rng: np.random.Generator) -> None:
    """Write one change, which depends on nothing but the step and the seed."""
    with records.change(NOON + timedelta(minutes=step)) as change:
        if step == 0:
            register_all(change)
            change.stage("rsi", None, Stage.R1, "new")
        change.trades(many_trades(rng, 8, f"{step}-"))
        change.days(many_days(rng, [f"2020-05-{step + 1:02}"]))
        change.event("step", "writer", {"step": step, "drawn": rng.random()})
        change.state("writer", {"step": step + 1, "drawn": rng.random()})


def forked(url: str, seed: int, rng: np.random.Generator | None) -> int:
    """Let a child write, kill it where `rng` says so, and return the signal that ended it."""
    by_itself = rng is not None and bool(rng.integers(3))
    last = int(rng.integers(1, MOMENTS)) if rng is not None else 0
    child = os.fork()
    if child == 0:
        if by_itself:
            _die_at(last)
        write(url, seed)
        os._exit(0)
    if rng is not None and not by_itself:
        time.sleep(float(rng.uniform(0.0, LATEST)))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


def content(url: str) -> dict[str, list[Any]]:
    """Return every row of a store but for who wrote it."""
    with read_records(url) as records, records._asking() as connection:
        records.verify()
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(
                    select(
                        *(c for c in table.c if c.name not in OURS.get(table.name, ()))
                    ).order_by(*table.primary_key)
                )
            ]
            for table in METADATA.sorted_tables
            if table.name != "lease"
        }


def _die_at(last: int) -> None:
    """Kill this process at a statement or a commit, counted from now."""
    left = [last]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "after_cursor_execute", count)
    event.listen(Engine, "commit", count)


def main(url: str, other: str, seed: str, kills: str) -> None:
    rng = np.random.default_rng(int(seed))
    ends = [forked(url, int(seed), rng) for _ in range(int(kills))]
    whole = [forked(url, int(seed), None), forked(other, int(seed), None)]
    one, same = content(url), content(other)
    answer = {
        "killed": sum(end == signal.SIGKILL for end in ends),
        "failed": [end for end in (*ends, *whole) if end < 0],
        "differ": [name for name in one if one[name] != same[name]],
        "trades": len(one["trades"]),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
