"""Programs as JSON: written as read, and everything else refused, with nothing executed."""

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.errors import BadProgram
from benbot.strategies.programs.formula import formula, tree_lines
from benbot.strategies.programs.notation import (
    LONGEST_TEXT,
    from_json,
    read_program,
    to_json,
)
from benbot.strategies.programs.primitives import BY_NAME
from tests.strategies.programs.worlds import programs_over, whole_features

GOOD = '{"version": 1, "signal": ["multiply", "return_5", ["mean", "volume", 20]]}'
N_HOSTILE = 1000
BUDGET = 0.05  # seconds that a refusal may take at the most
FEATURES = whole_features(0)


def signal(tree: str) -> str:
    return f'{{"version": 1, "signal": {tree}}}'


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(["signal", "parts"]))
def test_a_program_is_written_as_it_is_read(seed: int, form: str) -> None:
    for program in programs_over(FEATURES, seed, 4, form):
        text = to_json(program)
        assert from_json(text, FEATURES.names) == program
        assert from_json(text.encode(), FEATURES.names) == program
        json.loads(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON, was not"),
        ("[1]", "must be an object with version, was [1]"),
        ("{}", "version of a program must be 1, was None"),
        ('{"version": 2, "signal": 1}', "version of a program must be 1, was 2"),
        ('{"version": true, "signal": 1}', "version of a program must be 1, was True"),
        ('{"version": 1.0, "signal": 1}', "version of a program must be 1, was 1.0"),
        ('{"version": 1}', "either signal or entry, exit, size, was []"),
        ('{"version": 1, "signal": 1, "x": 2}', "was ['signal', 'x']"),
        ('{"version": 1, "entry": "always", "size": 1}', "was ['entry', 'size']"),
        ('{"version": 1, "signal": 1, "signal": 2}', "once, was twice: 'signal'"),
        (signal('["exec", "rsi"]'), "must be one of add, subtract, "),
        (signal('["parts", "always", "never", 1]'), "was 'parts'"),
        (signal("[]"), "was None"),
        (signal('[["add"], 1, 2]'), "was ['add']"),
        (signal('["add", "rsi"]'), "add takes 2 arguments, was 1"),
        (signal('["not", "always"]'), "a number was due, was ['not', 'always']"),
        (signal('["if", ["and", "rsi", "always"], 1, 2]'), "a condition was due, was 'rsi'"),
        (signal('["mean", 3, 5]'), "a series was due, was 3"),
        (signal('["mean", "rsi", 5.0]'), "a window must be a whole number of bars from 1 to 512"),
        (signal('["mean", "rsi", true]'), "a window must be"),
        (signal('["mean", "rsi", 0]'), "was 0"),
        (signal('["mean", "rsi", 513]'), "was 513"),
        (signal('["mean", "rsi", "5"]'), "was '5'"),
        (signal('"rsii"'), "feature must be one that exists, was 'rsii'. Did you mean rsi?"),
        (signal("\"__import__('os')\""), "feature must be one that exists"),
        (signal("true"), "a number was due, was True"),
        (signal("null"), "a number was due, was None"),
        (signal('{"add": [1, 2]}'), "a number was due, was {'add': [1, 2]}"),
        (signal("NaN"), "a constant must be finite, was NaN"),
        (signal("-Infinity"), "a constant must be finite, was -Infinity"),
        (signal("1e999"), "a constant must lie within ±1e+06, was inf"),
        (signal("1000001"), "a constant must lie within ±1e+06, was 1000001"),
        (signal("9" * 5000), "must be JSON, was not: Exceeds the limit"),
        (signal('["negate", ' * 25 + "1" + "]" * 25), "24 levels deep"),
        (signal("[" * 20000 + "]" * 20000), "24 levels deep, was"),
        (signal(f'"{"x" * LONGEST_TEXT}"'), f"may be {LONGEST_TEXT} bytes long"),
        (signal('["max", 1, ' * 8 + "1" + "]" * 8), ""),
    ],
)
def test_what_is_no_program_is_refused_with_a_reason(text: str, message: str) -> None:
    if not message:
        from_json(text)
        return
    with pytest.raises(BadProgram) as refused:
        from_json(text)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_program_of_too_many_nodes_is_refused() -> None:
    tree = '"rsi"'
    for _ in range(7):
        tree = f'["add", {tree}, {tree}]'
    from_json(signal(tree))
    with pytest.raises(BadProgram, match="may have 255 nodes, was more"):
        from_json(signal(f'["negate", {tree}]'))


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(BadProgram, match="must be UTF-8, was not at byte 3"):
        from_json(b'{"v\xff":1}')


def test_a_file_is_read_and_named_where_it_is_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(GOOD)
    bad.write_text(signal("NaN"))
    assert to_json(read_program(good)) == GOOD
    with pytest.raises(BadProgram, match=r"bad.json: a constant must be finite"):
        read_program(bad)
    with pytest.raises(BadProgram, match="must be a file that can be read"):
        read_program(tmp_path / "none.json")
    with pytest.raises(BadProgram, match="must be a file that can be read"):
        read_program(tmp_path)


