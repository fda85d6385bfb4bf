"""Programs drawn as trees: every node once, nothing on top of anything, nothing that is code."""

import xml.etree.ElementTree as ElementTree
from itertools import combinations

import numpy as np
import pytest

from benbot.experiments.evolving.family_tree import family_svg
from benbot.experiments.evolving.tree_figure import BOX, tree_boxes, tree_svg
from benbot.strategies.programs.features import FEATURES
from benbot.strategies.programs.generation import Dice, random_program
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.notation import from_json

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(drawing).iter(f"{SVG}text")]  # noqa: S314


def test_a_tree_has_the_root_at_the_left_and_arguments_to_the_right_of_it() -> None:
    program = from_json('{"version": 1, "signal": ["add", ["mean", "rsi", 5], 1]}')
    boxes = tree_boxes(program)
    assert [box.word for box in boxes] == ["add", "mean", "rsi", "5", "1"]
    assert [box.above for box in boxes] == [-1, 0, 1, 1, 0]
    assert boxes[0].x < boxes[1].x == boxes[4].x < boxes[2].x == boxes[3].x
    assert boxes[1].y == (boxes[2].y + boxes[3].y) / 2.0
    assert boxes[0].y == (boxes[1].y + boxes[4].y) / 2.0
    assert boxes[2].note == FEATURES["rsi"].meaning
    assert [box.is_feature for box in boxes] == [False, False, True, False, False]


@pytest.mark.parametrize("form", ["signal", "parts"])
def test_no_two_boxes_touch_in_any_tree(form: str) -> None:
    language = Language(form=form, depth=8, size=60)
    dice = Dice(np.random.default_rng(0))
    for _ in range(30):
        boxes = tree_boxes(random_program(dice, language))
        for one, other in combinations(boxes, 2):
            apart = one.right < other.x or other.right < one.x
            assert apart or abs(one.y - other.y) > BOX
        for box in boxes[1:]:
            assert boxes[box.above].right < box.x


def test_a_drawing_is_xml_with_every_word_of_the_program() -> None:
    text = '{"version": 1, "entry": ["above", "rsi", 0.4], "exit": "never", "size": -1}'
    drawing = tree_svg(from_json(text))
    assert set(texts(drawing)) >= {"parts", "above", "rsi", "0.4", "never", "−1", "entry", "exit"}
    assert "enter −1 when rsi &gt; 0.4; leave when never" in drawing


def test_detours_are_not_drawn() -> None:
    drawing = tree_svg(from_json('{"version": 1, "signal": ["negate", ["negate", "rsi"]]}'))
    assert texts(drawing) == ["rsi"]


def ancestor(digest: str, generation: int, *parents: str) -> dict[str, object]:
    formula = f"<script>{digest}</script>"
    named = {"digest": digest, "generation": generation, "parents": parents}
    return {**named, "island": 0, "formula": formula, "genome": {}}


def test_a_family_has_a_dot_for_everybody_and_a_line_for_every_parent() -> None:
    family = [ancestor("c", 3, "a", "b"), ancestor("b", 2, "a"), ancestor("a", 0)]
    drawing = family_svg(family)
    root = ElementTree.fromstring(drawing)  # noqa: S314
    dots = [float(each.get("cx", 0)) for each in root.iter(f"{SVG}circle")]
    assert len(dots) == 3
    assert dots[0] > dots[1] > dots[2]  # the winner is the youngest
    assert len(list(root.iter(f"{SVG}path"))) == 3
    assert texts(drawing) == ["0", "1", "2", "3"]
    assert "<script>" not in drawing


def test_who_was_drawn_by_chance_is_a_dot_alone() -> None:
    assert family_svg([ancestor("a", 4)]).count("<circle") == 1
