"""The kernel of this checkout and of another in turn, as ratios: a slow spell hits both.

    .venv/bin/python -m benchmarks.against FOLDER --rounds 40

FOLDER is another checkout with a `.venv` of its own, in which `make test` has run once.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import quantiles
from typing import IO, cast

from rich.console import Console
from rich.table import Table

from benchmarks.turns import READY, SCENARIOS

ROOT = Path(__file__).parents[1]


class Checkout:
    """A process that runs the scenarios of one checkout when it is asked to."""

    def __init__(self, folder: Path) -> None:
        python = folder / ".venv" / "bin" / "python"
        if not python.exists():
            sys.exit(f"{folder} must be a checkout with an environment; run `make test` in it once")
        process = subprocess.Popen(  # noqa: S603 that checkout was named by whoever measures it
            [str(python), str(ROOT / "benchmarks" / "turns.py")],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._asked, self._heard = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        while self._said() != READY:
            pass  # what a compiler or a library prints

    def time(self, scenario: str) -> float:
        """Return the nanoseconds of processor time that a step took."""
        self._asked.write(f"{scenario}\n")
        self._asked.flush()
        return float(self._said())

    def _said(self) -> str:
        line = self._heard.readline()
        if not line:
            sys.exit("a checkout ended before its time; what it printed last says why")
        return line.strip()


def main() -> None:
    """Ask both in turn, whoever begins changing each round, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("folder", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=40, help="times each is asked")
    arguments = parser.parse_args()
    console = Console()
    console.print("Preparing; a kernel that is new compiles for a minute …")
    own, other = Checkout(ROOT), Checkout(arguments.folder.resolve())
    table = Table(title="Nanoseconds a step, lower quartile and median, and the ratio pair by pair")
    for heading in ("scenario", "this", "other", "this / other", "half of the pairs"):
        table.add_column(heading, justify="left" if heading == "scenario" else "right")
    for scenario in SCENARIOS:
        pairs = [in_turn(own, other, scenario, n) for n in range(arguments.rounds)]
        table.add_row(scenario, *row_of(pairs))
    console.print(table)


def in_turn(own: Checkout, other: Checkout, scenario: str, n: int) -> tuple[float, float]:
    """Return the time of this checkout and of the other."""
    if n % 2:
        theirs = other.time(scenario)
        return own.time(scenario), theirs
    return own.time(scenario), other.time(scenario)


def row_of(pairs: list[tuple[float, float]]) -> tuple[str, ...]:
    low, middle, high = quantiles([own / other for own, other in pairs])
    sides = (quantiles(side) for side in zip(*pairs, strict=True))
    return (
        *(f"{quarter:,.0f}  {half:,.0f}" for quarter, half, _ in sides),
        f"{middle:.3f}",
        f"{low:.3f} to {high:.3f}",
    )


if __name__ == "__main__":
    main()
