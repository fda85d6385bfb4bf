"""The rules of the desk: what a config may change, and the record that the kernel reads.

A fraction is a decimal: 0.01 is one percent.
"""

from typing import Any

import numpy as np
from pydantic import Field, model_validator

from benbot.envs.arrays import RecordArray
from benbot.envs.settings import Settings


class Sizing(Settings):
    """How large a position is."""

    risk_per_trade: float = Field(0.01, gt=0, le=0.1, description="equity lost at the stop")
    risk_per_diamond: float = Field(0.02, gt=0, le=0.2, description="the same for a diamond")
    position_cap: float = Field(0.10, gt=0, le=1, description="notional, fraction of equity")
    weight_cap: float = Field(3.0, ge=1, le=100, description="most that weight × K multiplies risk")
    no_trade_band: float = Field(
        0.25, ge=0, lt=1, description="a position follows its weight only beyond this change"
    )
    smallest_order: float = Field(100.0, ge=0, description="account currency; less is not traded")
    scale_low: float = Field(0.5, gt=0, le=1, description="size when losing")
    scale_high: float = Field(1.5, ge=1, le=5, description="size when winning")
    profit_factor_low: float = Field(0.5, ge=0, description="profit factor that counts as losing")
    profit_factor_high: float = Field(1.5, gt=0, description="profit factor that counts as winning")
    scale_after: int = Field(10, ge=1, description="round trips before size follows performance")
    scale_memory: float = Field(30.0, ge=1, description="round trips that the profit factor spans")

    @model_validator(mode="after")
    def _ordered(self) -> "Sizing":
        if not self.profit_factor_low < self.profit_factor_high:
            raise ValueError(
                f"profit_factor_low must lie below profit_factor_high, was "
                f"{self.profit_factor_low} and {self.profit_factor_high}"
            )
        return self


class Limits(Settings):
    """How much may be open, and how often."""

    max_positions: int = Field(10, ge=1, le=1000)
    daily_trades: int = Field(50, ge=0, description="fills that open or enlarge, per session")
    cash_buffer: float = Field(0.05, ge=0, lt=1, description="share of equity never invested")
    close_call: float = Field(
        0.8, gt=0, le=1, description="the weaker side's score, relative, that cancels both"
    )
    allow_short: bool = True


class PoorCapital(Settings):
    """What changes when the account is small."""

    below: float = Field(25_000.0, ge=0, description="equity, account currency")
    risk_per_trade: float = Field(0.007, gt=0, le=0.1)
    position_cap: float = Field(0.10, gt=0, le=1)
    open_risk: float = Field(0.015, gt=0, le=1, description="sum of what all stops would lose")
    daily_loss: float = Field(0.01, gt=0, lt=1)


class Breakers(Settings):
    """What halts trading."""

    drawdown: float = Field(0.05, gt=0, le=1, description="from the peak; 1 never trips")
    cooldown: int = Field(5, ge=1, description="sessions without entries after a drawdown")
    recovering_scale: float = Field(0.5, gt=0, le=1, description="size after the cool-down")
    recovered: float = Field(0.025, ge=0, lt=1, description="drawdown at which size is full again")
    daily_loss: float = Field(0.02, gt=0, le=1, description="of the day's first equity; 1 never")

    @model_validator(mode="after")
    def _can_recover(self) -> "Breakers":
        if not self.recovered < self.drawdown:
            raise ValueError(
                f"recovered must lie below drawdown, or the breaker trips again as soon as it is "
                f"released; was {self.recovered} and {self.drawdown}"
            )
        return self


class Costs(Settings):
    """What a trade pays; each a fraction of the notional unless said otherwise."""

    half_spread: float = Field(0.0002, ge=0, lt=0.1, description="where the market knows no spread")
    commission_rate: float = Field(0.0001, ge=0, lt=0.1)
    impact: float = Field(1.0, ge=0, description="Y in Y σ √(Q / ADV); σ daily, ADV in money")
    borrow_rate: float = Field(0.005, ge=0, lt=1, description="a year, on short notional")


class Exits(Settings):
    """When a position is closed."""

    trailing_multiple: float = Field(
        1.5, gt=0, description="trailing stop's distance, in initial stop distances"
    )
    time_stop: int = Field(63, ge=1, description="bars that a position is held")
    delisted_after: int = Field(
        10, ge=1, description="bars without a price after which the last one closes it"
    )


class ExpectedValue(Settings):
    """How the expected value of a candidate is learned from its strategy's round trips."""

    prior: float = Field(0.002, description="return on notional expected before any trade")
    shrinkage: float = Field(20.0, gt=0, description="round trips that the prior counts for")
    floor: float = Field(0.0001, gt=0, description="least value, so that weights still decide")


class DeskRules(Settings):
    """Every rule of the desk; the defaults are those of the product's design."""

    capital: float = Field(100_000.0, gt=0, description="what an account starts with")
    sizing: Sizing = Sizing()
    limits: Limits = Limits()
    value: ExpectedValue = ExpectedValue()
    poor: PoorCapital = PoorCapital()
    breakers: Breakers = Breakers()
    costs: Costs = Costs()
    exits: Exits = Exits()

    def record(self) -> RecordArray:
        """Return the rules as a record array (1,) whose fields are called `section_field`."""
        values = dict(_flat(self.model_dump()))
        dtype = np.dtype([(name, _kind(value)) for name, value in values.items()], align=True)
        return np.array([tuple(values.values())], dtype)

    def without_breakers(self) -> "DeskRules":
        """Return the same rules for an account that nothing halts and that is never poor.

        A sleeve measures its strategy; a breaker would silence the measurement.
        """
        return self.model_copy(
            update={
                "breakers": self.breakers.model_copy(update={"drawdown": 1.0, "daily_loss": 1.0}),
                "poor": self.poor.model_copy(update={"below": 0.0}),
            }
        )


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    flat: list[tuple[str, float]] = []
    for name, value in tree.items():
        flat += (
            _flat(value, f"{prefix}{name}_")
            if isinstance(value, dict)
            else [(f"{prefix}{name}", value)]
        )
    return flat


def _kind(value: float) -> type:
    return np.int64 if isinstance(value, int) else np.float64  # a bool is an int here, too
