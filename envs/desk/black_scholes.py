"""The price of a European option and how it moves, after Black and Scholes; no dividend yield.

Black and Scholes, The Pricing of Options and Corporate Liabilities, Journal of Political Economy,
1973: a call is S N(d1) - K exp(-rτ) N(d2), with d1 = (ln(S / K) + (r + σ²/2) τ) / (σ √τ) and
d2 = d1 - σ √τ; the put is what parity makes of it.

price, strike   account currency per unit of what the option is on
volatility      a year, of log returns, σ
rate            a year, continuously compounded, r
years           until expiry, τ
"""

import math
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.compiled import compiled
from benbot.envs.errors import InvalidParameter

ROOT_TWO = math.sqrt(2.0)
NORMAL_PEAK = 1.0 / math.sqrt(2.0 * math.pi)
LEAST_VOLATILITY, MOST_VOLATILITY = 1e-6, 10.0  # between which an implied one is looked for
BISECTIONS = 80  # halvings of that range, after which it is narrower than a double can say


class Contract(NamedTuple):
    """What an option gives a right to, and what its price is made of."""

    is_call: bool
    spot: float  # price of what it is on
    strike: float
    years: float
    volatility: float
    rate: float


class Greeks(NamedTuple):
    """How the price of one option moves, per unit of what it is on."""

    delta: float  # with the spot
    gamma: float  # the delta with the spot
    vega: float  # with the volatility, for one whole unit of it
    theta: float  # with time, for one whole year


@compiled
def normal(x: float) -> float:
    """Return the probability that a standard normal number is below `x`."""
    return 0.5 * math.erfc(-x / ROOT_TWO)


@compiled
def first_distance(contract: Contract) -> float:
    """Return d1; infinite, or not a number, where nothing can move any more."""
    deviation = contract.volatility * np.sqrt(contract.years)
    drift = (contract.rate + 0.5 * contract.volatility * contract.volatility) * contract.years
    return (np.log(contract.spot / contract.strike) + drift) / deviation


@compiled
def intrinsic(contract: Contract) -> float:
    """Return what the right is worth at once."""
    gain = contract.spot - contract.strike
    return max(gain if contract.is_call else -gain, 0.0)


@compiled
def price(contract: Contract) -> float:
    """Return the price of the option: at expiry, and after it, exactly what the right is worth."""
    if not contract.years > 0.0:
        return intrinsic(contract)
    side = 1.0 if contract.is_call else -1.0
    d1 = first_distance(contract)
    d2 = d1 - contract.volatility * np.sqrt(contract.years)
    owed = contract.strike * np.exp(-contract.rate * contract.years)
    worth = side * (contract.spot * normal(side * d1) - owed * normal(side * d2))
    return max(worth, 0.0)  # rounding


@compiled
def american_price(contract: Contract) -> float:
    """Return the price of an option that may be exercised at any time: at least what that gains.

    What the right to wait is worth beyond that is neglected.
    """
    return max(price(contract), intrinsic(contract))


@compiled
def greeks(contract: Contract) -> Greeks:
    """Return the sensitivities of the option; at expiry it moves with the spot, or not at all."""
    side = 1.0 if contract.is_call else -1.0
    if not contract.years > 0.0:
        return Greeks(side if intrinsic(contract) > 0.0 else 0.0, 0.0, 0.0, 0.0)
    root = np.sqrt(contract.years)
    d1 = first_distance(contract)
    density = NORMAL_PEAK * np.exp(-0.5 * d1 * d1)
    owed = contract.strike * np.exp(-contract.rate * contract.years)
    interest = side * contract.rate * owed * normal(side * (d1 - contract.volatility * root))
    decay = contract.spot * density * contract.volatility / (2.0 * root)
    return Greeks(
        side * normal(side * d1),
        density / (contract.spot * contract.volatility * root),
        contract.spot * density * root,
        -decay - interest,
    )


def implied_volatility(prices: FloatArray, contract: Contract) -> FloatArray:
    """Return the volatility at which the option has each of these prices, by bisection.

    NaN where no volatility between a millionth and ten gives the price, as below what arbitrage
    allows. The contract's own volatility is not asked for; its numbers may be arrays like `prices`.
    """
    spot, strike, years = (
        np.broadcast_to(np.asarray(value, np.float64), prices.shape)
        for value in (contract.spot, contract.strike, contract.years)
    )
    if not (np.all(spot > 0.0) and np.all(strike > 0.0) and np.all(years > 0.0)):
        raise InvalidParameter(
            "an implied volatility needs a spot, a strike and a time to expiry above 0, was "
            f"{spot.min()}, {strike.min()} and {years.min()} at the least"
        )
    low = np.full(prices.shape, LEAST_VOLATILITY)
    high = np.full(prices.shape, MOST_VOLATILITY)
    least, most = (_prices_at(contract, volatility) for volatility in (low, high))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        is_dear = _prices_at(contract, middle) > prices
        low, high = np.where(is_dear, low, middle), np.where(is_dear, middle, high)
    found: FloatArray = np.where((prices > least) & (prices < most), 0.5 * (low + high), np.nan)
    return found


def _prices_at(contract: Contract, volatility: FloatArray) -> FloatArray:
    from scipy.special import ndtr

    side = 1.0 if contract.is_call else -1.0
    spot, strike = np.asarray(contract.spot), np.asarray(contract.strike)
    deviation = volatility * np.sqrt(contract.years)
    forward = spot * np.exp(np.asarray(contract.rate) * contract.years)
    d1 = np.log(forward / strike) / deviation + 0.5 * deviation
    owed = strike * np.exp(-np.asarray(contract.rate) * contract.years)
    prices: FloatArray = side * (spot * ndtr(side * d1) - owed * ndtr(side * (d1 - deviation)))
    return prices
