"""What is told of many returns from the sums of their powers: mean, deviation, Sharpe ratio, error.

A ratio is that of one trade or of one day, never annualised: how many trades a year would bring is
not known, and trades overlap. Undefined is NaN.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray

# A variance that is so small against the square of the mean is what rounding leaves of none.
ROUNDING = 1e-12


class Ratio(NamedTuple):
    """Of each group: mean, deviation (of a sample), Sharpe ratio and its standard error."""

    mean: FloatArray
    deviation: FloatArray
    sharpe: FloatArray
    error: FloatArray


def ratio_of(n: FloatArray, powers: FloatArray) -> Ratio:
    """Return the ratios of n (G,) returns whose first four powers sum up to `powers` (G, 4).

    The error is √((1 - γ3 SR + (γ4 - 1) / 4 SR²) / n), Mertens (2002); see `strategies.sharpe`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second, third, fourth = powers.T / n
        spread = second - first**2
        spread = np.where(spread > ROUNDING * second, spread, np.nan)
        skewness = (third - 3.0 * first * second + 2.0 * first**3) / spread**1.5
        high = fourth - 4.0 * first * third + 6.0 * first**2 * second - 3.0 * first**4
        kurtosis = high / spread**2
        deviation = np.sqrt(spread * n / (n - 1.0))
        sharpe = first / deviation
        variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
        error = np.sqrt(variance / n)
    single = ~(n > 1.0)
    for values in (deviation, sharpe, error):
        values[single | ~np.isfinite(values)] = np.nan
    return Ratio(np.where(n > 0.0, first, np.nan), deviation, sharpe, error)
