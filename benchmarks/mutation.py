"""Mutation testing of the desk: whether some test would notice a small change of its rules.

The usual tools do not fit: mutmut (3.x) leaves every decorated function alone, and all of the
kernel is decorated; Cosmic Ray starts an interpreter for each mutant, which takes longer than most
of ours live. Here the tests are collected once, without compilation; each mutant is the new code of
one function in a forked child. It meets the tests that enter this function: first those that have
killed another mutant of it, then the quickest.

A mutant is killed by the first test that fails, or by taking too long. Every answer is written to a
file at once, so that a run may be stopped, and goes on where it was.
"""

import argparse
import gc
import inspect
import json
import os
import signal
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from _pytest.runner import runtestprotocol
from rich.console import Console
from rich.table import Table

from benbot.envs.desk.interpreted import IS_INTERPRETED
from benchmarks.exclusions import EXCLUDED
from benchmarks.mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "envs" / "desk"
FILES = (
    *("actions", "book", "breakers", "coordinate", "cycle", "exits", "fills", "gates", "ledger"),
    *("sizing", "sleeves", "tape", "taping", "risk", "portfolio", "execution"),
    *("assignment", "black_scholes", "dealing", "offers", "options", "overlays", "pairs", "tally"),
)
TESTS = ("tests/envs/desk", "tests/envs/test_observation.py", "tests/envs/test_reward.py")
# They start an interpreter of their own, in which no mutant lives.
SEPARATE = ("test_compiled.py", "test_interpreted.py")
# What no mutant changes is computed once: the random worlds, and what the oracle says of them.
REMEMBERED = (
    ("tests.envs.desk.test_parity", "random_world"),
    ("tests.envs.desk.test_parity", "tell"),
    ("benbot.envs.desk.taping", "estimated_half_spread"),
)
PATIENCE = 30.0  # seconds, and twice what all of its tests take together, for one mutant
SURVIVED, KILLED, TIMEOUT, UNTESTED = "survived", "killed", "timeout", "untested"

Function = tuple[str, str]  # file and qualified name
Answer = dict[str, str]  # key, outcome, killer


def main() -> None:
    """Ask the tests for every mutant, or for a sample, and print who survived."""
    arguments = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    if not IS_INTERPRETED:
        sys.exit("mutants are not compiled: set NUMBA_DISABLE_JIT=1, as `make mutate` does")
    mutants = chosen(arguments)
    known = read_answers(arguments.results, again=arguments.again)
    left = [mutant for mutant in mutants if mutant.key not in known]
    if stale := stale_exclusions():
        sys.exit(f"these exclusions fit no mutant any more: {stale}")
    console.print(f"{len(mutants)} mutants, {len(left)} of them to be asked for")
    if left:
        run = Run(left, arguments, console)
        options = ["-qq", "-s", "--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist"]
        options += [f"--ignore-glob=*/{name}" for name in SEPARATE]
        pytest.main([*options, *(str(ROOT / path) for path in arguments.tests)], plugins=[run])
    report(mutants, read_answers(arguments.results, again=False), console)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("files", nargs="*", help=f"of {', '.join(FILES)}; all unless named")
    parser.add_argument(
        "--sample", type=int, help="so many mutants, drawn at random; all unless given"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--workers", type=int, default=2, help="mutants at the same time")
    parser.add_argument("--again", action="store_true", help="ask again for those who survived")
    parser.add_argument(
        "--slowest", type=float, default=1.5, help="seconds; leave out longer tests"
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        default=TESTS,
        help="files to ask first, as few quick ones kill most; then ask all with --again",
    )
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "mutation.jsonl")
    return parser.parse_args()


