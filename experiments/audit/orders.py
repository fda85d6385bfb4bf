"""Whether orders see the bar that fills them: the fourth probe of the audit.

Truncating or changing the future from bar n on cannot see an order that fills at the very close at
which it was decided: that close is no future, and on a changed future the wrong fill is equally
wrong. So the bar between a decision and its marks is changed, at the close of bar t:

- *Another bar behind the same open.* High, low, close and volume of bar t + 1 are others, its open
  and its spread are not. No decision of bar t, and no price, units or cost of a fill that was
  decided at its close may change: such an order knows nothing of the bar that fills it but its
  open. This sees, for example, the volume of bar t + 1 in the cost of an impact.
- *A gap.* Bar t + 1 opens at another price and stands still. The prices of the fills must move by
  as much as the open did: what fills at the close of bar t stays where it is. No decision may
  change, not even where something leaves at the same open.
- *A gap earns nothing.* An account that was all in cash at the close of bar t buys behind the gap
  and marks at the same price, so it has paid its costs and earned nothing. The gap is in favour of
  what it buys; a positive reward is that of an order which filled before it. All rewards are of the
  sign of growth for such an account: log growth, its differential Sharpe ratio, and less a penalty.

In all worlds bar t + 1 has more volume than an order could use, because a share of it may rightly
limit how much is filled. Stops and targets fill inside the bar and are not looked at. Of a market
of closes only the close is the open, and an order that is worked over its bar has all of its
prices, so there the first law is about the volume alone.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benbot.agents.evaluation import evaluate
from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, Int8Array, RecordArray
from benbot.envs.desk.ledger import DECISION, FILL, OPTION_FILL
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import History, Span
from benbot.envs.market.market import Market
from benbot.experiments.audit.columns import ORDER, REWARD
from benbot.experiments.audit.result import (
    CLOSE_ENOUGH,
    EQUAL,
    Finding,
    Findings,
    Key,
    Probe,
    first_difference,
)
from benbot.experiments.audit.subject import Subject
from benbot.experiments.audit.worlds import behind_a_gap, in_a_calm_bar, in_another_bar

# Why a fill of bar t + 1 happens that was decided at the close of bar t.
DECIDED = (
    Exit.NONE,
    Exit.TIME,
    Exit.REVERSAL,
    Exit.WEIGHT,
    Exit.BREAKER,
    Exit.DIAMOND,
    Exit.PARTNER,
)
# Likewise of an option; those that end do so before the bar opens.
OF_OPTIONS = (Exit.ASSIGNED, Exit.EXPIRED, Exit.OPTION_PROFIT, Exit.OPTION_TIME)
COLUMNS = tuple(
    Key(ORDER, "", f"{kind}.{name}")
    for kind, dtype in (("decision", DECISION), ("fill", FILL), ("option", OPTION_FILL))
    for name in dtype.names or ()
)
PRICE = Key(ORDER, "", "fill.price")


class Orders(NamedTuple):
    """What was decided at the close of one bar, and what of it filled in the next."""

    decisions: RecordArray
    fills: RecordArray
    options: RecordArray


class Script:
    """A policy that follows weights [n, K+1] whatever it sees."""

    name = "script"

    def __init__(self, weights: Float32Array) -> None:
        self._weights = weights
        self.reset()

    def reset(self) -> None:
        """Stand at the first row again."""
        self._next = 0

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the next row; the observation says nothing that it needs."""
        self._next += 1
        row: Float32Array = self._weights[self._next - 1]
        return row


