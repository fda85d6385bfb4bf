"""What Gymnasium learns of us when it is imported; light, because that happens in every process."""

import gymnasium as gym

ENVIRONMENT = "BenBot/Allocation-v0"


def register() -> None:
    """Make `gymnasium.make("BenBot/Allocation-v0", config=…)` and `make_vec` work."""
    gym.register(
        id=ENVIRONMENT,
        entry_point="benbot.experiments.environments:make_env",
        vector_entry_point="benbot.experiments.environments:make_vector_env",
    )
