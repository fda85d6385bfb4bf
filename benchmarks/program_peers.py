"""Who evaluates populations of trees, one process each, timed when asked to: see `programs`.

    A   add, subtract, multiply, protected divide, negate, abs, min, max, tanh
    B   those, above and if
    C   those, means of 5 and 20 bars, lags and changes of 1 and 5

The trees are DEAP's own, from its half and half and one seed: 500 over 20 features of 30 symbols at
2,520 bars. DEAP compiles each to Python once, which is not timed, and calls numpy with float32;
Operon writes all answers, its trees made before. Ours encodes all programs every time.
"""

import math
import random
import sys
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from deap import gp

from benbot.envs.arrays import AnyArray, Float32Array
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.primitives import BY_NAME, Code
from benbot.strategies.programs.program import Program, program_of

N_SYMBOLS, N_BARS, N_FEATURES, N_TREES = 30, 2_520, 20, 500
N_NUMBERS = N_SYMBOLS * N_BARS
LEAST_SIZE, MOST_SIZE, SEED = 10, 60, 7
CONSTANTS = (-1.0, -0.5, 0.1, 0.5, 1.0, 2.0)
DEPTHS = {"A": (4, 7), "B": (3, 6), "C": (4, 7)}
SMALL = np.float32(1e-6)
READY = "ready"

SHAPE = (N_SYMBOLS, N_BARS)


