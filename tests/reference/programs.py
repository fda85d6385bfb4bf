"""Programs, node by node and window by window: slow, and plain to see.

Every answer is rounded to float32 once per node, as the language says. A window that is not whole
or has a NaN in it is NaN.
"""

from collections.abc import Callable

import numpy as np

from benbot.envs.arrays import AnyArray, Float32Array
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.primitives import BY_CODE, EMA_MEMORY, STILL_SHARE, Code, Type
from benbot.strategies.programs.program import Program

SMALL = np.float32(1e-6)
TANH_ABOVE = (0.999999904, 0.133718561, 0.0034849942, 2.04458989e-05, 1.31485978e-08)
TANH_BELOW = (1.0, 0.467051523, 0.0258359249, 0.000326879768, 7.68802103e-07)


def interpret(program: Program, features: Features) -> Float32Array:
    """Return what a program says, [T, S], or [3, T, S] in parts."""
    with np.errstate(all="ignore"):
        if program.codes[0] == Code.PARTS:
            parts = [value_at(program, place, features) for place in program.arguments(0)]
            return np.stack([masked(part, features) for part in parts])
        return masked(value_at(program, 0, features), features)


def masked(values: AnyArray, features: Features) -> Float32Array:
    trades = np.isfinite(features.trades.T)
    return np.where(trades, values, np.nan).astype(np.float32)


def value_at(program: Program, place: int, features: Features) -> AnyArray:
    """Return the sub-tree at `place`: [T, S] of float32 or of truth values, or bars."""
    code, number = program.codes[place], program.numbers[place]
    shape = (features.n_bars, features.n_symbols)
    if code == Code.FEATURE:
        name = program.features[int(number)]
        return features.values[features.names.index(name)].T
    if code == Code.CONSTANT:
        return np.full(shape, np.float32(number))
    if code == Code.WINDOW:
        return np.array(int(number))
    if code in (Code.ALWAYS, Code.NEVER):
        return np.full(shape, code == Code.ALWAYS)
    arguments = [value_at(program, at, features) for at in program.arguments(place)]
    if BY_CODE[code].is_across:
        return ACROSS[Code(code)](arguments[0], np.isfinite(features.trades.T))
    answer = BY_NAME[Code(code)](*arguments)
    return answer if BY_CODE[code].gives == Type.CONDITION else answer.astype(np.float32)


def divide(x: AnyArray, y: AnyArray) -> AnyArray:
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(np.abs(y) < SMALL, 1.0, x / y))


def tanh(x: AnyArray) -> AnyArray:
    """Return the rational function that stands for it, step by step in float32."""
    x = np.clip(x, np.float32(-9.02), np.float32(9.02))
    y = x * x
    above, below = np.float32(TANH_ABOVE[-1]), np.float32(TANH_BELOW[-1])
    for k in (3, 2, 1, 0):
        above = np.float32(TANH_ABOVE[k]) + y * above
        below = np.float32(TANH_BELOW[k]) + y * below
    return np.clip(x * above / below, np.float32(-1.0), np.float32(1.0))


def of_windows(
    x: AnyArray, bars: int, compute: Callable[[AnyArray], AnyArray], *others: AnyArray
) -> AnyArray:
    """Return `compute` of the window [bars, S] that ends at each bar; NaN until it is whole."""
    answer = np.full(x.shape, np.nan)
    for t in range(bars - 1, len(x)):
        rows = slice(t - bars + 1, t + 1)
        seen = [each[rows].astype(np.float64) for each in (x, *others)]
        answer[t] = compute(*seen)
        answer[t, np.any([np.isnan(each).any(axis=0) for each in seen], axis=0)] = np.nan
    return answer


def deviation(seen: AnyArray) -> AnyArray:
    spread = seen.std(axis=0)
    return np.where(spread <= STILL_SHARE * np.abs(seen.mean(axis=0)), 0.0, spread)


