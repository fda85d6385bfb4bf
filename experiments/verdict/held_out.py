"""A guard before a training: no bar of what an agent is judged on may be in what it learns from.

Bars are recognised by what they are and not by what their maker says, in two ways:

- of every market that something was made of, each bar of each symbol has a digest of symbol, time
  and prices. None may be one that is held out;
- of every market that is learned from, each bar has the moves of its symbols. Where FEWEST of them
  or more moved as they did together in one bar that is held out, it is that bar under another date
  or at another price. With fewer symbols than that, or other names, only the first way remains.

Held out is all that comes after `fit`: embargo, `valid`, embargo, `test` and what follows.

T bars, S symbols. Digests are numbers of 64 bits, 0 for no bar; they tell a mistake from none, and
are no protection against somebody who wants to make one.
"""

import hashlib
from typing import NamedTuple
from zlib import crc32

import numpy as np

from benbot.envs.arrays import AnyArray, BoolArray, FloatArray, IntArray, WordArray
from benbot.envs.errors import BadConfig
from benbot.envs.market.facts import PRICES
from benbot.envs.market.market import Market

FEWEST = 4  # symbols; of so many the same moves at once are no chance
FINEST = 1e-8  # moves are compared to so much, which is far above the rounding of a rebuilt price
NO_BAR = np.uint64(0)


class HeldOut(NamedTuple):
    """What may not be learned from, by sorted digests.

    bars   of the bars of all symbols
    moves  of their moves; `places` says in which bar each was
    """

    bars: WordArray
    moves: WordArray
    places: IntArray

    @classmethod
    def of(cls, market: Market, last_of_fit: int) -> "HeldOut":
        """Return what comes after a bar of a market, which must be something."""
        # With the last bar of fit, from which the first one that is held out moved.
        after = market.between(last_of_fit, market.n_bars)
        moves, first = np.unique(_move_digests(after), return_index=True)
        return cls(np.unique(bar_digests(after)[1:]), moves, first // market.n_symbols)

    def refuse(self, name: str, made_of: Market, learned: Market) -> None:
        """Refuse what was made of, or holds, a bar that is held out; `name` is for the message."""
        digests = bar_digests(made_of)
        leaked = np.isin(digests, self.bars) & (digests != NO_BAR)
        if leaked.any():
            t = int(np.flatnonzero(leaked.any(axis=1))[0])
            raise _leak(name, "be made of", made_of, t, int(leaked.any(axis=1).sum()))
        again = self.recognised(learned)
        if again.any():
            raise _leak(name, "hold", learned, int(np.flatnonzero(again)[0]), int(again.sum()))

    def recognised(self, market: Market) -> BoolArray:
        """Return which bars of a market move as a bar does that is held out, (T,)."""
        digests = _move_digests(market)
        at = np.searchsorted(self.moves, digests).clip(max=self.moves.size - 1)
        known = (self.moves[at] == digests) & (digests != NO_BAR)
        row = np.where(known, self.places[at], -1)
        found = np.zeros(market.n_bars, np.bool_)
        for t in np.flatnonzero((row >= 0).sum(axis=1) >= FEWEST):
            found[t] = np.bincount(row[t][row[t] >= 0]).max() >= FEWEST
        return found


def bar_digests(market: Market) -> WordArray:
    """Return a digest of every bar of every symbol, (T, S): its symbol, time and prices."""
    digest = _mixed(_names(market)[None, :] ^ _words(market.timestamps)[:, None])
    for name in PRICES:
        digest = _mixed(digest ^ _words(getattr(market, name)))
    return np.where(market.tradable, digest | np.uint64(1), NO_BAR)


def summary_digest(market: Market) -> str:
    """Return sixteen hex digits of all digests of bars, whatever order they are in."""
    return hashlib.sha256(np.unique(bar_digests(market)).tobytes()).hexdigest()[:16]


def _move_digests(market: Market) -> WordArray:
    """Return a digest of what every bar of every symbol moved, (T, S); of none if it did not."""
    moves = _moves(market)
    steps = np.rint(np.nan_to_num(moves) / FINEST).astype(np.int64)
    digest = _mixed(_names(market)[None, :] ^ steps.view(np.uint64))
    return np.where(steps != 0, digest | np.uint64(1), NO_BAR)


def _moves(market: Market) -> FloatArray:
    """Return log closes less the symbol's log close before, (T, S); NaN where there is none."""
    place = np.where(market.tradable, np.arange(market.n_bars)[:, None], 0)
    last = np.maximum.accumulate(place, axis=0)
    closes = np.log(np.take_along_axis(market.close, last, axis=0))
    moves: FloatArray = np.diff(closes, axis=0, prepend=np.nan)
    return np.where(market.tradable, moves, np.nan)


def _names(market: Market) -> WordArray:
    return _mixed(np.array([crc32(symbol.encode()) for symbol in market.symbols], np.uint64))


def _words(array: AnyArray) -> WordArray:
    words: WordArray = np.ascontiguousarray(array).view(np.uint64)
    return words


def _mixed(words: WordArray) -> WordArray:
    """Return well-mixed numbers (SplitMix64, Steele, Lea and Flood 2014)."""
    z = words + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _leak(name: str, how: str, market: Market, t: int, n_bars: int) -> BadConfig:
    return BadConfig(
        f"training market {name} must {how} no bar after fit, was {n_bars} of them, the first on "
        f"{market.days[t]}. What an agent is judged on must not be learned from"
    )
