"""A summary says what a market holds and where it has holes."""

from pathlib import Path

import numpy as np
import pytest

from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Origin, market_from_prices
from benbot.envs.market.summary import SymbolSummary, describe

NAN = np.nan


def test_a_summary_counts_bars_gaps_and_missing_sessions() -> None:
    days = np.array(["2020-01-02", "2020-01-03", "2020-01-07", "2020-01-08"], "datetime64[ns]")
    close = np.array([[1.0, NAN, NAN], [NAN, 2.0, NAN], [NAN, 3.0, NAN], [4.0, NAN, NAN]])
    market = market_from_prices(
        days,
        ("A", "B", "C"),
        {"close": close},
        session=np.array([0, 1, 3, 4]),
        sectors=("Energy", "unknown", "unknown"),
        origin=Origin("here", "none", ("a note",)),
    )
    summary = describe(market)
    assert summary.symbols == (
        SymbolSummary("A", "Energy", days[0], days[3], n_bars=2, gaps=2),
        SymbolSummary("B", "unknown", days[1], days[2], n_bars=2, gaps=0),
        SymbolSummary("C", "unknown", None, None, n_bars=0, gaps=0),
    )
    assert (summary.first, summary.last, summary.n_bars) == (days[0], days[3], 4)
    assert (summary.gaps, summary.missing_sessions) == (2, 1)
    assert summary.missing == pytest.approx(8 / 12)
    assert (summary.has_range, summary.has_volume, summary.has_spread) == (False, False, False)
    assert (summary.splits, summary.dividends, summary.halted, summary.borrow_rates) == (0, 0, 0, 0)
    assert summary.origin.notes == ("a note",)
    assert summary.digest == market.digest


def test_a_summary_counts_what_happens_to_holders_and_traders() -> None:
    close = np.ones((4, 2))
    facts = {name: np.zeros((4, 2)) for name in ("halted", "dividend")}
    facts |= {"borrow_rate": np.full((4, 2), NAN), "split": np.ones((4, 2))}
    facts["split"][1, 0] = 2.0
    facts["dividend"][1:3, 1] = 0.5
    facts["halted"][1:, 0] = 1.0
    facts["borrow_rate"][:, 1] = [0.0, 0.1, np.inf, 0.1]
    days = np.array(["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"], "datetime64[ns]")
    summary = describe(market_from_prices(days, ("A", "B"), {"close": close, **facts}))
    assert (summary.splits, summary.dividends, summary.halted, summary.borrow_rates) == (1, 2, 3, 4)


@pytest.mark.shared_data
def test_the_three_gaps_of_the_88_stocks_are_found(shared_data: Path) -> None:
    path = shared_data / "us_stocks_88_daily_2012_2017.parquet"
    summary = describe(load_files(FilesSource(path=path)))
    assert [s.symbol for s in summary.symbols if s.gaps] == ["PTR", "REX", "SNP"]
    assert min(s.n_bars for s in summary.symbols) == 297
    assert summary.missing_sessions == 0
    assert summary.origin.adjustment == "adj_close"
