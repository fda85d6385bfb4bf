"""Section 16: what options are worth, which are offered, and how they are traded."""

import math
from datetime import date, timedelta
from statistics import NormalDist
from typing import NamedTuple

from benbot.envs.desk.reasons import Exit
from benbot.envs.signals import Overlay
from tests.reference.book import Bar, Desk, Option, OptionFill, Position

NORMAL = NormalDist()
NEW_MULTIPLIER = 100.0
FORGIVEN = 1e-9
FRIDAY = 4  # as `date.weekday` counts
EPOCH = date(1970, 1, 1)


class Right(NamedTuple):
    """What is bought with an option: years and volatility may have run out."""

    call: bool
    strike: float
    years: float
    volatility: float
    rate: float


class Offer(NamedTuple):
    """What would be written after a close; the strike is that of the close."""

    strike: float
    expiry: int
    volatility: float
    is_synthetic: bool


# Black and Scholes.


def distances(right: Right, spot: float) -> tuple[float, float]:
    deviation = right.volatility * math.sqrt(right.years)
    forward = spot * math.exp(right.rate * right.years)
    d1 = math.log(forward / right.strike) / deviation + deviation / 2.0
    return d1, d1 - deviation


def worth(right: Right, spot: float) -> float:
    """Return the price per unit."""
    gain = max(spot - right.strike if right.call else right.strike - spot, 0.0)
    if right.years <= 0.0:
        return gain
    d1, d2 = distances(right, spot)
    discounted = right.strike * math.exp(-right.rate * right.years)
    if right.call:
        return max(spot * NORMAL.cdf(d1) - discounted * NORMAL.cdf(d2), gain)
    return max(discounted * NORMAL.cdf(-d2) - spot * NORMAL.cdf(-d1), gain)


def moves(right: Right, spot: float) -> tuple[float, float, float, float]:
    """Return delta, gamma, vega and theta a year."""
    if right.years <= 0.0:
        exercised = worth(right, spot) > 0.0
        return float(exercised if right.call else -exercised), 0.0, 0.0, 0.0
    d1, d2 = distances(right, spot)
    density, root = NORMAL.pdf(d1), math.sqrt(right.years)
    discounted = right.strike * math.exp(-right.rate * right.years)
    delta = NORMAL.cdf(d1) if right.call else NORMAL.cdf(d1) - 1.0
    carried = discounted * (NORMAL.cdf(d2) if right.call else -NORMAL.cdf(-d2))
    return (
        delta,
        density / (spot * right.volatility * root),
        spot * density * root,
        -spot * density * right.volatility / (2.0 * root) - right.rate * carried,
    )


# What is offered.


def overlay_of(bar: Bar, k: int, side: int) -> Overlay:
    """Return what a strategy writes on a side."""
    return bar.desk.opinions.overlay[k] if side > 0 else Overlay.NONE


def volatility(desk: Desk, t: int, s: int) -> tuple[float, bool]:
    """Return the volatility known at the close of bar t, and whether it is synthetic."""
    implied = desk.facts.iv[t][s]
    if not math.isnan(implied):
        return implied, False
    trailing = desk.facts.risk.deviation(t, s) * math.sqrt(252.0)
    return (trailing + desk.rules.options.volatility_premium if trailing > 0.0 else math.nan), True


def offer(bar: Bar, s: int, overlay: Overlay) -> Offer | None:
    """Return what would be written on a symbol after the close of bar t."""
    options, t = bar.rules.options, bar.t
    sigma, is_synthetic = volatility(bar.desk, t, s)
    close, day = bar.facts.close[t][s], bar.facts.day[t]
    expiry = first_expiry(day + options.min_days, options.expiries)
    if not (close > 0.0 and sigma > 0.0) or expiry - day > options.max_days:
        return None
    years = (expiry - day) / 365.0
    asked = options.delta if overlay == Overlay.COVERED_CALL else 1.0 - options.delta
    growth = (options.rate + sigma**2 / 2.0) * years
    strike = close * math.exp(growth - NORMAL.inv_cdf(asked) * sigma * math.sqrt(years))
    if options.strike_step > 0.0:
        step = largest_step(options.strike_step * close)
        strike = step * round(strike / step)
    if not strike > 0.0:
        return None
    d1, _ = distances(Right(True, strike, years, sigma, options.rate), close)
    if abs(NORMAL.cdf(d1) - asked) > options.delta_band:
        return None
    return Offer(strike, expiry, sigma, is_synthetic)


def strike_of_order(bar: Bar, k: int, s: int) -> float:
    """Return the strike of an order of bar t + 1, no number where nothing is offered."""
    found = offer(bar, s, bar.desk.opinions.overlay[k])
    return math.nan if found is None else found.strike / bar.facts.split[bar.t + 1][s]


def first_expiry(day: int, expiries: str) -> int:
    """Return the first day of expiry that is not before a day."""
    at = EPOCH + timedelta(days=day)
    while at.weekday() != FRIDAY or (expiries == "monthly" and not 15 <= at.day <= 21):
        at += timedelta(days=1)
    return (at - EPOCH).days


