"""Every place a market can come from, and the one door to all of them."""

from typing import Annotated

from pydantic import Field

from benbot.envs.market.datasets import DatasetSource, load_dataset
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market
from benbot.envs.market.synthetic import load_synthetic
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
