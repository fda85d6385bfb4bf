"""What there is to audit in a history: everything that a strategy, the desk or a policy sees.

Nothing is listed by hand: a new signal, a new field of a bar, a new array of the tape and a new
feature are audited as soon as they exist. Only what may depend on where the data begin, and what
must be known a bar early, has to say so here.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.tape import Tape
from benbot.envs.history import History
from benbot.envs.market import indicators
from benbot.envs.market.market import Market
from benbot.envs.observation import LIVE_CONTEXT, LIVE_STRATEGY, STAGE
from benbot.experiments.audit.result import Columns, Key
from benbot.experiments.audit.subject import Subject
from benbot.strategies.base import Strategy

SIGNAL, INDICATOR, TAPE, FEATURE = "signal", "indicator", "tape", "features"
OBSERVATION, ACCOUNT, ORDER, GIVEN = "observation", "account", "order", "given"
NEWS = "news"
CAUSES_FIRST = (GIVEN, NEWS, INDICATOR, SIGNAL, TAPE, FEATURE, OBSERVATION, ORDER, ACCOUNT)
OF_STRATEGY = (SIGNAL, INDICATOR)  # their owner is a strategy, with a warm-up of its own
REWARD = Key(ACCOUNT, "", "reward")

_SLEEVE = "depends on history: the sleeve's trades"
_AVERAGE = "depends on history: an average of every bar"
_SESSIONS = "depends on history: an average of every session"
_SEASON = "depends on history: the tournament begins with the data"
_PATH = "depends on history: the account"

# What is another number where the data begin later, and why that is right; (group, name).
DEPENDS_ON_HISTORY: dict[tuple[str, str], str] = {
    (TAPE, "value"): _SLEEVE,
    (TAPE, "sleeve_return"): _SLEEVE,
    (TAPE, "variance"): _SLEEVE,
    (TAPE, "bars.impact"): _AVERAGE,
    (TAPE, "covariance"): _SESSIONS,
    (TAPE, "tied"): _SESSIONS,
    (TAPE, "sizing.deviation"): _SESSIONS,
    (TAPE, "facts.swing"): _SESSIONS,
    (TAPE, "facts.beta"): _SESSIONS,
    (TAPE, "facts.adv"): "depends on history: the sessions with volume, however long ago",
    (TAPE, "facts.age"): "depends on history: the last price, however long ago",
    (TAPE, "offers.volatility"): _SESSIONS,
    (TAPE, "offers.call"): _SESSIONS,
    (TAPE, "offers.put"): _SESSIONS,
    (TAPE, "sizing.budget"): "depends on history: the schedule begins with the data",
    (TAPE, "calendar.risk_row"): "depends on history: numbered from the first session",
    (FEATURE, "sleeve_precision"): _AVERAGE,
    (FEATURE, "allowed"): _SEASON,
    (OBSERVATION, STAGE): _SEASON,
    (OBSERVATION, "dispersion"): _AVERAGE,
    (OBSERVATION, "persistence_5"): _AVERAGE,
    (OBSERVATION, "persistence_21"): _AVERAGE,
    **{
        (OBSERVATION, name): _SLEEVE
        for name in (
            *("return_5", "return_21", "return_63", "volatility_21", "volatility_63"),
            *("record_mean", "record_t", "record_count", "forecast", "drawdown", "hit_rate"),
        )
    },
    **{(OBSERVATION, name): _PATH for name in (*LIVE_STRATEGY, *LIVE_CONTEXT)},
    (ACCOUNT, "reward"): _PATH,
}

# What of the signals a lesson changes where the configuration has some, and what is made of it.
LEARNED: dict[tuple[str, str], str] = {
    (SIGNAL, "confidence"): "confidence",
    (OBSERVATION, "confidence"): "confidence",
    (SIGNAL, "stop_distance"): "stop_distance",
    (TAPE, "stop"): "stop_distance",
}
_LESSONS = "depends on history: learned from the sleeves' trades"

# Groups of which this is not asked. No indicator declares a warm-up, its strategy does for them.
_GROUPS = {INDICATOR: "memory is that of its signals", ORDER: _PATH, GIVEN: "memory not declared"}

# What an order of the close of bar t - 1 is charged in bar t must be known at that close; (group,
# name), and the fact of the market where it has one: that is of the bar itself, and a quoted spread
# nobody can choose.
KNOWN_BEFORE = {(TAPE, "bars.impact"): "", (TAPE, "bars.half_spread"): "spread"}
UNKNOWN = 0.01  # stands for a covariance that is not known; a day's are much smaller


def reason_of(key: Key, learned: frozenset[str] = frozenset()) -> str:
    """Return why a column may depend on where the data begin, nothing if it may not.

    `learned` names the parts of the signals that lessons change.
    """
    if LEARNED.get((key.group, key.name), "") in learned:
        return _LESSONS
    return _GROUPS.get(key.group, "") or DEPENDS_ON_HISTORY.get((key.group, key.name), "")


def rank_of(key: Key) -> int:
    """Return the place of a column's group: what leaks comes before what is made of it."""
    return CAUSES_FIRST.index(key.group)


