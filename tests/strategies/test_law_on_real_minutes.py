"""Every rule against every law on six sessions of real minutes, and on longer bars made of them."""

from pathlib import Path

import pytest

from benbot.envs.market.files import FilesSource, load_files
from benbot.strategies.catalogue import CATALOGUE
from tests.strategies.markets import Awkward, fitted
from tests.strategies.test_law_on_awkward_markets import assert_lawful

SESSION_MINUTES = 390


@pytest.mark.shared_data
@pytest.mark.parametrize("minutes", [pytest.param(1, marks=pytest.mark.nightly), 5, 15])
def test_every_rule_is_lawful_on_real_minutes(shared_data: Path, minutes: int) -> None:
    source = {
        "path": shared_data / "us_minute_trades.parquet",
        "quotes": shared_data / "us_minute_quotes.parquet",
        "timezone": "America/New_York",
        "stamp": "start",
        "symbols": ["SPY", "AIG", "BAC", "IBM"],
        "resample": None if minutes == 1 else f"{minutes}min",
    }
    market = load_files(FilesSource.model_validate(source))
    awkward = Awkward(market, minutes, SESSION_MINUTES // minutes)
    for rule in CATALOGUE.values():
        for strategy in fitted(rule, awkward, seed=minutes):
            assert_lawful(strategy, awkward)
