"""Whether what happens now is still what was tested: findings with a p-value, for a tournament.

live     what a strategy did or earned since it trades
model    the same as the test has it, or before
p_value  probability of a finding as large where nothing has changed; small is alarming

What follows in time depends on what came before, so that a plain two-sample test would cry wolf.
Here chance is drawn by exchanging whole blocks of time (Carlstein 1986, Annals of Statistics 14;
Lahiri 2003, Resampling Methods for Dependent Data): under no change, any order of blocks that are
longer than the memory is as likely as the one that came. p = (1 + draws as large) / (1 + draws),
which no finding makes 0. Series are returns or costs of single bars, all finite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.stats import binom

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.signals import Signals

DRAWS = 999
FEWEST = 20  # bars on either side
BLOCK = 20  # bars; with it false alarms are as rare as they should be (`benchmarks.drift`)
FEWEST_BLOCKS = 6  # on the shorter side; of fewer, chance can make nothing that is alarming
TOLERATED = 0.01  # share of bars with another signal that is put down to late or mended data


@dataclass(frozen=True)
class Finding:
    """One question that was asked of a strategy, and the answer.

    statistic   how large what was found is, in the unit that `unit` names
    n_live      bars that it is made of
    """

    name: str
    statistic: float
    unit: str
    p_value: float
    n_live: int

    @property
    def sentence(self) -> str:
        return (
            f"{self.name}: {self.statistic:.4g} {self.unit} over {self.n_live} bars, "
            f"p = {self.p_value:.3f}"
        )


def alarms(findings: Sequence[Finding], level: float) -> list[Finding]:
    """Return the findings for which a strategy may be demoted, the most alarming first.

    Of all that are asked, the chance that any is alarming without cause is at most `level`,
    however they depend on each other: Holm (1979), Scandinavian Journal of Statistics 6.
    """
    found, ordered = [], sorted(findings, key=lambda finding: finding.p_value)
    for i, finding in enumerate(ordered):
        if not finding.p_value * (len(ordered) - i) <= level:
            break
        found.append(finding)
    return found


def distribution_drift(
    live: FloatArray, model: FloatArray, rng: np.random.Generator, block: int | None = None
) -> Finding:
    """Ask whether live and modelled returns, (N,) and (M,), have one distribution.

    The statistic is that of Kolmogorov and Smirnov, the largest distance of the two shares of
    returns below a number.
    """
    pooled, block = _pooled(live, model, block)
    drawn = _is_live(pooled.size, live.size, block, rng)
    order = np.argsort(pooled, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(pooled[order]) > 0.0, True))  # equal ones count at once
    n_live = drawn[:, order].cumsum(axis=1)[:, ends]
    n_model = ends + 1 - n_live
    distances = np.abs(n_live / live.size - n_model / model.size).max(axis=1)
    return _finding("distribution", distances, "largest distance of the shares", live.size)


def draws_for(n_asked: int, level: float) -> int:
    """Return how many draws it takes for one of so many findings to be able to alarm by itself.

    The smallest p-value is 1 / (1 + draws), and the first one of n has to be `level` / n or less.
    """
    return max(DRAWS, ceil(n_asked / level))


def decay(
    returns: FloatArray,
    n_recent: int,
    rng: np.random.Generator,
    block: int | None = None,
    draws: int | None = None,
) -> Finding:
    """Ask whether the last `n_recent` returns of (T,) are worse on average than those before.

    `draws` are `DRAWS` unless more are asked for.
    """
    if not 0 < n_recent < returns.size:
        raise InvalidParameter(
            f"n_recent must leave some of {returns.size} returns before it, was {n_recent}"
        )
    recent, record = returns[-n_recent:], returns[:-n_recent]
    pooled, block = _pooled(recent, record, block)
    drawn = _is_live(pooled.size, n_recent, block, rng, draws)
    means = drawn @ pooled / n_recent
    others = (pooled.sum() - means * n_recent) / record.size
    return _finding("decay", others - means, "a bar less than before", n_recent)


def slippage_drift(
    live: FloatArray, model: FloatArray, rng: np.random.Generator, block: int | None = None
) -> Finding:
    """Ask whether the fills of each bar cost more than the model says; both (N,), in one unit.

    They are paired, so chance turns the sign of whole blocks of their differences.
    """
    if live.shape != model.shape:
        raise InvalidParameter(
            f"slippage is compared fill by fill and needs as many of the model, was {live.size} "
            f"and {model.size}"
        )
    _check(live, model)
    excess = live - model
    length = _length(block, live.size)
    blocks = np.arange(excess.size) // length
    sums = np.bincount(blocks, excess)
    sign = np.where(rng.random((DRAWS, sums.size)) < 0.5, -1.0, 1.0)
    means = np.concatenate([[sums.sum()], sign @ sums]) / excess.size
    return _finding("slippage", means, "more than the model", live.size)


def signal_drift(live: Signals, model: Signals, tolerated: float = TOLERATED) -> Finding:
    """Ask whether the signals that were traded on are those of the test on the same bars.

    By the law of finite memory they are the same, so a bar with any other direction is one fault;
    the p-value is that of so many, if each bar had one with the probability `tolerated`.
    """
    if live.direction.shape != model.direction.shape or live.strategies != model.strategies:
        raise InvalidParameter(
            f"signals are compared bar by bar and need the same bars, strategies and symbols, was "
            f"{live.direction.shape} and {model.direction.shape}"
        )
    differs = (live.direction != model.direction).any(axis=(1, 2))
    n_bars, faults = differs.size, int(differs.sum())
    p_value = float(binom.sf(faults - 1, n_bars, tolerated))
    return Finding("signals", faults / n_bars, "of the bars differ", p_value, n_bars)


def _pooled(live: FloatArray, model: FloatArray, block: int | None) -> tuple[FloatArray, int]:
    """Return model and live returns as one series, and the length of its blocks."""
    _check(live, model)
    pooled = np.concatenate([model, live])
    return pooled, _length(block, min(live.size, model.size))


def _check(*series: FloatArray) -> None:
    for values in series:
        if values.size < FEWEST or not np.isfinite(values).all():
            raise InvalidParameter(
                f"drift needs {FEWEST} finite numbers or more on each side, was {values.size} with "
                f"{int(np.count_nonzero(~np.isfinite(values)))} that are not finite"
            )


def _length(block: int | None, shorter: int) -> int:
    """Return the length of blocks: `BLOCK` or what fits, unless one is given."""
    longest = shorter // FEWEST_BLOCKS
    if block is None:
        return min(BLOCK, longest)
    if not 1 <= block <= longest:
        raise InvalidParameter(
            f"block must be from 1 to {longest}, so that {FEWEST_BLOCKS} fit into the shorter "
            f"side of {shorter}, was {block}"
        )
    return block


def _is_live(
    n_bars: int, n_live: int, block: int, rng: np.random.Generator, draws: int | None = None
) -> BoolArray:
    """Return which places of a series of bars are called live, (1 + draws, N).

    In row 0 the last `n_live` are, as they are; in the others as many after the blocks were
    exchanged, cut each time at another place of the circle that the series is closed to.
    """
    draws = DRAWS if draws is None else draws
    chosen = np.zeros((1 + draws, n_bars), np.bool_)
    chosen[0, n_bars - n_live :] = True
    shift = rng.integers(n_bars, size=(draws, 1))
    number = (np.arange(n_bars) + shift) % n_bars // block
    key = rng.random((draws, -(-n_bars // block)))
    order: IntArray = np.argsort(np.take_along_axis(key, number, axis=1), axis=1, kind="stable")
    np.put_along_axis(chosen[1:], order[:, -n_live:], True, axis=1)
    return chosen


def _finding(name: str, statistics: FloatArray, unit: str, n_live: int) -> Finding:
    """Return the first statistic as a finding, the others being those of chance."""
    observed, chance = statistics[0], statistics[1:]
    as_large = int((chance >= observed * (1.0 - 1e-12)).sum())
    return Finding(name, float(observed), unit, (1 + as_large) / (1 + chance.size), n_live)
