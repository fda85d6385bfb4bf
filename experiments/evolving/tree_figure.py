"""A program drawn as a tree, in SVG: the root at the left, arguments to its right.

Lengths are pixels. A leaf is a row of its own and a level a column as wide as its widest word, so
nothing can overlap, and what a narrow screen shows first is the root; a box stands in the middle of
the rows of its arguments.
"""

from dataclasses import dataclass
from html import escape

from benbot.experiments.report.drawing import AGENT
from benbot.strategies.programs.features import FEATURES
from benbot.strategies.programs.formula import formula, leaf
from benbot.strategies.programs.notation import PART_NAMES
from benbot.strategies.programs.primitives import BY_CODE, Code
from benbot.strategies.programs.program import Program
from benbot.strategies.programs.simplification import simplified

LETTER, BASELINE = 7.2, 16.0  # of the font, 12 pixels and of one width, in a box
PADDING, BOX = 8.0, 24.0
ACROSS, DOWN = 26.0, 32.0  # from a level to the next, beside its width, and from a row to the next
MARGIN = 6.0


@dataclass(frozen=True)
class Box:
    """A node where it is drawn; `x` is its left, `y` its middle, and `above` the box that takes it.

    note   what the word means
    """

    word: str
    note: str
    is_feature: bool
    x: float
    y: float
    above: int

    @property
    def right(self) -> float:
        return self.x + width_of(self.word)


def width_of(word: str) -> float:
    return LETTER * len(word) + 2.0 * PADDING


def tree_boxes(program: Program) -> list[Box]:
    """Return the boxes of a program in prefix order."""
    places = range(len(program))
    words = [_word(program, place) for place in places]
    takes = [program.arguments(place) for place in places]
    left, above = _columns(program, words), [-1] * len(words)
    middle, row = [0.0] * len(words), 0
    for place in places:
        for each in takes[place]:
            above[each] = place
        if not takes[place]:
            middle[place] = MARGIN + BOX / 2.0 + DOWN * row
            row += 1
    for place in reversed(places):
        if takes[place]:
            middle[place] = (middle[takes[place][0]] + middle[takes[place][-1]]) / 2.0
    return [
        Box(
            words[place],
            _note(program, place),
            program.codes[place] == Code.FEATURE,
            left[place],
            middle[place],
            above[place],
        )
        for place in places
    ]


def _columns(program: Program, words: list[str]) -> list[float]:
    """Return where the box of each node begins."""
    widest = [0.0] * (program.depth + 1)
    for depth, word in zip(program.depths, words, strict=True):
        widest[depth] = max(widest[depth], width_of(word))
    begins = [MARGIN + sum(widest[:level]) + ACROSS * level for level in range(len(widest))]
    return [begins[depth] for depth in program.depths]


def tree_svg(program: Program) -> str:
    """Return a program without its detours as SVG, which needs nothing else to be shown."""
    plain = simplified(program)
    boxes = tree_boxes(plain)
    width = max(box.right for box in boxes) + MARGIN
    height = max(box.y for box in boxes) + BOX / 2.0 + MARGIN
    names = dict(zip(plain.arguments(0), PART_NAMES, strict=False)) if plain.n_parts > 1 else {}
    lines = [_line(boxes[box.above], box) for box in boxes if box.above >= 0]
    shapes = [_shape(box, names.get(place, "")) for place, box in enumerate(boxes)]
    return svg(width, height, formula(plain), [*lines, *shapes])


def svg(width: float, height: float, title: str, parts: list[str]) -> str:
    """Return parts as one drawing; its ink is that of the page, or dark where there is none."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" font-family="monospace" '
        f'font-size="12" stroke-width="1" fill="none"><title>{escape(title)}</title>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _line(above: Box, box: Box) -> str:
    turn = box.x - ACROSS / 2.0
    return (
        f'<path d="M{above.right:.1f} {above.y:.1f}H{turn:.1f}V{box.y:.1f}H{box.x:.1f}" '
        'stroke="currentColor" opacity="0.45"/>'
    )


def _shape(box: Box, part: str) -> str:
    colour, top = AGENT if box.is_feature else "currentColor", box.y - BOX / 2.0
    note = f"{part}: {box.note}" if part else box.note
    return (
        f"<g><title>{escape(note)}</title>"
        f'<rect x="{box.x:.1f}" y="{top:.1f}" width="{box.right - box.x:.1f}" '
        f'height="{BOX:.0f}" rx="5" stroke="{colour}" fill="{colour}" fill-opacity="0.06"/>'
        f'<text x="{box.x + PADDING:.1f}" y="{top + BASELINE:.1f}" fill="currentColor">'
        f"{escape(box.word)}</text>{_named(box, part)}</g>"
    )


def _named(box: Box, part: str) -> str:
    """Return the name of a part of the program, above its box."""
    if not part:
        return ""
    return (
        f'<text x="{box.x:.1f}" y="{box.y - BOX / 2.0 - 1.0:.1f}" font-size="9" '
        f'fill="currentColor" opacity="0.7">{escape(part)}</text>'
    )


def _word(program: Program, place: int) -> str:
    code = program.codes[place]
    return BY_CODE[code].name if code in BY_CODE else leaf(program, place)


def _note(program: Program, place: int) -> str:
    """Return what a node means, in words."""
    code = program.codes[place]
    if code == Code.FEATURE:
        return FEATURES[program.features[int(program.numbers[place])]].meaning
    if code in BY_CODE:
        return BY_CODE[code].meaning
    return "bars" if code == Code.WINDOW else "constant"
