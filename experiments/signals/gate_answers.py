"""What each answer of the gates means in words, and which settings decide it.

A setting is named as the command line takes it: `desk.limits.max_positions=20`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from benbot.envs.desk.reasons import Verdict
from benbot.envs.settings import Settings


class Meaning(NamedTuple):
    """What a verdict says, and the settings that govern it; none where nothing can be set."""

    words: str
    settings: tuple[str, ...] = ()


MEANINGS: Mapping[Verdict, Meaning] = MappingProxyType(
    {
        Verdict.PASSED: Meaning("ordered as wanted"),
        Verdict.CLIPPED: Meaning("ordered, but smaller than wanted"),
        Verdict.HALTED: Meaning(
            "a breaker is on, so nothing is opened",
            ("desk.breakers.drawdown", "desk.breakers.cooldown", "desk.breakers.daily_loss"),
        ),
        Verdict.UNKNOWN_REGIME: Meaning(
            "the market is too young to have a regime",
            ("regime.trend_window", "regime.volatility_window", "regime.volatility_history"),
        ),
        Verdict.DAILY_TRADES: Meaning(
            "the day's number of trades is used up", ("desk.limits.daily_trades",)
        ),
        Verdict.DAY_TRADING: Meaning(
            "a small account has made as many day trades as it may",
            ("desk.day_trading.enabled", "desk.day_trading.below", "desk.day_trading.day_trades"),
        ),
        Verdict.CAPACITY: Meaning(
            "as many positions are open as may be", ("desk.limits.max_positions",)
        ),
        Verdict.CAPITAL: Meaning(
            "there is no cash left for it above what must stay cash",
            ("desk.limits.cash_buffer", "desk.limits.short_margin"),
        ),
        Verdict.CLOSE_CALL: Meaning(
            "the opposite side scored nearly as much, so both were cancelled",
            ("desk.limits.close_call",),
        ),
        Verdict.DUPLICATE: Meaning("the symbol is held already"),
        Verdict.NOT_TRADABLE: Meaning(
            "at the bar that would fill the order there was no price, or nobody to trade with",
            ("desk.costs.participation",),
        ),
        Verdict.BAD_NUMBER: Meaning(
            "a price, a stop or a size was not a number", ("desk.sizing.method",)
        ),
        Verdict.SYMBOL_HALTED: Meaning("the symbol is halted"),
        Verdict.STALE: Meaning("its last price is too old", ("desk.gates.age",)),
        Verdict.SPREAD: Meaning(
            "it is quoted too wide", ("desk.gates.spread", "desk.costs.half_spread")
        ),
        Verdict.STRESS: Meaning(
            "no new longs in a bear market of high volatility", ("desk.gates.stress",)
        ),
        Verdict.BORROW: Meaning(
            "it cannot be borrowed, or is too dear",
            ("desk.gates.borrow_rate", "desk.costs.borrow_rate"),
        ),
        Verdict.CORRELATION: Meaning(
            "it moves with a position that is held", ("desk.gates.correlation",)
        ),
        Verdict.GROSS: Meaning("no room for longs plus shorts", ("desk.limits.gross",)),
        Verdict.NET: Meaning("no room for longs less shorts", ("desk.limits.net",)),
        Verdict.SECTOR: Meaning("no room in its sector", ("desk.limits.sector",)),
        Verdict.CONCENTRATION: Meaning("no room in its strategy", ("desk.limits.strategy",)),
        Verdict.BETA: Meaning("no room for exposure to the universe", ("desk.limits.beta",)),
        Verdict.LIQUIDITY: Meaning(
            "too large for what is traded in a day", ("desk.gates.participation",)
        ),
        Verdict.VALUE_AT_RISK: Meaning(
            "the account could lose too much in a day", ("desk.gates.var",)
        ),
        Verdict.OPEN_RISK: Meaning(
            "a poor account already risks as much as it may",
            ("desk.poor.below", "desk.poor.open_risk"),
        ),
        Verdict.TOO_SMALL: Meaning(
            "smaller than the smallest order, or than one lot",
            ("desk.sizing.smallest_order", "desk.execution.lot"),
        ),
        Verdict.PARTNER: Meaning("the other leg of its pair may not be opened, or less of it"),
        Verdict.NO_VOLATILITY: Meaning(
            "neither an implied nor a trailing volatility is known, so no option has a price",
            ("desk.gates.min_sessions",),
        ),
        Verdict.NO_CONTRACT: Meaning(
            "no expiry and no strike is within what is asked for",
            (
                *("desk.options.expiries", "desk.options.min_days", "desk.options.max_days"),
                *("desk.options.delta", "desk.options.delta_band"),
            ),
        ),
    }
)


def setting_of(config: Settings, name: str) -> object:
    """Return the value of a setting by its dotted name."""
    value: object = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


def with_settings(words: str, settings: tuple[str, ...], config: Settings) -> str:
    """Return a meaning with its settings as they are: `words (desk.limits.gross=1.5)`."""
    if not settings:
        return words
    values = (f"{name}={setting_of(config, name)}" for name in settings)
    return f"{words} ({', '.join(values)})"
