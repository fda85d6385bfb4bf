"""What stands between a result and belief in it, in plain words and with the numbers of the run.

Each caveat is said only where the data give reason to. That none is said does not mean that there
is none: nobody knows trials that were never recorded, or next year.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.market.market import Market
from benbot.envs.market.summary import MarketSummary, describe
from benbot.experiments.report.cost_sensitivity import CostCurve
from benbot.experiments.verdict.verdict import RunVerdict

ENDS_WITH_IT = 0.98  # share of the bars from which on a symbol is said to live to the end
MOST_DEAD = 0.1  # share of the symbols that ended before; below, the dead are likely missing
FLAT = 0.5  # share of bars whose prices are all one, from which on there is no range
SHORT_YEARS = 10.0
FEW_SEEDS = 10
FEW_TRADES = 100
BEST_TRADES = 5
MUCH = 0.5  # share of the gain
GAPPY = 0.01  # share of all prices


@dataclass(frozen=True)
class Caveat:
    """One reason for doubt."""

    title: str
    text: str


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a run when it is told.

    agents    of all seeds, on the segment that counts
    costs     of the agent, where they were examined
    """

    market: Market
    agents: Sequence[Evaluation]
    verdict: RunVerdict | None = None
    costs: CostCurve | None = None


def caveats(evidence: Evidence) -> list[Caveat]:
    """Return what a reader must weigh, the market first, then the test, then the training."""
    summary = describe(evidence.market)
    found = [
        *_market(evidence.market, summary),
        *_prices(evidence.market, summary),
        *_test(evidence),
        *_training(evidence),
        *_costs(summary, evidence.costs),
        *_options(evidence.agents),
    ]
    return [Caveat(title, text) for title, text in found]


def _market(market: Market, summary: MarketSummary) -> Iterator[tuple[str, str]]:
    if summary.origin.source.startswith("synthetic"):
        yield (
            "A market that was made up",
            "These prices were drawn by a program. What works on them says that an agent can learn "
            "what is there, and nothing about any market with people in it.",
        )
        return
    alive = share_alive(market)
    n = market.n_symbols
    if alive > 1.0 - MOST_DEAD:
        yield (
            "Survivors",
            f"{round(alive * n)} of {n} symbols have prices to the end of the market. Who was "
            "delisted or taken over on the way is hardly in it, and nobody knew at the beginning "
            "who would stay. Every rule that buys looks better here than it was, and buy-and-hold "
            "most of all.",
        )


def _prices(market: Market, summary: MarketSummary) -> Iterator[tuple[str, str]]:
    flat = share_flat(market)
    if not market.has_range or flat >= FLAT:
        yield (
            "Closes only",
            f"In {flat:.0%} of all prices open, high, low and close are one number. Orders fill at "
            "the next close, stops and targets are seen at closes alone, and gaps and ranges say "
            "nothing. Rules that live on them cannot be judged here.",
        )
    if summary.missing > GAPPY or summary.gaps:
        yield (
            "Gaps",
            f"{summary.missing:.1%} of all prices are missing, {summary.gaps:,} of them between "
            "the first and the last of their symbol, and "
            f"{summary.missing_sessions:,} sessions as a whole. What has no price is not traded, "
            "and what is held then is valued at its last.",
        )
    if not summary.has_volume:
        yield (
            "No volume",
            "The data have no volume, so the liquidity gate never says no, and nobody pays for "
            "moving a price.",
        )


def _test(evidence: Evidence) -> Iterator[tuple[str, str]]:
    one = evidence.agents[0]
    years = one.turnover.size / one.bars_per_year
    if years < SHORT_YEARS:
        yield (
            "A short test",
            f"The test lasts {years:.1f} years. Over so long the Sharpe ratio of a year has a "
            f"standard error of about {1.0 / np.sqrt(years):.2f} from luck alone, and it is one "
            "history of those that could have been.",
        )
    verdict = evidence.verdict
    if verdict is not None and verdict.openings > 1:
        yield (
            "A test that was looked at",
            f"Results on these bars were asked for {verdict.openings} times in this experiment. "
            "Whoever chose anything after the first look chose it with the answer in hand.",
        )
    if verdict is not None and verdict.n_trials > max(verdict.n_seeds, 1):
        yield (
            "Many trials",
            f"{verdict.n_trials} agents were trained in this experiment so far; the best of many "
            "looks good by luck. The deflated Sharpe ratio of the verdict counts them, and cannot "
            "count those that were never recorded.",
        )
    yield from _activity(evidence.agents)