def chosen(arguments: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to ask for: all that are not excluded, or a sample of them."""
    files = arguments.files or FILES
    every = [mutant for name in files for mutant in mutants_of(SOURCES / f"{name}.py")]
    asked = [mutant for mutant in every if not EXCLUDED.keys() & set(_patterns(mutant))]
    if arguments.sample is None:
        return asked
    order = np.random.default_rng(arguments.seed).permutation(len(asked))[: arguments.sample]
    return [asked[i] for i in sorted(order)]


def stale_exclusions() -> list[str]:
    """Return the exclusions that fit no mutant of the present source."""
    every = (mutant for name in FILES for mutant in mutants_of(SOURCES / f"{name}.py"))
    return sorted(set(EXCLUDED) - {pattern for mutant in every for pattern in _patterns(mutant)})


def _patterns(mutant: Mutant) -> tuple[str, str]:
    """Return how the list of exclusions may name a mutant: by its function, or one by one."""
    return f"{mutant.file}:{mutant.function}", f"{mutant.file} | {mutant.text} | {mutant.change}"


def read_answers(results: Path, *, again: bool) -> dict[str, Answer]:
    """Return the answers so far by key; without those that survived if they are to ask `again`."""
    lines = results.read_text().splitlines() if results.exists() else []
    answers = {answer["key"]: answer for answer in map(json.loads, lines)}
    dead = (KILLED, TIMEOUT)
    return {key: a for key, a in answers.items() if not again or a["outcome"] in dead}


class Run:
    """A plugin of pytest that runs the collected tests not once, but once a mutant."""

    def __init__(
        self, mutants: list[Mutant], arguments: argparse.Namespace, console: Console
    ) -> None:
        self.mutants, self.arguments, self.console = mutants, arguments, console
        self.entered: dict[Function, list[pytest.Item]] = {}
        self.seconds: dict[str, float] = {}
        self.kills: defaultdict[str, Counter[str]] = defaultdict(Counter)  # by function
        self.children: dict[int, tuple[Mutant, int]] = {}
        self.started, self.n_done = 0.0, 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Time the tests, then let every mutant meet those that enter its function."""
        warnings.simplefilter("ignore")
        for module, name in REMEMBERED:
            setattr(import_module(module), name, cache(getattr(import_module(module), name)))
        self.watch(session.items)
        self.started = time.monotonic()
        gc.collect()
        gc.freeze()
        self.arguments.results.parent.mkdir(exist_ok=True)
        with self.arguments.results.open("a") as file:
            for mutant in self.mutants:
                if len(self.children) >= self.arguments.workers:
                    self.note(file, self.wait())
                items = self.tests_of(mutant)
                if items:
                    self.fork(mutant, items)
                else:
                    self.note(file, _answer(mutant, UNTESTED))
            while self.children:
                self.note(file, self.wait())
        return True

    def watch(self, items: list[pytest.Item]) -> None:
        """Run every test once, as it is: how long it takes, and which functions it enters."""
        failed, slow = [], []
        for item, following in zip(items, [*items[1:], None], strict=True):
            started = time.perf_counter()
            seen = entered_by(item, following)
            self.seconds[item.nodeid] = time.perf_counter() - started
            if seen is None:
                failed.append(item.nodeid)
            elif self.seconds[item.nodeid] > self.arguments.slowest:
                slow.append(item.nodeid)
            else:
                for function in seen:
                    self.entered.setdefault(function, []).append(item)
        for reason, names in (("fails without a mutant", failed), ("too slow", slow)):
            for name in names:
                self.console.print(f"Left out, {reason}: {name}", markup=False)
        total = sum(self.seconds.values())
        self.console.print(f"{len(items)} tests took {total:.0f} s once")

    def tests_of(self, mutant: Mutant) -> list[pytest.Item]:
        """Return the tests that enter the function, or any of the file of a constant."""
        where = [
            items
            for (file, name), items in self.entered.items()
            if file == mutant.file and (not mutant.function or name == mutant.function)
        ]
        items = {item.nodeid: item for group in where for item in group}
        kills = self.kills[mutant.function]

        def rank(item: pytest.Item) -> tuple[int, float]:
            return -kills[item.nodeid], self.seconds[item.nodeid]

        return sorted(items.values(), key=rank)

    def fork(self, mutant: Mutant, items: list[pytest.Item]) -> None:
        """Let a child become the mutant; it says who killed it, if anybody did."""
        said, says = os.pipe()
        child = os.fork()
        if child:
            os.close(says)
            self.children[child] = mutant, said
            return
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            total = sum(self.seconds[item.nodeid] for item in items)
            signal.alarm(int(PATIENCE + 2.0 * total))
            become(mutant)
            killer = first_failure(items)
            os.write(says, killer.encode())
        finally:  # whatever happened, a child must not go on as its parent would
            os._exit(0)

    def wait(self) -> Answer:
        """Wait for the end of a child; one that could not finish was killed, by time or worse."""
        child, status = os.wait()
        mutant, said = self.children.pop(child)
        with os.fdopen(said) as pipe:
            killer = pipe.read()
        if not killer and os.WIFEXITED(status):
            raise RuntimeError(
                f"the child of {mutant} ended without an answer; run it alone to see"
            )
        self.kills[mutant.function][killer] += 1
        if os.WIFSIGNALED(status):
            return _answer(mutant, TIMEOUT, signal.Signals(os.WTERMSIG(status)).name)
        return _answer(mutant, SURVIVED) if killer == "-" else _answer(mutant, KILLED, killer)

    def note(self, file: Any, answer: Answer) -> None:  # noqa: ANN401
        """Write an answer down, and say so when it is one that asks for a test."""
        file.write(json.dumps(answer) + "\n")
        file.flush()
        self.n_done += 1
        rate = (time.monotonic() - self.started) / self.n_done
        if answer["outcome"] in (SURVIVED, UNTESTED) or self.n_done % 100 == 0:
            left = f"{self.n_done}/{len(self.mutants)}, {rate:.2f} s each"
            self.console.print(f"[{left}] {answer['outcome']}: {answer['change']}", markup=False)


def _answer(mutant: Mutant, outcome: str, killer: str = "") -> Answer:
    return {"key": mutant.key, "outcome": outcome, "killer": killer, "change": str(mutant)}


def passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run one test; say whether it passed or was skipped."""
    reports = runtestprotocol(item, log=False, nextitem=following)
    return not any(report.failed for report in reports)


def entered_by(item: pytest.Item, following: pytest.Item | None) -> set[Function] | None:
    """Run one test; return the functions that it enters, or nothing if it fails."""
    seen: set[Function] = set()

    def trace(frame: FrameType, _event: str, _argument: object) -> None:
        seen.add((frame.f_code.co_filename, frame.f_code.co_qualname))

    sys.settrace(trace)  # it returns no tracer of lines, so only calls are seen
    try:
        sound = passes(item, following)
    finally:
        sys.settrace(None)
    folder = str(SOURCES)
    return {(Path(f).name, name) for f, name in seen if f.startswith(folder)} if sound else None


def first_failure(items: list[pytest.Item]) -> str:
    """Return the name of the first test that fails, `-` for none."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        if not passes(item, following):
            return item.nodeid
    return "-"


def become(mutant: Mutant) -> None:
    """Put the code of a mutant in the place of what it changes, for everybody who imported it."""
    module = sys.modules[f"benbot.envs.desk.{mutant.file.removesuffix('.py')}"]
    if not mutant.function:
        return _change_constants(mutant, vars(module))
    found: Any = module
    for name in mutant.function.split("."):
        found = vars(found)[name]
    function = inspect.unwrap(found.fget if isinstance(found, property) else found)
    function.__code__ = mutant.code
    return None


def _change_constants(mutant: Mutant, names: dict[str, Any]) -> None:
    changed = dict(names)
    exec(mutant.code, changed)  # noqa: S102  # our own source, but for one number
    for name, value in changed.items():
        if name in names and names[name] is not value:
            for other in [m for n, m in sys.modules.items() if n.startswith(("benbot", "tests"))]:
                if vars(other).get(name) is names[name]:
                    setattr(other, name, value)


def report(mutants: list[Mutant], answers: dict[str, Answer], console: Console) -> None:
    """Print who survived, and how many were killed in each file."""
    asked = [mutant for mutant in mutants if mutant.key in answers]
    for mutant in asked:
        if answers[mutant.key]["outcome"] in (SURVIVED, UNTESTED):
            console.print(f"{answers[mutant.key]['outcome']} {mutant}", markup=False)
    table = Table(title="Mutants of the desk")
    for column in ("file", KILLED, TIMEOUT, SURVIVED, UNTESTED, "killed of all"):
        table.add_column(column, justify="left" if column == "file" else "right")
    for name, found in _counts(asked, answers):
        dead = found[KILLED] + found[TIMEOUT]
        numbers = (str(found[kind]) for kind in (KILLED, TIMEOUT, SURVIVED, UNTESTED))
        table.add_row(name, *numbers, f"{dead / max(found.total(), 1):.1%}")
    console.print(table)


def _counts(asked: list[Mutant], answers: dict[str, Answer]) -> Iterator[tuple[str, Counter[str]]]:
    """Yield the outcomes of each file, and of all of them."""
    total = Counter[str]()
    for name in dict.fromkeys(mutant.file for mutant in asked):
        found = Counter(answers[m.key]["outcome"] for m in asked if m.file == name)
        total += found
        yield name, found
    yield "all", total


if __name__ == "__main__":
    main()
