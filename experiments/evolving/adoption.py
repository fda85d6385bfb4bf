"""A trained policy on the same bars with and without strategies that it was not trained on.

K strategies that it knows, K' with the new ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benbot.agents.advised import advised
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import Policy
from benbot.agents.roster import evaluate_baseline
from benbot.envs.arrays import FloatArray
from benbot.experiments.report.attribution import round_trips
from benbot.experiments.sleeves import trade_alone
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.verdict.statistics import GrowthDifference, growth_difference, log_returns

# Whom the agent is seen beside: nothing known of anybody, and the rule that it began with.
RIVALS = ("equal_weight", "follow_forecast")


@dataclass(frozen=True)
class Share:
    """What a strategy was given and what came of it, mean of the seeds.

    before    mean weight without the new ones; NaN of a new one
    after     mean weight with them
    n_trades  closed round trips, with them
    growth    profit of its round trips over the equity before each, a year, with them; those of all
              sum nearly to the account's log growth
    alone     log growth a year of an account that gives this strategy everything
    """

    name: str
    is_new: bool
    before: float
    after: float
    n_trades: float
    growth: float
    alone: float


@dataclass(frozen=True, eq=False)
class Adoption:
    """What the policies of a run did with an account.

    before, after  an evaluation for each seed
    rivals         baselines by name, before and after
    shares         (K') the new ones last
    difference     log growth a year, after less before, paired by bar
    flattered      whether the new strategies were chosen on some of these bars
    """

    segment: str
    before: Sequence[Evaluation]
    after: Sequence[Evaluation]
    rivals: Mapping[str, tuple[Evaluation, Evaluation]]
    shares: Sequence[Share]
    difference: GrowthDifference
    flattered: bool

    @property
    def given(self) -> float:
        """The mean weight of all new strategies together."""
        return sum(share.after for share in self.shares if share.is_new)

    @property
    def n_new(self) -> int:
        return sum(share.is_new for share in self.shares)

    @property
    def n_traded(self) -> int:
        """New strategies that closed a round trip."""
        return sum(share.is_new and share.n_trades > 0.0 for share in self.shares)


@dataclass(frozen=True, eq=False)
class Side:
    """One market with some strategies, and the policies of all seeds that trade them."""

    prepared: Prepared
    policies: Sequence[Policy]

    def trade(self, segment: str) -> list[Evaluation]:
        prepared = self.prepared
        config, history, span = prepared.config, prepared.history, prepared.span(segment)
        return [
            evaluate(advised(each, config.learning), history, span, config.environment)
            for each in self.policies
        ]

    def rival(self, name: str, segment: str) -> Evaluation:
        prepared = self.prepared
        span, fit = prepared.span(segment), prepared.spans["fit"]
        return evaluate_baseline(name, prepared.history, span, fit, prepared.config.environment)


def compare(before: Side, after: Side, segment: str, *, flattered: bool) -> Adoption:
    """Trade a segment with the known strategies, then with all of them."""
    first, second = before.trade(segment), after.trade(segment)
    return Adoption(
        segment=segment,
        before=first,
        after=second,
        rivals={name: (before.rival(name, segment), after.rival(name, segment)) for name in RIVALS},
        shares=shares_of(first, second, trade_alone(after.prepared, segment)),
        difference=growth_difference(second, _mean_account(first), seed=0),
        flattered=flattered,
    )


def shares_of(
    before: Sequence[Evaluation], after: Sequence[Evaluation], alone: Sequence[Evaluation]
) -> list[Share]:
    """Return what each strategy of `after` was given and earned; `alone` are their sleeves."""
    known, names = before[0].strategies, after[0].strategies
    closed = np.concatenate([one.trades["strategy"] for one in after])
    old, new = _mean_weights(before), _mean_weights(after)
    growth = np.mean([growth_by_strategy(one) for one in after], axis=0)
    return [
        Share(
            name=name,
            is_new=name not in known,
            before=float(old[known.index(name)]) if name in known else float("nan"),
            after=float(new[k]),
            n_trades=float((closed == k).sum() / len(after)),
            growth=float(growth[k]),
            alone=alone[k].annual_growth,
        )
        for k, name in enumerate(names)
    ]


def growth_by_strategy(one: Evaluation) -> FloatArray:
    """Return what the round trips of each strategy earned, (K',), a year.

    Each profit is over the equity at the close before the trip began, so that late ones count no
    more than early ones in an account that has grown.
    """
    trips = round_trips([one])
    before = np.clip(trips["opened"] - 1 - one.bars[0], 0, None)
    earned = trips["profit"] / one.equity[before]
    years = (len(one.equity) - 1) / one.bars_per_year
    growth: FloatArray = np.bincount(trips["strategy"], earned, len(one.strategies)) / years
    return growth


def _mean_weights(evaluations: Sequence[Evaluation]) -> FloatArray:
    weights: FloatArray = np.mean([one.weights.mean(axis=0) for one in evaluations], axis=0)
    return weights


def _mean_account(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return an account that grows at every bar by the mean log growth of all seeds."""
    growth = np.mean([log_returns(one.equity) for one in evaluations], axis=0)
    equity = np.exp(np.concatenate([[0.0], np.cumsum(growth)]))
    return replace(evaluations[0], equity=equity)
