"""How the policy shared the risk budget at each decision, and what came of each strategy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, func, select

from benbot.envs.arrays import FloatArray, Int8Array, IntArray
from benbot.envs.market.regime import REGIMES
from benbot.paper.overview.holdings import Holding
from benbot.paper.overview.rows import Row
from benbot.paper.overview.stages import NOT_KEPT, codes_of, stage_name
from benbot.paper.tables import DECISIONS, INTENTS, TRADES
from benbot.strategies.tournament.stages import Stage

CASH = "cash"


@dataclass(frozen=True)
class Share:
    """A strategy, and what it has of the account.

    weight        of the risk budget at the last decision
    stage         None where the store does not know it
    profit        of its round trips, after costs, account currency
    open_profit   of what it holds, before costs
    """

    name: str
    stage: str | None
    weight: float
    n_open: int
    n_trades: int
    profit: float
    open_profit: float


@dataclass(frozen=True, eq=False)
class Weights:
    """Decisions, oldest first, at most so many.

    names     of strategies, cash last
    moments   (N,) microseconds since 1970
    weights   (N, K + 1)
    regime    of the last decision in words; None where it is not known
    stages    (N, K) codes of `Stage`, `stages.NOT_KEPT` where they were not kept
    """

    names: tuple[str, ...]
    moments: IntArray
    weights: FloatArray
    regime: str | None
    stages: Int8Array

    @property
    def cash(self) -> float:
        """Share of cash at the last decision; NaN where there was none."""
        return float(self.weights[-1, -1]) if self.weights.size else float("nan")


def weights(connection: Connection, account: str, choices: Sequence[Row], most: int) -> Weights:
    """Return the decisions of an account, evenly thinned to about `most`; the last is in it.

    `choices` are the strategies of the account's identity.
    """
    own = DECISIONS.c.account == account
    last = connection.execute(select(func.max(DECISIONS.c.bar)).where(own)).scalar()
    first = connection.execute(select(func.min(DECISIONS.c.bar)).where(own)).scalar()
    step = max(1, -(-(int(last or 0) - int(first or 0) + 1) // most))
    columns = (DECISIONS.c.moment, DECISIONS.c.weights, DECISIONS.c.regime, DECISIONS.c.stages)
    kept = (int(last or 0) - DECISIONS.c.bar) % step == 0
    rows = list(connection.execute(select(*columns).where(own, kept).order_by(DECISIONS.c.bar)))
    chosen = np.array([np.frombuffer(row.weights, np.float32) for row in rows], np.float64)
    chosen = chosen.reshape(len(rows), -1)
    return Weights(
        (*_names(connection, account, choices, chosen.shape[1] - 1), CASH),
        np.array([row.moment for row in rows], np.int64),
        chosen,
        regime_name(rows[-1].regime) if rows else None,
        codes_of([row.stages for row in rows], max(chosen.shape[1] - 1, 0)),
    )


def withheld(chosen: Weights) -> Weights:
    """Return the weights as a tournament that binds leaves them: cash of whoever is not LIVE."""
    given = np.isin(chosen.stages, (Stage.LIVE, NOT_KEPT))
    own = np.where(given, chosen.weights[:, :-1], 0.0)
    back = np.where(given, 0.0, chosen.weights[:, :-1]).sum(axis=1)
    return replace(chosen, weights=np.column_stack([own, chosen.weights[:, -1] + back]))


def shares(
    connection: Connection,
    account: str,
    chosen: Weights,
    held: Sequence[Holding],
) -> list[Share]:
    """Return every strategy with what it has earned."""
    query = select(TRADES.c.strategy, func.count().label("n"), func.sum(TRADES.c.profit).label("p"))
    query = query.where(TRADES.c.account == account).group_by(TRADES.c.strategy)
    closed = {row.strategy: (row.n, float(row.p)) for row in connection.execute(query)}
    found = []
    for k, name in enumerate(chosen.names[:-1]):
        own = [one for one in held if one.strategy == name]
        n, profit = closed.get(name, (0, 0.0))
        stage = stage_name(int(chosen.stages[-1, k])) if chosen.stages.size else None
        weight = float(chosen.weights[-1, k]) if chosen.weights.size else float("nan")
        open_profit = sum(one.profit or 0.0 for one in own)
        found.append(Share(name, stage, weight, len(own), n, profit, open_profit))
    return found


def _names(
    connection: Connection, account: str, choices: Sequence[Row], n_strategies: int
) -> list[str]:
    """Return what strategies are called, by number.

    Orders know it for certain; of those that never ordered the identity says it, and of one that
    was bred and never ordered nobody does.
    """
    names = {k: one.get("label") or one.get("name") for k, one in enumerate(choices)}
    columns = (INTENTS.c.strategy_number, INTENTS.c.strategy)
    query = select(*columns).where(INTENTS.c.account == account).distinct()
    names |= {row.strategy_number: row.strategy for row in connection.execute(query)}
    return [str(names.get(k) or f"strategy {k + 1}") for k in range(n_strategies)]


def regime_name(code: int | None) -> str | None:
    """Return a regime in words; None where it was not kept or is unknown."""
    return None if code is None or code < 0 else REGIMES[code]
