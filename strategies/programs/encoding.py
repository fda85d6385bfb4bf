"""From programs to a graph in which every distinct sub-tree of a population stands once.

A node of the graph is a row of whole numbers. Its arguments come before it, so one pass from the
first to the last evaluates everything.

CODE          what it does
A, B, C       its arguments: numbers of nodes; the feature, or the bits of a constant, in A
BARS          its window
LEVEL         how many comparisons across symbols lie one inside the other below it, its own one too
REACH         bars before the present one that it looks at, those of its features included
SILENT        1 if it is NaN at every bar at which the symbol does not trade, whatever else is known
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import AnyArray, Float32Array, IntArray
from benbot.strategies.programs.compiled import compiled
from benbot.strategies.programs.primitives import ARITY, BY_CODE, EMA_MEMORY, MOST_NODES, Code

CODE, A, B, C, BARS, LEVEL, REACH, SILENT = range(8)
N_FIELDS = 8
HASHED = 5  # fields that decide whether two nodes are the same
FEATURE, CONSTANT, WINDOW, PARTS = (
    int(code) for code in (Code.FEATURE, Code.CONSTANT, Code.WINDOW, Code.PARTS)
)
ALWAYS, NEVER, IF = int(Code.ALWAYS), int(Code.NEVER), int(Code.IF)
LAG, DELTA, EXPONENTIAL = int(Code.LAG), int(Code.DELTA), int(Code.EXPONENTIAL)
FIRST_CONDITION, LAST_CONDITION = int(Code.ABOVE), int(Code.NOT)
FIRST_ACROSS = int(Code.PLACE)
TRUE_BITS = int(np.float32(1.0).view(np.int32))  # of a condition that is always true
ARITIES = np.frombuffer(ARITY, np.uint8)
WINDOWED = np.array([code in BY_CODE and BY_CODE[code].has_window for code in range(256)])
COMMUTES = np.array([code in BY_CODE and BY_CODE[code].commutative for code in range(256)])
N_PARTS = 3
DEEPEST_STACK = 2 * MOST_NODES
HASH_MASK, HASH_FACTOR, HASH_SHIFT = (1 << 42) - 1, 1_000_003, 17  # products stay below 2**63


class Population(NamedTuple):
    """Programs one after the other.

    codes    (N,)     first byte of every node
    values   (N,)     feature, constant or window of every node
    starts   (P + 1,) where each program begins
    """

    codes: AnyArray
    values: Float32Array
    starts: IntArray


class Graph(NamedTuple):
    """The distinct nodes of a population.

    nodes   (G, 8)  see above; the features come first, in their own order
    roots   (P, 1 or 3)  node of each program, or of its parts
    """

    nodes: IntArray
    roots: IntArray


def graph_of(population: Population, lookbacks: IntArray, n_parts: int) -> Graph:
    """Return the graph of a population; `lookbacks` are those of the features, in bars."""
    nodes = np.zeros((lookbacks.size + population.codes.size, N_FIELDS), np.int64)
    nodes[: lookbacks.size, A] = np.arange(lookbacks.size)
    nodes[: lookbacks.size, REACH] = lookbacks
    nodes[: lookbacks.size, SILENT] = 1
    roots = np.zeros((population.starts.size - 1, n_parts), np.int64)
    slots = np.full(_table_size(nodes.shape[0]), -1, np.int64)
    n_nodes = consign(population, nodes, lookbacks.size, slots, roots)
    return Graph(nodes[:n_nodes], roots)


def _table_size(n_nodes: int) -> int:
    return 1 << (2 * n_nodes + 16).bit_length()


@compiled
def consign(
    population: Population, nodes: IntArray, n_features: int, slots: IntArray, roots: IntArray
) -> int:
    """Fill nodes and roots, and return how many nodes there are."""
    bits = population.values.view(np.int32)
    stack = np.zeros(DEEPEST_STACK, np.int64)
    n_nodes = n_features
    for p in range(roots.shape[0]):
        top = 0
        for i in range(population.starts[p + 1] - 1, population.starts[p] - 1, -1):
            code = int(population.codes[i])
            if code in (FEATURE, WINDOW):
                stack[top] = int(population.values[i])
                top += 1
            elif code != PARTS:
                write(nodes[n_nodes], code, stack, top, int(bits[i]))
                place = condition_of(nodes, n_nodes) if code == IF else n_nodes
                if place == n_nodes:
                    place = found(nodes, slots, n_nodes)
                if place == n_nodes:
                    annotate(nodes, place)
                    n_nodes += 1
                top += 1 - int(ARITIES[code])
                stack[top - 1] = place
        for part in range(roots.shape[1]):
            roots[p, part] = stack[top - 1 - part]
    return n_nodes


@compiled
def write(node: IntArray, code: int, stack: IntArray, top: int, bits: int) -> None:
    """Write what decides whether a node is new; the arguments are on the stack, first on top."""
    node[:] = 0
    node[CODE] = code
    if code == CONSTANT:
        node[A] = bits
    elif code in (ALWAYS, NEVER):
        node[CODE], node[A] = CONSTANT, TRUE_BITS if code == ALWAYS else 0
    windows = 1 if WINDOWED[code] else 0
    arity = int(ARITIES[code])
    for k in range(arity - windows):
        node[A + k] = stack[top - 1 - k]
    if windows:
        node[BARS] = stack[top - arity]
    if COMMUTES[code] and node[A] > node[B]:
        node[A], node[B] = node[B], node[A]


@compiled
def condition_of(nodes: IntArray, place: int) -> int:
    """Return the condition itself for 1 if it is true and 0 otherwise, or else the place."""
    node = nodes[place]
    if node[CODE] != IF:
        return place
    first, second = nodes[node[B]], nodes[node[C]]
    is_plain = first[CODE] == CONSTANT and second[CODE] == CONSTANT
    return int(node[A]) if is_plain and first[A] == TRUE_BITS and second[A] == 0 else place


@compiled
def found(nodes: IntArray, slots: IntArray, n_nodes: int) -> int:
    """Return the place of a node that equals the one at `n_nodes`, which is its own if it is new.

    `slots` is a table with open addresses, -1 where empty.
    """
    node, mixed = nodes[n_nodes], 0
    for k in range(HASHED):
        mixed = (mixed * HASH_FACTOR + node[k]) & HASH_MASK
    slot = (mixed ^ (mixed >> HASH_SHIFT)) & (slots.size - 1)
    while slots[slot] >= 0:
        other = nodes[slots[slot]]
        same = True
        for k in range(HASHED):
            same &= other[k] == node[k]
        if same:
            return int(slots[slot])
        slot = (slot + 1) & (slots.size - 1)
    slots[slot] = n_nodes
    return n_nodes


@compiled
def annotate(nodes: IntArray, place: int) -> None:
    """Write what follows from a node's arguments."""
    node = nodes[place]
    code = node[CODE]
    if code == CONSTANT:
        return
    n_arguments = int(ARITIES[code]) - (1 if WINDOWED[code] else 0)
    silent = 0
    for k in range(n_arguments):
        argument = nodes[node[A + k]]
        node[LEVEL] = max(node[LEVEL], argument[LEVEL])
        node[REACH] = max(node[REACH], argument[REACH])
        silent = max(silent, argument[SILENT])
    node[REACH] += reach_of(code, node[BARS])
    if code >= FIRST_ACROSS:
        node[LEVEL] += 1
    elif code == IF:
        silent = min(nodes[node[B]][SILENT], nodes[node[C]][SILENT])
    elif code == LAG or (code >= FIRST_CONDITION and code <= LAST_CONDITION):
        silent = 0  # the bar that it looks at may be one at which the symbol did trade
    node[SILENT] = silent


@compiled
def reach_of(code: int, bars: int) -> int:
    """Return how many bars before the present one a primitive with this window looks at."""
    if code in (LAG, DELTA):
        return bars
    if code == EXPONENTIAL:
        return EMA_MEMORY * bars - 1
    return bars - 1 if bars > 0 else 0
