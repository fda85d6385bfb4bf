"""Real prices that ship with a dependency, so that they are there offline on the first run."""

from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from benbot.envs.errors import BadMarketData
from benbot.envs.market.calendar import load_sessions
from benbot.envs.market.market import Market, Origin, market_from_prices
from benbot.envs.market.selection import choose_symbols
from benbot.envs.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

# Sectors of the Global Industry Classification Standard.
SP500_20_SECTORS = {
    "AAPL": "Information Technology",
    "AMD": "Information Technology",
    "BAC": "Financials",
    "BBY": "Consumer Discretionary",
    "CVX": "Energy",
    "GE": "Industrials",
    "HD": "Consumer Discretionary",
    "JNJ": "Health Care",
    "JPM": "Financials",
    "KO": "Consumer Staples",
    "LLY": "Health Care",
    "MRK": "Health Care",
    "MSFT": "Information Technology",
    "PEP": "Consumer Staples",
    "PFE": "Health Care",
    "PG": "Consumer Staples",
    "RRC": "Energy",
    "UNH": "Health Care",
    "WMT": "Consumer Staples",
    "XOM": "Energy",
}
NOTES = (
    "survivorship bias: the 20 companies were chosen knowing that they lived until 2022",
    "prices are rounded to a tenth of a cent, which shows in returns before about 2000",
)


class DatasetSource(Settings):
    """Which part of an embedded data set to use."""

    source: Literal["dataset"] = "dataset"
    name: Literal["sp500_20"] = Field(default="sp500_20", description="20 US stocks, daily closes")
    start: date | None = Field(default=None, description="first day, inclusive; default 1990-01-02")
    end: date | None = Field(default=None, description="last day, inclusive; default 2022-12-28")
    symbols: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="default all 20"
    )


def load_dataset(source: DatasetSource) -> Market:
    """Return 20 large US stocks, 1990-01-02 to 2022-12-28, as a market of adjusted closes only.

    The prices are those of `skfolio.datasets.load_sp500_dataset`. Two warnings belong in every
    result that rests on them. Survivorship: the companies were picked because they were large
    and alive in 2022, so holding all of them beats what anybody could have held in 1990.
    Rounding: adjusted prices carry three decimals, and early on many are small (BBY opens at
    0.144, so one step is 0.7 %) or stale (RRC does not move on nine days of ten in 1990), which
    looks like mean reversion. Results before about 2000 deserve doubt.
    """
    symbols = choose_symbols(SP500_20_SECTORS, source.symbols)
    first, last = (day and day.isoformat() for day in (source.start, source.end))
    closes = _read_sp500_20().loc[first:last, list(symbols)]
    if closes.empty:
        raise BadMarketData(
            f"{source.name} needs a span with bars, was {source.start} to {source.end}; "
            "its data go from 1990-01-02 to 2022-12-28"
        )
    days = closes.index.to_numpy().astype("datetime64[D]")
    sessions = load_sessions("XNYS", days[0], days[-1])
    number = sessions.of_days(days)
    return market_from_prices(
        sessions.closes[number],
        symbols,
        {"close": closes.to_numpy(dtype=np.float64)},
        session=number - number[0],
        sectors=tuple(SP500_20_SECTORS[symbol] for symbol in symbols),
        origin=Origin(source.name, "splits and dividends", NOTES),
    )


def _read_sp500_20() -> "pd.DataFrame":
    import pandas as pd

    spec = find_spec("skfolio")
    home = Path(spec.origin).parent if spec and spec.origin else Path()
    path = home / "datasets" / "data" / "sp500_dataset.csv.gz"
    if path.is_file():  # importing skfolio takes seconds, reading its file a few hundredths
        return pd.read_csv(path, index_col=0, parse_dates=True)
    from skfolio.datasets import load_sp500_dataset

    moved: pd.DataFrame = load_sp500_dataset()
    return moved
