"""What a close costs in what is known of the market, as the history grows; no kernel of the desk.

    .venv/bin/python -m benchmarks.closes --symbols 50 500 --bars 1260

Signals, regime and tape of twelve strategies at one close after the other, under the default gates.
Three ways take turns at each close, so that whatever else the machine does slows them alike:

plain    covariances, their bounds and ties by the formulas as they are written, in numpy
anew     by the kernels, with nothing carried: what a start and a training pay
carried  from the close before: what every close but the first pays

Processor time. `rows` is that of covariances and what follows from them; `close` is all of it. More
covariances than fit into memory are written every other session, or more seldom.
"""

import argparse
import gc
import sys
import time

import numpy as np

from benbot.envs.covariance.carried import CarriedRows
from benbot.envs.covariance.rows import Pace
from benbot.envs.desk.risk import LARGEST, RiskSettings, session_returns
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.market import Market
from benbot.envs.market.regime import DEFAULT, detect_regime
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.paper.growing import SPARE
from benbot.strategies.hearing import collect
from benchmarks.scenarios import SIX_RULES_TWICE
from tests.envs.covariance.slow import slow_bounds, slow_covariances, slow_ties

LIMIT = DeskRules().gates.correlation


def refresh_of(n_symbols: int, n_bars: int) -> int:
    """Return how seldom covariances have to be written to fit into memory."""
    return -(-4 * n_symbols**2 * (n_bars + SPARE) // LARGEST)


def plain(returns: np.ndarray, pace: Pace) -> tuple[bytes, ...]:
    """Return where the plain formulas end: the last row of each."""
    covariance = slow_covariances(returns, pace)
    bound = slow_bounds(covariance)
    words = [slow_ties(row[None], LIMIT)[1] for row in covariance]
    return covariance[-1].tobytes(), bound[-1].tobytes(), words[-1].tobytes()


def followed(rows: CarriedRows, returns: np.ndarray, pace: Pace) -> tuple[bytes, ...]:
    """Return where the kernels end, likewise."""
    rows.follow(returns, pace, LIMIT)
    n_symbols = returns.shape[1]
    bits = np.unpackbits(rows.tied[-1].view(np.uint8), axis=-1, bitorder="little")
    tied = bits[..., :n_symbols].astype(np.bool_)
    return rows.covariance[-1].tobytes(), rows.bound[-1].tobytes(), tied.tobytes()


def timed(action: object, *given: object) -> tuple[float, object]:
    gc.collect()
    begun = time.process_time()
    found = action(*given)  # type: ignore[operator]
    return time.process_time() - begun, found


def close(market: Market, rules: DeskRules, rows: CarriedRows | None) -> None:
    """Hear everything and make the tape of a market."""
    blank_tape(
        market, collect(SIX_RULES_TWICE, market), detect_regime(market, DEFAULT), rules, rows
    )


def measure(n_symbols: int, n_bars: int, n_closes: int, *, with_plain: bool) -> None:
    """Print medians over the closes, and what the plain formulas take against them."""
    market = load_synthetic(SyntheticSource(n_bars=n_bars + n_closes, n_symbols=n_symbols))
    risk = RiskSettings(refresh=refresh_of(n_symbols, n_bars + n_closes))
    rules = DeskRules.model_validate({"gates": {"refresh": risk.refresh}})
    pace = Pace(risk.memory, risk.min_sessions, risk.refresh)
    carried, of_tape = CarriedRows(SPARE), CarriedRows(SPARE)
    close(market.until(n_bars), rules, of_tape)
    carried.follow(session_returns(market.until(n_bars)).value, pace, LIMIT)
    seconds: dict[str, list[float]] = {}
    for n in range(n_bars + 1, n_bars + n_closes + 1):
        known = market.until(n)
        returns = session_returns(known).value
        ways = {"rows, anew": lambda: followed(CarriedRows(), returns, pace)}  # noqa: B023
        ways["rows, carried"] = lambda: followed(carried, returns, pace)  # noqa: B023
        if with_plain:
            ways["rows, plain"] = lambda: plain(returns, pace)  # noqa: B023
        ends = set()
        for name, way in ways.items():
            took, end = timed(way)
            seconds.setdefault(name, []).append(took)
            ends.add(end)
        if len(ends) != 1:
            raise SystemExit(f"all must end alike, {' and '.join(ways)} did not")
        for name, rows in {"close, anew": None, "close, carried": of_tape}.items():
            seconds.setdefault(name, []).append(timed(close, known, rules, rows)[0])
    medians = {name: float(np.median(took)) for name, took in seconds.items()}
    shown = "  ".join(f"{name} {1e3 * median:7.1f}" for name, median in medians.items())
    say(f"{n_symbols:4} symbols x {n_bars:5} bars, refresh {risk.refresh}  ms: {shown}")


def main() -> None:
    """Measure, and print what is in docs/benchmarks.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closes", description=__doc__)
    parser.add_argument("--symbols", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--bars", type=int, nargs="+", default=[1_260], help="of history")
    parser.add_argument("--closes", type=int, default=5)
    parser.add_argument("--without-plain", action="store_true", help="which takes long")
    asked = parser.parse_args()
    for n_bars in asked.bars:
        for n_symbols in asked.symbols:
            measure(n_symbols, n_bars, asked.closes, with_plain=not asked.without_plain)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
