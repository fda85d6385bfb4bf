"""News from JSONL and Parquet files: one item a line or row.

time      when it was published, with a time zone: 2020-01-31T14:30:00+00:00
symbols   a list of tickers, or one text with commas between them
headline  a text
body      a text, if there is one
source    who published it, such as a wire or a social network; by default the name of the file

Further columns are ignored. Everything is refused here, naming file and row, or not at all.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benbot.envs.errors import BadMarketData
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed, NewsTable, with_news
from benbot.envs.market.news_settings import NewsFiles
from benbot.envs.market.sentiment import open_scorer
from benbot.envs.market.stamps import YEARS

SUFFIXES = (".jsonl", ".parquet")
NEEDED = ("time", "symbols", "headline")
COLUMNS = (*NEEDED, "body", "source")
LISTED = 5
ISO = "must be written like 2020-01-31T14:30:00+00:00"


class Item(NamedTuple):
    """One line, checked on its own; `place` says where it stands."""

    time: np.datetime64
    source: str
    headline: str
    symbols: tuple[str, ...]
    body: str
    place: str


def load_news(source: NewsFiles, market: Market) -> Market:
    """Return the market with the features of the news in the files."""
    table, notes = read_news(source, market)
    return with_news(market, NewsFeed(table, open_scorer(source), source), notes)


def open_feed(source: NewsFiles, market: Market) -> NewsFeed:
    """Return the news in the files with who scores them."""
    return NewsFeed(read_news(source, market)[0], open_scorer(source), source)


def read_news(source: NewsFiles, market: Market) -> tuple[NewsTable, tuple[str, ...]]:
    """Return the items in order of time, and what was left out, in sentences."""
    items = [
        _checked(row, place, path.stem)
        for path in find_news(source.path)
        for row, place in _rows(path)
    ]
    if not items:
        raise BadMarketData(f"{source.path}: at least one item of news is needed, there is none")
    _refuse_repeated(items)
    begins = min(item.time for item in items)
    items, late = _until_the_last_bar(items, source, market)
    items, unknown = _of_known_symbols(items, source, market)
    return _table(items, begins), late + unknown


def find_news(path: Path) -> tuple[Path, ...]:
    """Return the file, or the files of news in the folder in order of name."""
    path = path.expanduser()
    if path.is_dir():
        found = sorted(f for f in path.iterdir() if f.name.lower().endswith(SUFFIXES))
    else:
        found = [path] if path.is_file() and path.name.lower().endswith(SUFFIXES) else []
    if not found:
        raise BadMarketData(
            f"news need a {' or '.join(SUFFIXES)} file or a folder with some, was "
            f"{path.absolute()}. Check the path"
        )
    return tuple(found)


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each item as it is written, and where that is."""
    if path.name.lower().endswith(".parquet"):
        yield from ((row, f"{path}, row {i + 1}") for i, row in enumerate(_read_parquet(path)))
        return
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadMarketData(f"{path}: must be JSON lines in UTF-8: {error}") from error
    for i, line in enumerate(lines):
        if line.strip():
            place = f"{path}, line {i + 1}"
            yield _read_line(line, place), place


