"""A winter at the emulated Alpaca with news, and a policy that was trained with them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benbot.envs.history import prepare
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed, NewsTable, with_news
from benbot.envs.market.news_settings import NewsSettings
from benbot.envs.market.sentiment import vader_scorer
from benbot.envs.market.synthetic_news import BAD, GOOD, PLACES, PRODUCTS
from benbot.paper.press.aside import Asking, AtOnce
from benbot.paper.press.listener import Told
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.rules.news_diamond import NewsDiamond
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.paper.emulator.press import Press
from tests.paper.markets_at_alpaca import N_LIVE, REGIME, SYMBOLS, Winter, winter
from tests.paper.replays import Scripted

QUICK = NewsSettings(mood_half_life=1, intensity_half_life=1, usual_bars=10, novelty_bars=5)
STRATEGIES: tuple[Strategy, ...] = (NewsDiamond(mood_above=0.1), RsiReversion(window=2))
A_BAR = 3  # items


def fill(press: Press, begins: list[datetime], ends: list[datetime], seed: int = 1) -> None:
    """Publish items in the middle of each bar, some of them reprints."""
    rng = np.random.default_rng(seed)
    said: list[str] = []
    for begin, end in zip(begins, ends, strict=True):
        for share in np.sort(rng.uniform(0.1, 0.9, rng.integers(0, 2 * A_BAR))):
            phrase = rng.choice(GOOD if rng.random() < 0.5 else BAD)
            text = f"Firm {phrase} {rng.choice(PRODUCTS)} in {rng.choice(PLACES)}"
            if said and rng.random() < 0.2:
                text = said[-1]
            said.append(text)
            about = rng.choice([*SYMBOLS, "ZZZ"], rng.integers(1, 3), replace=False).tolist()
            moment = begin + (end - begin) * float(share)
            press.publish(moment.replace(microsecond=0), about, text)


def feed_of(press: Press, until: datetime, begins: datetime) -> NewsFeed:
    """Return what a training is given of the items that were published by then."""
    rows = [(datetime.fromisoformat(row["created_at"]), row) for _, row in press.items]
    rows = sorted(((t, row) for t, row in rows if t <= until), key=lambda one: one[0])
    table = NewsTable(
        time=np.array([t.replace(tzinfo=None) for t, _ in rows], "datetime64[ns]"),
        symbols=tuple(tuple(row["symbols"]) for _, row in rows),
        headline=tuple(row["headline"] for _, row in rows),
        body=("",) * len(rows),
        source=tuple(row["source"] for _, row in rows),
        begins=np.datetime64(begins.astimezone(UTC).replace(tzinfo=None), "ns"),
    )
    return NewsFeed(table, vader_scorer(), QUICK)


@contextmanager
def news_winter(
    folder: Path, asking: Callable[[], Asking[Told]] = AtOnce, seed: int = 5
) -> Iterator[Winter]:
    """Yield a winter, the evening before the first session that is traded by news."""
    with winter(folder, seed=seed) as scene:
        exchange, press = scene.exchange, scene.emulator.press
        fill(press, exchange.begins, exchange.ends)
        scene.asking = asking
        known = scene.one.history
        feed = feed_of(press, exchange.ends[known.n_bars - 1], exchange.begins[0])
        market = with_news(known, feed)
        rules = scene.one.rules
        history = prepare(market, collect(STRATEGIES, market), rules, REGIME)
        script = np.random.default_rng(3).dirichlet(np.ones(3), 400)
        scene.one = replace(
            scene.one,
            history=market,
            policy=Scripted(script),
            strategies=history.signals.strategies,
            layout=history.layout,
            hear=lambda told: collect(STRATEGIES, told),
            news=feed,
        )
        yield scene


def trained_on(scene: Winter, told: Market) -> Market:
    """Return the bars that were told with the features that a training makes of the same items."""
    exchange = scene.exchange
    feed = feed_of(scene.emulator.press, exchange.ends[told.n_bars - 1], exchange.begins[0])
    return with_news(replace(told, features={}), feed)


def live_bars(scene: Winter) -> range:
    return range(scene.n_known, scene.n_known + N_LIVE)


def at(scene: Winter, t: int, share: float) -> datetime:
    """Return a moment of bar `t`; beyond 1 it is after its close."""
    begin, end = scene.exchange.begins[t], scene.exchange.ends[t]
    return begin + (end - begin) * share


SECOND = timedelta(seconds=1)
