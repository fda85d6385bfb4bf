"""Cash-secured put: sells puts on a symbol that is quiet or a little down, with the cash to buy it.

Makes money while the price stays above the strike: the premium is earned, and more so where
options imply more movement than there is. If the price falls below, the shares are bought at the
strike and are an ordinary long of this strategy from then on. Loses in falls, as much as a holder
from the strike down but for the premium, and has no part in a rise. By put-call parity it is a
covered call at the same strike. Source: Bondarenko, An Analysis of Index Option Writing with
Monthly and Weekly Rollover, 2016, on the CBOE PutWrite index, whose puts are at the money and
secured by treasury bills.

A contract is on 100 units, and their price at the strike is tied up as if it had been paid.
"""

from dataclasses import dataclass
from typing import ClassVar

from benbot.envs.signals import Overlay
from benbot.strategies.base import parameter
from benbot.strategies.premium import PremiumSeller


@dataclass(frozen=True, kw_only=True)
class CashSecuredPut(PremiumSeller):
    rule = "cash_secured_put"
    overlay: ClassVar[Overlay] = Overlay.SECURED_PUT

    best: float = parameter(
        -0.25, low=-2.0, high=2.0, meaning="trend that suits best, in deviations of a random walk"
    )
