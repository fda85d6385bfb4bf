"""Where two markets differ is told by symbol and by year."""

import numpy as np
import pytest

from benbot.envs.market.market import Market, market_from_prices
from benbot.experiments.training.data_digests import digests_of, where_they_differ


def market(change: tuple[int, int] | None = None, symbols: str = "ABC") -> Market:
    """Return three symbols over two years of days, one price of them changed."""
    days = np.arange("2020-01-01", "2021-12-31", dtype="datetime64[D]")
    close = np.full((days.size, len(symbols)), 10.0)
    if change is not None:
        close[change] += 1e-9
    return market_from_prices(days.astype("datetime64[h]") + 21, tuple(symbols), {"close": close})


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (market(), ""),
        (market((0, 1)), "symbols B; years 2020"),
        (market((-1, 2)), "symbols C; years 2021"),
        (market(symbols="AB"), "symbols C; years 2020, 2021"),
        (market(symbols="ABCDEFGHI"), "symbols D, E, F, G, H and 1 more; years 2020, 2021"),
    ],
    ids=["none", "the first", "the last", "fewer", "more"],
)
def test_one_price_is_found(other: Market, told: str) -> None:
    assert where_they_differ(digests_of(market()), digests_of(other)) == told
