"""What may be searched, and what of it is refused before anything is tried."""

from pathlib import Path
from typing import Any

import pytest

from benbot.envs.errors import BadConfig
from benbot.experiments.config import load_config
from benbot.experiments.overrides import parse_overrides
from benbot.experiments.resolved import config_digest
from benbot.experiments.tuning.search_space import Choice, Range, as_override
from benbot.experiments.tuning.tuning import check_space

BASE = "extends: quickstart\nagent: {total_steps: 20000}\n"


def space(folder: Path, tuning: str) -> Any:  # noqa: ANN401
    """Return the space of a configuration after all checks."""
    path = folder / "mine.yaml"
    path.write_text(f"{BASE}tuning: {tuning}\n")
    return check_space(load_config(path))


def test_two_whole_numbers_are_a_range_of_whole_numbers(tmp_path: Path) -> None:
    found = space(
        tmp_path,
        "{agent.n_epochs: {low: 1, high: 4}, agent.gamma: {low: 0.5, high: 1}, "
        "agent.net_arch: {choices: [[8], [16, 8]]}}",
    )
    assert found["agent.n_epochs"] == Range(low=1, high=4)
    assert found["agent.n_epochs"].is_whole
    assert not found["agent.gamma"].is_whole
    assert isinstance(found["agent.n_epochs"].value(2.0), int)
    assert found["agent.gamma"].value(0.75) == 0.75
    assert found["agent.net_arch"] == Choice(choices=([8], [16, 8]))
    assert found["agent.net_arch"].value(1) == [16, 8]


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ("{}", r"tuning needs a key or more, was none\. Add one, such as tuning: \{agent\.learn"),
        ("null", "benbot tune needs a section tuning in the configuration, was none"),
        (
            "{agent.learnig_rate: {low: 0.1, high: 0.2}}",
            r"agent\.learnig_rate is no key; did you mean 'learning_rate'\?",
        ),
        (
            "{agent.gamma: {low: 0.9, high: 0.9}}",
            r"tuning\.agent\.gamma: low must be less than high, was 0\.9 and 0\.9",
        ),
        ("{agent.gamma: {low: 0.9, high: 0.1}}", r"less than high, was 0\.9 and 0\.1"),
        (
            "{agent.gamma: {low: 0, high: 0.9, log: true}}",
            "low must be above 0 with log: true, was 0",
        ),
        ("{agent.gamma: {low: 0.9}}", r"tuning\.agent\.gamma\.high is needed"),
        ("{agent.gamma: {low: 0.9, hihg: 1}}", r"gamma\.hihg is no key"),
        ("{agent.gamma: {choices: [0.9]}}", r"must have at least 2 item\(s\)"),
        (
            "{agent.gamma: {low: 0.9, high: 2.0}}",
            r"tuning, agent\.gamma=2\.0: .*less than or equal",
        ),
        (
            "{agent.net_arch: {choices: [[8], [eight]]}}",
            r"tuning, agent\.net_arch=\[\"eight\"\]: .*must be a valid integer",
        ),
        (
            "{agent.sac.temperature: {low: 0.1, high: 1.0}}",
            r"tuning, agent\.sac\.temperature=0\.1: .*sac needs algorithm: sac",
        ),
        (
            "{agent.n_envs: {low: 8, high: 64}}",
            r"n_envs=8: .*512, must be a multiple of batch_size",
        ),
        (
            "{agent.total_steps: {low: 10, high: 20}}",
            "so that every trial has the same budget, was",
        ),
        (
            "{agent.evaluations: {low: 10, high: 20}}",
            r"was agent\.evaluations\. Set it in the conf",
        ),
        (
            "{market.seed: {low: 1, high: 9}}",
            r"begin with agent\. or environment\.reward\., since trials on .* was market",
        ),
        (
            "{segments.test.start: {choices: [2001-01-01, 2002-01-01]}}",
            "cannot be compared; was seg",
        ),
        ("{desk.capital: {low: 1000, high: 9000}}", r"cannot be compared; was desk\.capital"),
        ("{environment.episode_bars: {low: 10, high: 99}}", "was environment.episode_bars"),
    ],
)
def test_a_search_that_could_not_be_made_is_refused(
    tmp_path: Path, tuning: str, message: str
) -> None:
    with pytest.raises(BadConfig, match=message):
        space(tmp_path, tuning)


def test_the_reward_that_is_learned_from_may_be_searched(tmp_path: Path) -> None:
    found = space(
        tmp_path, "{environment.reward.name: {choices: [log_growth, differential_sharpe]}}"
    )
    assert found["environment.reward.name"].choices == ("log_growth", "differential_sharpe")


@pytest.mark.parametrize(
    "value",
    [1e-05, 3, -0.5, True, None, "sac", "true", "null", "1e3", "a b", [16, 8], [], {"start": 1e-3}],
)
def test_an_override_is_read_as_the_very_same_value(value: Any) -> None:  # noqa: ANN401
    text = as_override("agent.it", value)
    assert parse_overrides([text]).tree == {"agent": {"it": value}}
    assert "sac" not in text or text == "agent.it=sac"


def test_what_else_might_be_tried_does_not_change_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BASE)
    plain = config_digest(load_config(path))
    path.write_text(f"{BASE}tuning: {{agent.gamma: {{low: 0.5, high: 0.9}}}}\n")
    assert config_digest(load_config(path)) == plain
