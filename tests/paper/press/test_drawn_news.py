"""An account in a drawn market hears the news of the sessions it is drawn from, and no others."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benbot.envs.market.news import bars_of
from benbot.envs.market.news_features import INTENSITY, MOOD, NEWS_FEATURES, NOVELTY
from benbot.paper.drawn import LEAST_TOLD, DrawnMarket, first_drawn, market_drawn
from benbot.paper.growing import Growing
from benbot.paper.hours import to_datetime, to_stamp
from benbot.paper.press import book as book_module
from benbot.paper.press import drawn_news as drawn_module
from benbot.paper.press.book import NewsBook
from benbot.paper.press.drawn_news import DrawnNews
from benbot.paper.press.item import Item
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.store import open_store
from benbot.strategies.hearing import collect
from tests.paper.live_accounts import Hands, run_cycles, tables_of
from tests.paper.press.news_accounts import (
    N_KNOWN,
    STRATEGIES,
    kept_items,
    news_account,
    told_feed,
    told_market,
)
from tests.paper.test_live_market import days

WARM = 31  # bars until the intensity is known: the feed begins with bar 1, and 30 bars are usual


def drawn(seed: int = 3, n_bars: int = 300) -> DrawnMarket:
    market = DrawnMarket(told_market(), None, seed)
    market.reach(N_KNOWN + n_bars)
    return market


def test_drawn_bars_have_the_features_of_the_bars_they_are_drawn_from_and_know_them_all() -> None:
    market, history = drawn().market, told_market()
    origin = drawn().origin
    assert origin[:N_KNOWN].tolist() == list(range(N_KNOWN))
    for name in NEWS_FEATURES:
        values = market.features[name][N_KNOWN:]
        np.testing.assert_array_equal(values, history.features[name][origin[N_KNOWN:]])
        assert np.isfinite(values).all()
    assert np.isnan(history.features[INTENSITY][:WARM]).all()
    assert origin[N_KNOWN:].min() == WARM


def test_moves_are_drawn_with_the_news_before_them() -> None:
    """What a headline announces comes after it in a drawn market, too, but where a block ends."""
    market, origin, history = drawn().market, drawn().origin, told_market()
    follows = np.flatnonzero(np.diff(origin[N_KNOWN:]) == 1) + N_KNOWN
    assert follows.size > 250
    then = history.close[origin[follows] + 1] / history.close[origin[follows]]
    np.testing.assert_allclose(market.close[follows + 1] / market.close[follows], then)


def test_a_market_without_news_and_one_that_knows_few_of_them_are_drawn_whole() -> None:
    assert DrawnMarket(days(), "XNYS", 3).first == 1
    short = told_market().until(WARM + LEAST_TOLD - 1)
    assert first_drawn(short, np.arange(short.n_bars)) == 1
    assert market_drawn(short, 3) == f"{short.digest}, drawn on from seed 3"
    whole = market_drawn(told_market(), 3)
    assert whole == f"{told_market().digest}, drawn on from seed 3, sessions from 31 on"


def test_growing_hears_of_news_what_the_whole_market_says(folder: Path) -> None:
    one, market = news_account(folder), drawn().market
    whole = collect(STRATEGIES, market)
    sleeves = ShadowSleeves(one.rules, len(STRATEGIES), market.n_symbols)
    growing = Growing(market.until, one.hear, one.rules, one.regime, sleeves)
    spoken = 0
    for t in range(N_KNOWN + 100, N_KNOWN + 110):
        growing.until(t)
        heard = collect(STRATEGIES, market.until(t + 1))
        np.testing.assert_array_equal(heard.direction[t], whole.direction[t])
        np.testing.assert_array_equal(heard.confidence[t], whole.confidence[t])
        spoken += int((heard.direction[t, 0] != 0).sum())
    assert spoken


def listened(url: str, hours: range) -> list[Item]:
    """Look after so many hours of the drawn market, and return what is kept in the end."""
    market, begun = drawn(), to_datetime(drawn().hours.ends[N_KNOWN - 1])
    now = [begun]
    with open_store(url, "simulated", lambda: now[0]) as store:
        book = NewsBook(store, is_lasting=False)
        news = DrawnNews(told_feed(), market, book, lambda: now[0])
        for hour in hours:
            now[0] = begun + timedelta(hours=hour)
            news.look()
            assert all(item.known <= now[0] for item in book.items)
        return book.items


def test_what_was_published_is_kept_at_its_share_of_the_bar_it_is_drawn_into(folder: Path) -> None:
    kept = listened(f"sqlite:///{folder / 'paper.db'}", range(0, 24 * 60, 5))
    market, history, feed = drawn(), told_market(), told_feed()
    scores, ends = feed.scores(), market.hours.ends
    last = int(np.searchsorted(ends, to_stamp(kept[-1].known)))
    of_bar = bars_of(feed.table.time, history.timestamps)
    expected = [
        (t, feed.table.headline[i], scores[i])
        for t in range(N_KNOWN, last)
        for i in np.flatnonzero(of_bar == market.origin[t])
    ]
    bar_of = [int(np.searchsorted(ends, to_stamp(item.known), side="left")) for item in kept]
    found = [(t, item.headline, item.mood) for t, item in zip(bar_of, kept, strict=True)]
    assert len(expected) > 20
    assert sorted(one for one in found if one[0] < last) == sorted(expected)
    for t, item in zip(bar_of, kept, strict=True):
        s = market.market.symbols.index(item.symbols[0])
        if market.market.features[NOVELTY][t, s] == 1.0:
            assert market.market.features[MOOD][t, s] * item.mood >= 0.0


def test_whoever_starts_again_or_looks_late_keeps_the_same(folder: Path) -> None:
    url = f"sqlite:///{folder / 'often.db'}"
    whole = listened(f"sqlite:///{folder / 'once.db'}", range(24 * 80, 24 * 80 + 1))
    for part in (range(0, 900, 7), range(897, 1200, 3), range(24 * 80, 24 * 80 + 1)):
        parts = listened(url, part)
    assert whole == parts == kept_items(url, "simulated")
    assert len({item.identity for item in whole}) == len(whole) > 20


def test_no_more_is_kept_than_can_be_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = listened(f"sqlite:///{folder / 'all.db'}", range(0, 24 * 40, 11))
    for module in (book_module, drawn_module):
        monkeypatch.setattr(module, "SHOWN", 3)
    for name, hours in (("often", range(0, 24 * 40, 11)), ("once", range(946, 947))):
        url = f"sqlite:///{folder / f'{name}.db'}"
        assert listened(url, hours) == kept_items(url, "simulated") == every[-3:]


def test_an_account_that_trades_in_it_hears_of_it(folder: Path) -> None:
    one = news_account(folder)
    run_cycles(one, Hands(), 4 * 6)
    last = DrawnMarket(told_market(), None, one.seed)
    last.reach(N_KNOWN + 6)
    kept = kept_items(one.url, one.account)
    assert kept
    assert to_stamp(kept[-1].known) <= last.hours.ends[N_KNOWN + 6]
    assert len(tables_of(one, folder)["decisions"]) > 4
