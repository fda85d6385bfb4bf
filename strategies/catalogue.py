"""Every rule by its name, and how a config asks for one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from benbot.envs.market.selection import check_known
from benbot.envs.settings import Settings
from benbot.strategies.base import Strategy
from benbot.strategies.programs.strategy import ProgramStrategy, with_text
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.cash_secured_put import CashSecuredPut
from benbot.strategies.rules.covered_call import CoveredCall
from benbot.strategies.rules.cross_sectional_momentum import CrossSectionalMomentum
from benbot.strategies.rules.gap_fade import GapFade
from benbot.strategies.rules.low_volatility import LowVolatility
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.macd_trend import MacdTrend
from benbot.strategies.rules.news_diamond import NewsDiamond
from benbot.strategies.rules.pairs_trading import PairsTrading
from benbot.strategies.rules.rsi_reversion import RsiReversion
from benbot.strategies.rules.statistical_arbitrage import StatisticalArbitrage
from benbot.strategies.rules.time_of_day_momentum import TimeOfDayMomentum
from benbot.strategies.rules.time_series_momentum import TimeSeriesMomentum
from benbot.strategies.rules.volatility_breakout import VolatilityBreakout
from benbot.strategies.rules.vwap_reversion import VwapReversion

RULES: tuple[type[Strategy], ...] = (
    RsiReversion,
    MovingAverageCrossover,
    TimeSeriesMomentum,
    CrossSectionalMomentum,
    VolatilityBreakout,
    BollingerReversion,
    MacdTrend,
    GapFade,
    LowVolatility,
    PairsTrading,
    VwapReversion,
    TimeOfDayMomentum,
    NewsDiamond,
    StatisticalArbitrage,
    CoveredCall,
    CashSecuredPut,
)
CATALOGUE: Mapping[str, type[Strategy]] = MappingProxyType({rule.rule: rule for rule in RULES})
LABEL = r"^[A-Za-z0-9_.-]*$"  # it becomes part of the names of metrics and files


class StrategyChoice(Settings):
    """A rule of the catalogue, with those parameters that differ from its defaults.

    In a config it is the name alone, or a flat mapping: `{name: ma_crossover, fast: 10}`. A rule
    that is used twice needs a `label` for one of the two. A program is asked for by its file,
    `{program: rule.json}`; what it says is kept, so that the file is not needed again.
    """

    name: str
    label: str = Field("", pattern=LABEL)
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: object) -> object:
        if isinstance(given, str):
            return {"name": given}
        if not isinstance(given, Mapping):
            return given
        given = with_text(given)
        flat = {key: value for key, value in given.items() if key not in cls.model_fields}
        if flat and "parameters" in given:
            raise ValueError(
                f"parameters must stand either beside the name or below `parameters`, "
                f"was both: {', '.join(map(str, flat))} stand beside it"
            )
        if not flat:
            return given
        return {key: given[key] for key in given if key not in flat} | {"parameters": flat}

    @model_serializer
    def _flatten(self) -> dict[str, bool | int | float | str]:
        label = {"label": self.label} if self.label else {}
        return {"name": self.name, **label, **self.parameters}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return what an editor needs to complete names and parameters, ranges included."""
        by_name: JsonSchemaValue = {"enum": list(CATALOGUE)}
        kinds: tuple[type[Strategy], ...] = (*RULES, ProgramStrategy)
        rules = [_schema_of(rule) for rule in kinds]
        rules[-1]["properties"]["program"] = {"type": "string", "description": "file of a program"}
        rules[-1]["required"] = ["program"]
        return {"anyOf": [by_name, *rules]}


def build(choice: StrategyChoice) -> Strategy:
    """Return the strategy that was chosen; an unknown name is refused with a suggestion."""
    given: dict[str, Any] = dict(choice.parameters)
    if choice.name == ProgramStrategy.rule:
        known: list[str] = [*ProgramStrategy.parameters(), *ProgramStrategy.choices(), "program"]
        check_known("parameter of a program", given, known)
        return ProgramStrategy(label=choice.label, **given)
    check_known("strategy", [choice.name], CATALOGUE)
    rule = CATALOGUE[choice.name]
    check_known(f"parameter of {choice.name}", given, [*rule.parameters(), *rule.choices()])
    return rule(label=choice.label, **given)


def _schema_of(rule: type[Strategy]) -> JsonSchemaValue:
    properties: dict[str, JsonSchemaValue] = {
        "name": {"const": rule.rule},
        "label": {"type": "string", "pattern": LABEL, "description": "its name if used twice"},
    }
    for name, words in rule.choices().items():
        properties[name] = {"enum": list(words), "default": getattr(rule, name)}
    for name, wanted in rule.parameters().items():
        properties[name] = {
            "type": "integer" if wanted.whole else "number",
            "minimum": wanted.low,
            "maximum": wanted.high,
            "default": wanted.default,
            "description": wanted.meaning,
        }
    return {
        "type": "object",
        "properties": properties,
        "required": ["name"],
        "additionalProperties": False,
    }
