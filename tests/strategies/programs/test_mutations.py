"""A thousand texts that were programs once: each is one still, or is refused, and none is run."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benbot.envs.errors import BadProgram, TradingError
from benbot.strategies.programs.notation import from_json, read_program, to_json
from benbot.strategies.programs.program import check_program
from tests.strategies.programs.worlds import programs_over, whole_features

N_TEXTS = 1000
BUDGET = 0.25  # seconds of a processor that the slowest may take
FEATURES = whole_features(0)
SEEDS = [
    to_json(each) for form in ("signal", "parts") for each in programs_over(FEATURES, 1, 30, form)
]
CODE = (
    "__import__('os').system('touch {path}')",
    "open('{path}', 'w')",
    "exec(\"open('{path}', 'w')\")",
    "lambda: 0",
    "{{path}}",
    "!!python/object/apply:os.system ['touch {path}']",
    "${{jndi:ldap://x}}",
)

Mutation = Callable[[random.Random, str, str], str]


def bytes_changed(rng: random.Random, text: str, _: str) -> str:
    letters = list(text)
    for _ in range(rng.randrange(1, 4)):
        where = rng.randrange(len(letters))
        letters[where] = rng.choice(['"', "[", "]", "{", "}", ",", ":", "9", "e", "-", "\x00", "é"])
    return "".join(letters)


def part_twice(rng: random.Random, text: str, _: str) -> str:
    first, last = sorted(rng.sample(range(len(text)), 2))
    return text[:last] + text[first:last] + text[last:]


def leaf_changed(rng: random.Random, text: str, path: str) -> str:
    wrong: list[Any] = [
        *(1e308, -1e308, 10**400, float("nan"), float("inf"), 0.5, 0, -1, True, None),
        *([], {}, ["add"], "A" * 10**6, rng.choice(CODE).format(path=path)),
    ]
    return _with_leaf(rng, text, rng.choice(wrong))


def code_for_a_leaf(rng: random.Random, text: str, path: str) -> str:
    return _with_leaf(rng, text, rng.choice(CODE).format(path=path))


def key_twice(rng: random.Random, text: str, _: str) -> str:
    key = rng.choice(["version", "signal", "entry", "__class__"])
    return f'{{"{key}": 1, {text[1:]}'


def deeper(rng: random.Random, text: str, _: str) -> str:
    tree = json.loads(text)
    name = next(key for key in tree if key != "version")
    for _ in range(rng.randrange(1, 60)):
        tree[name] = ["not" if name in ("entry", "exit") else "negate", tree[name]]
    return json.dumps(tree)


def megabytes(rng: random.Random, text: str, _: str) -> str:
    filling = rng.choice([" ", "\n", "[", "9", '"a",']) * 10**6
    return rng.choice([text + filling, filling + text, text[:-1] + filling + "}"])


def _with_leaf(rng: random.Random, text: str, wrong: object) -> str:
    tree = json.loads(text)
    holder, key = tree, rng.choice(list(tree))
    while isinstance(holder[key], list) and rng.random() < 0.8:
        holder, key = holder[key], rng.randrange(len(holder[key]))
    holder[key] = wrong
    return json.dumps(tree)


MUTATIONS: list[Mutation] = [
    bytes_changed,
    part_twice,
    leaf_changed,
    code_for_a_leaf,
    key_twice,
    deeper,
    megabytes,
]


def test_what_was_a_program_is_one_still_or_is_refused(tmp_path: Path) -> None:
    rng, trap = random.Random(7), tmp_path / "executed"  # noqa: S311 not for secrets
    n_programs, slowest, longest = 0, 0.0, 0
    for n in range(N_TEXTS):
        text = MUTATIONS[n % len(MUTATIONS)](rng, rng.choice(SEEDS), str(trap))
        begun = time.process_time()
        try:
            program = from_json(text, FEATURES.names)
        except BadProgram as error:
            longest = max(longest, len(str(error)))
        except TradingError as error:
            pytest.fail(f"{text[:200]} was refused as {type(error).__name__}")
        else:
            check_program(program)
            assert from_json(to_json(program), FEATURES.names) == program
            n_programs += 1
        slowest = max(slowest, time.process_time() - begun)
    assert not trap.exists()
    assert slowest < BUDGET
    assert longest < 1000
    assert 50 < n_programs < N_TEXTS // 2  # or the mutations would be none, or nothing but noise


def test_a_file_of_megabytes_is_refused_before_it_is_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(SEEDS[0] + " " * 10**7)
    begun = time.process_time()
    with pytest.raises(BadProgram, match="may be 65536 bytes long"):
        read_program(path)
    assert time.process_time() - begun < BUDGET
