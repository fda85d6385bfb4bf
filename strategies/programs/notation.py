"""Programs as JSON, which anybody may write and nobody executes.

    {"version": 1, "signal": ["multiply", "return_5", ["mean", "volume", 20]]}
    {"version": 1, "entry": ["above", "rsi", 0.4], "exit": ["below", "rsi", 0], "size": 1}

A list is a primitive and its arguments, a string the name of a feature, a number a constant, or the
bars of a window where one is due; the conditions "always" and "never" are strings. Whatever is not
in these words or exceeds a limit is refused before anything is made of it: the text is measured
before it is parsed, and the tree is checked node by node without recursion of its own.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from benbot.envs.errors import BadProgram
from benbot.envs.market.selection import check_known
from benbot.strategies.programs.features import FEATURES
from benbot.strategies.programs.primitives import (
    BY_CODE,
    BY_NAME,
    DEEPEST,
    LARGEST_CONSTANT,
    LONGEST_WINDOW,
    MOST_NODES,
    NUMBER,
    Code,
    Type,
)
from benbot.strategies.programs.program import Program, program_of

VERSION = 1
LONGEST_TEXT = 64 * 1024  # bytes
SHOWN = 60  # characters of what was wrong
PART_NAMES = ("entry", "exit", "size")
WORDS = {"always": Code.ALWAYS, "never": Code.NEVER}
FEATURE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}")

Nodes = list[tuple[int, float]]


def to_json(program: Program) -> str:
    """Return a program as one line of JSON."""
    if program.n_parts == 1:
        tree: dict[str, Any] = {"signal": _written(program, 0)}
    else:
        places = zip(PART_NAMES, program.arguments(0), strict=True)
        tree = {name: _written(program, place) for name, place in places}
    return json.dumps({"version": VERSION} | tree, separators=(", ", ": "))


def _written(program: Program, place: int) -> Any:  # noqa: ANN401
    code, number = program.codes[place], program.numbers[place]
    if code == Code.FEATURE:
        return program.features[int(number)]
    if code == Code.WINDOW:
        return int(number)
    if code == Code.CONSTANT:
        return shortest(number)
    if code in (Code.ALWAYS, Code.NEVER):
        return "always" if code == Code.ALWAYS else "never"
    arguments = (_written(program, start) for start in program.arguments(place))
    return [BY_CODE[code].name, *arguments]


def shortest(number: float) -> float:
    """Return the shortest number that is the same as a float32."""
    import numpy as np

    plain = float(str(np.float32(number)))
    return int(plain) if plain.is_integer() else plain


def from_json(text: str | bytes, features: Sequence[str] | None = None) -> Program:
    """Return the program that a text describes, over these features or over all that there are."""
    tree = _tree_of(text)
    vocabulary = tuple(FEATURES) if features is None else tuple(features)
    nodes: Nodes = []
    if "signal" in tree:
        _check_keys(tree, ("signal",))
        _read(tree["signal"], NUMBER, vocabulary, nodes)
        return program_of(nodes, vocabulary)
    _check_keys(tree, PART_NAMES)
    nodes.append((Code.PARTS, 0.0))
    for name, slot in zip(PART_NAMES, BY_CODE[Code.PARTS].slots, strict=True):
        _read(tree[name], slot, vocabulary, nodes)
    return program_of(nodes, vocabulary)


def read_program(path: Path) -> Program:
    """Return the program of a file; a file that is none is refused with its name."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_TEXT + 1)
    except OSError as error:
        raise BadProgram(
            f"a program must be a file that can be read, was {path}: {error.strerror}"
        ) from error
    try:
        return from_json(text)
    except BadProgram as error:
        raise BadProgram(f"{path}: {error}") from error


