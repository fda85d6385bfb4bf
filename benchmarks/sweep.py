"""A sweep of 1,000 pairs of moving averages over 30 symbols × 2,520 bars, beside vectorbt's.

    .venv/bin/python -m benchmarks.sweep

An account is long while the fast average of the close is above the slow one, and trades at that
very close, with a fee and slippage. vectorbt is asked as its guide asks it (averages, signals,
portfolio, total returns), 100 pairs at a time for want of memory; ours does all 1,000 in turn with
each of these, by the machine that evaluates programs. Rates are bars a second of processor time.
Then the returns of both are compared. vectorbt takes part if it is installed.
"""

import importlib.util
import math
import sys
from statistics import median
from time import process_time

import numpy as np
from numba import njit

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.machine import batches
from benbot.strategies.programs.primitives import Code
from benbot.strategies.programs.program import Program, program_of

SHAPE = N_SYMBOLS, N_BARS = 30, 2_520
N_NUMBERS = N_SYMBOLS * N_BARS
N_FAST, N_SLOW = 20, 50
FEE = SLIPPAGE = 0.0005
CHUNK = 100  # pairs that vectorbt is given at once
AT_ONCE = 20  # programs whose answers stay in a cache
GOAL = 50.0
SAME = 1e-4  # returns that differ by less are of the same trades


def prices() -> FloatArray:
    """Return the closes [S, T] of a random walk."""
    moves = np.random.default_rng(2).standard_normal(SHAPE) * 0.015
    return 100.0 * np.exp(moves.cumsum(axis=1))


def pairs() -> list[tuple[int, int]]:
    fast = range(2, 2 + N_FAST)
    return [(one, 25 + 3 * k) for one in fast for k in range(N_SLOW)]


def crossover(fast: int, slow: int) -> Program:
    """Return 1 while the fast average of the close is above the slow one, 0 otherwise."""
    means = [
        node
        for bars in (fast, slow)
        for node in ((Code.MEAN, 0.0), (Code.FEATURE, 0.0), (Code.WINDOW, float(bars)))
    ]
    ends = [(Code.CONSTANT, 1.0), (Code.CONSTANT, 0.0)]
    return program_of([(Code.IF, 0.0), (Code.ABOVE, 0.0), *means, *ends], ("close",))


def costs() -> tuple[float, float]:
    """Return half of what a round trip costs in logarithms, and how much more buying costs."""
    bought = -math.log1p(SLIPPAGE) - math.log1p(FEE)
    sold = math.log1p(-SLIPPAGE) + math.log1p(-FEE)
    return (bought + sold) / 2.0, (bought - sold) / 2.0


@njit(cache=True, error_model="numpy")
def growth(
    held: Float32Array, moves: Float32Array, cost: tuple[float, float], out: FloatArray
) -> None:
    """Write the total return of each row of positions, each held from one close to the next.

    Whoever holds at the end has bought once more than sold.
    """
    earned, last = np.empty(held.shape[2], np.float32), held.shape[2] - 1
    half, more = cost
    for p in range(held.shape[0]):
        for s in range(held.shape[1]):
            earn(held[p, s], moves[s], np.float32(half), earned)
            ends = half * held[p, s, 0] + more * held[p, s, last]
            out[p, s] = math.exp(total(earned, last) + ends) - 1.0


@njit(cache=True, error_model="numpy")
def earn(held: Float32Array, moves: Float32Array, cost: float, earned: Float32Array) -> None:
    """Write what each bar earned in logarithms, less the cost of what was traded at its close."""
    for t in range(held.size - 1):
        earned[t] = held[t] * moves[t + 1] + cost * abs(held[t + 1] - held[t])


@njit(cache=True, error_model="numpy")
def total(values: Float32Array, n: int) -> float:
    """Add the later half to the earlier one until one number is left."""
    while n > 1:
        half = n // 2
        fold(values, np.uint64(half), np.uint64(n - half))
        n -= half
    return values[0]


@njit(cache=True, error_model="numpy")
def fold(values: Float32Array, half: int, later: int) -> None:
    for i in range(half):
        values[i] += values[later + i]


