"""The few lines about a market say what it holds and what it lacks."""

import numpy as np

from benbot.envs.market.market import Origin, market_from_prices
from benbot.experiments.market_summary import summarise

DAYS = np.datetime64("2020-01-01T21:00", "ns") + np.arange(4) * np.timedelta64(1, "D")


def test_spans_gaps_and_missing_prices_are_counted() -> None:
    close = np.full((4, 3), 10.0)
    close[0, 1] = close[2, 1] = np.nan  # begins late, and one bar is missing in between
    close[:, 2] = np.nan  # never traded
    market = market_from_prices(
        DAYS,
        ("AAA", "BBB", "CCC"),
        {"close": close},
        sectors=("Energy", "Banks", "Banks"),
        origin=Origin("prices.csv", "splits", ("one symbol never traded",)),
    )
    summary = summarise(market)
    assert (summary.first, summary.last) == ("2020-01-01T21:00", "2020-01-04T21:00")
    assert (summary.n_bars, summary.has_range, summary.missing) == (4, False, 0.5)
    assert (summary.source, summary.adjustment) == ("prices.csv", "splits")
    assert summary.notes == ("one symbol never traded",)
    assert summary.digest == market.digest
    whole, late, never = summary.symbols
    assert (whole.n_bars, whole.gaps, whole.sector) == (4, 0, "Energy")
    assert (late.n_bars, late.gaps, late.first) == (2, 1, "2020-01-02T21:00")
    assert (never.n_bars, never.gaps, never.first) == (0, 0, "never")
