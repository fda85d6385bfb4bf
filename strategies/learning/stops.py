"""Where the stops of past trades would have earned most, and so where the next ones lie.

Every trade of a sleeve is lived through again, alone and by the desk's own exits, with its stop at
half to twice the distance (`desk.shadow`): that is all that its most adverse and most favourable
excursion could say (Sweeney 1996, Maximum Adverse Excursion), and in the order in which they came.
Trailing stop and targets are multiples of the same distance and move with it. The gain of a trade
is its return times its size, for a desk that sizes by risk makes a position with a farther stop
smaller. A strategy keeps its distances unless, of the gains over those of the stated distance,

    Σ gain - √Σ gain² > 0

for one of the multiples, which is a mean above its standard error; the best by that measure wins. A
trade counts when it and all its second lives are over. Legs of pairs and what writes options are
not lived through alone, and keep their distances.
"""

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, IntArray
from benbot.envs.desk.ledger import DECISION
from benbot.envs.desk.shadow import shadow_trades
from benbot.envs.signals import NO_PAIRS, Overlay
from benbot.strategies.learning.bounds import HIGHEST, LOWEST
from benbot.strategies.learning.experience import Experience, held, refit_bars
from benbot.strategies.learning.settings import LearningSettings

MULTIPLES = np.array([LOWEST, np.sqrt(LOWEST), 1.0, np.sqrt(HIGHEST), HIGHEST])
AS_STATED = 2  # place of 1
WIDEST = 0.99  # a stop distance is below 1, or the stop of a long would have no price
SHARE = 0.1  # of equity in each second life


def stop_multiplier(experience: Experience, settings: LearningSettings) -> FloatArray:
    """Return by what the stop distance of each strategy is multiplied at each close, [T, K]."""
    bars = refit_bars(experience.market, settings.refit)
    n_bars, n_strategies, _ = experience.shape
    chosen = np.full((bars.size, n_strategies), AS_STATED)
    gain, known = second_lives(experience)
    better = gain - gain[:, [AS_STATED]]
    for k in np.flatnonzero(_single(experience)):
        own = experience.trades["strategy"] == k
        chosen[:, k] = best_multiples(better[own], known[own], bars)
    return held(MULTIPLES[chosen], bars, n_bars)


def best_multiples(better: FloatArray, known: IntArray, bars: IntArray) -> IntArray:
    """Return the place of the multiple that is chosen at each of some bars, (R,).

    better   (N, M)  gain of each multiple of a trade over that of its stated stop
    known    (N,)    bar at whose close that is known, -1 where it never is
    """
    order = np.argsort(known, kind="stable")
    order = order[known[order] >= 0]
    n = np.searchsorted(known[order], bars, side="right")
    total, squares = (_sums(each[order])[n] for each in (better, np.square(better)))
    score = total - np.sqrt(squares)
    best = score.argmax(axis=1)
    chosen: IntArray = np.where(score.max(axis=1) > 0.0, best, AS_STATED)
    return chosen


def second_lives(experience: Experience) -> tuple[FloatArray, IntArray]:
    """Return what each trade gains with each multiple (N, M), and when all of it is known (N,)."""
    trades, n_bars = experience.trades, experience.shape[0]
    gain = np.zeros((trades.size, MULTIPLES.size))
    known = np.full(trades.size, -1)
    mine = _single(experience)[trades["strategy"]]
    decisions = np.zeros(int(mine.sum()), DECISION)
    decisions["bar"] = experience.decided[mine]
    for name in ("symbol", "strategy"):
        decisions[name] = trades[name][mine]
    decisions["wanted"] = SHARE * trades["side"][mine]
    equity = np.full(decisions.size, experience.rules.capital)
    stated = experience.then(experience.tape.stop)[mine]
    ends = np.zeros((decisions.size, MULTIPLES.size), np.int64)
    for i, multiple in enumerate(MULTIPLES):
        stop = scaled(experience.tape.stop, multiple)
        tape = experience.tape._replace(stop=stop)
        lives = shadow_trades(tape, experience.rules, decisions, equity, n_bars - 1)
        over = (lives["closed"] >= 0) & (lives["notional"] > 0.0)
        earned = lives["profit"] / np.where(over, lives["notional"], 1.0)
        size = relative_size(experience, stated * multiple)
        gain[mine, i] = np.where(over, earned * size, 0.0)
        ends[:, i] = np.where(over, lives["closed"], -1)
    whole = (ends >= 0).all(axis=1)
    # A trade that was cut or grew may outlive its second lives, and nobody knows of it before.
    known[mine] = np.where(whole, np.maximum(ends.max(axis=1), trades["closed"][mine]), -1)
    return gain, known


def scaled(stop: Float32Array, multiple: FloatArray | float) -> Float32Array:
    """Return stop distances times a multiple, below 1, as the desk holds them."""
    wider: Float32Array = np.minimum(stop * multiple, WIDEST).astype(np.float32)
    return wider


def relative_size(experience: Experience, stop: FloatArray) -> FloatArray:
    """Return the size of a position with this stop, as a share of the largest that may be."""
    sizing = experience.rules.sizing
    if sizing.method != "risk":
        return np.ones(stop.shape)
    size: FloatArray = np.minimum(sizing.risk_per_trade / stop, sizing.position_cap)
    return size / sizing.position_cap


def _single(experience: Experience) -> BoolArray:
    """Return which strategies trade symbols by themselves, (K,)."""
    signals = experience.signals
    single: BoolArray = (signals.pairing == NO_PAIRS) & (signals.overlay == Overlay.NONE)
    return single


def _sums(values: FloatArray) -> FloatArray:
    """Return the sums of the first 0, 1, … N rows, (N + 1, M)."""
    sums = np.zeros((len(values) + 1, values.shape[1]))
    sums[1:] = values.cumsum(axis=0)
    return sums
