"""News from files: both formats say the same, and bad input is refused by file and row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benbot.envs.errors import BadMarketData
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.news_features import MOOD, NEWS_FEATURES
from benbot.envs.market.news_files import read_news
from benbot.envs.market.news_settings import NewsFiles
from benbot.envs.market.sources import load_feed, load_market
from tests.envs.market.headlines import CLOSES

GOOD: dict[str, Any] = {
    "time": "2020-01-05T12:00:00-05:00",
    "symbols": ["A", "B"],
    "headline": "A wins a great order",
    "body": "It is excellent.",
    "source": "wire",
}
LATER = GOOD | {"time": "2020-01-06T09:30:00Z", "headline": "fraud at B", "symbols": "B"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write items as JSON lines and return the path."""

    def lines(*rows: dict[str, Any] | str, name: str = "news.jsonl") -> Path:
        path = tmp_path / name
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return path

    return lines


@pytest.fixture(scope="module")
def market() -> Market:
    return market_from_prices(CLOSES, ("A", "B"), {"close": np.full((40, 2), 10.0)})


def refusal(path: Path, market: Market, **settings: Any) -> str:  # noqa: ANN401
    with pytest.raises(BadMarketData) as caught:
        read_news(NewsFiles(path=path, **settings), market)
    return str(caught.value)


def test_both_formats_say_the_same_in_order_of_time_and_in_utc(
    write: Write, market: Market, tmp_path: Path
) -> None:
    table, notes = read_news(NewsFiles(path=write(LATER, GOOD)), market)
    assert table.time.astype(str).tolist() == [
        "2020-01-05T17:00:00.000000000",
        "2020-01-06T09:30:00.000000000",
    ]
    assert table.symbols == (("A", "B"), ("B",))
    assert table.headline == ("A wins a great order", "fraud at B")
    assert (table.source, notes) == (("wire", "wire"), ())
    assert table.begins == table.time[0]
    frame = pd.DataFrame([LATER | {"symbols": ["B"]}, GOOD])
    frame["time"] = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "same.parquet")
    same, _ = read_news(NewsFiles(path=tmp_path / "same.parquet"), market)
    assert (same.time == table.time).all()
    for name in ("symbols", "headline", "body", "source"):
        assert getattr(same, name) == getattr(table, name)


def test_nanoseconds_of_parquet_are_kept(tmp_path: Path, market: Market) -> None:
    time = pd.to_datetime(["2020-01-05T21:00:00.000000001Z"])
    frame = pd.DataFrame({"time": time, "symbols": "A", "headline": "x"})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "news.parquet")
    table, _ = read_news(NewsFiles(path=tmp_path / "news.parquet"), market)
    assert str(table.time[0]).endswith(".000000001")
    assert table.source == ("news",)  # the name of the file, where nobody says


def test_a_social_feed_lies_beside_the_wire_in_one_folder(
    write: Write, market: Market, tmp_path: Path
) -> None:
    post = {name: LATER[name] for name in ("time", "symbols", "headline")}
    write(GOOD), write(post, name="social.jsonl")
    table, _ = read_news(NewsFiles(path=tmp_path), market)
    assert table.source == ("wire", "social")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"time": "2020-01-05T12:00:00"}, "line 2: the time needs a time zone, was 2020-01-05T12"),
        ({"time": "2020-01-05"}, "line 2: the time needs a time zone"),
        ({"time": "yesterday"}, "line 2: the time must be written like 2020-01-31T14:30:00+00:00"),
        ({"time": 1578240000}, "was 1578240000"),
        ({"time": None}, "line 2: the time must be written"),
        ({"time": "0001-01-01T00:00:00Z"}, "line 2: the year must lie between 1800 and 2200"),
        ({"time": "2020-02-09T21:00:01Z"}, "line 2: news must not be later than the last bar"),
        ({"symbols": ["A", "ZZ"]}, "ZZ in"),
        ({"symbols": []}, "line 2: every item needs a symbol that it is about, was []"),
        ({"symbols": "A,,B"}, "line 2: every item needs a symbol"),
        ({"symbols": 5}, "line 2: every item needs a symbol"),
        ({"headline": "  "}, "line 2: every item needs a headline, this one is empty"),
        ({"headline": None}, "line 2: every item needs a headline"),
    ],
)
def test_bad_items_are_refused_by_file_and_row(
    write: Write, market: Market, bad: dict[str, Any], said: str
) -> None:
    message = refusal(write(GOOD, LATER | bad), market)
    assert said in message
    assert "news.jsonl, line 2" in message


