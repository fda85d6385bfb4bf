"""Rates that can be compared: in rounds, so that a slow spell of the machine hits everybody."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Scenario:
    """Work to be timed.

    run    does the work once
    steps  environment steps that one run makes
    """

    run: Callable[[], object]
    steps: int


@dataclass(frozen=True)
class Rate:
    """Steps a second of processor time, over all rounds, and the least share of a core it had."""

    median: float
    slowest: float
    fastest: float
    share: float


def measure(scenarios: Mapping[str, Scenario], rounds: int) -> dict[str, Rate]:
    """Run every scenario once to warm up, then all of them in turn, `rounds` times."""
    for scenario in scenarios.values():
        scenario.run()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in scenarios}
    for _ in range(rounds):
        for name, scenario in scenarios.items():
            times[name].append(_timed(scenario.run))
    return {name: _rate(times[name], scenario.steps) for name, scenario in scenarios.items()}


def _timed(run: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


def _rate(times: list[tuple[float, float]], steps: int) -> Rate:
    rates = [steps / processor for _, processor in times]
    share = min(processor / wall for wall, processor in times)
    return Rate(median(rates), min(rates), max(rates), share)
