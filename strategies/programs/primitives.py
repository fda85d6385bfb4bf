"""What programs are made of: types, primitives, windows and limits.

A program is a typed tree, written in prefix order as one code and one value per node. Types:

series      a real number per bar and symbol
constant    a real number, the same at every bar; stands wherever a number is wanted
condition   true or false per bar and symbol
window      a whole number of bars

NaN is "nobody knows": a fact that is not known, a symbol that does not trade at a bar, or bars
before the first of the market. The rules, which are the same for all primitives:

- NaN in, NaN out. A window of bars of which one is NaN is NaN as a whole
- a comparison with NaN is false, so a condition is always true or false; `if` asks a condition and
  gives the branch that was chosen, NaN only if that one is
- across symbols, NaN and whoever does not trade at that bar are left out, and stay NaN
- the last word is NaN where the symbol does not trade, and NaN says nothing

Windows count bars of the market and include the present one. A symbol that missed one of them is
unknown until the gap has left the window: nothing is filled forward.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from types import MappingProxyType

WINDOWS = (1, 2, 3, 5, 10, 20, 40, 60, 120)  # bars, what programs are made of unless told otherwise
LONGEST_WINDOW = 512  # bars
EMA_MEMORY = 4  # windows that an exponential mean remembers
LARGEST_CONSTANT = 1e6  # of either sign
MOST_NODES = 255
DEEPEST = 24  # levels below the root
MOST_FEATURES = 1024

# Features, scores and correlations are whole multiples of one part in this.
GRAIN = 2.0**20
# As float32: below this a divisor is nothing, and a deviation is, as a share of the level.
SMALL_DIVISOR = 1e-6
STILL_SHARE = 1e-6


class Type(IntFlag):
    """What a node gives; a slot names all that it takes."""

    SERIES = 1
    CONSTANT = 2
    CONDITION = 4
    WINDOW = 8
    WHOLE = 16  # the root of a program in parts, which nothing takes


NUMBER = Type.SERIES | Type.CONSTANT


class Code(IntEnum):
    """The first byte of a node; the order is the machine's, see `machine`."""

    FEATURE = 0
    CONSTANT = 1
    WINDOW = 2
    ALWAYS = 3
    NEVER = 4
    PARTS = 5

    ADD = 10
    SUBTRACT = 11
    MULTIPLY = 12
    DIVIDE = 13
    SMALLER = 14
    LARGER = 15

    NEGATE = 20
    MAGNITUDE = 21
    SIGN = 22
    TANH = 23

    ABOVE = 30
    BELOW = 31
    AND = 32
    OR = 33
    NOT = 34
    IF = 35

    LAG = 40
    DELTA = 41
    MEAN = 42
    DEVIATION = 43
    SCORE = 44
    EXPONENTIAL = 45

    LOWEST = 50
    HIGHEST = 51
    RANK = 52
    CORRELATION = 53

    PLACE = 60
    DEMEAN = 61


@dataclass(frozen=True)
class Primitive:
    """A function that programs may use.

    slots        what each argument may be
    gives        what comes out
    formula      how people read it, with {0}, {1} … for its arguments
    commutative  whether the first two arguments may change places
    meaning      what it is, for people
    """

    code: Code
    name: str
    slots: tuple[Type, ...]
    gives: Type
    formula: str
    meaning: str
    commutative: bool = False

    @property
    def arity(self) -> int:
        return len(self.slots)

    @property
    def has_window(self) -> bool:
        return Type.WINDOW in self.slots

    @property
    def is_across(self) -> bool:
        """Whether it compares symbols with each other."""
        return self.code in (Code.PLACE, Code.DEMEAN)

    def reach(self, bars: int) -> int:
        """Return how many bars before the present one it looks at, given its window."""
        if self.code in (Code.LAG, Code.DELTA):
            return bars
        if self.code == Code.EXPONENTIAL:
            return EMA_MEMORY * bars - 1
        return bars - 1 if self.has_window else 0


S, C, W = Type.SERIES, Type.CONDITION, Type.WINDOW
N = NUMBER

