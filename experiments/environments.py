"""The environments by the name of a configuration, for `gymnasium.make` and `make_vec`."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from benbot.envs.allocation import AllocationEnv
from benbot.envs.vector import AllocationVectorEnv
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.verdict.opening import warn_of_test


def make_env(
    config: str | Path = "quickstart",
    segment: str = "fit",
    overrides: Sequence[str] = (),
    render_mode: str | None = None,
) -> AllocationEnv:
    """Return one environment over a segment (fit, valid or test) of a configuration.

    An environment belongs to no run, so nobody counts what is asked of it on `test`: it warns.
    """
    warn_of_test(segment, "an environment")
    prepared = _prepared(load_config(config, overrides).model_dump_json())
    span = prepared.span(segment)
    return AllocationEnv(prepared.history, span, prepared.config.environment, render_mode)


def make_vector_env(
    num_envs: int = 1,
    config: str | Path = "quickstart",
    segment: str = "fit",
    overrides: Sequence[str] = (),
) -> AllocationVectorEnv:
    """Return `num_envs` environments in one batch over a segment; warns of `test`, likewise."""
    warn_of_test(segment, "a batch of environments")
    prepared = _prepared(load_config(config, overrides).model_dump_json())
    span = prepared.span(segment)
    return AllocationVectorEnv(prepared.history, span, prepared.config.environment, num_envs)


@lru_cache(maxsize=4)
def _prepared(config: str) -> Prepared:
    """Prepare a configuration once; its text is the key, since a file of one name may change."""
    return prepare_experiment(ExperimentConfig.model_validate_json(config))
