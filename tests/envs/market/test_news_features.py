"""Mood, novelty and intensity by numbers that can be checked by hand, and that none sees ahead."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.market import market_from_prices
from benbot.envs.market.news import NewsFeed, NewsTable, score_all, with_news
from benbot.envs.market.news_features import INTENSITY, MOOD, NOVELTY, similarity, words_of
from tests.envs.market.headlines import CLOSES, QUICK, Row, feed_of, table_of

BEGIN: Row = ("2020-01-02T00:00:00", "OTHER", "the feed begins")


def column(rows: list[Row], name: str, symbol: str = "A") -> FloatArray:
    symbols = ("A", "B")
    return feed_of([BEGIN, *rows]).features(CLOSES, symbols)[name][:, symbols.index(symbol)]


def test_an_item_counts_from_the_first_bar_that_closes_at_or_after_it() -> None:
    at_close, just_after = "2020-01-05T21:00:00", "2020-01-05T21:00:00.000000001"
    assert column([(at_close, "A", "good")], MOOD)[[3, 4, 5]].tolist() == [0.0, 1.0, 0.5]
    assert column([(just_after, "A", "good")], MOOD)[[3, 4, 5]].tolist() == [0.0, 0.0, 1.0]


def test_mood_is_the_mean_of_fresh_items_and_fades_to_nothing() -> None:
    rows: list[Row] = [
        ("2020-01-05T10:00:00", "A", "good turbines"),
        ("2020-01-05T11:00:00", "A", "good cement"),  # one word of three in common: novelty 2/3
        ("2020-01-06T10:00:00", "A", "bad paper"),
    ]
    mood = column(rows, MOOD)
    assert mood[4] == 1.0
    # Weights: what is left of 1 + 2/3 after a bar, and the new one.
    assert mood[5] == pytest.approx((5 / 6 - 1.0) / (5 / 6 + 1.0))
    assert mood[6] == pytest.approx((5 / 12 - 0.5) / 1.0)  # below one whole item nothing divides
    assert mood[4 + 10] != 0.0
    assert not mood[4 + 12 :].any()  # forgotten after ten half-lives
    assert not column(rows, MOOD, "B")[2:].any()


def test_a_reprint_is_not_new_and_moves_no_mood() -> None:
    rows: list[Row] = [
        ("2020-01-05T10:00:00", "A", "$A bad quarter https://x.example/1"),
        ("2020-01-06T10:00:00", "A", "BAD quarter: https://x.example/2"),
        ("2020-01-10T10:00:00", "A", "bad quarter"),  # four bars after the last; three are compared
        ("2020-01-10T11:00:00", "B", "bad quarter"),  # another symbol has not heard it
    ]
    assert column(rows, NOVELTY)[[4, 5, 6, 9]].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert column(rows, MOOD)[[4, 5]].tolist() == [-1.0, -0.5]
    assert column(rows, NOVELTY, "B")[9] == 1.0


def test_novelty_is_what_is_not_shared_with_the_most_similar_headline() -> None:
    one, other = words_of("A wins an order", "A"), words_of("a wins an award", "A")
    assert one == {"wins", "an", "order"}
    assert similarity(one, other) == 2 / 4
    assert similarity(frozenset(), frozenset()) == 0.0
    rows: list[Row] = [
        ("2020-01-05T10:00:00", "A", "wins an order"),
        ("2020-01-05T11:00:00", "A", "loses a lawsuit"),
        ("2020-01-06T10:00:00", "A", "wins an award"),
        ("2020-01-07T10:00:00", "A", "$A"),  # without words
    ]
    assert column(rows, NOVELTY)[[4, 5, 6]].tolist() == [1.0, 0.5, 0.0]


def test_intensity_is_one_where_as_many_items_come_as_usual() -> None:
    rows: list[Row] = [
        (f"2020-01-{day:02}T{hour}:00:00", "A", f"word{day}{hour}")
        for day in range(3, 30)
        for hour in (10, 11)
    ]
    intensity = column(rows, INTENSITY)
    assert np.isnan(intensity[: 1 + 4]).all()  # the feed begins in bar 1; four bars are the past
    assert intensity[15:28] == pytest.approx(1.0, rel=1e-3)
    quiet = column([("2020-01-20T10:00:00", "A", "first")], INTENSITY)
    assert quiet[18] == 0.0
    steady = sum(0.5**age for age in range(11)) / 4  # one item in four bars is the least usual
    assert quiet[19] == pytest.approx(1.0 / steady)
    burst: list[Row] = [(f"2020-01-20T{hour}:00:00", "A", f"no {hour}") for hour in (10, 11, 12)]
    assert column(burst, INTENSITY)[19] == pytest.approx(3.0 / steady)  # its own bar is no past


def test_nothing_is_known_before_the_feed_began_and_of_the_first_bar() -> None:
    late: list[Row] = [("2020-01-05T10:00:00", "B", "good")]
    features = feed_of(late).features(CLOSES, ("A", "B"))
    assert np.isnan(features[MOOD][:4]).all()
    assert features[MOOD][4].tolist() == [0.0, 1.0]
    early: list[Row] = [("2019-01-05T10:00:00", "A", "good")]
    features = feed_of(early).features(CLOSES, ("A", "B"))
    assert np.isnan(features[NOVELTY][0]).all()
    assert not features[MOOD][1:].any()  # nobody knows how many bars old it is


def test_an_item_about_two_symbols_counts_for_both() -> None:
    rows: list[Row] = [("2020-01-05T10:00:00", ("B", "A"), "good")]
    assert column(rows, MOOD, "A")[4] == column(rows, MOOD, "B")[4] == 1.0


def test_a_market_has_the_features_and_says_what_was_left_out() -> None:
    market = market_from_prices(CLOSES, ("A", "B"), {"close": np.full((40, 2), 9.0)})
    feed = feed_of([("2020-01-01T20:00:00", "A", "good"), ("2020-01-05T10:00:00", "A", "good")])
    informed = with_news(market, feed)
    assert informed.features[MOOD][4, 0] == 1.0
    assert informed.origin.notes == ("1 items of news until the first close left out",)
    assert informed.digest != market.digest
    np.testing.assert_array_equal(
        informed.between(3, 9).features[MOOD], informed.features[MOOD][3:9]
    )


def test_a_scorer_that_leaves_its_range_is_refused() -> None:
    with pytest.raises(BadMarketData, match=r"each of 2 texts a number in \[-1, 1\], was \(2,\)"):
        score_all(lambda texts: np.array([0.5, 1.5]), ["a", "b"])
    with pytest.raises(BadMarketData, match="number in"):
        score_all(lambda texts: np.array([np.nan]), ["a"])


def test_a_table_in_disorder_is_refused() -> None:
    with pytest.raises(BadMarketData, match="in order of time"):
        table_of([("2020-01-06", "A", "x"), ("2020-01-05", "A", "y")])
    table = table_of([("2020-01-06", "A", "x")])
    with pytest.raises(BadMarketData, match="columns of one length"):
        replace(table, headline=())


WORDS = ("good", "bad", "order", "paper", "cement", "quarter")
items = st.lists(
    st.tuples(
        st.integers(1, 39 * 24),  # hours after the first close
        st.sampled_from(("A", "B")),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    ),
    min_size=1,
    max_size=40,
)


def feed_from(rows: list[tuple[int, str, str]]) -> NewsFeed:
    return feed_of(
        [
            (str(CLOSES[0] + np.timedelta64(hours, "h")), symbol, text)
            for hours, symbol, text in sorted(rows)
        ]
    )


def cut(feed: NewsFeed, last: np.datetime64) -> NewsTable:
    return feed.table.keep(feed.table.time <= last)


@given(rows=items, n=st.integers(2, 39))
@settings(max_examples=60)
def test_what_is_published_after_a_close_changes_nothing_until_it(
    rows: list[tuple[int, str, str]], n: int
) -> None:
    feed = feed_from(rows)
    whole = feed.features(CLOSES, ("A", "B"))
    known = feed.over(cut(feed, CLOSES[n - 1])).features(CLOSES[:n], ("A", "B"))
    for name, values in whole.items():
        np.testing.assert_array_equal(known[name], values[:n])
        assert (np.abs(values[np.isfinite(values)]) <= (1.0 if name != INTENSITY else 99.0)).all()


@given(rows=items)
@settings(max_examples=40)
def test_the_last_row_needs_no_more_than_its_memory(rows: list[tuple[int, str, str]]) -> None:
    feed = feed_from(rows)
    start = 39 - QUICK.memory - 1
    whole = feed.features(CLOSES, ("A", "B"))
    later = feed.table.keep(feed.table.time > CLOSES[start])
    recent = feed.over(later).features(CLOSES[start:], ("A", "B"))
    for name, values in whole.items():
        np.testing.assert_allclose(recent[name][-1], values[-1], rtol=0, atol=1e-9)
