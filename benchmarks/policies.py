"""Train every kind of policy on the market with a known answer and print what each found.

    .venv/bin/python -m benchmarks.policies --market 8 --steps 500000 --seeds 0 1 2
    .venv/bin/python -m benchmarks.policies --seconds 12 --only mlp a2c recurrent_ppo

The second gives each of them the same processor time instead of the same steps, of which a learner
that makes more of each takes fewer: the speed of some updates says how many.

The configuration is `synthetic_planted` with another market seed, so that defaults are chosen where
no published result was made. Growth is log growth a year, after costs, of the policy that did best
on `valid`.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benbot.agents.baselines import Follower, equal_weight, regime_record
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.learner import Lesson
from benbot.agents.policy import Policy
from benbot.agents.settings import AgentSettings
from benbot.agents.training import Progress, train
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import Prepared, prepare_experiment

EQUIVARIANT = {"network": "equivariant"}
ALGORITHMS = ("a2c", "recurrent_ppo", "sac", "td3")  # beside ppo, each with the mlp
PILOT = 6  # updates that speed is measured by; a learner with a replay must have begun to learn
POLICIES: dict[str, dict[str, object]] = {
    "mlp": {},
    "mean": EQUIVARIANT,
    "attention": EQUIVARIANT | {"exchange": "attention"},
    "none": EQUIVARIANT | {"exchange": "none"},
    "mean-no-prior": EQUIVARIANT | {"prior": "none"},
    "mean-record": EQUIVARIANT | {"prior": "record_mean"},
    "mean-gaussian": EQUIVARIANT | {"distribution": "gaussian"},
    "mean-wide": EQUIVARIANT | {"width": 64},
}
LINE = "{:<15}{:>5}{:>11,}{:>9.2%}{:>9.2%}{:>8.2f}{:>10.0%}{:>9.0f}"
HEAD = "{:<15}{:>5}{:>11}{:>9}{:>9}{:>8}{:>10}{:>9}"


def main() -> None:
    """Train the policies that were asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.policies", description=__doc__)
    parser.add_argument("--market", type=int, default=8, help="seed of the synthetic market")
    parser.add_argument("--steps", type=int, default=500_000, help="budget of a training")
    parser.add_argument("--seconds", type=float, help="of processor time instead of steps")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", choices=[*POLICIES, *ALGORITHMS])
    parser.add_argument(
        "--sharpness", type=float, nargs="*", default=[], help="of rules that follow forecasts"
    )
    parser.add_argument("--set", nargs="+", default=[], help="other values, as benbot train has")
    asked = parser.parse_args()
    config = load_config("synthetic_planted", [f"market.seed={asked.market}", *asked.set])
    prepared, console = prepare_experiment(config), Console(highlight=False)
    columns = ("policy", "seed", "steps", "valid", "test", "Sharpe", "heaviest", "seconds")
    console.print(HEAD.format(*columns))
    layout = prepared.history.layout
    followers = [
        Follower(layout, "forecast", 1.0 / sharpness, f"follow {sharpness:g}")
        for sharpness in asked.sharpness
    ]
    for rule in (equal_weight(layout), regime_record(layout), *followers):
        console.print(line(prepared, rule, (rule.name, "", 0), 0.0))
    for name in POLICIES if asked.only is None else asked.only:
        own = {"algorithm": name} if name in ALGORITHMS else {"policy": POLICIES[name]}
        settings = config.agent.model_dump() | {"total_steps": asked.steps, **own}
        agent = AgentSettings.model_validate(settings)
        if asked.seconds is not None:
            steps = round(asked.seconds * speed(lesson_of(prepared, agent, 0)))
            agent = agent.model_copy(update={"total_steps": steps})
        for seed in asked.seeds:
            policy, seconds = trained(lesson_of(prepared, agent, seed))
            told = (name, str(seed), agent.planned_steps)
            console.print(line(prepared, policy, told, seconds))


def lesson_of(prepared: Prepared, agent: AgentSettings, seed: int) -> Lesson:
    """Return what an agent learns from the segments of a configuration."""
    spans, environment = prepared.spans, prepared.config.environment
    return Lesson(prepared.history, spans["fit"], spans["valid"], environment, agent, seed)


def speed(lesson: Lesson) -> float:
    """Return steps per second of processor time, of the last half of some updates."""
    steps = PILOT * lesson.agent.steps_per_update
    agent = lesson.agent.model_copy(update={"total_steps": steps, "evaluations": 1})
    heard: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        pilot = replace(lesson, agent=agent)
        train(pilot, Path(folder) / "checkpoint", lambda _: heard.append(time.process_time()))
    counted = heard[PILOT // 2 - 1 : -1]  # what was learned last was evaluated, too
    return agent.steps_per_update * (len(counted) - 1) / (counted[-1] - counted[0])


def trained(lesson: Lesson) -> tuple[Policy, float]:
    """Return a trained policy, and the seconds of processor time that it took."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        policy = train(lesson, Path(folder) / "checkpoint", deaf).policy
    return policy, time.process_time() - begun


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


def line(prepared: Prepared, policy: Policy, told: tuple[str, str, int], seconds: float) -> str:
    """Return what a policy did on `valid` and `test`; its heaviest weight is on `test`.

    `told` is its name, its seed and its steps.
    """
    valid, test = (
        evaluate(policy, prepared.history, prepared.spans[segment], prepared.config.environment)
        for segment in ("valid", "test")
    )
    figures = (valid.annual_growth, test.annual_growth, sharpe(test), test.weights.max())
    return LINE.format(*told, *figures, seconds)


def sharpe(evaluation: Evaluation) -> float:
    """Return mean over deviation of the bars' log growth, a year."""
    growth = np.diff(np.log(evaluation.equity))
    return float(growth.mean() / growth.std() * np.sqrt(evaluation.bars_per_year))


if __name__ == "__main__":
    main()
