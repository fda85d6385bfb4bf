"""The rules reach the kernel whole, and refuse what cannot mean anything."""

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.envs.desk.execution import fill_model
from benbot.envs.desk.rules import DeskRules, Limits, Sizing


def test_the_record_holds_every_number_of_every_section() -> None:
    rules = DeskRules()
    record = rules.record()[0]
    assert record["capital"] == 100_000.0
    # The kernel sees of these only what is made of them: budgets, and a fill model.
    for section, fields in rules.model_dump(exclude={"capital", "portfolio"}).items():
        for name, value in fields.items():
            if not isinstance(value, str):
                assert record[f"{section}_{name}"] == value


@pytest.mark.parametrize(("method", "number"), [("risk", 0), ("volatility", 1), ("kelly", 2)])
def test_a_method_of_sizing_is_a_number_in_the_record(method: str, number: int) -> None:
    rules = DeskRules.model_validate({"sizing": {"method": method}})
    assert rules.record()["sizing_method"] == number


def test_where_a_spread_comes_from_is_the_tape_s_and_not_in_the_record() -> None:
    estimated = DeskRules.model_validate({"costs": {"spread": "estimated"}})
    assert estimated.record() == DeskRules().record()


def test_an_execution_style_is_its_fill_model_in_the_record() -> None:
    execution = {"style": "almgren_chriss", "slices": 4, "urgency": 2.0}
    record = DeskRules.model_validate({"execution": execution}).record()[0]
    for name, value in fill_model("almgren_chriss", 4, 2.0)._asdict().items():
        assert record[f"execution_{name}"] == value


def test_the_defaults_are_those_of_the_design() -> None:
    rules = DeskRules()
    assert (rules.sizing.risk_per_trade, rules.sizing.risk_per_diamond) == (0.01, 0.02)
    assert (rules.sizing.position_cap, rules.limits.max_positions) == (0.10, 10)
    assert (rules.sizing.scale_low, rules.sizing.scale_high) == (0.5, 1.5)
    assert (rules.limits.daily_trades, rules.poor.below) == (50, 25_000.0)
    assert (rules.poor.risk_per_trade, rules.poor.position_cap) == (0.007, 0.10)
    assert (rules.poor.open_risk, rules.poor.daily_loss) == (0.015, 0.01)
    assert (rules.breakers.drawdown, rules.breakers.daily_loss) == (0.05, 0.02)
    assert (rules.breakers.cooldown, rules.breakers.recovering_scale) == (5, 0.5)


def test_whole_numbers_in_a_config_do_not_change_the_types_that_the_kernel_sees() -> None:
    written = DeskRules.model_validate({"capital": 1_000_000, "sizing": {"scale_memory": 30}})
    assert written.record().dtype == DeskRules().record().dtype


def test_a_switch_is_a_number_in_the_record() -> None:
    record = DeskRules(limits=Limits(allow_short=False)).record()
    assert record.dtype["limits_allow_short"] == np.int64
    assert record["limits_allow_short"][0] == 0


def test_without_breakers_only_what_halts_and_poverty_change() -> None:
    rules = DeskRules.model_validate({"day_trading": {"enabled": True}})
    before, after = rules.record(), rules.without_breakers().record()
    changed = {name for name in before.dtype.names if before[name] != after[name]}
    assert changed == {
        "breakers_drawdown",
        "breakers_daily_loss",
        "poor_below",
        "day_trading_enabled",
    }


def test_a_profit_factor_that_wins_below_the_one_that_loses_is_refused() -> None:
    with pytest.raises(ValidationError, match="profit_factor_low must lie below"):
        Sizing(profit_factor_low=1.5, profit_factor_high=1.5)


def test_a_misspelt_rule_is_refused() -> None:
    with pytest.raises(ValidationError, match="risk_per_tade"):
        DeskRules.model_validate({"sizing": {"risk_per_tade": 0.01}})
