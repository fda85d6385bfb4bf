"""Evaluating populations of programs, beside DEAP with numpy and Operon, in turn.

    .venv/bin/python -m benchmarks.programs --rounds 7

Everybody has a process of its own and is asked in turn, so that a slow spell hits all. Rates are
evaluations of nodes a second of processor time, leaves included, with all answers written; ratios
are pair by pair, and their median is told. DEAP runs twice, because numpy's temporary arrays of 300
kB cost page faults unless malloc is told to keep such memory. Operon takes part if pyoperon is
installed. See `program_peers` for the sets.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
from statistics import median
from typing import IO, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from benbot.strategies.programs.machine import evaluate
from benchmarks.program_peers import (
    N_NUMBERS,
    NAMES,
    READY,
    features_here,
    n_nodes,
    program_from,
    trees_of,
)

KEEP = 64 * 2**20  # bytes
KEEPING = {f"MALLOC_{name}_": str(KEEP) for name in ("MMAP_THRESHOLD", "TRIM_THRESHOLD", "TOP_PAD")}
PEERS = {"DEAP + numpy": ("deap", {}), "the same, malloc keeps": ("deap", KEEPING)}
GOALS = {"A": 4.0, "B": 4.0, "C": 10.0}
WARM = 200  # bars that windows of windows need, where DEAP's own begin with what there is


class Contestant:
    """A process that evaluates one set when it is asked to."""

    def __init__(self, name: str, kind: str, settings: dict[str, str]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **settings}
        process = subprocess.Popen(  # noqa: S603 our own interpreter and our own words
            [sys.executable, "-m", "benchmarks.program_peers", name, kind],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._process = process
        self._asked, self._heard = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        while (line := self._heard.readline()) and line.strip() != READY:
            pass
        if not line:
            sys.exit(f"{name} ended before it was ready; what it printed last says why")

    def time(self) -> float:
        """Return the seconds of processor time that it took."""
        self._asked.write("again\n")
        self._asked.flush()
        return float(self._heard.readline())

    def end(self) -> None:
        self._asked.close()
        self._process.wait()


def main() -> None:
    """Check that answers agree, ask everybody in turn, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.programs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="times each is asked")
    rounds = parser.parse_args().rounds
    console = Console()
    console.print("Preparing; a machine that is new compiles for a quarter of a minute …")
    for kind in GOALS:
        check_parity(kind)
    table = Table(
        title="Evaluations of nodes a second of one core, and how many times that is ours"
    )
    for heading in ("set", "who", "median", "slowest", "fastest", "ours is", "goal"):
        table.add_column(heading, justify="left" if heading in ("set", "who") else "right")
    for kind, goal in GOALS.items():
        add_set(table, kind, goal, rounds)
    console.print(table)


def add_set(table: Table, kind: str, goal: float, rounds: int) -> None:
    peers = dict(PEERS)
    if kind == "A" and importlib.util.find_spec("pyoperon"):
        peers["Operon"] = ("operon", {})
    elif kind == "A":
        sys.stdout.write("pyoperon is not installed, so Operon takes no part\n")
    own = Contestant("ours", kind, {})
    others = {name: Contestant(who, kind, told) for name, (who, told) in peers.items()}
    times: dict[str, list[float]] = {name: [] for name in ("ours, encoding included", *others)}
    for _ in range(rounds):
        times["ours, encoding included"].append(own.time())
        for name, other in others.items():
            times[name].append(other.time())
    for contestant in (own, *others.values()):
        contestant.end()
    work, ours = n_nodes(kind) * N_NUMBERS, times["ours, encoding included"]
    for name, taken in times.items():
        rates = sorted(work / each for each in taken)
        numbers = (median(rates), rates[0], rates[-1])
        ratio = median(theirs / mine for mine, theirs in zip(ours, taken, strict=True))
        shown = (f"{ratio:.1f}×", f"{goal:g}×") if name in others else ("", "")
        table.add_row(kind, name, *(f"{number:.2e}" for number in numbers), *shown)


def check_parity(kind: str) -> None:
    """Refuse to time what says something else than DEAP does, once windows are full."""
    from deap import gp

    primitives, trees = trees_of(kind)
    features = features_here()
    said = evaluate([program_from(tree) for tree in trees], features)
    columns = list(features.values.reshape(len(NAMES), -1))
    agreed = []
    for tree, answer in zip(trees[::10], said[::10], strict=True):
        with np.errstate(all="ignore"):
            theirs = np.broadcast_to(gp.compile(tree, primitives)(*columns), (N_NUMBERS,))
        theirs = theirs.reshape(features.values.shape[1:]).T[WARM:]
        agreed.append(np.isclose(answer[WARM:], theirs, rtol=1e-3, atol=1e-4).mean())
    # A comparison of two numbers that differ by rounding alone may fall on either side.
    if min(agreed) < 0.95 or np.mean(agreed) < 0.99:
        sys.exit(f"programs of set {kind} must agree with DEAP's, was {min(agreed):.1%} of a tree")


if __name__ == "__main__":
    main()