def columns_of(subject: Subject, market: Market, history: History) -> Columns:
    """Return everything that is the same for every account."""
    columns = history_columns(history)
    for strategy in subject.strategies:
        columns |= heard_columns(strategy, market)
    for name, function in subject.given.items():
        columns[Key(GIVEN, "", name)] = function(market)
    return columns


def history_columns(history: History) -> Columns:
    """Return signals, tape, features and the static part of the observation."""
    columns: Columns = {}
    for field in fields(history.signals):
        values = getattr(history.signals, field.name)
        if isinstance(values, np.ndarray) and values.ndim == 3:
            for k, strategy in enumerate(history.signals.owners_of(field.name)):
                columns[Key(SIGNAL, strategy, field.name)] = values[:, k]
    for group, parts in ((TAPE, history.tape), (FEATURE, history.features)):
        for name, values in arrays_of(parts, history.n_bars):
            columns[Key(group, "", name)] = values
    columns[Key(TAPE, "", "covariance")] = known_covariances(history.tape)
    columns[Key(TAPE, "", "tied")] = known_ties(history.tape)
    rows = columns.pop(Key(FEATURE, "", "rows"))
    return columns | observation_columns(history, rows)


def known_covariances(tape: Tape) -> FloatArray:
    """Return a sum over the covariances of each symbol as known at each close, [T, S].

    Each has a weight of its own, so that no change of one hides behind that of another. All of them
    would be S times as many.
    """
    n_symbols = tape.covariance.shape[1]
    weights = 2.0 + np.cos(np.arange(n_symbols))
    sums = np.empty((len(tape.covariance), n_symbols))
    for row, covariance in enumerate(tape.covariance):
        sums[row] = np.where(np.isnan(covariance), UNKNOWN, covariance) @ weights
    known = tape.calendar["risk_row"]
    return np.where(known[:, None] >= 0, sums[np.maximum(known, 0)], np.nan)


def known_ties(tape: Tape) -> FloatArray:
    """Return with how many others each symbol moves too much, as known at each close, [T, S]."""
    counts = np.bitwise_count(tape.tied).sum(axis=(1, 3))
    known: FloatArray = counts[tape.calendar["risk_row"] + 1].astype(np.float64)
    return known


def observation_columns(history: History, rows: NDArray[Any]) -> Columns:
    """Return each entry of the observations [T, D] under its name."""
    columns: Columns = {}
    for i, name in enumerate(history.layout.names):
        owner, _, feature = name.rpartition("/")
        columns[Key(OBSERVATION, owner, feature)] = rows[:, i]
    return columns


def arrays_of(value: Any, n_bars: int, name: str = "") -> Iterator[tuple[str, NDArray[Any]]]:  # noqa: ANN401
    """Yield every array of numbers whose first axis is the bars, also fields and parts of parts."""
    if isinstance(value, np.ndarray):
        if value.ndim and len(value) == n_bars:
            yield from _fields_of(value, name)
    elif isinstance(value, tuple):
        for part in getattr(value, "_fields", ()):
            below = f"{name}.{part}" if name else part
            yield from arrays_of(getattr(value, part), n_bars, below)


def _fields_of(values: NDArray[Any], name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if values.dtype.names:
        yield from ((f"{name}.{field}", values[field]) for field in values.dtype.names)
    elif values.dtype.kind in "biuf":
        yield name, values


def heard_columns(strategy: Strategy, market: Market) -> Columns:
    """Return a strategy's evidence and every indicator it asks for while it makes its opinion.

    An indicator that is asked for again is numbered, in the order of asking. What is heard is what
    the functions of `envs.market.indicators` return; a rule that computes one by itself is heard
    by its evidence.
    """
    columns: Columns = {}
    asked: Counter[str] = Counter()

    def hear(frame: FrameType, event: str, value: object) -> None:
        group = _group_of(frame, strategy) if event == "return" else ""
        if group:
            name = frame.f_code.co_name
            asked[name] += 1
            numbered = name if asked[name] == 1 else f"{name}#{asked[name]}"
            for part, values in arrays_of(value, market.n_bars, numbered):
                columns[Key(group, strategy.name, part)] = values

    before = sys.getprofile()
    sys.setprofile(hear)
    try:
        strategy.opinion(replace(market))  # a copy, of which nothing is remembered yet
    finally:
        sys.setprofile(before)
    return columns


def _group_of(frame: FrameType, strategy: Strategy) -> str:
    """Return what kind of column a function that returns now has made, nothing if none."""
    code = frame.f_code
    if code.co_name == "evidence" and frame.f_locals.get("self") is strategy:
        return SIGNAL
    is_public = not code.co_name.startswith("_") and "<" not in code.co_qualname
    return INDICATOR if is_public and code.co_filename == indicators.__file__ else ""
