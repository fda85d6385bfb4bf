"""Gymnasium finds the environments by name in an interpreter that never heard of us."""

import subprocess
import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from benbot.envs.errors import UnknownName
from benbot.experiments.environments import make_env, make_vector_env
from benbot.experiments.verdict.opening import LookAtTest

NAME = "benbot.gym:BenBot/Allocation-v0"
FRESH = """
import sys
import warnings
import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_for_sb3

NAME = "benbot.gym:BenBot/Allocation-v0"
config = sys.argv[1]
warnings.simplefilter("error")
env = gym.make(NAME, config=config)
assert env.spec.id == "BenBot/Allocation-v0"
check_env(env.unwrapped)
# Its advice on actions is for policies that act on the environment as it is; ours are shares.
warnings.filterwarnings("ignore", "We recommend you to use a symmetric")
warnings.filterwarnings("ignore", "Series.values returning")  # inside exchange_calendars
check_for_sb3(env.unwrapped)
quick = gym.make(NAME, config="quickstart")
observation, info = quick.reset(seed=1)
assert quick.observation_space.contains(observation)
quick.step(quick.action_space.sample())
many = gym.make_vec(NAME, num_envs=4, config="quickstart")
assert type(many.unwrapped).__name__ == "AllocationVectorEnv"
observations, _ = many.reset(seed=1)
assert observations.shape == (4, quick.observation_space.shape[0])
assert np.array_equal(observations[0], observation)
many.step(many.action_space.sample())
print("fine", many.num_envs)
"""


def test_a_fresh_interpreter_makes_checked_environments(workshop: Any) -> None:  # noqa: ANN401
    command = [sys.executable, "-c", FRESH, str(workshop.config)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "fine 4"
    assert "warn" not in answer.stderr.lower()


def test_registering_loads_nothing_of_what_is_heavy() -> None:
    code = "import benbot.gym, sys; print([n for n in sys.modules if n.startswith('benbot')])"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert "benbot.gym" in answer.stdout
    assert "benbot.envs.desk" not in answer.stdout
    assert "benbot.experiments.config" not in answer.stdout


def warned_of_test(segment: str) -> AbstractContextManager[object]:
    return pytest.warns(LookAtTest) if segment == "test" else nullcontext()


def test_overrides_and_segments_reach_the_environment(workshop: Any) -> None:  # noqa: ANN401
    changed = ["environment.episode_bars=7"]
    env = gym.make(NAME, config=workshop.config, overrides=changed)
    env.reset(seed=0)
    action = env.action_space.sample()
    assert [env.step(action)[3] for _ in range(7)] == [False] * 6 + [True]
    first = {}
    for segment in ("fit", "valid", "test"):
        with warned_of_test(segment):
            single = make_env(workshop.config, segment)
        first[segment] = single.reset(seed=0)[1]["bar"]
    assert first["fit"] < first["valid"] < first["test"]


def test_only_test_is_warned_of_for_no_run_counts_who_looks(workshop: Any) -> None:  # noqa: ANN401
    for make in (make_env, make_vector_env):
        with pytest.warns(LookAtTest, match="looks at test, and no run records it"):
            make(config=workshop.config, segment="test")
        with warnings.catch_warnings():
            warnings.simplefilter("error", LookAtTest)
            make(config=workshop.config, segment="valid")


def test_a_segment_that_does_not_exist_is_refused(workshop: Any) -> None:  # noqa: ANN401
    for make in (make_env, make_vector_env):
        with pytest.raises(UnknownName, match="must be one of fit, valid, test, was 'tets'"):
            make(config=workshop.config, segment="tets")


def test_a_configuration_that_was_edited_is_read_again(
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"extends: {workshop.config}\n")
    assert make_env(own).layout.strategies[0] == "rsi_reversion"
    assert make_env(own).history is make_env(own).history
    own.write_text(f"extends: {workshop.config}\nstrategies: [ma_crossover]\n")
    assert make_env(own).layout.strategies == ("ma_crossover",)
