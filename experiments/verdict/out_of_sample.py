"""What a pool earns outside fit, beside random candidates, the rules, and buying and holding.

Each candidate trades alone, in an account of its own with all gates and costs and without breakers;
a group is equal parts of its accounts. N members, T bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benbot.agents.buy_and_hold import buy_and_hold
from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.history import Span, prepare
from benbot.envs.market.market import Market
from benbot.evolution.genomes import Species
from benbot.evolution.ground import Ground, lay_ground, traits_of
from benbot.evolution.objectives import drawdowns
from benbot.experiments.config import ExperimentConfig
from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import build
from benbot.strategies.hearing import collect
from benbot.strategies.sharpe import FEWEST, probabilistic_2012, track_of

RANDOM_POOLS = 20  # as large as the pool
DRAWS = 30  # of which the one of the right size is taken
USUAL_SIZE = 8  # of random candidates beside an empty pool
SEED = 20_260_101  # of the random candidates, which no search draws from


@dataclass(frozen=True)
class Row:
    """One group's result; growth and volatility are a year, and everything is after costs.

    path    log growth of each bar, (T,); nothing of a row that was read
    peers   Sharpe ratios of all random pools, the lowest first; of other groups none
    """

    name: str
    members: int
    growth: float
    volatility: float
    sharpe_ratio: float
    probability: float  # that the true ratio is above 0
    max_drawdown: float
    peers: tuple[float, ...] = field(default=(), repr=False)
    path: FloatArray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)


class Judge:
    """Judges groups on one segment; what does not depend on a search is computed once."""

    def __init__(self, config: ExperimentConfig, market: Market, span: Span) -> None:
        self.config, self.whole, self.span = config, market, span
        self.ground: Ground = lay_ground(market, span, config.desk, config.regime)
        self.rules = tuple(build(choice) for choice in config.strategies)
        self._fixed = [*self._rule_rows(), self._held()]

    @property
    def times(self) -> TimeArray:
        """Return when the bars closed, (T + 1,): the first is the one from which it trades."""
        return self.ground.market.timestamps[self.span.first : self.span.last + 1]

    @property
    def caption(self) -> str:
        days = self.ground.market.days[[self.span.first, self.span.last]]
        return f"{days[0]} to {days[1]}, after costs; each alone, a group in equal parts"

    def judge(
        self, species: Species[Any], pool: Sequence[Strategy], sizes: Sequence[int]
    ) -> list[Row]:
        """Return the results of a pool, of random candidates as many and as large, and of all."""
        rows = [self._row("pool", [self.alone(each) for each in pool])] if pool else []
        return [*rows, self._random(species, sizes or [USUAL_SIZE]), *self._fixed]

    def alone(self, strategy: Strategy) -> FloatArray:
        """Return the log growth of each bar, (T,)."""
        opinion = strategy.opinion(self.ground.market)
        return self.ground.try_alone(opinion, traits_of(strategy)).growth

    def _random(self, species: Species[Any], sizes: Sequence[int]) -> Row:
        """Return the middle one of the random pools by Sharpe ratio."""
        generator = np.random.default_rng(SEED)
        pools = []
        for _ in range(RANDOM_POOLS):
            drawn = [species.strategy(_drawn(species, size, generator), "") for size in sizes]
            pools.append(self._row("random candidates", [self.alone(each) for each in drawn]))
        pools.sort(key=lambda row: np.nan_to_num(row.sharpe_ratio))
        peers = tuple(row.sharpe_ratio for row in pools)
        return replace(pools[RANDOM_POOLS // 2], peers=peers)

    def _rule_rows(self) -> list[Row]:
        growths = [self.alone(rule) for rule in self.rules]
        rows = [
            self._row(rule.name, [growth]) for rule, growth in zip(self.rules, growths, strict=True)
        ]
        return [self._row("all rules", growths), *rows]

    def _held(self) -> Row:
        config, market = self.config, self.ground.market
        signals = collect(self.rules, market)
        history = prepare(market, signals, config.desk, config.regime)
        equity = buy_and_hold(history, self.span, config.environment).equity
        return self._row("buy and hold", [np.diff(np.log(equity))])

    def _row(self, name: str, growths: Sequence[FloatArray]) -> Row:
        growth = together(growths)
        yearly = self.ground.market.bars_per_year
        track = track_of(growth)
        known = growth.size >= FEWEST and np.isfinite(track.ratio)
        return Row(
            name=name,
            members=len(growths),
            growth=float(growth.mean() * yearly),
            volatility=float(growth.std(ddof=1) * np.sqrt(yearly)),
            sharpe_ratio=float(track.ratio * np.sqrt(yearly)),
            probability=probabilistic_2012(track) if known else float("nan"),
            max_drawdown=float(1.0 - np.exp(-drawdowns(growth[None])[0])),
            path=growth,
        )


def _drawn(species: Species[Any], size: int, generator: np.random.Generator) -> Any:  # noqa: ANN401
    """Return the genome of several drawn by chance whose size is nearest."""
    return min((species.draw(generator) for _ in range(DRAWS)), key=lambda g: abs(g.size - size))


def together(growths: Sequence[FloatArray]) -> FloatArray:
    """Return the log growth of equal parts, made equal again at every close."""
    growth: FloatArray = np.log(np.mean(np.exp(np.stack(growths)), axis=0))
    return growth