def score(seen: AnyArray) -> AnyArray:
    spread = deviation(seen)
    return grained(np.where(spread > 0.0, (seen[-1] - seen.mean(axis=0)) / spread, 0.0 * spread))


def grained(x: AnyArray) -> AnyArray:
    return np.round(x * 2.0**20) / 2.0**20


def correlation(x: AnyArray, y: AnyArray) -> AnyArray:
    product = ((x - x.mean(axis=0)) * (y - y.mean(axis=0))).mean(axis=0)
    both = deviation(x) * deviation(y)
    exact = np.clip(product / (x.std(axis=0) * y.std(axis=0)), -1.0, 1.0)
    return grained(np.where(both > 0.0, exact, 0.0 * both))


def exponential(x: AnyArray, bars: AnyArray) -> AnyArray:
    memory = EMA_MEMORY * int(bars)
    weights = ((bars - 1.0) / (bars + 1.0)) ** np.arange(memory)[::-1, None]
    return of_windows(x, memory, lambda seen: (weights * seen).sum(axis=0) / weights.sum())


def earlier(x: AnyArray, bars: AnyArray) -> AnyArray:
    answer = np.full(x.shape, np.nan, np.float32)
    answer[int(bars) :] = x[: max(len(x) - int(bars), 0)]
    return answer


def standing(seen: AnyArray) -> AnyArray:
    gap = seen[-1] - seen
    return np.where(np.isinf(gap), np.nan, np.sign(gap)).sum(axis=0) / len(seen)


def place(x: AnyArray, trades: AnyArray) -> AnyArray:
    answer = np.full(x.shape, np.nan)
    for t in range(len(x)):
        known = trades[t] & ~np.isnan(x[t])
        row = x[t, known].astype(np.float64)
        gap = np.where(row[:, None] == row, 0.0, row[:, None] - row)
        answer[t, known] = np.where(np.isinf(row), np.nan, np.sign(gap).sum(axis=1) / row.size)
    return answer.astype(np.float32)


def demean(x: AnyArray, trades: AnyArray) -> AnyArray:
    answer = np.full(x.shape, np.nan)
    for t in range(len(x)):
        known = trades[t] & ~np.isnan(x[t])
        row = x[t, known].astype(np.float64)
        answer[t, known] = row - row.mean() if known.any() else row
    return answer.astype(np.float32)


BY_NAME: dict[Code, Callable[..., AnyArray]] = {
    Code.ADD: np.add,
    Code.SUBTRACT: np.subtract,
    Code.MULTIPLY: np.multiply,
    Code.DIVIDE: divide,
    Code.SMALLER: np.minimum,
    Code.LARGER: np.maximum,
    Code.NEGATE: np.negative,
    Code.MAGNITUDE: np.abs,
    Code.SIGN: np.sign,
    Code.TANH: tanh,
    Code.ABOVE: np.greater,
    Code.BELOW: np.less,
    Code.AND: np.logical_and,
    Code.OR: np.logical_or,
    Code.NOT: np.logical_not,
    Code.IF: np.where,
    Code.LAG: earlier,
    Code.DELTA: lambda x, bars: x - earlier(x, bars),
    Code.MEAN: lambda x, bars: of_windows(x, int(bars), lambda seen: seen.mean(axis=0)),
    Code.DEVIATION: lambda x, bars: of_windows(x, int(bars), deviation),
    Code.SCORE: lambda x, bars: of_windows(x, int(bars), score),
    Code.EXPONENTIAL: exponential,
    Code.LOWEST: lambda x, bars: of_windows(x, int(bars), lambda seen: seen.min(axis=0)),
    Code.HIGHEST: lambda x, bars: of_windows(x, int(bars), lambda seen: seen.max(axis=0)),
    Code.RANK: lambda x, bars: of_windows(x, int(bars), standing),
    Code.CORRELATION: lambda x, y, bars: of_windows(x, int(bars), correlation, y),
}
ACROSS = {Code.PLACE: place, Code.DEMEAN: demean}
