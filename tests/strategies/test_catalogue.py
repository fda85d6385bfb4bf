"""The catalogue: how a config asks for a strategy, and what it hears when that cannot be."""

from importlib import import_module

import pytest
from pydantic import ValidationError

from benbot.envs.errors import InvalidParameter, UnknownName
from benbot.strategies.catalogue import CATALOGUE, RULES, StrategyChoice, build
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion


def chosen(given: object) -> StrategyChoice:
    return StrategyChoice.model_validate(given)


def test_every_rule_is_in_the_file_of_its_name_and_can_be_built_by_it() -> None:
    assert len(CATALOGUE) == len(RULES) >= 6
    for name, rule in CATALOGUE.items():
        strategy = build(chosen(name))
        assert type(strategy) is rule
        assert strategy.name == name
        assert rule is getattr(import_module(f"benbot.strategies.rules.{name}"), rule.__name__)


def test_a_name_alone_means_its_defaults() -> None:
    assert build(chosen("rsi_reversion")) == RsiReversion()


def test_parameters_stand_beside_the_name() -> None:
    quick = chosen({"name": "ma_crossover", "label": "quick", "fast": 3, "slow": 9, "side": "long"})
    expected = MovingAverageCrossover(label="quick", fast=3, slow=9, side="long")
    assert build(quick) == expected
    assert build(quick).name == "quick"


@pytest.mark.parametrize(
    "given",
    [
        "rsi_reversion",
        {"name": "rsi_reversion"},
        {"name": "rsi_reversion", "window": 20, "oversold": 25.5, "label": "slow"},
    ],
)
def test_a_choice_is_written_as_it_is_read(given: object) -> None:
    written = chosen(given).model_dump()
    assert "parameters" not in written
    assert chosen(written) == chosen(given)


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"'ma_crosover'. Did you mean ma_crossover"):
        build(chosen("ma_crosover"))


def test_a_name_like_no_other_is_refused_with_the_first_of_the_list() -> None:
    with pytest.raises(UnknownName) as refused:
        build(chosen("zzz"))
    shown = ", ".join(sorted(CATALOGUE)[:8])
    assert str(refused.value).endswith(f"There are {shown} and {len(CATALOGUE) - 8} more")


def test_an_unknown_parameter_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownName) as refused:
        build(chosen({"name": "ma_crossover", "fsat": 5}))
    assert str(refused.value) == (
        "parameter of ma_crossover must be one that exists, was 'fsat'. Did you mean fast?"
    )


def test_a_parameter_outside_its_range_is_refused_with_the_range() -> None:
    with pytest.raises(InvalidParameter) as refused:
        build(chosen({"name": "ma_crossover", "slow": 1000}))
    assert str(refused.value) == (
        "slow of ma_crossover must be a whole number from 2 to 400 (bars in the slow average), "
        "was 1000"
    )


@pytest.mark.parametrize("value", [True, "five", 5.5])
def test_a_value_of_the_wrong_kind_is_not_bent_into_a_number(value: object) -> None:
    with pytest.raises(InvalidParameter, match=f"was {value!r}"):
        build(chosen({"name": "ma_crossover", "fast": value}))


def test_a_choice_without_a_name_or_with_a_label_that_cannot_name_files_is_refused() -> None:
    with pytest.raises(ValidationError, match="name"):
        chosen({"fast": 5})
    with pytest.raises(ValidationError, match="label"):
        chosen({"name": "ma_crossover", "label": "a/b"})
    with pytest.raises(ValidationError):
        chosen(5)


def test_parameters_in_two_places_are_refused() -> None:
    with pytest.raises(ValidationError, match="was both: fast stand beside it"):
        chosen({"name": "ma_crossover", "fast": 5, "parameters": {"slow": 9}})


def test_the_schema_tells_an_editor_names_ranges_and_meanings() -> None:
    names, *rules, program = StrategyChoice.model_json_schema()["anyOf"]
    assert names == {"enum": list(CATALOGUE)}
    assert [rule["properties"]["name"]["const"] for rule in rules] == list(CATALOGUE)
    assert program["required"] == ["program"]
    crossover = rules[list(CATALOGUE).index("ma_crossover")]
    assert crossover["additionalProperties"] is False
    assert crossover["properties"]["fast"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 5,
        "description": "bars in the fast average",
    }
