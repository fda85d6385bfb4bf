"""A training's settings are possible ones."""

import pytest
from pydantic import ValidationError

from benbot.agents.settings import AgentSettings, PolicySettings


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


def test_a_network_has_the_distribution_it_was_measured_with_unless_told_otherwise() -> None:
    assert PolicySettings().actions == "gaussian"
    assert PolicySettings(network="equivariant").actions == "dirichlet"
    assert PolicySettings(network="equivariant", distribution="gaussian").actions == "gaussian"


@pytest.mark.parametrize(
    ("policy", "other", "message"),
    [
        ({"distribution": "dirichlet"}, {}, "dirichlet needs network: equivariant, was network: m"),
        ({"exchange": "none"}, {}, "exchange is of network: equivariant, was 'none' with network"),
        ({"width": 64}, {}, "width is of network: equivariant, was 64 .* or choose the network"),
        ({"prior": "none"}, {}, "prior is of network: equivariant, was 'none' with network: mlp"),
        (
            {"network": "equivariant"},
            {"net_arch": (8,)},
            r"net_arch needs network: mlp, was \(8,\) with algorithm: ppo, network: equivariant",
        ),
        (
            {"network": "equivariant"},
            {"action_scale": 2.0},
            "action_scale needs distribution: gaussian, was 2.0 with .*: dirichlet",
        ),
        (
            {"network": "equivariant"},
            {"log_std_init": 0.0},
            "log_std_init needs distribution: gaussian, was 0.0",
        ),
    ],
)
def test_what_a_policy_would_not_listen_to_is_refused(
    policy: dict[str, object], other: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        AgentSettings.model_validate({"policy": policy, **other})


@pytest.mark.parametrize(("field", "value"), [("n_epochs", 2), ("clip_range", 0.1)])
def test_a2c_has_neither_epochs_nor_a_clip_range(field: str, value: float) -> None:
    message = f"{field} needs algorithm: ppo or recurrent_ppo, was {value} with algorithm: a2c"
    with pytest.raises(ValidationError, match=message):
        AgentSettings.model_validate({"algorithm": "a2c", field: value})
    assert AgentSettings(algorithm="a2c").gradients_per_update == 1
    assert AgentSettings(n_epochs=3).gradients_per_update == 3


def test_gaussian_actions_of_either_network_have_a_scale() -> None:
    policy = {"network": "equivariant", "distribution": "gaussian"}
    settings = AgentSettings.model_validate({"policy": policy, "action_scale": 2.0})
    assert settings.action_scale == 2.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replay": {"size": 99}}, "replay needs algorithm: sac or td3, was size=99 .*: ppo, net"),
        ({"algorithm": "td3", "sac": {"temperature": 1}}, "sac needs algorithm: sac, was temper"),
        ({"algorithm": "sac", "td3": {"noise": 1}}, "td3 needs algorithm: td3, was noise=1.0"),
        ({"recurrent": {"width": 9}}, "recurrent needs algorithm: recurrent_ppo, was width=9 with"),
        ({"algorithm": "sac", "gae_lambda": 1}, "gae_lambda needs algorithm: ppo, a2c or recurre"),
        ({"algorithm": "td3", "entropy": 0.1}, "entropy needs algorithm: ppo, a2c or recurrent_p"),
        (
            {"algorithm": "sac", "policy": {"network": "equivariant"}},
            "policy needs algorithm: ppo or a2c, was network='equivariant'",
        ),
        (
            {"algorithm": "recurrent_ppo", "batch_size": 32},
            "multiple of n_steps, 64, with algorithm: recurrent_ppo, .* of accounts; was 32",
        ),
    ],
)
def test_what_an_algorithm_would_not_listen_to_is_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        AgentSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("algorithm", "sections"),
    [
        ("ppo", set()),
        ("a2c", set()),
        ("recurrent_ppo", {"recurrent"}),
        ("sac", {"replay", "sac"}),
        ("td3", {"replay", "td3"}),
    ],
)
def test_what_is_written_down_has_the_sections_of_its_algorithm_alone(
    algorithm: str, sections: set[str]
) -> None:
    settings = AgentSettings.model_validate({"algorithm": algorithm})
    for written in (settings.model_dump(), settings.model_dump(mode="json")):
        assert written.keys() & {"recurrent", "replay", "sac", "td3"} == sections
        assert AgentSettings.model_validate(written) == settings
