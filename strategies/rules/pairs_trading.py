"""Pairs trading: sell the dear one of two stocks that move together, and buy the cheap one.

Makes money while the spread of two cointegrated prices keeps coming back: whatever the market does
to both, the legs pay each other. Loses when the tie breaks, as by a takeover or a change of
business, which is when the spread runs away and the stop is hit; and where many pairs are tried,
since of all pairs of unrelated prices one in twenty passes a test at five per cent. Legs are short
for as long as the trade lasts, so borrowing costs. Source: Engle and Granger, Co-integration and
Error Correction, Econometrica 55, 1987, for the test; Gatev, Goetzmann and Rouwenhorst, Pairs
Trading: Performance of a Relative-Value Arbitrage Rule, Review of Financial Studies 19, 2006, for
the trade, with its two deviations and its year of formation.

Time is cut into blocks of `refresh_days` calendar days, counted from 1970-01-01. At the first bar
of a block the pairs are chosen from the `formation` bars before it: those of the lowest test
statistics whose hedge and half-life are within bounds, no symbol in two pairs. They serve for the
block. A leg whose pair is not chosen again is ended in the next block.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.calendar import check_bars_per_day
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, Opinion, Strategy, parameter
from benbot.strategies.cointegration import Pair, cointegration, disjoint, measured, p_value

NOBODY = -1
BLOCKS = 2  # that an opinion depends on: the present one, and who may hold what from the one before
OUT = 1.0  # evidence for the other side of what may be held; only its sign counts


class Plan(NamedTuple):
    """What the rule wants at each close, [T, S] each.

    evidence  z-score of the spread, positive where the leg is cheap; of the other side where a leg
              should be left
    opens     whether a pair may be opened
    partner   symbol of the other leg, NOBODY
    share     of the pair's size, 0 without a partner
    spread    z-score, from the leg's own side: negative where it is cheap; NaN without a pair
    hedge     worth of the second leg against one of the first; NaN without a pair
    """

    evidence: FloatArray
    opens: BoolArray
    partner: IntArray
    share: FloatArray
    spread: FloatArray
    hedge: FloatArray


class Block(NamedTuple):
    """Bars for which the same pairs serve; `begin` is the first, `end` the one after the last."""

    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class PairsTrading(Strategy):
    rule = "pairs_trading"
    trades_pairs = True

    formation: int = parameter(252, low=60, high=1000, meaning="bars in which pairs are looked for")
    refresh_days: int = parameter(
        28, low=1, high=366, meaning="calendar days from one choice of pairs to the next"
    )
    bars_per_day: int = parameter(1, low=1, high=1440, meaning="most bars of a day")
    entry: float = parameter(2.0, low=0.5, high=5.0, meaning="deviations at which a pair is opened")
    exit: float = parameter(0.5, low=0.0, high=3.0, meaning="deviations at which it is closed")
    stop: float = parameter(4.0, low=1.0, high=10.0, meaning="deviations at which it has failed")
    significance: float = parameter(
        0.01, low=0.0001, high=0.1, meaning="p-value of the test below which a pair counts"
    )
    max_half_life: float = parameter(
        42.0, low=1.0, high=500.0, meaning="bars in which half of a deviation must be gone"
    )
    max_hedge: float = parameter(
        3.0, low=1.0, high=10.0, meaning="worth of one leg, in that of the other"
    )
    max_pairs: int = parameter(10, low=1, high=100, meaning="pairs that serve at a time")
    stop_multiple: float = parameter(
        8.0, low=0.5, high=10.0, meaning="distance of a leg's own stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("exit", "entry")
        self._needs_order("entry", "stop")
        if self.side != "both":
            raise InvalidParameter(
                f"side of {self.rule} must be both, because one leg of a pair is short, "
                f"was {self.side!r}"
            )

    @property
    def lookback(self) -> int:
        return self.formation + BLOCKS * self.refresh_days * self.bars_per_day

    def evidence(self, market: Market) -> FloatArray:
        """Return how many deviations of its spread each leg is too cheap."""
        return self._plan(market).evidence

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        plan = self._plan(market)
        return {"deviations of the spread": plan.spread, "hedge": plan.hedge}

    def opinion(self, market: Market) -> Opinion:
        """Return the opinions of every bar; who may not open both legs opens none."""
        plan = self._plan(market)
        alone = self.opinion_of(market, plan.evidence, plan.opens)
        asks = (alone.confidence > 0.0) & (plan.partner != NOBODY)
        bars = np.arange(market.n_bars)[:, None]
        both = asks & asks[bars, plan.partner]
        return Opinion(
            alone.direction,
            np.where(both, alone.confidence, np.float32(0.0)),
            alone.stop_distance,
            np.where(both, plan.partner, NOBODY),
            np.where(both, plan.share, 0.0),
        )

    def _plan(self, market: Market) -> Plan:
        check_bars_per_day(market.days, self.bars_per_day, f"bars_per_day of {self.name}")
        shape = (market.n_bars, market.n_symbols)
        plan = Plan(
            np.zeros(shape),
            np.zeros(shape, np.bool_),
            np.full(shape, NOBODY),
            np.zeros(shape),
            np.full(shape, np.nan),
            np.full(shape, np.nan),
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            log_price = np.log(np.where(market.tradable, market.close, np.nan))
        held = np.zeros(market.n_symbols)
        # On several threads matrices this small are slower, and may be added up in another order.
        with threadpool_limits(1, user_api="blas"):
            for block in self._blocks(market):
                pairs = self._pairs(log_price[: block.begin][-self.formation :])
                held = self._fill(plan, block, pairs, log_price, held)
        return plan

    def _blocks(self, market: Market) -> Iterator[Block]:
        """Yield the blocks before which there are enough bars."""
        number = market.days.astype("datetime64[D]").astype(np.int64) // self.refresh_days
        begins = (np.flatnonzero(np.diff(number)) + 1).tolist()
        for begin, end in pairwise([*begins, market.n_bars]):
            if begin >= self.formation:
                yield Block(begin, end)

    def _pairs(self, log_price: FloatArray) -> list[Pair]:
        """Return the pairs of one window, best first."""
        whole = np.flatnonzero(np.isfinite(log_price).all(axis=0))
        if whole.size < BLOCKS:
            return []
        window = np.ascontiguousarray(log_price[:, whole])
        found = cointegration(window)
        fits = (found.hedge <= self.max_hedge) & (found.hedge * self.max_hedge >= 1.0)
        fits &= found.half_life <= self.max_half_life
        places = disjoint(np.where(fits, found.statistic, np.nan), self.max_pairs)
        pairs = []
        for i, j in places:
            if not p_value(found.statistic[i, j]) < self.significance:
                break  # and the others are worse
            pair = measured(window, i, j, float(found.hedge[i, j]))
            pairs.append(pair._replace(first=int(whole[i]), second=int(whole[j])))
        return pairs

    def _fill(
        self, plan: Plan, block: Block, pairs: list[Pair], log_price: FloatArray, held: FloatArray
    ) -> FloatArray:
        """Write the plan of one block; return who may hold what at its end, (S,).

        `held` says so of the block before: +1 long, -1 short, 0 nothing. Whoever is in no pair now
        is asked to leave.
        """
        bars = slice(block.begin, block.end)
        plan.evidence[bars] = -OUT * held
        at_the_end = np.zeros_like(held)
        for pair in pairs:
            first, second = log_price[bars, pair.first], log_price[bars, pair.second]
            z = (first - pair.intercept - pair.hedge * second) / pair.deviation
            side, opens, last = self._sides(z, held[pair.first])
            for s, other, sign in (
                (pair.first, pair.second, 1.0),
                (pair.second, pair.first, -1.0),
            ):
                plan.evidence[bars, s] = sign * side
                plan.opens[bars, s] = opens
                plan.partner[bars, s] = other
                plan.spread[bars, s] = sign * z
                plan.hedge[bars, s] = pair.hedge
                at_the_end[s] = sign * last
            larger = max(1.0, pair.hedge)
            plan.share[bars, pair.first] = 1.0 / larger
            plan.share[bars, pair.second] = pair.hedge / larger
        return at_the_end

    def _sides(self, z: FloatArray, held: float) -> tuple[FloatArray, BoolArray, float]:
        """Return evidence for the first leg and whether it opens, (N,); and what it may hold last.

        `z` is NaN where one leg has no price: then there is nothing to say. What may be held is
        known from the last bar on which the spread was beyond the exit; within it, that is left.
        If it was within it for all of the block, nothing is held any more.
        """
        away = np.abs(z) >= self.exit
        beyond = -np.sign(np.where(away, z, 0.0))
        last = latest(beyond, away, held)
        failed = latest_since(np.abs(z) > self.stop + MARGIN, np.abs(z) < self.exit)
        side = np.where(away & ~failed, -z, -OUT * last)
        opens = (np.abs(z) >= self.entry + MARGIN) & ~failed
        known = np.isfinite(z)
        at_the_end = float(last[-1]) if away.any() else 0.0
        return np.where(known, side, 0.0), opens & known, at_the_end


def latest(values: FloatArray, is_new: BoolArray, before: float) -> FloatArray:
    """Return the latest of the values that are new at each of N bars, `before` until the first."""
    place = np.maximum.accumulate(np.where(is_new, np.arange(len(values)), -1))
    return np.where(place >= 0, values[place], before)


def latest_since(happened: BoolArray, resets: BoolArray) -> BoolArray:
    """Return whether something happened at a bar or since the last one that resets, (N,)."""
    bar = np.arange(len(happened))
    last = np.maximum.accumulate(np.where(happened, bar, -1))
    reset = np.maximum.accumulate(np.where(resets, bar, -1))
    since: BoolArray = last > reset
    return since
