"""Each rule earns where its edge was planted, and in no other market.

Gross of costs, from one close to the next, over opinions that may open a position. Trend rules earn
from drift, too, because a market that rises without end is a trend; the gap fade also where shocks
are taken back, because a part of each comes overnight; and what brings a spread back brings back
the price of a leg.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import prepare
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import CATALOGUE, StrategyChoice, build
from benbot.strategies.hearing import collect
from tests.strategies import planted

# Nobody had looked at these when the rules and markets were made. One entry of MAY_EARN was named
# after they had spoken: low volatility on trend.
SEEDS = (100, 101)
# Of the statistic of all seeds together; of a hundred cases without an edge, one in two hundred
# crosses the second by chance.
FOUND, NOT_FOUND = 3.0, 2.6
DAILY: dict[str, Callable[[int], Market]] = {
    "trend": partial(planted.synthetic, trend=0.15),
    "reversion": partial(planted.synthetic, reversion=0.9),
    "drift": partial(planted.synthetic, drift=0.4),
    "nothing": planted.synthetic,
    "overnight": planted.overnight_reversal,
    "calm": planted.paid_calm,
    "pairs": planted.tied_pairs,
    "news": planted.informed,
}
WITHIN_THE_DAY: dict[str, Callable[[int], Market]] = {
    "average": planted.return_to_the_average,
    "morning": planted.morning_goes_on,
    "gap": planted.gap_comes_back,
    "no move": planted.nothing_within_the_day,
}
MARKETS = DAILY | WITHIN_THE_DAY
TEN_MINUTES = {"bar_minutes": 10, "session_minutes": 360}
# What each rule should earn from, of the markets on which it is tried.
EARNS: dict[str, set[str]] = {
    "rsi_reversion": {"reversion", "pairs"},
    "ma_crossover": {"trend", "drift"},
    "time_series_momentum": {"trend", "drift"},
    "cross_sectional_momentum": {"trend"},
    "volatility_breakout": {"trend", "drift"},
    "bollinger_reversion": {"reversion", "pairs"},
    "macd_trend": {"trend", "drift"},
    "gap_fade": {"overnight", "reversion"},
    "low_volatility": {"calm"},
    "pairs_trading": {"pairs", "reversion"},
    "news_diamond": {"news"},
    "vwap_reversion": {"average"},
    "time_of_day_momentum": {"morning"},
    "statistical_arbitrage": {"reversion", "pairs"},
}
# What may be earned on the way: news that come true over days are a short trend, drift is uneven
# among symbols of different betas, and in a market that pays for calm a calm symbol rises. Who is
# calm stays so, as a trend does, so that of their days together there are few independent ones.
MAY_EARN: dict[str, set[str]] = {
    "low_volatility": {"trend"},
    "ma_crossover": {"news", "calm"},
    "volatility_breakout": {"news", "calm"},
    "macd_trend": {"news", "calm"},
    "time_series_momentum": {"news"},
    "cross_sectional_momentum": {"news", "drift"},
}
TOLD: dict[str, dict[str, int]] = {
    "low_volatility": {"window": 20},  # shorter than the spells of calm
    "vwap_reversion": TEN_MINUTES,
    "time_of_day_momentum": TEN_MINUTES,
}
WRITES_OPTIONS = ("covered_call", "cash_secured_put")  # which no close to close can tell
INTRADAY_ONLY = ("vwap_reversion", "time_of_day_momentum")
CASES = [
    (rule, market)
    for rule in EARNS
    for market in (WITHIN_THE_DAY if rule in INTRADAY_ONLY else DAILY)
]


@cache
def markets_of(name: str) -> list[Market]:
    return [MARKETS[name](seed) for seed in SEEDS]


def found_in(strategy: Strategy, name: str) -> float:
    """Return the statistics of all seeds as one (Stouffer 1949): their sum over the root of N."""
    found = [t_statistic(strategy, market) for market in markets_of(name)]
    return float(np.sum(found) / np.sqrt(len(found)))


def t_statistic(strategy: Strategy, market: Market) -> float:
    """Return that of the mean return of the opinions of a bar over the next bar; 0 for silence."""
    opinion = strategy.opinion(market)
    direction = np.where(opinion.confidence > 0.0, opinion.direction, 0)[:-1]
    heard = np.abs(direction).sum(axis=1)
    earned = (direction * (market.close[1:] / market.close[:-1] - 1.0)).sum(axis=1)
    mean = earned[heard > 0] / heard[heard > 0]
    return float(mean.mean() / mean.std() * np.sqrt(mean.size)) if mean.size > 30 else 0.0


@pytest.mark.parametrize(("rule", "name"), CASES)
def test_a_rule_earns_where_its_edge_is_planted_and_nowhere_else(rule: str, name: str) -> None:
    choice = {"name": rule} | TOLD.get(rule, {})
    found = found_in(build(StrategyChoice.model_validate(choice)), name)
    if name in EARNS[rule]:
        assert found > FOUND
    elif name not in MAY_EARN.get(rule, set()):
        assert found < NOT_FOUND


@pytest.mark.parametrize("name", WITHIN_THE_DAY)
def test_the_gap_fade_earns_within_the_day_where_gaps_come_back(name: str) -> None:
    strategy = build(StrategyChoice.model_validate({"name": "gap_fade"} | TEN_MINUTES))
    found = found_in(strategy, name)
    assert found > FOUND if name == "gap" else found < NOT_FOUND


def test_every_rule_of_the_catalogue_has_an_edge_of_its_own() -> None:
    assert {*EARNS, *WRITES_OPTIONS} == set(CATALOGUE)


NOTHING_TO_PAY = {
    "capital": 1e7,
    "costs": {"half_spread": 0, "commission_rate": 0, "impact": 0, "participation": 1},
    "options": {"fee_per_contract": 0, "half_spread": 0, "expiries": "weekly", "rate": 0},
    "gates": {"var": 1, "participation": 1, "spread": 1, "correlation": 1},
    "limits": {"max_positions": 30},
}


@pytest.mark.parametrize("rule", WRITES_OPTIONS)
def test_who_writes_options_earns_where_they_are_dear_and_not_where_they_are_fair(
    rule: str,
) -> None:
    """On the desk, in a market in which nothing else is to be had, by the volatility implied."""
    strategy = build(StrategyChoice(name=rule))
    rules, found = DeskRules.model_validate(NOTHING_TO_PAY), {}
    for dearness in (1.0, 1.6):
        statistics = []
        for market in markets_of("nothing"):
            moves = np.diff(np.log(market.close), axis=0).std(axis=0)
            implied = np.tile(dearness * moves * np.sqrt(252.0), (market.n_bars, 1))
            quoted = replace(market, iv=implied, spread=np.zeros(implied.shape))
            growth = prepare(quoted, collect([strategy], quoted), rules).tape.sleeve_return[300:, 0]
            statistics.append(growth.mean() / growth.std() * np.sqrt(growth.size))
        found[dearness] = float(np.sum(statistics) / np.sqrt(len(statistics)))
    assert found[1.0] < NOT_FOUND
    assert found[1.6] > FOUND
