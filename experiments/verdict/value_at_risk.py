"""The desk's value at risk put to the test: did an account lose more than it said, and how often.

A forecast is made where a session ends, from what is held there and the covariances known at that
close, by the very formula of the gate (95 %, one day, EWMA). It is compared with the loss until
the end of the next session, a fraction of equity, in two ways:

account   what the account lost, with what was bought and sold in between, stops and costs
held      what the same positions would have lost if nobody had touched them

The second tests the forecast; the first tests what it is worth to an account that goes on trading.
Where nothing is held there is no forecast, and none where a covariance is not known yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray, IntArray, TimeArray
from benbot.envs.desk.risk import NOTHING_KNOWN, portfolio_var
from benbot.envs.history import History
from benbot.experiments.verdict.exceedances import conditional_coverage, coverage, independence
from benbot.experiments.verdict.statistics import NAN

LEVEL = 0.95  # that of the gate
LOSSES = ("account", "held")
FEWEST_PAIRS = 1  # of sessions that follow one another


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The forecasts of one account and what came, N sessions, fractions of equity.

    made    (N,)  when each forecast was made: the last mark of a session
    number  (N,)  which session of the stretch that was, so that gaps can be told
    at_risk (N,)  positive; NaN where it could not be told
    losses  (N,) by the names of LOSSES, until the last mark of the next session; negative: a gain
    n_ends        all sessions of the stretch that have a next one, with something held or without
    """

    made: TimeArray
    number: IntArray
    at_risk: FloatArray
    losses: Mapping[str, FloatArray]
    n_ends: int


@dataclass(frozen=True)
class BackTest:
    """One kind of loss of one account against its forecasts.

    n_sessions          with a forecast; `without` had none, most of them since nothing was held
    coverage            p-value that losses exceed with the probability that was said (Kupiec)
    independence        p-value that an exceedance is no likelier after another (Christoffersen)
    conditional         p-value of both together
    """

    loss: str
    seed: int
    n_sessions: int
    without: int
    n_exceeded: int
    expected: float
    coverage: float
    independence: float
    conditional: float


def back_tests(agents: Mapping[int, Evaluation], history: History) -> list[BackTest]:
    """Return a test of each kind of loss for every seed."""
    found = {seed: forecasts(one, history) for seed, one in agents.items()}
    return [_tested(kind, seed, one) for kind in LOSSES for seed, one in found.items()]


def forecasts(evaluation: Evaluation, history: History) -> Forecasts:
    """Return the forecasts at the ends of all sessions but the last in which something was held."""
    session = history.market.session[evaluation.bars]
    ends = np.flatnonzero(np.diff(session, append=session[-1] + 1))  # marks
    exposures = _exposures(evaluation, history.market.n_symbols)
    held = [mark for mark in ends[:-1] if exposures[mark].any()]
    number = np.searchsorted(ends, held)
    after = ends[number + 1] if held else np.zeros(0, np.int64)
    equity, start = evaluation.equity, np.array(held, np.int64)
    close = _carried(history.market.close[evaluation.bars])
    moves = close[after] / close[start] - 1.0
    return Forecasts(
        made=evaluation.timestamps[start],
        number=number,
        at_risk=np.array([_at_risk(exposures[m], history, evaluation.bars[m]) for m in held]),
        losses={
            "account": 1.0 - equity[after] / equity[start],
            "held": -np.nansum(exposures[start] * moves, axis=1),
        },
        n_ends=ends.size - 1,
    )


def _exposures(evaluation: Evaluation, n_symbols: int) -> FloatArray:
    """Return the signed worth of every symbol at every mark, (N + 1, S), fractions of equity."""
    exposures = np.zeros((evaluation.bars.size, n_symbols))
    held = evaluation.holdings
    np.add.at(exposures, (held["bar"] - evaluation.bars[0], held["symbol"]), held["worth"])
    return exposures


def _at_risk(exposures: FloatArray, history: History, bar: int) -> float:
    tape = history.tape
    row = int(tape.calendar["risk_row"][bar])
    if row == NOTHING_KNOWN or row >= len(tape.covariance):
        return NAN
    n = exposures.size
    return portfolio_var(exposures, tape.covariance[row, :n, :n], LEVEL)


def _carried(close: FloatArray) -> FloatArray:
    """Return closes (N, S) with the last one before wherever there is none."""
    seen = np.where(np.isfinite(close), np.arange(len(close))[:, None], 0)
    return np.take_along_axis(close, np.maximum.accumulate(seen, axis=0), axis=0)


def _tested(kind: str, seed: int, found: Forecasts) -> BackTest:
    known = np.isfinite(found.at_risk)
    exceeded = (found.losses[kind] > found.at_risk)[known]
    number = found.number[known]
    follows = np.diff(number, prepend=-2) == 1
    n, level = exceeded.size, 1.0 - LEVEL
    pairs = follows[1:].sum() >= FEWEST_PAIRS
    return BackTest(
        loss=kind,
        seed=seed,
        n_sessions=n,
        without=found.n_ends - n,
        n_exceeded=int(exceeded.sum()),
        expected=level * n,
        coverage=coverage(int(exceeded.sum()), n, level).p_value if n else NAN,
        independence=independence(exceeded, follows).p_value if pairs else NAN,
        conditional=conditional_coverage(exceeded, level, follows).p_value if pairs else NAN,
    )
