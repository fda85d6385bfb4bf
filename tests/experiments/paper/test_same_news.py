"""A policy that was trained with news meets news that are scored and fade as they did, or none."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benbot.envs.errors import RunMismatch
from benbot.envs.market.news_settings import SyntheticNews
from benbot.experiments.config import ExperimentConfig, find_config, load_config
from benbot.experiments.paper.alpaca import LOOK_BACK, n_bars_needed
from benbot.experiments.paper.subject import _require_same_news


def other(config: ExperimentConfig, **news: object) -> ExperimentConfig:
    """Return the configuration with other news."""
    assert isinstance(config.market.news, SyntheticNews)  # type: ignore[union-attr]
    changed = config.market.news.model_copy(update=news)  # type: ignore[union-attr]
    market = config.market.model_copy(update={"news": changed})
    return config.model_copy(update={"market": market})


def test_news_that_are_made_otherwise_are_refused(tmp_path: Path) -> None:
    written = find_config("synthetic_news")
    (tmp_path / "config.yaml").write_text(written.read_text("utf-8"), "utf-8")
    config = load_config(written)
    _require_same_news(tmp_path, config)
    _require_same_news(tmp_path, other(config, items_per_year=3.0))  # other items are no reason
    for name, value in (("mood_half_life", 9.0), ("novelty_bars", 3), ("scorer", "linear")):
        with pytest.raises(
            RunMismatch, match=rf"trained with market\.news\.{name} .*, was {value}"
        ):
            _require_same_news(tmp_path, other(config, **{name: value}))
    bare = config.model_copy(update={"market": config.market.model_copy(update={"news": None})})
    with pytest.raises(RunMismatch, match=r"market\.news\.scorer vader, was of none"):
        _require_same_news(tmp_path, bare)


def test_the_history_of_an_account_is_long_enough_to_know_its_news() -> None:
    config = load_config(find_config("synthetic_news"))
    rules = {
        "strategies": (SimpleNamespace(warmup=30),),
        "history": SimpleNamespace(regime=SimpleNamespace(warmup=60)),
        "market": SimpleNamespace(n_bars=100, session=np.arange(100)),
    }
    for usual_bars, n in ((50, 60 + LOOK_BACK), (900, 901 + LOOK_BACK)):
        prepared = SimpleNamespace(config=other(config, usual_bars=usual_bars), **rules)
        assert n_bars_needed(prepared) == n  # type: ignore[arg-type]
