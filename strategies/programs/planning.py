"""From a graph to instructions: three addresses each, registers, and what is written out.

An instruction is a row of whole numbers. A source is a register, or -1 - k for row k of the arena:
features and whatever was compared across symbols before. A destination is a register that is none
of the sources.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, IntArray
from benbot.strategies.programs import encoding
from benbot.strategies.programs.compiled import compiled
from benbot.strategies.programs.encoding import Graph
from benbot.strategies.programs.pointwise import COPY, FILL, MULTIPLY

CODE, INTO, FIRST, SECOND, THIRD, BARS, OUT, OUT_END = range(8)
N_FIELDS = 8
SOMEWHERE = np.int64(0)  # a place that an instruction does not look at
MOST_KEPT = 24  # constants that have a register of their own
FEATURE, CONSTANT = encoding.FEATURE, encoding.CONSTANT
A = encoding.A
ARITIES, WINDOWED = encoding.ARITIES, encoding.WINDOWED


Places = tuple[int, int, bool]


class Plan(NamedTuple):
    """Instructions that fill rows of an output.

    code         (K, 8)  instructions
    outs         (R,)    rows of the output that instructions write, in the order of OUT
    kept         (M,)    constants in registers 0 … M - 1, ready before the first instruction
    filled       (G,)    value of each node of the graph that is a constant, which FILL names
    n_registers  of them, those of constants included
    reach        bars before the present one that the instructions look at
    """

    code: IntArray
    outs: IntArray
    kept: Float32Array
    filled: Float32Array
    n_registers: int
    reach: int


class Wanted(NamedTuple):
    """What a plan is for.

    nodes   (R,)  of the graph, whose values are wanted
    rows    (R,)  of the output that they go to
    masked  (R,)  whether to say nothing where a symbol does not trade
    homes   (G,)  row of the arena of each node that has one, -1 for others
    mask          row of the arena that is 1 where a symbol trades and NaN where not
    """

    nodes: IntArray
    rows: IntArray
    masked: BoolArray
    homes: IntArray
    mask: int


class Bench(NamedTuple):
    """What is written while a plan is made.

    uses       (G,)  how many instructions still need a node
    register   (G,)  where it is now, -1 if nowhere
    reach      (G,)  bars before the present one that it needs of the arena
    free       stack of registers that nobody uses, its height in `counts`
    counts     instructions, outs, free registers, registers, the longest reach
    sources    (3,) of the present instruction
    lent       (3,) 1 for those of them that are constants which are there for this once
    """

    uses: IntArray
    register: IntArray
    reach: IntArray
    free: IntArray
    counts: IntArray
    sources: IntArray
    lent: IntArray


N_CODE, N_OUTS, N_FREE, N_REGISTERS, LONGEST = range(5)


def plan_of(graph: Graph, wanted: Wanted) -> Plan:
    """Return the instructions for the wanted nodes, in the order of the graph."""
    n_nodes, n_wanted = len(graph.nodes), len(wanted.nodes)
    order = np.argsort(wanted.nodes, kind="stable")
    wanted = wanted._replace(
        nodes=wanted.nodes[order], rows=wanted.rows[order], masked=wanted.masked[order]
    )
    uses = needed(graph.nodes, wanted.nodes, wanted.homes)
    kept = _kept(graph.nodes, uses)
    code = np.zeros((4 * n_nodes + 3 * n_wanted, N_FIELDS), np.int64)
    bench = Bench(
        uses,
        np.full(n_nodes, -1, np.int64),
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes + 3 * n_wanted + 8, np.int64),
        np.zeros(5, np.int64),
        np.zeros(3, np.int64),
        np.zeros(3, np.int64),
    )
    bench.register[kept] = np.arange(kept.size)
    bench.counts[N_REGISTERS] = kept.size
    schedule(graph.nodes, wanted, bench, code)
    constants = graph.nodes[:, A].astype(np.int32).view(np.float32)
    counts = bench.counts
    return Plan(
        code[: counts[N_CODE]],
        wanted.rows,
        constants[kept],
        constants,
        int(counts[N_REGISTERS]),
        int(counts[LONGEST]),
    )


def _kept(nodes: IntArray, uses: IntArray) -> IntArray:
    """Return the constants that are used most."""
    constants = np.flatnonzero((nodes[:, encoding.CODE] == CONSTANT) & (uses > 0))
    most = np.argsort(-uses[constants], kind="stable")[:MOST_KEPT]
    return constants[most]


@compiled
def needed(nodes: IntArray, wanted: IntArray, homes: IntArray) -> IntArray:
    """Count how many instructions need each node, 0 where it is only wanted, -1 where not."""
    uses = np.full(nodes.shape[0], -1, np.int64)
    for node in wanted:
        uses[node] = max(uses[node], 0)
    for place in range(nodes.shape[0] - 1, -1, -1):
        if uses[place] < 0 or not is_computed(nodes, place, homes):
            continue
        for k in range(arguments_of(nodes[place])):
            argument = nodes[place, A + k]
            uses[argument] = max(uses[argument], 0) + 1
    return uses


@compiled
def is_computed(nodes: IntArray, place: int, homes: IntArray) -> bool:
    """Return whether a node has an instruction of its own."""
    return homes[place] < 0 and nodes[place, encoding.CODE] != CONSTANT


@compiled
def arguments_of(node: IntArray) -> int:
    """Return how many nodes a node is made of."""
    code = node[encoding.CODE]
    return int(ARITIES[code]) - (1 if WINDOWED[code] else 0)


@compiled
def schedule(nodes: IntArray, wanted: Wanted, bench: Bench, code: IntArray) -> None:
    """Write the instructions, each node as soon as its arguments are there."""
    w = 0
    for place in range(nodes.shape[0]):
        first = w
        while w < wanted.nodes.size and wanted.nodes[w] == place:
            w += 1
        if bench.uses[place] < 0:
            continue
        is_there = not is_computed(nodes, place, wanted.homes)
        if not is_there:
            compute(nodes, place, wanted.homes, bench, code)
        if w > first:
            hand_out(nodes, place, (first, w, is_there), wanted, bench, code)
        if not is_there and bench.uses[place] == 0:
            release(bench, bench.register[place])


@compiled
def compute(nodes: IntArray, place: int, homes: IntArray, bench: Bench, code: IntArray) -> None:
    """Write the instruction of a node, and give back the registers that nobody needs after it."""
    node = nodes[place]
    n_arguments = arguments_of(node)
    sources, lent = bench.sources, bench.lent
    sources[:] = 0
    for k in range(n_arguments):
        sources[k], lent[k] = source_of(nodes, node[A + k], homes, bench, code)
        bench.reach[place] = max(bench.reach[place], bench.reach[node[A + k]])
    bench.reach[place] += encoding.reach_of(node[encoding.CODE], node[encoding.BARS])
    bench.counts[LONGEST] = max(bench.counts[LONGEST], bench.reach[place])
    into = borrow(bench)
    bench.register[place] = into
    put(bench, code, node[encoding.CODE], (into, sources[0], sources[1], sources[2]))
    code[bench.counts[N_CODE] - 1, BARS] = node[encoding.BARS]
    for k in range(n_arguments):
        argument = node[A + k]
        bench.uses[argument] -= 1
        if lent[k] == 1 or (bench.uses[argument] == 0 and is_computed(nodes, argument, homes)):
            release(bench, sources[k])


@compiled
def hand_out(
    nodes: IntArray, place: int, which: Places, wanted: Wanted, bench: Bench, code: IntArray
) -> None:
    """See to it that a node is written to the rows that want it, which begin and end at `which`.

    What was just computed is written by its own instruction.
    """
    first, end, is_there = which
    if wanted.masked[first] or is_there:
        source, lent = source_of(nodes, place, wanted.homes, bench, code)
        into = borrow(bench)
        what = MULTIPLY if wanted.masked[first] else COPY
        put(bench, code, what, (into, source, -1 - wanted.mask, SOMEWHERE))
        release(bench, into)
        if lent == 1:
            release(bench, source)
    bench.counts[N_OUTS] += end - first
    code[bench.counts[N_CODE] - 1, OUT_END] = bench.counts[N_OUTS]


@compiled
def source_of(
    nodes: IntArray, place: int, homes: IntArray, bench: Bench, code: IntArray
) -> tuple[int, int]:
    """Return where a node is, and 1 if it is a constant that is there for this once."""
    if homes[place] >= 0:
        return -1 - homes[place], 0
    if bench.register[place] >= 0 or nodes[place, encoding.CODE] != CONSTANT:
        return bench.register[place], 0
    into = borrow(bench)
    put(bench, code, FILL, (into, place, SOMEWHERE, SOMEWHERE))
    return into, 1


@compiled
def put(bench: Bench, code: IntArray, what: int, places: tuple[int, int, int, int]) -> None:
    """Write an instruction whose answer is not written out; the destination comes first."""
    k = bench.counts[N_CODE]
    code[k, CODE] = what
    code[k, INTO], code[k, FIRST], code[k, SECOND], code[k, THIRD] = places
    code[k, OUT] = code[k, OUT_END] = bench.counts[N_OUTS]
    bench.counts[N_CODE] += 1


@compiled
def borrow(bench: Bench) -> int:
    """Return a register that nobody uses, the one that was given back last if there is one."""
    if bench.counts[N_FREE] > 0:
        bench.counts[N_FREE] -= 1
        return int(bench.free[bench.counts[N_FREE]])
    bench.counts[N_REGISTERS] += 1
    return int(bench.counts[N_REGISTERS] - 1)


@compiled
def release(bench: Bench, register: int) -> None:
    bench.free[bench.counts[N_FREE]] = register
    bench.counts[N_FREE] += 1
