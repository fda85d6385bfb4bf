"""Which call and which put would be written after each close: expiry, strike and volatility.

All from what is known at that close. Days are counted from 1970-01-01; that of a bar is the day on
which its session began.
"""

from statistics import NormalDist

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray, RecordArray
from benbot.envs.desk.rules import DeskRules, Expiries, Options
from benbot.envs.desk.sizing import SESSIONS_PER_YEAR
from benbot.envs.desk.tape import OFFER
from benbot.envs.market.market import CALENDAR_DAYS_PER_YEAR, Market

FRIDAY, WEEK = 1, 7  # 1970-01-01 was a Thursday
THIRD = 14  # days from the first Friday of a month to the third
# All distances of two strikes that there are, as multiples of powers of ten.
STEPS = np.array([m * 10.0**n for n in range(-4, 7) for m in (1.0, 2.5, 5.0)])


def offers_of(market: Market, deviation: FloatArray, rules: DeskRules) -> RecordArray:
    """Return the records of OFFER (T, S); `deviation` (T, S) is that of a day, as sizes know it."""
    options = rules.options
    offers = np.zeros((market.n_bars, market.n_symbols), OFFER)
    day = market.days.astype(np.int64)
    expiry = next_expiry(day + options.min_days, options.expiries)
    offers["day"], offers["expiry"] = day[:, None], expiry[:, None]
    is_implied = market.iv > 0.0
    volatility = np.where(is_implied, market.iv, synthetic_volatility(deviation, options))
    offers["volatility"] = np.where(volatility > 0.0, volatility, np.nan)
    offers["is_synthetic"] = ~is_implied
    left = expiry - day
    years = np.where(left <= options.max_days, left, np.nan)[:, None] / CALENDAR_DAYS_PER_YEAR
    spot = market.close * market.unadjusted
    for name, above in (("call", options.delta), ("put", 1.0 - options.delta)):
        offers[name] = strikes(spot, offers["volatility"], years, above, options)
    return offers


def synthetic_volatility(deviation: FloatArray, options: Options) -> FloatArray:
    """Return the trailing volatility a year and the premium above it; NaN where unknown."""
    trailing: FloatArray = np.asarray(deviation, np.float64) * np.sqrt(SESSIONS_PER_YEAR)
    return np.where(trailing > 0.0, trailing + options.volatility_premium, np.nan)


def synthetic_note(fills: RecordArray, options: Options) -> tuple[str, ...]:
    """Return what a reader of these option fills must know, or nothing."""
    if not fills["is_synthetic"].any():
        return ()
    added = f"trailing volatility + {100.0 * options.volatility_premium:g} points a year"
    where = "" if fills["is_synthetic"].all() else ", where the market knows no implied one"
    return (f"option prices are synthetic: {added}{where}",)


def next_expiry(day: IntArray, expiries: Expiries) -> IntArray:
    """Return the first day of expiry on or after each day.

    Where that day has no session the options end at the last price before it, as they do in truth.
    """
    if expiries == "weekly":
        return day + (FRIDAY - day) % WEEK
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    this = _third_friday(month)
    return np.where(this >= day, this, _third_friday(month + 1))


def strikes(
    spot: FloatArray, volatility: FloatArray, years: FloatArray, above: float, options: Options
) -> FloatArray:
    """Return the strike (T, S) whose N(d1) is nearest to `above`; 0 where none is near enough.

    The delta of a call is N(d1), that of a put N(d1) - 1.
    """
    from scipy.special import ndtr

    deviation = volatility * np.sqrt(years)
    drift = (options.rate + 0.5 * volatility * volatility) * years
    exact = spot * np.exp(drift - NormalDist().inv_cdf(above) * deviation)
    strike = exact
    if options.strike_step > 0.0:
        step = strike_step(spot, options.strike_step)
        strike = step * np.rint(exact / step)
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = ndtr((np.log(spot / strike) + drift) / deviation)
        near = (strike > 0.0) & (np.abs(delta - above) <= options.delta_band)
    found: FloatArray = np.where(near, strike, 0.0)
    return found


def strike_step(spot: FloatArray, share: float) -> FloatArray:
    """Return the distance of two strikes: the largest of STEPS that is not above the share."""
    place = np.searchsorted(STEPS, np.nan_to_num(share * spot), side="right") - 1
    step: FloatArray = STEPS[np.clip(place, 0, STEPS.size - 1)]
    return step


def _third_friday(month: np.ndarray) -> IntArray:
    first = month.astype("datetime64[D]").astype(np.int64)
    return first + (FRIDAY - first) % WEEK + THIRD
