"""YAML as configurations need it: read safely, strictly, in layers, and written back the same.

Plain values only. Unlike in YAML 1.1, `no` and `on` are words (ON is a ticker), `1:30` is text and
`3e-4` is a number. A key that stands twice in one mapping is refused: one of the two would be lost.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from benbot.envs.errors import BadConfig

Tree = dict[str, Any]
SUFFIXES = (".yaml", ".yml")
# Which words are more than text, by what they begin with; the first kind that fits is taken.
WORDS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9_]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
)


@dataclass(frozen=True)
class Layer:
    """What one file, or the command line, says; `name` is how an error speaks of it."""

    name: str
    tree: Tree


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            spelled = (key.tag, str(key.value))
            if spelled in seen:
                problem = f"every key may stand once, {key.value!r} stands here twice"
                raise ConstructorError(None, None, problem, key.start_mark)
            seen.add(spelled)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent the items of a list below its key."""
        super().increase_indent(flow, False)


def _represent_list(dumper: _Dumper, items: Any) -> yaml.Node:  # noqa: ANN401
    """Write lists of plain values on one line, others one item a line."""
    nested = any(isinstance(item, dict | list | tuple) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=not nested)


for _kind, _pattern, _first in WORDS:
    for _side in (_Loader, _Dumper):
        _tag = f"tag:yaml.org,2002:{_kind}"
        _side.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))
for _sequence in (list, tuple):
    _Dumper.add_representer(_sequence, _represent_list)
_Dumper.add_multi_representer(PurePath, lambda dumper, path: dumper.represent_str(str(path)))


def parse_yaml(text: str, name: str) -> Any:  # noqa: ANN401
    """Return the value that a text stands for; what it cannot mean is refused with its line."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506, it derives from the safe one
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadConfig(f"{name}{line}: YAML is needed, was: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:  # characters, and dates that do not exist
        raise BadConfig(f"{name}: YAML is needed, was: {error}") from error


def write_yaml(value: object) -> str:
    """Return the text that `parse_yaml` reads as the same value, keys in their order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def read_layers(path: Path, packaged: Path) -> list[Layer]:
    """Return what a file says and, before it, what it `extends`, the root first.

    `extends` is a path relative to the file that says it, or the bare name of a packaged one.
    """
    layers: list[Layer] = []
    seen: list[Path] = []
    following: Path | None = path
    while following is not None:
        here = following.resolve()
        if here in seen:
            chain = " extends ".join(one.name for one in [*seen, here])
            raise BadConfig(f"{path}: extends must come to an end, was a circle: {chain}")
        seen.append(here)
        tree = _read_tree(following)
        base = tree.pop("extends", None)
        layers.insert(0, Layer(following.name, tree))
        following = None if base is None else _base_path(following, base, packaged)
    return layers


def merge(below: Tree, above: Tree, kind: str) -> Tree:
    """Return `below` with what `above` says instead.

    Sections are merged key by key; lists and values are replaced; null takes a section back to
    its defaults. A section whose key `kind` names another kind replaces the one below it.
    """
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if value is None and isinstance(old, dict):
            del merged[key]
        elif isinstance(value, dict) and isinstance(old, dict) and _alike(old, value, kind):
            merged[key] = merge(old, value, kind)
        else:
            merged[key] = value
    return merged


def _alike(old: Tree, new: Tree, kind: str) -> bool:
    return kind not in old or kind not in new or bool(old[kind] == new[kind])


def _read_tree(path: Path) -> Tree:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadConfig(f"{path}: a readable text file is needed, was: {reason}") from error
    tree = parse_yaml(text, path.name)
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise BadConfig(f"{path.name}: keys and values are needed, was a {type(tree).__name__}")
    return tree


def _base_path(path: Path, base: object, packaged: Path) -> Path:
    if not isinstance(base, str):
        raise BadConfig(f"{path.name}: extends must be the path of one file, was {base!r}")
    if Path(base).suffix not in SUFFIXES:
        return packaged / f"{base}.yaml"
    file = path.parent / base
    if not file.is_file():
        raise BadConfig(
            f"{path.name}: extends must be a file, was {base!r}, and {path.parent.resolve()} has "
            f"none of that name. A packaged configuration goes by its bare name, say "
            f"'extends: {file.stem}'"
        )
    return file
