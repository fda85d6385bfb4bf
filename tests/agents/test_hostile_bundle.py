"""A hundred damaged and hostile bundles: refused in our own words, at once, and nothing is run."""

import hashlib
import io
import json
import os
import pickle
import resource
import stat
import time
import zipfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from benbot.agents.bundle import CARD, TENSORS, Expectations, load_bundle, save_bundle
from benbot.agents.policy import Allocator
from benbot.agents.shared_policy import SharedAllocator
from benbot.agents.untrusted import LARGEST_JSON, LARGEST_TENSORS
from benbot.envs.errors import RunMismatch, TradingError
from benbot.envs.history import History

CHOICES: list[dict[str, Any]] = [{"name": "k0", "window": 5}, {"name": "k1"}, {"name": "k2"}]
SECONDS, MEGABYTES = 1.0, 300.0
Damage = Callable[[Path], object]


@pytest.fixture
def expectations(history: History) -> Expectations:
    return Expectations.of(history, CHOICES, "0123456789abcdef")


@pytest.fixture
def saved(tmp_path: Path, policy: Allocator, expectations: Expectations) -> Path:
    save_bundle(tmp_path / "bundle", policy, expectations, {"torch": "1"})
    return tmp_path / "bundle"


@pytest.fixture
def shared(tmp_path: Path, shared_policy: SharedAllocator, expectations: Expectations) -> Path:
    save_bundle(tmp_path / "bundle", shared_policy, expectations, {"torch": "1"})
    return tmp_path / "bundle"


