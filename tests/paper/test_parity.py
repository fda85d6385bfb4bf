"""The embedded broker fills what the environment's desk filled, at its prices, to the cent."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from benbot.agents.baselines import Random
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.arrays import Record
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import Breakers, Costs, DeskRules, Execution, Exits, Gates, Limits
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings
from benbot.paper.exchange import Exchange
from benbot.paper.hours import to_datetime
from benbot.paper.replay import Playback
from benbot.paper.resting import State
from benbot.paper.turn import Turn
from benbot.paper.venue import OrderIntent, OrderKind, Side, TimeInForce
from tests.paper.scenes import MONDAY

N_BARS, N_SYMBOLS, DELISTED_AT = 160, 6, 111
SPAN = Span(30, N_BARS - 1)
IN_THE_BAR = {Exit.STOP, Exit.TRAILING_STOP, Exit.BREAK_EVEN, Exit.TARGET, Exit.PARTIAL}
RULES = DeskRules(
    costs=Costs(borrow_rate=0.2, commission_per_order=0.5, participation=1.0),
    execution=Execution(style="almgren_chriss", large=0.0005, tick=0.01),
    exits=Exits(target=1.5, partial=0.5, trailing_multiple=0.8, delisted_after=3),
    breakers=Breakers(drawdown=1.0, daily_loss=1.0),
    gates=Gates(correlation=1.0, var=1.0),
    limits=Limits(net=1.5),
)


def eventful_market() -> Market:
    """Return days with gaps, spreads, volumes, dividends, a split and a delisting."""
    rng = np.random.default_rng(0)
    shape = (N_BARS, N_SYMBOLS)
    close = 80.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(shape), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.01, shape))
    high = np.maximum(opened, close) * (1.0 + 0.01 * rng.random(shape))
    low = np.minimum(opened, close) * (1.0 - 0.01 * rng.random(shape))
    facts = {"volume": rng.uniform(1e5, 5e5, shape), "spread": rng.uniform(1e-4, 2e-3, shape)}
    prices = {"open": opened, "high": high, "low": low, "close": close, **facts}
    for values in prices.values():
        values[DELISTED_AT:, 0] = np.nan
    split, unadjusted, dividend = np.ones(shape), np.ones(shape), np.zeros(shape)
    split[80, 1], unadjusted[:80, 1] = 2.0, 2.0
    dividend[40:N_BARS:20, 2:] = 0.5
    stamps = np.datetime64("2020-01-01T21", "h") + 24 * np.arange(N_BARS)
    symbols = tuple(f"S{s}" for s in range(N_SYMBOLS))
    market = market_from_prices(stamps, symbols, prices)
    return replace(market, split=split, unadjusted=unadjusted, dividend=dividend)


def opinions(market: Market) -> Signals:
    rng = np.random.default_rng(1)
    shape = (market.n_bars, 2, market.n_symbols)
    opinion = rng.choice([-1, 0, 1], shape)
    since = np.arange(market.n_bars) // 6 * 6
    stop = rng.choice([0.01, 0.03], shape)
    return Signals(("k0", "k1"), (0, 0), opinion[since], np.ones(shape), stop)


@pytest.fixture(scope="module")
def history() -> History:
    market = eventful_market()
    regime = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
    return prepare(market, opinions(market), RULES, regime)


@pytest.fixture(scope="module")
def traded(history: History) -> Evaluation:
    return evaluate(Random(history.layout, 3), history, SPAN, EnvironmentSettings(episode_bars=20))


def intent_of(fill: Record, number: int, playback: Playback) -> OrderIntent:
    """Return the order that the desk's fill would have been."""
    side = Side.BUY if fill["units"] > 0.0 else Side.SELL
    symbol, units = playback.market.symbols[fill["symbol"]], abs(float(fill["units"]))
    if fill["reason"] not in IN_THE_BAR:
        return OrderIntent(f"desk-{number}", symbol, side, units, time_in_force=TimeInForce.OPENING)
    beyond = side.sign * (fill["price"] - playback.bars[fill["bar"], fill["symbol"]]["open"])
    kind = OrderKind.STOP if beyond >= 0.0 else OrderKind.LIMIT
    return OrderIntent(f"desk-{number}", symbol, side, units, kind, float(fill["price"]))


def test_every_fill_and_every_mark_is_that_of_the_desk(
    history: History, traded: Evaluation
) -> None:
    market = history.market
    now = [to_datetime(market.timestamps[SPAN.first])]
    playback = Playback(market, RULES, lambda: now[0])
    exchange, state = Exchange(playback, 0.0, 0), State(RULES.capital, 2 * SPAN.first + 2, {}, {})
    seen: set[Exit] = set()
    for i, bar in enumerate(traded.bars[1:], 1):
        turn = Turn(state)
        expected = [one for one in traded.fills if one["bar"] == bar]
        late: list[OrderIntent] = []
        for number, fill in enumerate(expected):
            seen.add(Exit(int(fill["reason"])))
            intent = intent_of(fill, 1000 * i + number, playback)
            if fill["reason"] in IN_THE_BAR:
                late.append(intent)
            elif fill["reason"] != Exit.DELISTED:  # that happens by itself
                exchange.accept(turn, intent, now[0])
        exchange.live_until(turn, 2 * int(bar) + 1)
        for intent in late:  # as if they had waited; a split at the opening would cancel them
            turn.keep(replace(turn.take(intent, now[0]), moment=2 * int(bar)))
        now[0] = to_datetime(market.timestamps[bar])
        exchange.live_until(turn, 2 * int(bar) + 2)  # to its close, where the next bar opens, too
        key = sorted((f["symbol"], f["units"], f["price"], round(f["cost"], 9)) for f in expected)
        assert key == sorted(
            (playback.columns[f.symbol], f.signed_units, f.price, round(f.cost, 9))
            for f in turn.fills
        )
        state = turn.state()
        assert state.equity == pytest.approx(traded.equity[i], abs=1e-6), f"at bar {bar}"
    assert len(traded.fills) > 300
    assert {*IN_THE_BAR, Exit.NONE, Exit.DELISTED, Exit.REVERSAL} <= seen


def test_how_often_anybody_looks_changes_nothing(history: History, traded: Evaluation) -> None:
    market = history.market
    playback = Playback(market, RULES, lambda: MONDAY)
    first = 2 * SPAN.first + 2

    def lived(step: int, partials: float) -> tuple[State, list[str]]:
        exchange, turn = Exchange(playback, partials, 5), Turn(State(1e6, first, {}, {}))
        now = to_datetime(market.timestamps[SPAN.first]) + timedelta(minutes=1)
        for number, symbol in enumerate(market.symbols):
            side = Side.BUY if number % 2 else Side.SELL
            intent = OrderIntent(f"o-{number}", symbol, side, 1000.0)
            exchange.accept(turn, replace(intent, time_in_force=TimeInForce.GTC), now)
        for moment in range(first, 2 * N_BARS + 1, step):
            exchange.live_until(turn, moment)
        exchange.live_until(turn, 2 * N_BARS)
        return turn.state(), [f"{f.symbol} {f.units} {f.time}" for f in turn.fills]

    for partials in (0.0, 0.7):
        assert lived(1, partials) == lived(7, partials) == lived(10_000, partials)
    assert len(lived(1, 0.7)[1]) > len(lived(1, 0.0)[1])
