"""A monthly at-the-money covered call on an index, on this desk, beside the index itself.

    .venv/bin/python -m benchmarks.covered_call
    .venv/bin/python -m benchmarks.covered_call --file prices.parquet --symbol SPY

Each cycle goes from one third Friday to the next, with an account of its own that holds the index,
writes the call nearest to a delta of a half and keeps it until it ends; what it gained is carried
into the next one. That is how the CBOE's BXM index is made, but for the prices of the calls: they
are synthetic wherever the file has no `iv`. Beside it, puts secured by cash, as in the PUT index.

The index of the embedded data is the mean return of its 20 stocks, so it is no index that anybody
could have held: the companies were chosen knowing that they lived.
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.offers import next_expiry
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.datasets import DatasetSource, load_dataset
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Overlay, Signals

CAPITAL = 1e8  # so that a contract is nothing
LEVEL = 100.0  # of the index at its first close
CYCLES_PER_YEAR = 12.0
MIN_BARS = 25  # before the first cycle, for a volatility to be known
PREMIUMS = (0.0, 0.02, 0.04)  # a year, of synthetic over trailing volatility
CALM_REGIME = 4  # any that is known
STOP = 0.999  # never hit
WIDTH = 100  # characters of the table
# The desk as an index fund: all money in one position, nothing limits or halts it, and the shares
# cost nothing to buy, because the fund holds them all along. Options cost what they always do.
FUND = {
    "capital": CAPITAL,
    "sizing": {"method": "volatility", "volatility_per_trade": 1.0, "position_cap": 1.0},
    "limits": {"cash_buffer": 0.0, "gross": 10.0, "net": 10.0, "sector": 10.0, "beta": 100.0},
    "gates": {"stress": False, "correlation": 1.0, "var": 1.0, "participation": 1.0},
    "breakers": {"drawdown": 1.0, "daily_loss": 1.0},
    "exits": {"time_stop": 1_000_000},
    "poor": {"below": 0.0},
    "costs": {"half_spread": 0.0, "commission_rate": 0.0, "impact": 0.0},
}
AT_THE_MONEY = {"delta": 0.5, "delta_band": 0.2, "take_profit": 1.0, "close_days": 0}


@dataclass(frozen=True)
class Result:
    """The returns (N,) of the cycles of one way to hold the index, and what its calls were."""

    name: str
    returns: FloatArray
    synthetic: float  # share of its options whose price is


def index_of(market: Market) -> Market:
    """Return the index whose return is the mean of its symbols', as a market of closes."""
    returns = np.nanmean(market.close[1:] / market.close[:-1] - 1.0, axis=1)
    level = LEVEL * np.cumprod(np.concatenate([[1.0], 1.0 + returns]))
    return market_from_prices(
        market.timestamps, ("INDEX",), {"close": level[:, None]}, session=market.session
    )


def rules_with(premium: float) -> DeskRules:
    return DeskRules.model_validate(
        FUND | {"options": AT_THE_MONEY | {"volatility_premium": premium}}
    )


def tape_of(market: Market, overlay: Overlay, rules: DeskRules) -> Tape:
    """Return the tape of somebody who always wants the index, without sleeves."""
    shape = (market.n_bars, 1, 1)
    signals = Signals(
        ("index",),
        (0,),
        np.ones(shape, np.int8),
        np.ones(shape, np.float32),
        np.full(shape, STOP, np.float32),
        overlay=np.array([overlay], np.int8),
    )
    tape = blank_tape(market, signals, np.full(market.n_bars, CALM_REGIME, np.int8), rules)
    tape.value[:, 0, 0] = 1.0
    return tape


def roll_bars(market: Market) -> IntArray:
    """Return the bars at whose close a cycle ends and the next begins."""
    day = market.days.astype(np.int64)
    expiry = next_expiry(day, "monthly")
    last = np.flatnonzero(np.diff(expiry, append=expiry[-1]))
    return last[last > MIN_BARS]


def hold(market: Market, overlay: Overlay, rules: DeskRules, name: str) -> Result:
    """Return what the cycles earned under a strategy that writes `overlay`."""
    tape, rolls = tape_of(market, overlay, rules), roll_bars(market)
    returns, n_options, n_synthetic = [], 0, 0
    for first, last in pairwise(rolls):
        desk = Desk(open_book(1, 1, 1), tape, rules.record(), open_ledger(1, options=8))
        open_account(desk.book, 0, CAPITAL, tape.session[first - 1])
        desk.book.sleeves["weight"], desk.book.accounts["cash_weight"] = 1.0, 0.0
        for t in range(first - 1, last):
            trade_bars(lend(desk), np.array([t]), np.zeros(1))
        returns.append(float(desk.book.accounts["equity"][0]) / CAPITAL - 1.0)
        options = desk.ledger.options[0, : desk.ledger.n_options[0]]
        n_options, n_synthetic = (
            n_options + options.size,
            n_synthetic + options["is_synthetic"].sum(),
        )
    return Result(name, np.array(returns), n_synthetic / n_options if n_options else 0.0)


def compare(market: Market) -> list[Result]:
    """Return the index, covered calls at several premiums, and puts at one of them."""
    held = hold(market, Overlay.NONE, rules_with(0.0), "the index")
    calls = [
        hold(market, Overlay.COVERED_CALL, rules_with(x), f"covered call, + {100 * x:.0f} points")
        for x in PREMIUMS
    ]
    usual = PREMIUMS[1]
    puts = hold(
        market, Overlay.SECURED_PUT, rules_with(usual), f"secured put, + {100 * usual:.0f} points"
    )
    return [held, *calls, puts]


def table_of(results: list[Result], title: str) -> Table:
    """Return means and deviations a cycle, per cent, and what was kept of rises and falls."""
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("", no_wrap=True)
    for heading in ("mean", "deviation", "best", "worst", "in rises", "in falls", "beta", "a year"):
        table.add_column(heading, justify="right")
    index = results[0].returns
    for one in results:
        own = one.returns
        beta = np.cov(own, index)[0, 1] / np.var(index, ddof=1)
        yearly = np.exp(CYCLES_PER_YEAR * np.log1p(own).mean()) - 1.0
        shares = (own.mean(), own.std(ddof=1), own.max(), own.min())
        parted = (own[index > 0.0].mean(), own[index <= 0.0].mean())
        cells = [f"{100.0 * value:.2f}" for value in (*shares, *parted)]
        table.add_row(one.name, *cells, f"{beta:.2f}", f"{100.0 * yearly:.1f}")
    return table


def main() -> None:
    """Print the comparison on the embedded data, or on a symbol of a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.covered_call", description=__doc__)
    parser.add_argument("--file", type=Path, help="prices of an index, by default the embedded")
    parser.add_argument("--symbol", default="SPY", help="the index in that file")
    asked = parser.parse_args()
    if asked.file is None:
        market = index_of(load_dataset(DatasetSource()))
    else:
        source = {"path": asked.file, "symbols": [asked.symbol], "adjust": "auto"}
        market = load_files(FilesSource.model_validate(source))
    results = compare(market)
    first, last = market.days[[0, -1]]
    console = Console(width=WIDTH)
    n = results[0].returns.size
    console.print(
        table_of(results, f"{market.symbols[0]}, {first} to {last}, {n} cycles, % a cycle")
    )
    for one in results:
        if one.synthetic > 0.0:
            console.print(f"{one.name}: {100.0 * one.synthetic:.0f} % of option prices synthetic")


if __name__ == "__main__":
    main()
