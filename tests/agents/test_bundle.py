"""A bundle acts as the policy did, and refuses to act where it should not."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
from benbot.agents.normaliser import Moments, ObservationNormaliser
from benbot.agents.policy import Allocator
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

CHOICES: list[dict[str, Any]] = [{"name": "k0", "window": 5}, {"name": "k1"}, {"name": "k2"}]


@pytest.fixture
def expectations(history: History) -> Expectations:
    return Expectations.of(history, CHOICES, "0123456789abcdef")


@pytest.fixture
def saved(tmp_path: Path, policy: Allocator, expectations: Expectations) -> Path:
    folder = tmp_path / "deep" / "bundle"
    save_bundle(folder, policy, expectations, {"torch": "1"})
    return folder


def test_a_bundle_acts_as_the_policy_did_over_a_whole_span(
    saved: Path, policy: Allocator, history: History, environment: EnvironmentSettings
) -> None:
    loaded = load_bundle(saved)
    loaded.require_fit(Expectations.of(history, CHOICES, "another config"))
    one, two = (
        evaluate(each, history, Span(30, 220), environment) for each in (policy, loaded.policy)
    )
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.equity, two.equity)
    assert policy_digest(loaded.policy) == policy_digest(policy)
    assert np.ptp(one.weights, axis=0).max() > 0.1


def test_a_bundle_says_what_it_was_trained_on(saved: Path, expectations: Expectations) -> None:
    assert load_bundle(saved).expectations == expectations
    card = json.loads((saved / CARD).read_text(encoding="utf-8"))
    assert card["architecture"] == {"network": "mlp", "net_arch": [8], "action_scale": 3.0}
    assert card["versions"] == {"torch": "1"}


@pytest.mark.parametrize("where", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_flipped_bit_in_the_tensors_is_refused(saved: Path, where: float) -> None:
    content = bytearray((saved / TENSORS).read_bytes())
    content[int(where * len(content))] ^= 1
    (saved / TENSORS).write_bytes(content)
    with pytest.raises(RunMismatch, match="fetch the bundle again"):
        load_bundle(saved)


@pytest.mark.parametrize(
    "before",
    ['"action_scale": ', '"count": ', '"position_cap": 0.', '"mean": [\n   ', '"window": '],
)
def test_a_flipped_digit_in_the_card_is_refused(saved: Path, before: str) -> None:
    text = (saved / CARD).read_text(encoding="utf-8")
    at = re.search(re.escape(before) + r"[-0. ]*", text)
    assert at is not None
    digit = str(int(text[at.end()]) ^ 1)
    changed_text = text[: at.end()] + digit + text[at.end() + 1 :]
    (saved / CARD).write_text(changed_text, encoding="utf-8")
    with pytest.raises(RunMismatch, match=r"bundle\.json must have the digest .* fetch the bundle"):
        load_bundle(saved)


def test_a_byte_that_is_no_text_is_refused(saved: Path) -> None:
    content = bytearray((saved / CARD).read_bytes())
    content[40] = 0xFF
    (saved / CARD).write_bytes(content)
    with pytest.raises(RunMismatch, match="both whole"):
        load_bundle(saved)


@pytest.mark.parametrize("file", [TENSORS, CARD])
def test_a_missing_file_is_refused(saved: Path, file: str) -> None:
    (saved / file).unlink()
    with pytest.raises(RunMismatch, match=r"needs bundle\.json and policy\.safetensors"):
        load_bundle(saved)


@pytest.mark.parametrize("file", [TENSORS, CARD])
def test_half_a_file_is_refused(saved: Path, file: str) -> None:
    content = (saved / file).read_bytes()
    (saved / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(RunMismatch, match=str(saved)):
        load_bundle(saved)


def test_another_format_is_refused(saved: Path) -> None:
    card = json.loads((saved / CARD).read_text(encoding="utf-8"))
    (saved / CARD).write_text(json.dumps(card | {"format": 99}), encoding="utf-8")
    with pytest.raises(RunMismatch, match="must be of format 4, was 99"):
        load_bundle(saved)


def changed(expectations: Expectations, path: tuple[Any, ...], value: object) -> Expectations:
    """Return a deep copy of expectations with one entry replaced."""
    parts = json.loads(json.dumps(vars(expectations)))
    inner = parts
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return Expectations(**parts)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("strategies",), CHOICES[::-1], r"strategies must be.*\[0\]\.name expected k0, was k2"),
        (("strategies", 0, "window"), 6, r"strategies must be.*\[0\]\.window expected 5, was 6"),
        (("strategies",), CHOICES[:2], r"strategies must be.*expected 3 entries, was 2"),
        (("rules", "sizing", "position_cap"), 0.2, r"rules.*sizing\.position_cap expected 0\.1"),
        (("rules", "capital"), 1.0, r"the rules must be.*capital expected 100000\.0, was 1\.0"),
        (("regime", "trend_window"), 5, r"the regime must be.*trend_window expected \d+, was 5"),
        (("discovery",), {"top": 5}, r"the discovery must be.*expected None, was \{'top': 5\}"),
        (("learning",), {"news": True}, r"the learning must be.*expected None, was \{'news': True"),
        (("layout", 3), "k0/luck", r"layout must be.*\[3\] expected k0/volatility_21, was k0/luck"),
        (("layout",), [], r"the layout must be what.*; expected \d+ entries, was 0\. Use the"),
    ],
)
def test_what_differs_is_refused_and_named(
    policy: Allocator,
    expectations: Expectations,
    path: tuple[Any, ...],
    value: object,
    message: str,
) -> None:
    with pytest.raises(RunMismatch, match=message):
        Bundle(policy, expectations).require_fit(changed(expectations, path, value))


def test_other_prices_and_another_config_are_what_a_policy_is_for(
    policy: Allocator, expectations: Expectations
) -> None:
    bundle = Bundle(policy, expectations)
    bundle.require_fit(replace(expectations, data_digest="other", config_digest="other"))


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: replace(policy, action_scale=2.0),
        lambda policy: replace(policy, layers=(*policy.layers[:-1], _moved(policy.layers[-1]))),
        lambda policy: replace(policy, normaliser=_other_normaliser(policy)),
    ],
    ids=["scale", "network", "normaliser"],
)
def test_the_digest_of_a_policy_changes_with_whatever_decides(
    policy: Allocator, change: Callable[[Allocator], Allocator]
) -> None:
    assert policy_digest(change(policy)) != policy_digest(policy)
    assert policy_digest(replace(policy)) == policy_digest(policy)


def _moved(layer: Any) -> Any:  # noqa: ANN401
    return replace(layer, bias=np.nextafter(layer.bias, np.float32(9.0)))


def _other_normaliser(policy: Allocator) -> ObservationNormaliser:
    moments = policy.normaliser.moments
    mean = moments.mean.copy()
    mean[0] += 1e-12
    return ObservationNormaliser(Moments(mean, moments.variance, moments.count), learning=False)
