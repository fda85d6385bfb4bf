"""Covered call: holds a symbol that is quiet or rises a little, and sells calls on it.

Makes money while the price stands still or climbs slowly: the premium is earned, and more so where
options imply more movement than there is. Loses in falls, against which the premium is a small
cushion, and misses most of a strong rise, because the shares are called away at the strike. So it
has less volatility than the shares and its gains are capped. Source: Whaley, Return and Risk of
CBOE Buy Write Monthly Index, Journal of Derivatives, 2002; Israelov and Nielsen, Covered Calls
Uncovered, Financial Analysts Journal, 2015, who part its return into that of the shares, a bet on
reversals, and the premium of implied over realised volatility.

A contract is on 100 units, so an account whose position cap is a tenth of its equity needs a
thousand times the price of a symbol to write one.
"""

from dataclasses import dataclass
from typing import ClassVar

from benbot.envs.signals import Overlay
from benbot.strategies.premium import PremiumSeller


@dataclass(frozen=True, kw_only=True)
class CoveredCall(PremiumSeller):
    rule = "covered_call"
    overlay: ClassVar[Overlay] = Overlay.COVERED_CALL
