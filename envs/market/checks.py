"""Whether the facts of a market contradict each other, or themselves."""

from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.arrays import BoolArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.facts import FACTS, OPTIONAL_FACTS, PRICES

if TYPE_CHECKING:
    from benbot.envs.market.market import Market


def check_market(market: "Market") -> None:
    """Refuse facts that contradict each other, naming symbol, bar and field."""
    _check_shapes(market)
    _check_calendar(market)
    for name in PRICES:
        price = getattr(market, name)
        _refuse(market, market.tradable & ~(np.isfinite(price) & (price > 0.0)), name, "positive")
        _refuse(market, ~market.tradable & ~np.isnan(price), name, "NaN where not tradable")
    body_high = np.maximum(market.open, market.close)
    body_low = np.minimum(market.open, market.close)
    _refuse(market, market.high < body_high, "high", "at or above open and close")
    _refuse(market, market.low > body_low, "low", "at or below open and close")
    _refuse(market, (market.volume < 0.0) | np.isinf(market.volume), "volume", "finite and >= 0")
    outside = (market.spread < 0.0) | (market.spread >= 1.0)
    _refuse(market, outside, "spread", "a fraction of the price in [0, 1)")
    _check_optional(market)


def _check_shapes(market: "Market") -> None:
    shape = (market.n_bars, market.n_symbols)
    if not market.n_bars or not market.n_symbols:
        raise BadMarketData(f"a market needs at least one bar and one symbol, was {shape}")
    taken = [name for name in market.features if hasattr(market, name)]
    if taken:
        raise BadMarketData(f"a feature needs a name of its own, was {taken[0]}. Rename it")
    facts = {name: getattr(market, name) for name in (*FACTS, *OPTIONAL_FACTS, "tradable")}
    for name, fact in (*facts.items(), *market.features.items()):
        if fact.shape != shape:
            raise BadMarketData(
                f"{name} must have one row per bar and one column per symbol, "
                f"that is {shape}, was {fact.shape}"
            )
    if len(market.sectors) != market.n_symbols or market.session.shape != (market.n_bars,):
        raise BadMarketData(
            f"need one sector per symbol and one session per bar {shape}, was "
            f"{len(market.sectors)} sectors and sessions of shape {market.session.shape}"
        )
    if len(set(market.symbols)) != market.n_symbols:
        twice = sorted({s for s in market.symbols if market.symbols.count(s) > 1})
        raise BadMarketData(f"symbols must be unique, was twice or more: {', '.join(twice)}")


def _check_optional(market: "Market") -> None:
    _refuse(market, market.borrow_rate < 0.0, "borrow_rate", ">= 0, inf where none can be borrowed")
    for name in ("unadjusted", "split"):
        value = getattr(market, name)
        _refuse(market, ~(np.isfinite(value) & (value > 0.0)), name, "positive")
    paid = market.dividend
    _refuse(market, ~(np.isfinite(paid) & (paid >= 0.0)), "dividend", "finite and >= 0")
    bad = (market.iv <= 0.0) | np.isinf(market.iv)
    _refuse(market, bad, "iv", "a positive volatility a year, NaN where unknown")
    for name, feature in market.features.items():
        _refuse(market, np.isinf(feature), name, "finite, or NaN where unknown")
    # A holder would never hear of what happens at a bar without a price.
    needed = "{} where not tradable; move it to the symbol's next bar"
    _refuse(market, ~market.tradable & (market.split != 1.0), "split", needed.format(1.0))
    _refuse(market, ~market.tradable & (paid != 0.0), "dividend", needed.format(0.0))


def _check_calendar(market: "Market") -> None:
    if np.isnat(market.timestamps).any():
        t = int(np.flatnonzero(np.isnat(market.timestamps))[0])
        raise BadMarketData(f"every bar needs the time of its close, bar {t} has none")
    steps = np.diff(market.timestamps.astype(np.int64))
    if (steps <= 0).any():
        t = int(np.flatnonzero(steps <= 0)[0]) + 1
        raise BadMarketData(
            f"bars must be in order of time and unique; bar {t} at {market.timestamps[t]} "
            f"follows {market.timestamps[t - 1]}. Sort the data and drop the duplicates"
        )
    if (np.diff(market.session) < 0).any():
        raise BadMarketData("sessions must never decrease from one bar to the next")


def _refuse(market: "Market", bad: BoolArray, name: str, needed: str) -> None:
    if not bad.any():
        return
    t, s = (int(i) for i in np.argwhere(bad)[0])
    value = (market.features[name] if name in market.features else getattr(market, name))[t, s]
    raise BadMarketData(
        f"{name} must be {needed}, was {value} for {market.symbols[s]} "
        f"at bar {t} ({market.timestamps[t]}), and {int(bad.sum()) - 1} more"
    )
