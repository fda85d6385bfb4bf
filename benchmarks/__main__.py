"""Print the benchmark table; parity is checked before anything is timed."""

import argparse
import os

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benbot.envs.history import History, Span
from benbot.envs.vector import AllocationVectorEnv
from benchmarks.mixed import RATIOS as MIXED_RATIOS
from benchmarks.mixed import mixed_scenarios
from benchmarks.scenarios import (
    EPISODE,
    FIRST,
    batch,
    build_history,
    desk_for_learning,
    free_for_learning,
    kernel,
    ppo,
    ppo_equivariant,
    ppo_learner,
    single,
)
from benchmarks.timing import Rate, Scenario, measure

GOALS = {
    "kernel-b64": 1.5e6,
    "kernel-b1024": 1.5e6,
    "kernel-ledger": 8e5,
    "batch-b1024": 1.0e6,
    "single": 1e5,
}
EXCHANGES = ("none", "mean", "attention")  # what strategies tell each other
# A scenario, the one that its rate is a share of, and the share to reach.
RATIOS = (
    ("ppo-learner", "ppo-free", 0.9),
    ("ppo-desk", "ppo-free", 0.9),
    *((f"ppo-{each}", "ppo-desk", 0.5) for each in EXCHANGES),
    *MIXED_RATIOS,
)


def main() -> None:
    """Measure every scenario and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="times each scenario is timed")
    parser.add_argument("--only", default="", help="how the ids of the scenarios begin")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    console = Console()
    console.print("Preparing; the first time the kernels compile, about a minute …")
    history = build_history()
    check_parity(history)
    scenarios = all_scenarios(history) | mixed_scenarios(history)
    chosen = {name: each for name, each in scenarios.items() if name.startswith(asked.only)}
    rates = measure(chosen, asked.rounds)
    console.print(table(rates))
    for name, whole, goal in RATIOS:
        if name in rates and whole in rates:
            ratio = rates[name].median / rates[whole].median
            console.print(f"{name} is {ratio:.0%} of {whole} (goal {goal:.0%})")


def all_scenarios(history: History) -> dict[str, Scenario]:
    """Return every scenario by its permanent id."""
    return {
        "kernel-b64": kernel(history, 64, 200),
        "kernel-b1024": kernel(history, 1024, 60),
        "kernel-ledger": kernel(history, 64, 200, on_record=True),
        "batch-b1024": batch(history, 1024, 60),
        "single": single(history, 4000),
        "ppo-desk": ppo(desk_for_learning(history, 1024), 16),
        "ppo-learner": ppo_learner(history, 1024, 16),
        "ppo-free": ppo(free_for_learning(history, 1024), 16),
    } | {f"ppo-{each}": ppo_equivariant(history, 1024, 16, each) for each in EXCHANGES}


def check_parity(history: History) -> None:
    """Refuse to time a batch that does not do what its environments do one at a time."""
    span = Span(FIRST, history.n_bars - 1)
    together = AllocationVectorEnv(history, span, EPISODE, 4)
    alone = [AllocationVectorEnv(history, span, EPISODE, 1) for _ in range(4)]
    together.reset(seed=0)
    for i, one in enumerate(alone):
        one.reset(seed=i)
    rng = np.random.default_rng(0)
    for _ in range(300):
        actions = rng.random((4, history.signals.n_strategies + 1), dtype=np.float32)
        observation = together.step(actions)[0]
        rows = [one.step(actions[i : i + 1])[0][0] for i, one in enumerate(alone)]
        np.testing.assert_array_equal(observation, np.stack(rows))


def table(rates: dict[str, Rate]) -> Table:
    """Return the rates for a terminal."""
    shown = Table(title=f"Steps a second of one core's time, {os.cpu_count()} cores present")
    for column in ("scenario", "median", "slowest", "fastest", "least share of a core", "goal"):
        shown.add_column(column, justify="left" if column == "scenario" else "right")
    for name, rate in rates.items():
        goal = f"{GOALS[name]:,.0f}" if name in GOALS else ""
        numbers = (f"{value:,.0f}" for value in (rate.median, rate.slowest, rate.fastest))
        shown.add_row(name, *numbers, f"{rate.share:.0%}", goal)
    return shown


if __name__ == "__main__":
    main()
