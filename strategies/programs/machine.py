"""Evaluate a whole population over a market, in one compiled loop.

Everything lies in one flat array of float32, the arena: F features, then what was compared across
symbols, each of S × T numbers with one symbol's bars after the other's, then the registers. An
instruction is done for a stretch of bars of one symbol at a time, so that registers stay near the
processor. Sub-trees that programs share are computed once.

Comparisons across symbols need all symbols, so they are done in stages: what they compare is
evaluated first, as if it were programs, then they are rows of the arena like features.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.strategies.programs import encoding
from benbot.strategies.programs.across import across
from benbot.strategies.programs.compiled import Place, compiled, pasted
from benbot.strategies.programs.encoding import Graph, Population, graph_of
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.layout import Layout, aligned, layout_of, rounded, size_of, skew_of
from benbot.strategies.programs.planning import (
    BARS,
    CODE,
    FIRST,
    INTO,
    OUT,
    OUT_END,
    SECOND,
    THIRD,
    Plan,
    Wanted,
    plan_of,
)
from benbot.strategies.programs.pointwise import COPY, FILL, Places, arithmetic, logic, of_one
from benbot.strategies.programs.primitives import Code
from benbot.strategies.programs.program import Program
from benbot.strategies.programs.scratch import N_SETS, SET
from benbot.strategies.programs.streaming import LINE, stream
from benbot.strategies.programs.windows import over_windows

FIRST_WINDOWED, FIRST_LOGIC, FIRST_OF_ONE = int(Code.LAG), int(Code.ABOVE), int(Code.NEGATE)
MEMORY = 256 * 2**20  # bytes of answers that `batches` gives at a time


@compiled
def run(m: Float32Array, work: FloatArray, plan: Plan, layout: Layout, out: Float32Array) -> None:
    """Do the instructions for all bars, and write what is wanted into `out`, R rows of S × T."""
    zero = np.uint64(0)
    for k in range(plan.kept.size):
        start = layout.registers + np.uint64(k) * layout.stride
        fill(m, start, layout.stride, plan.kept[k])
    for series in range(zero, layout.n_series):
        for low in range(zero, layout.length, layout.tile):
            before = min(low, layout.reach)
            n = min(layout.tile, layout.length - low) + before
            start = low - before
            into = series * layout.length + start
            start += series * layout.spacing
            stretch(m, work, plan, layout, (start, into, before, n), out)


@pasted
def stretch(
    m: Float32Array,
    work: FloatArray,
    plan: Plan,
    layout: Layout,
    where: Places,
    out: Float32Array,
) -> None:
    """Do all instructions for `n` bars.

    They begin at `start` of a row of the arena and at `into` of a row of the output; the first
    `before` of them are not wanted.
    """
    start, into, before, n = where
    for k in range(plan.code.shape[0]):
        at = (
            place_of(plan.code[k, INTO], start, layout),
            place_of(plan.code[k, FIRST], start, layout),
            place_of(plan.code[k, SECOND], start, layout),
            place_of(plan.code[k, THIRD], start, layout),
        )
        code = plan.code[k, CODE]
        if code >= FIRST_WINDOWED:
            elsewhere(m, work, plan, k, at, n)
        else:
            on_bars(m, code, at, n)
        for target in range(plan.code[k, OUT], plan.code[k, OUT_END]):
            row = np.uint64(plan.outs[target]) * layout.n_series * layout.length
            hand_over(m, layout, (row + into + before, at[0] + before, n - before), out)


@pasted
def hand_over(
    m: Float32Array, layout: Layout, where: tuple[Place, Place, Place], out: Float32Array
) -> None:
    """Copy so many numbers to a place in the output."""
    into, start, n = where
    if layout.skew < np.uint64(LINE):
        stream(out, (into, start, layout.skew), m, n)
    else:
        for i in range(n):
            out[into + i] = m[start + i]


@pasted
def place_of(source: int, start: Place, layout: Layout) -> Place:
    """Return where in the arena the bars of a source begin."""
    if source < 0:
        return np.uint64(-1 - source) * layout.n_series * layout.spacing + start
    return layout.registers + np.uint64(source) * layout.stride


@pasted
def on_bars(m: Float32Array, code: int, at: Places, n: Place) -> None:
    """Do one instruction that looks at each bar by itself."""
    if code >= FIRST_LOGIC:
        logic(m, code, at, n)
    elif code >= FIRST_OF_ONE:
        of_one(m, code, at, n)
    else:
        arithmetic(m, code, at, n)


@pasted
def elsewhere(m: Float32Array, work: FloatArray, plan: Plan, k: int, at: Places, n: Place) -> None:
    """Do one of the other instructions."""
    if plan.code[k, CODE] == FILL:
        fill(m, at[0], n, plan.filled[plan.code[k, FIRST]])
    elif plan.code[k, CODE] == COPY:
        copy(m, at, n)
    else:
        over_windows(m, work, plan.code[k, CODE], at, n, np.uint64(plan.code[k, BARS]))


@pasted
def fill(m: Float32Array, start: Place, n: Place, value: float) -> None:
    for i in range(n):
        m[start + i] = value


@pasted
def copy(m: Float32Array, at: Places, n: Place) -> None:
    for i in range(n):
        m[at[0] + i] = m[at[1] + i]


def evaluate(
    programs: Sequence[Program], features: Features, out: Float32Array | None = None
) -> Float32Array:
    """Return what P programs say of S symbols at T bars: [P, T, S], NaN where nothing.

    Programs in parts give [P, 3, T, S]: 1 or 0 for entry and exit, and the size. All programs must
    have the same form, and features that there are. `out`, of P (or P × 3) × S × T numbers, is
    written over if it is given; the answer is a view of it.
    """
    graph = encode(programs, features)
    n_rows, n_numbers = graph.roots.size, features.n_symbols * features.n_bars
    if out is None:
        out = np.empty((n_rows, n_numbers), np.float32)
    rows = out.reshape(n_rows, n_numbers)
    _evaluate_into(graph, features, rows)
    shape = (len(programs), graph.roots.shape[1], features.n_symbols, features.n_bars)
    answer: Float32Array = rows.reshape(shape).swapaxes(-1, -2)
    return answer[:, 0] if shape[1] == 1 else answer


def batches(
    programs: Sequence[Program], features: Features, memory: int = MEMORY
) -> Iterator[tuple[slice, Float32Array]]:
    """Yield programs and their answers a few at a time, in at most so many bytes.

    The next answers are written over the last ones.
    """
    each = 4 * features.n_symbols * features.n_bars * _n_parts(programs)
    size = max(1, memory // max(each, 1))
    out = np.empty((min(size, len(programs)), each // 4), np.float32)
    for first in range(0, len(programs), size):
        which = slice(first, min(first + size, len(programs)))
        yield which, evaluate(programs[which], features, out[: which.stop - first])


def encode(programs: Sequence[Program], features: Features) -> Graph:
    """Return the graph of the distinct sub-trees of programs."""
    n_parts = _n_parts(programs)
    codes = b"".join([program.codes for program in programs])
    values = np.frombuffer(b"".join([program.values for program in programs]), np.float32)
    lengths = np.fromiter((len(program.codes) for program in programs), np.int64, len(programs))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    population = Population(np.frombuffer(codes, np.uint8), values, starts)
    return graph_of(_in_terms_of(features, programs, population), features.lookbacks, n_parts)


def _n_parts(programs: Sequence[Program]) -> int:
    forms = {program.n_parts for program in programs}
    if len(forms) != 1:
        were = "none" if not forms else "some with one signal and some in parts"
        raise InvalidParameter(
            f"programs that are evaluated together must have the same form, was {were}"
        )
    return forms.pop()


def _in_terms_of(
    features: Features, programs: Sequence[Program], population: Population
) -> Population:
    """Return the population with the numbers that the features have here."""
    vocabularies = {program.features for program in programs}
    if vocabularies == {features.names}:
        return population
    values = population.values.copy()
    is_feature = population.codes == Code.FEATURE
    numbers = {names: features.numbers_of(names) for names in vocabularies}
    for p, program in enumerate(programs):
        own = slice(population.starts[p], population.starts[p + 1])
        chosen = is_feature[own]
        values[own][chosen] = numbers[program.features][values[own][chosen].astype(np.int64)]
    if np.isnan(values[is_feature]).any():
        p = int(np.searchsorted(population.starts, np.argmax(np.isnan(values)), side="right")) - 1
        features.check_has(programs[p].features_used)
    return population._replace(values=values)


def _evaluate_into(graph: Graph, features: Features, out: Float32Array) -> None:
    n_features, spacing = len(features.names), rounded(features.n_bars)
    nodes = graph.nodes
    across_at = np.flatnonzero(nodes[:, encoding.CODE] >= encoding.FIRST_ACROSS)
    homes = np.full(len(nodes), -1, np.int64)
    homes[:n_features] = np.arange(n_features)
    homes[across_at] = n_features + 1 + np.arange(across_at.size)
    plans = _plans(graph, features, across_at, homes)
    shape = (n_features + 1 + across_at.size, features.n_symbols, spacing)
    layouts = [layout_of(plan, features, int(np.prod(shape))) for plan in plans]
    layouts[-1] = layouts[-1]._replace(skew=skew_of(out))
    arena: Float32Array = aligned(size_of(plans, layouts), np.float32)
    rows = arena[: int(np.prod(shape))].reshape(shape)
    rows[: n_features + 1, :, features.n_bars :] = np.nan
    rows[:n_features, :, : features.n_bars] = features.values
    rows[n_features, :, : features.n_bars] = features.trades
    work: FloatArray = aligned(int(N_SETS * SET), np.float64)
    for level, (plan, layout) in enumerate(zip(plans, layouts, strict=True), start=1):
        if level == len(plans):
            run(arena, work, plan, layout, out.reshape(-1))
            return
        compared = np.empty((across_at.size, features.n_symbols * features.n_bars), np.float32)
        run(arena, work, plan, layout, compared.reshape(-1))
        for place in across_at[nodes[across_at, encoding.LEVEL] == level]:
            values = compared[homes[place] - n_features - 1].reshape(features.trades.shape)
            across(values, features.trades, int(nodes[place, encoding.CODE]), values)
            rows[homes[place], :, : features.n_bars] = values


def _plans(graph: Graph, features: Features, across_at: IntArray, homes: IntArray) -> list[Plan]:
    """Return one plan for each level of comparisons across symbols, and one for the programs."""
    nodes, mask = graph.nodes, len(features.names)
    plans = []
    for level in range(1, int(nodes[:, encoding.LEVEL].max(initial=0)) + 1):
        here = np.flatnonzero(nodes[across_at, encoding.LEVEL] == level)
        compared = nodes[across_at[here], encoding.A]
        plain = np.zeros(here.size, np.bool_)
        plans.append(plan_of(graph, Wanted(compared, here, plain, homes, mask)))
    roots = graph.roots.ravel()
    masked = features.has_gaps & (nodes[roots, encoding.SILENT] == 0)
    return [*plans, plan_of(graph, Wanted(roots, np.arange(roots.size), masked, homes, mask))]
