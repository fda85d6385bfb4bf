"""Programs as bytes: sub-trees, slots, exchanges, warm-up; and what is no program."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.errors import BadProgram, InvalidParameter, UnknownName
from benbot.strategies.programs.generation import Dice, random_program, random_tree
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.notation import from_json
from benbot.strategies.programs.primitives import BY_NAME, NUMBER, Code, Type
from benbot.strategies.programs.program import Program, check_program
from tests.strategies.programs.worlds import programs_over, whole_features, written

NAMES = ("x", "y")
FEATURES = whole_features(0)
seeds = st.integers(0, 2**32 - 1)


def example() -> Program:
    """Return add(mean(x, 5), if(x > 1, y, 2)), of which the places are 0 to 9."""
    return written('["add", ["mean", "x", 5], ["if", ["above", "x", 1], "y", 2]]', *NAMES)


def test_a_sub_tree_is_a_stretch() -> None:
    program = example()
    assert program.ends == (10, 4, 3, 4, 10, 8, 7, 8, 9, 10)
    assert program.ends == tuple(program.end(place) for place in range(10))
    assert program.arguments(0) == (1, 4)
    assert program.arguments(4) == (5, 8, 9)
    assert program.sub(5) == Program(program.codes[5:8], program.values[20:32], NAMES)


def test_every_node_has_a_depth_a_type_and_a_slot() -> None:
    program = example()
    assert program.depths == (0, 1, 2, 2, 1, 2, 3, 3, 2, 2)
    assert program.depth == 3
    series, condition = Type.SERIES, Type.CONDITION
    assert program.gives[:4] == bytes([series, series, series, Type.WINDOW])
    assert program.gives[5] == condition
    assert program.slots == (
        *(NUMBER, NUMBER, series, Type.WINDOW, NUMBER, condition, NUMBER, NUMBER, NUMBER, NUMBER),
    )


def test_a_sub_tree_takes_the_place_of_another() -> None:
    swapped = example().swapped(4, written('["abs", "y"]', *NAMES))
    assert swapped == written('["add", ["mean", "x", 5], ["abs", "y"]]', *NAMES)


def test_the_warm_up_is_the_longest_sum_along_a_path() -> None:
    tree = '["add", ["lag", ["mean", "x", 20], 5], ["ema", "y", 3]]'
    assert written(tree, *NAMES).reach([10, 0]) == max(10 + 19 + 5, 4 * 3 - 1)
    assert written(tree, *NAMES).reach([0, 40]) == 40 + 11
    assert written('["delta", "x", 60]', *NAMES).reach([0, 0]) == 60
    assert written('["if", ["above", ["lag", "x", 9], 0], 1, 2]', *NAMES).reach([3, 0]) == 12
    assert written("1", *NAMES).reach([5, 5]) == 0


def test_the_features_that_are_used_are_told_once() -> None:
    assert example().features_used == ("x", "y")
    assert written('["add", "y", "y"]', *NAMES).features_used == ("y",)


@settings(max_examples=60)
@given(seed=seeds, form=st.sampled_from(["signal", "parts"]))
def test_generated_programs_are_well_formed_and_no_larger_than_asked_for(
    seed: int, form: str
) -> None:
    language = Language(features=NAMES, form=form, depth=5, size=40)
    program = random_program(Dice(np.random.default_rng(seed)), language, 2, 7)
    check_program(program)
    assert program.depth <= 5
    assert len(program) <= 40
    assert program.n_parts == (1 if form == "signal" else 3)


@settings(max_examples=60)
@given(seed=seeds)
def test_a_tree_for_a_slot_makes_a_program_of_a_program(seed: int) -> None:
    """What crossover and mutation are made of."""
    dice = Dice(np.random.default_rng(seed))
    language = Language(features=NAMES)
    program = random_program(dice, language)
    place = dice.below(len(program))
    slot = program.slots[place]
    tree = random_tree(dice, language, slot, 3)
    assert tree.gives[0] & slot
    check_program(program.swapped(place, tree))


def test_no_node_is_made_of_constants_alone() -> None:
    for program in programs_over(FEATURES, 1, 200):
        for place, code in enumerate(program.codes):
            arguments = [program.codes[start] for start in program.arguments(place)]
            assert not arguments or code == Code.IF or set(arguments) != {Code.CONSTANT}


def test_the_same_seed_gives_the_same_programs() -> None:
    assert programs_over(FEATURES, 5, 20) == programs_over(FEATURES, 5, 20)
    assert programs_over(FEATURES, 5, 20) != programs_over(FEATURES, 6, 20)


def test_a_language_may_lack_primitives() -> None:
    language = Language(features=NAMES, primitives=("add", "tanh"))
    dice = Dice(np.random.default_rng(0))
    used = {code for _ in range(50) for code in random_program(dice, language).codes}
    assert used <= {Code.ADD, Code.TANH, Code.FEATURE, Code.CONSTANT}


def test_parts_need_a_comparison() -> None:
    language = Language(features=NAMES, primitives=("add", "and"), form="parts")
    with pytest.raises(InvalidParameter, match="needs a comparison, was one of add, and"):
        random_program(Dice(np.random.default_rng(0)), language)


def test_a_language_without_room_is_told_so() -> None:
    language = Language(features=NAMES, form="parts", size=7)  # each comparison needs three
    with pytest.raises(InvalidParameter, match="fewer levels or more nodes"):
        random_program(Dice(np.random.default_rng(0)), language, 6, 6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"windows": (0,)}, "windows of a language must be whole numbers from 1 to 512, was 0"),
        ({"windows": (5, 5)}, "each once, was 2 of which 1 differ"),
        ({"features": ()}, "features of a language must be 1 to 1024"),
        ({"depth": 25}, "depth of a language must be whole numbers from 1 to 24, was 25"),
        ({"size": 2.5}, "size of a language"),
        ({"constant": float("nan")}, "constant of a language must be above 0"),
        ({"form": "tree"}, "form of a language must be one of signal, parts, was 'tree'"),
    ],
)
def test_a_language_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        Language(**({"features": NAMES} | wrong))


def test_an_unknown_primitive_of_a_language_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"'meen'. Did you mean mean"):
        Language(primitives=("meen",))


def test_bytes_that_are_no_tree_are_refused() -> None:
    one = example()
    for codes, message in (
        (b"", "1 to 255 nodes with a value each, was 0"),
        (one.codes[:-1], "must be one whole tree, was one that lacks 1 nodes"),
        (one.codes + b"\0", "node 10 must fit its slot"),
        (bytes([99]), "node 0 must fit its slot, was code 99"),
        (bytes([Code.MEAN, Code.CONSTANT, Code.WINDOW]), "node 1 must fit its slot"),
        (bytes([Code.NEGATE] * 30 + [Code.FEATURE]), "24 levels deep, was 30"),
    ):
        with pytest.raises(BadProgram, match=message):
            check_program(Program(codes, bytes(4 * len(codes)), NAMES))
    with pytest.raises(BadProgram, match="with 9 values"):
        check_program(Program(one.codes, one.values[4:], NAMES))


def test_every_primitive_has_words_and_slots_that_its_formula_shows() -> None:
    for primitive in BY_NAME.values():
        assert primitive.meaning
        assert all(f"{{{k}}}" in primitive.formula for k in range(primitive.arity))


def test_a_program_is_what_its_text_says_over_any_vocabulary() -> None:
    text = '{"version": 1, "signal": ["add", "rsi", "volume"]}'
    assert from_json(text).features_used == ("rsi", "volume")
    assert from_json(text, ("volume", "rsi")).numbers == (0.0, 1.0, 0.0)
