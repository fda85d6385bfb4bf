"""Markets from CSV and Parquet files: long form, or a folder with one file per symbol.

Columns: a time (date, ts or timestamp), symbol, close, and as far as known open, high, low,
volume, spread, sector, halted, borrow_rate, iv, adj_close, price_factor, split_factor, split and
dividend. Capitals and spaces in names do not matter, further columns are ignored. A symbol that
begins late, ends early or skips bars is not tradable there; no price is ever carried forward.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import available_timezones

import numpy as np
from pydantic import Field, field_validator

from benbot.envs.arrays import BoolArray, FloatArray, TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.actions import keep_with_actions, read_actions
from benbot.envs.market.adjustment import adjust, choose_adjustment
from benbot.envs.market.bars import (
    check_order,
    check_prices,
    check_unique,
    is_traded,
    read_halts,
    read_numbers,
    widen_range,
)
from benbot.envs.market.calendar import Sessions, load_sessions
from benbot.envs.market.market import FACTS, OPTIONAL_FACTS, Market, Origin, market_from_prices
from benbot.envs.market.news_files import load_news
from benbot.envs.market.news_settings import NewsFiles
from benbot.envs.market.quotes import read_quotes, with_spread
from benbot.envs.market.resampling import merge_bars, parse_length, place_in_longer_bars
from benbot.envs.market.selection import choose_symbols
from benbot.envs.market.stamps import parse_times, settle_times
from benbot.envs.market.table import ACTIONS, PriceTable, find_files, join, read_table
from benbot.envs.market.timeline import (
    Hours,
    Stamp,
    bar_length,
    local_days,
    place_days,
    place_instants,
)
from benbot.envs.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Notes = tuple[str, ...]  # what was left out, in sentences


class FilesSource(Settings):
    """Which files to read, and what they mean where they do not say it themselves."""

    source: Literal["files"] = "files"
    path: Path = Field(description="a .csv, .csv.gz or .parquet file, or a folder of them")
    adjust: Literal["auto", "adj_close", "factors", "none", "actions"] = Field(
        default="auto",
        description="for splits and dividends; auto takes adj_close, then factors, if there; "
        "actions also tells the desk what was traded and paid, from split and dividend or factors",
    )
    calendar: str = Field(default="XNYS", description="exchange_calendars name; 24/7 never closes")
    timezone: str | None = Field(
        default=None,
        description="of times within the day that carry no offset, such as America/New_York",
    )
    stamp: Stamp = Field(default="start", description="what the time of a bar within the day names")
    hours: Hours = Field(
        default="regular", description="all keeps bars before the opening and after it"
    )
    resample: str | None = Field(
        default=None,
        description="make longer bars of those in the file, such as 5min or 1h; none lies in two "
        "sessions, the last of an early close is the shorter",
    )
    quotes: Path | None = Field(
        default=None,
        description="a file or folder with bid and ask of the same bars, which give the spread",
    )
    start: date | None = Field(default=None, description="first day, inclusive")
    end: date | None = Field(default=None, description="last day, inclusive")
    symbols: tuple[str, ...] | None = Field(default=None, min_length=1, description="default all")
    exclude: tuple[str, ...] = Field(default=(), description="symbols to leave out")
    min_bars: int = Field(
        default=0, ge=0, description="leave symbols with fewer bars in the span out"
    )
    sectors: dict[str, str] = Field(
        default={}, description="symbol: sector; wins over a sector column"
    )
    news: NewsFiles | None = Field(
        default=None, description="what was published about the symbols; default none"
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"timezone must be an IANA name such as UTC, was {value!r}")
        return value

    @field_validator("resample")
    @classmethod
    def _known_length(cls, value: str | None) -> str | None:
        if value is not None:
            parse_length(value)
        return value


def load_files(source: FilesSource) -> Market:
    """Return the market that the files describe; `origin.notes` says what was left out.

    High and low that miss the open or close by rounding are widened to them; a bar that lacks
    one of its prices counts as not traded.
    """
    tables = _read_chosen(source)
    table, placed = _place(tables, source)
    check_unique(table)
    table = read_halts(read_numbers(table))
    check_prices(table)
    adjustment = choose_adjustment(table, source.adjust)
    table, untraded = _drop_untraded(table)
    table, short = _drop_short(table, _symbols_of(tables), source)
    table = widen_range(adjust(table, adjustment))
    if source.resample is not None:
        table = merge_bars(table)
    notes = placed + untraded + short
    market = _market(table, source, Origin(str(source.path), adjustment, notes))
    return market if source.news is None else load_news(source.news, market)


def _read_chosen(source: FilesSource) -> list[PriceTable]:
    """Return one table per file, with the symbols that were asked for."""
    tables = [read_table(path) for path in find_files(source.path)]
    chosen = choose_symbols(_symbols_of(tables), source.symbols, source.exclude)
    if not chosen:
        raise BadMarketData(f"{source.path}: at least one symbol is needed, exclude names them all")
    kept = [table.keep(table.frame["symbol"].isin(chosen)) for table in tables]
    return [parse_times(table) for table in kept if not table.frame.empty]


def _symbols_of(tables: list[PriceTable]) -> set[str]:
    return {symbol for table in tables for symbol in table.frame["symbol"].unique()}


def _place(tables: list[PriceTable], source: FilesSource) -> tuple[PriceTable, Notes]:
    """Return all bars of the span as one table, each with its close and session."""
    sessions = _sessions_around(tables, source.calendar)
    settled = [settle_times(table, sessions.zone, source.timezone) for table in tables]
    is_daily = settled[0][1]
    for raw, (_, other) in zip(tables, settled, strict=True):
        if other != is_daily:
            raise BadMarketData(
                f"all files need days, or all times within the day: {tables[0].paths[0]} has "
                f"{'days' if is_daily else 'times'}, {raw.paths[0]} the other"
            )
    with_actions = source.adjust == "actions"
    table = join([table for table, _ in settled], ACTIONS if with_actions else ())
    check_order(table)
    table = _quoted(table, is_daily, source, sessions)
    latest = table.frame["time"].max().to_datetime64()
    table = _within_span(table, local_days(table, is_daily, sessions), source)
    table = read_actions(table) if with_actions else table.drop(ACTIONS)
    if not is_daily:
        table, notes = _place_instants(table, sessions, source, latest)
    elif source.resample is None:
        table, notes = place_days(table, sessions), ()
    else:
        raise BadMarketData(
            f"{source.path}: resample needs bars within the day, was {source.resample} of days. "
            "Leave it out"
        )
    return table, notes + _unquoted(table, source)


def _place_instants(
    table: PriceTable, sessions: Sessions, source: FilesSource, latest: np.datetime64
) -> tuple[PriceTable, Notes]:
    """Return the bars with their close and session, and the longer bar of each, if wanted.

    latest   time of the last bar in the files, whatever the span
    """
    length = bar_length(table)
    table, notes = place_instants(table, sessions, length, source.stamp, source.hours)
    never = sorted(set(source.symbols or ()) - set(table.frame["symbol"]) - set(source.exclude))
    if never and source.hours == "regular":
        raise BadMarketData(
            f"{source.path}: every symbol asked for needs a bar in the span and in the regular "
            f"hours of {source.calendar}, {', '.join(never)} had none. Change the span or the "
            "symbols, check timezone and stamp, or set hours: all"
        )
    if source.resample is None:
        return table, notes
    known_until = latest + length if source.stamp == "start" else latest
    wanted = parse_length(source.resample)
    table, early = place_in_longer_bars(table, sessions, length, wanted, known_until)
    return table, notes + early


def _quoted(
    table: PriceTable, is_daily: bool, source: FilesSource, sessions: Sessions
) -> PriceTable:
    """Return the bars with the spread of their quotes, if there is a file of them."""
    if source.quotes is None:
        return table
    symbols = table.frame["symbol"].unique()
    quotes, of_days = read_quotes(source.quotes, symbols, sessions.zone, source.timezone)
    # A longer quote ends after its bar, so it would tell the future.
    if of_days != is_daily or not (is_daily or bar_length(quotes) == bar_length(table)):
        raise BadMarketData(
            f"{source.quotes}: quotes must be of bars as long as those of {source.path}. "
            "Use those of the same length"
        )
    return with_spread(table, quotes)


def _unquoted(table: PriceTable, source: FilesSource) -> Notes:
    unknown = 0 if source.quotes is None else int(table.frame["spread"].isna().sum())
    return (f"{unknown} bars without a quote of both sides have no spread",) if unknown else ()


def _sessions_around(tables: list[PriceTable], calendar: str) -> Sessions:
    times = [table.frame["time"].dt.tz_localize(None) for table in tables]
    first = min(time.min() for time in times).to_datetime64()
    last = max(time.max() for time in times).to_datetime64()
    return load_sessions(calendar, first, last)


def _within_span(table: PriceTable, days: TimeArray, source: FilesSource) -> PriceTable:
    first, last = np.datetime64(source.start or days.min()), np.datetime64(source.end or days.max())
    inside = (days >= first) & (days <= last)
    if not inside.any():
        raise BadMarketData(
            f"{source.path}: bars are needed from {source.start or 'the beginning'} to "
            f"{source.end or 'the end'}, its data go from {days.min()} to {days.max()}. "
            "Change start or end"
        )
    return table.keep(inside)


def _drop_untraded(table: PriceTable) -> tuple[PriceTable, Notes]:
    traded = is_traded(table)
    n_untraded = int(np.count_nonzero(~traded))
    if not n_untraded:
        return table, ()
    table, moved = keep_with_actions(table, traded)
    note = f"{n_untraded} bars without all their prices count as not traded"
    return table, (note, *moved)


def _drop_short(
    table: PriceTable, symbols: set[str], source: FilesSource
) -> tuple[PriceTable, Notes]:
    """Leave out symbols with too few bars in the span, or none at all."""
    bars = table.frame if source.resample is None else _first_of_each_bar(table)
    n_bars = dict.fromkeys(sorted(symbols), 0) | bars["symbol"].value_counts().to_dict()
    never = [symbol for symbol in source.symbols or () if n_bars.get(symbol) == 0]
    if never:
        raise BadMarketData(
            f"{source.path}: every symbol asked for needs a bar in the span, "
            f"{', '.join(never)} had none. Change the span or the symbols"
        )
    least = max(source.min_bars, 1)
    short = [symbol for symbol, n in n_bars.items() if n < least]
    if len(short) == len(n_bars):
        raise BadMarketData(
            f"{source.path}: a symbol needs {least} bars in the span, the longest had "
            f"{max(n_bars.values())}. Lower min_bars or widen the span"
        )
    if not short:
        return table, ()
    listed = ", ".join(f"{symbol} ({n_bars[symbol]})" for symbol in short)
    note = f"symbols with fewer bars in the span than {least} left out: {listed}"
    return table.keep(~table.frame["symbol"].isin(short)), (note,)


def _first_of_each_bar(table: PriceTable) -> "pd.DataFrame":
    first: pd.DataFrame = table.frame.drop_duplicates(["symbol", "bar"])
    return first


def _market(table: PriceTable, source: FilesSource, origin: Origin) -> Market:
    """Spread the bars over a grid of times and symbols; what no bar fills stays NaN."""
    import pandas as pd

    frame = table.frame
    present = set(frame["symbol"].unique())
    symbols = tuple(s for s in dict.fromkeys(source.symbols or sorted(present)) if s in present)
    times, first, t = np.unique(frame["time"].to_numpy(), return_index=True, return_inverse=True)
    s = pd.Categorical(frame["symbol"], categories=symbols).codes
    facts: dict[str, FloatArray] = {}
    for name in (*FACTS, *OPTIONAL_FACTS):
        if name in frame:
            nothing = OPTIONAL_FACTS.get(name, np.array(np.nan))
            facts[name] = np.full((len(times), len(symbols)), nothing)
            facts[name][t, s] = frame[name].to_numpy()
    if "unadjusted" in facts:
        facts["unadjusted"] = _last_known(facts["unadjusted"], np.isfinite(facts["close"]))
    session = frame["session"].to_numpy()[first]
    return market_from_prices(
        times,
        symbols,
        facts,
        session=session - session[0],
        sectors=_sectors(frame, symbols, source.sectors),
        origin=origin,
    )


def _last_known(fact: FloatArray, tradable: BoolArray) -> FloatArray:
    """Return the fact with its last value wherever a symbol has no bar, for who still holds it."""
    bars = np.arange(len(fact))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(tradable, bars, 0), axis=0)
    return np.take_along_axis(fact, last, axis=0)


def _sectors(
    frame: "pd.DataFrame", symbols: tuple[str, ...], given: dict[str, str]
) -> tuple[str, ...]:
    known: dict[str, str] = {}
    if "sector" in frame:
        latest = frame.dropna(subset="sector").drop_duplicates("symbol", keep="last")
        known = dict(zip(latest["symbol"], latest["sector"], strict=True))
    return tuple((known | given).get(symbol, "unknown") for symbol in symbols)
