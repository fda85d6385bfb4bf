"""From layers of YAML to checked settings, or to one message that says what to change where."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import reduce
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from benbot.envs.errors import BadConfig
from benbot.experiments.yaml_files import Layer, Tree, merge

KIND = "source"  # the key by which a section says of which kind it is
LONGEST_VALUE = 80
Location = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)


def build(kind: type[Model], layers: Sequence[Layer]) -> Model:
    """Return the settings that the layers give together, the last one deciding."""
    merged = reduce(lambda below, layer: merge(below, layer.tree, KIND), layers, Tree())
    tree = _without_empty_sections(kind, merged)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # The same place fails once for every type that it might have had, and a list that has
        # lost its bad items may also be too short: the first complaint is the one that helps.
        problems = list(
            {
                _path_in(tree, one): _explain(kind, tree, layers, one)
                for one in reversed(found)
                if not _follows(one, found)
            }.values()
        )[::-1]
        listed = "".join(f"\n  {problem}" for problem in problems)
        text = problems[0] if len(problems) == 1 else f"{len(problems)} problems:{listed}"
        raise BadConfig(text) from error


def dotted(path: Location) -> str:
    """Return a path as people write it: `strategies[2].fast`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _explain(kind: type[BaseModel], tree: Tree, layers: Sequence[Layer], one: ErrorDetails) -> str:
    path = _path_in(tree, one)
    where = _layer_of(layers, path).name
    if one["type"] == "extra_forbidden":
        return f"{where}: {dotted(path)} is no key{_hint(kind, one['loc'], dotted(path))}"
    if one["type"] in {"missing", "union_tag_not_found"}:
        return f"{where}: {_missing(kind, path, one)}"
    if one["type"] == "union_tag_invalid":
        context = one["ctx"]
        named, expected = dotted((*path, KIND)), context["expected_tags"]
        return f"{where}: {named} must be one of {expected}, was {context['tag']!r}"
    if one["type"] == "value_error":  # of our own validators, which say what it was
        reason = str(one["ctx"]["error"])
        return f"{where}: {dotted(path)}: {reason}" if path else f"{where}: {reason}"
    return f"{where}: {dotted(path) or 'the file'} {_needed(one)}, was {_shown(one['input'])}"


def _missing(kind: type[BaseModel], path: Location, one: ErrorDetails) -> str:
    if one["type"] == "union_tag_not_found":
        return f"{dotted((*path, KIND))} is needed to know what {dotted(path)} is, was not given"
    names = _fields(kind, one["loc"])
    meaning = names.get(str(path[-1]), "")
    return f"{dotted(path)} is needed{f' ({meaning})' if meaning else ''}, was not given"


def _needed(one: ErrorDetails) -> str:
    """Return what pydantic asks for in our words."""
    if one["type"] == "too_short":
        return f"must have at least {one['ctx']['min_length']} item(s)"
    asked = one["msg"].partition(", unable to ")[0].partition(" or instance of ")[0]
    asked = asked.replace("a valid dictionary", "a section of keys and values")
    asked = asked.replace("a valid tuple", "a list")
    return asked.replace("Input should", "must").replace("should", "must")


def _hint(kind: type[BaseModel], loc: Location, own: str) -> str:
    """Return the likeliest key that was meant: one of this section, or the same of another."""
    wrong, known = str(loc[-1]), list(_fields(kind, loc))
    close = get_close_matches(wrong, known, n=1, cutoff=0.6)
    same = (path for path in _all_paths(kind) if path.rpartition(".")[2] == wrong)
    elsewhere = sorted({path for path in same if path != own})
    if close:
        return f"; did you mean {close[0]!r}?"
    if elsewhere:
        return f"; did you mean {' or '.join(elsewhere[:2])}?"
    return f"; there are {', '.join(known)}" if known else ""


def _fields(kind: type[BaseModel], loc: Location) -> dict[str, str]:
    """Return the keys that may stand where `loc` ends, with what each means."""
    sections = [kind]
    for step in loc[:-1]:
        inner = [one for section in sections for one in _inner(section, step)]
        tagged = [one for one in sections if _tag(one) == step]
        sections = inner or tagged or sections
    return {
        name: field.description or ""
        for section in sections
        for name, field in section.model_fields.items()
    }


def _inner(section: type[BaseModel], step: int | str) -> list[type[BaseModel]]:
    field = section.model_fields.get(str(step))
    return list(_models(field.annotation)) if field else []


def _tag(section: type[BaseModel]) -> str | None:
    field = section.model_fields.get(KIND)
    return None if field is None else field.default


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401
    """Yield the sections inside an annotation such as `tuple[A, ...]` or `A | B | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _all_paths(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        yield f"{prefix}{name}"
        for inner in _models(field.annotation):
            yield from _all_paths(inner, f"{prefix}{name}.")


def _path_in(tree: Any, one: ErrorDetails) -> Location:  # noqa: ANN401
    """Return where a problem lies, without the tags of unions, which no file contains."""
    path: list[int | str] = []
    for step in one["loc"]:
        is_item = isinstance(tree, list) and isinstance(step, int) and step < len(tree)
        if is_item or (isinstance(tree, dict) and step in tree):
            path.append(step)
            tree = tree[step]
    if one["type"] == "missing":
        path.append(one["loc"][-1])
    return tuple(path)


def _follows(one: ErrorDetails, found: Sequence[ErrorDetails]) -> bool:
    """Return whether a list is too short only because its items are bad."""
    within = len(one["loc"])
    return one["type"] == "too_short" and any(
        len(other["loc"]) > within and other["loc"][:within] == one["loc"] for other in found
    )


def _layer_of(layers: Sequence[Layer], path: Location) -> Layer:
    """Return the last layer that says anything about a path or, failing that, the last file."""
    for end in range(len(path), 0, -1):
        for layer in reversed(layers):
            if _holds(layer.tree, path[:end]):
                return layer
    return layers[0]


def _holds(tree: Any, path: Location) -> bool:  # noqa: ANN401
    for step in path:
        if not (isinstance(tree, dict) and step in tree):
            return isinstance(step, int) and isinstance(tree, list)
        tree = tree[step]
    return True


def _without_empty_sections(kind: type[BaseModel], tree: Tree) -> Tree:
    """Return the tree without sections that hold nothing: all their keys may be commented out."""
    kept: Tree = {}
    for key, value in tree.items():
        field = kind.model_fields.get(key)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            kept[key] = value
        elif value is not None:
            whole = not isinstance(value, dict)
            kept[key] = value if whole else _without_empty_sections(inner, value)
    return kept


def _shown(value: object) -> str:
    if value is None:
        return "null"
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