def refuse(folder: Path, message: str | None = None) -> None:
    """Load what must be refused: quickly, in little memory, by an error of ours that names it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with pytest.raises(TradingError, match=message) as caught:
        load_bundle(folder)
    assert time.process_time() - start < SECONDS
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0
    assert grown < MEGABYTES
    assert str(caught.value).isprintable()


def forge(folder: Path, *path: Any, value: Any = None, drop: bool = False) -> None:  # noqa: ANN401
    """Change an entry of the card, and write the digest that such a card has."""
    card = json.loads((folder / CARD).read_text())
    inner = card
    for key in path[:-1]:
        inner = inner[key]
    if drop:
        del inner[path[-1]]
    elif path:
        inner[path[-1]] = value
    sign(folder, card)


def sign(folder: Path, card: dict[str, Any]) -> None:
    del card["card_sha256"]
    card["card_sha256"] = hashlib.sha256(json.dumps(card).encode()).hexdigest()
    (folder / CARD).write_text(json.dumps(card, indent=1))


def replace_tensors(folder: Path, content: bytes) -> None:
    """Put other tensors into a bundle, and write the digest that they have."""
    (folder / TENSORS).write_bytes(content)
    forge(folder, "tensors_sha256", value=hashlib.sha256(content).hexdigest())


class Planted:
    """Makes a file wherever it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_bundle_that_nobody_touched_is_read(saved: Path) -> None:
    load_bundle(saved)
    forge(saved)
    replace_tensors(saved, (saved / TENSORS).read_bytes())
    load_bundle(saved)


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
@pytest.mark.parametrize("file", [CARD, TENSORS])
def test_whatever_byte_is_flipped_it_is_noticed(saved: Path, file: str, flip: int) -> None:
    """The first and the last of every kind of byte that its text has, and some of its numbers."""
    whole = (saved / file).read_bytes()
    text = whole if file == CARD else whole[: int.from_bytes(whole[:8], "little") + 8]
    places = {place(text, bytes([each])) for each in text for place in (bytes.find, bytes.rfind)}
    for place in sorted(places | {*range(8), *range(0, len(whole), len(whole) // 20)}):
        content = bytearray(whole)
        content[place] ^= flip
        (saved / file).write_bytes(content)
        with pytest.raises(RunMismatch):
            load_bundle(saved)


@pytest.mark.parametrize(("file", "part"), list(product([CARD, TENSORS], [0, 1, 7, 8, 9, 0.5, -1])))
def test_a_file_that_ends_too_early_is_refused(saved: Path, file: str, part: float) -> None:
    whole = (saved / file).read_bytes()
    n_bytes = int(part * len(whole)) if isinstance(part, float) else part
    (saved / file).write_bytes(whole[:n_bytes])
    refuse(saved, str(saved))


@pytest.mark.parametrize(
    ("file", "more"), list(product([CARD, TENSORS], [b"\0", b" ", b"\n", b"{}"]))
)
def test_a_file_that_goes_on_is_refused(saved: Path, file: str, more: bytes) -> None:
    (saved / file).write_bytes((saved / file).read_bytes() + more)
    refuse(saved, str(saved))


def huge(n: int) -> Damage:
    return lambda folder: os.truncate(folder / TENSORS, n)


def pipe(file: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / file).unlink()
        os.mkfifo(folder / file)

    return damage


def elsewhere(file: str) -> Damage:
    def damage(folder: Path) -> None:
        moved = folder.parent / "elsewhere"
        (folder / file).rename(moved)
        (folder / file).symlink_to(moved)

    return damage


def directory(file: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return damage


def zipped(file: str) -> Damage:
    def damage(folder: Path) -> None:
        page = io.BytesIO()
        with zipfile.ZipFile(page, "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr(file, bytes(50_000_000))
        (folder / file).write_bytes(page.getvalue())

    return damage


DAMAGE: dict[str, tuple[Damage, str]] = {
    "ten terabytes of holes": (huge(10**13), "must have at most 268,435,456 bytes"),
    "one byte too many": (huge(LARGEST_TENSORS + 1), "must have at most"),
    "a card of holes": (lambda f: os.truncate(f / CARD, 10**13), "at most 8,388,608 bytes"),
    "a pipe for tensors": (pipe(TENSORS), "must be a plain file, was none"),
    "a pipe for a card": (pipe(CARD), "must be a plain file, was none"),
    "a link for tensors": (elsewhere(TENSORS), "must be a plain file that can be read"),
    "a link for a card": (elsewhere(CARD), "must be a plain file that can be read"),
    "a folder for tensors": (directory(TENSORS), "must be a plain file, was none"),
    "a folder for a card": (directory(CARD), "must be a plain file, was none"),
    "a zip for tensors": (zipped(TENSORS), "must have the digest"),
    "a zip for a card": (zipped(CARD), "must be JSON as we write it"),
    "a script beside": (lambda f: (f / "load.py").write_text("1"), r"has 'load\.py', too"),
    "a hidden file beside": (lambda f: (f / ".hidden").write_text("1"), r"has '\.hidden', too"),
    "a folder beside": (lambda f: (f / "code").mkdir(), "has 'code', too"),
    "another case": (lambda f: (f / CARD).rename(f / CARD.upper()), "has 'BUNDLE.JSON', too"),
    "a name of escapes": (lambda f: (f / "\x1b[2J").write_text("1"), r"has '\\x1b\[2J', too"),
    "a card that is a list": (lambda f: (f / CARD).write_text("[]"), "a JSON object, was list"),
    "a card of null": (lambda f: (f / CARD).write_text("null"), "a JSON object, was NoneType"),
    "a card of 10,000 lists": (lambda f: (f / CARD).write_text("[" * 10_000), "recursion"),
    "a card of 10,000 objects": (lambda f: (f / CARD).write_text('{"a":' * 10_000), "recursion"),
    "a number of 10,000 digits": (lambda f: (f / CARD).write_text("9" * 10_000), "4300 digits"),
    "a card of 8 MB": (
        lambda f: (f / CARD).write_text(f"[{'0,' * (LARGEST_JSON // 2 - 2)}0]"),
        "a JSON object, was list",
    ),
    "a byte order mark": (
        lambda f: (f / CARD).write_bytes(b"\xef\xbb\xbf" + (f / CARD).read_bytes()),
        "'ascii' codec can't decode",
    ),
    "UTF-16": (
        lambda f: (f / CARD).write_text((f / CARD).read_text(), encoding="utf-16"),
        "'ascii' codec can't decode",
    ),
    "tensors of another bundle": (
        lambda f: (f / TENSORS).write_bytes(save({"a": np.zeros(1, np.float32)})),
        "must have the digest",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_lies_in_a_folder_is_not_trusted(saved: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(saved)
    refuse(saved, message)


def test_a_file_in_place_of_a_folder_is_refused(saved: Path) -> None:
    refuse(saved / CARD, "was no folder that can be read")
    refuse(saved.parent / "nowhere", "was no folder that can be read")
    with pytest.raises(RunMismatch, match=r"was no folder that can be read, .*embedded null"):
        load_bundle(Path(f"{saved}\0"))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
@pytest.mark.parametrize("file", [CARD, TENSORS])
def test_a_file_that_may_not_be_read_is_refused(saved: Path, file: str) -> None:
    (saved / file).chmod(stat.S_IWUSR)
    refuse(saved, "must be a plain file that can be read, Permission denied")


@pytest.mark.parametrize(("file", "protocol"), list(product([CARD, TENSORS], [0, 2, 5])))
def test_a_pickle_is_never_loaded(saved: Path, file: str, protocol: int) -> None:
    planted = saved.parent / "planted"
    content = pickle.dumps(Planted(planted), protocol)
    if file == TENSORS:
        replace_tensors(saved, content)
    else:
        (saved / file).write_bytes(content)
    refuse(saved)
    assert not planted.exists()
    pickle.loads(content)  # noqa: S301 - it would have been
    assert planted.exists()


DEEP: Any = 0
for _ in range(200):
    DEEP = [DEEP]

FORGED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "no list of tensors": (("tensors",), {"layer.0.weight": 1}),
    "tensors named twice": (("tensors",), ["layer.0.weight"] * 4),
    "tensors in another order": (
        ("tensors",),
        ["layer.0.bias", "layer.0.weight", "layer.1.weight", "layer.1.bias"],
    ),
    "a path among the tensors": (("tensors", 0), "../../../etc/passwd"),
    "a number among the tensors": (("tensors", 0), 7),
    "an unknown network": (("architecture", "network"), "transformer"),
    "no name of a network": (("architecture", "network"), ["mlp"]),
    "one layer too many": (("architecture", "net_arch"), [8, 8]),
    "another width": (("architecture", "net_arch"), [9]),
    "a negative width": (("architecture", "net_arch"), [-8]),
    "a width of text": (("architecture", "net_arch"), ["8"]),
    "no widths": (("architecture", "net_arch"), None),
    "a scale of text": (("architecture", "action_scale"), "3.0"),
    "no scale": (("architecture", "action_scale"), None),
    "a scale that is true": (("architecture", "action_scale"), True),
    "a negative scale": (("architecture", "action_scale"), -3.0),
    "no normaliser": (("normaliser",), []),
    "a short normaliser": (("normaliser", "mean"), [0.0]),
    "a mean of text": (("normaliser", "mean"), "0"),
    "a mean in lists": (("normaliser", "mean"), DEEP),
    "a negative variance": (("normaliser", "variance", 0), -1.0),
    "a variance of null": (("normaliser", "variance", 0), None),
    "a negative count": (("normaliser", "count"), -1.0),
    "a layout that is too short": (("expectations", "layout"), ["k0/volatility_21"]),
    "a layout of numbers": (("expectations", "layout", 0), 5),
    "a layout that is text": (("expectations", "layout"), "k0"),
    "a strategy too few": (("expectations", "strategies"), CHOICES[:2]),
    "strategies of text": (("expectations", "strategies"), ["k0", "k1", "k2"]),
    "rules that are a list": (("expectations", "rules"), []),
    "no regime": (("expectations", "regime"), None),
    "an expectation that nobody has": (("expectations", "luck"), 7),
    "a digest of the data that is a number": (("expectations", "data_digest"), 7),
    "an entry that nobody has": (("code",), "import os"),
    "a later format": (("format",), 5),
    "a format of text": (("format",), "3"),
    "half a surrogate": (("expectations", "config_digest"), "\ud800"),
    "a terminal escape": (("expectations", "strategies", 0, "name"), "\x1b[2Jk0"),
    "text that runs backwards": (("expectations", "strategies", 0, "name"), "k0\u202e"),
    "a key of nulls": (("versions", "\0"), "1"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_card_with_the_right_digest_is_not_believed(saved: Path, name: str) -> None:
    path, value = FORGED[name]
    forge(saved, *path, value=value)
    refuse(saved)


@pytest.mark.parametrize("key", ["tensors", "architecture", "normaliser", "expectations", "format"])
def test_a_card_without_an_entry_is_refused(saved: Path, key: str) -> None:
    forge(saved, key, drop=True)
    refuse(saved, "was None|what differs: " + key)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ('"count": 77.0', '"count": NaN'),
        ('"count": 77.0', '"count": 1e999'),
        ('"count": 77.0', '"count": 77.00'),
        ('"count": 77.0', '"count": 77.0, "count": 77.0'),
        ('"format": 4', '"format": 4.0'),
        ('"network": "mlp"', '"network": "\\u006dlp"'),
        ('"torch": "1"', '"torch":\t"1"'),
    ],
)
def test_what_means_the_same_and_is_written_otherwise_is_refused(
    saved: Path, text: str, instead: str
) -> None:
    whole = (saved / CARD).read_text()
    assert text in whole
    (saved / CARD).write_text(whole.replace(text, instead))
    refuse(saved, str(saved / CARD) + "|" + str(saved))


SHARED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "an exchange of rumours": (("architecture", "exchange"), "rumours"),
    "an exchange that its tensors lack": (("architecture", "exchange"), "none"),
    "a width of a trillion": (("architecture", "width"), 10**12),
    "a width of text": (("architecture", "width"), "8"),
    "strategies of text": (("architecture", "strategies"), "k0"),
    "other strategies": (("architecture", "strategies"), ["k0", "k1", "k9"]),
    "another order": (("architecture", "strategies"), ["k1", "k0", "k2"]),
    "a million strategies": (("architecture", "strategies"), ["k"] * 1_000_000),
    "no record": (("architecture", "strategy_features"), []),
    "a retired stranger": (("architecture", "retired"), ["k9"]),
    "retired by its letters": (("architecture", "retired"), "k0"),
    "a prior that is no feature": (("architecture", "prior"), "luck"),
    "a billion strategies to scale": (("normaliser", "n_strategies"), 10**9),
    "strategies in text": (("normaliser", "n_strategies"), "3"),
    "no context": (("normaliser", "context"), None),
    "a scale of nothing": (("architecture", "action_scale"), 0.0),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_card_of_an_equivariant_policy_is_not_believed(shared: Path, name: str) -> None:
    load_bundle(shared)
    path, value = SHARED[name]
    forge(shared, *path, value=value)
    refuse(shared)
