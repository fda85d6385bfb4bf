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
from benbot.strategies.sharpe import (
    FEWEST,
    deflated,
    probabilistic_2012,
    standard_error,
    track_of,
)

RANDOM_POOLS = 20  # as large as the pool
DRAWS = 30  # of which the one of the right size is taken
USUAL_SIZE = 8  # of random candidates beside an empty pool
SEED = 20_260_101  # of the random candidates, which no search draws from
NAN = float("nan")


@dataclass(frozen=True)
class Account:
    """What a candidate did alone, or a group in equal parts.

    growth    (T,) log growth of each bar
    turnover  notional traded a year, as a multiple of equity
    n_trades  round trips; NaN of what has none
    """

    growth: FloatArray
    turnover: float
    n_trades: float


@dataclass(frozen=True)
class Row:
    """One group's result; growth, volatility, ratio and turnover are a year, after costs.

    path    log growth of each bar, (T,); nothing of a row that was read
    peers   Sharpe ratios of all random pools, the lowest first; of other groups none
    """

    name: str
    members: int
    growth: float
    volatility: float
    sharpe_ratio: float
    standard_error: float  # of that ratio, by Lo (2002) and Mertens (2002)
    probability: float  # that the true ratio is above 0
    max_drawdown: float
    turnover: float
    n_trades: float
    correlation: float  # of its log growth a bar with the pool's; NaN without a pool
    peers: tuple[float, ...] = field(default=(), repr=False)
    path: FloatArray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)


class Judge:
    """Judges groups on one segment; what does not depend on a search is computed once."""

    def __init__(self, config: ExperimentConfig, market: Market, span: Span) -> None:
        self.config, self.whole, self.span = config, market, span
        self.ground: Ground = lay_ground(market, span, config.desk, config.regime)
        self.rules = tuple(build(choice) for choice in config.strategies)
        self._fixed = {**self._rule_accounts(), "buy and hold": [self._held()]}

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
        own = [self.alone(each) for each in pool]
        growth = together(own) if own else None
        drawn, peers = self._random(species, sizes or [USUAL_SIZE])
        random = replace(self._row("random candidates", drawn, growth), peers=peers)
        fixed = [self._row(name, accounts, growth) for name, accounts in self._fixed.items()]
        return [*([self._row("pool", own, growth)] if own else []), random, *fixed]

    def alone(self, strategy: Strategy) -> Account:
        """Return what an account does that trades this strategy only."""
        outcome = self.ground.try_alone(strategy.opinion(self.ground.market), traits_of(strategy))
        return Account(
            outcome.growth,
            outcome.turnover * self.ground.market.bars_per_year,
            float(outcome.n_trades),
        )

    def deflated(self, pool: Sequence[Account], n_pools: int) -> float:
        """Return the probability that the best of so many pools has a true ratio above 0."""
        track = track_of(together(pool)) if pool else None
        if track is None or not np.isfinite(track.ratio):
            return NAN
        return deflated(track, n_pools, float(track.n_bars**-0.5))

    def sharpe_ratio(self, account: Account) -> float:
        """Return the Sharpe ratio a year."""
        return self._row("", [account], None).sharpe_ratio

    def _random(
        self, species: Species[Any], sizes: Sequence[int]
    ) -> tuple[list[Account], tuple[float, ...]]:
        """Return the middle one of the random pools by Sharpe ratio, and the ratios of all."""
        generator = np.random.default_rng(SEED)
        pools = []
        for _ in range(RANDOM_POOLS):
            drawn = [species.strategy(_drawn(species, size, generator), "") for size in sizes]
            accounts = [self.alone(each) for each in drawn]
            pools.append((self._row("", accounts, None).sharpe_ratio, accounts))
        pools.sort(key=lambda pool: np.nan_to_num(pool[0]))
        return pools[RANDOM_POOLS // 2][1], tuple(ratio for ratio, _ in pools)

    def _rule_accounts(self) -> dict[str, list[Account]]:
        each = {rule.name: self.alone(rule) for rule in self.rules}
        return {"all rules": list(each.values()), **{name: [one] for name, one in each.items()}}

    def _held(self) -> Account:
        config, market = self.config, self.ground.market
        signals = collect(self.rules, market)
        history = prepare(market, signals, config.desk, config.regime)
        held = buy_and_hold(history, self.span, config.environment)
        turnover = float(held.turnover.mean() * market.bars_per_year)
        return Account(np.diff(np.log(held.equity)), turnover, float("nan"))

    def _row(self, name: str, accounts: Sequence[Account], pool: FloatArray | None) -> Row:
        growth = together(accounts)
        yearly = self.ground.market.bars_per_year
        track = track_of(growth)
        known = growth.size >= FEWEST and np.isfinite(track.ratio)
        return Row(
            name=name,
            members=len(accounts),
            growth=float(growth.mean() * yearly),
            volatility=float(growth.std(ddof=1) * np.sqrt(yearly)),
            sharpe_ratio=float(track.ratio * np.sqrt(yearly)),
            standard_error=standard_error(track) * float(np.sqrt(yearly)) if known else NAN,
            probability=probabilistic_2012(track) if known else NAN,
            max_drawdown=float(1.0 - np.exp(-drawdowns(growth[None])[0])),
            turnover=float(np.mean([account.turnover for account in accounts])),
            n_trades=float(np.sum([account.n_trades for account in accounts])),
            correlation=NAN if pool is None else _correlation(growth, pool),
            path=growth,
        )


def _drawn(species: Species[Any], size: int, generator: np.random.Generator) -> Any:  # noqa: ANN401
    """Return the genome of several drawn by chance whose size is nearest."""
    return min((species.draw(generator) for _ in range(DRAWS)), key=lambda g: abs(g.size - size))


def together(accounts: Sequence[Account]) -> FloatArray:
    """Return the log growth of equal parts, made equal again at every close."""
    growths = np.stack([account.growth for account in accounts])
    growth: FloatArray = np.log(np.mean(np.exp(growths), axis=0))
    return growth


def _correlation(one: FloatArray, other: FloatArray) -> float:
    """Return the correlation of two (T,); NaN where one does not vary."""
    varies = one.std() > 0.0 and other.std() > 0.0
    return float(np.corrcoef(one, other)[0, 1]) if varies else NAN
