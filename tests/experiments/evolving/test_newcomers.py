"""A configuration remembers on which bars its strategies were bred, whoever passes it on."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.evolving.newcomers import find_newcomers
from benbot.experiments.evolving.result import seen_until
from benbot.experiments.resolved import config_digest
from benbot.experiments.tracking.tracker import open_tracker
from benbot.experiments.training import run as run_module
from benbot.experiments.training.preparation import Prepared, require_unseen_test

BRED = """
extends: {own}
strategies: [rsi_reversion, {{label: new, program: '{{"version": 1, "signal": "return_5"}}'}}]
{more}
"""


def found(workshop: Any, tmp_path: Path, more: str, *own: str) -> ExperimentConfig:  # noqa: ANN401
    """Return a configuration that was given the program of another one."""
    path = tmp_path / "evolved.yaml"
    path.write_text(BRED.format(own=workshop.config, more=more))
    config = load_config(workshop.config, own)
    return find_newcomers(str(path), tmp_path, config).joining(config, str(path))


def test_the_later_day_is_remembered_whoever_passes_the_strategies_on(
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    plain = load_config(workshop.config)
    assert seen_until(plain) == date(2004, 6, 30)  # the end of valid
    assert found(workshop, tmp_path, "").bred_until == date(2004, 6, 30)
    late = "bred_until: 2009-12-31"
    assert found(workshop, tmp_path, late).bred_until == date(2009, 12, 31)
    own = found(workshop, tmp_path, late, "bred_until=2010-01-31")
    assert own.bred_until == date(2010, 1, 31)
    assert seen_until(own) == date(2010, 1, 31)


def test_a_configuration_of_which_nothing_was_bred_says_nothing_of_it(workshop: Any) -> None:  # noqa: ANN401
    plain, bred = (load_config(workshop.config, more) for more in ([], ["bred_until=2004-06-30"]))
    assert "bred_until" not in plain.model_dump()
    assert config_digest(plain) != config_digest(bred)


def prepared(config: ExperimentConfig) -> Any:  # noqa: ANN401
    """Return as much of what is prepared as is looked at: days, and test from the fourth on."""

    class Market:
        days = np.arange("2005-01-01", "2005-01-10", dtype="datetime64[D]")

    class History:
        market = Market()

    return Prepared(config, (), History(), {"test": Span(3, 8)})  # type: ignore[arg-type]


def test_nobody_is_judged_on_bars_of_which_some_bred_the_strategies(workshop: Any) -> None:  # noqa: ANN401
    config = load_config(workshop.config)
    for seen in (None, date(2005, 1, 3)):
        require_unseen_test(prepared(config.model_copy(update={"bred_until": seen})))
    late = prepared(config.model_copy(update={"bred_until": date(2005, 1, 4)}))
    with pytest.raises(BadConfig, match=r"after bred_until, 2005-01-04, .*, was 2005-01-04"):
        require_unseen_test(late)


def test_a_training_on_them_is_refused_before_there_is_a_run(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_module, "prepare_shown", lambda config, display: prepared(config))
    settings = elsewhere(load_config(workshop.config))
    tracker = open_tracker(settings.tracking)
    with pytest.raises(BadConfig, match="test must begin after bred_until"):
        workshop.train("tracking.experiment=bred on test", "bred_until=2005-06-30")
    assert not tracker._client.search_runs([tracker.experiment_id])


def elsewhere(config: ExperimentConfig) -> ExperimentConfig:
    tracking = config.tracking.model_copy(update={"experiment": "bred on test"})
    return config.model_copy(update={"tracking": tracking})
