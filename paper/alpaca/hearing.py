"""How an account at Alpaca hears of news: what its policy looks at, or for people to see alone.

A policy that was trained with news sees them in its bars, where they are of Alpaca's publisher and
are scored as they were. For any other account they are kept to be shown, and nothing waits for
them; that needs the market of its configuration to have none.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime

from benbot.envs.errors import BadConfig, RunMismatch
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed
from benbot.envs.market.news_features import NEWS_FEATURES
from benbot.envs.market.sentiment import vader_scorer
from benbot.paper.alpaca.bars import AlpacaBars
from benbot.paper.alpaca.informed import InformedBars
from benbot.paper.alpaca.news_source import SOURCE, NewsSource
from benbot.paper.alpaca.wire import Wire
from benbot.paper.live_bars import LiveBars
from benbot.paper.press.aside import Asking
from benbot.paper.press.book import NewsBook
from benbot.paper.press.listener import Listener, Told
from benbot.paper.press.scoring import sources_of
from benbot.paper.store import PaperStore


@dataclass(frozen=True, eq=False)
class Ears:
    """What an account hears of news with.

    feed    that its policy was trained with; None: it looks at none
    wire    of `news_wire`
    asking  how questions are asked
    now     the time of this machine
    pause   waits so many seconds
    """

    feed: NewsFeed | None
    wire: Wire
    asking: Asking[Told]
    now: Callable[[], datetime]
    pause: Callable[[float], None]


def looks_at_news(market: Market) -> bool:
    """Return whether a policy that was trained in a market looks at news."""
    return any(name in market.features for name in NEWS_FEATURES)


def require_same_news(market: Market, feed: NewsFeed | None) -> None:
    """Refuse a policy that was trained with other news than Alpaca has."""
    if not looks_at_news(market):
        return
    if feed is None:
        raise BadConfig(
            "the news with which the policy was trained must be at hand, to know whose they are, "
            "there were none. Name the configuration with market.news"
        )
    others = [source for source in sources_of(feed) if source != SOURCE]
    if others:
        raise BadConfig(
            f"news at Alpaca are those of {SOURCE}, the policy was trained with news of "
            f"{', '.join(others[:3])}. Train it with items whose source is {SOURCE}, or without"
        )
    if feed.settings.with_body:
        raise BadConfig(
            "news at Alpaca are heard by their headlines, news.with_body was on. Train the policy "
            "with headlines alone"
        )


def hearing(
    bars: AlpacaBars, store: PaperStore, ears: Ears, stack: ExitStack
) -> tuple[LiveBars, Callable[[], None]]:
    """Return the bars as the policy sees them, and what is done before each cycle.

    What an account heard before it begins is heard now: `bars` must have begun.
    """
    feed = ears.feed
    scorer = vader_scorer() if feed is None else feed.scorer
    source = stack.enter_context(closing(NewsSource(ears.wire, bars.symbols, scorer)))
    book = NewsBook(store, is_lasting=feed is not None)
    listener = Listener(source, book, (ears.now, bars.last_close), ears.asking)
    if feed is None:
        return bars, listener.look
    if store.standing() is None:
        listener.begin(bars.times(0).begins, ears.pause)
    elif book.heard is None:
        raise RunMismatch(
            "an account must go on with the news that it heard, none are kept. Bring back its "
            "store, or begin another account"
        )
    return InformedBars(bars, book, feed.settings, frozenset(sources_of(feed))), listener.look
