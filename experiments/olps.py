"""Online portfolio selection on a table of price relatives: the learners side by side.

T bars, N assets. The table has a column an asset and a row a bar, in order; a cell is the price at
the end of the bar over that at its beginning.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from benbot.agents.online.anticor import AnticorOfAnticor
from benbot.agents.online.learners import (
    BuyAndHold,
    ExponentiatedGradient,
    FollowTheLeader,
    OnlineLearner,
    OnlineNewton,
    Rebalanced,
)
from benbot.agents.online.reversion import (
    ConfidenceWeighted,
    ExponentialAverageReversion,
    MovingAverageReversion,
    PassiveAggressive,
)
from benbot.agents.online.wealth import best_rebalanced, run
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.experiments.progress import Display

COSTS = (0.0, 0.001, 0.0025, 0.005)
DIGITS = 6
LEARNERS: Mapping[str, Callable[[int], OnlineLearner]] = {
    "market": BuyAndHold,
    "UCRP": Rebalanced,
    "follow the leader": FollowTheLeader,
    "EG": ExponentiatedGradient,
    "ONS": OnlineNewton,
    "Anticor": AnticorOfAnticor,
    "PAMR": PassiveAggressive,
    "CWMR": ConfidenceWeighted,
    "OLMAR-1": MovingAverageReversion,
    "OLMAR-2": ExponentialAverageReversion,
}
BEST_STOCK, BEST_REBALANCED = "best stock", "BCRP"  # with hindsight


def show_olps(path: Path, costs: Sequence[float], console: Console) -> None:
    """Print the wealth that one unit of money becomes under each learner, at each cost."""
    check_costs(costs)
    relatives = read_relatives(path)
    with Display(console) as display:
        task = display.begin("Learning", len(LEARNERS) + 2)
        rows = wealth_table(relatives, costs, lambda done: display.move(task, done))
    n_bars, n_assets = relatives.shape
    console.print(_printed(f"{path.name}: {n_bars} bars of {n_assets} assets", rows, costs))
    console.print(
        "best stock and BCRP are chosen in hindsight. A bar costs rate / 2 for each unit of money "
        "that changes hands, the first purchase included; the learners do not know it."
    )


def wealth_table(
    relatives: FloatArray, costs: Sequence[float], moved: Callable[[int], None] = lambda done: None
) -> dict[str, list[float]]:
    """Return for each learner its wealth at each cost, and last its mean turnover a bar.

    `moved` hears how many are done.
    """
    n_assets = relatives.shape[1]
    best = np.zeros(n_assets)
    best[relatives.prod(axis=0).argmax()] = 1.0
    mixed = best_rebalanced(relatives)
    makers: dict[str, Callable[[int], OnlineLearner]] = {
        **LEARNERS,
        BEST_STOCK: lambda n: Rebalanced(n, best),
        BEST_REBALANCED: lambda n: Rebalanced(n, mixed),
    }
    rows = {}
    for done, (name, make) in enumerate(makers.items(), 1):
        courses = [run(make(n_assets), relatives, cost) for cost in costs]
        turnover = float(courses[0].turnover[1:].mean()) if len(relatives) > 1 else float("nan")
        rows[name] = [*(float(course.wealth[-1]) for course in courses), turnover]
        moved(done)
    return rows


def read_relatives(path: Path) -> FloatArray:
    """Return the price relatives (T, N) of a CSV or Parquet file; refuse what are none."""
    if path.suffix not in (".csv", ".parquet"):
        raise BadMarketData(
            f"{path} must be a .csv or .parquet file, was {path.suffix or 'neither'}"
        )
    if not path.exists():
        raise BadMarketData(f"{path} must be a file of price relatives, was not there")
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    words = [str(name) for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if words or frame.shape[1] < 2 or not len(frame):
        was = f"columns of words: {', '.join(words)}" if words else f"{frame.shape}"
        raise BadMarketData(
            f"{path} must have a row a bar and a numeric column for each of two or more assets, "
            f"was {was}. Leave out dates and totals"
        )
    relatives = frame.to_numpy(np.float64)
    bad = np.argwhere(~(np.isfinite(relatives) & (relatives > 0.0)))
    if bad.size:
        t, s = (int(i) for i in bad[0])
        raise BadMarketData(
            f"{path}, row {t + 1}, column {frame.columns[s]}: a price relative must be a positive "
            f"number, such as 1.01 for a rise of 1 %, was {relatives[t, s]}"
        )
    return relatives


def check_costs(costs: Sequence[float]) -> None:
    """Refuse rates that no trade could pay."""
    bad = [cost for cost in costs if not 0.0 <= cost < 1.0]
    if bad:
        raise InvalidParameter(
            f"a cost must be a fraction of what changes hands, in [0, 1), was {bad[0]}; "
            f"0.0025 is a quarter of one per cent"
        )


def _printed(title: str, rows: Mapping[str, Sequence[float]], costs: Sequence[float]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("wealth at a cost of", no_wrap=True)
    for cost in costs:
        table.add_column(f"{100.0 * cost:g} %", justify="right")
    table.add_column("turnover a bar", justify="right")
    for name, (*wealth, turnover) in rows.items():
        cells = [f"{value:#.{DIGITS}g}" for value in wealth]
        table.add_row(name, *cells, f"{turnover:.3f}")
    return table
