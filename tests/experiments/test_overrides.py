"""What may follow the name of a configuration on the command line."""

from datetime import date

import pytest

from benbot.envs.errors import BadConfig
from benbot.experiments.overrides import parse_overrides


def test_values_are_yaml_and_paths_are_nested() -> None:
    layer = parse_overrides(
        ["agent.steps=50000", "agent.rate=3e-4", "seeds=[0, 1]", "market.start=2001-01-02", "a=b=c"]
    )
    assert layer.name == "command line"
    assert layer.tree == {
        "agent": {"steps": 50000, "rate": 0.0003},
        "seeds": [0, 1],
        "market": {"start": date(2001, 1, 2)},
        "a": "b=c",
    }


def test_the_last_of_two_wins_also_when_it_changes_the_shape() -> None:
    assert parse_overrides(["a.b=1", "a.b=2"]).tree == {"a": {"b": 2}}
    assert parse_overrides(["a=1", "a.b=2"]).tree == {"a": {"b": 2}}
    assert parse_overrides(["a.b=2", "a=null"]).tree == {"a": None}


@pytest.mark.parametrize("text", ["agent.steps", "=5", ".steps=5", "agent..steps=5", "agent.=5"])
def test_what_is_no_override_is_refused(text: str) -> None:
    with pytest.raises(BadConfig, match=r"must look like agent.total_steps=50000, was"):
        parse_overrides([text])


def test_a_forgotten_value_is_not_taken_for_nothing() -> None:
    with pytest.raises(BadConfig, match=r"needs a value, was 'a.b= '; write a.b=null for none"):
        parse_overrides(["a.b= "])


def test_a_value_that_is_no_yaml_names_its_override() -> None:
    with pytest.raises(BadConfig, match=r"command line, seeds=\[1"):
        parse_overrides(["seeds=[1"])
