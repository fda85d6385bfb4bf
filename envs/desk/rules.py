"""The rules of the desk: what a config may change, and the record that the kernel reads.

A fraction is a decimal: 0.01 is one percent.
"""

from typing import Any, Literal, get_args

import numpy as np
from pydantic import Field, model_validator

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.execution import Style, fill_model
from benbot.envs.desk.portfolio import PortfolioSettings
from benbot.envs.desk.risk import RiskSettings
from benbot.envs.settings import Settings

SizingMethod = Literal["risk", "volatility", "kelly"]
Expiries = Literal["monthly", "weekly"]
SIZING_METHODS: tuple[SizingMethod, ...] = get_args(SizingMethod)


class Sizing(Settings):
    """How large a position is."""

    method: SizingMethod = Field(
        "risk",
        description="risk: by the distance of the stop; volatility: by that of the symbol; kelly: "
        "by expected value over variance",
    )
    risk_per_trade: float = Field(0.01, gt=0, le=0.1, description="equity lost at the stop")
    risk_per_diamond: float = Field(0.02, gt=0, le=0.2, description="the same for a diamond")
    volatility_per_trade: float = Field(
        0.02, gt=0, le=1, description="a year, of equity, that one position adds on its own"
    )
    kelly_fraction: float = Field(0.25, gt=0, le=1, description="of what Kelly would bet")
    kelly_deviation: float = Field(
        0.05, gt=0, le=1, description="of a round trip's return, before there is a record"
    )
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
    """How much may be open, and how often; notional as a fraction of equity."""

    max_positions: int = Field(10, ge=1, le=1000)
    daily_trades: int = Field(50, ge=0, description="fills that open or enlarge, per session")
    cash_buffer: float = Field(0.05, ge=0, lt=1, description="share of equity never invested")
    close_call: float = Field(
        0.8, gt=0, le=1, description="the weaker side's score, relative, that cancels both"
    )
    allow_short: bool = True
    short_margin: float = Field(
        0.5, gt=0, le=2, description="cash that a short position ties up, of its notional"
    )
    gross: float = Field(1.5, gt=0, le=10, description="longs plus shorts")
    net: float = Field(1.0, gt=0, le=10, description="longs less shorts, either sign")
    sector: float = Field(0.30, gt=0, le=10, description="longs plus shorts of a known sector")
    strategy: float = Field(1.0, gt=0, le=10, description="longs plus shorts of one strategy")
    beta: float = Field(
        1.5, gt=0, le=100, description="exposure to the universe, either sign; 100 is no limit"
    )


class Gates(Settings):
    """What a candidate must pass beside the limits."""

    stress: bool = Field(
        True, description="no new longs in a bear market of high volatility, but for who means to"
    )
    correlation: float = Field(
        0.75, gt=0, le=1, description="with a held position, sides counted; 1 lets everything pass"
    )
    var: float = Field(
        0.03,
        gt=0,
        le=1,
        description="value at risk of the account, 95 %, one day, of equity; 1: any",
    )
    participation: float = Field(
        0.05,
        gt=0,
        le=1,
        description="notional of an order, of the average daily value traded; 1: any",
    )
    spread: float = Field(0.005, gt=0, le=1, description="quoted, of the price")
    age: float = Field(0.0, ge=0, description="bars since the symbol's last price")
    borrow_rate: float = Field(
        0.25, ge=0, description="yearly fee beyond which nothing is sold short"
    )
    memory: float = Field(0.94, gt=0, lt=1, description="decay a session of the covariances")
    beta_memory: float = Field(0.98, gt=0, lt=1, description="decay a session of the betas")
    min_sessions: int = Field(
        20, ge=2, le=1000, description="returns before a covariance or a beta is known"
    )
    refresh: int = Field(
        1, ge=1, le=1000, description="sessions between two refreshes of the covariances"
    )

    @property
    def risk(self) -> RiskSettings:
        """What the covariances and betas are computed with."""
        return RiskSettings(self.memory, self.beta_memory, self.min_sessions, self.refresh)


class DayTrading(Settings):
    """The pattern-day-trader rule of FINRA 4210 as it stood until 2026; off unless asked for."""

    enabled: bool = False
    below: float = Field(25_000.0, ge=0, description="equity, account currency")
    day_trades: int = Field(
        3, ge=0, description="round trips within a session, in five sessions, that are allowed"
    )


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

    api_failures: int = Field(3, ge=1, description="calls of the venue that failed in a row")
    stale_quotes: int = Field(3, ge=1, description="symbols whose quotes are too old, at once")

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
    spread: Literal["fixed", "estimated"] = Field(
        "fixed", description="where the market knows none: half_spread, or estimated from prices"
    )
    commission_rate: float = Field(0.0001, ge=0, lt=0.1)
    commission_per_unit: float = Field(0.0, ge=0, description="account currency")
    commission_per_order: float = Field(0.0, ge=0, description="account currency")
    commission_minimum: float = Field(0.0, ge=0, description="account currency, an order")
    impact: float = Field(1.0, ge=0, description="Y in Y σ √(Q / ADV); σ daily, ADV in money")
    participation: float = Field(
        0.10, gt=0, le=1, description="share of a bar's traded value that a fill may take"
    )
    borrow_rate: float = Field(
        0.005, ge=0, lt=1, description="a year, on short notional, where the market knows none"
    )


