"""What the machine does to each bar by itself, on stretches of one flat array of float32.

`m[d + i]` becomes a function of `m[a + i]`, `m[b + i]` and `m[c + i]` for i below n. The stretches
of a destination and its sources never overlap, places are unsigned, and NaN is passed on without a
branch: that is what lets a compiler do sixteen of them at a time. True is 1 and false is 0.
"""

import numpy as np

from benbot.envs.arrays import Float32Array
from benbot.strategies.programs.compiled import Place, pasted
from benbot.strategies.programs.primitives import SMALL_DIVISOR, Code

ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
SMALL = np.float32(SMALL_DIVISOR)
ADD, SUBTRACT, MULTIPLY, DIVIDE = (
    int(code) for code in (Code.ADD, Code.SUBTRACT, Code.MULTIPLY, Code.DIVIDE)
)
SMALLER, LARGER = int(Code.SMALLER), int(Code.LARGER)
NEGATE, MAGNITUDE, SIGN, TANH = (
    int(code) for code in (Code.NEGATE, Code.MAGNITUDE, Code.SIGN, Code.TANH)
)
ABOVE, BELOW, AND, OR = (int(code) for code in (Code.ABOVE, Code.BELOW, Code.AND, Code.OR))
IF = int(Code.IF)
COPY, FILL = np.int64(70), np.int64(71)  # of the machine alone; no program has them

# tanh(x) ≈ x P(x²) / Q(x²) with |error| < 4e-7, fitted to the largest error; ±1 beyond ±EDGE.
EDGE = np.float32(9.02)
P0, P1, P2, P3, P4 = (
    np.float32(c) for c in (0.999999904, 0.133718561, 0.0034849942, 2.04458989e-05, 1.31485978e-08)
)
Q1, Q2, Q3, Q4 = (
    np.float32(c) for c in (0.467051523, 0.0258359249, 0.000326879768, 7.68802103e-07)
)

Places = tuple[Place, Place, Place, Place]  # destination and three sources, unsigned


@pasted
def arithmetic(m: Float32Array, code: int, at: Places, n: Place) -> None:
    """Do one of add, subtract, multiply, divide, min, max."""
    d, a, b, _ = at
    if code == ADD:
        for i in range(n):
            m[d + i] = m[a + i] + m[b + i]
    elif code == SUBTRACT:
        for i in range(n):
            m[d + i] = m[a + i] - m[b + i]
    elif code == MULTIPLY:
        for i in range(n):
            m[d + i] = m[a + i] * m[b + i]
    else:
        ordered(m, code, at, n)


@pasted
def ordered(m: Float32Array, code: int, at: Places, n: Place) -> None:
    """Do one of divide, min, max, which look at the size of a number.

    A NaN divisor fails both comparisons and so divides.
    """
    d, a, b, _ = at
    if code == DIVIDE:
        for i in range(n):
            x, y = m[a + i], m[b + i]
            ratio = x / y
            known = ONE if x == x else x
            m[d + i] = known if abs(y) < SMALL else ratio
    elif code == SMALLER:
        for i in range(n):
            x, y = m[a + i], m[b + i]
            m[d + i] = x if (x < y) | (x != x) else y
    else:
        for i in range(n):
            x, y = m[a + i], m[b + i]
            m[d + i] = x if (x > y) | (x != x) else y


@pasted
def of_one(m: Float32Array, code: int, at: Places, n: Place) -> None:
    """Do one of negate, abs, sign, tanh."""
    d, a, _, _ = at
    if code == NEGATE:
        for i in range(n):
            m[d + i] = -m[a + i]
    elif code == MAGNITUDE:
        for i in range(n):
            m[d + i] = abs(m[a + i])
    elif code == SIGN:
        for i in range(n):
            x = m[a + i]
            side = ONE if x > ZERO else (-ONE if x < ZERO else ZERO)
            m[d + i] = side if x == x else x
    else:
        squeeze(m, d, a, n)


@pasted
def squeeze(m: Float32Array, d: Place, a: Place, n: Place) -> None:
    """Do tanh. NaN fails both comparisons with the edge, and stays."""
    for i in range(n):
        x = m[a + i]
        x = EDGE if x > EDGE else x
        x = -EDGE if x < -EDGE else x
        y = x * x
        above = x * (P0 + y * (P1 + y * (P2 + y * (P3 + y * P4))))
        below = ONE + y * (Q1 + y * (Q2 + y * (Q3 + y * Q4)))
        z = above / below
        z = ONE if z > ONE else z
        m[d + i] = -ONE if z < -ONE else z


@pasted
def logic(m: Float32Array, code: int, at: Places, n: Place) -> None:
    """Do one of above, below, and, or, not, if."""
    d, a, b, _ = at
    if code == IF:
        choose(m, at, n)
    elif code in (ABOVE, BELOW):
        compare(m, code, at, n)
    elif code == AND:
        for i in range(n):
            m[d + i] = m[a + i] * m[b + i]
    elif code == OR:
        for i in range(n):
            m[d + i] = max(m[a + i], m[b + i])
    else:
        for i in range(n):
            m[d + i] = ONE - m[a + i]


@pasted
def choose(m: Float32Array, at: Places, n: Place) -> None:
    d, a, b, c = at
    for i in range(n):
        x, y = m[b + i], m[c + i]
        m[d + i] = x if m[a + i] > HALF else y


@pasted
def compare(m: Float32Array, code: int, at: Places, n: Place) -> None:
    """Do above or below."""
    d, a, b, _ = at
    if code == ABOVE:
        for i in range(n):
            m[d + i] = ONE if m[a + i] > m[b + i] else ZERO
    else:
        for i in range(n):
            m[d + i] = ONE if m[a + i] < m[b + i] else ZERO
