"""Programs for people: one line, or a tree of lines.

tanh(return_5 × mean(volume, 20))
enter 1 when rsi > 0.4; leave when rsi < 0
"""

from benbot.strategies.programs.notation import shortest
from benbot.strategies.programs.primitives import BY_CODE, Code
from benbot.strategies.programs.program import Program

# How tightly a formula without brackets of its own holds together; a looser one within a tighter
# one is put in brackets.
TIGHTNESS = {
    Code.OR: 1,
    Code.AND: 2,
    Code.NOT: 3,
    Code.ABOVE: 4,
    Code.BELOW: 4,
    Code.ADD: 5,
    Code.SUBTRACT: 5,
    Code.MULTIPLY: 6,
    Code.DIVIDE: 6,
    Code.NEGATE: 7,
}
CLOSED = 9  # a leaf, or what has brackets
STRICT = (Code.SUBTRACT, Code.DIVIDE, Code.ABOVE, Code.BELOW)  # a − (b − c) is not a − b − c


def formula(program: Program) -> str:
    """Return the program as people write it."""
    return _formula(program, 0)[0]


def _formula(program: Program, place: int) -> tuple[str, int]:
    """Return the text of a sub-tree and how tightly it holds together."""
    code = program.codes[place]
    if code not in BY_CODE:
        text = leaf(program, place)
        return text, TIGHTNESS[Code.NEGATE] if text.startswith("−") else CLOSED
    own = TIGHTNESS.get(Code(code), CLOSED)
    arguments = []
    for k, start in enumerate(program.arguments(place)):
        text, tightness = _formula(program, start)
        least = own + (k > 0 and code in STRICT) + (code in (Code.NEGATE, Code.ABOVE, Code.BELOW))
        is_loose = own != CLOSED and tightness < least
        arguments.append(f"({text})" if is_loose else text)
    return BY_CODE[code].formula.format(*arguments), own


def leaf(program: Program, place: int) -> str:
    """Return a leaf as people write it."""
    code, number = program.codes[place], program.numbers[place]
    if code == Code.FEATURE:
        return program.features[int(number)]
    if code in (Code.ALWAYS, Code.NEVER):
        return Code(code).name.lower()
    return f"{shortest(number)}".replace("-", "−")


def tree_lines(program: Program) -> list[str]:
    """Return the program as a tree, a line a node, for a terminal."""
    lines: list[str] = []
    waiting = [(0, "", "")]
    while waiting:
        place, stem, branch = waiting.pop()
        code = program.codes[place]
        word = BY_CODE[code].name if code in BY_CODE else leaf(program, place)
        lines.append(f"{stem}{branch}{word}")
        below = stem + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        starts = program.arguments(place)
        branches = ["├─ "] * (len(starts) - 1) + ["└─ "] * bool(starts)
        pairs = zip(starts, branches, strict=True)
        waiting.extend(reversed([(start, below, each) for start, each in pairs]))
    return lines