def made_features() -> Float32Array:
    """Return [F, S, T] of noise that remembers, like indicators do."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((N_FEATURES, *SHAPE))
    for k, memory in enumerate(rng.uniform(0.0, 0.99, N_FEATURES)):
        for t in range(1, N_BARS):
            features[k, :, t] *= math.sqrt(1.0 - memory**2)
            features[k, :, t] += memory * features[k, :, t - 1]
    return features.astype(np.float32)


def divide(x: AnyArray, y: AnyArray) -> AnyArray:
    with np.errstate(all="ignore"):
        safe = np.where(y == 0, np.float32(1), y)
        return np.where(np.abs(y) < SMALL, np.float32(1), x / safe)


def choose(asked: AnyArray, x: AnyArray, y: AnyArray) -> AnyArray:
    return np.where(np.greater(asked, 0), x, y)


def above(x: AnyArray, y: AnyArray) -> AnyArray:
    return np.greater(x, y).astype(np.float32)


def series(x: AnyArray) -> AnyArray:
    return np.broadcast_to(np.asarray(x, np.float32), (N_NUMBERS,)).reshape(SHAPE)


def mean(x: AnyArray, bars: int) -> AnyArray:
    """Return the mean of the last bars by a running sum; of those that there are at first."""
    total = np.cumsum(series(x), axis=1, dtype=np.float64)
    window = total.copy()
    window[:, bars:] -= total[:, :-bars]
    count = np.minimum(np.arange(1, N_BARS + 1), bars)
    return (window / count).astype(np.float32).reshape(-1)


def lag(x: AnyArray, bars: int) -> AnyArray:
    x = series(x)
    moved = np.empty_like(x)
    moved[:, bars:], moved[:, :bars] = x[:, :-bars], x[:, :1]
    return moved.reshape(-1)


def delta(x: AnyArray, bars: int) -> AnyArray:
    return series(x).reshape(-1) - lag(x, bars)


POINTWISE: dict[str, tuple[Callable[..., Any], int]] = {
    "add": (np.add, 2),
    "subtract": (np.subtract, 2),
    "multiply": (np.multiply, 2),
    "divide": (divide, 2),
    "negate": (np.negative, 1),
    "abs": (np.abs, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
    "tanh": (np.tanh, 1),
}
CHOICES = {"above": (above, 2), "choose": (choose, 3)}  # "if" is a word of Python
ROLLING = {
    f"{name}_{bars}": (partial(function, bars=bars), 1)
    for name, function, windows in (
        ("mean", mean, (5, 20)),
        ("lag", lag, (1, 5)),
        ("delta", delta, (1, 5)),
    )
    for bars in windows
}
SETS = {"A": POINTWISE, "B": POINTWISE | CHOICES, "C": POINTWISE | CHOICES | ROLLING}


def trees_of(kind: str) -> tuple[gp.PrimitiveSet, list[gp.PrimitiveTree]]:
    primitives = gp.PrimitiveSet("MAIN", N_FEATURES)
    for name, (function, arity) in SETS[kind].items():
        primitives.addPrimitive(function, arity, name=name)
    for constant in CONSTANTS:
        primitives.addTerminal(constant)
    random.seed(SEED)
    trees: list[gp.PrimitiveTree] = []
    while len(trees) < N_TREES:
        tree = gp.PrimitiveTree(gp.genHalfAndHalf(primitives, *DEPTHS[kind]))
        if LEAST_SIZE <= len(tree) <= MOST_SIZE:
            trees.append(tree)
    return primitives, trees


def n_nodes(kind: str) -> int:
    """Return the nodes of the trees as DEAP counts them, a window being a part of its primitive."""
    return sum(map(len, trees_of(kind)[1]))


NAMES = tuple(f"ARG{k}" for k in range(N_FEATURES))


def program_from(tree: gp.PrimitiveTree) -> Program:
    """Return a tree as a program; what DEAP takes for true there is above 0 here."""
    nodes: list[list[tuple[int, float]]] = []
    for node in reversed(tree):
        arguments = [nodes.pop() for _ in range(node.arity)]
        nodes.append(_nodes_of(node, arguments))
    return program_of(nodes[0], NAMES)


def _nodes_of(node: Any, arguments: list[list[tuple[int, float]]]) -> list[tuple[int, float]]:  # noqa: ANN401
    if not node.arity:
        is_feature = isinstance(node.value, str)
        return [(0, float(node.value[3:]))] if is_feature else [(1, float(node.value))]
    name, _, bars = node.name.partition("_")
    if name == "choose":
        name = "if"
        arguments[0] = [(Code.ABOVE, 0.0), *arguments[0], (Code.CONSTANT, 0.0)]
    together = [(int(BY_NAME[name].code), 0.0), *(each for one in arguments for each in one)]
    if bars:
        return [*together, (Code.WINDOW, float(bars))]
    as_number = [(Code.CONSTANT, 1.0), (Code.CONSTANT, 0.0)]
    return [(Code.IF, 0.0), *together, *as_number] if name == "above" else together


def deap_of(kind: str) -> Callable[[], object]:
    primitives, trees = trees_of(kind)
    functions = [gp.compile(tree, primitives) for tree in trees]
    columns = list(COLUMNS)

    def run() -> None:
        with np.errstate(all="ignore"):
            for function in functions:
                function(*columns)

    return run


def features_here() -> Features:
    values = COLUMNS.reshape(N_FEATURES, *SHAPE)
    return Features(NAMES, values, np.zeros(N_FEATURES), np.ones(SHAPE))


def ours_of(kind: str) -> Callable[[], object]:
    programs = [program_from(tree) for tree in trees_of(kind)[1]]
    features, out = features_here(), np.zeros((N_TREES, N_NUMBERS), np.float32)
    return lambda: evaluate(programs, features, out)


COLUMNS = made_features().reshape(N_FEATURES, -1)


def operon_of(kind: str) -> Callable[[], object]:
    """Operon has neither comparisons with a branch nor windows, so it runs the first set alone."""
    import pyoperon as op

    if kind != "A":
        raise SystemExit
    data = op.Dataset(np.asfortranarray(COLUMNS.T))  # it does not keep the array alive itself
    hashes = [each.Hash for each in sorted(data.Variables, key=lambda each: each.Index)]
    trees = [operon_tree(op, tree, hashes) for tree in trees_of(kind)[1]]
    span, chunk = op.Range(0, N_NUMBERS), 50
    out = np.zeros(chunk * N_NUMBERS, np.float32)

    def run() -> None:
        for first in range(0, N_TREES, chunk):
            op.EvaluateTrees(trees[first : first + chunk], data, span, out, 1)

    return run


def operon_tree(op: Any, tree: gp.PrimitiveTree, hashes: list[int]) -> Any:  # noqa: ANN401
    """Return a tree in Operon's order, whose min and max are named the other way round."""
    kinds = {
        "add": op.NodeType.Add,
        "subtract": op.NodeType.Sub,
        "multiply": op.NodeType.Mul,
        "divide": op.NodeType.Div,
        "negate": op.NodeType.Sub,  # of one argument
        "abs": op.NodeType.Abs,
        "min": op.NodeType.Fmax,
        "max": op.NodeType.Fmin,
        "tanh": op.NodeType.Tanh,
    }
    nodes: list[list[Any]] = []
    for node in reversed(tree):
        arguments = [nodes.pop() for _ in range(node.arity)]
        postfix = [each for argument in reversed(arguments) for each in argument]
        if not node.arity:
            leaf = (
                op.Node.Variable(1.0)
                if isinstance(node.value, str)
                else op.Node.Constant(node.value)
            )
            if isinstance(node.value, str):
                leaf.HashValue = leaf.CalculatedHashValue = hashes[int(node.value[3:])]
            nodes.append([leaf])
        else:
            nodes.append([*postfix, op.Node(kinds[node.name])])
            nodes[-1][-1].Arity = node.arity
    whole = op.Tree(nodes[0])
    whole.UpdateNodes()
    return whole


CONTESTANTS = {"ours": ours_of, "deap": deap_of, "operon": operon_of}


def main() -> None:
    """Say what a run took of the processor's time, for each line that asks for one."""
    run = CONTESTANTS[sys.argv[1]](sys.argv[2])
    run()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        begun = process_time()
        run()
        sys.stdout.write(f"{process_time() - begun}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
