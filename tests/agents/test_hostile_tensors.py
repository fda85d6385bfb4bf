"""Files of tensors that lie: about their length, their shapes, their places and their kind."""

import hashlib
import json
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from benbot.agents.bundle import CARD, TENSORS, Expectations, load_bundle, save_bundle
from benbot.agents.policy import Allocator
from benbot.agents.untrusted import parse_tensors
from benbot.envs.errors import RunMismatch, TradingError
from benbot.envs.history import History

ONE = struct.pack("<f", 1.5)


def entry(shape: Any, begin: Any, end: Any, dtype: Any = "F32") -> dict[str, Any]:  # noqa: ANN401
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def tensors_with(header: Any, data: bytes = ONE, length: int | None = None) -> bytes:  # noqa: ANN401
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


SOUND = {"a": entry([1], 0, 4)}
TEXT = json.dumps(SOUND).encode()
LIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "must be a whole file of tensors, was 0 bytes"),
    "seven bytes": (b"\0" * 7, "must be a whole file of tensors"),
    "no header": (b"\0" * 8, "must be JSON"),
    "a header of 2**63 bytes": (tensors_with(SOUND, length=2**63), "a header of 9,223,372,036"),
    "a header of 2**64 - 1": (tensors_with(SOUND, length=2**64 - 1), "a header of 18,446,744"),
    "a header that is longer than the file": (
        tensors_with(SOUND, length=len(TEXT) + 5),
        "with a header of",
    ),
    "a header that is too short": (tensors_with(SOUND, length=len(TEXT) - 1), "must be JSON"),
    "two megabytes of header": (tensors_with(TEXT + b" " * 2**21), "with a header of 2,097,"),
    "a header that is a list": (tensors_with([SOUND]), "must be a JSON object, was list"),
    "a header in lists": (tensors_with(b"[" * 50_000), "recursion"),
    "a tensor twice": (
        tensors_with(TEXT[:-1] + b"," + TEXT[1:]),
        "a key stands twice",
    ),
    "a name of half a surrogate": (tensors_with({"\ud800": entry([1], 0, 4)}), "cannot be printed"),
    "a name of escapes": (tensors_with({"\x1b[2J": entry([1], 0, 4)}), "cannot be printed"),
    "words about it": (tensors_with({"__metadata__": {"a": "b"}, **SOUND}), "'__metadata__' of"),
    "a tensor that is a number": (tensors_with({"a": 7}), "must be a tensor of F32"),
    "no shape": (tensors_with({"a": {"dtype": "F32", "data_offsets": [0, 4]}}), "of F32"),
    "one thing more": (tensors_with({"a": entry([1], 0, 4) | {"code": "x"}}), "of F32"),
    "integers": (tensors_with({"a": entry([1], 0, 4, "I32")}), "must be a tensor of F32"),
    "halves": (tensors_with({"a": entry([2], 0, 4, "F16")}), "must be a tensor of F32"),
    "doubles": (tensors_with({"a": entry([1], 0, 8, "F64")}, ONE * 2), "must be a tensor of F32"),
    "a kind that nobody knows": (tensors_with({"a": entry([1], 0, 4, "PICKLE")}), "of F32"),
    "a kind in a list": (tensors_with({"a": entry([1], 0, 4, ["F32"])}), "of F32"),
    "a shape of 2**63": (tensors_with({"a": entry([2**63], 0, 4)}), "must be a tensor"),
    "a shape of 2**32 twice": (tensors_with({"a": entry([2**32, 2**32], 0, 4)}), "of F32"),
    "a shape that overflows to 1": (
        tensors_with({"a": entry([2**28] * 8, 0, 4)}),
        "4 bytes for each of its numbers",
    ),
    "a negative shape": (tensors_with({"a": entry([-1], 0, 4)}), "must be a tensor"),
    "two negative sides": (tensors_with({"a": entry([-1, -1], 0, 4)}), "must be a tensor"),
    "half a side": (tensors_with({"a": entry([0.5, 2], 0, 4)}), "must be a tensor"),
    "a side that is true": (tensors_with({"a": entry([True], 0, 4)}), "must be a tensor"),
    "a hundred sides": (tensors_with({"a": entry([1] * 100, 0, 4)}), "must be a tensor"),
    "a shape that is larger": (tensors_with({"a": entry([2], 0, 4)}), "4 bytes for each"),
    "a shape that is smaller": (tensors_with({"a": entry([1], 0, 8)}, ONE * 2), "4 bytes for"),
    "an empty tensor": (tensors_with({"a": entry([0], 0, 0)}, b""), "4 bytes for each"),
    "a negative beginning": (tensors_with({"a": entry([2], -4, 4)}), "must be a tensor"),
    "a beginning at 2**63": (tensors_with({"a": entry([1], 2**63, 2**63 + 4)}), "a tensor"),
    "an end before the beginning": (tensors_with({"a": entry([1], 4, 0)}), "4 bytes for each"),
    "three places": (
        tensors_with({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 2, 4]}}),
        "4 bytes for each",
    ),
    "an end beyond the file": (tensors_with({"a": entry([9], 0, 36)}), "must have 36 bytes, was 4"),
    "a gap": (
        tensors_with({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, ONE * 3),
        "'b' of it must begin at byte 4, was 8",
    ),
    "one upon the other": (
        tensors_with({"a": entry([2], 0, 8), "b": entry([1], 4, 8)}, ONE * 2),
        "'b' of it must begin at byte 8, was 4",
    ),
    "the same place twice": (
        tensors_with({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}),
        "'b' of it must begin at byte 4, was 0",
    ),
    "a rest": (tensors_with(SOUND, ONE + b"PK\3\4"), "must have 4 bytes, was 8"),
    "not a number": (tensors_with(SOUND, struct.pack("<f", np.nan)), "a of it must be finite"),
    "infinite": (tensors_with(SOUND, struct.pack("<f", -np.inf)), "a of it must be finite"),
}


