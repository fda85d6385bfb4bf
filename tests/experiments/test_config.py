"""Experiments are read, checked, written back and told apart."""

import json
from datetime import date
from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig, UnknownName
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.config import ExperimentConfig, load_config, packaged_configs
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.schema import json_schema

SMALL = """
name: small
market: {source: synthetic, seed: 3, n_bars: 400}
strategies: [rsi_reversion, {name: ma_crossover, fast: 4}]
segments:
  fit: {start: 2000-01-03, end: 2000-09-29}
  valid: {start: 2000-10-02, end: 2000-12-29}
  test: {start: 2001-01-02, end: 2001-06-29}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(BadConfig) as caught:
        load_config(path, overrides)
    return str(caught.value)


def test_a_file_and_its_overrides_make_an_experiment(small: Path) -> None:
    config = load_config(small, ["agent.total_steps=5000", "seeds=[4, 5]"])
    assert config.market == SyntheticSource(seed=3, n_bars=400)
    assert [choice.name for choice in config.strategies] == ["rsi_reversion", "ma_crossover"]
    assert config.segments.test.end == date(2001, 6, 29)
    assert (config.agent.total_steps, config.seeds) == (5000, (4, 5))
    assert config.tracking.uri == "sqlite:///mlflow.db"


@pytest.mark.parametrize("name", packaged_configs())
def test_every_packaged_configuration_is_sound_and_comes_back_equal(
    name: str, tmp_path: Path
) -> None:
    config = load_config(name)
    path = tmp_path / "resolved.yaml"
    path.write_text(resolved_yaml(config))
    again = load_config(path)
    assert again == config
    assert config_digest(again) == config_digest(config)


def test_everything_survives_being_written(small: Path, tmp_path: Path) -> None:
    config = load_config(small, ["desk.costs.impact=0.25", "tracking.artifacts=null"])
    path = tmp_path / "resolved.yaml"
    path.write_text(resolved_yaml(config))
    assert load_config(path) == config
    assert "impact: 0.25" in path.read_text()


def test_a_configuration_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UnknownName, match=r"was 'quickstrat'. Did you mean quickstart or"):
        load_config("quickstrat")
    with pytest.raises(BadConfig, match=r"must be a file that exists, was nowhere.yaml"):
        load_config("nowhere.yaml")


def test_a_misspelt_key_is_answered_with_the_right_one(small: Path) -> None:
    assert refusal(small, "agent.n_env=3") == (
        "command line: agent.n_env is no key; did you mean 'n_envs'?"
    )


def test_another_source_on_the_command_line_replaces_the_market(small: Path) -> None:
    config = load_config(small, ["market.source=dataset", "market.start=1999-01-04"])
    assert config.market.source == "dataset"
    assert config.market.start == date(1999, 1, 4)


def test_segments_that_overlap_are_refused_with_their_days(small: Path) -> None:
    said = refusal(small, "segments.valid.start=2000-09-29")
    assert "segments: valid must begin after fit ends" in said
    assert "was fit until 2000-09-29 and valid from 2000-09-29" in said
    assert "test must begin after valid ends" in refusal(small, "segments.valid.end=2001-01-02")


def test_segments_out_of_order_leak_and_are_refused(small: Path) -> None:
    said = refusal(small, "segments.test={start: 1999-01-04, end: 1999-12-31}")
    assert "test must begin after valid ends" in said


def test_a_segment_that_ends_before_it_starts_is_refused(small: Path) -> None:
    assert refusal(small, "segments.test.end=2001-01-01") == (
        "command line: segments.test: start must not come after end, was 2001-01-02 to 2001-01-01"
    )


def test_a_missing_segment_is_explained(small: Path) -> None:
    assert refusal(small, "segments.test=null").startswith(
        "command line: segments.test is needed (what everybody is judged on, once)"
    )


def test_a_strategy_that_does_not_exist_is_refused_before_anything_runs(small: Path) -> None:
    assert "was 'rsi_revrsion'. Did you mean rsi_reversion" in refusal(
        small, "strategies=[rsi_revrsion]"
    )
    assert "was 'fats'. Did you mean fast?" in refusal(
        small, "strategies=[{name: ma_crossover, fats: 3}]"
    )
    assert "needs a name of its own, was twice: rsi_reversion" in refusal(
        small, "strategies=[rsi_reversion, rsi_reversion]"
    )


def test_seeds_must_be_distinct_and_not_negative(small: Path) -> None:
    assert "must be distinct and not negative, was [1, 1]" in refusal(small, "seeds=[1, 1]")
    assert "was [-1]" in refusal(small, "seeds=[-1]")
    assert "at least 1 item" in refusal(small, "seeds=[]")


def test_hidden_states_are_chosen_by_name_and_refused_where_they_make_no_sense(
    small: Path,
) -> None:
    assert load_config(small).regime.method == "rules"
    chosen = "regime={method: hidden_markov, hidden_markov: {n_states: 3}}"
    assert load_config(small, [chosen]).regime.warmup == 1 + 504 + 91
    for wrong, message in (
        ("regime.method=hmm", "must be 'rules' or 'hidden_markov', was 'hmm'"),
        ("regime.hidden_markov.n_states=1", "n_states must be greater than or equal to 2, was 1"),
        ("regime.hidden_markov.n_states=4", "n_states must be less than or equal to 3, was 4"),
        ("regime.hidden_markov.window=50", "window must be at least 120, 20 bars for each of"),
    ):
        assert message in refusal(small, wrong), wrong


def test_a_store_that_mlflow_no_longer_keeps_is_refused(small: Path) -> None:
    assert "must begin with sqlite:///" in refusal(small, "tracking.uri=./mlruns")


def test_the_digest_follows_what_is_trained_and_nothing_else(small: Path) -> None:
    plain = config_digest(load_config(small))
    assert len(plain) == 16
    unchanging = ("name=other", "seeds=[7]", "tracking.experiment=other")
    for same in (*unchanging, "agent.policy.network=mlp", "agent.policy.distribution=gaussian"):
        assert config_digest(load_config(small, [same])) == plain, same
    for other in (
        "agent.total_steps=1",
        "agent.policy.network=equivariant",
        "market.seed=4",
        "desk.capital=1e6",
        "regime.trend_window=50",
    ):
        assert config_digest(load_config(small, [other])) != plain, other


def test_the_digest_does_not_depend_on_the_order_of_keys(small: Path) -> None:
    plain = config_digest(load_config(small))
    head, tail = SMALL.split("segments:")
    small.write_text(f"segments:{tail}{head}")
    assert config_digest(load_config(small)) == plain
    one = load_config(small, ["strategies=[{name: ma_crossover, fast: 3, slow: 9}]"])
    other = load_config(small, ["strategies=[{slow: 9, fast: 3, name: ma_crossover}]"])
    assert config_digest(one) == config_digest(other)


def test_every_value_has_a_dotted_name(small: Path) -> None:
    flat = flat_config(load_config(small, ["seeds=[1, 2]"]))
    assert flat["market.seed"] == "3"
    assert flat["segments.fit.start"] == "2000-01-03"
    assert flat["strategies"] == "rsi_reversion, ma_crossover fast=4"
    assert flat["seeds"] == "1, 2"
    assert flat["tracking.artifacts"] == "null"


def test_the_schema_knows_every_section_and_demands_none() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == {"extends", *ExperimentConfig.model_fields}
    assert "required" not in schema
    agent = schema["$defs"]["AgentSettings"]
    assert "description" in agent["properties"]["total_steps"]
    assert agent["additionalProperties"] is False
    kinds = schema["properties"]["market"]["anyOf"]
    assert len(kinds) == 3


def test_only_baselines_that_exist_are_compared_with(small: Path) -> None:
    assert load_config(small, ["baselines=[cash, hedge]"]).baselines == ("cash", "hedge")
    assert "hierarchical_parity" in load_config(small).baselines
    said = refusal(small, "baselines=[cash, hegde]")
    assert said.endswith("baseline must be one that exists, was 'hegde'. Did you mean hedge?")
    assert "must be distinct, was cash, cash" in refusal(small, "baselines=[cash, cash]")
    assert "must have at least 1 item(s)" in refusal(small, "baselines=[]")
    said = refusal(small, "baselines=[cash]", "oracle={}")
    assert "oracle needs equal_weight among the baselines" in said


def test_whom_a_run_is_compared_with_does_not_change_its_digest(small: Path) -> None:
    assert config_digest(load_config(small, ["baselines=[cash]"])) == config_digest(
        load_config(small)
    )


def test_no_digest_counts_what_there_was_not_before_there_were_more_algorithms(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    def dumps(value: object, **how: object) -> str:
        counted.append(repr(value))
        return counted[-1]

    monkeypatch.setattr("benbot.experiments.resolved.json.dumps", dumps)
    plain = config_digest(load_config(small))
    assert not [
        name
        for name in ("patience", "replay", "sac", "tuning", "learning")
        if f"'{name}'" in counted[0]
    ]
    changes = ("agent.patience=3", "agent.entropy={start: 0.1, end: 0}", "learning.affinity=true")
    for change in changes:
        assert config_digest(load_config(small, [change])) != plain, change
