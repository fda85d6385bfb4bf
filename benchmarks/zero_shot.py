"""Train on some strategies, then trade others with the same policy, and print what it still finds.

    .venv/bin/python -m benchmarks.zero_shot --market 8 --steps 500000 --seeds 0 1

Two of the strategies that are traded are new to the policy and one that it was trained on is gone.
Nothing is trained anew: what is known of a new strategy is what its own sleeve did so far. The
advantage is log growth a year, after costs, less that of equal weight over the same strategies.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import Policy
from benbot.agents.settings import AgentSettings
from benbot.agents.shared_policy import SharedAllocator
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benchmarks.policies import trained

KNOWN = (
    "rsi_reversion",
    "ma_crossover",
    "time_series_momentum",
    "cross_sectional_momentum",
    "bollinger_reversion",
)
GONE = "ma_crossover"
ADDED = ("volatility_breakout", "macd_trend")
SEGMENTS = ("valid", "test")
LINE = "{:>4}  {:<9}{:>9.2%}{:>9.2%}{:>9.0%}   {}"
HEAD = "{:>4}  {:<9}{:>9}{:>9}{:>9}   {}"


@dataclass(frozen=True)
class Judged:
    """What a policy earned beyond equal weight, log growth a year, and its mean weights by name."""

    advantage: float
    weights: dict[str, float]


def main() -> None:
    """Train with every seed that was asked for, and judge before and after the change."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zero_shot", description=__doc__)
    parser.add_argument("--market", type=int, default=8, help="seed of the synthetic market")
    parser.add_argument("--steps", type=int, default=500_000, help="budget of a training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", nargs="+", default=[], help="other values, as benbot train has")
    asked = parser.parse_args()
    others = [*(name for name in KNOWN if name != GONE), *ADDED]
    before, after = (prepared_with(asked.market, each, asked.set) for each in (KNOWN, others))
    console = Console(highlight=False)
    console.print(HEAD.format("seed", "segment", "before", "after", "kept", "weight of the new"))
    agent = AgentSettings.model_validate(
        before.config.agent.model_dump()
        | {"total_steps": asked.steps, "policy": {"network": "equivariant"}}
    )
    for seed in asked.seeds:
        policy, _ = trained(before, agent, seed)
        assert isinstance(policy, SharedAllocator)  # noqa: S101 - of the network asked for
        moved = policy.for_layout(after.history.layout)
        for segment in SEGMENTS:
            old, new = judged(before, policy, segment), judged(after, moved, segment)
            kept = new.advantage / old.advantage
            console.print(LINE.format(seed, segment, old.advantage, new.advantage, kept, told(new)))


def prepared_with(market: int, strategies: Sequence[str], values: Sequence[str]) -> Prepared:
    """Return the planted market of a seed with these strategies."""
    chosen = f"strategies=[{', '.join(strategies)}]"
    return prepare_experiment(
        load_config("synthetic_planted", [f"market.seed={market}", chosen, *values])
    )


def judged(prepared: Prepared, policy: Policy, segment: str) -> Judged:
    """Return how a policy did on a segment."""

    def of(one: Policy) -> Evaluation:
        span = prepared.spans[segment]
        return evaluate(one, prepared.history, span, prepared.config.environment)

    own, even = of(policy), of(equal_weight(prepared.history.layout))
    names = (*prepared.history.layout.strategies, "cash")
    mean = own.weights.mean(axis=0).tolist()
    return Judged(own.annual_growth - even.annual_growth, dict(zip(names, mean, strict=True)))


def told(after: Judged) -> str:
    """Return the mean weight of each new strategy."""
    return ", ".join(f"{name} {after.weights[name]:.0%}" for name in ADDED)


if __name__ == "__main__":
    main()
