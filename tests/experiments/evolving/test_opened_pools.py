"""What is recorded of a pool on test: every number of every group, and nothing that is none."""

from typing import Any

import numpy as np

from benbot.experiments.evolving.opened_pools import OpenedPool, record_opened
from benbot.experiments.verdict.out_of_sample import Row

NUMBERS = ("members", "growth", "volatility", "sharpe_ratio", "standard_error", "probability")
OTHERS = ("max_drawdown", "turnover", "n_trades", "correlation")


class Recorded:
    """A run that keeps what it was told."""

    def __init__(self) -> None:
        self.steps: dict[int, dict[str, float]] = {}

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        self.steps[step] = metrics


def test_numbers_are_recorded_and_neither_paths_nor_peers() -> None:
    rows = [
        Row("pool", 2, 0.1, 0.2, 0.5, 0.3, 0.8, 0.05, 4.0, 12.0, 1.0, path=np.zeros(3)),
        Row("random candidates", 2, 0.0, 0.2, 0.0, 0.3, 0.5, 0.1, 4.0, 9.0, 0.2, (-1.0, 0.5)),
    ]
    run: Any = Recorded()
    record_opened(run, OpenedPool("seed 0", 0, "test", [], {}, rows, [], 0.7), 3)
    (metrics,) = run.steps.values()
    groups = ("pool", "random_candidates")
    names = {f"test/{group}/{name}" for group in groups for name in (*NUMBERS, *OTHERS)}
    assert set(metrics) == names | {"test/pool/deflated"}
    assert (metrics["test/pool/n_trades"], metrics["test/pool/deflated"]) == (12.0, 0.7)
    assert list(run.steps) == [3]
