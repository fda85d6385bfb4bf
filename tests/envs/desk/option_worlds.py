"""Random worlds in which strategies write options, with everything that makes those awkward."""

from dataclasses import replace

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market
from benbot.envs.signals import Overlay, Signals
from tests.envs.desk.worlds import World, random_world

# In which everything occurs that may become of an option, early assignment of both kinds included.
EVENTFUL = (7, 8, 10, 12, 15, 16, 17, 18, 19, 24, 26, 27, 59, 79, 86, 95, 96, 98, 109, 135)


def option_world(seed: int) -> World:
    """Return a random world where some strategies have an overlay; those of pairs have none.

    Implied volatilities are known everywhere, here and there, or nowhere. The bars stand farther
    apart than elsewhere, so that options expire within so few; many accounts are rich enough for
    some contracts.
    """
    rng = np.random.default_rng([seed, 15])
    world = random_world(seed)
    signals = world.signals if rng.random() < 0.3 else without_pairs(world.signals)
    overlay = rng.choice(list(Overlay), signals.n_strategies, p=[0.3, 0.4, 0.3])
    overlay[rng.integers(overlay.size)] = rng.choice([Overlay.COVERED_CALL, Overlay.SECURED_PUT])
    overlay[signals.pairing >= 0] = Overlay.NONE
    return replace(
        world,
        market=_with_volatilities(rng, _with_dividends(rng, _stretched(rng, world.market))),
        signals=replace(signals, overlay=overlay.astype(np.int8)),
        rules=_with_options(rng, world.rules),
    )


def _stretched(rng: np.random.Generator, market: Market) -> Market:
    first = market.timestamps[0]
    return replace(market, timestamps=first + (market.timestamps - first) * rng.integers(1, 4))


def without_pairs(signals: Signals) -> Signals:
    nobody = np.zeros((0, 0, 0))
    return replace(signals, pairing=np.zeros(0), partner=nobody, share=nobody)


def _with_dividends(rng: np.random.Generator, market: Market) -> Market:
    """Return the market, or every other time with dividends so large that calls end for them."""
    if rng.random() < 0.5:
        return market
    pays = market.tradable & (rng.random(market.close.shape) < 0.15)
    price = np.nan_to_num(market.close * market.unadjusted)
    return replace(market, dividend=np.where(pays, price * rng.uniform(0.0, 0.04, pays.shape), 0.0))


def _with_volatilities(rng: np.random.Generator, market: Market) -> Market:
    shape = (market.n_bars, market.n_symbols)
    known = rng.random(shape) < rng.choice([0.0, 0.6, 1.0])
    level = rng.choice([0.1, 0.4, 1.5], market.n_symbols)
    return replace(market, iv=np.where(known, level * rng.uniform(0.5, 1.5, shape), np.nan))


def _with_options(rng: np.random.Generator, rules: DeskRules) -> DeskRules:
    least = int(rng.choice([1, 3, 7]))
    options = {
        "delta": rng.choice([0.15, 0.3, 0.5]),
        "delta_band": rng.choice([0.05, 0.1, 0.6]),
        "min_days": least,
        "max_days": least + int(rng.choice([6, 20, 60])),
        "expiries": rng.choice(["weekly", "weekly", "monthly"]),
        "strike_step": rng.choice([0.0, 0.01, 0.05]),
        "volatility_premium": rng.choice([0.0, 0.02]),
        "rate": rng.choice([0.0, 0.05, -0.02]),
        "fee_per_contract": rng.choice([0.0, 0.65]),
        "half_spread": rng.choice([0.0, 0.02, 0.3]),
        "take_profit": rng.choice([0.2, 0.5, 1.0]),
        "close_days": int(rng.choice([0, 0, least - 1])),
    }
    tree = rules.model_dump()
    tree["options"] = {
        name: getattr(value, "item", lambda v=value: v)() for name, value in options.items()
    }
    tree["capital"] = float(rng.choice([20_000.0, 3e5, 1e7, 1e7]))
    return DeskRules.model_validate(tree)
