"""A bundle of an equivariant policy is whole or refused, and meets other strategies if asked to."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from benbot.agents.bundle import (
    CARD,
    TENSORS,
    Bundle,
    Expectations,
    load_bundle,
    policy_digest,
    save_bundle,
)
from benbot.agents.evaluation import evaluate
from benbot.agents.policy import Allocator
from benbot.agents.shared_policy import SharedAllocator
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, Span
from benbot.envs.observation import Layout
from benbot.envs.vector import EnvironmentSettings

CHOICES: list[dict[str, Any]] = [{"name": "k0"}, {"name": "k1"}, {"name": "k2"}]
Card = dict[str, Any]


@pytest.fixture
def expectations(history: History) -> Expectations:
    return Expectations.of(history, CHOICES, "0123456789abcdef")


@pytest.fixture
def saved(tmp_path: Path, shared_policy: SharedAllocator, expectations: Expectations) -> Path:
    save_bundle(tmp_path / "bundle", shared_policy, expectations, {"torch": "1"})
    return tmp_path / "bundle"


def test_a_bundle_acts_as_the_policy_did_over_a_whole_span(
    saved: Path,
    shared_policy: SharedAllocator,
    history: History,
    environment: EnvironmentSettings,
) -> None:
    loaded = load_bundle(saved)
    loaded.require_fit(Expectations.of(history, CHOICES, "another config"))
    one, two = (
        evaluate(each, history, Span(30, 220), environment)
        for each in (shared_policy, loaded.policy)
    )
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.equity, two.equity)
    assert policy_digest(loaded.policy) == policy_digest(shared_policy)
    assert np.ptp(one.weights, axis=0).max() > 0.1


def test_the_card_tells_the_architecture(saved: Path) -> None:
    told = json.loads((saved / CARD).read_text(encoding="utf-8"))["architecture"]
    assert told["network"] == "equivariant"
    assert (told["width"], told["exchange"], told["prior"]) == (8, "attention", "forecast")
    assert (told["action_scale"], told["retired"]) == (None, [])
    assert told["strategies"] == ["k0", "k1", "k2"]


@pytest.mark.parametrize("where", [0.1, 0.5, 0.999])
def test_a_flipped_bit_in_the_tensors_is_refused(saved: Path, where: float) -> None:
    content = bytearray((saved / TENSORS).read_bytes())
    content[int(where * len(content))] ^= 1
    (saved / TENSORS).write_bytes(content)
    with pytest.raises(RunMismatch, match="fetch the bundle again"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"exchange": "attention"', '"exchange": "mean"'),
        ('"width": 8', '"width": 9'),
        ('"prior": "forecast"', '"prior": "none"'),
        ('"retired": []', '"retired": ["k1"]'),
    ],
)
def test_a_changed_architecture_is_refused(saved: Path, old: str, new: str) -> None:
    text = (saved / CARD).read_text(encoding="utf-8")
    assert old in text
    (saved / CARD).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RunMismatch, match=r"bundle\.json must have the digest"):
        load_bundle(saved)


def forge(folder: Path, change: Callable[[Card, dict[str, Any]], None]) -> None:
    """Change card and tensors and put right digests on them, as a careful forger would."""
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    tensors: dict[str, Any] = dict(load_file(folder / TENSORS))
    change(card, tensors)
    save_file(tensors, folder / TENSORS)
    card["tensors_sha256"] = hashlib.sha256((folder / TENSORS).read_bytes()).hexdigest()
    del card["card_sha256"]
    card["card_sha256"] = hashlib.sha256(json.dumps(card).encode()).hexdigest()
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def wider(card: Card, tensors: dict[str, Any]) -> None:
    card["architecture"]["width"] = 9


def without_prior(card: Card, tensors: dict[str, Any]) -> None:
    card["tensors"].remove("prior")


def gaussian(card: Card, tensors: dict[str, Any]) -> None:
    card["architecture"]["action_scale"] = 3.0


def fewer_features(card: Card, tensors: dict[str, Any]) -> None:
    for each in ("mean", "variance"):
        card["normaliser"]["strategies"][each].pop()


def no_parts(card: Card, tensors: dict[str, Any]) -> None:
    del card["normaliser"]["context"]


def later(card: Card, tensors: dict[str, Any]) -> None:
    card["architecture"]["network"] = "transformer"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (wider, r"those of its architecture; what differs: affinity\.weight, .*The file is"),
        (without_prior, "what differs: prior. The file is damaged"),
        (gaussian, "what differs: log_spread. The file is damaged"),
        (fewer_features, "what differs: the normaliser. The file is damaged"),
        (no_parts, "needs strategies, a context and their number, was KeyError"),
        (later, "recurrent or equivariant, was 'transformer'. A later version wrote it"),
    ],
)
def test_what_contradicts_itself_is_refused_even_with_right_digests(
    saved: Path, change: Callable[[Card, dict[str, Any]], None], message: str
) -> None:
    forge(saved, change)
    with pytest.raises(RunMismatch, match=message):
        load_bundle(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: replace(policy, action_scale=2.0),
        lambda policy: replace(policy, retired=frozenset({"k1"})),
        lambda policy: replace(policy, body=policy.body._replace(exchange="mean")),
        lambda policy: replace(policy, normaliser=policy.normaliser.for_strategies(4)),
    ],
    ids=["scale", "retired", "exchange", "normaliser"],
)
def test_the_digest_of_a_policy_changes_with_whatever_decides(
    shared_policy: SharedAllocator, change: Callable[[SharedAllocator], SharedAllocator]
) -> None:
    assert policy_digest(change(shared_policy)) != policy_digest(shared_policy)
    assert policy_digest(replace(shared_policy)) == policy_digest(shared_policy)


def met_by(expectations: Expectations, names: tuple[str, ...]) -> tuple[Expectations, Layout]:
    layout = Layout(names)
    choices = [{"name": name} for name in names]
    return replace(expectations, layout=list(layout.names), strategies=choices), layout


def test_other_strategies_are_refused_unless_asked_for(
    saved: Path, expectations: Expectations
) -> None:
    kept = load_bundle(saved)
    met, layout = met_by(expectations, ("k2", "k0", "new", "k1"))
    with pytest.raises(RunMismatch, match="the layout must be what the policy was trained on"):
        kept.require_fit(met)
    moved = kept.for_strategies(met, layout)
    moved.require_fit(met)
    assert isinstance(moved.policy, SharedAllocator)
    row = np.random.default_rng(0).normal(size=layout.size).astype(np.float32)
    assert moved.policy.weights(row).shape == (5,)


def test_a_policy_that_has_met_others_is_saved_like_any(
    tmp_path: Path, saved: Path, expectations: Expectations
) -> None:
    met, layout = met_by(expectations, ("k2", "new"))
    policy = load_bundle(saved).for_strategies(met, layout).policy
    assert isinstance(policy, SharedAllocator)
    retired = policy.for_layout(layout, retired=["k2"])
    save_bundle(tmp_path / "moved", retired, met, {})
    again = load_bundle(tmp_path / "moved").policy
    row = np.random.default_rng(0).normal(size=layout.size).astype(np.float32)
    np.testing.assert_array_equal(again.weights(row), retired.weights(row))
    assert again.weights(row)[0] == 0.0


def test_other_rules_are_refused_even_when_other_strategies_are_asked_for(
    shared_policy: SharedAllocator, expectations: Expectations
) -> None:
    met, layout = met_by(expectations, ("k0",))
    poorer = replace(met, rules=met.rules | {"capital": 1.0})
    with pytest.raises(RunMismatch, match=r"the rules must be.*capital expected"):
        Bundle(shared_policy, expectations).for_strategies(poorer, layout)


def test_a_layout_of_something_else_is_refused(
    shared_policy: SharedAllocator, expectations: Expectations
) -> None:
    met, _ = met_by(expectations, ("k0", "k1"))
    with pytest.raises(RunMismatch, match=r"must be that of what is met, of .* from one history"):
        Bundle(shared_policy, expectations).for_strategies(met, Layout(("k1", "k0")))


def test_a_network_that_knows_places_cannot_meet_other_strategies(
    policy: Allocator, expectations: Expectations
) -> None:
    met, layout = met_by(expectations, ("k0",))
    with pytest.raises(RunMismatch, match=r"network: equivariant can meet .* was mlp. Train it"):
        Bundle(policy, expectations).for_strategies(met, layout)
