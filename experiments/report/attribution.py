"""Who earned what: the profit of an account, split so that every split sums to all of it.

Every function takes the evaluations of all seeds of one policy and counts them together. A round
trip belongs as a whole to its strategy, its symbol, the regime in which it was decided and the
reason for which the last of it was closed; what is still open counts at the last mark, without the
costs of leaving. profit, costs and income are in account currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import RecordArray
from benbot.envs.desk.reasons import Exit
from benbot.envs.market.regime import REGIMES, UNKNOWN
from benbot.experiments.report.breakdown import readable
from benbot.experiments.verdict.statistics import profit_factor, win_rate

KEYS = ("strategy", "symbol", "regime", "reason")  # fields of a trade by which it can be split
STILL_OPEN = "still open"


@dataclass(frozen=True)
class Contribution:
    """What the round trips that share something added to the account.

    n_trades, win_rate, profit_factor, bars_held   of those that were closed; bars are a mean
    profit    after costs, of closed and open ones
    of_open   the part of it that open ones have, still a paper profit
    costs     of fills and of borrowing
    income    dividends; a short pays them
    """

    name: str
    n_trades: int
    win_rate: float
    profit_factor: float
    bars_held: float
    n_open: int
    of_open: float
    costs: float
    income: float
    profit: float


def attribution(evaluations: Sequence[Evaluation], key: str) -> list[Contribution]:
    """Return one row per value of a key that occurred, the most profitable first.

    The profits sum to `gain`, whatever the key.
    """
    trips = round_trips(evaluations)
    names = _names(evaluations, key)
    rows = [contribution(names[code], trips[trips[key] == code]) for code in np.unique(trips[key])]
    return sorted(rows, key=lambda row: -row.profit)


def total(evaluations: Sequence[Evaluation]) -> Contribution:
    """Return the row of everything together."""
    return contribution("all", round_trips(evaluations))


def gain(evaluations: Sequence[Evaluation]) -> float:
    """Return what the accounts were worth more at the end than at the start."""
    return float(sum(one.equity[-1] - one.equity[0] for one in evaluations))


def round_trips(evaluations: Sequence[Evaluation]) -> RecordArray:
    """Return the round trips of all seeds, those that are still open among them."""
    both = [trips for one in evaluations for trips in (one.trades, one.open_trades)]
    joined: RecordArray = np.concatenate(both)
    return joined


def contribution(name: str, trips: RecordArray) -> Contribution:
    """Return what some round trips added."""
    still_open = trips["reason"] == Exit.NONE
    closed, left = trips[~still_open], trips[still_open]
    held = closed["closed"] - closed["opened"]
    return Contribution(
        name=name,
        n_trades=closed.size,
        win_rate=win_rate(closed["profit"]),
        profit_factor=profit_factor(closed["profit"]),
        bars_held=float(held.mean()) if held.size else float("nan"),
        n_open=left.size,
        of_open=float(left["profit"].sum()),
        costs=float(trips["costs"].sum()),
        income=float(trips["income"].sum()),
        profit=float(trips["profit"].sum()),
    )


def _names(evaluations: Sequence[Evaluation], key: str) -> dict[int, str]:
    first = evaluations[0]
    if key == "strategy":
        return {k: readable(name) for k, name in enumerate(first.strategies)}
    if key == "symbol":
        return dict(enumerate(first.symbols))
    if key == "regime":
        return {UNKNOWN: "unknown", **dict(enumerate(REGIMES))}
    reasons = {int(reason): readable(reason.name) for reason in Exit}
    return reasons | {int(Exit.NONE): STILL_OPEN}
