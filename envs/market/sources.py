"""Every place a market can come from, and the one door to all of them."""

from typing import Annotated

from pydantic import Field

from benbot.envs.market.datasets import DatasetSource, load_dataset
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed
from benbot.envs.market.news_files import open_feed
from benbot.envs.market.synthetic import load_synthetic, synthetic_feed
from benbot.envs.market.synthetic_source import SyntheticSource

MarketSource = Annotated[
    DatasetSource | FilesSource | SyntheticSource, Field(discriminator="source")
]


def load_market(source: MarketSource) -> Market:
    """Return the market that a source describes; the same source gives the same digest."""
    match source:
        case DatasetSource():
            return load_dataset(source)
        case FilesSource():
            return load_files(source)
        case SyntheticSource():
            return load_synthetic(source)


def load_feed(source: MarketSource, market: Market) -> NewsFeed | None:
    """Return the news from which the features of this market were made, if it has any."""
    if isinstance(source, FilesSource) and source.news is not None:
        return open_feed(source.news, market)
    if isinstance(source, SyntheticSource) and source.news is not None:
        return synthetic_feed(source)
    return None