def test_a_sound_file_is_read() -> None:
    assert parse_tensors(tensors_with(SOUND), "it")["a"].tolist() == [1.5]
    rng = np.random.default_rng(0)
    tensors = {name: rng.normal(size=(3, k)).astype(np.float32) for k, name in enumerate("abc", 1)}
    found = parse_tensors(save(tensors), "it")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_lies_is_refused_before_it_is_read(name: str) -> None:
    content, message = LIES[name]
    start = time.process_time()
    with pytest.raises(RunMismatch, match=re.escape(message)) as caught:
        parse_tensors(content, "it")
    assert time.process_time() - start < 1.0
    assert str(caught.value).isprintable()


def test_whatever_bytes_come_they_are_refused_in_our_words() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        content = bytearray(tensors_with(SOUND))
        for place in rng.integers(0, len(content) - 4, 3):
            content[place] = rng.integers(0, 256)
        try:
            found = parse_tensors(bytes(content), "it")
        except RunMismatch:
            continue
        assert [each.tolist() for each in found.values()] == [[1.5]]  # of another name


@pytest.fixture
def saved(tmp_path: Path, policy: Allocator, history: History) -> Path:
    choices: list[dict[str, Any]] = [{"name": name} for name in ("k0", "k1", "k2")]
    expectations = Expectations.of(history, choices, "0123456789abcdef")
    save_bundle(tmp_path / "bundle", policy, expectations, {"torch": "1"})
    return tmp_path / "bundle"


def shrink(name: str) -> Any:  # noqa: ANN401
    return lambda tensors: tensors | {name: tensors[name][:-1]}


@pytest.mark.parametrize(
    "change",
    [
        shrink("layer.0.weight"),
        shrink("layer.0.bias"),
        shrink("layer.1.weight"),
        lambda tensors: tensors | {"layer.1.bias": tensors["layer.1.bias"][:, None]},
        lambda tensors: {name.replace("1", "7"): each for name, each in tensors.items()},
        lambda tensors: dict(list(tensors.items())[:3]),
        lambda tensors: tensors | {"layer.2.weight": np.ones((4, 4), np.float32)},
        lambda tensors: {name: each * np.float32(3e38) for name, each in tensors.items()},
        lambda tensors: {name: each * np.nan for name, each in tensors.items()},
        lambda tensors: {name: each.T.copy() for name, each in tensors.items()},
    ],
    ids=["rows", "bias", "outputs", "a column", "names", "fewer", "more", "too large", "NaN", "T"],
)
def test_tensors_with_the_right_digest_that_make_no_policy_are_refused(
    saved: Path,
    policy: Allocator,
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    with np.errstate(over="ignore"):
        changed = change(policy.tensors)
    content = save(changed)
    (saved / TENSORS).write_bytes(content)
    card = json.loads((saved / CARD).read_text())
    card["tensors_sha256"] = hashlib.sha256(content).hexdigest()
    card["tensors"] = list(changed)
    del card["card_sha256"]
    card["card_sha256"] = hashlib.sha256(json.dumps(card).encode()).hexdigest()
    (saved / CARD).write_text(json.dumps(card, indent=1))
    with pytest.raises(TradingError):
        load_bundle(saved)
