"""What a policy did with an account over a stretch of bars."""

from dataclasses import dataclass

from benbot.envs.arrays import FloatArray, Int8Array, IntArray, RecordArray, TimeArray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """N decisions and the N + 1 marks around them; index 0 is the start.

    timestamps   (N+1,)     when each mark was taken, UTC
    bars         (N+1,)     bar numbers in the market
    equity       (N+1,)     account currency
    weights      (N, K+1)   what the policy chose at each decision; the last entry is cash
    exposure     (N+1,)     gross, as a fraction of equity
    turnover     (N,)       notional traded during the bar, as a fraction of equity
    regime       (N+1,)     `regime` of each bar, -1 unknown
    breaker      (N+1,)     `Breaker` at each mark
    fills, trades, decisions   records of `desk.ledger`
    """

    name: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    bars_per_year: float
    timestamps: TimeArray
    bars: IntArray
    equity: FloatArray
    weights: FloatArray
    exposure: FloatArray
    turnover: FloatArray
    regime: Int8Array
    breaker: IntArray
    fills: RecordArray
    trades: RecordArray
    decisions: RecordArray