def _activity(agents: Sequence[Evaluation]) -> Iterator[tuple[str, str]]:
    trades = np.array([one.trades.size for one in agents])
    if trades.mean() < FEW_TRADES:
        yield (
            "Few trades",
            f"A seed closed {trades.mean():.0f} trades on average. So few are decided by a handful "
            "of days.",
        )
    shares = [_best_share(one) for one in agents]
    if np.isfinite(shares).all() and np.mean(shares) > MUCH:
        yield (
            "A few trades made it",
            f"The best {BEST_TRADES} trades of a seed made {np.mean(shares):.0%} of what it "
            "gained, on average. Without them there is little left to explain.",
        )


def _training(evidence: Evidence) -> Iterator[tuple[str, str]]:
    n = len(evidence.agents)
    if n == 1:
        yield (
            "One seed",
            "One agent was trained. Another one, from another seed, may differ from it by more "
            "than it differs from any baseline; nothing here says how much.",
        )
    elif n < FEW_SEEDS:
        growth = np.array([one.annual_growth for one in evidence.agents])
        yield (
            "Few seeds",
            f"{n} agents were trained, which grew by {_signed(growth.min())} to "
            f"{_signed(growth.max())} a year. How much chance in training decides "
            f"is known roughly at best below {FEW_SEEDS}.",
        )


def _costs(summary: MarketSummary, curve: CostCurve | None) -> Iterator[tuple[str, str]]:
    known = "quoted" if summary.has_spread else "assumed"
    even = ""
    if curve is not None and curve.break_even is not None:
        even = f" The agent would stop growing at {curve.break_even.multiple:.1f} times the costs."
    elif curve is not None and curve.why:
        even = f" There is no break-even: {curve.why}."
    yield (
        "Costs",
        f"Spreads are {known}; impact, commissions and borrow fees are a model, and orders fill "
        f"whole at one price unless the volume says otherwise.{even} Taxes and the interest on "
        "cash are left out.",
    )


def _options(agents: Sequence[Evaluation]) -> Iterator[tuple[str, str]]:
    written = sum(one.options.size for one in agents)
    made_up = sum(int(one.options["is_synthetic"].sum()) for one in agents)
    if made_up:
        yield (
            "Option premiums that nobody paid",
            f"{made_up:,} of {written:,} option fills were priced from volatility that was "
            "estimated from past prices. Real options cost what people fear, which is known from "
            "no share price.",
        )


def _signed(share: float) -> str:
    return f"{round(share, 3) + 0.0:+.1%}".replace("-", "−")


def share_alive(market: Market) -> float:
    """Return the share of the symbols that were ever traded and have a price near the end."""
    traded = market.tradable.any(axis=0)
    end = int(ENDS_WITH_IT * market.n_bars)
    alive = market.tradable[min(end, market.n_bars - 1) :].any(axis=0)
    return float((alive & traded).sum() / max(traded.sum(), 1))


def share_flat(market: Market) -> float:
    """Return the share of prices whose open, high, low and close are one number."""
    there = market.tradable
    if not there.any():
        return 0.0
    flat = (
        (market.high == market.low) & (market.open == market.close) & (market.low == market.close)
    )
    return float(flat[there].mean())


def _best_share(one: Evaluation) -> float:
    gain = float(one.equity[-1] - one.equity[0])
    if not gain > 0.0 or one.trades.size < 2 * BEST_TRADES:
        return float("nan")
    return float(np.sort(one.trades["profit"])[-BEST_TRADES:].sum() / gain)
