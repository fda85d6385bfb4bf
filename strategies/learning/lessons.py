"""All lessons together: what the strategies said becomes what the desk hears.

T bars, K strategies, S symbols. A multiplier of confidence that several methods agree on is their
product, and stays within the same bounds as that of one. Row t is made of what was said at the
close of t and of trades that were closed by then, so the lessons of a market cut after t bars are
the first t rows of these: in paper trading the same call is made with the history so far. With all
methods off, and for a strategy that has not traded, everything is as it was said.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market
from benbot.envs.market.regime import DEFAULT, RegimeSettings
from benbot.envs.signals import Signals
from benbot.strategies.learning.affinity import affinity_multiplier
from benbot.strategies.learning.bounds import bounded
from benbot.strategies.learning.calibration import calibration_multiplier
from benbot.strategies.learning.expectation import expectation_multiplier
from benbot.strategies.learning.experience import Experience, live_through
from benbot.strategies.learning.news_patterns import news_multiplier
from benbot.strategies.learning.settings import LearningSettings
from benbot.strategies.learning.stops import scaled, stop_multiplier

Method = Callable[[Experience, LearningSettings], FloatArray]
# By the name of its switch, what multiplies confidence, [T, K, S].
OF_CONFIDENCE: Mapping[str, Method] = MappingProxyType(
    {
        "calibration": calibration_multiplier,
        "expected_value": expectation_multiplier,
        "affinity": affinity_multiplier,
        "news": news_multiplier,
    }
)


def taught(
    market: Market,
    signals: Signals,
    settings: LearningSettings,
    rules: DeskRules,
    regime: RegimeSettings = DEFAULT,
) -> Signals:
    """Return what the desk hears, once the lessons of the settings have been drawn."""
    if not settings.changes:
        return signals
    return learned(live_through(market, signals, rules, regime), settings)


def learned(experience: Experience, settings: LearningSettings) -> Signals:
    """Return the signals of an experience as the lessons change them."""
    signals = experience.signals
    stated, stop = signals.confidence, signals.stop_distance
    if settings.changes_confidence:
        surer = np.minimum(confidence_multiplier(experience, settings) * stated, 1.0)
        stated = surer.astype(np.float32)
    if settings.stops:
        stop = scaled(stop, stop_multiplier(experience, settings)[:, :, None])
    return replace(signals, confidence=stated, stop_distance=stop)


def confidence_multiplier(experience: Experience, settings: LearningSettings) -> FloatArray:
    """Return the product of the multipliers that are on, bounded, [T, K, S]."""
    product = np.ones(experience.shape)
    for name, method in OF_CONFIDENCE.items():
        if getattr(settings, name):
            product *= method(experience, settings)
    return bounded(product)