def _tree_of(text: str | bytes) -> dict[str, Any]:
    """Return the outermost object of a text that is short, shallow, and JSON."""
    if len(text) > LONGEST_TEXT:
        raise BadProgram(f"a program may be {LONGEST_TEXT} bytes long, was longer")
    try:
        plain = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise BadProgram(f"a program must be UTF-8, was not at byte {error.start}") from error
    _check_nesting(plain)
    try:
        tree = json.loads(plain, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except BadProgram:
        raise
    except ValueError as error:  # a number of too many digits, too
        raise BadProgram(f"a program must be JSON, was not: {error}") from error
    if not isinstance(tree, dict):
        raise BadProgram(f"a program must be an object with version, was {_told(tree)}")
    version = tree.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise BadProgram(
            f"version of a program must be {VERSION}, was {_told(version)}. "
            "Another version of benbot may read it"
        )
    return tree


def _check_nesting(text: str) -> None:
    """Refuse brackets within too many brackets, which a parser would follow into the depth."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > DEEPEST + 2:  # the object, and arguments of the deepest primitive
        raise BadProgram(f"a program may be {DEEPEST} levels deep, was {deepest - 2}")


def _refuse_constant(word: str) -> NoReturn:
    raise BadProgram(f"a constant must be finite, was {word}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadProgram(f"every key of a program must stand once, was twice: {_told(twice)}")
    return tree


def _check_keys(tree: dict[str, Any], names: tuple[str, ...]) -> None:
    if set(tree) != set(names):
        raise BadProgram(
            f"a program must have version and either signal or {', '.join(PART_NAMES)}, "
            f"was {_told(sorted(tree))}"
        )


def _read(tree: Any, slot: int, features: tuple[str, ...], nodes: Nodes) -> None:  # noqa: ANN401
    """Append the nodes of a tree that stands in a slot, without recursion."""
    waiting: list[tuple[Any, int, int]] = [(tree, slot, 1)]
    while waiting:
        each, wanted, depth = waiting.pop()
        if len(nodes) >= MOST_NODES:
            raise BadProgram(f"a program may have {MOST_NODES} nodes, was more")
        if isinstance(each, list):
            arguments = _arguments(each, wanted, depth)
            nodes.append((BY_NAME[each[0]].code, 0.0))
            waiting.extend(reversed(arguments))
        else:
            nodes.append(_leaf(each, wanted, features))


def _arguments(tree: list[Any], wanted: int, depth: int) -> list[tuple[Any, int, int]]:
    """Return what a primitive takes, each with its slot; refuse what it is not."""
    name = tree[0] if tree else None
    if not isinstance(name, str) or name not in BY_NAME:
        raise BadProgram(f"a primitive must be one of {', '.join(BY_NAME)}, was {_told(name)}")
    primitive = BY_NAME[name]
    if not primitive.gives & wanted:
        raise BadProgram(f"{_slot_name(wanted)} was due, was {_told(tree)}")
    if len(tree) - 1 != primitive.arity:
        raise BadProgram(f"{name} takes {primitive.arity} arguments, was {len(tree) - 1}")
    if depth > DEEPEST:
        raise BadProgram(f"a program may be {DEEPEST} levels deep, was more")
    pairs = zip(tree[1:], primitive.slots, strict=True)
    return [(each, int(slot), depth + 1) for each, slot in pairs]


def _leaf(leaf: Any, wanted: int, features: tuple[str, ...]) -> tuple[int, float]:  # noqa: ANN401
    if wanted == Type.WINDOW:
        return Code.WINDOW, _window(leaf)
    if isinstance(leaf, str) and wanted == Type.CONDITION and leaf in WORDS:
        return WORDS[leaf], 0.0
    if isinstance(leaf, str) and wanted & Type.SERIES:
        return Code.FEATURE, _feature(leaf, features)
    if isinstance(leaf, int | float) and not isinstance(leaf, bool) and wanted & Type.CONSTANT:
        return Code.CONSTANT, _constant(leaf)
    raise BadProgram(f"{_slot_name(wanted)} was due, was {_told(leaf)}")


def _window(leaf: object) -> float:
    if type(leaf) is not int or not 1 <= leaf <= LONGEST_WINDOW:
        raise BadProgram(
            f"a window must be a whole number of bars from 1 to {LONGEST_WINDOW}, was {_told(leaf)}"
        )
    return float(leaf)


def _feature(name: str, features: tuple[str, ...]) -> float:
    if not FEATURE_NAME.fullmatch(name) or name not in features:
        shown = name if FEATURE_NAME.fullmatch(name) else _told(name)
        try:
            check_known("feature", [shown], features)
        except LookupError as error:
            raise BadProgram(str(error)) from error
    return float(features.index(name))


def _constant(leaf: float) -> float:
    if not abs(leaf) <= LARGEST_CONSTANT:
        raise BadProgram(f"a constant must lie within ±{LARGEST_CONSTANT:g}, was {_told(leaf)}")
    return float(leaf)


def _slot_name(wanted: int) -> str:
    names = {Type.CONDITION: "a condition", Type.WINDOW: "a window", Type.SERIES: "a series"}
    return names.get(Type(wanted), "a number")


def _told(value: object) -> str:
    """Return the beginning of what was wrong."""
    told = repr(value)
    return told if len(told) <= SHOWN else f"{told[:SHOWN]}…"
