"""Changes to a configuration from the command line: `agent.total_steps=50000`."""

from collections.abc import Sequence

from benbot.envs.errors import BadConfig
from benbot.experiments.yaml_files import Layer, Tree, parse_yaml

COMMAND_LINE = "command line"


def parse_overrides(texts: Sequence[str]) -> Layer:
    """Return what the overrides say together; values are YAML, of two for one key the last wins."""
    tree: Tree = {}
    for text in texts:
        _set(tree, text)
    return Layer(COMMAND_LINE, tree)


def _set(tree: Tree, text: str) -> None:
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise BadConfig(f"an override must look like agent.total_steps=50000, was {text!r}")
    if not value.strip():
        raise BadConfig(f"an override needs a value, was {text!r}; write {path}=null for none")
    section = tree
    for key in keys[:-1]:
        inner = section.get(key)
        section[key] = section = inner if isinstance(inner, dict) else {}
    section[keys[-1]] = parse_yaml(value, f"{COMMAND_LINE}, {text}")