def test_a_thousand_hostile_texts_are_refused_at_once_and_nothing_is_executed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executed: list[object] = []
    for name in ("eval", "exec", "compile"):
        monkeypatch.setattr(f"builtins.{name}", executed.append)
    rng = random.Random(0)  # noqa: S311 not for secrets
    limit = sys.getrecursionlimit()
    slowest = 0.0
    for n in range(N_HOSTILE):
        text = HOSTILE[n % len(HOSTILE)](rng)
        begun = time.process_time()
        with pytest.raises(BadProgram):
            from_json(text)
        slowest = max(slowest, time.process_time() - begun)
    assert not executed
    assert sys.getrecursionlimit() == limit
    assert slowest < BUDGET


def spoiled(rng: random.Random) -> str:
    """Return a program of which one node is something else."""
    tree = json.loads(GOOD)
    wrong: list[Any] = [None, True, {}, [], "x" * 70, "eval", 1e300, -(10**30), ["lambda"], [[]]]
    where = rng.choice([(0,), (1,), (2,), (2, 0), (2, 1), (2, 2)])
    node = tree["signal"]
    for step in where[:-1]:
        node = node[step]
    node[where[-1]] = rng.choice(wrong)
    return json.dumps(tree)


def cut(rng: random.Random) -> str:
    return GOOD[: rng.randrange(1, len(GOOD))]


def noise(rng: random.Random) -> bytes:
    return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 2000)))


def nested(rng: random.Random) -> str:
    opening, closing = rng.choice([("[", "]"), ('{"a":', "}"), ('["negate",', "]")])
    depth = rng.randrange(30, 5000)
    return signal(opening * depth + "1" + closing * depth)


def unclosed(rng: random.Random) -> str:
    return rng.choice(["[", '{"version":', '["add",']) * rng.randrange(30, 9000)


def huge(rng: random.Random) -> str:
    return rng.choice(["9" * 70_000, signal("9" * rng.randrange(8, 6000)), " " * 100_000])


def not_finite(rng: random.Random) -> str:
    word = rng.choice(["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e39", "nan", "0x10"])
    return signal(f'["add", "rsi", {word}]')


def twice(rng: random.Random) -> str:
    key = rng.choice(["version", "signal"])
    return GOOD.replace("{", f'{{"{key}": {rng.randrange(9)}, ', 1)


def unknown(rng: random.Random) -> str:
    word = rng.choice(["os.system", "__class__", "pow", "ADD", "add ", "", "\\u0000", "import"])
    return signal(f'["{word}", "rsi", {rng.randrange(5)}]')


def many(rng: random.Random) -> str:
    """Return a list that is long, and one of many nodes."""
    n = rng.randrange(300, 3000)
    wide = '["add"' + ', "rsi"' * n + "]"
    full = '"rsi"'
    for _ in range(9):
        full = f'["add", {full}, {full}]'
    return signal(rng.choice([wide, full]))


def quoted(rng: random.Random) -> str:
    """Return a number, a window or a whole program as a string."""
    return rng.choice([json.dumps(GOOD), GOOD.replace("20", '"20"'), GOOD.replace("1,", '"1",', 1)])


HOSTILE: list[Callable[[random.Random], str | bytes]] = [
    spoiled,
    cut,
    noise,
    nested,
    unclosed,
    huge,
    not_finite,
    twice,
    unknown,
    many,
    quoted,
]


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        ('["multiply", ["add", "rsi", 1], "volume"]', "(rsi + 1) × volume"),
        ('["add", ["multiply", "rsi", 2], "volume"]', "rsi × 2 + volume"),
        ('["subtract", "rsi", ["subtract", "rsi", 1]]', "rsi − (rsi − 1)"),
        ('["divide", "rsi", ["multiply", "rsi", 2]]', "rsi / (rsi × 2)"),
        ('["negate", ["add", "rsi", -2]]', "−(rsi + −2)"),
        ('["abs", ["mean", "rsi", 20]]', "|mean(rsi, 20)|"),
        (
            '["if", ["and", ["or", "always", ["above", "rsi", 0]], ["not", "never"]], 1, "rsi"]',
            "if((always or rsi > 0) and not never, 1, rsi)",
        ),
        ("0.1", "0.1"),
    ],
)
def test_a_formula_has_the_brackets_that_it_needs_and_no_others(tree: str, shown: str) -> None:
    assert formula(from_json(signal(tree))) == shown


def test_a_program_in_parts_is_read_as_a_sentence() -> None:
    text = '{"version": 1, "entry": ["above", "rsi", 0.4], "exit": "never", "size": -1}'
    assert formula(from_json(text)) == "enter −1 when rsi > 0.4; leave when never"


def test_a_tree_is_drawn_a_line_a_node() -> None:
    assert tree_lines(from_json(signal('["add", ["mean", "rsi", 5], 1]'))) == [
        "add",
        "├─ mean",
        "│  ├─ rsi",
        "│  └─ 5",
        "└─ 1",
    ]


def test_every_primitive_can_be_written() -> None:
    slots = {1: '"rsi"', 3: '"rsi"', 4: '"always"', 8: "5"}
    for name, primitive in BY_NAME.items():
        call = ", ".join([f'"{name}"', *(slots[int(slot)] for slot in primitive.slots)])
        condition = primitive.gives == 4
        tree = f'["if", [{call}], 1, 0]' if condition else f"[{call}]"
        assert to_json(from_json(signal(tree))) == signal(tree)
