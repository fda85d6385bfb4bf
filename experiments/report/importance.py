"""How much a policy owes to what it sees: the growth lost when a part of it is shuffled in time.

A group is a set of entries of the observation that say the same kind of thing. At every decision
the policy sees that group as it was at another bar of the stretch, in an order that is drawn once
for the whole group, and everything else as it is (Breiman 2001, Machine Learning 45, section 10;
Fisher, Rudin and Dominici 2019, JMLR 20). What is seen is that of the run without a shuffle, so an
account's own state is shuffled, too.

A group that costs nothing is not used, or is told by another one as well: groups that go together
hide each other. The numbers are of this stretch and of these policies, and no promise.

An account is a chain of trades, so a hair's breadth of difference at one close may change all that
follows, and one run is one draw of that luck. Therefore every run here, shuffled or not, has each
weight off by about a hundredth of itself, and what is lost is lost from the mean of those that see
everything as it is. The group CHANCE is these: how far they lie apart is what luck does, and what
lies within that says nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import evaluate
from benbot.agents.policy import Policy
from benbot.envs.arrays import Float32Array, IntArray
from benbot.envs.history import History, Span
from benbot.envs.observation import LIVE_CONTEXT, LIVE_STRATEGY, Layout
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.verdict.statistics import NAN

DRAWS = 6  # orders for each group, over all seeds
FEWEST_DRAWS = 2  # orders for each group and seed
MOST_SEEDS = 3  # that are asked, the first ones of the configuration
LONGEST = 2520  # bars that are traded for each order, the last ones of the span
SEED = 0
OTHER = "other"
# Of what an entry's feature begins with; the first that fits counts.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "returns": ("return_",),
    "volatility": ("volatility_",),
    "record": ("record_",),
    "forecast": ("forecast",),
    "sleeve state": ("drawdown", "hit_rate"),
    "signals": ("confidence", "signals", "direction"),
    "regime": (
        "bear",
        "neutral",
        "bull",
        "low_volatility",
        "normal_volatility",
        "high_volatility",
    ),
    "market": ("market_", "breadth", "dispersion", "persistence_", "spread"),
    "season": ("year_",),
}
ACCOUNT = "account"  # whatever is about the account itself
CHANCE = "chance"
JITTER = 0.01  # deviation of the logarithm of a weight
NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Importance:
    """What one group is worth to the policies of some seeds.

    n_entries   of the observation
    drop        mean log growth a year that is lost without it; negative: it grew; 0 for CHANCE
    deviation   of the drops over seeds and draws; NaN for a single one
    drops       each of them, seed by seed
    """

    group: str
    n_entries: int
    drop: float
    deviation: float
    drops: tuple[float, ...]


def groups_of(layout: Layout) -> dict[str, IntArray]:
    """Return where the entries of each group stand; every entry belongs to one."""
    named: dict[str, list[int]] = {}
    for i, name in enumerate(layout.names):
        named.setdefault(_group_of(name.rpartition("/")[2]), []).append(i)
    order = [*GROUPS, ACCOUNT, OTHER]
    return {group: np.array(named[group]) for group in order if group in named}


def importances(
    policies: Sequence[Policy],
    history: History,
    span: Span,
    settings: EnvironmentSettings,
    listener: Callable[[], None] = lambda: None,
) -> list[Importance]:
    """Return what each group is worth over a span, the most valuable first, CHANCE at the end.

    Of many seeds the first three are asked, and of a long span the last 2,520 bars are traded.
    The listener hears of every group of every policy that is done.
    """
    policies, span = policies[:MOST_SEEDS], Span(max(span.first, span.last - LONGEST), span.last)
    groups = groups_of(history.layout)
    drops: dict[str, list[float]] = {group: [] for group in (*groups, CHANCE)}
    generator = np.random.default_rng(SEED)
    n_draws = max(FEWEST_DRAWS, -(-DRAWS // max(len(policies), 1)))
    for policy in policies:
        watched = Watched(policy)
        evaluate(watched, history, span, settings)
        seen = np.array(watched.seen)
        growth: dict[str, list[float]] = {group: [] for group in drops}
        for group, own in growth.items():
            entries = groups.get(group, NOTHING)
            for _ in range(n_draws):
                values = seen[generator.permutation(len(seen))][:, entries]
                other = Jittered(Shuffled(policy, entries, values), generator)
                own.append(evaluate(other, history, span, settings).annual_growth)
            listener()
        usual = float(np.mean(growth[CHANCE]))
        for group, own in growth.items():
            drops[group] += [usual - one for one in own]
    found = [_importance(group, groups[group].size, drops[group]) for group in groups]
    ordered = sorted(found, key=lambda one: -np.nan_to_num(one.drop, nan=-np.inf))
    return [*ordered, _importance(CHANCE, 0, drops[CHANCE])]


class Watched:
    """A policy with all that it has seen since its last reset."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.name = policy, policy.name
        self.seen: list[Float32Array] = []

    def reset(self) -> None:
        self.policy.reset()
        self.seen = []

    def weights(self, observation: Float32Array) -> Float32Array:
        self.seen.append(observation.copy())
        return self.policy.weights(observation)


class Shuffled:
    """A policy that sees other values (N, E) of some entries (E,), one row a decision.

    An account that lives on where the one that was watched was ruined begins with them anew.
    """

    def __init__(self, policy: Policy, entries: IntArray, values: Float32Array) -> None:
        self.policy, self.name = policy, policy.name
        self.entries, self.values = entries, values
        self._next = 0

    def reset(self) -> None:
        self.policy.reset()
        self._next = 0

    def weights(self, observation: Float32Array) -> Float32Array:
        other = observation.copy()
        other[self.entries] = self.values[self._next % len(self.values)]
        self._next += 1
        return self.policy.weights(other)


class Jittered:
    """A policy whose weights are a little off at every close."""

    def __init__(self, policy: Policy, generator: np.random.Generator) -> None:
        self.policy, self.name, self.generator = policy, policy.name, generator

    def reset(self) -> None:
        self.policy.reset()

    def weights(self, observation: Float32Array) -> Float32Array:
        chosen = self.policy.weights(observation)
        off = chosen * np.exp(JITTER * self.generator.standard_normal(chosen.size))
        jittered: Float32Array = (off / off.sum()).astype(np.float32)
        return jittered


def _group_of(feature: str) -> str:
    if feature in LIVE_STRATEGY or feature in LIVE_CONTEXT:
        return ACCOUNT
    for group, starts in GROUPS.items():
        if feature.startswith(starts):
            return group
    return OTHER


def _importance(group: str, n_entries: int, drops: Sequence[float]) -> Importance:
    values = np.array(drops)
    with np.errstate(invalid="ignore"):
        deviation = float(values.std(ddof=1)) if values.size > 1 else NAN
        return Importance(group, n_entries, float(values.mean()), deviation, tuple(drops))
