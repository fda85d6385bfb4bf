"""What it costs to hear the strategies: `python -m benchmarks.signals`.

signals-88x1258   every rule of the catalogue on five years of daily bars of 88 symbols: what a
                  training waits for once
signals-bar       the rules of daily bars at the last close, each from its own memory: what the
                  paper loop does at every new bar

One thread; the fastest of the rounds, in thousandths of a second of processor time: whatever else
the machine does only adds to it.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from time import process_time

for _pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when numpy is loaded
    os.environ.setdefault(_pool, "1")

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benbot.envs.market.market import Market  # noqa: E402
from benbot.envs.market.news_settings import SyntheticNews  # noqa: E402
from benbot.envs.market.regime import RegimeSettings, detect_regime  # noqa: E402
from benbot.envs.market.synthetic import load_synthetic  # noqa: E402
from benbot.envs.market.synthetic_source import SyntheticSource  # noqa: E402
from benbot.strategies.base import Strategy  # noqa: E402
from benbot.strategies.catalogue import RULES  # noqa: E402
from benbot.strategies.hearing import collect, latest  # noqa: E402

N_SYMBOLS, N_BARS = 88, 1_258
GOALS = {"signals-88x1258": 10_000.0, "signals-bar": 50.0}
MILLISECONDS = 1e3


def main() -> None:
    """Time every rule alone, all of them together and the regime, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.signals", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="times each is timed")
    rounds = parser.parse_args().rounds
    rules = [rule() for rule in RULES]
    years = load_synthetic(
        SyntheticSource(n_bars=N_BARS, n_symbols=N_SYMBOLS, news=SyntheticNews())
    )
    daily = [rule for rule in rules if rule.warmup < N_BARS]  # those of minutes remember sessions
    table = Table(title=f"Milliseconds, {N_SYMBOLS} symbols")
    for column in ("", *GOALS):
        table.add_column(column, justify="right" if column else "left")
    for rule in rules:
        hears = (collect, latest) if rule in daily else (collect,)
        times = [fastest(_hearing(hear, [rule], years), rounds) for hear in hears]
        table.add_row(rule.name, *map(_told, times))
    times = [
        fastest(_hearing(hear, heard, years), rounds)
        for hear, heard in ((collect, rules), (latest, daily))
    ]
    table.add_row("all together", *map(_told, times), style="bold")
    table.add_row("goal", *map(_told, GOALS.values()))
    for method in ("rules", "hidden_markov"):
        settings = RegimeSettings.model_validate({"method": method})
        table.add_row(f"regime: {method}", _told(fastest(_regime(settings, years), 2)))
    Console().print(table)


def fastest(run: Callable[[], object], rounds: int) -> float:
    """Return the least processor time of some runs, milliseconds, after one that does not count."""
    run()
    times = []
    for _ in range(rounds):
        start = process_time()
        run()
        times.append(process_time() - start)
    return MILLISECONDS * min(times)


def _hearing(
    hear: Callable[[list[Strategy], Market], object], rules: list[Strategy], market: Market
) -> Callable[[], object]:
    """Return a run on a copy of the market, of which nothing is remembered."""
    return lambda: hear(rules, replace(market))


def _regime(settings: RegimeSettings, market: Market) -> Callable[[], object]:
    return lambda: detect_regime(market, settings)


def _told(milliseconds: float) -> str:
    return f"{milliseconds:,.1f}"


if __name__ == "__main__":
    main()