def sweep(close: FloatArray, programs: list[Program]) -> FloatArray:
    """Return the total returns [P, S] of all pairs, after costs."""
    moves = np.diff(np.log(close), axis=1, prepend=np.log(close[:, :1])).astype(np.float32)
    features = Features(("close",), close[None], np.zeros(1), np.ones(SHAPE))
    out = np.empty((len(programs), N_SYMBOLS))
    for which, said in batches(programs, features, memory=AT_ONCE * 4 * N_NUMBERS):
        growth(said.swapaxes(1, 2), moves, costs(), out[which])
    return out


def sweep_of_vectorbt(close: FloatArray, chosen: list[tuple[int, int]]) -> FloatArray:
    """Return the same of vectorbt, in its own way."""
    import pandas as pd
    import vectorbt as vbt

    frame = pd.DataFrame(close.T, pd.date_range("2015-01-01", periods=N_BARS))
    fast, slow = (
        vbt.MA.run(frame, [pair[k] for pair in chosen], short_name=name)
        for k, name in enumerate(("fast", "slow"))
    )
    is_long, is_out = fast.ma_above(slow), fast.ma_below(slow)
    portfolio = vbt.Portfolio.from_signals(
        frame, is_long, is_out, fees=FEE, slippage=SLIPPAGE, init_cash=1e5, freq="1D"
    )
    returns: FloatArray = portfolio.total_return().to_numpy().reshape(len(chosen), N_SYMBOLS)
    return returns


def check(close: FloatArray, returns: FloatArray) -> None:
    """Refuse to time a sweep that earns something else than plain numpy says."""
    moves, (half, more) = np.diff(np.log(close), axis=1), costs()
    for p in range(0, len(returns), 111):
        averages = []
        for bars in pairs()[p]:
            total = np.cumsum(np.pad(close.astype(np.float32).astype(float), ((0, 0), (1, 0))), 1)
            mean = np.full(close.shape, np.nan)
            mean[:, bars - 1 :] = (total[:, bars:] - total[:, :-bars]) / bars
            averages.append(mean)
        held = (averages[0] > averages[1]).astype(float)
        trades = np.abs(np.diff(held, axis=1)).sum(axis=1) + held[:, 0]
        earned = (held[:, :-1] * moves).sum(axis=1) + half * trades + more * held[:, -1]
        np.testing.assert_allclose(returns[p], np.expm1(earned), rtol=1e-3, atol=1e-3)


def main() -> None:
    """Time both in turn, and compare what they return."""
    close, chosen = prices(), pairs()
    programs = [crossover(*pair) for pair in chosen]
    ours = sweep(close, programs)  # compiles
    check(close, ours)
    has_peer = importlib.util.find_spec("vectorbt") is not None
    if has_peer:
        sweep_of_vectorbt(close, chosen[:2])  # compiles
    own, peer, theirs = [], [], []
    for first in range(0, len(chosen), CHUNK):
        begun = process_time()
        sweep(close, programs)
        own.append(len(chosen) * N_NUMBERS / (process_time() - begun))
        if has_peer:
            begun = process_time()
            theirs.append(sweep_of_vectorbt(close, chosen[first : first + CHUNK]))
            peer.append(CHUNK * N_NUMBERS / (process_time() - begun))
    say_rate("ours", own)
    if not has_peer:
        sys.stdout.write("vectorbt is not installed, so nothing is compared\n")
        return
    say_rate("vectorbt", peer)
    ratio = median(mine / its for mine, its in zip(own, peer, strict=True))
    sys.stdout.write(f"ours is {ratio:.0f}× (goal {GOAL:g}×)\n")
    compare(ours, np.concatenate(theirs))


def say_rate(who: str, rates: list[float]) -> None:
    sys.stdout.write(
        f"{who:<9} {median(rates):.2e} bars a second, {min(rates):.2e} to {max(rates):.2e}\n"
    )


def compare(ours: FloatArray, theirs: FloatArray) -> None:
    """Say how far returns are apart: where trades are the same, and where a rounding moved one.

    Ours sees closes as float32, so two averages that differ by less may cross a bar apart.
    """
    gap = np.abs(ours - theirs)
    is_same = gap < SAME
    sys.stdout.write(
        f"mean return, ours {ours.mean():.6f}, vectorbt {theirs.mean():.6f}\n"
        f"the same trades in {is_same.mean():.2%} of {ours.size:,} returns: there ours "
        f"{ours[is_same].mean():.6f}, vectorbt {theirs[is_same].mean():.6f}, largest difference "
        f"{gap[is_same].max():.1e}; elsewhere {gap.max():.1e}\n"
    )


if __name__ == "__main__":
    main()
