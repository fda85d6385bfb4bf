"""Shorter programs that say the same, and one form for all that are the same but for their order.

Every rule is a law: on bars where everything that the program looks at is known and finite, both
say the same number. Where something is unknown the shorter one may know the answer already, as
x − x is 0 whatever x is; so a program is traded as it was found and not as it could be written.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benbot.strategies.programs.features import Features
from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.notation import to_json
from benbot.strategies.programs.primitives import (
    BY_CODE,
    LARGEST_CONSTANT,
    LONGEST_WINDOW,
    Code,
)
from benbot.strategies.programs.program import Program, program_of

Tree = tuple[Any, ...]  # (code, number, *arguments)
Rule = Callable[[Tree], Tree | None]

ALWAYS: Tree = (Code.ALWAYS, 0.0)
NEVER: Tree = (Code.NEVER, 0.0)
NOWHERE = Features(
    ("nothing",),
    np.zeros((1, 1, 1), np.float32),
    np.zeros(1, np.int64),
    np.ones((1, 1), np.float32),
)
DIGITS = 16  # hexadecimal, of a digest


def simplified(program: Program) -> Program:
    """Return a program that says the same and is no longer."""
    return _program(_simple(_tree(program, 0)), program.features)


def canonical(program: Program) -> Program:
    """Return the program with arguments that may change places in one order, and no "below"."""
    return _program(_ordered(_tree(program, 0)), program.features)


def digest(program: Program) -> str:
    """Return sixteen hex digits that are those of every program with the same canonical form."""
    text = to_json(canonical(program))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _tree(program: Program, place: int) -> Tree:
    arguments = (_tree(program, start) for start in program.arguments(place))
    return (program.codes[place], program.numbers[place], *arguments)


def _program(tree: Tree, features: tuple[str, ...]) -> Program:
    return program_of(list(_nodes(tree)), features)


def _nodes(tree: Tree) -> Iterable[tuple[int, float]]:
    yield tree[0], tree[1]
    for argument in tree[2:]:
        yield from _nodes(argument)


def _ordered(tree: Tree) -> Tree:
    code, number, *arguments = tree
    arguments = [_ordered(argument) for argument in arguments]
    if code == Code.BELOW:
        return (Code.ABOVE, number, arguments[1], arguments[0])
    if code in BY_CODE and BY_CODE[code].commutative:
        arguments[:2] = sorted(arguments[:2])
    return (code, number, *arguments)


def _simple(tree: Tree) -> Tree:
    """Simplify the arguments, then the node, as long as a rule fits."""
    tree = (*tree[:2], *map(_simple, tree[2:]))
    code = tree[0]
    for rule in (_folded, RULES.get(Code(code)), _of_window if code in WINDOWED else None):
        shorter = rule(tree) if rule is not None else None
        if shorter is not None:
            return _simple(shorter)
    return tree


def _constant(value: float) -> Tree:
    return (Code.CONSTANT, float(np.float32(value)))


ZERO, ONE, LESS_ONE = _constant(0.0), _constant(1.0), _constant(-1.0)


def _is_fixed(tree: Tree) -> bool:
    return tree[0] in (Code.CONSTANT, Code.ALWAYS, Code.NEVER)


def _folded(tree: Tree) -> Tree | None:
    """Return what a node of constants is, as the machine says."""
    code = tree[0]
    if not tree[2:] or code == Code.PARTS or code >= Code.LAG or not all(map(_is_fixed, tree[2:])):
        return None
    value = float(evaluate([_program(tree, NOWHERE.names)], NOWHERE)[0, 0, 0])
    if Code.ABOVE <= code <= Code.NOT:
        return ALWAYS if value > 0.0 else NEVER
    return _constant(value) if abs(value) <= LARGEST_CONSTANT else None


def _add(tree: Tree) -> Tree | None:
    _, _, x, y = tree
    if ZERO in (x, y):
        return y if x == ZERO else x
    if y[0] == Code.NEGATE:
        return (Code.SUBTRACT, 0.0, x, y[2])
    return (Code.SUBTRACT, 0.0, y, x[2]) if x[0] == Code.NEGATE else None


def _subtract(tree: Tree) -> Tree | None:
    _, _, x, y = tree
    if x == y:
        return ZERO
    if ZERO in (x, y):
        return x if y == ZERO else (Code.NEGATE, 0.0, y)
    return (Code.ADD, 0.0, x, y[2]) if y[0] == Code.NEGATE else None


def _multiply(tree: Tree) -> Tree | None:
    _, _, x, y = tree
    if ZERO in (x, y):
        return ZERO
    if ONE in (x, y):
        return y if x == ONE else x
    if LESS_ONE in (x, y):
        return (Code.NEGATE, 0.0, y if x == LESS_ONE else x)
    both = x[0] == Code.NEGATE and y[0] == Code.NEGATE
    return (Code.MULTIPLY, 0.0, x[2], y[2]) if both else None


def _divide(tree: Tree) -> Tree | None:
    _, _, x, y = tree
    if x == y:
        return ONE
    if y in (ONE, LESS_ONE):
        return x if y == ONE else (Code.NEGATE, 0.0, x)
    return None


def _of_lattice(other: Code) -> Rule:
    """Return the laws of min and max, or of and and or.

    min(x, x) = x, min(x, min(x, y)) = min(x, y), min(x, max(x, y)) = x.
    """

    def rule(tree: Tree) -> Tree | None:
        code, _, x, y = tree
        if x == y:
            return x
        for one, two in ((x, y), (y, x)):
            if two[0] in (code, other) and one in two[2:]:
                return two if two[0] == code else one
        return None

    return rule


def _logic(tree: Tree) -> Tree | None:
    code, _, x, y = tree
    winner, neutral = (NEVER, ALWAYS) if code == Code.AND else (ALWAYS, NEVER)
    if winner in (x, y):
        return winner
    if neutral in (x, y):
        return y if x == neutral else x
    return _of_lattice(Code.OR if code == Code.AND else Code.AND)(tree)


def _negate(tree: Tree) -> Tree | None:
    inner = tree[2]
    if inner[0] == Code.NEGATE:
        return inner[2]
    return (Code.SUBTRACT, 0.0, inner[3], inner[2]) if inner[0] == Code.SUBTRACT else None


def _magnitude(tree: Tree) -> Tree | None:
    inner = tree[2]
    if inner[0] == Code.MAGNITUDE:
        return inner
    return (Code.MAGNITUDE, 0.0, inner[2]) if inner[0] == Code.NEGATE else None


def _twice(tree: Tree) -> Tree | None:
    """Return the inner one where doing it again changes nothing."""
    return tree[2] if tree[2][0] == tree[0] else None


def _not(tree: Tree) -> Tree | None:
    return tree[2][2] if tree[2][0] == Code.NOT else None


def _compare(tree: Tree) -> Tree | None:
    return NEVER if tree[2] == tree[3] else None


def _if(tree: Tree) -> Tree | None:
    _, _, asked, x, y = tree
    if asked in (ALWAYS, NEVER):
        return x if asked == ALWAYS else y
    if x == y:
        return x
    return (Code.IF, 0.0, asked[2], y, x) if asked[0] == Code.NOT else None


def _across(tree: Tree) -> Tree | None:
    if _is_fixed(tree[2]):
        return ZERO
    return _twice(tree) if tree[0] == Code.PLACE else None


def _of_window(tree: Tree) -> Tree | None:
    """Return what a window of one bar, of a constant, or of another window is."""
    code, (x, *others, (_, bars)) = tree[0], tree[2:]
    still = any(map(_is_fixed, (x, *others)))
    is_single = bars == 1.0 and code not in (Code.LAG, Code.DELTA)
    if still or is_single:
        return ZERO if code in NOTHING_IF_STILL else x
    if x[0] != code or code not in ADDS_UP:
        return None
    together = bars + x[3][1] - (0.0 if code == Code.LAG else 1.0)
    if together > LONGEST_WINDOW:
        return None
    return (code, 0.0, x[2], (Code.WINDOW, together))


ADDS_UP = (Code.LAG, Code.LOWEST, Code.HIGHEST)
NOTHING_IF_STILL = (Code.DELTA, Code.DEVIATION, Code.SCORE, Code.RANK, Code.CORRELATION)
WINDOWED = frozenset(code for code, each in BY_CODE.items() if each.has_window)
RULES: dict[Code, Rule] = {
    Code.ADD: _add,
    Code.SUBTRACT: _subtract,
    Code.MULTIPLY: _multiply,
    Code.DIVIDE: _divide,
    Code.SMALLER: _of_lattice(Code.LARGER),
    Code.LARGER: _of_lattice(Code.SMALLER),
    Code.NEGATE: _negate,
    Code.MAGNITUDE: _magnitude,
    Code.SIGN: _twice,
    Code.ABOVE: _compare,
    Code.BELOW: _compare,
    Code.AND: _logic,
    Code.OR: _logic,
    Code.NOT: _not,
    Code.IF: _if,
    Code.PLACE: _across,
    Code.DEMEAN: _across,
}
