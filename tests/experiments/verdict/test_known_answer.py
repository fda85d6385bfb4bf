"""What share of the possible an agent has found, and where the possible comes from."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.agents.oracle import OracleSettings, Plan
from benbot.envs.errors import BadConfig, RunMismatch
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.verdict import known_answer
from benbot.experiments.verdict.known_answer import (
    PLAN_FILE,
    find_plan,
    found_sentence,
    oracle_of,
    read_plan,
    share_found,
    write_plan,
)

SMALL = ("oracle.markets=2", "oracle.n_bars=1000", "oracle.rounds=2")


@pytest.fixture(scope="module")
def prepared(workshop: Any) -> Prepared:  # noqa: ANN401
    return prepare_experiment(load_config(workshop.config, SMALL))


def grown(make: Any, name: str, growth: float) -> Any:  # noqa: ANN401
    """Return an account of a year that grew by so much in the logarithm."""
    return make(1e5 * np.exp(np.linspace(0.0, growth, 253)), name=name)


def test_the_share_lies_between_equal_weight_and_the_oracle(make_evaluation: Any) -> None:  # noqa: ANN401
    others = [grown(make_evaluation, *one) for one in (("equal_weight", 0.05), ("oracle", 0.25))]
    for growth, share in ((0.05, 0.0), (0.15, 0.5), (0.25, 1.0), (-0.05, -0.5), (0.29, 1.2)):
        agent = grown(make_evaluation, "agent", growth)
        assert share_found(agent, others) == pytest.approx(share)


def test_there_is_no_share_where_nothing_can_be_found(make_evaluation: Any) -> None:  # noqa: ANN401
    agent, equal = (grown(make_evaluation, name, 0.05) for name in ("agent", "equal_weight"))
    assert np.isnan(share_found(agent, [equal]))
    assert np.isnan(share_found(agent, [equal, grown(make_evaluation, "oracle", 0.04)]))
    assert found_sentence([agent], [equal]) == ""


def test_the_share_is_told_for_each_seed(make_evaluation: Any) -> None:  # noqa: ANN401
    others = [grown(make_evaluation, *one) for one in (("equal_weight", 0.0), ("oracle", 0.2))]
    seeds = [grown(make_evaluation, "agent", growth) for growth in (0.1, 0.16)]
    told = "65% of what the oracle grows over equal weight (by seed: 50%, 80%)"
    assert found_sentence(seeds, others) == told
    assert found_sentence(seeds[:1], others) == "50% of what the oracle grows over equal weight"


def test_a_plan_is_learned_on_markets_that_are_not_the_runs_own(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[SyntheticSource] = []

    def note(source: SyntheticSource) -> Any:  # noqa: ANN401
        drawn.append(source)
        return generate(source)

    monkeypatch.setattr(known_answer, "generate", note)
    settings = prepared.config.oracle
    assert settings is not None
    plan = find_plan(prepared, settings, lambda done, best: None)
    own = prepared.config.market
    assert len({source.seed for source in drawn} | {own.seed}) == 3
    assert all(
        source.model_copy(update={"seed": own.seed, "n_bars": own.n_bars}) == own
        for source in drawn
    )
    again = find_plan(prepared, settings, lambda done, best: None)
    assert plan.growth == again.growth
    assert plan.weights.tolist() == again.weights.tolist()


def test_the_oracle_follows_the_probabilities_of_the_runs_own_market(prepared: Prepared) -> None:
    own = generate(prepared.config.market)
    n_entries = prepared.history.signals.n_strategies + 1
    plan = Plan(np.eye(own.filtered.shape[1], n_entries), 0.0)
    span = prepared.spans["test"]
    oracle = oracle_of(prepared, plan, span)
    for t in range(span.first, span.first + 3):
        held = oracle.weights(np.zeros(0, np.float32))
        assert held[: own.filtered.shape[1]] == pytest.approx(own.filtered[t], abs=1e-6)


def test_the_oracle_of_a_prefix_is_the_prefix_of_the_oracle(workshop: Any) -> None:  # noqa: ANN401
    """What it holds at a close does not change when more bars follow."""
    held = []
    for n_bars in (1500, 1800):
        own = prepare_experiment(load_config(workshop.config, (f"market.n_bars={n_bars}",)))
        oracle = oracle_of(own, Plan(np.eye(3, 4), 0.0), own.spans["test"])
        held.append([oracle.weights(np.zeros(0, np.float32)).tolist() for _ in range(100)])
    assert held[0] == held[1]


def test_a_plan_is_written_so_that_people_can_read_it(prepared: Prepared, tmp_path: Path) -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(4), 3)
    path = tmp_path / PLAN_FILE
    write_plan(path, Plan(weights, 0.125), prepared)
    told = json.loads(path.read_text())
    assert list(told["plan"]) == ["advance", "range", "decline"]
    assert list(told["plan"]["range"]) == [
        "rsi_reversion",
        "ma_crossover",
        "bollinger_reversion",
        "cash",
    ]
    kept = read_plan(path, prepared)
    assert (kept.growth, kept.weights.tolist()) == (0.125, weights.tolist())


@pytest.mark.parametrize("text", ["", "{", "{}", '{"growth": 1, "plan": [1]}', '{"growth": "x"}'])
def test_a_damaged_plan_is_refused(prepared: Prepared, text: str, tmp_path: Path) -> None:
    path = tmp_path / PLAN_FILE
    path.write_text(text)
    with pytest.raises(RunMismatch, match="Delete it to search again"):
        read_plan(path, prepared)


def test_the_shares_of_a_plan_are_found_by_their_names(prepared: Prepared, tmp_path: Path) -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(4), 3)
    path = tmp_path / PLAN_FILE
    write_plan(path, Plan(weights, 0.125), prepared)
    told = json.loads(path.read_text())
    told["plan"] = dict(reversed(told["plan"].items()))
    path.write_text(json.dumps(told))
    assert read_plan(path, prepared).weights.tolist() == weights.tolist()
    told["plan"].pop("range")
    path.write_text(json.dumps(told))
    with pytest.raises(RunMismatch, match=r"KeyError.'range'"):
        read_plan(path, prepared)


def test_an_oracle_needs_a_market_whose_parameters_are_known() -> None:
    with pytest.raises(BadConfig, match=r"market\.source: synthetic, was dataset"):
        load_config("quickstart", ["oracle.rounds=1"])


def test_an_oracle_needs_markets_longer_than_the_warm_up(prepared: Prepared) -> None:
    slow = prepared.config.regime.model_copy(update={"volatility_history": 5000})
    config = prepared.config.model_copy(update={"regime": slow})
    late = Prepared(config, prepared.strategies, prepared.history, prepared.spans)
    with pytest.raises(BadConfig, match=r"oracle\.n_bars must be at least 5273, .* was 1000"):
        find_plan(late, OracleSettings(n_bars=1000), lambda done, best: None)


def test_a_training_with_an_oracle_is_measured_against_it(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On this seed the oracle earns more than equal weight, so there is something to share."""
    wild = ("market.seed=5", "market.idiosyncratic_volatility=0.5")
    sought = ("oracle.markets=2", "oracle.n_bars=1500", "oracle.rounds=4")
    said = workshop.train(*wild, *sought, "seeds=[0]", "tracking.experiment=with_oracle")
    run_id = said.partition("Run       ")[2].split()[0]
    assert "oracle" in workshop.children(run_id)
    folder = workshop.runs / run_id
    assert len(json.loads((folder / PLAN_FILE).read_text())["plan"]) == 3
    run = workshop.tracker.find_run(run_id)
    assert json.loads(run.read_file(PLAN_FILE))["plan"].keys() == {"advance", "range", "decline"}
    other = {
        name: run.metrics[f"baseline/{name}/log_growth"] for name in ("oracle", "equal_weight")
    }
    possible = other["oracle"] - other["equal_weight"]
    assert possible > 0.0
    share = (run.metrics["test/log_growth"] - other["equal_weight"]) / possible
    assert run.metrics["test/share_of_oracle"] == pytest.approx(share)
    assert f"Found     {share:.0%} of what the oracle grows" in said