def _read_line(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadMarketData(f"{place}: must be one JSON object: {error}") from error
    if not isinstance(row, dict):
        raise BadMarketData(f"{place}: must be one JSON object, was {line[:60]}")
    missing = [name for name in NEEDED if name not in row]
    if missing:
        raise BadMarketData(
            f"{place}: {' and '.join(missing)} needed, its keys are {', '.join(row) or 'none'}. "
            "Rename the one that holds it"
        )
    return row


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise BadMarketData(
                f"{path}: a column {' and '.join(missing)} is needed, was {', '.join(names)}. "
                "Rename the one that holds it"
            )
        table = pq.read_table(path, columns=[name for name in COLUMNS if name in names])
    except (pa.ArrowInvalid, OSError) as error:
        raise BadMarketData(f"{path}: must be a Parquet file: {error}") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _checked(row: dict[str, Any], place: str, stem: str) -> Item:
    headline = str(row["headline"] or "").strip()
    if not headline:
        raise BadMarketData(f"{place}: every item needs a headline, this one is empty. Remove it")
    given = row["symbols"]
    listed = given.split(",") if isinstance(given, str) else given
    several = listed if isinstance(listed, list) else ()
    symbols = tuple(dict.fromkeys(str(symbol).strip() for symbol in several))
    if not symbols or not all(symbols):
        raise BadMarketData(
            f"{place}: every item needs a symbol that it is about, was {given!r}. Remove it"
        )
    return Item(
        _time_of(row["time"], place),
        str(row.get("source") or stem).strip(),
        headline,
        symbols,
        str(row.get("body") or "").strip(),
        place,
    )


def _time_of(written: object, place: str) -> np.datetime64:
    """Return an instant in UTC; without a time zone nobody knows which bar knew it."""
    time = written
    if isinstance(written, str):
        try:
            time = datetime.fromisoformat(written.strip())
        except ValueError as error:
            raise BadMarketData(f"{place}: the time {ISO}, was {written!r}") from error
    if not isinstance(time, datetime):
        raise BadMarketData(f"{place}: the time {ISO}, was {written!r}")
    if not YEARS[0] <= time.year <= YEARS[1]:
        raise BadMarketData(
            f"{place}: the year must lie between {YEARS[0]} and {YEARS[1]}, was {written}. Correct "
            "the time"
        )
    offset = time.utcoffset()
    if offset is None:
        raise BadMarketData(
            f"{place}: the time needs a time zone, was {written}. It {ISO}, or in Parquet be a "
            "timestamp with a zone"
        )
    instant = np.datetime64(time.replace(tzinfo=None) - offset, "ns")
    return instant + np.timedelta64(getattr(time, "nanosecond", 0), "ns")


def _refuse_repeated(items: list[Item]) -> None:
    seen: dict[tuple[object, ...], str] = {}
    for item in items:
        key = (item.time, item.source, item.headline, item.symbols)
        if key in seen:
            raise BadMarketData(
                f"{item.place}: every item must be there once, {item.headline!r} of {item.time} "
                f"was in {seen[key]} as well. Remove one of them"
            )
        seen[key] = item.place


def _until_the_last_bar(
    items: list[Item], source: NewsFiles, market: Market
) -> tuple[list[Item], tuple[str, ...]]:
    last = market.timestamps[-1]
    late = [item for item in items if item.time > last]
    if late and not source.ignore_later:
        raise BadMarketData(
            f"{late[0].place}: news must not be later than the last bar of the market, {last} "
            f"UTC, was {late[0].time} ({len(late) - 1} more like it). Correct the time, or set "
            "ignore_later: true to leave out what came after the data"
        )
    note = f"{len(late)} items of news after the last bar left out"
    return [item for item in items if item.time <= last], (note,) if late else ()


def _of_known_symbols(
    items: list[Item], source: NewsFiles, market: Market
) -> tuple[list[Item], tuple[str, ...]]:
    known = set(market.symbols)
    places: dict[str, str] = {}
    for item in items:
        for symbol in item.symbols:
            if symbol not in known:
                places.setdefault(symbol, item.place)
    if places and not source.ignore_unknown:
        listed = "; ".join(f"{symbol} in {place}" for symbol, place in [*places.items()][:LISTED])
        more = f", and {len(places) - LISTED} more" if len(places) > LISTED else ""
        raise BadMarketData(
            f"news must be about symbols of the market, was {listed}{more}. Set ignore_unknown: "
            "true to leave such symbols out"
        )
    about = [tuple(symbol for symbol in item.symbols if symbol in known) for item in items]
    kept = [item._replace(symbols=own) for item, own in zip(items, about, strict=True) if own]
    if not kept:
        raise BadMarketData(
            f"{source.path}: some news must be about symbols of the market, none is. Check how "
            f"tickers are written, {next(iter(places), 'nothing')} is no symbol of the market"
        )
    note = f"{len(places)} symbols of the news that the market does not have left out"
    return kept, (note,) if places else ()


def _table(items: list[Item], begins: np.datetime64) -> NewsTable:
    ordered = sorted(items, key=lambda item: item[:4])  # the same, whatever the order of the files
    return NewsTable(
        np.array([item.time for item in ordered], "datetime64[ns]"),
        tuple(item.symbols for item in ordered),
        tuple(item.headline for item in ordered),
        tuple(item.body for item in ordered),
        tuple(item.source for item in ordered),
        begins,
    )
