"""What an account did in one trading day, beside what training would have done with the same bars.

A pure function of the rows of the store and of the history that the account trades on: the same
rows give the same report, whoever makes it and whenever. A day is over when its last bar has closed
and the account was marked there; what is asked of a day is asked after that.

growth    log growth of equity, without the money that others put in or took out
gaps      basis points of log growth, the account less its shadow in the environment
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.history import History
from benbot.envs.observation import STATIC_CONTEXT, STATIC_STRATEGY, Layout
from benbot.paper.account_rows import AccountRows, StoreRow
from benbot.paper.intents import IntentStatus
from benbot.paper.overview.stages import move_of
from benbot.paper.plain_words import in_words
from benbot.paper.report import DailyReport, Day, FeatureDrift, Unfilled
from benbot.paper.slippage import BPS, Execution, executions_of, slippage_of
from benbot.paper.stage_moves import MOVE
from benbot.strategies.drift import FEWEST, Finding, slippage_drift
from benbot.strategies.records.moments import written
from benbot.strategies.shift import MUCH, Training

WINDOWS = (63, 42, 21)  # closes whose features are compared with the training, if there are as many
SHOWN = 10  # features
NOTHING_LEFT = -999.0  # log growth of an account of which nothing is left: JSON has no infinity
FLOW = "flow"  # kind of the event that notes it, see `reconciliation`
SENT = {str(status) for status in IntentStatus} - {str(IntentStatus.BOOKED)}


@dataclass(frozen=True, eq=False)
class Reported:
    """What reports of an account are made of.

    history    that the account trades on, up to the last bar that is reported or beyond
    training   what its policy was trained on; None: no features are compared
    shadow     equity of the environment at each close from the account's first on; None: none
    level      of all alarms of a day together
    """

    rows: AccountRows
    history: History
    training: Training | None = None
    shadow: FloatArray | None = None
    level: float = 0.01


def days_of(rows: AccountRows, history: History) -> list[Day]:
    """Return the days that are over, the first first; that on which it began has no trade yet."""
    dates, begun, closed = history.market.days, rows.first_bar, rows.last_closed
    days = []
    for date in np.unique(dates[begun + 1 : closed + 1]):
        bars = np.flatnonzero(dates == date)
        if bars[-1] <= closed:
            days.append(Day(str(date), max(int(bars[0]), begun + 1), int(bars[-1])))
    return days


def daily_report(made_of: Reported, day: Day) -> DailyReport:
    """Return the report of a day that is over."""
    rows, history = made_of.rows, made_of.history
    intents = _within(rows.intents, "bar", day.first, day.last)
    sent = [row for row in intents if row["status"] in SENT]
    every = executions_of(_within(rows.intents, "bar", 0, day.last), history.tape, history.rules)
    fills = [one for one in every if one.bar >= day.first]
    mine, theirs, since = _growths(made_of, day)
    return DailyReport(
        account=rows.account["account"],
        day=day.date,
        bars=(day.first, day.last),
        equity=_equity(rows, day.last),
        growth=mine,
        shadow_growth=theirs,
        gap=None if theirs is None else BPS * (mine - theirs),
        gap_since=since,
        weights=_weights(rows, history, day.last),
        # Gates speak at the close before the bar in which is traded.
        verdicts=_counted(_within(rows.verdicts, "bar", day.first - 1, day.last - 1), "verdict"),
        orders=_counted(intents, "status"),
        unfilled=tuple(_unfilled(sent)),
        fills=tuple(one.told() for one in fills),
        costs=sum(one.cost for one in fills),
        model_costs=sum(one.model_cost for one in fills),
        slippage=slippage_of(fills) if fills else None,
        worst=max((one.slippage for one in fills), default=None),
        slippage_drift=_slippage_drift(every),
        features=_features(made_of, day),
        breakers=tuple(row["breaker"] for row in _within(rows.equity, "bar", day.first, day.last)),
        events=tuple(_events(rows, day)),
        moves=tuple(_moves(rows, day)),
    )


def static_columns(layout: Layout) -> list[int]:
    """Return the places of the features that are the same for every account.

    What the account sees of itself, its weights and its drawdown, follows from what it did.
    """
    shared = set(STATIC_STRATEGY) | set(STATIC_CONTEXT)
    names = enumerate(layout.names)
    return [i for i, name in names if name.rpartition("/")[2] in shared]


def training_of(history: History, first: int, last: int) -> Training:
    """Return what a policy was trained on: its bars `first` to `last` of a history."""
    columns = static_columns(history.layout)
    names = tuple(history.layout.names[i] for i in columns)
    rows = history.features.rows[first : last + 1, columns]
    return Training(rows.astype(np.float64), names)


def growths(equity: FloatArray, flows: FloatArray) -> FloatArray:
    """Return the log growth of every bar, (N,), of equity and of money put in over it, (N + 1,)."""
    earned, before = equity[1:] - flows[1:], equity[:-1]
    sound = (earned > 0.0) & (before > 0.0)
    ratio = np.divide(earned, before, out=np.ones_like(before), where=sound)
    return np.where(sound, np.log(ratio), NOTHING_LEFT)


def _growths(made_of: Reported, day: Day) -> tuple[float, float | None, float | None]:
    """Return the growth of the day, that of the shadow, and the gap since the account began."""
    rows, shadow, begun = made_of.rows, made_of.shadow, made_of.rows.first_bar
    mine = growths(np.array([row["equity"] for row in rows.equity]), _flows(rows))
    of_day, until = slice(day.first - 1 - begun, day.last - begun), day.last - begun
    own = float(mine[of_day].sum())
    if shadow is None or until >= shadow.size:
        return own, None, None
    theirs = growths(shadow, np.zeros_like(shadow))
    since = float(mine[:until].sum() - theirs[:until].sum())
    return own, float(theirs[of_day].sum()), BPS * since


def _flows(rows: AccountRows) -> FloatArray:
    """Return the money that others put in or took out until each mark, since the one before.

    A close is marked when it is known, with all that came until then, and then is decided.
    """
    marks = np.array([row["moment"] for row in rows.decisions])
    flows = np.zeros(marks.size)
    for row in rows.events:
        at = int(np.searchsorted(marks, row["moment"]))
        if row["kind"] == FLOW and at < flows.size:
            flows[at] += float(json.loads(row["reasons"])["money"])
    return flows


def _equity(rows: AccountRows, bar: int) -> float:
    return float(rows.equity[bar - rows.first_bar]["equity"])


def _weights(rows: AccountRows, history: History, bar: int) -> dict[str, float]:
    chosen: Float32Array = np.frombuffer(
        rows.decisions[bar - rows.first_bar]["weights"], np.float32
    )
    names = (*history.signals.strategies, "cash")
    return {name: float(weight) for name, weight in zip(names, chosen, strict=True)}


def _unfilled(intents: Sequence[StoreRow]) -> Iterator[Unfilled]:
    for row in intents:
        if row["filled"] != row["units"]:
            yield Unfilled(
                **{name: row[name] for name in ("symbol", "strategy", "reason", "units", "filled")},
                status=row["status"],
                note=row["note"] or ("" if row["filled"] else "the venue filled nothing of it"),
            )


def _slippage_drift(executions: Sequence[Execution]) -> Finding | None:
    """Ask whether fills cost more than the model says, bar by bar; None before there are enough."""
    bars = np.array([one.bar for one in executions], np.int64)
    numbers = np.unique(bars)
    if numbers.size < FEWEST:
        return None
    costs = []
    for name in ("excess", "model_cost"):
        money = np.array([getattr(one, name) for one in executions])
        notional = np.array([one.notional for one in executions])
        places = np.searchsorted(numbers, bars)
        costs.append(BPS * np.bincount(places, money) / np.bincount(places, notional))
    excess, model = costs
    return slippage_drift(model + excess, model, np.random.default_rng(int(numbers[-1])))


def _features(made_of: Reported, day: Day) -> FeatureDrift | None:
    rows, history = made_of.rows, made_of.history
    columns = static_columns(history.layout)
    seen = [np.frombuffer(row["observation"], np.float32) for row in rows.decisions]
    until = day.last - rows.first_bar + 1
    shown = np.array(seen[:until])[:, columns]
    now = history.features.rows[rows.first_bar : day.last + 1, columns]
    of_day = slice(day.first - rows.first_bar, until)
    unlike = int((shown[of_day] != now[of_day]).any(axis=1).sum())
    training = made_of.training
    n = next((n for n in WINDOWS if n <= until and training and training.can_tell(n)), 0)
    if not n or training is None:
        return FeatureDrift(0, unlike, 0)
    shifted = training.shifted(shown[-n:].astype(np.float64))
    return FeatureDrift(
        n,
        unlike,
        sum(one.index > MUCH for one in shifted),
        tuple(shifted[:SHOWN]),
        tuple(one.feature for one in shifted if one.p_value <= made_of.level),
    )


def _events(rows: AccountRows, day: Day) -> Iterator[dict[str, Any]]:
    """Yield what happened after the close before the day, up to its last close.

    `said` are its words, where its kind has any.
    """
    closes = {row["bar"]: row["moment"] for row in rows.equity}
    for row in rows.events:
        if closes[day.first - 1] < row["moment"] <= closes[day.last]:
            told = {name: row[name] for name in ("kind", "subject", "reasons")}
            said = in_words(row["kind"], row["reasons"])
            yield {"moment": written(row["moment"]), **told, **({"said": said} if said else {})}


def _moves(rows: AccountRows, day: Day) -> Iterator[str]:
    """Yield who moved at a close of the day; it is told a moment later."""
    for move in (move_of(row) for row in rows.events if row["kind"] == MOVE):
        if day.first <= move.bar <= day.last:
            yield str(move)


def _within(rows: Sequence[StoreRow], name: str, first: int, last: int) -> list[StoreRow]:
    return [row for row in rows if first <= row[name] <= last]


def _counted(rows: Sequence[StoreRow], name: str) -> dict[str, int]:
    return dict(sorted(Counter(row[name] for row in rows).items()))
