"""How a large order is cut into slices, and what the slices cost.

N intervals of equal length; holdings (N+1,) are what is left to trade at the start, after the first
interval, and so on, from the whole order to nothing.

units        signed: positive is to be sold, negative to be bought; costs are alike for both
time         in days, or in any other unit that all parameters share
cost         account currency, positive; against the price at which the order was decided
share        part of an order or of a bar, in [0, 1]
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter, UnknownName

Style = Literal["open", "twap", "vwap", "almgren_chriss"]
STYLES: tuple[Style, ...] = get_args(Style)
STRAIGHT = 1e-6  # an urgency below this bends the schedule by less than rounding does


@dataclass(frozen=True)
class AlmgrenChriss:
    """A market in which prices move by themselves and give way to whoever trades.

    A price takes a random step of `volatility`, and is moved for good by `permanent` a unit. A
    trade itself pays `half_spread` and `temporary` x its speed. Almgren and Chriss, Optimal
    Execution of Portfolio Transactions, Journal of Risk 3, 2001.
    """

    volatility: float  # currency per unit and √time
    half_spread: float  # currency per unit; epsilon in the paper
    permanent: float  # currency per unit, for each unit traded; gamma
    temporary: float  # currency per unit, for each unit per time; eta
    risk_aversion: float  # 1 / currency, cost that one unit of variance is worth; lambda
    horizon: float  # time until the order must be done
    n_intervals: int

    def __post_init__(self) -> None:
        for name in ("volatility", "half_spread", "permanent", "risk_aversion"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise InvalidParameter(f"{name} must be finite and >= 0, was {getattr(self, name)}")
        if not (0.0 < self.horizon < math.inf and self.n_intervals >= 1):
            raise InvalidParameter(
                "need a horizon above 0 and at least one interval, "
                f"was {self.horizon} and {self.n_intervals}"
            )
        if not 0.0 < self.net_temporary < math.inf:
            raise InvalidParameter(
                "temporary must be above permanent x interval / 2, or trading faster would cost "
                f"less; was {self.temporary} with {self.permanent * self.interval / 2.0}. Take "
                "more intervals"
            )

    @property
    def interval(self) -> float:
        """Length of an interval, in time."""
        return self.horizon / self.n_intervals

    @property
    def net_temporary(self) -> float:
        """Temporary impact less what permanent impact has counted already; eta with a tilde."""
        return self.temporary - self.permanent * self.interval / 2.0

    @property
    def kappa_squared(self) -> float:
        """Variance that is worth avoiding over the cost of avoiding it; kappa with a tilde, ²."""
        return self.risk_aversion * self.volatility**2 / self.net_temporary

    @property
    def kappa(self) -> float:
        """Rate at which the best schedule sells, 1 / time; 2 (cosh(κτ) - 1) = κ~² τ²."""
        # The half-angle form keeps its digits where κτ is small and arccosh would lose them.
        return 2.0 * math.asinh(math.sqrt(self.kappa_squared) * self.interval / 2.0) / self.interval


class Frontier(NamedTuple):
    """The best schedules for several risk aversions.

    expected    (A,)  cost
    deviation   (A,)  of the cost
    """

    expected: FloatArray
    deviation: FloatArray


class FillModel(NamedTuple):
    """What a style of execution does within one bar, to the price and to the impact.

    Mean price: see `mean_price`. Impact: that of the whole order at once, times `impact_factor`.
    """

    drift_share: float  # of the way from open to close that the price has gone when it trades
    typical_share: float  # of the mean price that is the typical price instead
    impact_factor: float  # in (0, 1]


def almgren_chriss_holdings(units: float, parameters: AlmgrenChriss) -> FloatArray:
    """Return the holdings (N+1,) that have the least cost + risk aversion x variance.

    x_j = X sinh(κ (T - t_j)) / sinh(κ T).
    """
    urgency = parameters.kappa * parameters.horizon
    return units * _remaining(urgency, parameters.n_intervals)


def twap_holdings(units: float, n_intervals: int) -> FloatArray:
    """Return the holdings (N+1,) of equal slices: the mean price is the average over time."""
    if n_intervals < 1:
        raise InvalidParameter(f"need at least one interval, was {n_intervals}")
    return units * _remaining(0.0, n_intervals)


def vwap_holdings(units: float, volume_profile: FloatArray) -> FloatArray:
    """Return the holdings (N+1,) of slices in proportion to the volume expected in each interval.

    `volume_profile` (N,) in any unit. Where the volume comes as expected, the mean price is the
    average over volume.
    """
    total = volume_profile.sum()
    if not ((volume_profile >= 0.0).all() and 0.0 < total < math.inf):
        raise InvalidParameter(
            "a volume profile must be finite, nowhere negative and somewhere positive, "
            f"was {volume_profile}"
        )
    left: FloatArray = 1.0 - np.concatenate([[0.0], np.cumsum(volume_profile)]) / total
    left[-1] = 0.0
    return units * left


def expected_cost(holdings: FloatArray, parameters: AlmgrenChriss) -> float:
    """Return what the schedule is expected to cost.

    ε sum|n| + γ X² / 2 + η~ / τ sum n², with n what each interval trades.
    """
    trades = _trades(holdings, parameters)
    spread = parameters.half_spread * float(np.abs(trades).sum())
    permanent = parameters.permanent * float(holdings[0]) ** 2 / 2.0
    return (
        spread + permanent + parameters.net_temporary / parameters.interval * float(trades @ trades)
    )


def cost_deviation(holdings: FloatArray, parameters: AlmgrenChriss) -> float:
    """Return the standard deviation of the cost, σ √(τ sum x²) over what is left each time."""
    _trades(holdings, parameters)
    left = holdings[1:]
    return parameters.volatility * math.sqrt(parameters.interval * float(left @ left))


def efficient_frontier(
    units: float, parameters: AlmgrenChriss, risk_aversions: FloatArray
) -> Frontier:
    """Return cost and deviation of the best schedule for each risk aversion (A,)."""
    expected, deviation = np.empty((2, risk_aversions.size))
    for a, aversion in enumerate(risk_aversions):
        changed = replace(parameters, risk_aversion=float(aversion))
        holdings = almgren_chriss_holdings(units, changed)
        expected[a] = expected_cost(holdings, changed)
        deviation[a] = cost_deviation(holdings, changed)
    return Frontier(expected, deviation)


def fill_model(style: Style, slices: int, urgency: float) -> FillModel:
    """Return what executing in this style means within one bar.

    The bar is `slices` = n equal intervals of which the i-th trades the share w_i of the order, and
    the price is taken to go straight from open to close, for nothing more is known of it:

    open             everything at the open
    twap             w_i = 1/n
    vwap             w_i = the share of the bar's volume; the mean price is the typical price
    almgren_chriss   w_i = (sinh(u (n-i+1)/n) - sinh(u (n-i)/n)) / sinh(u) with u = `urgency` = κT;
                     twap for 0, everything in the first interval for infinity

    A slice trades at the middle of its interval, so drift_share = sum w_i (i - 1/2) / n. Its impact
    is that of the square-root law with the volatility σ/√n and the volume V/n of an interval,
    Y σ/√n √(w_i Q / (V/n)) = Y σ √(Q/V) √w_i, and the whole order pays the mean over its units:
    impact_factor = sum w_i^(3/2). Slices in proportion to volume have w_i Q / v_i = Q / V, hence
    1/√n as for twap.

    The law forgets each slice before the next. Impact that lingers makes slicing worth less than
    this, so many slices flatter a style: the factor falls without end as n grows.
    """
    if style not in STYLES:
        raise UnknownName(f"an execution style is one of {', '.join(STYLES)}, was {style!r}")
    if not (slices >= 1 and 0.0 <= urgency < math.inf):
        raise InvalidParameter(
            f"need slices >= 1 and a finite urgency >= 0, was {slices} and {urgency}"
        )
    if style == "open":
        return FillModel(drift_share=0.0, typical_share=0.0, impact_factor=1.0)
    if style == "vwap":
        return FillModel(0.0, typical_share=1.0, impact_factor=1.0 / math.sqrt(slices))
    weights = -np.diff(_remaining(urgency if style == "almgren_chriss" else 0.0, slices))
    middles = (np.arange(slices) + 0.5) / slices
    return FillModel(
        drift_share=float(weights @ middles),
        typical_share=0.0,
        impact_factor=float((weights**1.5).sum()),
    )


def mean_price(model: FillModel, prices: tuple[float, float, float, float]) -> float:
    """Return the mean price before costs of a bar with (open, high, low, close).

    Always within the bar's range.
    """
    start, high, low, close = prices
    path = start + (close - start) * model.drift_share
    typical = (high + low + close) / 3.0
    price = path + (typical - path) * model.typical_share
    return min(max(price, low), high)  # rounding


def _remaining(urgency: float, n: int) -> FloatArray:
    """Return sinh(u (1 - j/n)) / sinh(u) for j = 0 … n, without overflow."""
    left = 1.0 - np.arange(n + 1) / n
    if urgency < STRAIGHT:
        return left
    shares: FloatArray = np.exp(urgency * (left - 1.0)) * np.expm1(-2.0 * urgency * left)
    return shares / math.expm1(-2.0 * urgency)


def _trades(holdings: FloatArray, parameters: AlmgrenChriss) -> FloatArray:
    """Return what each interval trades, (N,)."""
    if holdings.shape != (parameters.n_intervals + 1,) or not abs(holdings[-1]) == 0.0:
        raise InvalidParameter(
            f"holdings must have {parameters.n_intervals + 1} entries, of which the last is 0, "
            f"was {holdings}"
        )
    trades: FloatArray = -np.diff(holdings)
    return trades
