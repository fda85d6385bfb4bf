"""The deployable policy: a folder with its tensors and with all that it expects to meet.

A policy acts on numbers at fixed places. Put before other strategies, other features or another
desk it would act on nonsense, so a bundle knows what it was trained on and refuses what differs.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benbot.agents.policy import TrainedPolicy
from benbot.agents.rebuilding import rebuilt
from benbot.agents.shared_policy import SharedAllocator
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History
from benbot.envs.observation import Layout

FORMAT = 4
TENSORS, CARD = "policy.safetensors", "bundle.json"


@dataclass(frozen=True)
class Expectations:
    """What a policy was trained on.

    strategies   as a config names them, parameters included, in the order of the action
    rules        of the desk, every value
    regime       what counted as bull, bear and volatile
    discovery    how the scanner chose what was heard; none where every symbol was
    """

    layout: list[str]
    strategies: list[dict[str, Any]]
    rules: dict[str, Any]
    regime: dict[str, Any]
    data_digest: str
    config_digest: str
    discovery: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        history: History,
        strategies: list[dict[str, Any]],
        config_digest: str,
        discovery: dict[str, Any] | None = None,
    ) -> "Expectations":
        return cls(
            list(history.layout.names),
            strategies,
            history.rules.model_dump(),
            history.regime.model_dump(),
            history.market.digest,
            config_digest,
            discovery,
        )


@dataclass(frozen=True, eq=False)
class Bundle:
    """A policy with what it expects."""

    policy: TrainedPolicy
    expectations: Expectations

    def require_fit(self, met: Expectations) -> None:
        """Refuse to act on other strategies or under other rules, naming the first difference.

        Other data is no reason: new prices are what a policy is for.
        """
        self._require_same(met, ("layout", "strategies", "rules", "regime", "discovery"))

    def for_strategies(self, met: Expectations, layout: Layout) -> "Bundle":
        """Return the policy before other strategies, which only an equivariant one can meet.

        It has not been trained on them, so nobody comes by such a bundle without asking. The rules,
        the regime and the features must be those it was trained on.
        """
        if not isinstance(self.policy, SharedAllocator):
            raise RunMismatch(
                "only a policy of network: equivariant can meet other strategies, was "
                f"{self.policy.architecture['network']}. Train it on these"
            )
        if list(layout.names) != met.layout:
            raise RunMismatch(
                f"the layout must be that of what is met, of {len(met.layout)} entries; was another"
                f", of {layout.size}. Take both from one history"
            )
        self._require_same(met, ("rules", "regime", "discovery"))
        return Bundle(self.policy.for_layout(layout), met)

    def _require_same(self, met: Expectations, parts: tuple[str, ...]) -> None:
        for part in parts:
            expected, was = getattr(self.expectations, part), getattr(met, part)
            if expected != was:
                raise RunMismatch(
                    f"the {part} must be what the policy was trained on; "
                    f"{_first_difference(expected, was)}. Use the configuration it came from"
                )


def save_bundle(
    folder: Path, policy: TrainedPolicy, expectations: Expectations, versions: dict[str, str]
) -> None:
    """Write a bundle into a folder, which is made."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: np.ascontiguousarray(each) for name, each in policy.tensors.items()}
    save_file(tensors, folder / TENSORS)
    card = {
        "format": FORMAT,
        "tensors": list(tensors),
        "tensors_sha256": _sha256(folder / TENSORS),
        "architecture": policy.architecture,
        "normaliser": policy.normaliser.to_numbers(),
        "expectations": asdict(expectations),
        "versions": versions,
    }
    card["card_sha256"] = _card_sha256(card)
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle; refuse one that is damaged, incomplete or of another format."""
    from safetensors.numpy import load_file

    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if card["format"] != FORMAT:
            raise RunMismatch(f"{folder} must be of format {FORMAT}, was {card['format']}")
        _require_digest(folder / CARD, card.pop("card_sha256"), _card_sha256(card))
        _require_digest(folder / TENSORS, card["tensors_sha256"], _sha256(folder / TENSORS))
        tensors = load_file(folder / TENSORS)
        ordered = {name: tensors[name] for name in card["tensors"]}
        policy = rebuilt(card["architecture"], ordered, card["normaliser"])
        return Bundle(policy, Expectations(**card["expectations"]))
    except (
        FileNotFoundError,
        UnicodeDecodeError,
        json.JSONDecodeError,
        KeyError,
        TypeError,
    ) as error:
        raise RunMismatch(
            f"a policy bundle needs {CARD} and {TENSORS}, both whole; {folder} was not ({error})"
        ) from error


def policy_digest(policy: TrainedPolicy) -> str:
    """Return sixteen hex digits of all that decides what the policy does."""
    numbers = [policy.architecture, policy.normaliser.to_numbers()]
    sha = hashlib.sha256(json.dumps(numbers).encode())
    for name, tensor in policy.tensors.items():
        sha.update(name.encode() + tensor.tobytes())
    return sha.hexdigest()[:16]


def _first_difference(expected: Any, was: Any, where: str = "") -> str:  # noqa: ANN401
    if isinstance(expected, dict) and isinstance(was, dict):
        for key in sorted(expected.keys() | was.keys()):
            if expected.get(key) != was.get(key):
                return _first_difference(
                    expected.get(key), was.get(key), f"{where}.{key}".strip(".")
                )
    if isinstance(expected, list) and isinstance(was, list):
        for i, (one, other) in enumerate(zip(expected, was, strict=False)):
            if one != other:
                return _first_difference(one, other, f"{where}[{i}]")
        return f"{where} expected {len(expected)} entries, was {len(was)}".strip()
    return f"{where} expected {expected}, was {was}".strip()


def _require_digest(path: Path, expected: str, was: str) -> None:
    if expected != was:
        raise RunMismatch(
            f"{path} must have the digest {expected[:16]}…, was {was[:16]}…. The file was changed "
            f"or damaged; fetch the bundle again"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _card_sha256(card: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(card).encode()).hexdigest()
