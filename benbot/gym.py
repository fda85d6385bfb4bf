"""Importing this makes our environments known to Gymnasium, and loads nothing else of ours.

Gymnasium imports the module that stands before a colon, so no import of one's own is needed:
`gymnasium.make("benbot.gym:BenBot/Allocation-v0", config="quickstart")`.
"""

import gymnasium as gym

ENVIRONMENT = "BenBot/Allocation-v0"

gym.register(
    id=ENVIRONMENT,
    entry_point="benbot.experiments.environments:make_env",
    vector_entry_point="benbot.experiments.environments:make_vector_env",
)
