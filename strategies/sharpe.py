"""How much a Sharpe ratio can be trusted: its error, the odds that it is above another, its length.

A ratio is mean over deviation of the returns of one bar, not annualised, unless a name says so. T
bars; skewness and kurtosis of the returns, kurtosis 3 for a normal distribution. Undefined is NaN.

Two forms of the probabilistic ratio are in use, and both are here by name. That of 2012 takes the
error at the ratio that was observed, over T - 1; that of 2025 the error under the ratio of the null
hypothesis, over T, as a test does.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import kurtosis, norm, skew

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter

EULER = 0.5772156649015329  # the constant of Euler and Mascheroni
FEWEST = 2


@dataclass(frozen=True)
class Track:
    """A Sharpe ratio with what its error depends on."""

    ratio: float
    n_bars: int
    skewness: float = 0.0
    kurtosis: float = 3.0


def track_of(returns: FloatArray) -> Track:
    """Return the track of the returns (T,) of single bars; NaN where they do not vary."""
    if returns.size < FEWEST:
        raise InvalidParameter(f"a track needs {FEWEST} returns or more, was {returns.size}")
    deviation = float(returns.std(ddof=1))
    if not deviation > 0.0:
        return Track(float("nan"), returns.size, float("nan"), float("nan"))
    ratio = float(returns.mean()) / deviation
    return Track(ratio, returns.size, float(skew(returns)), float(kurtosis(returns, fisher=False)))


def ratio_variance(track: Track, at: float) -> float:
    """Return the variance of √T times a Sharpe ratio whose true value is `at`.

    1 - γ3 SR + (γ4 - 1) / 4 SR²: Mertens (2002), after Lo (2002), Financial Analysts Journal 58;
    for normal returns it is 1 + SR² / 2.
    """
    return 1.0 - track.skewness * at + (track.kurtosis - 1.0) / 4.0 * at**2


def standard_error(track: Track) -> float:
    """Return the standard error of the ratio: Lo (2002) for normal returns, Mertens for others."""
    return float(np.sqrt(ratio_variance(track, track.ratio) / track.n_bars))


def annualisation(correlation: float, n_periods: int) -> float:
    """Return by what a ratio of one period is multiplied for one of `n_periods`.

    For returns of which each has this correlation with the next, its square with the one after,
    and so on: q / √(q + 2 Σ (q - k) ρ^k), Lo (2002); √q without any.
    """
    lag = np.arange(1, n_periods)
    together = float(((n_periods - lag) * correlation**lag).sum())
    return float(n_periods / np.sqrt(n_periods + 2.0 * together))


def probabilistic_2012(track: Track, benchmark: float = 0.0) -> float:
    """Return the probability that the true ratio is above the benchmark.

    Bailey and López de Prado (2012), Journal of Risk 15: Φ((SR - SR*) √(T - 1) / √V(SR)).
    """
    error = np.sqrt(ratio_variance(track, track.ratio) / (track.n_bars - 1))
    return float(norm.cdf((track.ratio - benchmark) / error))


def probabilistic_2025(track: Track, benchmark: float = 0.0) -> float:
    """Return one less the p-value of the null hypothesis that the true ratio is the benchmark.

    López de Prado, Lipton and Zoonekynd (2025): Φ((SR - SR0) √T / √V(SR0)).
    """
    error = np.sqrt(ratio_variance(track, benchmark) / track.n_bars)
    return float(norm.cdf((track.ratio - benchmark) / error))


def minimum_length_2012(track: Track, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Return the bars after which the probability of 2012 would reach the confidence.

    1 + V(SR) (z / (SR - SR*))²; infinite for a ratio that is not above the benchmark.
    """
    above = track.ratio - benchmark
    if not above > 0.0:
        return above if np.isnan(above) else float("inf")
    z = float(norm.ppf(confidence))
    return 1.0 + ratio_variance(track, track.ratio) * (z / above) ** 2


def minimum_length_2025(track: Track, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Return the same by the error of 2025: V(SR0) (z / (SR - SR0))²."""
    above = track.ratio - benchmark
    if not above > 0.0:
        return above if np.isnan(above) else float("inf")
    z = float(norm.ppf(confidence))
    return ratio_variance(track, benchmark) * (z / above) ** 2


def power(track: Track, alternative: float, benchmark: float = 0.0, level: float = 0.05) -> float:
    """Return how often a test of this level finds a true ratio of `alternative`.

    The test is that of 2025; under the alternative the error is that of the alternative.
    """
    z = float(norm.ppf(1.0 - level))
    critical = benchmark + z * np.sqrt(ratio_variance(track, benchmark) / track.n_bars)
    error = np.sqrt(ratio_variance(track, alternative) / track.n_bars)
    return float(norm.cdf((alternative - critical) / error))


def false_discovery_rate(level: float, share: float, found: float) -> float:
    """Return how many of the discoveries are none.

    `share` of all that is tested is real, and a test of this level finds `found` of it (its power).
    """
    wrong = level * (1.0 - share)
    return wrong / (wrong + found * share)


def expected_maximum(n_trials: float, deviation: float = 1.0) -> float:
    """Return the expected highest of `n_trials` ratios that are all 0 in truth.

    `deviation` is that of the ratios among the trials. (1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e)),
    γ of Euler: Bailey and López de Prado (2014), Journal of Portfolio Management 40. It is made for
    many trials, and 0 where it would be below, which is up to 1.28 of them.
    """
    if not n_trials >= 1.0:
        raise InvalidParameter(f"a number of trials must be 1 or more, was {n_trials}")
    if n_trials == 1.0:
        return 0.0
    first, second = norm.ppf(1.0 - 1.0 / n_trials), norm.ppf(1.0 - 1.0 / (n_trials * np.e))
    return float(deviation * max(0.0, (1.0 - EULER) * first + EULER * second))


def deflated(track: Track, n_trials: float, deviation: float) -> float:
    """Return the probability that the best of so many trials has a true ratio above 0.

    The probability of 2012 against the expected highest ratio of trials without any skill, whose
    ratios have this deviation: Bailey and López de Prado (2014).
    """
    return probabilistic_2012(track, expected_maximum(n_trials, deviation))


def minimum_years(n_trials: float, annual_ratio: float = 1.0) -> float:
    """Return the years of history within which the best of so many trials reaches a ratio by luck.

    (E[max] / SR)²: Bailey, Borwein, López de Prado and Zhu (2014), Notices of the AMS 61.
    """
    return (expected_maximum(n_trials) / annual_ratio) ** 2