class Execution(Settings):
    """How orders become fills."""

    style: Style = Field("open", description="of orders beyond `large`; all others fill at once")
    slices: int = Field(8, ge=1, le=1000, description="parts of such an order, over one bar")
    urgency: float = Field(1.0, ge=0, le=100, description="κT of the Almgren-Chriss schedule")
    large: float = Field(0.01, ge=0, description="of the average daily value traded")
    lot: float = Field(0.0, ge=0, description="units are whole multiples of it; 0: any number")
    tick: float = Field(
        0.0, ge=0, description="stops and targets are multiples of it, a hundredth below 1; 0: any"
    )


class Exits(Settings):
    """When a position is closed."""

    trailing_multiple: float = Field(
        1.5, gt=0, description="trailing stop's distance, in initial stop distances"
    )
    target: float = Field(
        0.0, ge=0, description="profit at which it is closed, in initial stop distances; 0: never"
    )
    partial: float = Field(
        0.0, ge=0, description="profit at which a share is closed, likewise; 0: never"
    )
    partial_share: float = Field(0.5, gt=0, lt=1, description="of the position, closed at partial")
    time_stop: int = Field(63, ge=1, description="bars that a position is held")
    diamond_time_stop: int = Field(5, ge=1, description="the same for a diamond")
    delisted_after: int = Field(
        10, ge=1, description="bars without a price after which the last one closes it"
    )

    @model_validator(mode="after")
    def _partial_first(self) -> "Exits":
        if 0.0 < self.target <= self.partial:
            raise ValueError(
                f"partial must lie below target, or nothing is left to close there; was "
                f"{self.partial} and {self.target}"
            )
        return self


class Options(Settings):
    """Which options are written, what they cost, and when they are bought back."""

    delta: float = Field(0.30, gt=0, lt=1, description="of what is written, without its sign")
    delta_band: float = Field(0.10, gt=0, lt=1, description="most that the strike's delta is off")
    min_days: int = Field(21, ge=1, le=3650, description="to expiry, calendar days")
    max_days: int = Field(45, ge=1, le=3650, description="to expiry, calendar days")
    expiries: Expiries = Field(
        "monthly", description="on the third Friday of a month, or on every Friday: weekly"
    )
    strike_step: float = Field(
        0.01,
        ge=0,
        le=0.2,
        description="strikes are multiples of 1, 2.5 or 5 times a power of ten, the largest that "
        "is not above this fraction of the price; 0: any strike",
    )
    volatility_premium: float = Field(
        0.02,
        ge=0,
        lt=1,
        description="a year, that a synthetic implied volatility lies above the trailing one",
    )
    rate: float = Field(0.02, ge=-0.1, le=0.5, description="risk-free, a year, continuous")
    fee_per_contract: float = Field(0.65, ge=0, description="account currency, each way")
    half_spread: float = Field(0.02, ge=0, lt=1, description="of an option, of its price")
    take_profit: float = Field(
        0.5, gt=0, le=1, description="share of the premium at which it is bought back; 1: never"
    )
    close_days: int = Field(
        6, ge=0, le=3650, description="to expiry, at which it is bought back; 0: never"
    )

    @model_validator(mode="after")
    def _days_in_order(self) -> "Options":
        if not self.close_days < self.min_days <= self.max_days:
            raise ValueError(
                f"need close_days below min_days and min_days up to max_days, or an option is "
                f"bought back as soon as it is written; was {self.close_days}, {self.min_days} and "
                f"{self.max_days}"
            )
        return self


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
    gates: Gates = Gates()
    portfolio: PortfolioSettings = PortfolioSettings()
    execution: Execution = Execution()
    day_trading: DayTrading = DayTrading()
    value: ExpectedValue = ExpectedValue()
    poor: PoorCapital = PoorCapital()
    breakers: Breakers = Breakers()
    costs: Costs = Costs()
    exits: Exits = Exits()
    options: Options = Options()

    def record(self) -> RecordArray:
        """Return the rules as a record array (1,) whose fields are called `section_field`.

        A choice by name is its number; the execution style is the three numbers that it means. What
        only the tape is made with, as the source of spreads, is not among them.
        """
        elsewhere: dict[str, Any] = {
            **{"portfolio": True, "execution": {"style"}, "costs": {"spread"}},
            "options": {"expiries"},
        }
        values = dict(_flat(self.model_dump(exclude=elsewhere)))
        values["sizing_method"] = SIZING_METHODS.index(self.sizing.method)
        execution = self.execution
        model = fill_model(execution.style, execution.slices, execution.urgency)
        for name, value in model._asdict().items():
            values[f"execution_{name}"] = value
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
                "day_trading": self.day_trading.model_copy(update={"enabled": False}),
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


RULES = DeskRules().record().dtype
