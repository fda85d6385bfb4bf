"""Each simplification is a law: what is shorter says the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.notation import from_json, to_json
from benbot.strategies.programs.program import Program, check_program
from benbot.strategies.programs.simplification import canonical, digest, simplified
from tests.strategies.programs.worlds import programs_over, whole_features

FEATURES = whole_features(0, n_bars=420)
NAMES = FEATURES.names
X, Y = '"noise"', '"steps"'
C = f'["above", {X}, 0]'
RULES = [
    ('["add", 2, 3]', "5"),
    ('["tanh", 0]', "0"),
    ('["divide", 1, 0]', "1"),
    (f'["add", {X}, 0]', X),
    (f'["add", {X}, ["negate", {Y}]]', f'["subtract", {X}, {Y}]'),
    (f'["add", ["negate", {X}], {Y}]', f'["subtract", {Y}, {X}]'),
    (f'["subtract", {X}, {X}]', "0"),
    (f'["subtract", {X}, 0]', X),
    (f'["subtract", 0, {X}]', f'["negate", {X}]'),
    (f'["subtract", {X}, ["negate", {Y}]]', f'["add", {X}, {Y}]'),
    (f'["multiply", {X}, 0]', "0"),
    (f'["multiply", 1, {X}]', X),
    (f'["multiply", {X}, -1]', f'["negate", {X}]'),
    (f'["multiply", ["negate", {X}], ["negate", {Y}]]', f'["multiply", {X}, {Y}]'),
    (f'["divide", {Y}, {Y}]', "1"),
    (f'["divide", {X}, 1]', X),
    (f'["divide", {X}, -1]', f'["negate", {X}]'),
    (f'["min", {X}, {X}]', X),
    (f'["min", {X}, ["min", {Y}, {X}]]', f'["min", {Y}, {X}]'),
    (f'["max", ["min", {Y}, {X}], {X}]', X),
    (f'["negate", ["negate", {X}]]', X),
    (f'["negate", ["subtract", {X}, {Y}]]', f'["subtract", {Y}, {X}]'),
    (f'["abs", ["negate", {X}]]', f'["abs", {X}]'),
    (f'["abs", ["abs", {X}]]', f'["abs", {X}]'),
    (f'["sign", ["sign", {X}]]', f'["sign", {X}]'),
    (f'["if", ["above", {X}, {X}], {X}, {Y}]', Y),
    (f'["if", ["above", 2, 1], {X}, {Y}]', X),
    (f'["if", {C}, {X}, {X}]', X),
    (f'["if", ["not", {C}], {X}, {Y}]', f'["if", {C}, {Y}, {X}]'),
    (f'["if", ["not", ["not", {C}]], {X}, {Y}]', f'["if", {C}, {X}, {Y}]'),
    (f'["if", ["and", {C}, "never"], {X}, {Y}]', Y),
    (f'["if", ["and", {C}, "always"], {X}, {Y}]', f'["if", {C}, {X}, {Y}]'),
    (f'["if", ["or", {C}, "always"], {X}, {Y}]', X),
    (f'["if", ["or", {C}, ["and", {C}, ["below", {Y}, 0]]], 1, {X}]', f'["if", {C}, 1, {X}]'),
    (f'["lag", ["lag", {X}, 2], 3]', f'["lag", {X}, 5]'),
    (f'["lowest", ["lowest", {X}, 3], 5]', f'["lowest", {X}, 7]'),
    (f'["mean", {X}, 1]', X),
    (f'["zscore", {X}, 1]', "0"),
    (f'["correlation", {X}, ["subtract", {Y}, {Y}], 5]', "0"),
    (f'["mean", ["subtract", {Y}, {Y}], 5]', "0"),
    (f'["delta", ["multiply", 0, {X}], 5]', "0"),
    (f'["place", ["place", {X}]]', f'["place", {X}]'),
    (f'["demean", ["divide", {X}, {X}]]', "0"),
    (f'["lag", ["lag", {X}, 500], 20]', f'["lag", ["lag", {X}, 500], 20]'),
    (f'["negate", ["sign", ["subtract", {X}, ["add", {Y}, ["min", 3, -3]]]]]', None),
]


def signal(tree: str) -> Program:
    return from_json(f'{{"version": 1, "signal": {tree}}}', NAMES)


def assert_same(one: Program, other: Program) -> None:
    first, second = evaluate([one], FEATURES)[0], evaluate([other], FEATURES)[0]
    late = slice(one.reach([0] * len(NAMES)), None)
    first, second = first[..., late, :], second[..., late, :]
    known = np.isfinite(first)
    np.testing.assert_allclose(second[known], first[known], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("tree", "shorter"), RULES)
def test_a_rule_by_hand(tree: str, shorter: str | None) -> None:
    program = signal(tree)
    if shorter is not None:
        assert simplified(program) == signal(shorter)
    assert_same(program, simplified(program))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(["signal", "parts"]))
def test_what_is_simplified_says_the_same_and_is_no_longer(seed: int, form: str) -> None:
    for program in programs_over(FEATURES, seed, 5, form):
        shorter = simplified(program)
        check_program(shorter)
        assert len(shorter) <= len(program)
        assert simplified(shorter) == shorter
        assert_same(program, shorter)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_canonical_form_says_the_same_to_the_last_bit(seed: int) -> None:
    programs = programs_over(FEATURES, seed, 5)
    ordered = [canonical(program) for program in programs]
    np.testing.assert_array_equal(evaluate(programs, FEATURES), evaluate(ordered, FEATURES))
    assert [canonical(program) for program in ordered] == ordered


def test_a_digest_ignores_the_order_of_what_may_change_places() -> None:
    one = signal(f'["add", ["multiply", {X}, {Y}], ["if", ["below", {X}, 1], {X}, 2]]')
    other = signal(f'["add", ["if", ["above", 1, {X}], {X}, 2], ["multiply", {Y}, {X}]]')
    assert one != other
    assert digest(one) == digest(other)
    assert len(digest(one)) == 16
    assert digest(signal(f'["subtract", {X}, {Y}]')) != digest(signal(f'["subtract", {Y}, {X}]'))


def test_a_digest_is_of_names_and_not_of_their_numbers() -> None:
    text = f'{{"version": 1, "signal": ["lag", {Y}, 2]}}'
    assert digest(from_json(text, NAMES)) == digest(from_json(text, NAMES[::-1]))
    assert to_json(canonical(from_json(text, NAMES))) == text
