"""From a graph to instructions: three addresses each, registers, and what is written out.

An instruction is a row of whole numbers. A source is a register, or -1 - k for row k of the arena:
features and whatever was compared across symbols before. A destination is a register that is none
of the sources.
"""

from typing import Any, NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, IntArray
from benbot.strategies.programs import encoding
from benbot.strategies.programs.compiled import Place, compiled, pasted
from benbot.strategies.programs.encoding import Graph
from benbot.strategies.programs.pointwise import COPY, FILL, MULTIPLY

CODE, INTO, FIRST, SECOND, THIRD, BARS, OUT, OUT_END = range(8)
N_FIELDS = 8
SOMEWHERE = np.int64(0)  # a place that an instruction does not look at
MOST_KEPT = 24  # constants that have a register of their own
FEATURE, CONSTANT = encoding.FEATURE, encoding.CONSTANT
A = encoding.A
ARITIES, WINDOWED = encoding.ARITIES, encoding.WINDOWED


Places = tuple[Any, ...]


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


@pasted
def is_computed(nodes: IntArray, place: int, homes: IntArray) -> bool:
    """Return whether a node has an instruction of its own."""
    return homes[place] < 0 and nodes[place, encoding.CODE] != CONSTANT


@pasted
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
            hand_out(place, (first, w, is_there), wanted, bench, code)
        if not is_there and bench.uses[place] == 0:
            release(bench.free, bench.counts, bench.register[place])


@pasted
def compute(nodes: IntArray, place: int, homes: IntArray, bench: Bench, code: IntArray) -> None:
    """Write the instruction of a node, and give back the registers that nobody needs after it."""
    node = nodes[place]
    n_arguments = arguments_of(node)
    sources, lent = bench.sources, bench.lent
    sources[:] = 0
    for k in range(n_arguments):
        argument = node[A + k]
        sources[k], lent[k] = bench.register[argument], 0
        if homes[argument] >= 0:
            sources[k] = -1 - homes[argument]
        elif sources[k] < 0:
            sources[k], lent[k] = constant_of(argument, bench, code), 1
        bench.reach[place] = max(bench.reach[place], bench.reach[argument])
    bench.reach[place] += encoding.reach_of(node[encoding.CODE], node[encoding.BARS])
    bench.counts[LONGEST] = max(bench.counts[LONGEST], bench.reach[place])
    into = borrow(bench.free, bench.counts)
    bench.register[place] = into
    put(bench.counts, code, node[encoding.CODE], (into, sources[0], sources[1], sources[2]))
    code[bench.counts[N_CODE] - 1, BARS] = node[encoding.BARS]
    for k in range(n_arguments):
        argument = node[A + k]
        bench.uses[argument] -= 1
        if lent[k] == 1 or (bench.uses[argument] == 0 and is_computed(nodes, argument, homes)):
            release(bench.free, bench.counts, sources[k])


@pasted
def hand_out(place: int, which: Places, wanted: Wanted, bench: Bench, code: IntArray) -> None:
    """See to it that a node is written to the rows that want it, which begin and end at `which`.

    What was just computed is written by its own instruction.
    """
    first, end, is_there = which
    if wanted.masked[first] or is_there:
        home, source = wanted.homes[place], bench.register[place]
        is_lent = home < 0 and source < 0
        if home >= 0:
            source = -1 - home
        elif is_lent:
            source = constant_of(place, bench, code)
        into = borrow(bench.free, bench.counts)
        what = MULTIPLY if wanted.masked[first] else COPY
        put(bench.counts, code, what, (into, source, -1 - wanted.mask, SOMEWHERE))
        release(bench.free, bench.counts, into)
        if is_lent:
            release(bench.free, bench.counts, source)
    bench.counts[N_OUTS] += end - first
    code[bench.counts[N_CODE] - 1, OUT_END] = bench.counts[N_OUTS]


@compiled
def constant_of(place: int, bench: Bench, code: IntArray) -> int:
    """Fill a register with a constant that has none of its own, and return it."""
    into = borrow(bench.free, bench.counts)
    put(bench.counts, code, FILL, (into, place, SOMEWHERE, SOMEWHERE))
    return into


@pasted
def put(counts: IntArray, code: IntArray, what: Place, places: Places) -> None:
    """Write an instruction whose answer is not written out; the destination comes first."""
    k = counts[N_CODE]
    code[k, CODE] = what
    code[k, INTO], code[k, FIRST], code[k, SECOND], code[k, THIRD] = places
    code[k, OUT] = code[k, OUT_END] = counts[N_OUTS]
    counts[N_CODE] += 1


@pasted
def borrow(free: IntArray, counts: IntArray) -> int:
    """Return a register that nobody uses, the one that was given back last if there is one."""
    if counts[N_FREE] > 0:
        counts[N_FREE] -= 1
        return int(free[counts[N_FREE]])
    counts[N_REGISTERS] += 1
    return int(counts[N_REGISTERS] - 1)


@pasted
def release(free: IntArray, counts: IntArray, register: int) -> None:
    free[counts[N_FREE]] = register
    counts[N_FREE] += 1
