"""Print how much is foreseen of what strategies earn, and how much of it comes true.

    .venv/bin/python -m benchmarks.forecasts synthetic_planted synthetic_no_edge quickstart

size    mean absolute forecast, a Sharpe ratio; near 0 where little is trusted
slope   of what the sleeves grew by in the next bar, in the unit of the forecast, on the forecast;
        1 is a forecast that came true as told, 0 one that said nothing
t       statistic of that slope; a bar is one observation
"""

import argparse

import numpy as np
from rich.console import Console

from benbot.envs.arrays import FloatArray
from benbot.envs.forecast import BARS_PER_YEAR
from benbot.envs.history import Span
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import Prepared, prepare_experiment

LINE = "{:<20}{:<9}{:>7.2f}{:>8.2f}{:>7.1f}"
HEAD = "{:<20}{:<9}{:>7}{:>8}{:>7}"


def main() -> None:
    """Print a line for every configuration and segment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts", description=__doc__)
    parser.add_argument("configs", nargs="+")
    parser.add_argument("--set", nargs="+", default=[], help="other values, as benbot train has")
    asked, console = parser.parse_args(), Console(highlight=False)
    console.print(HEAD.format("configuration", "segment", "size", "slope", "t"))
    for name in asked.configs:
        prepared = prepare_experiment(load_config(name, asked.set))
        for segment, span in prepared.spans.items():
            console.print(LINE.format(name, segment, *figures(prepared, span)))


def figures(prepared: Prepared, span: Span) -> tuple[float, float, float]:
    """Return size, slope and t-statistic over the decisions of a span."""
    history = prepared.history
    told = history.layout.by_strategy(history.features.rows, "forecast").astype(np.float64)
    told = told[span.first : span.last]
    growth = history.tape.sleeve_return
    unit = np.sqrt(np.square(growth[: span.last + 1]).mean()) / np.sqrt(BARS_PER_YEAR)
    met = told * growth[span.first + 1 : span.last + 1] / unit
    size = np.abs(told).mean()
    return float(size), *slope_of(met.sum(axis=1), np.square(told).sum())


def slope_of(met: FloatArray, size: float) -> tuple[float, float]:
    """Return the slope and its t-statistic, 0 where nothing was told."""
    if not size > 0.0:
        return 0.0, 0.0
    return float(met.sum() / size), float(met.sum() / np.sqrt(np.square(met).sum()))


if __name__ == "__main__":
    main()