def largest_step(most: float) -> float:
    steps = [m * 10.0**n for n in range(-4, 7) for m in (1.0, 2.5, 5.0)]
    return max([step for step in steps if step <= most], default=steps[0])


# What is traded.


def right_of(bar: Bar, position: Position, u: int) -> Right:
    """Return what a position has written, as it stands at the close of bar u."""
    option = position.option
    assert option is not None
    years = (option.expiry - bar.facts.day[u]) / 365.0
    call = not position.is_put
    return Right(call, option.strike, years, option.volatility, bar.rules.options.rate)


def whole(units: float, multiplier: float) -> float:
    return float(math.floor(units / multiplier + FORGIVEN))


def in_whole_contracts(position: Position, units: float) -> float:
    """Return what of a reduction is done."""
    if position.overlay == Overlay.NONE:
        return units
    multiplier = NEW_MULTIPLIER if position.option is None else position.option.multiplier
    return whole(units, multiplier) * multiplier


def cost_of_options(bar: Bar, contracts: float, units: float, price: float) -> float:
    options = bar.rules.options
    return contracts * options.fee_per_contract + options.half_spread * price * units


def write(bar: Bar, position: Position, contracts: float) -> bool:
    """Write the option offered at bar t at the open of bar t + 1; return whether it pays."""
    found = offer(bar, position.symbol, position.overlay)
    assert found is not None
    spot = bar.facts.open[bar.t + 1][position.symbol]
    strike = found.strike / bar.facts.split[bar.t + 1][position.symbol]
    position.option = Option(
        contracts,
        NEW_MULTIPLIER,
        strike,
        found.expiry,
        found.volatility,
        found.is_synthetic,
        0.0,
        0.0,
    )
    price = worth(right_of(bar, position, bar.t), spot)
    units = position.option.units
    cost = cost_of_options(bar, contracts, units, price)
    if not price * units > cost + 1e-9 * strike * units:
        position.option = None
        return False
    position.option.premium = position.option.price = price
    bar.account.cash += units * price - cost
    position.realised += units * price
    position.costs += cost
    note(bar, position, -contracts, spot, (price, cost, Exit.NONE))
    return True


def buy(bar: Bar, position: Position, contracts: float, spot: float, reason: Exit) -> None:
    """Buy contracts back in bar t + 1."""
    option = position.option
    assert option is not None
    price = worth(right_of(bar, position, bar.t), spot)
    units = contracts * option.multiplier
    cost = cost_of_options(bar, contracts, units, price)
    bar.account.cash -= units * price + cost
    position.realised -= units * price
    position.costs += cost
    note(bar, position, contracts, spot, (price, cost, reason))
    option.contracts -= contracts
    if option.contracts <= 0.0:
        position.option = None
        position.writes_from = bar.t + 2


def end(bar: Bar, position: Position, reason: Exit) -> Option:
    """Let an option end between bar t and bar t + 1, for nothing; return it."""
    option = position.option
    assert option is not None
    note(bar, position, option.contracts, position.spot, (0.0, 0.0, reason))
    position.option = None
    position.writes_from = bar.t + 1
    return option


def note(
    bar: Bar,
    position: Position,
    contracts: float,
    spot: float,
    fill: tuple[float, float, Exit],
) -> None:
    """Write a row of the ledger: (price, cost, reason)."""
    option = position.option
    assert option is not None
    price, cost, reason = fill
    delta, gamma, vega, theta = moves(right_of(bar, position, bar.t), spot)
    bar.account.options.append(
        OptionFill(
            bar=bar.t + 1,
            symbol=position.symbol,
            strategy=position.strategy,
            overlay=position.overlay,
            contracts=contracts,
            multiplier=option.multiplier,
            strike=option.strike,
            expiry=option.expiry,
            reason=reason,
            spot=spot,
            volatility=option.volatility,
            is_synthetic=option.is_synthetic,
            price=price,
            cost=cost,
            delta=delta,
            gamma=gamma,
            vega=vega,
            theta=theta,
        )
    )


def cover(bar: Bar, position: Position, left: float, spot: float, reason: Exit) -> None:
    """Buy back the calls that would lie on nothing once so many units are left."""
    option = position.option
    if option is not None and not position.is_put:
        bare = option.contracts - whole(left, option.multiplier)
        if bare > 0.0:
            buy(bar, position, bare, spot, reason)


def mark_options(bar: Bar) -> None:
    """Give every option its price at the close of bar t + 1."""
    u = bar.t + 1
    for position in bar.account.positions:
        option = position.option
        if option is not None:
            known, is_synthetic = volatility(bar.desk, u, position.symbol)
            if known > 0.0:
                option.volatility, option.is_synthetic = known, is_synthetic
            option.price = worth(right_of(bar, position, u), position.spot)