PRIMITIVES: tuple[Primitive, ...] = (
    Primitive(Code.ADD, "add", (N, N), S, "{0} + {1}", "sum", commutative=True),
    Primitive(Code.SUBTRACT, "subtract", (N, N), S, "{0} − {1}", "difference"),
    Primitive(Code.MULTIPLY, "multiply", (N, N), S, "{0} × {1}", "product", commutative=True),
    Primitive(
        Code.DIVIDE, "divide", (N, N), S, "{0} / {1}", "quotient; 1 if the divisor is below 1e-6"
    ),
    Primitive(Code.SMALLER, "min", (N, N), S, "min({0}, {1})", "the smaller", commutative=True),
    Primitive(Code.LARGER, "max", (N, N), S, "max({0}, {1})", "the larger", commutative=True),
    Primitive(Code.NEGATE, "negate", (N,), S, "−{0}", "the other sign"),
    Primitive(Code.MAGNITUDE, "abs", (N,), S, "|{0}|", "without its sign"),
    Primitive(Code.SIGN, "sign", (N,), S, "sign({0})", "−1, 0 or 1"),
    Primitive(Code.TANH, "tanh", (N,), S, "tanh({0})", "squeezed into −1 to 1"),
    Primitive(Code.ABOVE, "above", (N, N), C, "{0} > {1}", "whether it is larger"),
    Primitive(Code.BELOW, "below", (N, N), C, "{0} < {1}", "whether it is smaller"),
    Primitive(Code.AND, "and", (C, C), C, "{0} and {1}", "whether both are", commutative=True),
    Primitive(Code.OR, "or", (C, C), C, "{0} or {1}", "whether one is", commutative=True),
    Primitive(Code.NOT, "not", (C,), C, "not {0}", "whether it is not"),
    Primitive(Code.IF, "if", (C, N, N), S, "if({0}, {1}, {2})", "the second if the first is true"),
    Primitive(Code.LAG, "lag", (S, W), S, "lag({0}, {1})", "what it was so many bars ago"),
    Primitive(Code.DELTA, "delta", (S, W), S, "delta({0}, {1})", "what it changed by since then"),
    Primitive(Code.MEAN, "mean", (S, W), S, "mean({0}, {1})", "mean of the window"),
    Primitive(
        Code.DEVIATION, "deviation", (S, W), S, "deviation({0}, {1})", "its standard deviation"
    ),
    Primitive(
        Code.SCORE,
        "zscore",
        (S, W),
        S,
        "zscore({0}, {1})",
        "distance from the mean of the window in its deviations; 0 if nothing moved",
    ),
    Primitive(
        Code.EXPONENTIAL,
        "ema",
        (S, W),
        S,
        "ema({0}, {1})",
        "exponential mean, weight 2 / (window + 1), of the last 4 windows",
    ),
    Primitive(Code.LOWEST, "lowest", (S, W), S, "lowest({0}, {1})", "least of the window"),
    Primitive(Code.HIGHEST, "highest", (S, W), S, "highest({0}, {1})", "largest of the window"),
    Primitive(
        Code.RANK,
        "rank",
        (S, W),
        S,
        "rank({0}, {1})",
        "share of the window below it less the share above it",
    ),
    Primitive(
        Code.CORRELATION,
        "correlation",
        (S, S, W),
        S,
        "correlation({0}, {1}, {2})",
        "of two series over the window; 0 if one did not move",
        commutative=True,
    ),
    Primitive(
        Code.PLACE,
        "place",
        (S,),
        S,
        "place({0})",
        "share of the symbols below it less the share above it",
    ),
    Primitive(
        Code.DEMEAN, "demean", (S,), S, "demean({0})", "less the mean of all symbols at this bar"
    ),
)

PARTS = Primitive(
    Code.PARTS,
    "parts",
    (C, C, N),
    Type.WHOLE,
    "enter {2} when {0}; leave when {1}",
    "when to enter, when to leave, and how much of which sign",
)
BY_CODE: Mapping[int, Primitive] = MappingProxyType(
    {int(each.code): each for each in (*PRIMITIVES, PARTS)}
)
BY_NAME: Mapping[str, Primitive] = MappingProxyType({each.name: each for each in PRIMITIVES})

TERMINALS: Mapping[int, Type] = MappingProxyType(
    {
        Code.FEATURE: Type.SERIES,
        Code.CONSTANT: Type.CONSTANT,
        Code.WINDOW: Type.WINDOW,
        Code.ALWAYS: Type.CONDITION,
        Code.NEVER: Type.CONDITION,
    }
)
ARITY = bytes(BY_CODE[code].arity if code in BY_CODE else 0 for code in range(256))
GIVES = bytes(
    int(BY_CODE[code].gives) if code in BY_CODE else int(TERMINALS.get(code, 0))
    for code in range(256)
)
SLOTS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {code: tuple(int(slot) for slot in each.slots) for code, each in BY_CODE.items()}
)