class OrderProbe:
    """Probes the orders of the close of bar t of two accounts.

    One has traded since `first`, so that it has positions to leave; the other opens at t and is
    flat, so that it takes all it can. `weights` are [T, K+1].
    """

    def __init__(
        self, subject: Subject, weights: Float32Array, first: int, findings: Findings
    ) -> None:
        self.subject, self.weights = subject, weights
        self.first, self.findings = first, findings

    def probe(self, market: Market, t: int) -> int:
        """Probe one bar of a market and return how many fills were looked at."""
        calm = in_a_calm_bar(market, t)
        history = self.subject.history(calm)
        known = self._both(history, t)
        rng = np.random.default_rng([t, market.n_bars])
        reshaped = calm.has_range and history.rules.execution.style == "open"
        another = in_another_bar(calm, t, rng, reshaped=reshaped)
        other = self._both(self.subject.history(another), t)
        for before, after in zip(known, other, strict=True):
            self._require_same("decision", t, (before.decisions, after.decisions))
            self._require_same("fill", t + 1, (before.fills, after.fills))
            self._require_same("option", t + 1, (before.options, after.options))
        flat = known[-1].fills
        jumped = behind_a_gap(calm, t, _sides(flat, market.n_symbols))
        gapped = self.subject.history(jumped)
        moved = jumped.open[t + 1] / calm.open[t + 1]
        for before, after in zip(known, self._both(gapped, t), strict=True):
            self._require_move(before.fills, after.fills, moved)
            self._require_same("decision", t, (before.decisions, after.decisions))
        self._require_no_gain(gapped, t)
        return sum(len(orders.fills) for orders in known)

    def _both(self, history: History, t: int) -> list[Orders]:
        spans = [Span(start, t + 1) for start in (self.first, t)]
        return [orders_of(self.subject, history, self.weights, span) for span in spans]

    def _require_same(self, kind: str, bar: int, pair: tuple[RecordArray, RecordArray]) -> None:
        """Require that decisions, or fills, of a bar are what they were."""
        for name in pair[0].dtype.names or ():
            self._note(Key(ORDER, "", f"{kind}.{name}"), bar, (pair[0][name], pair[1][name]))

    def _require_move(self, before: RecordArray, after: RecordArray, moved: FloatArray) -> None:
        """Require that the prices of the same fills moved as the opens (S,) did."""
        for fill in before:
            again = after[_same_order(fill, after)]["price"]
            wanted = np.full(len(again), fill["price"] * moved[fill["symbol"]])
            self._note(PRICE, int(fill["bar"]), (wanted, again))

    def _require_no_gain(self, gapped: History, t: int) -> None:
        """Require that a flat account earned nothing from a gap before its orders filled."""
        environment = self.subject.environment
        weights = without_writers(self.weights, gapped.signals.overlay)
        _, rewards = self.subject.walk(gapped, Span(t, t + 1), weights, environment)
        if rewards[t + 1] > CLOSE_ENOUGH:  # without any costs rounding may be a gain
            self.findings.note(REWARD, Finding(Probe.FILL, t + 1, float(rewards[t + 1])))

    def _note(self, key: Key, bar: int, pair: tuple[NDArray[Any], NDArray[Any]]) -> None:
        found = first_difference(*pair, EQUAL)
        if found is not None:
            self.findings.note(key, Finding(Probe.FILL, bar, found[1]))


def orders_of(subject: Subject, history: History, weights: Float32Array, span: Span) -> Orders:
    """Return the orders of the last decision of a span."""
    script = Script(weights[span.first : span.last])
    done = evaluate(script, history, span, subject.environment)
    decisions = done.decisions[done.decisions["bar"] == span.last - 1]
    fills = done.fills[done.fills["bar"] == span.last]
    options = done.options[done.options["bar"] == span.last]
    return Orders(
        decisions,
        fills[np.isin(fills["reason"], DECIDED)],
        options[np.isin(options["reason"], (*DECIDED, *OF_OPTIONS))],
    )


def without_writers(weights: Float32Array, overlay: Int8Array) -> Float32Array:
    """Return the weights [T, K+1] with what strategies that write options have as cash.

    They earn time, which passes within the bar, and that is no gain from a gap.
    """
    writes = np.flatnonzero(overlay)
    plain = weights.copy()
    plain[:, -1] += plain[:, writes].sum(axis=1)
    plain[:, writes] = 0.0
    return plain


def _same_order(fill: np.void, fills: RecordArray) -> BoolArray:
    same = np.ones(len(fills), np.bool_)
    for name in ("symbol", "strategy", "reason"):
        same &= fills[name] == fill[name]
    return same


def _sides(fills: RecordArray, n_symbols: int) -> FloatArray:
    """Return +1 where a symbol was bought, -1 where it was sold, else 0, (S,)."""
    units = np.bincount(fills["symbol"], fills["units"], n_symbols)
    sides: FloatArray = np.sign(units)
    return sides
