"""The deployable policy: a folder with its tensors and with all that it expects to meet.

A policy acts on numbers at fixed places. Put before other strategies, other features or another
desk it would act on nonsense, so a bundle knows what it was trained on and refuses what differs.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from benbot.agents.policy import TrainedPolicy, checked_weights
from benbot.agents.rebuilding import rebuilt
from benbot.agents.shared_policy import SharedAllocator
from benbot.agents.untrusted import (
    LARGEST_JSON,
    LARGEST_TENSORS,
    parse_object,
    parse_tensors,
    read_whole,
    require_only,
)
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History
from benbot.envs.observation import Layout

FORMAT = 4
TENSORS, CARD = "policy.safetensors", "bundle.json"
DIGEST = "card_sha256"  # entry of the card: of all others
CARD_KEYS = {
    "format",
    "tensors",
    "tensors_sha256",
    "architecture",
    "normaliser",
    "expectations",
    "versions",
    DIGEST,
}


@dataclass(frozen=True)
class Expectations:
    """What a policy was trained on.

    strategies   as a config names them, parameters included, in the order of the action
    rules        of the desk, every value
    regime       what counted as bull, bear and volatile
    discovery    how the scanner chose what was heard; none where every symbol was
    learning     which lessons changed it; none where there were none
    """

    layout: list[str]
    strategies: list[dict[str, Any]]
    rules: dict[str, Any]
    regime: dict[str, Any]
    data_digest: str
    config_digest: str
    discovery: dict[str, Any] | None = None
    learning: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        history: History,
        strategies: list[dict[str, Any]],
        config_digest: str,
        discovery: dict[str, Any] | None = None,
        learning: dict[str, Any] | None = None,
    ) -> "Expectations":
        return cls(
            list(history.layout.names),
            strategies,
            history.rules.model_dump(),
            history.regime.model_dump(),
            history.market.digest,
            config_digest,
            discovery,
            learning,
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
        parts = ("layout", "strategies", "rules", "regime", "discovery", "learning")
        self._require_same(met, parts)

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
        self._require_same(met, ("rules", "regime", "discovery", "learning"))
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
    card[DIGEST] = _card_sha256(card)
    (folder / CARD).write_bytes(_written(card))


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle; refuse one that is damaged, incomplete, made up or of another format.

    Whoever can write a bundle can write its digests, so nothing in it is believed: it has to be
    written as we write it, to agree with itself, and to answer an observation with weights.
    """
    require_only(folder, {TENSORS, CARD})
    card = _card_of(folder / CARD)
    content = read_whole(folder / TENSORS, LARGEST_TENSORS)
    _require_digest(folder / TENSORS, card["tensors_sha256"], hashlib.sha256(content).hexdigest())
    tensors = parse_tensors(content, str(folder / TENSORS))
    _require_named(card["tensors"], tensors.keys(), folder)
    try:
        expectations = Expectations(**card["expectations"])
        validated = TypeAdapter(Expectations).validate_json(
            json.dumps(asdict(expectations)), strict=True
        )
        ordered = {name: tensors[name] for name in card["tensors"]}
        policy = rebuilt(card["architecture"], ordered, card["normaliser"])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RunMismatch(
            f"the expectations of {folder} must be whole; {place}: {first['msg']}"
        ) from error
    except (KeyError, TypeError) as error:
        raise RunMismatch(
            f"a policy bundle needs {CARD} and {TENSORS}, both whole; {folder} was not ({error})"
        ) from error
    _require_weights(policy, validated, folder)
    return Bundle(policy, validated)


def _require_named(named: object, names: Iterable[str], folder: Path) -> None:
    """Refuse a card that names other tensors than there are."""
    listed = sorted(map(str, named)) if isinstance(named, list) else []
    if listed != sorted(names):
        odd = ", ".join(sorted(set(listed) ^ set(names))) or "one stands twice"
        raise RunMismatch(
            f"{folder} must name each of its tensors once; what differs: {odd}. The file is damaged"
        )


def _card_of(path: Path) -> dict[str, Any]:
    """Return what a card says without its digest; refuse one that we have not written."""
    content = read_whole(path, LARGEST_JSON)
    card = parse_object(content, str(path))
    if card.get("format") != FORMAT:
        raise RunMismatch(f"{path.parent} must be of format {FORMAT}, was {card.get('format')}")
    if card.keys() != CARD_KEYS:
        odd = ", ".join(sorted(card.keys() ^ CARD_KEYS))
        raise RunMismatch(f"{path} must have the entries of format {FORMAT}; what differs: {odd}")
    own = {name: value for name, value in card.items() if name != DIGEST}
    _require_digest(path, card[DIGEST], _card_sha256(own))
    if _written(card) != content:
        raise RunMismatch(
            f"{path} must be written as we write it, was not. The file was changed or damaged; "
            f"fetch the bundle again"
        )
    return own


def _require_weights(policy: TrainedPolicy, expectations: Expectations, folder: Path) -> None:
    """Refuse a policy that cannot answer what it says it expects."""
    n_entries, was = len(expectations.layout), policy.normaliser.moments.mean.size
    names = list(policy.layout.names) if isinstance(policy, SharedAllocator) else None
    if n_entries != was or names not in (None, expectations.layout):
        raise RunMismatch(
            f"the policy of {folder} must take the {n_entries} entries of its layout, was {was} or "
            f"others"
        )
    nothing = np.zeros(n_entries, np.float32)
    with np.errstate(all="ignore"):
        checked_weights(policy, policy.weights(nothing), len(expectations.strategies) + 1)
    policy.reset()


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


def _written(card: dict[str, Any]) -> bytes:
    return json.dumps(card, indent=1).encode()


def _require_digest(path: Path, expected: object, was: str) -> None:
    if expected != was:
        raise RunMismatch(
            f"{path} must have the digest {str(expected)[:16]}…, was {was[:16]}…. The file was "
            f"changed or damaged; fetch the bundle again"
        )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _card_sha256(card: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(card).encode()).hexdigest()
