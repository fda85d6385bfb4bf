"""How a market becomes a tape, before the sleeves have run over it."""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray, Int8Array, IntArray, RecordArray
from benbot.envs.covariance.carried import CarriedRows
from benbot.envs.desk.offers import offers_of
from benbot.envs.desk.portfolio import symbol_budgets
from benbot.envs.desk.prefetch import LINE
from benbot.envs.desk.risk import RiskFacts, risk_facts
from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.desk.tape import (
    ACTION,
    BAR,
    CALENDAR,
    FACTS,
    LEG,
    OFFER,
    SIZING,
    UNKNOWN_SECTOR,
    VECTOR,
    Tape,
)
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.liquidity import estimated_half_spread
from benbot.envs.market.market import CALENDAR_DAYS_PER_YEAR, PRICES, Market
from benbot.envs.signals import Signals

VOLATILITY_MEMORY = 0.94  # RiskMetrics' daily decay
VOLUME_WINDOW = 20  # bars of the average traded value, and sessions of ADV


def blank_tape(
    market: Market,
    signals: Signals,
    regime: Int8Array,
    rules: DeskRules,
    carried: CarriedRows | None = None,
) -> Tape:
    """Return the tape before the sleeves have run: no values, no sleeve returns.

    Rows that were `carried` from a shorter history of the market are not counted again.
    """
    n_bars, n_strategies, n_symbols = signals.direction.shape
    if (n_bars, n_symbols) != (market.n_bars, market.n_symbols) or regime.shape != (n_bars,):
        raise InvalidParameter(
            f"signals and regime must cover the market's {market.n_bars} bars and "
            f"{market.n_symbols} symbols, was {n_bars} bars, {n_symbols} symbols and a regime of "
            f"shape {regime.shape}"
        )
    risk = risk_facts(market, rules.gates.risk, rules.gates.correlation, carried)
    sizing = _sizing(market, signals, risk, rules)
    return Tape(
        bars=bars_of(market, rules.costs),
        actions=_actions(market),
        facts=_facts(market, risk),
        sizing=sizing,
        value=np.zeros((n_bars, n_strategies, -(-n_symbols // VECTOR) * VECTOR), np.float32),
        stop=signals.stop_distance,
        variance=np.zeros((n_bars, n_strategies)),
        covariance=risk.covariance,
        tied=risk.tied,
        calendar=_calendar(market, risk),
        session=market.session,
        regime=regime,
        sleeve_return=np.zeros((n_bars, n_strategies)),
        year_share=year_share(market),
        stress=signals.stress,
        pairing=signals.pairing,
        legs=_legs(signals),
        overlay=signals.overlay,
        offers=(
            offers_of(market, sizing["deviation"], rules)
            if signals.overlay.any()
            else np.zeros((0, 0), OFFER)
        ),
    )


def _legs(signals: Signals) -> RecordArray:
    legs = np.zeros(signals.partner.shape, LEG)
    legs["partner"], legs["share"] = signals.partner, signals.share
    return legs


def bars_of(market: Market, costs: Costs) -> RecordArray:
    """Return what every bar of a market costs and has room for, (T, S) of BAR."""
    bars = _aligned_bars(market.n_bars, market.n_symbols)
    for name in PRICES:
        bars[name] = getattr(market, name) * market.unadjusted
    known = np.isfinite(market.spread)
    bars["half_spread"] = np.where(known, market.spread / 2.0, _usual_half_spread(market, costs))
    bars["impact"] = costs.impact * impact_per_root_money(market)
    money = traded_money(market)
    room = np.where(np.isfinite(money), costs.participation * money, np.inf)
    bars["room"] = np.where(market.halted & market.tradable, 0.0, room)
    known = ~np.isnan(market.borrow_rate)
    bars["borrow_rate"] = np.where(known, market.borrow_rate, costs.borrow_rate)
    return bars


def _aligned_bars(n_bars: int, n_symbols: int) -> RecordArray:
    """Return room for bars, none of which lies across two lines of the processor's cache."""
    size = n_bars * n_symbols * BAR.itemsize
    memory = np.zeros(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(BAR).reshape(n_bars, n_symbols)


def _usual_half_spread(market: Market, costs: Costs) -> FloatArray:
    """Return the half spread [T, S] where the market knows none.

    An estimate uses the prices of its own bar, so a fill pays the one that was known before.
    """
    usual = np.full((market.n_bars, market.n_symbols), costs.half_spread)
    if costs.spread == "estimated":
        estimate = estimated_half_spread(market)
        for s in range(market.n_symbols):
            traded = np.flatnonzero(market.tradable[:, s])
            before = estimate[traded[:-1], s]
            usual[traded[1:], s] = np.where(np.isfinite(before), before, costs.half_spread)
    return usual


def _actions(market: Market) -> RecordArray:
    actions = np.zeros((market.n_bars, market.n_symbols), ACTION)
    actions["split"], actions["dividend"] = market.split, market.dividend
    return actions


def _facts(market: Market, risk: RiskFacts) -> RecordArray:
    facts = np.zeros((market.n_bars, market.n_symbols), FACTS)
    facts["adv"] = daily_money(market, traded_money(market))
    facts["age"] = np.where(market.halted, np.inf, _age(market))
    facts["swing"] = _known(risk, risk.bound)
    facts["beta"] = _known(risk, risk.beta)
    facts["sector"] = _sector_numbers(market)
    return facts


def _sizing(market: Market, signals: Signals, risk: RiskFacts, rules: DeskRules) -> RecordArray:
    sizing = np.zeros((market.n_bars, market.n_symbols), SIZING)
    sizing["budget"] = symbol_budgets(market, rules.portfolio).multiplier
    sizing["deviation"] = _known(risk, np.sqrt(np.diagonal(risk.covariance, axis1=1, axis2=2)))
    sizing["diamond"] = signals.diamond
    return sizing


def _known(risk: RiskFacts, numbers: Float32Array | FloatArray) -> Float32Array | FloatArray:
    """Return what of (R, S) is known at each close, (T, S); NaN where nothing is."""
    is_known, row = risk.row >= 0, np.maximum(risk.row, 0)
    return np.where(is_known[:, None], numbers[row], np.nan)


def _age(market: Market) -> FloatArray:
    """Return the bars since each symbol last had a price, [T, S]; inf before the first."""
    bar = np.arange(market.n_bars, dtype=np.float64)[:, None]
    last = np.maximum.accumulate(np.where(market.tradable, bar, -np.inf), axis=0)
    age: FloatArray = bar - last
    return age


def _sector_numbers(market: Market) -> IntArray:
    names = sorted(set(market.sectors) - {"unknown"})
    number = {name: i for i, name in enumerate(names)} | {"unknown": UNKNOWN_SECTOR}
    return np.array([number[name] for name in market.sectors])


def _calendar(market: Market, risk: RiskFacts) -> RecordArray:
    calendar = np.zeros(market.n_bars, CALENDAR)
    calendar["risk_row"] = risk.row
    calendar["has_action"] = ((market.split != 1.0) | (market.dividend != 0.0)).any(axis=1)
    return calendar


def year_share(market: Market) -> FloatArray:
    """Return the share of a year since the bar before, (T,); 0 at the first."""
    year = np.timedelta64(CALENDAR_DAYS_PER_YEAR, "D")
    share: FloatArray = np.diff(market.timestamps, prepend=market.timestamps[:1]) / year
    return share


def traded_money(market: Market) -> FloatArray:
    """Return the value traded in each bar, [T, S]; NaN where it is not known.

    Where none of a symbol was ever traded, its volume is not known rather than 0: many sources of
    indices and currencies write so.
    """
    seen = np.maximum.accumulate(np.nan_to_num(market.volume) > 0.0, axis=0)
    return np.where(seen, market.close * market.volume, np.nan)


def daily_money(market: Market, money: FloatArray) -> FloatArray:
    """Return the average value traded a day as known at each close, [T, S]; inf where unknown.

    The mean over the last 20 sessions, before the present one, in which the symbol had a bar of
    known volume. Whether the present session is over, a prefix of the history would not know.
    """
    last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1))
    first = np.concatenate([[0], last[:-1] + 1])
    known = np.add.reduceat(np.isfinite(money), first, axis=0) > 0
    daily = np.add.reduceat(np.nan_to_num(money), first, axis=0)
    before = np.searchsorted(last, np.arange(market.n_bars), side="left") - 1
    adv = np.full(money.shape, np.inf)
    for s in range(market.n_symbols):
        own = np.flatnonzero(known[:, s])
        if own.size:
            mean = _trailing_mean(daily[own, s], VOLUME_WINDOW)
            at = np.searchsorted(own, before, side="right") - 1
            adv[:, s] = np.where(at >= 0, mean[np.maximum(at, 0)], np.inf)
    return adv


def impact_per_root_money(market: Market) -> FloatArray:
    """Return σ / √ADV of each symbol as known before each bar, [T, S]; 0 where no volume is known.

    Square-root law: a trade of notional Q moves the price by Y σ √(Q / ADV). σ is the exponentially
    weighted volatility, ADV the mean value traded. Both are taken per bar, because n bars a day
    would multiply σ and √ADV alike, by √n.
    """
    rate = np.zeros((market.n_bars, market.n_symbols))
    money = traded_money(market)
    bars = [np.flatnonzero(market.tradable[:, s]) for s in range(market.n_symbols)]
    squares = np.full(rate.shape, np.nan)  # each symbol's own, without its gaps
    for s, traded in enumerate(bars):
        squares[: traded.size, s] = np.diff(np.log(market.close[traded, s]), prepend=np.nan) ** 2
    deviation = np.sqrt(_weighted_mean(squares))
    for s, traded in enumerate(bars):
        volatility = deviation[: traded.size, s]
        volume = _trailing_mean(np.nan_to_num(money[traded, s]), VOLUME_WINDOW)
        known = (volume > 0.0) & np.isfinite(volatility)
        ratio = np.where(known, volatility / np.sqrt(np.where(known, volume, 1.0)), 0.0)
        rate[traded[1:], s] = ratio[:-1]  # what was known one traded bar earlier
    return rate


def _weighted_mean(squares: FloatArray) -> FloatArray:
    """Return the exponentially weighted means so far, [T, S]; the first row, NaN, is left out."""
    mean = np.full(squares.shape, np.nan)
    for t in range(1, len(squares)):
        before = squares[t] if t == 1 else mean[t - 1]
        mean[t] = VOLATILITY_MEMORY * before + (1.0 - VOLATILITY_MEMORY) * squares[t]
    return mean


def _trailing_mean(values: FloatArray, window: int) -> FloatArray:
    total = np.cumsum(values)
    total[window:] = total[window:] - total[:-window]
    return total / np.minimum(np.arange(1, values.size + 1), window)
