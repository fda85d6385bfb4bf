"""Whether what a policy or the desk sees knows the future, or remembers more than it says.

Every signal, indicator, array of the tape, entry of the observation and reward is computed again in
other worlds, and compared bar by bar with what it was:

- *truncate*: the market ends before bar n. Rows before n must be what they were.
- *change*: what happens from bar n on is another story. Rows before n must be what they were, and
  what an order of bar n - 1 is charged in bar n as well.
- *start*: the data begin later. Behind the declared warm-up everything must be what it was, except
  what is on the list of `audit_columns.DEPENDS_ON_HISTORY` with a reason.
- *fill*: the bar that fills an order is another one; see `audit_orders`.

News are cut and changed before they become facts of the market; see `audit_news`.

At every second cut one symbol's last known bar is missing, so that a price which is filled in from
a later bar is seen. What is done to the data before they are a `Market` is not seen: a file with a
normalised or a forward-filled price is a fact to everybody here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import IntArray
from benbot.envs.errors import BadMarketData
from benbot.envs.history import History, Span
from benbot.envs.market.market import Market
from benbot.experiments.audit.columns import (
    KNOWN_BEFORE,
    OF_STRATEGY,
    REWARD,
    columns_of,
    observation_columns,
    rank_of,
    reason_of,
)
from benbot.experiments.audit.news import NewsProbe
from benbot.experiments.audit.orders import COLUMNS, OrderProbe
from benbot.experiments.audit.result import (
    EQUAL,
    AuditResult,
    Columns,
    Finding,
    Findings,
    Key,
    Probe,
    first_difference,
    rounding_of,
)
from benbot.experiments.audit.subject import Subject, subject_of
from benbot.experiments.audit.worlds import (
    draw_bars,
    remembers_enough,
    with_another_future,
    with_late_bars,
)
from benbot.experiments.training.preparation import Prepared

PROBED = 400  # bars behind the warm-up
REACH = 64  # bars by which the data may begin later
LEAST_BARS = 20
SEED = 0

Listener = Callable[[int], None]  # hears how many steps of the effort are done


@dataclass(frozen=True)
class Effort:
    """How many places are looked at."""

    cuts: int = 24
    starts: int = 3
    orders: int = 12

    @property
    def n_steps(self) -> int:
        """What a listener counts to; a short market may have fewer places."""
        return 1 + self.cuts + self.starts + self.orders


THOROUGH = Effort()
QUICK = Effort(cuts=6, starts=1, orders=3)


def audit(
    prepared: Prepared, effort: Effort = THOROUGH, listener: Listener | None = None
) -> AuditResult:
    """Audit what a prepared configuration computes, on the last bars of its market."""
    return examine(subject_of(prepared), prepared.market, effort, listener)


def examine(
    subject: Subject,
    market: Market,
    effort: Effort = THOROUGH,
    listener: Listener | None = None,
) -> AuditResult:
    """Audit any functions of a market, on its last bars."""
    return _Examination(subject, market, effort, listener or (lambda _: None)).carry_out()


class _Computed(NamedTuple):
    """What was computed from one market; the entries of the observation are in both."""

    history: Columns
    account: Columns


class _Examination:
    """One audit: the window of the market and what has been found so far.

    Bars are numbers of the window until they are reported.
    """

    def __init__(
        self, subject: Subject, market: Market, effort: Effort, listener: Listener
    ) -> None:
        n_bars = min(market.n_bars, subject.warmup + REACH + PROBED)
        if n_bars < LEAST_BARS:
            raise BadMarketData(
                f"an audit needs at least {LEAST_BARS} bars, was {n_bars}. Load more of the market"
            )
        self.subject, self.effort, self.listener = subject, effort, listener
        self.whole_market, self.offset = market, market.n_bars - n_bars
        self.first = min(subject.warmup, n_bars // 2)  # the account's first decision
        self.rng = np.random.default_rng(SEED)
        bars = np.arange(n_bars)
        self.cuts = draw_bars(self.rng, (bars > self.first + 1) & (bars < n_bars - 1), effort.cuts)
        window = market.between(self.offset, market.n_bars)
        self.market = with_late_bars(window, self.cuts, self.rng)
        shares = np.ones(len(subject.strategies) + 1)
        self.weights = self.rng.dirichlet(shares, n_bars).astype(np.float32)
        self.findings, self.n_done = Findings(), 0
        self.news = None
        if subject.feed is not None:
            self.news = NewsProbe(subject.feed, market, self.offset, self.findings)

    def carry_out(self) -> AuditResult:
        history = self.subject.history(self.market)
        whole = self._compute(self.market, history)
        self._step()
        for n in self.cuts.tolist():
            self._truncate(whole, n)
            self._change(whole, n)
            if self.news is not None:
                self.news.probe(n + self.offset)
            self._step()
        bars = np.arange(self.market.n_bars)
        starts = draw_bars(self.rng, (bars > 0) & (bars <= REACH), self.effort.starts)
        for start in starts.tolist():
            self._begin_later(whole, start)
            self._step()
        orders, n_fills = self._probe_orders(history)
        dates, offset = self.whole_market.days[self.offset :].astype(str).tolist(), self.offset
        of_news = () if self.news is None else self.news.keys
        columns = dict.fromkeys([*whole.history, *whole.account, *COLUMNS, *of_news])
        keys = sorted(columns, key=rank_of)
        return AuditResult(
            name=self.subject.name,
            first=offset,
            last=offset + self.market.n_bars - 1,
            first_date=dates[0],
            last_date=dates[-1],
            cuts=tuple((self.cuts + offset).tolist()),
            starts=tuple((starts + offset).tolist()),
            orders=tuple((orders + offset).tolist()),
            n_fills=n_fills,
            rows=tuple(self.findings.row(key, self._reason_of(key), dates, offset) for key in keys),
        )

    def _step(self) -> None:
        self.n_done += 1
        self.listener(self.n_done)

    def _compute(self, market: Market, history: History) -> _Computed:
        span = Span(self.first, market.n_bars - 1)
        observations, rewards = self.subject.walk(
            history, span, self.weights, self.subject.environment
        )
        account = {**observation_columns(history, observations), REWARD: rewards}
        return _Computed(columns_of(self.subject, market, history), account)

    def _truncate(self, whole: _Computed, n: int) -> None:
        known = self.market.until(n)
        self._compare(whole, self._compute(known, self.subject.history(known)), n, Probe.TRUNCATE)

    def _change(self, whole: _Computed, n: int) -> None:
        other = with_another_future(self.market, n, np.random.default_rng([SEED, n]))
        computed = self._compute(other, self.subject.history(other))
        self._compare(whole, computed, n, Probe.CHANGE)
        traded = self.market.tradable[n] & other.tradable[n]
        for key, values in whole.history.items():
            fact = KNOWN_BEFORE.get((key.group, key.name))
            if fact is not None:
                own = np.isfinite(getattr(self.market, fact)[n]) if fact else np.False_
                pair = values[n : n + 1], computed.history[key][n : n + 1]
                found = first_difference(*pair, EQUAL, (traded & ~own)[None])
                self._note(key, Probe.CHANGE, n, found)

    def _compare(self, whole: _Computed, other: _Computed, n: int, probe: Probe) -> None:
        """Note every column whose first `n` rows are not what they were."""
        for then, now in zip(whole, other, strict=True):
            for key, values in then.items():
                after = now.get(key, values[:0])  # an indicator that nobody asked for this time
                self._note(key, probe, 0, first_difference(values[:n], after[:n], EQUAL))

    def _begin_later(self, whole: _Computed, start: int) -> None:
        later = self.market.between(start, self.market.n_bars)
        computed = columns_of(self.subject, later, self.subject.history(later))
        for key, values in computed.items():
            before = whole.history.get(key, values[:0])[start:]
            if not self._reason_of(key):
                counted = remembers_enough(self.market, start, self._warmup_of(key))
                found = first_difference(before, values, rounding_of(before), counted)
                self._note(key, Probe.START, start, found)

    def _reason_of(self, key: Key) -> str:
        return reason_of(key, self.subject.learned)

    def _warmup_of(self, key: Key) -> int:
        if key.group not in OF_STRATEGY or self.subject.shared_memory:
            return self.subject.warmup
        return next(each.warmup for each in self.subject.strategies if each.name == key.owner)

    def _probe_orders(self, history: History) -> tuple[IntArray, int]:
        """Probe bars at which something is asked for; return them and how many orders filled."""
        bars = np.arange(self.market.n_bars)
        asked = history.signals.direction.any(axis=(1, 2))
        inside = (bars >= self.first) & (bars < self.market.n_bars - 1)
        orders = draw_bars(self.rng, asked & inside, self.effort.orders)
        probe = OrderProbe(self.subject, self.weights, self.first, self.findings)
        n_fills = 0
        for t in orders.tolist():
            n_fills += probe.probe(self.market, t)
            self._step()
        return orders, n_fills

    def _note(self, key: Key, probe: Probe, offset: int, found: tuple[int, float] | None) -> None:
        if found is not None:
            self.findings.note(key, Finding(probe, offset + found[0], found[1]))
