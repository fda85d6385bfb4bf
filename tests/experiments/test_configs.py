"""The configurations that come with the project are sound, and editors know their keys."""

import json
from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig
from benbot.experiments.config import PACKAGED, load_config, packaged_configs
from benbot.experiments.schema import json_schema


def test_the_packaged_configurations_are_those_that_the_project_promises() -> None:
    assert set(packaged_configs()) == {
        "quickstart",
        "sp500_20",
        "synthetic_planted",
        "synthetic_no_edge",
        "us_stocks_daily",
        "us_minutes",
        "synthetic_news",
        "sp500_20_library",
        "sp500_20_mixture",
        "sp500_20_walk",
        "us_stocks_library",
        "evolve_quickstart",
        "evolve_parameters",
        "evolve_us_stocks",
        "orchestrate_quickstart",
        "orchestrate_us_stocks",
    }


@pytest.mark.parametrize("name", packaged_configs())
def test_a_packaged_configuration_is_called_what_its_file_is_called(name: str) -> None:
    config = load_config(name)
    assert config.name == name
    assert config.tracking.experiment == name
    assert config == load_config(PACKAGED / f"{name}.yaml")


def test_the_published_schema_is_the_schema() -> None:
    published = (PACKAGED / "schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == json_schema()


def test_the_market_without_an_edge_differs_in_its_edge_and_its_costs_only() -> None:
    planted, without = load_config("synthetic_planted"), load_config("synthetic_no_edge")
    for part in ("strategies", "segments", "agent", "seeds", "environment", "regime"):
        assert getattr(planted, part) == getattr(without, part), part
    assert without.market == planted.market.model_copy(update={"variant": "no_edge", "spread": 0.0})
    costs = without.desk.costs
    assert (costs.half_spread, costs.commission_rate, costs.impact, costs.borrow_rate) == (0,) * 4


def test_a_file_of_ones_own_may_extend_a_packaged_configuration(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("extends: quickstart\nname: own\n")
    own, quickstart = load_config(tmp_path / "own.yaml"), load_config("quickstart")
    assert own == quickstart.model_copy(update={"name": "own"})


def test_a_rule_about_news_needs_news_and_an_oracle_none() -> None:
    with pytest.raises(BadConfig, match="news_diamond needs news in the market config, was a"):
        load_config("quickstart", ["strategies=[news_diamond, rsi_reversion]"])
    with pytest.raises(BadConfig, match=r"news_diamond needs news.*Set market\.news"):
        load_config("synthetic_planted", ["strategies=[news_diamond]", "oracle=null"])
    with pytest.raises(BadConfig, match="oracle knows the hidden regimes and no news"):
        load_config("synthetic_news", ["oracle={}"])
