"""A configuration as it is recorded: whole as YAML, by dotted keys, and as a digest."""

import hashlib
import json
from typing import Any

from benbot.envs.settings import Settings
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.yaml_files import write_yaml
from benbot.strategies.learning.settings import DEFAULT as NOTHING_LEARNED

# What a result is called, where it is recorded, how often it is repeated, what it is compared with
# and what else might be tried does not change it.
NOT_DIGESTED = {"name", "tracking", "seeds", "baselines", "tuning"}
# There was no other before policies had settings, so that it leaves digests as they were.
FIRST_NETWORK = "mlp"


def resolved_yaml(config: Settings) -> str:
    """Return a configuration as YAML with everything that it left to defaults.

    Loading it gives an equal configuration.
    """
    return write_yaml(config.model_dump())


def config_digest(config: ExperimentConfig) -> str:
    """Return sixteen hex digits that change whenever what is trained and judged changes.

    The name, the tracking, the seeds and the baselines do not count: two runs with the same digest,
    data digest and commit can be pooled over their seeds.
    """
    counted = config.model_dump(mode="json", exclude=NOT_DIGESTED)
    if config.agent.policy.network == FIRST_NETWORK:
        del counted["agent"]["policy"]
    if config.agent.patience is None:  # as before there was any
        del counted["agent"]["patience"]
    if config.evolution is None:
        del counted["evolution"]
    if config.learning == NOTHING_LEARNED:  # as before there was any
        del counted["learning"]
    canonical = json.dumps(counted, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def flat_config(config: Settings) -> dict[str, str]:
    """Return every value by its dotted key, as text, the way runs are compared by it."""
    return dict(_flat(config.model_dump(mode="json")))


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", _text(value)))
    return pairs


def _text(value: object) -> str:
    """Return a value as one line; a strategy without parameters is its name."""
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        rest = " ".join(f"{key}={_text(item)}" for key, item in value.items() if key != "name")
        return " ".join(part for part in (str(value.get("name", "")), rest) if part)
    return "null" if value is None else str(value)
