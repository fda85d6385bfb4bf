"""The single environment passes the checkers and refuses what it cannot do."""

import warnings
from collections.abc import Callable, Iterator

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_for_sb3

from benbot.envs.allocation import AllocationEnv
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

EPISODE_BARS = 25
EnvOf = Callable[..., AllocationEnv]


@pytest.fixture
def env_of(history: History, span: Span) -> EnvOf:
    def make(render_mode: str | None = None) -> AllocationEnv:
        settings = EnvironmentSettings(episode_bars=EPISODE_BARS)
        return AllocationEnv(history, span, settings, render_mode)

    return make


@pytest.fixture
def registered(env_of: EnvOf) -> Iterator[str]:
    """A name under which Gymnasium makes the environment, as it does for our users."""
    name = "Test/Allocation-v0"
    gym.register(id=name, entry_point=env_of)
    yield name
    gym.registry.pop(name)


def test_gymnasium_s_checker_passes_without_a_warning(registered: str) -> None:
    env = gym.make(registered, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_the_checker_of_stable_baselines_passes_without_a_warning(registered: str) -> None:
    """Its learners want actions in [-1, 1], which a wrapper of Gymnasium gives them."""
    env = gym.wrappers.RescaleAction(gym.make(registered), np.float32(-1.0), np.float32(1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env_for_sb3(env)


def test_all_that_stable_baselines_says_of_the_bare_environment_is_about_that_range(
    env_of: EnvOf,
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env_for_sb3(env_of())
    assert [str(warning.message)[:47] for warning in caught] == [
        "We recommend you to use a symmetric and normali"
    ]


def test_an_episode_is_truncated_after_its_bars(env_of: EnvOf) -> None:
    env = env_of()
    _, info = env.reset(seed=3)
    first = info["bar"]
    for bar in range(first + 1, first + EPISODE_BARS + 1):
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        assert info["bar"] == bar
        assert not terminated
        assert truncated == (bar == first + EPISODE_BARS)


def test_an_episode_that_has_ended_goes_no_further(env_of: EnvOf) -> None:
    env = env_of()
    with pytest.raises(gym.error.ResetNeeded, match="no episode is under way"):
        env.step(env.action_space.sample())
    env.reset(options={"first": 50, "last": 51})
    env.step(env.action_space.sample())
    with pytest.raises(gym.error.ResetNeeded, match="no episode is under way"):
        env.step(env.action_space.sample())


def test_a_ruined_account_ends_its_episode(env_of: EnvOf) -> None:
    env = env_of()
    env.reset(seed=0)
    account = env.arena.desk.book.accounts[0]
    account["cash"] = account["equity"] = 49_999.0
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    assert (terminated, truncated) == (True, False)


def test_options_choose_the_first_and_the_last_bar(env_of: EnvOf) -> None:
    env = env_of()
    _, info = env.reset(seed=1, options={"first": 77, "last": 79})
    assert info["bar"] == 77
    assert not env.step(env.action_space.sample())[3]
    assert env.step(env.action_space.sample())[3]
    env.reset(options={"first": 77})
    assert env.arena.episodes["last"][0] == 77 + EPISODE_BARS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 3}, r"options need 'first' and may have 'last', both bars; was \['start'\]"),
        ({"last": 30}, r"options need 'first'"),
        ({"first": 3, "lsat": 30}, r"was \['first', 'lsat'\]"),
        ({"first": -1}, "was first=-1 last=24"),
        ({"first": 30, "last": 30}, "need 0 <= first < last < 240, was first=30 last=30"),
        ({"first": 30, "last": 240}, "was first=30 last=240"),
        ({"first": 230}, "was first=230 last=255"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    env_of: EnvOf, options: dict[str, int], message: str
) -> None:
    with pytest.raises(InvalidParameter, match=message):
        env_of().reset(options=options)


def test_a_seed_fixes_every_start_that_follows_it(env_of: EnvOf) -> None:
    env = env_of()

    def starts(seed: int) -> list[int]:
        first = env.reset(seed=seed)[1]["bar"]
        return [first] + [env.reset()[1]["bar"] for _ in range(5)]

    assert starts(3) == starts(3)
    assert starts(3) != starts(4)
    assert len(set(starts(3))) > 3


def test_info_tells_equity_weights_and_the_breaker(env_of: EnvOf) -> None:
    env = env_of()
    _, info = env.reset(seed=0)
    assert info["equity"] == 100_000.0
    assert info["weights"].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]
    _, reward, _, _, info = env.step(np.array([0.5, 0.0, 0.0, 0.0, 0.5], np.float32))
    assert info["weights"].tolist() == [0.5, 0.0, 0.0, 0.0, 0.5]
    assert info["weights"].dtype == np.float32
    assert reward == pytest.approx(np.log(info["equity"] / 100_000.0))
    for name in ("day_equity", "previous_equity"):  # whether a new session has begun or not
        env.arena.desk.book.accounts[name] = 1e6
    assert env.step(np.zeros(5, np.float32))[4]["breaker"] == "DAILY_LOSS"


@pytest.mark.parametrize("shape", [(4,), (6,), (1, 5), ()])
def test_actions_of_another_shape_are_refused(env_of: EnvOf, shape: tuple[int, ...]) -> None:
    env = env_of()
    env.reset(seed=0)
    with pytest.raises(InvalidParameter, match=r"actions must have the shape \(5,\), was"):
        env.step(np.zeros(shape, np.float32))


def test_an_unknown_render_mode_is_refused(env_of: EnvOf) -> None:
    with pytest.raises(InvalidParameter, match="one of ansi, human, rgb_array, was 'text'"):
        env_of("text")


def test_a_line_tells_where_the_account_stands(env_of: EnvOf) -> None:
    env = env_of("ansi")
    env.reset(options={"first": 60})
    env.step(np.array([0.25, 0.25, 0.0, 0.0, 0.5], np.float32))
    line = env.render()
    assert isinstance(line, str)
    assert line.startswith("2020-03-02T16:00  equity ")
    assert line.endswith("normal  k0 25%  k1 25%  k2 0%  k3 0%  cash 50%")


def test_a_human_sees_every_step(env_of: EnvOf, capsys: pytest.CaptureFixture[str]) -> None:
    env = env_of("human")
    env.reset(seed=0)
    for _ in range(3):
        env.step(env.action_space.sample())
    assert env.render() is None
    assert capsys.readouterr().out.count("equity") == 3


def test_a_picture_shows_the_episode_so_far(env_of: EnvOf) -> None:
    env = env_of("rgb_array")
    env.reset(seed=0)
    first = env.render()
    for _ in range(5):
        env.step(env.action_space.sample())
    later = env.render()
    assert isinstance(first, np.ndarray)
    assert isinstance(later, np.ndarray)
    assert (later.shape, later.dtype) == ((480, 640, 3), np.uint8)
    assert (first != later).any()


def test_without_a_render_mode_nothing_is_drawn(env_of: EnvOf) -> None:
    env = env_of()
    env.reset(seed=0)
    assert env.render() is None
