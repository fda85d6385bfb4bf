"""Train on `fit` alone and on mixtures of markets, and print what each is worth elsewhere.

    .venv/bin/python -m benchmarks.mixtures short --markets 8 9 10 --seeds 0 1
    .venv/bin/python -m benchmarks.mixtures quickstart --seeds 0 1

`short` is the planted market with three years to learn from, where a history can be learned by
heart, and thirty to be judged on. Growth is log growth a year, after costs, of the policy that did
best on `valid`; `test` is what counts, and `fit` less `test` is how much was learned by heart.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import evaluate
from benbot.agents.learner import Lesson
from benbot.agents.policy import Policy
from benbot.agents.training import Progress, train
from benbot.envs.mixture import Part
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.progress import Display
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.preparation import Prepared, prepare_experiment

SHORT = (
    "market.n_bars=10000",
    "segments.fit={start: 1902-01-01, end: 1904-12-31}",
    "segments.valid={start: 1905-01-01, end: 1906-12-31}",
    "segments.test={start: 1907-01-01, end: 1936-12-31}",
    "oracle=null",
)
FIT = "{source: fit, weight: 0.4}"
REDRAWN = "{source: bootstrap, weight: 0.4, block: 63, n: 4}"
DRAWN = (
    "{source: synthetic, weight: 0.2, n: 4, ranges: {decline.drift: [-0.8, -0.2], "
    "advance.drift: [0.1, 0.4], idiosyncratic_volatility: [0.15, 0.4], spread: [0.0002, 0.001], "
    "advance.trend: [0.0, 0.2], decline.trend: [0.0, 0.2], range.reversion: [0.4, 1.0]}}"
)
MIXTURES = {
    "fit": "training=null",
    "bootstrap": f"training.markets=[{REDRAWN}]",
    "fit+bootstrap": f"training.markets=[{FIT}, {REDRAWN}]",
    "fit+synthetic": f"training.markets=[{FIT}, {DRAWN}]",
    "all": f"training.markets=[{FIT}, {REDRAWN}, {DRAWN}]",
}
SEGMENTS = ("fit", "valid", "test")
HEAD = "{:<15}{:>7}{:>6}{:>9}{:>9}{:>9}{:>8}{:>9}"
LINE = "{:<15}{:>7}{:>6}{:>9.2%}{:>9.2%}{:>9.2%}{:>8.2f}{:>9.0f}"
MEAN = "{:<15}{:>13}{:>9.2%}{:>9.2%}{:>9.2%}"
Row = tuple[float, float, float, float]  # growth on fit, valid and test, and the Sharpe ratio there


def main() -> None:
    """Train every mixture that was asked for on every market with every seed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixtures", description=__doc__)
    parser.add_argument("config", help="short, or the name of a configuration")
    parser.add_argument("--steps", type=int, default=300_000, help="budget of a training")
    parser.add_argument("--markets", type=int, nargs="+", default=[], help="seeds of the market")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", choices=MIXTURES, default=list(MIXTURES))
    parser.add_argument("--set", nargs="+", default=[], help="other values, as benbot train has")
    asked = parser.parse_args()
    console = Console(highlight=False)
    console.print(HEAD.format("learned from", "market", "seed", *SEGMENTS, "Sharpe", "seconds"))
    found: dict[str, list[Row]] = {name: [] for name in ("equal_weight", *asked.only)}
    for market in asked.markets or [None]:
        overrides = (*asked.set, f"agent.total_steps={asked.steps}")
        own = configuration(asked.config, market, overrides)
        prepared = prepare_experiment(own)
        rule = equal_weight(prepared.history.layout)
        row = judged(prepared, rule)
        found[rule.name].append(row)
        console.print(LINE.format(rule.name, market or "", "", *row, 0.0))
        for name in asked.only:
            changed = configuration(asked.config, market, (*overrides, MIXTURES[name]))
            mixed = Prepared(changed, prepared.strategies, prepared.history, prepared.spans)
            parts = (
                Mixtures(mixed, Display(Console(file=io.StringIO()))).of(mixed.stretches[0]).parts
            )
            for seed in asked.seeds:
                policy, seconds = trained(mixed, parts, seed)
                row = judged(prepared, policy)
                found[name].append(row)
                console.print(LINE.format(name, market or "", seed, *row, seconds))
    for name, rows in found.items():
        console.print(MEAN.format(name, "mean", *np.mean(rows, axis=0)[:3]))


def configuration(name: str, market: int | None, overrides: tuple[str, ...]) -> ExperimentConfig:
    """Return the experiment with another market, if that is asked for."""
    own = () if market is None else (f"market.seed={market}",)
    if name == "short":
        return load_config("synthetic_planted", (*SHORT, *own, *overrides))
    return load_config(name, (*own, *overrides))


def trained(prepared: Prepared, parts: tuple[Part, ...], seed: int) -> tuple[Policy, float]:
    """Return a trained policy, and the seconds of processor time that it took."""
    spans, config = prepared.spans, prepared.config
    lesson = Lesson(
        prepared.history,
        spans["fit"],
        spans["valid"],
        config.environment,
        config.agent,
        seed,
        parts,
    )
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        policy = train(lesson, Path(folder) / "checkpoint", deaf).policy
    return policy, time.process_time() - begun


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


def judged(prepared: Prepared, policy: Policy) -> Row:
    """Return the growth on each segment and the Sharpe ratio on `test`, a year."""
    fit, valid, test = (
        evaluate(policy, prepared.history, prepared.spans[name], prepared.config.environment)
        for name in SEGMENTS
    )
    growth = np.diff(np.log(test.equity))
    sharpe = float(growth.mean() / growth.std() * np.sqrt(test.bars_per_year))
    return fit.annual_growth, valid.annual_growth, test.annual_growth, sharpe


if __name__ == "__main__":
    main()
