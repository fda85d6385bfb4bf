"""A training's settings are possible ones."""

import pytest
from pydantic import ValidationError

from benbot.agents.settings import AgentSettings


def test_the_last_update_is_whole() -> None:
    settings = AgentSettings(total_steps=1001, n_envs=10, n_steps=10, batch_size=50)
    assert settings.steps_per_update == 100
    assert settings.n_updates == 11
    assert settings.model_copy(update={"total_steps": 1000}).n_updates == 10


def test_a_batch_must_divide_an_update() -> None:
    message = "n_envs x n_steps, 100, must be a multiple of batch_size, was 30"
    with pytest.raises(ValidationError, match=message):
        AgentSettings(n_envs=10, n_steps=10, batch_size=30)


@pytest.mark.parametrize(
    ("field", "value"),
    [("gamma", 1.01), ("learning_rate", 0.0), ("clip_range", 1.0), ("algorithm", "dqn")],
)
def test_values_outside_their_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        AgentSettings.model_validate({field: value})
