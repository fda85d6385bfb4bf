"""A small market with news, and an account that trades by them while it goes on."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from sqlalchemy import select

from benbot.envs.history import prepare
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.market.synthetic import load_synthetic, synthetic_feed
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.paper.live import Undertaking
from benbot.paper.press.item import Item, item_from
from benbot.paper.press.tables import NEWS
from benbot.paper.store import reading
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.rules.news_diamond import NewsDiamond
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.paper.live_accounts import account_in
from tests.paper.replays import Scripted, heard_stretch

N_KNOWN = 160
STRATEGIES: tuple[Strategy, ...] = (NewsDiamond(volume_above=0.0), RsiReversion(window=2))
SOURCE = SyntheticSource(
    n_bars=200,
    n_symbols=4,
    n_sectors=2,
    news=SyntheticNews(items_per_year=60.0, usual_bars=30, reprinted=0.5),
)


@cache
def told_market() -> Market:
    """Return a history with news, half a year of it."""
    return load_synthetic(SOURCE).until(N_KNOWN)


@cache
def told_feed() -> NewsFeed:
    """Return the items that its features were made of, and those of the days after it."""
    return synthetic_feed(SOURCE)


def news_account(folder: Path, bar: float = 20.0) -> Undertaking:
    """Return an account in that market, drawn on."""
    market = told_market()
    rules, regime = heard_stretch()[0].history.rules, heard_stretch()[0].history.regime
    history = prepare(market, collect(STRATEGIES, market), rules, regime)
    script = np.random.default_rng(3).dirichlet(np.ones(3), 400)
    return replace(
        account_in(folder, bar=bar),
        history=market,
        policy=Scripted(script),
        strategies=history.signals.strategies,
        layout=history.layout,
        hear=lambda known: collect(STRATEGIES, known),
        news=told_feed(),
    )


def kept_items(url: str, account: str) -> list[Item]:
    """Return the items that a store keeps of an account, in order."""
    with reading(url) as connection:
        rows = connection.execute(select(NEWS).where(NEWS.c.account == account)).all()
    return sorted((item_from(row) for row in rows), key=lambda item: item.order)
