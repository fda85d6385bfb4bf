"""Why a strategy did or did not trade a symbol at one close, from what the desk wrote down.

Nothing is decided here a second time: an account has traded up to the bar with its ledger on, and
what is told of it is what its decisions, holdings and fills say. S symbols, K strategies.

score   weight × confidence × expected value, as the desk compares candidates
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.reasons import Breaker
from benbot.envs.market.regime import REGIMES, UNKNOWN
from benbot.experiments.signals.outcome import Outcome, Scene
from benbot.experiments.training.preparation import Prepared
from benbot.strategies.base import Strategy


@dataclass(frozen=True, eq=False)
class Wish:
    """What one strategy saw of a symbol at a close, what it wanted, and what became of that.

    seen           by name, NaN where unknown; of prices, those that strategies see
    direction      +1 long, -1 short, 0 none
    confidence     in [0, 1]
    expected       return on notional after costs that the desk expects; NaN if nothing is asked
    score          signed, negative for a short
    stop_distance  fraction of the price, NaN without a direction
    stop_price     as traded, if the order were filled at the close; NaN likewise
    """

    strategy: str
    seen: Mapping[str, float]
    direction: int
    confidence: float
    expected: float
    score: float
    stop_distance: float
    stop_price: float
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class Explanation:
    """All wishes for one symbol at the close of bar `bar`, and how the account stood.

    price      as strategies see it; traded_price as it changes hands
    breaker    `Breaker` that judged the orders of this close
    holder     the strategy that holds the symbol and its side, or nothing
    """

    symbol: str
    bar: int
    price: float
    traded_price: float
    regime: str
    policy: str
    first_bar: int
    equity: float
    n_positions: int
    breaker: Breaker
    holder: str
    wishes: tuple[Wish, ...]


def strongest(prepared: Prepared, t: int) -> int:
    """Return the symbol with the most valued candidate at bar `t`, the first of equals."""
    n_symbols = prepared.market.n_symbols
    value = np.nan_to_num(np.abs(prepared.history.tape.value[t, :, :n_symbols]))
    return int(np.where(prepared.market.tradable[t], value.max(axis=0), -1.0).argmax())


def explain(prepared: Prepared, account: Evaluation, t: int, s: int) -> Explanation:
    """Return what every strategy wanted of symbol `s` at the close of bar `t`, and what came of it.

    The account must have traded through bar `t` + 1, in which the orders of the close fill.
    """
    market, i = prepared.market, t - int(account.bars[0])
    scene = Scene(prepared, account, t, s)
    held = account.holdings[account.holdings["bar"] == t]
    regime = int(account.regime[i])
    return Explanation(
        symbol=market.symbols[s],
        bar=t,
        price=float(market.close[t, s]),
        traded_price=scene.price,
        regime="unknown" if regime == UNKNOWN else REGIMES[regime],
        policy=account.name,
        first_bar=int(account.bars[0]),
        equity=float(account.equity[i]),
        n_positions=int(held.size),
        breaker=Breaker(int(account.breaker[i + 1])),  # set at the close, known at the next mark
        holder=scene.holder_in_words,
        wishes=tuple(_wish(scene, k, strategy) for k, strategy in enumerate(prepared.strategies)),
    )


def _wish(scene: Scene, k: int, strategy: Strategy) -> Wish:
    history, t, s = scene.prepared.history, scene.t, scene.s
    direction = int(history.signals.direction[t, k, s])
    confidence = float(history.signals.confidence[t, k, s])
    value = float(history.tape.value[t, k, s])
    stop = float(history.signals.stop_distance[t, k, s]) if direction else float("nan")
    told = {**strategy.sees(scene.known), **strategy.asks(scene.known)}
    return Wish(
        strategy=strategy.name,
        seen={name: float(values[t, s]) for name, values in told.items()},
        direction=direction,
        confidence=confidence,
        expected=abs(value) / confidence if confidence > 0.0 else float("nan"),
        score=float(scene.weights[k]) * value if confidence > 0.0 else 0.0,
        stop_distance=stop,
        stop_price=scene.price * (1.0 - direction * stop),
        outcome=scene.outcome(k, strategy),
    )