def test_news_of_the_future_and_unknown_symbols_name_their_fix(
    write: Write, market: Market
) -> None:
    late = GOOD | {"time": "2020-03-01T00:00:00Z"}
    assert "ignore_later: true" in refusal(write(GOOD, late), market)
    table, notes = read_news(NewsFiles(path=write(GOOD, late), ignore_later=True), market)
    assert (table.n_items, notes) == (1, ("1 items of news after the last bar left out",))
    foreign = LATER | {"symbols": ["Y", "B"]}
    alone = LATER | {"symbols": ["Z"]}
    message = refusal(write(GOOD, foreign, alone), market)
    assert "Y in" in message
    assert "line 2; Z in" in message
    assert "Set ignore_unknown: true" in message
    settings = NewsFiles(path=write(GOOD, foreign, alone), ignore_unknown=True)
    table, notes = read_news(settings, market)
    assert table.symbols == (("A", "B"), ("B",))
    assert notes == ("2 symbols of the news that the market does not have left out",)
    assert "none is" in refusal(write(alone), market, ignore_unknown=True)


def test_the_same_item_twice_is_refused_and_a_reprint_is_not(write: Write, market: Market) -> None:
    message = refusal(write(GOOD, LATER, GOOD), market)
    assert "line 3: every item must be there once" in message
    assert "line 1 as well" in message
    reprint = GOOD | {"source": "another wire"}
    assert read_news(NewsFiles(path=write(GOOD, reprint)), market)[0].n_items == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (({"time": "x", "headline": "y"},), "line 1: symbols needed, its keys are time, headline"),
        (("{", GOOD), "line 1: must be one JSON object"),
        (("[1]",), "line 1: must be one JSON object, was [1]"),
        (("",), "at least one item of news is needed"),
    ],
)
def test_a_file_that_holds_no_items_is_refused(
    write: Write, market: Market, rows: tuple[Any, ...], said: str
) -> None:
    assert said in refusal(write(*rows), market)


def test_a_path_without_news_or_columns_is_refused(tmp_path: Path, market: Market) -> None:
    assert "a folder with some, was" in refusal(tmp_path, market)
    (tmp_path / "broken.parquet").write_text("no")
    assert "must be a Parquet file" in refusal(tmp_path, market)
    pq.write_table(pa.table({"time": ["x"], "text": ["y"]}), tmp_path / "broken.parquet")
    assert "a column symbols and headline is needed, was time, text" in refusal(tmp_path, market)


def test_a_market_of_files_has_its_news(write: Write, tmp_path: Path) -> None:
    days = CLOSES.astype("datetime64[D]")
    prices = pd.DataFrame(
        {"date": np.repeat(days, 2).astype(str), "symbol": ["A", "B"] * 40, "close": 10.0}
    )
    prices.to_csv(tmp_path / "prices.csv", index=False)
    news = NewsFiles(path=write(GOOD, LATER))
    source = FilesSource(path=tmp_path / "prices.csv", calendar="24/7", news=news)
    market = load_market(source)
    assert set(market.features) == set(NEWS_FEATURES)
    assert not load_files(source.model_copy(update={"news": None})).features
    feed = load_feed(source, market)
    assert feed is not None
    again = feed.features(market.timestamps, market.symbols)[MOOD]
    np.testing.assert_array_equal(again, market.features[MOOD])
    t = int(np.searchsorted(market.timestamps, np.datetime64("2020-01-05T17:00:00", "ns")))
    assert market.features[MOOD][t, 0] > 0.5
    assert load_feed(source.model_copy(update={"news": None}), market) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scorer": "linear"}, "scorer linear needs a model, was none. Set model"),
        ({"model": "here"}, "scorer vader has no model, was here. Remove model"),
    ],
)
def test_a_scorer_and_its_model_belong_together(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NewsFiles(path=Path("news.jsonl"), **given)  # type: ignore[arg-type]
