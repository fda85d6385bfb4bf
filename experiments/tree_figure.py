"""A program drawn as a tree, in SVG: the root above, every argument below what takes it.

Lengths are pixels. A sub-tree is as wide as its own box or all that is below it, whichever is more,
so nothing can overlap; a box stands in the middle of what is below it.
"""

from dataclasses import dataclass
from html import escape

from benbot.experiments.drawing import AGENT
from benbot.strategies.programs.features import FEATURES
from benbot.strategies.programs.formula import formula, leaf
from benbot.strategies.programs.notation import PART_NAMES
from benbot.strategies.programs.primitives import BY_CODE, Code
from benbot.strategies.programs.program import Program
from benbot.strategies.programs.simplification import simplified

LETTER, LINE = 7.2, 14.0  # of the font, 12 pixels and of one width
PADDING, BOX = 8.0, 24.0
GAP, STEP = 12.0, 54.0  # between neighbours, and from one level to the next
MARGIN = 6.0


@dataclass(frozen=True)
class Box:
    """A node where it is drawn; `x` is its middle, `y` its top, and `above` the box that takes it.

    note   what the word means
    """

    word: str
    note: str
    is_feature: bool
    x: float
    y: float
    above: int

    @property
    def width(self) -> float:
        return width_of(self.word)


def width_of(word: str) -> float:
    return LETTER * len(word) + 2.0 * PADDING


def tree_boxes(program: Program) -> list[Box]:
    """Return the boxes of a program in prefix order."""
    words = [_word(program, place) for place in range(len(program))]
    takes = [program.arguments(place) for place in range(len(program))]
    widths = [width_of(word) for word in words]
    below = [0.0] * len(words)  # width of all that is below a node
    for place in range(len(words) - 1, -1, -1):
        if takes[place]:
            below[place] = sum(widths[each] for each in takes[place])
            below[place] += GAP * (len(takes[place]) - 1)
        widths[place] = max(widths[place], below[place])
    left, above = [MARGIN] * len(words), [-1] * len(words)
    for place, arguments in enumerate(takes):
        edge = left[place] + (widths[place] - below[place]) / 2.0
        for each in arguments:
            left[each], above[each] = edge, place
            edge += widths[each] + GAP
    return [
        Box(
            word,
            _note(program, place),
            program.codes[place] == Code.FEATURE,
            left[place] + widths[place] / 2.0,
            MARGIN + STEP * program.depths[place],
            above[place],
        )
        for place, word in enumerate(words)
    ]


def tree_svg(program: Program) -> str:
    """Return a program without its detours as SVG, which needs nothing else to be shown."""
    plain = simplified(program)
    boxes = tree_boxes(plain)
    width = max(box.x + box.width / 2.0 for box in boxes) + MARGIN
    height = max(box.y for box in boxes) + BOX + MARGIN
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
    return (
        f'<path d="M{above.x:.1f} {above.y + BOX:.1f}L{box.x:.1f} {box.y:.1f}" '
        'stroke="currentColor" opacity="0.45"/>'
    )


def _shape(box: Box, name: str) -> str:
    colour = AGENT if box.is_feature else "currentColor"
    above = box.y - 4.0
    named = (
        f'<text x="{box.x:.1f}" y="{above:.1f}" text-anchor="middle" fill="currentColor" '
        f'opacity="0.7">{escape(name)}</text>'
    )
    return (
        f"<g><title>{escape(box.note)}</title>"
        f'<rect x="{box.x - box.width / 2.0:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{BOX:.0f}" rx="5" stroke="{colour}" fill="{colour}" fill-opacity="0.06"/>'
        f'<text x="{box.x:.1f}" y="{box.y + LINE + 2.0:.1f}" text-anchor="middle" '
        f'fill="currentColor">{escape(box.word)}</text>{named if name else ""}</g>'
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
