"""What is asked, answered and ordered within one bar.

notional   account currency, positive
units      signed; negative sells
"""

from typing import NamedTuple


class Ask(NamedTuple):
    """What somebody wants from the gates at a close."""

    symbol: int
    strategy: int
    side: float  # +1 long, -1 short
    wanted: float  # notional, account currency, positive
    price: float  # at which it is decided: the last close, re-based
    stop: float  # distance, fraction of the price
    enlarges: bool  # a position that is held already


class Answer(NamedTuple):
    """What the gates allow of it."""

    allowed: float  # notional
    units: float  # the same, rounded to lots and signed
    verdict: int  # `Verdict`
    limit: int  # `Verdict` of the gate that ran short, PASSED where none did


class Order(NamedTuple):
    """A position to open."""

    symbol: int
    strategy: int
    units: float  # negative sells short
    base_units: float  # at a weight of 1 / K, positive
    stop: float  # fraction of the fill price


class Leave(NamedTuple):
    """A position, or a share of it, to close."""

    share: float
    price: float
    reason: int  # `Exit`
    impact: float  # factor of the style in which it is done


class Wish(NamedTuple):
    """A fill that is wanted in a bar."""

    symbol: int
    strategy: int  # owner of the position
    reason: int  # `Exit`; NONE opens or enlarges a position
    units: float  # bought; negative is sold
    price: float  # at which the rules let it fill
    impact: float  # factor of the style in which it is done


class Deal(NamedTuple):
    """What became of it."""

    units: float  # of those wanted; 0: nothing
    price: float  # mean, before costs
    cost: float  # account currency
